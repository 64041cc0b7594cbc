//! The limit of an order: typed on the ticket or in words, sent, held back, and told in the log.

use awesomestock::app::{
    Effect, Event,
    event::{Response, StreamEvent, TradeRow},
    lobby::Capabilities,
    overlay::Overlay,
    portfolio::{
        money::Side,
        order_log::{ActionStatus, ClientOrderId, LoggedAction},
        wallet::Wallet,
    },
};

use crate::game::{Game, START, send};

/// [`Game::seated`] at a casino that keeps to limits, or not.
fn seated(limits: bool) -> Game {
    let mut game = Game::seated();
    game.stream(StreamEvent::Capabilities(Capabilities {
        limits,
        ..Capabilities::default()
    }));
    game
}

fn limited(side: Side, count: i32, limit: i32) -> Vec<Effect> {
    vec![Effect::Send {
        side,
        count,
        limit: Some(limit),
        up_to: false,
        order_id: ClientOrderId::default(),
    }]
}

#[test]
fn keys_send_orders_with_the_limit_the_ticket_shows() {
    for (keys, expected) in [
        ("2@14b", limited(Side::Buy, 2, 14)),
        ("2@9s", limited(Side::Sell, 2, 9)),
        // The limit stays, and the next digit is a quantity again.
        (
            "2@14b3b",
            [limited(Side::Buy, 2, 14), limited(Side::Buy, 3, 14)].concat(),
        ),
        (
            "2@14b@15b",
            [limited(Side::Buy, 2, 14), limited(Side::Buy, 2, 15)].concat(),
        ),
        // Backspace takes the limit's digits back, then the limit.
        ("2@14\x08b", limited(Side::Buy, 2, 1)),
        ("2@1\x08\x08b", send(Side::Buy, 2)),
        ("2@@b", send(Side::Buy, 2)),
        (
            "2@14b@@b",
            [limited(Side::Buy, 2, 14), send(Side::Buy, 2)].concat(),
        ),
        // As many as can be paid at the limit, whatever the price is now.
        ("m@20b\n", limited(Side::Buy, 25, 20)),
        ("50%@20b", limited(Side::Buy, 12, 20)),
        ("$50@20b", limited(Side::Buy, 12, 20)),
        ("@99999999999b\n", limited(Side::Buy, 1, 999_999_999)),
        ("@20:buy 2\n", send(Side::Buy, 2)),
        (":buy 2 @ 14\n", limited(Side::Buy, 2, 14)),
        (":limit\n14b", limited(Side::Buy, 1, 14)),
        // A limit that was begun and has no price holds the order back.
        ("2@b", vec![]),
        ("2@0b", vec![]),
    ] {
        assert_eq!(seated(true).keys(keys), expected, "{keys:?}");
    }
}

#[test]
fn what_is_held_back_for_its_limit_is_said_in_words() {
    for (limits, keys, deed, why) in [
        (true, "2@b", LoggedAction::Notice, "the limit price is missing"),
        (
            false,
            "2@14b",
            LoggedAction::Limited(Side::Buy, 2, 14),
            "this casino does not support limit orders",
        ),
        (
            false,
            ":sell 2 @ 14\n",
            LoggedAction::Limited(Side::Sell, 2, 14),
            "this casino does not support limit orders",
        ),
    ] {
        let mut game = seated(limits);
        assert_eq!(game.keys(keys), [], "{keys:?}");
        let expected = (deed, ActionStatus::NotSent(why.to_owned()));
        assert_eq!(game.log(), [expected], "{keys:?}");
    }
}

#[test]
fn the_log_tells_the_limit_from_the_sending_to_the_answer() {
    let mut game = seated(true);
    game.keys("2@14b3@9s");
    let (bought, sold) = (
        LoggedAction::Limited(Side::Buy, 2, 14),
        LoggedAction::Limited(Side::Sell, 3, 9),
    );
    let pending = |deed: &LoggedAction| (deed.clone(), ActionStatus::Pending);
    assert_eq!(game.log(), [pending(&bought), pending(&sold)]);
    let wallet = Wallet {
        tokens: 480,
        stocks: 2,
        version: 2,
        ..Wallet::default()
    };
    game.result(true, "operation executed successfully", wallet);
    let no = "selling 3 stocks needs 3, you have 2";
    game.result(false, no, wallet);
    let traded = (bought, ActionStatus::Traded { price: Some(10) });
    let refused = (sold, ActionStatus::Rejected(no.to_owned()));
    assert_eq!(game.log(), [traded, refused]);
    assert_eq!(game.state.chart.markers.iter().count(), 1);
    // Told again as a trade of the past, it is known.
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
fn a_large_order_is_asked_about_by_what_it_may_cost_at_its_limit() {
    for (keys, is_asked) in [
        ("25@10b", false),
        ("25@18b", true),
        // Refused by its limit now: nothing is asked about what cannot pass.
        ("45@9b", false),
        ("45@10b", true),
    ] {
        let mut game = seated(true);
        game.keys(keys);
        let confirm = game.state.screen.overlays.last();
        assert_eq!(matches!(confirm, Some(Overlay::Confirm(_))), is_asked, "{keys:?}");
    }
}
