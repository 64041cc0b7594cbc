//! Orders with a lost answer: resent to a casino that deduplicates by ID, and to no other.

use awesomestock::app::event::{OrderResult, Request, StreamEvent};
use awesomestock::app::portfolio::money::{Side, UnixMillis};
use awesomestock::app::portfolio::order::ClientOrderId;
use awesomestock::app::portfolio::order_log::{ActionStatus, LoggedAction};
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::{AppState, Effect, Event, SessionInfo, update};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

const LIVE: StreamEvent = StreamEvent::Opened {
    extended: true,
    ids: true,
};

/// A casino with all features except deduplication by ID.
const NO_DEDUP: StreamEvent = StreamEvent::Opened {
    extended: true,
    ids: false,
};

struct Game(AppState, UnixMillis);

impl Game {
    /// Connected to a casino that deduplicates by ID, at price 10.
    fn connected() -> Self {
        let info = SessionInfo::new("ann", "solo");
        let now = UnixMillis(1_800_000_000_000);
        let (state, _) = AppState::new(info, (80, 24), now);
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

    /// Presses keys. Returns the orders that are sent.
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

    fn disconnect(&mut self) {
        self.stream(StreamEvent::Closed("gone".to_owned()));
    }

    fn answer(&mut self, executed: bool) {
        self.stream(StreamEvent::Result(OrderResult {
            executed,
            message: "no".to_owned(),
            price: executed.then_some(10),
            tick: executed.then_some(0),
            wallet: Some(Wallet::default()),
            ..OrderResult::default()
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
            Effect::Send(order) => Some((order.side, order.count, order.id)),
            _ => None,
        })
        .collect()
}

#[test]
fn unanswered_orders_are_resent_in_order_before_new_ones() {
    let mut game = Game::connected();
    let sent = game.keys("1b2b3s");
    assert_eq!(sent.len(), 3);
    game.answer(true);
    game.disconnect();
    // Failed reconnects change nothing.
    game.disconnect();
    game.disconnect();
    let [_, pending @ ..] = &game.outcomes()[..] else {
        panic!("three orders")
    };
    assert_eq!(pending, [ActionStatus::Pending, ActionStatus::Pending]);
    assert_eq!(game.keys("9b"), [], "no new order while disconnected");
    let effects = game.stream(LIVE);
    assert!(matches!(effects[..2], [Effect::Send(_), Effect::Send(_)]));
    assert_eq!(orders(&effects), sent[1..], "the same orders with the same IDs");
    game.price();
    let new = game.keys("5b");
    assert!(sent.iter().all(|(_, _, order_id)| *order_id != new[0].2));
    for executed in [true, false, true] {
        game.answer(executed);
    }
    let rejected = ActionStatus::Rejected("no".to_owned());
    let traded = ActionStatus::Traded { price: Some(10) };
    let not_sent = ActionStatus::NotSent("connection lost, reconnecting".to_owned());
    let expected = [traded.clone(), traded.clone(), rejected, not_sent, traded];
    assert_eq!(game.outcomes(), expected);
    assert_eq!(game.0.summary().trades, 3);
}

#[test]
fn repeated_losses_resend_the_same_orders() {
    let mut game = Game::connected();
    let sent = game.keys("bb");
    for _ in 0..5 {
        game.disconnect();
        assert_eq!(orders(&game.stream(LIVE)), sent);
    }
    game.answer(true);
    game.disconnect();
    assert_eq!(orders(&game.stream(LIVE)), sent[1..]);
}

#[test]
fn a_casino_without_deduplication_gets_no_resent_orders() {
    // It never deduplicated.
    let mut game = Game::connected();
    game.disconnect();
    game.stream(NO_DEDUP);
    game.price();
    assert_eq!(game.keys("b").len(), 1);
    game.disconnect();
    assert_eq!(game.outcomes(), [ActionStatus::Unanswered]);
    assert_eq!(orders(&game.stream(LIVE)), []);

    // It did, but was replaced.
    for (extended, is_requested) in [(true, false), (false, true)] {
        let mut game = Game::connected();
        game.keys("b");
        game.disconnect();
        assert_eq!(game.outcomes(), [ActionStatus::Pending]);
        let effects = game.stream(StreamEvent::Opened { extended, ids: false });
        assert_eq!(orders(&effects), []);
        assert_eq!(game.outcomes(), [ActionStatus::Unanswered]);
        let wallet_requested = effects.contains(&Effect::Call(Request::Holdings));
        assert_eq!(
            wallet_requested, is_requested,
            "other casinos send the wallet by themselves"
        );
    }
}

#[test]
fn latency_is_measured_from_the_last_sending() {
    let mut game = Game::connected();
    game.keys("b");
    game.disconnect();
    game.1 = game.1.plus_ms(60_000);
    game.stream(LIVE);
    game.answer(true);
    assert_eq!(game.0.connection.live().unwrap().latency_ms, Some(10));
}

#[test]
fn a_player_who_left_is_not_reconnected_by_an_order() {
    let mut game = Game::connected();
    game.keys("b:stop\n");
    game.disconnect();
    assert_eq!(game.outcomes(), [ActionStatus::Unanswered]);
}
