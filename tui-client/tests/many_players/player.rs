//! A player without a screen: the game's reducer and client, and a loop that presses keys.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use awesomestock::{
    app::{
        AppState, Effect, Event, SessionInfo,
        commands::request::Request,
        connection::ConnectionStatus,
        event::{RequestError, Response, StreamEvent},
        portfolio::{money::UnixMillis, wallet::Wallet},
        prices::PricePoint,
        update,
    },
    client::{Client, Order, SessionEnd},
};
use awesomestock_proto::{auth::PlayerKey, transport};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio::{
    sync::{Notify, mpsc},
    task::{AbortHandle, JoinSet},
    time::sleep,
};
use uuid::Uuid;

/// Most pending orders of a player.
const WAITING_MAX: usize = 2;

/// One in this many orders is followed by a payment.
const PAYS_EVERY: u64 = 16;

/// Capacity of the event queue.
const EVENT_QUEUE: usize = 64;

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
    client: Client,
    events: mpsc::Sender<(u64, Event)>,
    /// Number of the current session; events of earlier ones are ignored.
    session: u64,
    session_task: Option<AbortHandle>,
    orders: Option<mpsc::Sender<Order>>,
    ids: HashMap<u32, Uuid>,
    calls: usize,
    tasks: JoinSet<()>,
    played: PlayerLog,
}

/// Plays as player `number` at `url` until `stop` is set and everything is answered.
pub(crate) async fn play(number: usize, url: String, signals: Arc<Signals>) -> PlayerLog {
    let (events, mut queue) = mpsc::channel(EVENT_QUEUE);
    let (mut player, mut effects) = Player::new(number, &url, events);
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
    fn new(number: usize, url: &str, events: mpsc::Sender<(u64, Event)>) -> (Self, Vec<Effect>) {
        let name = format!("p{number}");
        let key = PlayerKey::from_bytes([u8::try_from(number).unwrap(); 32]);
        let channel = transport::endpoint(url).unwrap().connect_lazy();
        let info = SessionInfo {
            player: name.clone(),
            server: url.to_owned(),
        };
        let (state, effects) = AppState::new(info, (80, 24), now());
        let player = Self {
            state,
            client: Client::new(channel, name.clone(), Some(&key)),
            events,
            session: 0,
            session_task: None,
            orders: None,
            ids: HashMap::new(),
            calls: 0,
            tasks: JoinSet::new(),
            played: PlayerLog {
                name,
                ..PlayerLog::default()
            },
        };
        (player, effects)
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
        self.is_live() && self.state.log.waiting() == 0 && self.calls == 0
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
            Event::Stream(_) if session != self.session => return Vec::new(),
            Event::Stream(event) => self.record(event),
            Event::Answered(answer) => {
                self.calls -= 1;
                if let Response::TokensBought { dollars, .. } = answer {
                    self.played.paid += i64::from(*dollars);
                }
            }
            Event::Failed(call, failure) => {
                self.calls -= 1;
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
                Effect::Connect { after_ms } => {
                    self.connect(Duration::from_millis(after_ms.try_into().unwrap()));
                }
                Effect::Send(order) => {
                    let is_new = !self.ids.contains_key(&order.id.number);
                    self.played.ordered += usize::from(is_new);
                    self.played.resent += usize::from(!is_new);
                    let id = *self.ids.entry(order.id.number).or_insert_with(Uuid::now_v7);
                    // A closed session reports that itself.
                    let _ = self.orders.as_ref().unwrap().try_send(order.with_id(id));
                }
                Effect::Call(call) => self.call(call),
                effect => panic!("unexpected effect {effect:?}"),
            }
        }
    }

    fn connect(&mut self, after: Duration) {
        let (orders, queue) = mpsc::channel(EVENT_QUEUE);
        self.orders = Some(orders);
        self.session += 1;
        if let Some(earlier) = self.session_task.take() {
            earlier.abort();
        }
        let (client, events, session) = (self.client.clone(), self.events.clone(), self.session);
        self.session_task = Some(self.tasks.spawn(async move {
            sleep(after).await;
            let reason = run_session(client, queue, &events, session).await;
            let _ = events
                .send((session, Event::Stream(StreamEvent::Closed(reason))))
                .await;
        }));
    }

    fn call(&mut self, call: Request) {
        self.calls += 1;
        let (client, events, session) = (self.client.clone(), self.events.clone(), self.session);
        self.tasks.spawn(async move {
            let event = match client.call(call).await {
                Ok(answer) => Event::Answered(answer),
                Err(failure) => Event::Failed(call, failure),
            };
            let _ = events.send((session, event)).await;
        });
    }

    fn end(mut self) -> PlayerLog {
        self.played.shown = self.state.market.prices().collect();
        self.played.wallet = self.state.holdings.wallet().copied();
        self.played
    }
}

/// Runs a session and sends its events. Returns why it ended.
async fn run_session(
    client: Client,
    mut orders: mpsc::Receiver<Order>,
    events: &mpsc::Sender<(u64, Event)>,
    session: u64,
) -> String {
    let (mut stream, queue) = match client.open_session().await {
        Ok(opened) => opened,
        Err(failure) => return failure.to_string(),
    };
    let opened = StreamEvent::Opened {
        extended: stream.is_extended(),
        ids: stream.supports_request_ids(),
    };
    let mut queue = Some(queue);
    let mut events_to_send = vec![opened, StreamEvent::Capabilities(stream.capabilities())];
    loop {
        for event in events_to_send.drain(..) {
            let _ = events.send((session, Event::Stream(event))).await;
        }
        tokio::select! {
            event = stream.next() => match event {
                Ok(event) => events_to_send.push(event),
                Err(SessionEnd::Closed) => return "closed".to_owned(),
                Err(SessionEnd::Lost(reason) | SessionEnd::Rejected(reason)) => return reason,
            },
            order = orders.recv(), if queue.is_some() => match (order, &queue) {
                (Some(order), Some(queue)) => drop(queue.send(order).await),
                _ => queue = None,
            },
        }
    }
}

fn now() -> UnixMillis {
    UnixMillis(jiff::Timestamp::now().as_millisecond())
}
