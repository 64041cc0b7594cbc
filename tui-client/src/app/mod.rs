//! The game as a pure reducer: [`update`] applies an [`Event`] to the [`AppState`] and returns the [`Effect`]s to run.
//! Time arrives with each event, so equal events always produce equal states.
//!
//! # Example
//!
//! Three events: the stream opens, a price arrives, the player presses `b`.
//!
//! ```
//! use awesomestock::app::{
//!     AppState, Effect, Event, SessionInfo, event::StreamEvent,
//!     portfolio::{money::UnixMillis, order::Order}, update,
//! };
//! use crossterm::event::{KeyCode, KeyEvent};
//!
//! let now = UnixMillis(1_700_000_000_000);
//! let info = SessionInfo::new("ann", "solo");
//! let (mut state, effects) = AppState::new(info, (80, 24), now);
//! assert_eq!(effects, [Effect::Connect { after_ms: 0 }]);
//!
//! update(&mut state, now, Event::Stream(StreamEvent::Opened { extended: true, ids: true }));
//! let price = StreamEvent::Price { tick: Some(1), price: 12, at: Some(now), interval_ms: Some(1000) };
//! update(&mut state, now, Event::Stream(price));
//! let effects = update(&mut state, now, Event::Key(KeyEvent::from(KeyCode::Char('b'))));
//! assert!(matches!(effects[..], [Effect::Send(Order { count: 1, .. })]));
//! assert_eq!(state.log.waiting(), 1);
//! ```

pub mod chart;
pub mod commands;
pub mod connection;
pub mod event;
pub mod lobby;
pub mod overlay;
pub mod portfolio;
pub mod prices;
pub mod replay;
pub(crate) mod update;
pub mod wire;

use chart::ChartView;
use connection::Connection;
pub use event::Event;
use lobby::Lobby;
use lobby::round::{ReceivedRound, RoundPhase};
use prices::PriceHistory;
use serde::{Deserialize, Serialize};

use self::commands::keymap::Keymap;
use self::commands::lab::Lab;
use self::event::FrameChange;
pub use self::event::{Effect, Effects};
use self::overlay::screen::Screen;
use self::overlay::tour::Tour;
use self::portfolio::achievements::Achievement;
use self::portfolio::alerts::{Alerts, Bell};
use self::portfolio::money::UnixMillis;
use self::portfolio::open_orders::{OpenOrders, SeenEnd};
use self::portfolio::order_log::ActionLog;
use self::portfolio::stats::SessionStats;
use self::portfolio::ticket::Ticket;
use self::portfolio::wallet::WalletState;
pub use self::update::send::MAX_WAITING_ORDERS;
use crate::app::update::{input, round as round_update, server, wire as wire_update};
use crate::app::wire::WirePane;

/// Shortest time between two prices for a countdown, in milliseconds.
const MIN_COUNTDOWN_MS: i64 = 2_000;

/// The player and the server of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The player's name; empty without a player.
    pub player: String,
    /// `solo`, or the casino's address.
    #[serde(rename = "table")]
    pub server: String,
}

impl SessionInfo {
    pub fn new(player: impl Into<String>, server: impl Into<String>) -> Self {
        Self {
            player: player.into(),
            server: server.into(),
        }
    }
}

/// The player's preferences.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub keys: Keymap,
    /// Shows the start screen first.
    pub splash: bool,
    /// The tick that ends the game, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_tick: Option<i64>,
    /// Notification method for a player who does not look at the screen.
    #[serde(skip_serializing_if = "Bell::is_off")]
    pub bell: Bell,
    /// Opens the wire pane first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub wire: bool,
    /// The game is in the lab: keys inject faults.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lab: bool,
    /// Asks before the player leaves: the game is the only one that counts.
    #[serde(skip)]
    pub confirm_quit: bool,
    /// The newest end of a resting order that earlier games have shown, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders_shown: Option<SeenEnd>,
    /// Achievements of earlier games; `None`: none can be earned in this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub achievements: Option<Vec<Achievement>>,
    /// Starts with the tour. A recorded game never does.
    #[serde(skip)]
    pub tour: bool,
    /// Shows the market without a player: nothing that needs one is sent.
    #[serde(skip)]
    pub watch: bool,
}

impl Settings {
    /// Returns true for a game that ends at a tick. It is played with its first deposit only.
    pub(crate) fn is_challenge(&self) -> bool {
        self.last_tick.is_some()
    }
}

/// The state of the game.
#[derive(Debug, Clone)]
pub struct AppState {
    pub connection: Connection,
    pub market: PriceHistory,
    /// Chart view: kind, zoom, scroll position, crosshair.
    pub chart: ChartView,
    pub holdings: WalletState,
    /// Tape, online players, leaderboard, headline and round, and what the casino supports.
    pub lobby: Lobby,
    /// The next order.
    pub ticket: Ticket,
    /// Past actions and their status.
    pub log: ActionLog,
    /// Orders that rest at the casino, and how earlier ones ended.
    pub orders: OpenOrders,
    pub alerts: Alerts,
    pub screen: Screen,
    pub wire: WirePane,
    /// The tour, while it goes on.
    pub tour: Option<Tour>,
    /// The lab's faults, in the lab only.
    pub lab: Option<Lab>,
    /// Player, settings and session statistics.
    pub session: SessionStats,
    /// Time of the last event.
    pub now: UnixMillis,
}

impl AppState {
    /// Returns a game with default settings, and its first effects.
    pub fn new(info: SessionInfo, size: (u16, u16), now: UnixMillis) -> (Self, Effects) {
        Self::with_settings(Settings::default(), info, size, now)
    }

    /// Returns a game that starts at `now`, and its first effects.
    pub fn with_settings(
        settings: Settings,
        info: SessionInfo,
        size: (u16, u16),
        now: UnixMillis,
    ) -> (Self, Effects) {
        let (shows_splash, shows_wire) = (settings.splash, settings.wire);
        let mut state = Self {
            connection: Connection::Connecting { attempt: 1 },
            market: PriceHistory::default(),
            chart: ChartView::default(),
            holdings: WalletState::default(),
            lobby: Lobby::default(),
            ticket: Ticket::default(),
            log: ActionLog::default(),
            orders: OpenOrders::new(settings.orders_shown),
            alerts: Alerts::default(),
            screen: Screen::new(size),
            wire: WirePane::default(),
            tour: settings.tour.then(Tour::default),
            lab: settings.lab.then(Lab::default),
            session: SessionStats::new(info, settings, now),
            now,
        };
        if shows_splash {
            state.screen.begin(now);
        }
        let mut effects = Effects::new();
        if shows_wire {
            effects = wire_update::toggle(&mut state);
            state.wire.view.is_focused = false;
        }
        effects.push(Effect::Connect { after_ms: 0 });
        (state, effects)
    }

    /// Returns `event` as it may be recorded. A paste that no field accepts is dropped: it may be a password meant for
    /// another window.
    pub fn redacted<'a>(&self, event: &'a Event) -> &'a Event {
        match event {
            Event::Paste(_) if !input::takes_paste(self) => &Event::Timer,
            event => event,
        }
    }

    fn on_frame(&mut self, change: FrameChange) {
        self.screen.reach = change.reach.unwrap_or(self.screen.reach);
        self.screen.visible = change.visible.unwrap_or(self.screen.visible);
        if let Some(buttons) = change.buttons {
            self.screen.buttons = buttons;
        }
        if let Some(hit_map) = change.hit_map {
            self.chart.hit_map = hit_map;
        }
    }

    /// Returns the time at which the screen changes next without an event.
    pub fn next_wake(&self) -> Option<UnixMillis> {
        let connection = self.connection.next_change(self.now, self.market.interval_ms());
        let price_ms = self.next_price_ms().filter(|_| self.session.settings.watch);
        let round = self.lobby.round.as_ref();
        let end_shown = round.and_then(ReceivedRound::end_shown_until);
        let splash = self.screen.splash_until();
        let passing = [end_shown, splash]
            .into_iter()
            .flatten()
            .filter(|until| *until > self.now);
        let running = round.filter(|received| received.round.phase == RoundPhase::Running);
        let round_ms = running.map(|received| received.left_ms(self.now));
        let seconds = [price_ms, round_ms].into_iter().flatten().filter(|ms| *ms > 0);
        let seconds = seconds.map(|ms| connection::next_second(self.now, ms));
        let changes = [connection, self.alerts.next_change()].into_iter().flatten();
        changes.chain(passing).chain(seconds).min()
    }

    /// Returns the milliseconds until the next price is due; `None` if prices follow too fast for a countdown.
    pub fn next_price_ms(&self) -> Option<i64> {
        let interval_ms = self.market.interval_ms().filter(|ms| *ms >= MIN_COUNTDOWN_MS)?;
        let due = self.connection.next_price(self.market.last()?.at, interval_ms)?;
        Some(due.since_ms(self.now))
    }
}

/// Applies an event that happened at `now`, and returns the effects to run.
pub fn update(state: &mut AppState, now: UnixMillis, event: Event) -> Effects {
    // Changes nothing else, not even the time, so that a recording may leave it out.
    if let Event::Wire(event) = event {
        state.wire.push(event);
        return Effects::new();
    }
    state.now = now;
    state.alerts.expire(now);
    // Only these change the wallet or the price.
    if let Event::Stream(_) | Event::Answered(_) = event {
        state.session.capture_baseline(&state.holdings, &state.market);
    }
    let mut effects = Effects::new();
    match event {
        Event::Key(key) => effects = input::key(state, &key),
        Event::Mouse(mouse) => effects = input::mouse(state, mouse),
        Event::Paste(text) => input::paste(state, &text),
        Event::Resized(columns, rows) => state.screen.size = (columns, rows),
        Event::Rendered(change) => state.on_frame(change),
        Event::Stream(event) => effects = server::on_stream(state, event),
        Event::Answered(response) => effects = server::on_response(state, response),
        Event::Failed(request, error) => effects = server::on_error(state, request, error),
        Event::Exported(result) => server::exported(state, result),
        Event::Notice(text) => state.alerts.toast(text, now),
        Event::Timer | Event::Wire(_) => {}
        Event::Shutdown => effects.push(Effect::Quit),
    }
    if state.session.settings.watch {
        effects.retain(|effect| !effect.needs_player());
        round_update::end_podium(state);
    }
    state.screen.end_splash(now, state.market.last().is_some());
    if let Some(live) = state.connection.live_mut() {
        for effect in &effects {
            if let Effect::Call(call) = effect {
                live.record_call(*call, now);
            }
        }
    }
    effects
}
