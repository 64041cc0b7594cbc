//! Limit orders: entered on the ticket or as a command, sent, blocked, and shown in the log.

use awesomestock::app::event::{Response, StreamEvent, TradeRow};
use awesomestock::app::lobby::Capabilities;
use awesomestock::app::overlay::Overlay;
use awesomestock::app::portfolio::money::Side;
use awesomestock::app::portfolio::order::{ClientOrderId, Order, Terms};
use awesomestock::app::portfolio::order_log::{ActionStatus, LoggedAction};
use awesomestock::app::{Effect, Event};

use crate::game::{Game, START, send, wallet};

/// [`Game::connected`] at a casino with or without support for limits.
fn connected(limits: bool) -> Game {
    let mut game = Game::connected();
    game.stream(StreamEvent::Capabilities(Capabilities {
        limits,
        ..Capabilities::default()
    }));
    game
}

fn limited(side: Side, count: i32, limit: i32) -> Vec<Effect> {
    vec![Effect::Send(Order {
        side,
        count,
        terms: Terms::Limit(limit),
        up_to: false,
        round: None,
        id: ClientOrderId::default(),
    })]
}

#[test]
fn keys_send_orders_with_the_limit_the_ticket_shows() {
    for (keys, expected) in [
        ("2@14b", limited(Side::Buy, 2, 14)),
        ("2@9s", limited(Side::Sell, 2, 9)),
        // The limit is kept, and the next digit belongs to the quantity again.
        (
            "2@14b3b",
            [limited(Side::Buy, 2, 14), limited(Side::Buy, 3, 14)].concat(),
        ),
        (
            "2@14b@15b",
            [limited(Side::Buy, 2, 14), limited(Side::Buy, 2, 15)].concat(),
        ),
        // Backspace removes the limit's digits, then the limit.
        ("2@14\x08b", limited(Side::Buy, 2, 1)),
        ("2@1\x08\x08b", send(Side::Buy, 2)),
        ("2@@b", send(Side::Buy, 2)),
        (
            "2@14b@@b",
            [limited(Side::Buy, 2, 14), send(Side::Buy, 2)].concat(),
        ),
        // The maximum at the limit price, whatever the current price is.
        ("m@20b\n", limited(Side::Buy, 25, 20)),
        ("50%@20b", limited(Side::Buy, 12, 20)),
        ("$50@20b", limited(Side::Buy, 12, 20)),
        ("@99999999999b\n", limited(Side::Buy, 1, 999_999_999)),
        ("@20:buy 2\n", send(Side::Buy, 2)),
        (":buy 2 @ 14\n", limited(Side::Buy, 2, 14)),
        (":limit\n14b", limited(Side::Buy, 1, 14)),
        // An incomplete limit blocks the order.
        ("2@b", vec![]),
        ("2@0b", vec![]),
    ] {
        assert_eq!(connected(true).keys(keys), expected, "{keys:?}");
    }
}

#[test]
fn an_order_blocked_by_its_limit_is_explained() {
    for (limits, keys, action, reason) in [
        (true, "2@b", LoggedAction::Notice, "the price is missing"),
        (
            false,
            "2@14b",
            LoggedAction::Order(Side::Buy, 2, Terms::Limit(14)),
            "this casino does not support limit orders",
        ),
        (
            false,
            ":sell 2 @ 14\n",
            LoggedAction::Order(Side::Sell, 2, Terms::Limit(14)),
            "this casino does not support limit orders",
        ),
    ] {
        let mut game = connected(limits);
        assert_eq!(game.keys(keys), [], "{keys:?}");
        let expected = (action, ActionStatus::NotSent(reason.to_owned()));
        assert_eq!(game.log(), [expected], "{keys:?}");
    }
}

#[test]
fn the_log_shows_the_limit_from_sending_to_the_answer() {
    let mut game = connected(true);
    game.keys("2@14b3@9s");
    let (bought, sold) = (
        LoggedAction::Order(Side::Buy, 2, Terms::Limit(14)),
        LoggedAction::Order(Side::Sell, 3, Terms::Limit(9)),
    );
    let pending = |action: &LoggedAction| (action.clone(), ActionStatus::Pending);
    assert_eq!(game.log(), [pending(&bought), pending(&sold)]);
    let wallet = wallet(480, 2, 2);
    game.result(true, "operation executed successfully", wallet);
    let message = "selling 3 stocks needs 3, you have 2";
    game.result(false, message, wallet);
    let traded = (bought, ActionStatus::Traded { price: Some(10) });
    let rejected = (sold, ActionStatus::Rejected(message.to_owned()));
    assert_eq!(game.log(), [traded, rejected]);
    assert_eq!(game.state.chart.markers.iter().count(), 1);
    // Received again in the trade list, it is not added twice.
    let again = TradeRow {
        tick: 0,
        at: START,
        side: Side::Buy,
        count: 2,
        price: 10,
    };
    game.event(Event::Answered(Response::Trades(vec![again])));
    assert_eq!(game.log().len(), 2);
}

#[test]
fn a_large_order_is_confirmed_by_its_cost_at_the_limit() {
    for (keys, is_confirmed) in [
        ("25@10b", false),
        ("25@18b", true),
        // The current price is above the limit, so the casino will reject it: no confirmation.
        ("45@9b", false),
        ("45@10b", true),
    ] {
        let mut game = connected(true);
        game.keys(keys);
        let confirm = game.state.screen.overlays.last();
        assert_eq!(
            matches!(confirm, Some(Overlay::Confirm(_))),
            is_confirmed,
            "{keys:?}"
        );
    }
}
