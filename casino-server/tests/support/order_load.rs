//! Players whose orders rest on casinos that are killed, and an audit of what each player was answered.
//!
//! A player sends a window of actions with IDs, and resends the unanswered ones to the next casino. Some are limit and stop
//! orders at prices that a few ticks may meet. Now and then the player cancels one of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use awesomestock_proto::capabilities::ORDERS_SEEN_HEADER;
use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::{
    Action, ActionOutcome, ActionResult, ActionType, CancelOrderRequest, GambleType, Order, OrderState,
    TimeInForce, Trade,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::{CasinoClientExt, Client, action, user, with_timeout, within_deadline};

const FEEDS: &str = "ticks,wallet,ids,orders";

/// Most unanswered actions of a player.
const WINDOW: usize = 16;

const PLAYERS: u64 = 24;

/// Enough for all actions.
pub const DOLLARS: i32 = 100_000_000;

/// Returns the number of kills: the variable `CRASH_ROUNDS`, or `default`.
pub fn kills(default: usize) -> usize {
    std::env::var("CRASH_ROUNDS").map_or(default, |kills| kills.parse().unwrap())
}

/// The players of a test, and the casinos that they use.
pub struct OrderLoad {
    players: JoinSet<OrderPlayer>,
    casinos: watch::Sender<Vec<Channel>>,
    stop: CancellationToken,
}

/// What one player did and received.
struct OrderPlayer {
    name: String,
    rng: ChaCha8Rng,
    /// Actions begun, which are numbered.
    begun: u64,
    /// Sent and not answered, oldest first.
    unanswered: VecDeque<Action>,
    /// Sessions opened.
    turn: usize,
    resent: usize,
    price: i32,
    /// Received prices by tick.
    prices: BTreeMap<i64, i32>,
    /// Answered trades by number.
    executed: BTreeMap<i64, Trade>,
    /// Actions that may rest, by ID.
    resting: HashMap<Vec<u8>, Action>,
    /// When those were resent, and their answers: an audit that fails prints them.
    history: HashMap<Vec<u8>, Vec<String>>,
    /// IDs of the orders that were accepted to rest, and those that have not ended yet.
    accepted: HashSet<Vec<u8>>,
    open: BTreeSet<Vec<u8>>,
    /// Orders that the player tried to cancel, and the answers.
    cancelling: HashSet<Vec<u8>>,
    cancelled: Vec<Order>,
    /// Received ends of orders, by their number, and their IDs.
    ended: BTreeMap<i64, Order>,
    ended_ids: HashSet<Vec<u8>>,
}

/// Figures of all players together.
#[derive(Debug, Default)]
pub struct OrderTotals {
    /// Actions begun and resent.
    pub actions: u64,
    pub resent: usize,
    /// Orders accepted to rest, and their ends.
    pub placed: usize,
    pub filled: usize,
    pub rejected: usize,
    pub cancelled: usize,
    /// Orders that were open when the players stopped.
    pub open: usize,
    /// Trades of actions that did not rest.
    pub trades: usize,
    pub ticks: usize,
}

impl OrderLoad {
    /// Deposits for each player and lets them play on `casinos`.
    pub async fn start(casinos: Vec<Channel>) -> Self {
        let mut client = CasinoClient::new(casinos[0].clone());
        let (casinos, stop) = (watch::Sender::new(casinos), CancellationToken::new());
        let mut players = JoinSet::new();
        for number in 0..PLAYERS {
            let player = OrderPlayer::new(number);
            client.deposit(&player.name, DOLLARS).await.unwrap();
            players.spawn(player.play(casinos.subscribe(), stop.clone()));
        }
        Self {
            players,
            casinos,
            stop,
        }
    }

    /// Replaces the casinos. Without one, the players wait.
    pub fn set_casinos(&self, casinos: Vec<Channel>) {
        self.casinos.send_replace(casinos);
    }

    /// Lets the players wait for their last answers, cancels what is open, and audits each player.
    pub async fn finish(self, client: &mut Client) -> OrderTotals {
        self.stop.cancel();
        let mut players = with_timeout(self.players.join_all()).await;
        let mut totals = OrderTotals::default();
        for player in &mut players {
            totals.open += player.settle(client).await;
        }
        let prices: BTreeMap<i64, i32> = client.prices().await.into_iter().collect();
        let (first, last) = (prices.first_key_value(), prices.last_key_value());
        let ticks = *first.unwrap().0..=*last.unwrap().0;
        assert!(prices.keys().copied().eq(ticks), "ticks without a gap");
        for player in &players {
            player.audit(client, &prices).await;
            player.add_to(&mut totals);
        }
        totals.ticks = prices.len();
        totals
    }
}

impl OrderPlayer {
    fn new(number: u64) -> Self {
        Self {
            name: format!("p{number}"),
            rng: ChaCha8Rng::seed_from_u64(number),
            begun: 0,
            unanswered: VecDeque::new(),
            turn: usize::try_from(number).unwrap(),
            resent: 0,
            price: 10,
            prices: BTreeMap::new(),
            executed: BTreeMap::new(),
            resting: HashMap::new(),
            history: HashMap::new(),
            accepted: HashSet::new(),
            open: BTreeSet::new(),
            cancelling: HashSet::new(),
            cancelled: Vec::new(),
            ended: BTreeMap::new(),
            ended_ids: HashSet::new(),
        }
    }

    /// Plays on one casino at a time, and on the next one when the connection breaks, until `stop`. Then waits for the
    /// last answers.
    async fn play(mut self, mut casinos: watch::Receiver<Vec<Channel>>, stop: CancellationToken) -> Self {
        while !stop.is_cancelled() || !self.unanswered.is_empty() {
            self.turn += 1;
            let channel = {
                let running = casinos.wait_for(|casinos| !casinos.is_empty()).await.unwrap();
                running[self.turn % running.len()].clone()
            };
            // Fails when the casino is gone.
            let _ = self.play_session(CasinoClient::new(channel), &stop).await;
            tokio::task::yield_now().await;
        }
        self
    }

    /// Resends the unanswered actions, and then plays until the connection breaks, or `stop` and the last answer.
    async fn play_session(&mut self, mut client: Client, stop: &CancellationToken) -> Result<(), Status> {
        let mut session = client
            .try_open_session(&self.name, FEEDS, &self.metadata())
            .await?;
        assert_eq!(session.capabilities.as_deref(), Some(FEEDS));
        self.resent += self.unanswered.len();
        for action in self.unanswered.clone() {
            self.note(&action.id, || "resent".to_owned());
            session.try_send(action).await;
        }
        let mut last_tick = -1;
        loop {
            while self.unanswered.len() < WINDOW && !stop.is_cancelled() {
                let action = self.begin_action();
                session.try_send(action).await;
            }
            if self.unanswered.is_empty() {
                return Ok(());
            }
            if self.rng.random_ratio(1, 40) {
                self.cancel_one(&mut client).await?;
            }
            let Some(info) = session.next().await? else {
                return Ok(());
            };
            match info.r#type() {
                GambleType::StockInfo => {
                    let info = info.info.unwrap();
                    assert!(info.tick > last_tick, "prices arrive in order");
                    last_tick = info.tick;
                    self.price = info.price;
                    let previous = self.prices.insert(info.tick, info.price);
                    assert!(
                        previous.is_none_or(|price| price == info.price),
                        "one price per tick"
                    );
                }
                GambleType::Order => self.record_order(info.order.unwrap().order.unwrap()),
                GambleType::ActionResult => self.record(&info.result.unwrap()),
                _ => {}
            }
        }
    }

    /// Returns a new action, which is unanswered.
    fn begin_action(&mut self) -> Action {
        self.begun += 1;
        let side = [ActionType::Buy, ActionType::Sell][self.rng.random_range(0..2_usize)];
        let mut action = Action {
            id: u128::from(self.begun).to_be_bytes().to_vec(),
            up_to: self.rng.random_ratio(1, 4),
            ..action(&self.name, side, self.rng.random_range(1..4))
        };
        // Often the price meets it at once, otherwise a few ticks may.
        let price = (self.price + self.rng.random_range(-20..=20)).max(1);
        let kind = self.rng.random_range(0..6);
        match kind {
            0 | 1 => action.limit_price = price,
            2 => action.stop_price = price,
            _ => {}
        }
        if kind < 3 {
            action.time_in_force = TimeInForce::UntilCancelled.into();
            self.resting.insert(action.id.clone(), action.clone());
        }
        self.unanswered.push_back(action.clone());
        action
    }

    /// Cancels one of the open orders, if there is any. An order that was accepted is never unknown.
    async fn cancel_one(&mut self, client: &mut Client) -> Result<(), Status> {
        if self.open.is_empty() {
            return Ok(());
        }
        let index = self.rng.random_range(0..self.open.len());
        let id = self.open.iter().nth(index).unwrap().clone();
        self.cancel(client, id).await
    }

    async fn cancel(&mut self, client: &mut Client, id: Vec<u8>) -> Result<(), Status> {
        self.cancelling.insert(id.clone());
        let request = CancelOrderRequest {
            user: Some(user(&self.name)),
            id,
        };
        match within_deadline(client.cancel_order(request)).await {
            Ok(order) => {
                let order = order.into_inner();
                assert_ne!(order.state(), OrderState::OrderOpen, "{order:?}");
                self.cancelled.push(order);
                Ok(())
            }
            Err(status) => {
                assert_ne!(status.code(), Code::NotFound, "{}: a lost order", self.name);
                Err(status)
            }
        }
    }

    /// Returns the metadata of a session that gets the ends not received yet.
    fn metadata(&self) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert(ORDERS_SEEN_HEADER, self.last_end().to_string().parse().unwrap());
        metadata
    }

    fn last_end(&self) -> i64 {
        self.ended.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// Records the answer to the oldest unanswered action.
    fn record(&mut self, result: &ActionResult) {
        let action = self.unanswered.pop_front().expect("an answer to an action");
        self.note(&action.id, || format!("{:?} {}", result.outcome(), result.msg));
        if let Some(order) = &result.order {
            assert_eq!(order.id, action.id, "{}", self.name);
            self.accepted.insert(action.id.clone());
            if !self.ended_ids.contains(&action.id) {
                self.open.insert(action.id);
            }
        } else if result.outcome() == ActionOutcome::OutcomeExecuted {
            let trade = result.trade.unwrap();
            assert!(is_met(&action, &trade), "{}: {trade:?} of {action:?}", self.name);
            let previous = self.executed.insert(trade.number, trade);
            assert_eq!(previous, None, "{}: two actions share a trade", self.name);
        }
    }

    /// Keeps what happens to an action that may rest.
    fn note(&mut self, id: &[u8], what: impl FnOnce() -> String) {
        if self.resting.contains_key(id) {
            let notes = self.history.entry(id.to_vec()).or_default();
            notes.push(format!("session {}: {}", self.turn, what()));
        }
    }

    /// Records an end, which no session has sent before.
    fn record_order(&mut self, order: Order) {
        if order.state() == OrderState::OrderOpen {
            // A casino that reads it from the ledger may send it before the answer.
            return;
        }
        let last = self.last_end();
        assert!(
            order.end_number > last,
            "{}: {order:?} after end {last}",
            self.name
        );
        assert!(
            self.ended_ids.insert(order.id.clone()),
            "{}: {order:?} ends twice",
            self.name
        );
        self.open.remove(&order.id);
        self.ended.insert(order.end_number, order);
    }

    /// Cancels what is open and receives the remaining ends. Returns the number of orders that were open.
    async fn settle(&mut self, client: &mut Client) -> usize {
        let listed = with_timeout(client.get_orders(user(&self.name))).await.unwrap();
        let open = listed.into_inner().open;
        for order in &open {
            assert!(!self.ended_ids.contains(&order.id), "{order:?} is open again");
            self.cancel(client, order.id.clone()).await.unwrap();
        }
        let listed = with_timeout(client.get_orders(user(&self.name))).await.unwrap();
        let listed = listed.into_inner();
        assert_eq!(listed.open, []);
        let newest = listed.ended.last().map_or(0, |order| order.end_number);
        let metadata = self.metadata();
        let mut session = client
            .try_open_session(&self.name, FEEDS, &metadata)
            .await
            .unwrap();
        while self.last_end() < newest {
            let info = session.next().await.unwrap().unwrap();
            if info.r#type() == GambleType::Order {
                self.record_order(info.order.unwrap().order.unwrap());
            }
        }
        open.len()
    }

    /// Checks that each accepted order has one end which suits it, and that the stored trades are exactly those that were
    /// answered and the fills.
    async fn audit(&self, client: &mut Client, prices: &BTreeMap<i64, i32>) {
        let name = &self.name;
        let different = self.ended_ids.symmetric_difference(&self.accepted).map(|id| {
            let end = self.ended.values().find(|order| order.id == *id);
            (self.history.get(id), end)
        });
        let different: Vec<_> = different.collect();
        assert!(
            different.is_empty(),
            "{name}: accepted and ended orders: {different:#?}"
        );
        for order in self.ended.values() {
            self.check_end(order);
        }
        let mut cancelled_by_call = HashSet::new();
        for order in &self.cancelled {
            let is_first = order.cancelled_by_call != Some(true) || cancelled_by_call.insert(&order.id);
            assert!(is_first, "{name}: two calls cancelled {order:?}");
            let ended = Order {
                cancelled_by_call: None,
                ..order.clone()
            };
            assert_eq!(self.ended.get(&order.end_number), Some(&ended), "{name}");
        }
        let mut expected = self.executed.clone();
        for trade in self.ended.values().filter_map(|order| order.trade) {
            let previous = expected.insert(trade.number, trade);
            assert_eq!(previous, None, "{name}: two orders share a trade");
        }
        let stored = client.trades_of(name).await;
        assert!(
            stored.iter().eq(expected.values()),
            "{name}: stored and answered trades differ"
        );
        assert!(
            stored
                .iter()
                .zip(1..)
                .all(|(trade, number)| trade.number == number),
            "{name}: numbered without a gap"
        );
        let (mut tokens, mut stocks) = (5 * i64::from(DOLLARS), 0);
        for trade in &stored {
            assert_eq!(prices.get(&trade.tick), Some(&trade.price), "{name}: {trade:?}");
            let count = match trade.r#type() {
                ActionType::Buy => i64::from(trade.stocks_count),
                ActionType::Sell => -i64::from(trade.stocks_count),
            };
            tokens -= count * i64::from(trade.price);
            stocks += count;
        }
        let wallet = client.wallet(name).await;
        assert_eq!(
            (i64::from(wallet.tokens), i64::from(wallet.stocks)),
            (tokens, stocks),
            "{name}"
        );
        for (tick, price) in &self.prices {
            assert_eq!(prices.get(tick), Some(price), "{name} received tick {tick}");
        }
    }

    fn check_end(&self, order: &Order) {
        let action = &self.resting[&order.id];
        let terms = (
            order.stocks_count,
            order.limit_price,
            order.stop_price,
            order.up_to,
        );
        let sent = (
            action.stocks_count,
            action.limit_price,
            action.stop_price,
            action.up_to,
        );
        assert_eq!((order.r#type(), terms), (action.r#type(), sent), "{}", self.name);
        let suits = match order.state() {
            OrderState::OrderFilled => is_met(action, &order.trade.unwrap()),
            OrderState::OrderCancelled => self.cancelling.contains(&order.id),
            OrderState::OrderRefused => !order.msg.is_empty(),
            OrderState::OrderOpen | OrderState::OrderUnspecified => false,
        };
        assert!(suits, "{}: {order:?}", self.name);
    }

    fn add_to(&self, totals: &mut OrderTotals) {
        totals.actions += self.begun;
        totals.resent += self.resent;
        totals.placed += self.accepted.len();
        for order in self.ended.values() {
            match order.state() {
                OrderState::OrderFilled => totals.filled += 1,
                OrderState::OrderCancelled => totals.cancelled += 1,
                _ => totals.rejected += 1,
            }
        }
        totals.trades += self.executed.len();
    }
}

/// Returns whether the price of `trade` meets the limit or stop of `action`, and its stocks are those asked for.
fn is_met(action: &Action, trade: &Trade) -> bool {
    let is_price = match (action.r#type(), action.limit_price, action.stop_price) {
        (_, 0, 0) => true,
        (ActionType::Buy, 0, stop) => trade.price >= stop,
        (ActionType::Sell, 0, stop) => trade.price <= stop,
        (ActionType::Buy, limit, _) => trade.price <= limit,
        (ActionType::Sell, limit, _) => trade.price >= limit,
    };
    let is_count = trade.stocks_count == action.stocks_count
        || action.up_to && (1..action.stocks_count).contains(&trade.stocks_count);
    is_price && is_count && trade.r#type() == action.r#type()
}
