//! A player without a screen: the game's own reducer and the client's own way to a casino, and a hand that presses keys.

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

/// Orders that a player lets wait for their answers.
const WAITING_MAX: usize = 2;

/// One order in so many is followed by a payment.
const PAYS_EVERY: u64 = 16;

/// Events that may wait.
const EVENT_QUEUE: usize = 64;

/// What all players go by.
#[derive(Default)]
pub(crate) struct Signals {
    /// Nobody orders anything more; who has no answer still waits for it.
    pub(crate) stop: AtomicBool,
    /// Trades that each player has been told of.
    pub(crate) trades: Vec<AtomicU64>,
    /// Somebody may have been told of another.
    pub(crate) traded: Notify,
}

/// What a player has asked and heard.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) name: String,
    /// Orders, each counted once however often it was sent.
    pub(crate) ordered: usize,
    /// Orders that were sent a second time.
    pub(crate) sent_again: usize,
    /// Orders that were answered.
    pub(crate) answered: usize,
    /// The answers that told of a trade: tick and price.
    pub(crate) trades: Vec<(i64, i32)>,
    /// Dollars that were answered as paid.
    pub(crate) paid: i64,
    /// Dollars of which no answer told.
    pub(crate) open: i64,
    /// Prices heard at the table, by their ticks.
    pub(crate) heard: BTreeMap<i64, i32>,
    /// Times that the player sat down at a casino that keeps to ids, and at one that does not.
    pub(crate) seats: [usize; 2],
    /// The prices that the desk shows in the end.
    pub(crate) shown: Vec<PricePoint>,
    /// The wallet that the desk shows in the end.
    pub(crate) wallet: Option<Wallet>,
}

/// A player at a desk.
struct Player {
    state: AppState,
    client: Client,
    events: mpsc::Sender<(u64, Event)>,
    /// Counts the seats: of an earlier one nothing is heard any more.
    seat: u64,
    seated: Option<AbortHandle>,
    orders: Option<mpsc::Sender<Order>>,
    ids: HashMap<u32, Uuid>,
    calls: usize,
    tasks: JoinSet<()>,
    played: Played,
}

/// Plays as the player number `number` at `url` until it is told to stop and everything is answered.
pub(crate) async fn play(number: usize, url: String, signals: Arc<Signals>) -> Played {
    let (events, mut happening) = mpsc::channel(EVENT_QUEUE);
    let (mut player, mut effects) = Player::new(number, &url, events);
    loop {
        player.carry_out(effects);
        let stopping = signals.stop.load(Ordering::SeqCst);
        if stopping && player.is_settled() {
            return player.end();
        }
        if !stopping && player.may_order() {
            effects = player.press_keys();
            continue;
        }
        let wake = player.state.next_wake().unwrap_or(now().plus_ms(1_000));
        // A player who has nothing to wait for looks up now and then, to see whether it is time to stop.
        let pause = Duration::from_millis(u64::try_from(wake.since_ms(now())).unwrap_or(0).min(500));
        effects = tokio::select! {
            Some((seat, event)) = happening.recv() => player.take(seat, event),
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
        let seat = SessionInfo {
            player: name.clone(),
            server: url.to_owned(),
        };
        let (state, effects) = AppState::new(seat, (80, 24), now());
        let player = Self {
            state,
            client: Client::new(channel, name.clone(), Some(&key)),
            events,
            seat: 0,
            seated: None,
            orders: None,
            ids: HashMap::new(),
            calls: 0,
            tasks: JoinSet::new(),
            played: Played {
                name,
                ..Played::default()
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

    /// Buys and sells in turn; dollars are paid in at the beginning and now and then.
    fn press_keys(&mut self) -> Vec<Effect> {
        let turn = self.played.ordered + self.played.sent_again;
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

    /// Takes an event in, and notes what it tells.
    fn take(&mut self, seat: u64, event: Event) -> Vec<Effect> {
        match &event {
            Event::Stream(_) if seat != self.seat => return Vec::new(),
            Event::Stream(event) => self.note(event),
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

    fn note(&mut self, event: &StreamEvent) {
        let played = &mut self.played;
        match event {
            StreamEvent::Opened { ids, .. } => played.seats[usize::from(!ids)] += 1,
            StreamEvent::Price {
                tick: Some(tick),
                price,
                ..
            } => {
                let known = played.heard.insert(*tick, *price);
                assert!(
                    known.is_none_or(|known| known == *price),
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

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Connect { after_ms } => {
                    self.connect(Duration::from_millis(after_ms.try_into().unwrap()));
                }
                Effect::Send {
                    side,
                    count,
                    limit,
                    up_to,
                    order_id,
                } => {
                    let new = !self.ids.contains_key(&order_id.number);
                    self.played.ordered += usize::from(new);
                    self.played.sent_again += usize::from(!new);
                    let id = *self.ids.entry(order_id.number).or_insert_with(Uuid::now_v7);
                    // A seat that is gone tells so by itself.
                    let _ = self.orders.as_ref().unwrap().try_send(Order {
                        side,
                        count,
                        limit,
                        up_to,
                        id,
                    });
                }
                Effect::Call(call) => self.call(call),
                effect => panic!("nobody pressed a key for {effect:?}"),
            }
        }
    }

    fn connect(&mut self, after: Duration) {
        let (orders, queue) = mpsc::channel(EVENT_QUEUE);
        self.orders = Some(orders);
        self.seat += 1;
        if let Some(earlier) = self.seated.take() {
            earlier.abort();
        }
        let (client, events, seat) = (self.client.clone(), self.events.clone(), self.seat);
        self.seated = Some(self.tasks.spawn(async move {
            sleep(after).await;
            let why = sit(client, queue, &events, seat).await;
            let _ = events.send((seat, Event::Stream(StreamEvent::Closed(why)))).await;
        }));
    }

    fn call(&mut self, call: Request) {
        self.calls += 1;
        let (client, events, seat) = (self.client.clone(), self.events.clone(), self.seat);
        self.tasks.spawn(async move {
            let told = match client.call(call).await {
                Ok(answer) => Event::Answered(answer),
                Err(failure) => Event::Failed(call, failure),
            };
            let _ = events.send((seat, told)).await;
        });
    }

    fn end(mut self) -> Played {
        self.played.shown = self.state.market.prices().collect();
        self.played.wallet = self.state.holdings.wallet().copied();
        self.played
    }
}

/// Takes a seat and tells what comes of it; why it ended, in words.
async fn sit(
    client: Client,
    mut orders: mpsc::Receiver<Order>,
    events: &mpsc::Sender<(u64, Event)>,
    seat: u64,
) -> String {
    let (mut table, queue) = match client.open_session().await {
        Ok(seated) => seated,
        Err(failure) => return failure.to_string(),
    };
    let joined = StreamEvent::Opened {
        extended: table.is_extended(),
        ids: table.supports_request_ids(),
    };
    let mut queue = Some(queue);
    let mut told = vec![joined, StreamEvent::Capabilities(table.capabilities())];
    loop {
        for event in told.drain(..) {
            let _ = events.send((seat, Event::Stream(event))).await;
        }
        tokio::select! {
            event = table.next() => match event {
                Ok(event) => told.push(event),
                Err(SessionEnd::Closed) => return "closed".to_owned(),
                Err(SessionEnd::Lost(why) | SessionEnd::Rejected(why)) => return why,
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
