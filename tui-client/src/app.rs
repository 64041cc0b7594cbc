//! The game itself: its state, what can happen to it, and what it asks of the world.
//!
//! Owns every decision of the client. It knows no terminal but the names of its keys, and no stream, clock or task:
//! time comes in with each event, and what has to be done goes out as [`Effect`]s. The same events always give the
//! same state.

pub mod action;
pub mod alerts;
pub mod chart;
pub mod command;
pub mod company;
pub mod connection;
mod deeds;
pub mod effect;
pub mod event;
mod input;
pub mod key;
pub mod keymap;
pub mod log;
pub mod market;
pub mod money;
mod news;
pub mod overlay;
pub mod palette;
pub mod quantity;
mod reading;
pub mod replay;
pub mod screen;
pub mod session;
pub mod sheet;
pub mod ticket;
pub mod trades;
pub mod wallet;

pub use deeds::{LARGE_TOKENS, MAX_WAITING_ORDERS};
pub use effect::{Effect, Effects};
pub use event::Event;

use serde::{Deserialize, Serialize};

use alerts::Alerts;
use chart::ChartView;
use company::Company;
use connection::Connection;
use keymap::Keymap;
use log::ActionLog;
use market::Market;
use money::UnixMs;
use screen::Screen;
use session::Session;
use ticket::Ticket;
use wallet::Holdings;

/// Who plays, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The player's name.
    pub player: String,
    /// The table as the header names it: `solo`, or the casino's address.
    pub table: String,
}

/// How the player wants the game, whoever they are and wherever they play.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Which keys do what.
    pub keys: Keymap,
    /// The game begins with the start screen.
    pub splash: bool,
}

/// The whole state of the game.
#[derive(Debug, Clone)]
pub struct AppState {
    /// The stream to the table.
    pub connection: Connection,
    /// The prices.
    pub market: Market,
    /// How the player looks at the prices.
    pub chart: ChartView,
    /// What the player owns.
    pub holdings: Holdings,
    /// The others at the table.
    pub company: Company,
    /// The next order.
    pub ticket: Ticket,
    /// What was done, and what became of it.
    pub log: ActionLog,
    /// Price alerts, and the news in sight.
    pub alerts: Alerts,
    /// What the player has before them.
    pub screen: Screen,
    /// Who plays, and what has become of it.
    pub session: Session,
    /// The moment of the last event: what the screen calls now.
    pub now: UnixMs,
}

impl AppState {
    /// A game with the usual settings that begins at `now`, and what it asks for first.
    #[must_use]
    pub fn new(seat: Seat, size: (u16, u16), now: UnixMs) -> (Self, Effects) {
        Self::with(Settings::default(), seat, size, now)
    }

    /// A game that begins at `now`, and what it asks for first.
    #[must_use]
    pub fn with(settings: Settings, seat: Seat, size: (u16, u16), now: UnixMs) -> (Self, Effects) {
        let shows_splash = settings.splash;
        let mut state = Self {
            connection: Connection::Connecting { attempt: 1 },
            market: Market::default(),
            chart: ChartView::default(),
            holdings: Holdings::default(),
            company: Company::default(),
            ticket: Ticket::default(),
            log: ActionLog::default(),
            alerts: Alerts::default(),
            screen: Screen::new(size),
            session: Session::new(seat, settings, now),
            now,
        };
        if shows_splash {
            state.screen.begin(now);
        }
        (state, vec![Effect::Connect { after_ms: 0 }])
    }

    /// `event`, as it may be written down. A paste that would be typed nowhere is none of the game's business (it may
    /// be a password that was meant for another window): it is as if only time had passed.
    #[must_use]
    pub fn as_recorded<'a>(&self, event: &'a Event) -> &'a Event {
        match event {
            Event::Paste(_) if !input::takes_paste(self) => &Event::Woken,
            event => event,
        }
    }

    /// When the picture changes by itself next, without an event.
    #[must_use]
    pub fn next_wake(&self) -> Option<UnixMs> {
        let connection = self.connection.next_change(self.now, self.market.interval_ms());
        let splash = self.screen.splash_until().filter(|until| *until > self.now);
        let others = self.alerts.next_change().into_iter().chain(splash);
        connection.into_iter().chain(others).min()
    }
}

/// Takes an event that happened at `now` into the state, and says what has to be done.
pub fn update(state: &mut AppState, now: UnixMs, event: Event) -> Effects {
    state.now = now;
    state.alerts.expire(now);
    state.session.look(&state.holdings, &state.market);
    let effects = take(state, event);
    state.screen.end_splash(now, state.market.last().is_some());
    if let Some(live) = state.connection.live_mut() {
        for effect in &effects {
            if let Effect::Call(call) = effect {
                live.note_call(*call, now);
            }
        }
    }
    effects
}

fn take(state: &mut AppState, event: Event) -> Effects {
    match event {
        Event::Key(key) => input::key(state, &key),
        Event::Mouse(mouse) => input::mouse(state, mouse),
        Event::Paste(text) => {
            input::paste(state, &text);
            Effects::new()
        }
        Event::Resized(columns, rows) => {
            state.screen.size = (columns, rows);
            Effects::new()
        }
        Event::Reach(lines) => {
            state.screen.reach = lines;
            Effects::new()
        }
        Event::Buttons(buttons) => {
            state.screen.buttons = buttons;
            Effects::new()
        }
        Event::Sight(sight) => {
            state.chart.sight = sight;
            Effects::new()
        }
        Event::Stream(event) => news::stream(state, event),
        Event::Answered(answer) => news::answered(state, answer),
        Event::Failed(call, failure) => news::failed(state, call, failure),
        Event::Exported(exported) => {
            news::exported(state, exported);
            Effects::new()
        }
        Event::Woken => Effects::new(),
        Event::ToldToStop => vec![Effect::Quit],
    }
}
