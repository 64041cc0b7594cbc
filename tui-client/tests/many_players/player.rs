//! A player without a screen: the game's reducer and client, and a loop that presses keys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use awesomestock::app::commands::request::Request;
use awesomestock::app::connection::ConnectionStatus;
use awesomestock::app::event::{RequestError, Response, StreamEvent};
use awesomestock::app::portfolio::money::UnixMillis;
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::prices::PricePoint;
use awesomestock::app::{AppState, Effect, Event, SessionInfo, update};
use awesomestock::client::Client;
use awesomestock_proto::auth::PlayerKey;
use awesomestock_proto::transport;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

use crate::support::desk::DeskTasks;

/// Most pending orders of a player.
const WAITING_MAX: usize = 2;

/// One in this many orders is followed by a payment.
const PAYS_EVERY: u64 = 16;

/// State shared by all players.
#[derive(Default)]
pub(crate) struct Signals {
    /// Stop ordering; players still wait for their answers.
    pub(crate) stop: AtomicBool,
    /// Answered trades of each player.
    pub(crate) trades: Vec<AtomicU64>,
    /// Notified when `trades` may have changed.
    pub(crate) traded: Notify,
}

/// What a player sent and received.
#[derive(Debug, Default)]
pub(crate) struct PlayerLog {
    pub(crate) name: String,
    /// Orders, each counted once.
    pub(crate) ordered: usize,
    /// Orders that were resent.
    pub(crate) resent: usize,
    /// Answered orders.
    pub(crate) answered: usize,
    /// Answers that reported a trade: tick and price.
    pub(crate) trades: Vec<(i64, i32)>,
    /// Dollars of answered payments.
    pub(crate) paid: i64,
    /// Dollars of unanswered payments.
    pub(crate) open: i64,
    /// Received prices by tick.
    pub(crate) prices: BTreeMap<i64, i32>,
    /// Sessions opened at casinos with and without support for request IDs.
    pub(crate) sessions: [usize; 2],
    /// Prices on the screen at the end.
    pub(crate) shown: Vec<PricePoint>,
    /// The wallet on the screen at the end.
    pub(crate) wallet: Option<Wallet>,
}

/// A simulated player.
struct Player {
    state: AppState,
    desk: DeskTasks,
    played: PlayerLog,
}

/// Plays as player `number` at `url` until `stop` is set and everything is answered.
pub(crate) async fn play(number: usize, url: String, signals: Arc<Signals>) -> PlayerLog {
    let (mut player, mut queue, mut effects) = Player::new(number, &url);
    loop {
        player.run_effects(effects);
        let stopping = signals.stop.load(Ordering::SeqCst);
        if stopping && player.is_settled() {
            return player.end();
        }
        if !stopping && player.may_order() {
            effects = player.press_keys();
            continue;
        }
        let wake = player.state.next_wake().unwrap_or(now().plus_ms(1_000));
        // Wake up at least every 500 ms to see whether to stop.
        let pause = Duration::from_millis(u64::try_from(wake.since_ms(now())).unwrap_or(0).min(500));
        effects = tokio::select! {
            Some((session, event)) = queue.recv() => player.dispatch(session, event),
            () = sleep(pause) => player.update(Event::Timer),
        };
        let trades = u64::try_from(player.played.trades.len()).unwrap();
        signals.trades[number].store(trades, Ordering::SeqCst);
        signals.traded.notify_one();
    }
}

impl Player {
    fn new(number: usize, url: &str) -> (Self, mpsc::Receiver<(u64, Event)>, Vec<Effect>) {
        let name = format!("p{number}");
        let key = PlayerKey::from_bytes([u8::try_from(number).unwrap(); 32]);
        let channel = transport::endpoint(url).unwrap().connect_lazy();
        let info = SessionInfo::new(name.clone(), url);
        let (state, effects) = AppState::new(info, (80, 24), now());
        let (desk, queue) = DeskTasks::new(Client::new(channel, name.clone(), Some(&key)));
        let player = Self {
            state,
            desk,
            played: PlayerLog {
                name,
                ..PlayerLog::default()
            },
        };
        (player, queue, effects)
    }

    fn is_live(&self) -> bool {
        let liveness = self
            .state
            .connection
            .status(now(), self.state.market.interval_ms());
        liveness == ConnectionStatus::Live && self.state.holdings.wallet().is_some()
    }

    fn may_order(&self) -> bool {
        self.is_live() && self.state.log.waiting() < WAITING_MAX
    }

    fn is_settled(&self) -> bool {
        self.is_live() && self.state.log.waiting() == 0 && self.desk.calls == 0
    }

    /// Buys and sells in turn. Deposits dollars at first and sometimes later.
    fn press_keys(&mut self) -> Vec<Effect> {
        let turn = self.played.ordered + self.played.resent;
        let keys = match turn {
            0 => "t9999\nb",
            turn if u64::try_from(turn).unwrap() % PAYS_EVERY == 0 => "t1\nb",
            turn if turn % 2 == 0 => "b",
            _ => "s",
        };
        let mut effects = Vec::new();
        for letter in keys.chars() {
            let code = match letter {
                '\n' => KeyCode::Enter,
                letter => KeyCode::Char(letter),
            };
            effects.extend(self.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE))));
        }
        effects
    }

    fn update(&mut self, event: Event) -> Vec<Effect> {
        update(&mut self.state, now(), event)
    }

    /// Handles an event and records what it reports.
    fn dispatch(&mut self, session: u64, event: Event) -> Vec<Effect> {
        match &event {
            Event::Stream(_) if session != self.desk.session => return Vec::new(),
            Event::Stream(event) => self.record(event),
            Event::Answered(answer) => {
                self.desk.calls -= 1;
                if let Response::TokensBought { dollars, .. } = answer {
                    self.played.paid += i64::from(*dollars);
                }
            }
            Event::Failed(call, failure) => {
                self.desk.calls -= 1;
                if let (Request::BuyTokens(dollars), RequestError::Unanswered(_)) = (call, failure) {
                    self.played.open += i64::from(*dollars);
                }
            }
            _ => {}
        }
        self.update(event)
    }

    fn record(&mut self, event: &StreamEvent) {
        let played = &mut self.played;
        match event {
            StreamEvent::Opened { ids, .. } => played.sessions[usize::from(!ids)] += 1,
            StreamEvent::Price {
                tick: Some(tick),
                price,
                ..
            } => {
                let previous = played.prices.insert(*tick, *price);
                assert!(
                    previous.is_none_or(|previous| previous == *price),
                    "{}: two prices of tick {tick}",
                    played.name
                );
            }
            StreamEvent::Result(result) => {
                played.answered += 1;
                if result.executed {
                    played.trades.push((result.tick.unwrap(), result.price.unwrap()));
                }
            }
            _ => {}
        }
    }

    fn run_effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Connect { after_ms } => self.desk.connect(after_ms),
                Effect::Send(order) => {
                    let is_new = self.desk.send(order);
                    self.played.ordered += usize::from(is_new);
                    self.played.resent += usize::from(!is_new);
                }
                Effect::Call(call) => self.desk.call(call),
                effect => panic!("unexpected effect {effect:?}"),
            }
        }
    }

    fn end(mut self) -> PlayerLog {
        self.played.shown = self.state.market.prices().collect();
        self.played.wallet = self.state.holdings.wallet().copied();
        self.played
    }
}

fn now() -> UnixMillis {
    UnixMillis(jiff::Timestamp::now().as_millisecond())
}
