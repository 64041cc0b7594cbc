//! Orders: what keys and words send, what is held back, and how answers find them.

use awesomestock::app::{
    Event, MAX_WAITING_ORDERS,
    event::StreamEvent,
    log::{Deed, Outcome},
    money::Side,
    wallet::{Holdings, Wallet},
};
use crossterm::event::{KeyCode, KeyEventKind};

use crate::game::{Game, send};

#[test]
fn keys_send_the_orders_the_ticket_shows() {
    for (keys, expected) in [
        ("b", send(Side::Buy, 1)),
        ("2b", send(Side::Buy, 2)),
        ("25s", send(Side::Sell, 25)),
        ("12\x083b", send(Side::Buy, 13)),
        ("mb", vec![]),
        ("mb\n", send(Side::Buy, 50)),
        ("mby", send(Side::Buy, 50)),
        ("mbn", vec![]),
        ("mb\x1b1b", send(Side::Buy, 1)),
        ("45b", vec![]),
        ("44b", send(Side::Buy, 44)),
        ("51b", send(Side::Buy, 51)),
        ("1ks", send(Side::Sell, 1000)),
        ("mmb", send(Side::Buy, 1)),
        ("m7b", send(Side::Buy, 7)),
        ("2b3b", [send(Side::Buy, 2), send(Side::Buy, 3)].concat()),
        ("99999999999b", send(Side::Buy, 999_999_999)),
        ("50%b", send(Side::Buy, 25)),
        ("2.5ks", send(Side::Sell, 2500)),
        ("$10b", send(Side::Buy, 5)),
        ("2.5b", vec![]),
        ("1.x2kb", send(Side::Buy, 1200)),
        ("k%.b", send(Side::Buy, 1)),
        ("40%\x08b", send(Side::Buy, 40)),
        ("0b", vec![]),
        ("ms", vec![]),
    ] {
        assert_eq!(Game::seated().keys(keys), expected, "{keys:?}");
    }
}

#[test]
fn arrows_move_the_ticket_and_never_below_one() {
    let mut game = Game::seated();
    for (key, expected) in [
        (KeyCode::Up, 2),
        (KeyCode::PageUp, 12),
        (KeyCode::Down, 11),
        (KeyCode::PageDown, 1),
        (KeyCode::PageDown, 1),
        (KeyCode::Down, 1),
    ] {
        game.key(key, KeyEventKind::Press);
        let preview = game
            .state
            .ticket
            .preview(Side::Buy, 10, &game.state.holdings)
            .unwrap();
        assert_eq!(preview.count, expected, "{key:?}");
    }
}

#[test]
fn a_held_or_released_key_never_trades() {
    let mut game = Game::seated();
    for kind in [KeyEventKind::Repeat, KeyEventKind::Release] {
        for letter in ['b', 's', 't', 'w', 'q'] {
            assert_eq!(game.key(KeyCode::Char(letter), kind), [], "{letter} {kind:?}");
        }
    }
    assert!(game.state.screen.overlays.is_empty());
    game.key(KeyCode::Up, KeyEventKind::Repeat);
    assert_eq!(game.keys("b"), send(Side::Buy, 2));
}

#[test]
fn a_paste_never_trades() {
    let mut game = Game::seated();
    assert_eq!(game.event(Event::Paste("bbb\n".to_owned())), []);
    assert_eq!(game.keys(":"), []);
    assert_eq!(game.event(Event::Paste("buy 3\n".to_owned())), []);
    assert_eq!(game.state.log.entries().len(), 0);
    assert_eq!(game.keys("\n"), send(Side::Buy, 3));
}

#[test]
fn an_order_is_pending_until_its_answer_came() {
    let mut game = Game::seated();
    game.keys("2bs");
    let waiting = vec![
        (Deed::Order(Side::Buy, 2), Outcome::Pending),
        (Deed::Order(Side::Sell, 2), Outcome::Pending),
    ];
    assert_eq!(game.log(), waiting);
    assert_eq!(game.state.holdings.tokens(), Some(500));

    let wallet = Wallet {
        tokens: 480,
        stocks: 2,
        cost_basis: 20,
        dollars_in: 100,
        version: 2,
        ..Wallet::default()
    };
    game.result(true, "operation executed successfully", wallet);
    game.result(false, "no", wallet);
    let answered = vec![
        (Deed::Order(Side::Buy, 2), Outcome::Traded { price: Some(10) }),
        (Deed::Order(Side::Sell, 2), Outcome::Refused("no".to_owned())),
    ];
    assert_eq!(game.log(), answered);
    assert_eq!(game.state.holdings, Holdings::Known(wallet));
}

#[test]
fn orders_are_held_back_in_words_while_the_table_is_not_live() {
    let mut connecting = Game::new();
    let mut lost = Game::seated();
    lost.stream(StreamEvent::Lost("connection reset".to_owned()));
    let mut left = Game::seated();
    left.keys(":stop\n");
    let mut barred = Game::seated();
    barred.stream(StreamEvent::Barred("the name is another's".to_owned()));
    for (game, word) in [
        (&mut barred, "no seat"),
        (&mut connecting, "connecting"),
        (&mut lost, "reconnecting"),
        (&mut left, "left"),
    ] {
        assert_eq!(game.keys(":buy 1\n"), [], "{word}");
        match game.last_outcome() {
            Outcome::NotSent(why) => assert!(why.contains(word), "{why}"),
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn orders_that_wait_are_bounded() {
    let mut game = Game::seated();
    for _ in 0..MAX_WAITING_ORDERS {
        assert_eq!(game.keys("b"), send(Side::Buy, 1));
    }
    assert_eq!(game.keys("b"), []);
    assert!(matches!(game.last_outcome(), Outcome::NotSent(why) if why.contains("64")));
    assert_eq!(game.state.log.waiting(), MAX_WAITING_ORDERS);
}
