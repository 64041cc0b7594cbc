//! Casinos on a shared ledger, killed in turn under load, with one crash of the database: nothing is lost or executed
//! twice, and there is one sequence of prices. Unanswered actions are resent to another casino with the same ID. Some
//! orders rest: each ends once, and its end is received once.

// The lint exemption for tests does not cover helper functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use awesomestock_proto::capabilities::ORDERS_SEEN_HEADER;
use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::{
    Action, ActionOutcome, ActionResult, CancelOrderRequest, GambleInfo, GambleType, Order, OrderState,
    TimeInForce,
};
use support::cluster::{Cluster, connect, listen};
use support::order_load::kills;
use support::process::CasinoProcess;
use support::{CasinoClientExt, buy, sell, with_timeout};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tonic::metadata::MetadataMap;

/// The running casinos, which are replaced one by one.
type Servers = Arc<Mutex<Vec<CasinoProcess>>>;

/// Actions of one player and what it received.
#[derive(Debug, Default)]
struct PlayerLog {
    name: String,
    /// Answered trades by number: tick and price.
    executed: BTreeMap<i64, (i64, i32)>,
    /// Actions begun, which are numbered, and how many were answered.
    begun: u64,
    answered: u64,
    /// Actions that were resent.
    resent: u64,
    /// Received prices by tick.
    prices: BTreeMap<i64, i32>,
    /// Request IDs of the orders that were accepted to rest.
    accepted: BTreeSet<Vec<u8>>,
    /// Received ends of orders.
    ended: BTreeMap<i64, Order>,
}

/// The capabilities of a player's session.
const FEEDS: &str = "ticks,wallet,ids,orders";

impl PlayerLog {
    /// Returns the unanswered action, or else a new one.
    fn action(&mut self) -> Action {
        if self.begun > self.answered {
            self.resent += 1;
        } else {
            self.begun += 1;
        }
        let is_sale = self.begun.is_multiple_of(2);
        let action = if is_sale { sell } else { buy };
        let action = Action {
            id: u128::from(self.begun).to_be_bytes().to_vec(),
            ..action(&self.name, 1)
        };
        if self.begun % 5 < 3 {
            return action;
        }
        // A price that a few ticks may reach.
        let distance = i32::try_from(self.begun % 7).unwrap();
        let limit = if is_sale { 10 + distance } else { 20 - distance };
        Action {
            limit_price: limit,
            time_in_force: TimeInForce::UntilCancelled.into(),
            ..action
        }
    }

    /// Records an end, which no session has sent before.
    fn record_end(&mut self, info: GambleInfo) {
        let order = info.order.unwrap().order.unwrap();
        if order.state() == OrderState::OrderOpen {
            return;
        }
        let last = self.ended.last_key_value().map_or(0, |(number, _)| *number);
        assert!(
            order.end_number > last,
            "{}: {order:?} after end {last}",
            self.name
        );
        self.ended.insert(order.end_number, order);
    }

    /// Returns the metadata of a session that gets the ends not received yet.
    fn metadata(&self) -> MetadataMap {
        let last = self.ended.last_key_value().map_or(0, |(number, _)| *number);
        let mut metadata = MetadataMap::new();
        metadata.insert(ORDERS_SEEN_HEADER, last.to_string().parse().unwrap());
        metadata
    }

    fn record(&mut self, result: &ActionResult) {
        self.answered += 1;
        if let Some(order) = &result.order {
            self.accepted.insert(order.id.clone());
        } else if result.outcome() == ActionOutcome::OutcomeExecuted {
            let trade = result.trade.unwrap();
            let previous = self.executed.insert(trade.number, (trade.tick, trade.price));
            assert_eq!(
                previous, None,
                "{}: two actions were trade {}",
                self.name, trade.number
            );
        }
    }
}

/// Sends one action at a time to one server, and to the next one when the connection breaks, until `stop`. Then waits
/// for the answer to the last action.
async fn play(name: String, servers: Servers, stop: Arc<AtomicBool>) -> PlayerLog {
    let mut played = PlayerLog {
        name,
        ..PlayerLog::default()
    };
    let mut turn = played.name.len();
    while !stop.load(Ordering::SeqCst) || played.begun > played.answered {
        turn += 1;
        let channel = {
            let servers = servers.lock().unwrap();
            servers[turn % servers.len()].channel()
        };
        let mut client = CasinoClient::new(channel);
        let Ok(mut session) = client
            .try_open_session(&played.name, FEEDS, &played.metadata())
            .await
        else {
            tokio::task::yield_now().await;
            continue;
        };
        assert_eq!(session.capabilities.as_deref(), Some(FEEDS));
        let mut last_tick = -1;
        'session: while !stop.load(Ordering::SeqCst) || played.begun > played.answered {
            session.try_send(played.action()).await;
            loop {
                let Ok(Some(info)) = session.next().await else {
                    break 'session;
                };
                if info.r#type() == GambleType::StockInfo {
                    let price = info.info.unwrap();
                    assert!(price.tick > last_tick, "prices arrive in order");
                    last_tick = price.tick;
                    let previous = played.prices.insert(price.tick, price.price);
                    assert!(
                        previous.is_none_or(|previous| previous == price.price),
                        "one price per tick"
                    );
                    continue;
                }
                if info.r#type() == GambleType::Order {
                    played.record_end(info);
                    continue;
                }
                let Some(result) = info.result.filter(|result| !result.msg.is_empty()) else {
                    continue;
                };
                played.record(&result);
                break;
            }
        }
    }
    played
}

/// Checks that nothing is lost or executed twice and that there is one sequence of prices.
async fn audit(url: &str, all: &[PlayerLog], dollars: i32) {
    let ledger = connect(url).await;
    let ticks = ledger
        .query("SELECT number, price FROM ticks ORDER BY number", &[])
        .await
        .unwrap();
    let ticks: BTreeMap<i64, i32> = ticks.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(
        ticks.len() - 1,
        usize::try_from(*ticks.keys().last().unwrap()).unwrap(),
        "no gap"
    );
    for played in all {
        let sql = "SELECT t.number, t.tick, t.price, CASE side WHEN 0 THEN t.stocks ELSE -t.stocks END
                   FROM trades t JOIN accounts a ON a.id = t.account WHERE a.name = $1 ORDER BY t.number";
        let rows = ledger.query(sql, &[&played.name]).await.unwrap();
        let (mut stocks, mut tokens) = (0_i64, 5 * i64::from(dollars));
        let mut stored = BTreeMap::new();
        for row in &rows {
            let (number, tick, price, count): (i64, i64, i32, i32) =
                (row.get(0), row.get(1), row.get(2), row.get(3));
            assert_eq!(
                ticks[&tick], price,
                "{}: trade {number} at a price of its tick",
                played.name
            );
            stored.insert(number, (tick, price));
            stocks += i64::from(count);
            tokens -= i64::from(count) * i64::from(price);
        }
        let count = i64::try_from(stored.len()).unwrap();
        assert!(
            stored.keys().copied().eq(1..=count),
            "{}: numbered without a gap",
            played.name
        );
        // Every action was answered, so the stored trades must be exactly the answered ones.
        assert_eq!(stored, played.executed, "{}", played.name);
        let sql = "SELECT tokens, stocks, trades FROM accounts WHERE name = $1";
        let account = ledger.query_one(sql, &[&played.name]).await.unwrap();
        let stored_account: (i32, i32, i64) = (account.get(0), account.get(1), account.get(2));
        assert_eq!(
            (
                i64::from(stored_account.0),
                i64::from(stored_account.1),
                stored_account.2
            ),
            (tokens, stocks, count),
            "{}",
            played.name
        );
        for (tick, price) in &played.prices {
            assert_eq!(
                ticks.get(tick),
                Some(price),
                "{} received tick {tick}",
                played.name
            );
        }
    }
}

/// Cancels what is open and receives the remaining ends. Returns the number of fills.
async fn settle_orders(server: &CasinoProcess, played: &mut PlayerLog) {
    let mut client = server.client();
    let user = support::user(&played.name);
    let listed = with_timeout(client.get_orders(user.clone())).await.unwrap();
    for order in listed.into_inner().open {
        let id = order.id;
        let request = CancelOrderRequest {
            user: Some(user.clone()),
            id,
        };
        let ended = with_timeout(client.cancel_order(request))
            .await
            .unwrap()
            .into_inner();
        assert_ne!(ended.state(), OrderState::OrderOpen, "{ended:?}");
    }
    let listed = with_timeout(client.get_orders(user)).await.unwrap();
    let newest = listed
        .into_inner()
        .ended
        .last()
        .map_or(0, |order| order.end_number);
    let mut session = client
        .try_open_session(&played.name, FEEDS, &played.metadata())
        .await
        .unwrap();
    while played.ended.last_key_value().map_or(0, |(number, _)| *number) < newest {
        let info = session.next().await.unwrap().unwrap();
        if info.r#type() == GambleType::Order {
            played.record_end(info);
        }
    }
    let ids: Vec<&Vec<u8>> = played.ended.values().map(|order| &order.id).collect();
    let unique: BTreeSet<&Vec<u8>> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{}: an order ended twice", played.name);
    // An order whose acceptance was answered by its end may be missing in `accepted`.
    for id in &played.accepted {
        assert!(unique.contains(id), "{}: order {id:?} is lost", played.name);
    }
    for order in played.ended.values() {
        if let Some(trade) = order.trade {
            let previous = played.executed.insert(trade.number, (trade.tick, trade.price));
            assert_eq!(previous, None, "{}: {order:?} is another trade", played.name);
        }
    }
}

async fn settle_all_orders(servers: &Servers, all: &mut [PlayerLog]) {
    let server = servers.lock().unwrap().pop().unwrap();
    for played in all {
        settle_orders(&server, played).await;
    }
    servers.lock().unwrap().push(server);
}

async fn check_ledger(url: &str) {
    let store = url.parse().unwrap();
    let checked = tokio::task::spawn_blocking(move || {
        let mut differences = Vec::new();
        casino_server::check(&store, |difference| differences.push(difference.to_string())).unwrap();
        differences
    });
    assert_eq!(checked.await.unwrap(), Vec::<String>::new());
}

/// Waits for `more` ticks.
async fn wait_for_ticks((ledger, ticked): &(tokio_postgres::Client, Arc<Notify>), more: i64) {
    let newest = "SELECT max(number) FROM ticks";
    let first: i64 = ledger.query_one(newest, &[]).await.unwrap().get(0);
    let newer = async {
        while ledger.query_one(newest, &[]).await.unwrap().get::<_, i64>(0) < first + more {
            ticked.notified().await;
        }
    };
    with_timeout(newer).await;
}

async fn start(url: String) -> CasinoProcess {
    let args = ["--tick", "60ms", "--house", "2"];
    let starting = tokio::task::spawn_blocking(move || CasinoProcess::start_on(&url, &args));
    starting.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_casinos_and_a_database_crash_lose_and_repeat_nothing() {
    const PLAYERS: usize = 24;
    const DOLLARS: i32 = 1_000_000;
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("kills");
    let mut started = JoinSet::new();
    // Concurrently: one of them creates the tables and the market.
    for _ in 0..3 {
        started.spawn(start(url.clone()));
    }
    let servers = with_timeout(started.join_all()).await;
    for number in 0..PLAYERS {
        let mut client = servers[number % 3].client();
        client.deposit(&format!("p{number}"), DOLLARS).await.unwrap();
    }
    let servers: Servers = Arc::new(Mutex::new(servers));
    let stop = Arc::new(AtomicBool::new(false));
    let mut players = JoinSet::new();
    for number in 0..PLAYERS {
        players.spawn(play(
            format!("p{number}"),
            Arc::clone(&servers),
            Arc::clone(&stop),
        ));
    }
    let ledger = listen(&url).await;
    wait_for_ticks(&ledger, 5).await;
    for round in 0..kills(6) {
        // One after the other, so that the leader is killed too.
        let started = with_timeout(start(url.clone())).await;
        let killed = std::mem::replace(&mut servers.lock().unwrap()[round % 3], started);
        killed.kill();
        wait_for_ticks(&ledger, 5).await;
    }
    drop(ledger);
    tokio::task::block_in_place(|| cluster.crash_and_restart());
    let ledger = listen(&url).await;
    wait_for_ticks(&ledger, 5).await;
    stop.store(true, Ordering::SeqCst);
    let mut played = with_timeout(players.join_all()).await;
    settle_all_orders(&servers, &mut played).await;
    audit(&url, &played, DOLLARS).await;
    let (ledger, _) = ledger;
    let terms: i64 = ledger
        .query_one("SELECT term FROM market", &[])
        .await
        .unwrap()
        .get(0);
    let trades: usize = played.iter().map(|played| played.executed.len()).sum();
    let resent: u64 = played.iter().map(|played| played.resent).sum();
    assert!(
        terms >= 2 && trades > 100 && resent > 0,
        "{terms} leaders, {trades} trades, {resent} actions resent"
    );
    for server in servers.lock().unwrap().drain(..) {
        server.terminate();
        assert_eq!(server.wait().0.code(), Some(0));
    }
    check_ledger(&url).await;
}
