//! Orders whose answers were lost: sent again to a casino that does each once, and to no other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use awesomestock::app::{
    AppState, Effect, Event, SessionInfo,
    event::{OrderResult, Request, StreamEvent},
    portfolio::{
        money::{Side, UnixMillis},
        order_log::{ActionStatus, ClientOrderId, LoggedAction},
        wallet::Wallet,
    },
    update,
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

const LIVE: StreamEvent = StreamEvent::Opened {
    extended: true,
    ids: true,
};

/// A casino that tells everything and does each order as often as it is sent.
const FORGETFUL: StreamEvent = StreamEvent::Opened {
    extended: true,
    ids: false,
};

struct Game(AppState, UnixMillis);

impl Game {
    /// At a table that keeps to ids, at price 10, with 500 tokens.
    fn seated() -> Self {
        let seat = SessionInfo {
            player: "ann".to_owned(),
            server: "solo".to_owned(),
        };
        let now = UnixMillis(1_800_000_000_000);
        let (state, _) = AppState::new(seat, (80, 24), now);
        let mut game = Self(state, now);
        game.stream(LIVE);
        game.price();
        game
    }

    fn price(&mut self) {
        self.stream(StreamEvent::Wallet(Wallet {
            tokens: 500,
            version: 1,
            ..Wallet::default()
        }));
        self.stream(StreamEvent::Price {
            tick: Some(0),
            price: 10,
            at: None,
            interval_ms: Some(1000),
        });
    }

    fn stream(&mut self, event: StreamEvent) -> Vec<Effect> {
        self.1 = self.1.plus_ms(10);
        update(&mut self.0, self.1, Event::Stream(event))
    }

    /// Presses keys; gives the orders that are sent.
    fn keys(&mut self, keys: &str) -> Vec<(Side, i32, ClientOrderId)> {
        let mut all = Vec::new();
        for letter in keys.chars() {
            let code = match letter {
                '\n' => KeyCode::Enter,
                letter => KeyCode::Char(letter),
            };
            let key = Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
            all.extend(update(&mut self.0, self.1, key));
        }
        orders(&all)
    }

    fn lose(&mut self) {
        self.stream(StreamEvent::Closed("gone".to_owned()));
    }

    fn answer(&mut self, executed: bool) {
        self.stream(StreamEvent::Result(OrderResult {
            executed,
            message: "no".to_owned(),
            price: executed.then_some(10),
            count: None,
            tick: executed.then_some(0),
            at: None,
            wallet: Some(Wallet::default()),
        }));
    }

    fn outcomes(&self) -> Vec<ActionStatus> {
        let entries = self.0.log.entries();
        let orders = entries.filter(|entry| matches!(entry.action, LoggedAction::Order(..)));
        orders.map(|entry| entry.status.clone()).collect()
    }
}

fn orders(effects: &[Effect]) -> Vec<(Side, i32, ClientOrderId)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send {
                side,
                count,
                order_id,
                ..
            } => Some((*side, *count, *order_id)),
            _ => None,
        })
        .collect()
}

#[test]
fn what_has_no_answer_waits_and_is_sent_again_in_order_before_anything_else() {
    let mut game = Game::seated();
    let sent = game.keys("1b2b3s");
    assert_eq!(sent.len(), 3);
    game.answer(true);
    game.lose();
    // Tries that come to nothing change nothing.
    game.lose();
    game.lose();
    let [_, pending @ ..] = &game.outcomes()[..] else {
        panic!("three orders")
    };
    assert_eq!(pending, [ActionStatus::Pending, ActionStatus::Pending]);
    assert_eq!(game.keys("9b"), [], "no new order while there is no table");
    let effects = game.stream(LIVE);
    assert!(matches!(effects[..2], [Effect::Send { .. }, Effect::Send { .. }]));
    assert_eq!(
        orders(&effects),
        sent[1..],
        "the same orders, by the same order_ids"
    );
    game.price();
    let new = game.keys("5b");
    assert!(sent.iter().all(|(_, _, order_id)| *order_id != new[0].2));
    for executed in [true, false, true] {
        game.answer(executed);
    }
    let refused = ActionStatus::Rejected("no".to_owned());
    let traded = ActionStatus::Traded { price: Some(10) };
    let held_back = ActionStatus::NotSent("connection lost, reconnecting".to_owned());
    let expected = [traded.clone(), traded.clone(), refused, held_back, traded];
    assert_eq!(game.outcomes(), expected);
    assert_eq!(game.0.summary().trades, 3);
}

#[test]
fn a_stream_that_is_lost_again_and_again_is_sent_the_same_each_time() {
    let mut game = Game::seated();
    let sent = game.keys("bb");
    for _ in 0..5 {
        game.lose();
        assert_eq!(orders(&game.stream(LIVE)), sent);
    }
    game.answer(true);
    game.lose();
    assert_eq!(orders(&game.stream(LIVE)), sent[1..]);
}

#[test]
fn a_casino_that_does_not_keep_to_ids_is_sent_nothing_again() {
    // It was never one that does.
    let mut game = Game::seated();
    game.lose();
    game.stream(FORGETFUL);
    game.price();
    assert_eq!(game.keys("b").len(), 1);
    game.lose();
    assert_eq!(game.outcomes(), [ActionStatus::Unanswered]);
    assert_eq!(orders(&game.stream(LIVE)), []);

    // It was one, and another is there now.
    for (extended, asks) in [(true, false), (false, true)] {
        let mut game = Game::seated();
        game.keys("b");
        game.lose();
        assert_eq!(game.outcomes(), [ActionStatus::Pending]);
        let effects = game.stream(StreamEvent::Opened { extended, ids: false });
        assert_eq!(orders(&effects), []);
        assert_eq!(game.outcomes(), [ActionStatus::Unanswered]);
        let wallet_asked = effects.contains(&Effect::Call(Request::Holdings));
        assert_eq!(wallet_asked, asks, "the other kind tells it by itself");
    }
}

#[test]
fn how_long_an_answer_took_is_counted_from_when_it_was_sent_last() {
    let mut game = Game::seated();
    game.keys("b");
    game.lose();
    game.1 = game.1.plus_ms(60_000);
    game.stream(LIVE);
    game.answer(true);
    assert_eq!(game.0.connection.live().unwrap().latency_ms, Some(10));
}

#[test]
fn who_left_is_not_brought_back_by_an_order() {
    let mut game = Game::seated();
    game.keys("b:stop\n");
    game.lose();
    assert_eq!(game.outcomes(), [ActionStatus::Unanswered]);
}
