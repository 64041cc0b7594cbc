//! The wallet, payments and valuations.

use awesomestock::app::event::{Request, RequestError, Response, StreamEvent};
use awesomestock::app::overlay::Overlay;
use awesomestock::app::portfolio::money::{Centitokens, Permille};
use awesomestock::app::portfolio::order_log::{ActionStatus, LoggedAction};
use awesomestock::app::portfolio::wallet::{Wallet, WalletState};
use awesomestock::app::{Effect, Event};

use crate::game::Game;

#[test]
fn an_older_wallet_never_replaces_a_newer_one() {
    let mut game = Game::connected();
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
    game.event(Event::Answered(Response::Wallet(newer)));
    game.event(Event::Answered(Response::Wallet(older)));
    assert_eq!(game.state.holdings, WalletState::Known(newer));
    // A casino that reports tokens only has replaced the one that reported more.
    game.event(Event::Answered(Response::Tokens(9)));
    assert_eq!(game.state.holdings, WalletState::TokensOnly(9));
    game.stream(StreamEvent::Wallet(older));
    assert_eq!(
        game.state.holdings,
        WalletState::Known(older),
        "the wallet on connecting is always current"
    );
}

#[test]
fn a_payment_answered_while_the_stream_opens_stays_in_the_wallet() {
    let mut game = Game::connected();
    let [opened, paid] = [0, 1].map(|version| Wallet {
        version,
        ..Wallet::default()
    });
    game.event(Event::Answered(Response::Wallet(paid)));
    let effects = game.stream(StreamEvent::Wallet(opened));
    assert_eq!(effects, [Effect::Call(Request::Holdings)]);
    game.event(Event::Answered(Response::Wallet(paid)));
    assert_eq!(game.state.holdings, WalletState::Known(paid));
    assert_eq!(game.stream(StreamEvent::Wallet(paid)), []);
}

#[test]
fn amounts_are_entered_validated_and_sent() {
    for (keys, expected) in [
        ("t100\n", vec![Effect::Call(Request::BuyTokens(100))]),
        ("tx1y0\n", vec![Effect::Call(Request::BuyTokens(10))]),
        ("t\n", vec![]),
        ("t0\n", vec![]),
        ("t9999999999\n", vec![]),
        ("t5\x1b", vec![]),
        ("w300\n", vec![Effect::Call(Request::Withdraw(300))]),
        ("w7\n", vec![]),
        ("wm\n", vec![]),
        ("wm\n\n", vec![Effect::Call(Request::Withdraw(500))]),
        ("w495\n", vec![Effect::Call(Request::Withdraw(495))]),
        ("w505\n", vec![Effect::Call(Request::Withdraw(505))]),
        ("w12\x080\n", vec![Effect::Call(Request::Withdraw(10))]),
    ] {
        assert_eq!(Game::connected().keys(keys), expected, "{keys:?}");
    }
    let mut game = Game::connected();
    game.keys("w7\n");
    match game.state.screen.overlays.last() {
        Some(Overlay::Amount(entry)) => {
            assert_eq!(entry.error.as_deref(), Some("must be a multiple of 5: 5 or 10"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_payment_updates_its_log_entry() {
    let mut game = Game::connected();
    game.keys("t100\nt100\nw5\n");
    game.event(Event::Failed(
        Request::Withdraw(5),
        RequestError::Unanswered("gone".to_owned()),
    ));
    let effects = game.event(Event::Answered(Response::TokensBought {
        dollars: 100,
        tokens: 500,
    }));
    assert_eq!(effects, [Effect::Call(Request::Holdings)]);
    game.event(Event::Failed(
        Request::BuyTokens(100),
        RequestError::Rejected("too much".to_owned()),
    ));
    let log = vec![
        (
            LoggedAction::BuyTokens(100),
            ActionStatus::Done("500 tokens".to_owned()),
        ),
        (
            LoggedAction::BuyTokens(100),
            ActionStatus::Rejected("too much".to_owned()),
        ),
        (LoggedAction::Withdraw(5), ActionStatus::Unanswered),
    ];
    assert_eq!(game.log(), log);
}

#[test]
fn valuations_use_integers() {
    let wallet = Wallet {
        tokens: 5,
        stocks: 3,
        cost_basis: 32,
        ..Wallet::default()
    };
    assert_eq!(wallet.value(15), 45);
    assert_eq!(wallet.equity(15), 50);
    assert_eq!(wallet.unrealised_pnl(10), -2);
    assert_eq!(wallet.unrealised_permille(10), Some(Permille(-63)));
    assert_eq!(wallet.average_cost(), Some(Centitokens(1066)));
    let empty = Wallet::default();
    assert_eq!(
        (empty.average_cost(), empty.unrealised_permille(10)),
        (None, None)
    );
    let largest = Wallet {
        tokens: i32::MAX,
        stocks: i32::MAX,
        cost_basis: i64::MAX,
        ..Wallet::default()
    };
    assert_eq!(
        largest.equity(i32::MAX),
        i64::from(i32::MAX) * i64::from(i32::MAX) + i64::from(i32::MAX)
    );
    assert_eq!(largest.average_cost(), None);
}
