//! The wallet, payments and what things are worth.

use awesomestock::app::{
    Effect, Event,
    event::{Answer, Call, Failure, StreamEvent},
    log::{Deed, Outcome},
    money::{Centitokens, Permille},
    overlay::Overlay,
    wallet::{Holdings, Wallet},
};

use crate::game::Game;

#[test]
fn an_older_wallet_never_replaces_a_newer_one() {
    let mut game = Game::seated();
    let newer = Wallet {
        tokens: 7,
        version: 5,
        ..Wallet::default()
    };
    let older = Wallet {
        tokens: 8,
        version: 4,
        ..Wallet::default()
    };
    game.event(Event::Answered(Answer::Wallet(newer)));
    game.event(Event::Answered(Answer::Wallet(older)));
    assert_eq!(game.state.holdings, Holdings::Known(newer));
    // A casino that tells tokens only has taken the place of the one that told more.
    game.event(Event::Answered(Answer::Tokens(9)));
    assert_eq!(game.state.holdings, Holdings::TokensOnly(9));
    game.stream(StreamEvent::Wallet(older));
    assert_eq!(
        game.state.holdings,
        Holdings::Known(older),
        "joining tells what is true"
    );
}

#[test]
fn amounts_are_entered_checked_and_sent() {
    for (keys, expected) in [
        ("t100\n", vec![Effect::Call(Call::BuyTokens(100))]),
        ("tx1y0\n", vec![Effect::Call(Call::BuyTokens(10))]),
        ("t\n", vec![]),
        ("t0\n", vec![]),
        ("t9999999999\n", vec![]),
        ("t5\x1b", vec![]),
        ("w300\n", vec![Effect::Call(Call::Withdraw(300))]),
        ("w7\n", vec![]),
        ("wm\n", vec![]),
        ("wm\n\n", vec![Effect::Call(Call::Withdraw(500))]),
        ("w495\n", vec![Effect::Call(Call::Withdraw(495))]),
        ("w505\n", vec![Effect::Call(Call::Withdraw(505))]),
        ("w12\x080\n", vec![Effect::Call(Call::Withdraw(10))]),
    ] {
        assert_eq!(Game::seated().keys(keys), expected, "{keys:?}");
    }
    let mut game = Game::seated();
    game.keys("w7\n");
    match game.state.screen.overlays.last() {
        Some(Overlay::Amount(entry)) => assert_eq!(entry.error.as_deref(), Some("a multiple of 5: 5 or 10")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_payment_finds_its_line_in_the_log() {
    let mut game = Game::seated();
    game.keys("t100\nt100\nw5\n");
    game.event(Event::Failed(
        Call::Withdraw(5),
        Failure::Unanswered("gone".to_owned()),
    ));
    let effects = game.event(Event::Answered(Answer::TokensBought {
        dollars: 100,
        tokens: 500,
    }));
    assert_eq!(effects, [Effect::Call(Call::Holdings)]);
    game.event(Event::Failed(
        Call::BuyTokens(100),
        Failure::Refused("too much".to_owned()),
    ));
    let log = vec![
        (Deed::BuyTokens(100), Outcome::Done("500 tokens".to_owned())),
        (Deed::BuyTokens(100), Outcome::Refused("too much".to_owned())),
        (Deed::Withdraw(5), Outcome::Unanswered),
    ];
    assert_eq!(game.log(), log);
}

#[test]
fn worth_is_reckoned_in_whole_numbers() {
    let wallet = Wallet {
        tokens: 5,
        stocks: 3,
        cost_basis: 32,
        ..Wallet::default()
    };
    assert_eq!(wallet.value(15), 45);
    assert_eq!(wallet.equity(15), 50);
    assert_eq!(wallet.unrealised_pnl(10), -2);
    assert_eq!(wallet.unrealised_permille(10), Some(Permille(-62)));
    assert_eq!(wallet.average_cost(), Some(Centitokens(1066)));
    let empty = Wallet::default();
    assert_eq!(
        (empty.average_cost(), empty.unrealised_permille(10)),
        (None, None)
    );
    let most = Wallet {
        tokens: i32::MAX,
        stocks: i32::MAX,
        cost_basis: i64::MAX,
        ..Wallet::default()
    };
    assert_eq!(
        most.equity(i32::MAX),
        i64::from(i32::MAX) * i64::from(i32::MAX) + i64::from(i32::MAX)
    );
    assert_eq!(most.average_cost(), None);
}
