//! A game driven by test code: keys and messages in, effects out.

use awesomestock::app::event::{FrameChange, OrderResult, StreamEvent};
use awesomestock::app::portfolio::money::{Side, UnixMillis};
use awesomestock::app::portfolio::order::{ClientOrderId, Order, Terms};
use awesomestock::app::portfolio::order_log::{ActionStatus, LoggedAction};
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::{AppState, Effect, Event, SessionInfo, Settings, update};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

pub(crate) const START: UnixMillis = UnixMillis(1_700_000_000_000);

/// A game under test.
pub(crate) struct Game {
    pub(crate) state: AppState,
    pub(crate) now: UnixMillis,
}

impl Game {
    pub(crate) fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    pub(crate) fn with_settings(settings: Settings) -> Self {
        let info = SessionInfo::new("ann", "solo");
        let (state, effects) = AppState::with_settings(settings, info, (80, 24), START);
        assert_eq!(effects, [Effect::Connect { after_ms: 0 }]);
        Self { state, now: START }
    }

    /// Connected to a casino with all features, at price 10, with 500 tokens.
    pub(crate) fn connected() -> Self {
        let mut game = Self::new();
        game.open(true, false);
        game.stream(StreamEvent::Wallet(Wallet {
            tokens: 500,
            dollars_in: 100,
            version: 1,
            ..Wallet::default()
        }));
        game.price(0, 10);
        game
    }

    /// Reports a frame whose top overlay scrolls by at most these lines.
    pub(crate) fn set_reach(&mut self, lines: usize) {
        self.event(Event::Rendered(FrameChange {
            reach: Some(lines),
            ..FrameChange::default()
        }));
    }

    /// Dispatches an event. Returns its effects with neutral order IDs.
    pub(crate) fn event(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = update(&mut self.state, self.now, event);
        for effect in &mut effects {
            if let Effect::Send(order) = effect {
                order.id = ClientOrderId::default();
            }
        }
        effects
    }

    pub(crate) fn stream(&mut self, event: StreamEvent) -> Vec<Effect> {
        self.event(Event::Stream(event))
    }

    pub(crate) fn open(&mut self, extended: bool, ids: bool) -> Vec<Effect> {
        self.stream(StreamEvent::Opened { extended, ids })
    }

    pub(crate) fn price(&mut self, tick: i64, price: i32) {
        assert_eq!(self.effects_of_price(tick, price), []);
    }

    pub(crate) fn effects_of_price(&mut self, tick: i64, price: i32) -> Vec<Effect> {
        self.stream(StreamEvent::Price {
            tick: Some(tick),
            price,
            at: None,
            interval_ms: Some(1000),
        })
    }

    /// A price as an old casino sends it.
    pub(crate) fn old_price(&mut self, price: i32) {
        self.stream(StreamEvent::Price {
            tick: None,
            price,
            at: None,
            interval_ms: None,
        });
    }

    pub(crate) fn result(&mut self, executed: bool, message: &str, wallet: Wallet) -> Vec<Effect> {
        let price = executed.then_some(10);
        let message = message.to_owned();
        self.stream(StreamEvent::Result(OrderResult {
            executed,
            message,
            price,
            tick: executed.then_some(0),
            wallet: Some(wallet),
            ..OrderResult::default()
        }))
    }

    /// Presses keys: each character is a key; `\n` is Enter, `\x1b` Esc, `\t` Tab, `\x08` Backspace.
    pub(crate) fn keys(&mut self, keys: &str) -> Vec<Effect> {
        keys.chars()
            .flat_map(|letter| self.key(code(letter), KeyEventKind::Press))
            .collect()
    }

    pub(crate) fn key(&mut self, code: KeyCode, kind: KeyEventKind) -> Vec<Effect> {
        self.event(Event::Key(KeyEvent {
            kind,
            ..KeyEvent::new(code, KeyModifiers::NONE)
        }))
    }

    pub(crate) fn log(&self) -> Vec<(LoggedAction, ActionStatus)> {
        self.state
            .log
            .entries()
            .map(|entry| (entry.action.clone(), entry.status.clone()))
            .collect()
    }

    pub(crate) fn last_outcome(&self) -> ActionStatus {
        self.log().pop().expect("the log has a line").1
    }
}

pub(crate) fn wallet(tokens: i32, stocks: i32, version: i64) -> Wallet {
    Wallet {
        tokens,
        stocks,
        version,
        ..Wallet::default()
    }
}

pub(crate) fn code(letter: char) -> KeyCode {
    match letter {
        '\n' => KeyCode::Enter,
        '\x1b' => KeyCode::Esc,
        '\t' => KeyCode::Tab,
        '\x08' => KeyCode::Backspace,
        letter => KeyCode::Char(letter),
    }
}

pub(crate) fn send(side: Side, count: i32) -> Vec<Effect> {
    vec![Effect::Send(Order {
        side,
        count,
        terms: Terms::Market,
        up_to: false,
        round: None,
        id: ClientOrderId::default(),
    })]
}
