//! Losing, retrying and judging the connection.

use awesomestock::app::connection::{Connection, ConnectionStatus, retry_after_ms};
use awesomestock::app::event::{OrderResult, Request, RequestError, Response, StreamEvent};
use awesomestock::app::portfolio::money::Side;
use awesomestock::app::portfolio::order::Terms;
use awesomestock::app::portfolio::order_log::{ActionStatus, LoggedAction};
use awesomestock::app::portfolio::wallet::{Wallet, WalletState};
use awesomestock::app::{Effect, Event};

use crate::game::{Game, START, send, wallet};

#[test]
fn a_lost_stream_is_retried_and_its_orders_are_unanswered() {
    let mut game = Game::connected();
    game.keys("b");
    for attempt in 1..=5 {
        let effects = game.stream(StreamEvent::Closed("connection reset".to_owned()));
        let [Effect::Connect { after_ms }] = effects[..] else {
            panic!("{effects:?}")
        };
        match &game.state.connection {
            Connection::Backoff {
                attempt: shown,
                retry_at,
                why,
            } => {
                assert_eq!((*shown, *retry_at), (attempt, game.now.plus_ms(after_ms)));
                assert_eq!(why, "connection reset");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(game.last_outcome(), ActionStatus::Unanswered);
    let effects = game.open(true, false);
    assert_eq!(effects, [Effect::Call(Request::History { before: None })]);
    assert!(game.state.connection.live().is_some());
    let effects = game.stream(StreamEvent::Closed("again".to_owned()));
    assert!(
        matches!(effects[..], [Effect::Connect { after_ms: 126..=250 }]),
        "{effects:?}"
    );
}

#[test]
fn a_new_session_never_answers_orders_of_the_previous_one() {
    let mut game = Game::connected();
    game.keys("s:stop\n:gamble\n");
    game.open(true, false);
    game.keys("9b");
    let wallet = wallet(410, 9, 2);
    game.result(true, "operation executed successfully", wallet);
    let orders: Vec<_> = game
        .log()
        .into_iter()
        .filter(|(action, _)| *action != LoggedAction::Notice)
        .collect();
    let expected = [
        (
            LoggedAction::Order(Side::Sell, 1, Terms::Market),
            ActionStatus::Unanswered,
        ),
        (
            LoggedAction::Order(Side::Buy, 9, Terms::Market),
            ActionStatus::Traded { price: Some(10) },
        ),
    ];
    assert_eq!(orders, expected);
}

#[test]
fn retry_delays_grow_to_a_limit() {
    for (attempt, min, max) in [
        (1, 126, 250),
        (2, 251, 500),
        (3, 501, 1000),
        (6, 4001, 8000),
        (7, 5001, 10_000),
        (u32::MAX, 5001, 10_000),
    ] {
        for jitter in [0, 1, 77, u64::MAX] {
            let wait = retry_after_ms(attempt, jitter);
            assert!(
                (min..=max).contains(&wait),
                "attempt {attempt}, jitter {jitter}: {wait}"
            );
        }
    }
}

#[test]
fn the_status_follows_the_age_of_the_price() {
    let mut game = Game::connected();
    let interval = game.state.market.interval_ms();
    for (age_ms, expected) in [
        (0, ConnectionStatus::Live),
        (3999, ConnectionStatus::Live),
        (4000, ConnectionStatus::Stale { age_ms: 4000 }),
        (60_000, ConnectionStatus::Stale { age_ms: 60_000 }),
    ] {
        assert_eq!(
            game.state.connection.status(START.plus_ms(age_ms), interval),
            expected,
            "{age_ms}"
        );
    }
    assert_eq!(
        game.state.next_wake(),
        Some(START.plus_ms(4000)),
        "no redraw before the price is overdue"
    );
    game.now = START.plus_ms(4400);
    game.event(Event::Timer);
    assert_eq!(
        game.state.next_wake(),
        Some(START.plus_ms(5000)),
        "the age is updated every second"
    );
    game.price(1, 11);
    assert_eq!(game.state.next_wake(), Some(START.plus_ms(4400 + 4000)));
}

#[test]
fn a_session_without_prices_is_stale_and_accepts_no_orders() {
    let mut game = Game::connected();
    game.keys("b");
    game.now = START.plus_ms(4_000);
    game.result(false, "no", Wallet::default());
    assert_eq!(game.keys("b"), [], "nothing is sent at a stale price");
    assert_eq!(
        game.last_outcome(),
        ActionStatus::NotSent("no price for 4 s; orders resume with the next one".to_owned())
    );
    game.price(1, 11);
    assert_eq!(game.keys("b"), send(Side::Buy, 1));
    // Without a known interval the price never becomes stale.
    let mut old = Game::new();
    old.open(false, false);
    old.old_price(10);
    old.now = START.plus_ms(3_600_000);
    assert_eq!(old.keys("b"), send(Side::Buy, 1));
}

#[test]
fn the_latency_is_that_of_the_last_answer() {
    let mut game = Game::connected();
    let latency = |game: &Game| game.state.connection.live().and_then(|live| live.latency_ms);
    assert_eq!(latency(&game), None);
    game.now = START.plus_ms(30);
    game.event(Event::Answered(Response::History {
        before: None,
        prices: Vec::new(),
        more: false,
    }));
    assert_eq!(latency(&game), Some(30), "requested on connecting");
    game.keys("bs");
    game.now = START.plus_ms(37);
    game.result(false, "no", Wallet::default());
    assert_eq!(latency(&game), Some(7));
    game.now = START.plus_ms(42);
    game.result(false, "no", Wallet::default());
    assert_eq!(latency(&game), Some(12));
    // An unrequested response has no latency.
    game.event(Event::Answered(Response::Tokens(1)));
    assert_eq!(latency(&game), Some(12));
    // Nor does a failed call, and the next one is measured from its own start.
    game.keys("S");
    let failed = RequestError::Unanswered("the payments server is down".to_owned());
    game.event(Event::Failed(Request::Statement, failed));
    game.now = START.plus_ms(90);
    game.keys("\x1bS");
    game.now = START.plus_ms(95);
    game.event(Event::Answered(Response::Statement(String::new())));
    assert_eq!(latency(&game), Some(5));
    game.stream(StreamEvent::Closed("gone".to_owned()));
    game.open(true, false);
    assert_eq!(latency(&game), None);
}

#[test]
fn the_age_of_the_last_message_is_shown_in_steps_without_redraws_in_between() {
    let mut game = Game::new();
    game.open(true, false);
    game.stream(StreamEvent::Price {
        tick: Some(0),
        price: 10,
        at: None,
        interval_ms: Some(3_600_000),
    });
    let mut shown = Vec::new();
    for _ in 0..27 {
        game.now = game.state.next_wake().unwrap();
        game.event(Event::Timer);
        let live = game.state.connection.live().unwrap();
        shown.push(live.shown_age_ms(game.now).unwrap() / 1000);
    }
    let fives: Vec<i64> = (1..=24).map(|step| step * 5).collect();
    assert_eq!(shown, [&fives[..], &[180, 240, 300]].concat());
}

#[test]
fn an_old_casino_reports_tokens_only() {
    let mut game = Game::new();
    assert_eq!(game.open(false, false), [Effect::Call(Request::Holdings)]);
    game.event(Event::Answered(Response::Tokens(50)));
    game.old_price(15);
    game.old_price(15);
    assert_eq!(
        game.state
            .market
            .prices()
            .map(|point| point.tick)
            .collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(game.keys("2b"), send(Side::Buy, 2));
    let result = OrderResult {
        executed: true,
        message: "operation executed successfully".to_owned(),
        ..OrderResult::default()
    };
    assert_eq!(
        game.stream(StreamEvent::Result(result)),
        [Effect::Call(Request::Holdings)]
    );
    assert_eq!(game.last_outcome(), ActionStatus::Traded { price: None });
    assert_eq!(game.state.holdings, WalletState::TokensOnly(50));
    assert_eq!(game.keys("ms"), [], "the number of stocks is unknown");
}

#[test]
fn a_rejected_session_is_retried_only_by_the_player() {
    let mut game = Game::new();
    assert_eq!(game.stream(StreamEvent::Rejected("not yours".to_owned())), []);
    assert_eq!(
        game.last_outcome(),
        ActionStatus::Rejected("not yours".to_owned())
    );
    assert_eq!(game.state.next_wake(), None, "there is no automatic retry");
    assert_eq!(game.keys(":gamble\n"), [Effect::Connect { after_ms: 0 }]);
    assert_eq!(game.state.connection, Connection::Connecting { attempt: 1 });
}

#[test]
fn with_several_addresses_a_lost_session_is_retried_at_once() {
    for (at, held_ms, immediately) in [
        (Some("b:2"), 5_000, true),
        (Some("b:2"), 100, false),
        (None, 5_000, false),
    ] {
        let mut game = Game::connected();
        if let Some(address) = at {
            game.stream(StreamEvent::Endpoint(address.to_owned()));
            assert_eq!(game.state.session.info.server, address);
        }
        game.now = game.now.plus_ms(held_ms);
        for first in [true, false] {
            let effects = game.stream(StreamEvent::Closed("gone".to_owned()));
            let [Effect::Connect { after_ms }] = effects[..] else {
                panic!("{effects:?}")
            };
            assert_eq!(after_ms == 0, first && immediately, "{at:?} {held_ms}");
        }
    }
}
