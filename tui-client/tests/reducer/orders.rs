//! Orders: what keys and commands send, what is blocked, and how answers are matched.

use awesomestock::app::event::{OrderResult, StreamEvent};
use awesomestock::app::lobby::Capabilities;
use awesomestock::app::overlay::Overlay;
use awesomestock::app::portfolio::money::Side;
use awesomestock::app::portfolio::order::{ClientOrderId, Order, Terms};
use awesomestock::app::portfolio::order_log::{ActionStatus, LoggedAction};
use awesomestock::app::portfolio::wallet::{Wallet, WalletState};
use awesomestock::app::{Effect, Event, MAX_WAITING_ORDERS};
use crossterm::event::{KeyCode, KeyEventKind};

use crate::game::{Game, send, wallet};

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
        ("50%2b", send(Side::Buy, 2)),
        ("2.5k3b", send(Side::Buy, 3)),
        ("2.5ks", send(Side::Sell, 2500)),
        ("$10b", send(Side::Buy, 5)),
        ("2.5b", vec![]),
        ("1.x2kb", send(Side::Buy, 1200)),
        ("k%.b", send(Side::Buy, 1)),
        ("40%\x08b", send(Side::Buy, 40)),
        ("0b", vec![]),
        ("ms", vec![]),
    ] {
        assert_eq!(Game::connected().keys(keys), expected, "{keys:?}");
    }
}

#[test]
fn digits_after_an_order_that_is_not_sent_begin_the_next_quantity() {
    let mut game = Game::new();
    game.keys("5b");
    assert!(matches!(game.last_outcome(), ActionStatus::NotSent(_)));
    game.keys("7");
    assert_eq!(game.state.ticket.typed(), "7");
}

#[test]
fn a_quantity_that_depends_on_the_price_is_computed_when_the_order_is_sent() {
    let sent = |side, count, up_to| {
        vec![Effect::Send(Order {
            side,
            count,
            terms: Terms::Market,
            up_to,
            round: None,
            id: ClientOrderId::default(),
        })]
    };
    let max = i32::MAX;
    for (up_to, keys, price, then, expected) in [
        // The price rises or falls while the confirmation is open.
        (true, "mb", 14, "\n", sent(Side::Buy, max, true)),
        (true, "mb", 8, "\n", sent(Side::Buy, max, true)),
        (false, "mb", 14, "\n", sent(Side::Buy, 35, false)),
        (false, "mb", 8, "\n", sent(Side::Buy, 62, false)),
        (true, "95%b", 14, "\n", sent(Side::Buy, 33, true)),
        (false, "95%b", 14, "\n", sent(Side::Buy, 33, false)),
        (true, "$100b", 14, "\n", sent(Side::Buy, 35, false)),
        // A typed count does not change.
        (true, "50b", 14, "\n", sent(Side::Buy, 50, false)),
        (false, "50b", 14, "\n", sent(Side::Buy, 50, false)),
        // Not even one stock is affordable any more.
        (true, "mb", 501, "\n", vec![]),
        // A small order needs no confirmation.
        (true, "50%", 14, "b", sent(Side::Buy, 17, true)),
        (true, "m", 14, "s", sent(Side::Sell, max, true)),
        (false, "m", 14, "s", sent(Side::Sell, 3, false)),
    ] {
        let mut game = Game::connected();
        game.stream(StreamEvent::Capabilities(Capabilities {
            up_to,
            ..Capabilities::default()
        }));
        game.stream(StreamEvent::Wallet(wallet(500, 3, 2)));
        assert_eq!(game.keys(keys), [], "{keys:?}");
        game.price(1, price);
        assert_eq!(game.keys(then), expected, "{up_to} {keys:?} {price}");
    }
}

#[test]
fn a_quantity_below_one_stock_is_not_sent_and_says_why() {
    let notice = |reason: &str| (LoggedAction::Notice, ActionStatus::NotSent(reason.to_owned()));
    let zero = |side| {
        let reason = "the quantity is 0".to_owned();
        (
            LoggedAction::Order(side, 0, Terms::Market),
            ActionStatus::NotSent(reason),
        )
    };
    for (keys, expected) in [
        ("mb", notice("one stock costs 10 tokens, you have 7 tokens")),
        (
            "50%b",
            notice("one stock costs 10 tokens, 50 % of 7 tokens is less"),
        ),
        ("$1b", notice("one stock costs 10 tokens, 1 $ is worth 5 tokens")),
        ("$1s", notice("one stock costs 10 tokens, 1 $ is worth 5 tokens")),
        ("ms", notice("you have no stocks to sell")),
        ("50%s", notice("50 % of 0 stocks is less than one stock")),
        ("0b", zero(Side::Buy)),
        ("0s", zero(Side::Sell)),
    ] {
        let mut game = Game::connected();
        game.stream(StreamEvent::Wallet(wallet(7, 0, 2)));
        assert_eq!(game.keys(keys), [], "{keys:?}");
        assert_eq!(game.log(), [expected], "{keys:?}");
    }
}

#[test]
fn the_log_shows_the_number_of_stocks_traded() {
    let mut game = Game::connected();
    game.stream(StreamEvent::Capabilities(Capabilities {
        up_to: true,
        ..Capabilities::default()
    }));
    game.keys("mb\n");
    let pending = (
        LoggedAction::Order(Side::Buy, 50, Terms::Market),
        ActionStatus::Pending,
    );
    assert_eq!(game.log(), [pending]);
    game.stream(StreamEvent::Result(OrderResult {
        executed: true,
        message: "operation executed successfully".to_owned(),
        price: Some(14),
        count: Some(35),
        tick: Some(1),
        at: None,
        wallet: Some(wallet(10, 35, 2)),
    }));
    let traded = ActionStatus::Traded { price: Some(14) };
    assert_eq!(
        game.log(),
        [(LoggedAction::Order(Side::Buy, 35, Terms::Market), traded)]
    );
    let markers = game.state.chart.markers.iter().map(|marker| marker.count);
    assert_eq!(markers.collect::<Vec<_>>(), [35]);
}

#[test]
fn arrows_change_the_quantity_and_stop_at_one() {
    let mut game = Game::connected();
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
    let mut game = Game::connected();
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
    let mut game = Game::connected();
    assert_eq!(game.event(Event::Paste("bbb\n".to_owned())), []);
    assert_eq!(game.keys(":"), []);
    assert_eq!(game.event(Event::Paste("buy 3\n".to_owned())), []);
    assert_eq!(game.state.log.entries().len(), 0);
    assert_eq!(game.keys("\n"), send(Side::Buy, 3));
}

#[test]
fn pasted_lines_become_words_and_an_amount_is_one_line() {
    for (pasted, line) in [
        ("buy 1\nbuy 2\n", "buy 1 buy 2"),
        ("\r\nbuy 10\r\n@ 14\r\n", "buy 10 @ 14"),
        ("sell 3\rstop 2", "sell 3 stop 2"),
        ("buy\t1", "buy 1"),
        ("\n \n", ""),
        (" 5", " 5"),
    ] {
        let mut game = Game::connected();
        game.keys(":");
        game.event(Event::Paste(pasted.to_owned()));
        let Some(Overlay::Palette(palette)) = game.state.screen.overlays.last() else {
            panic!("{pasted:?}: no palette");
        };
        assert_eq!(palette.input.value(), line);
    }
    for (pasted, digits) in [("\n100\n200\n", "100"), ("1,000 $", "1000")] {
        let mut game = Game::connected();
        game.keys("t");
        game.event(Event::Paste(pasted.to_owned()));
        let Some(Overlay::Amount(entry)) = game.state.screen.overlays.last() else {
            panic!("{pasted:?}: no amount");
        };
        assert_eq!(entry.digits, digits);
    }
}

#[test]
fn an_order_is_pending_until_it_is_answered() {
    let mut game = Game::connected();
    game.keys("2bs");
    let waiting = vec![
        (
            LoggedAction::Order(Side::Buy, 2, Terms::Market),
            ActionStatus::Pending,
        ),
        (
            LoggedAction::Order(Side::Sell, 2, Terms::Market),
            ActionStatus::Pending,
        ),
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
        (
            LoggedAction::Order(Side::Buy, 2, Terms::Market),
            ActionStatus::Traded { price: Some(10) },
        ),
        (
            LoggedAction::Order(Side::Sell, 2, Terms::Market),
            ActionStatus::Rejected("no".to_owned()),
        ),
    ];
    assert_eq!(game.log(), answered);
    assert_eq!(game.state.holdings, WalletState::Known(wallet));
}

#[test]
fn orders_without_a_live_session_are_blocked_with_a_reason() {
    let mut connecting = Game::new();
    let mut lost = Game::connected();
    lost.stream(StreamEvent::Closed("connection reset".to_owned()));
    let mut disconnected = Game::connected();
    disconnected.keys(":stop\n");
    let mut not_allowed = Game::connected();
    not_allowed.stream(StreamEvent::Rejected("the name is another's".to_owned()));
    for (game, expected) in [
        (&mut not_allowed, "rejected"),
        (&mut connecting, "connecting"),
        (&mut lost, "reconnecting"),
        (&mut disconnected, "left"),
    ] {
        assert_eq!(game.keys(":buy 1\n"), [], "{expected}");
        match game.last_outcome() {
            ActionStatus::NotSent(reason) => assert!(reason.contains(expected), "{reason}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn pending_orders_are_limited() {
    let mut game = Game::connected();
    for _ in 0..MAX_WAITING_ORDERS {
        assert_eq!(game.keys("b"), send(Side::Buy, 1));
    }
    assert_eq!(game.keys("b"), []);
    assert!(matches!(game.last_outcome(), ActionStatus::NotSent(reason) if reason.contains("64")));
    assert_eq!(game.state.log.waiting(), MAX_WAITING_ORDERS);
}

#[test]
fn nothing_is_traded_while_the_terminal_is_too_small() {
    for (size, expected) in [
        ((38, 10), send(Side::Buy, 1)),
        ((37, 10), vec![]),
        ((38, 9), vec![]),
    ] {
        let mut game = Game::connected();
        game.event(Event::Resized(size.0, size.1));
        assert_eq!(game.keys("b"), expected, "{size:?}");
        assert_eq!(game.keys("q"), [Effect::Quit], "{size:?}");
    }
}
