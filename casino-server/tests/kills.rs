//! Casinos that share a ledger, killed in turn under load, and their database once: nothing lost, nothing twice, one
//! sequence of prices. What was not answered is asked again at another casino, with the same id.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use awesomestock_proto::casino::{
    Action, ActionOutcome, ActionResult, GambleType, casino_client::CasinoClient,
};
use support::{
    Asks, buy,
    cluster::{Cluster, connect, listen},
    process::Process,
    sell, soon,
};
use tokio::{sync::Notify, task::JoinSet};
use tonic::metadata::MetadataMap;

/// The casinos of the kill test, which come and go.
type Servers = Arc<Mutex<Vec<Process>>>;

/// What one player has asked and heard.
#[derive(Debug, Default)]
struct Played {
    name: String,
    /// Trades that were answered, by their numbers: the tick and the price of each.
    executed: BTreeMap<i64, (i64, i32)>,
    /// Actions begun, each known by its number, and how many of them were answered.
    begun: u64,
    answered: u64,
    /// Actions sent again.
    resent: u64,
    /// Prices heard, by their ticks.
    heard: BTreeMap<i64, i32>,
}

impl Played {
    /// The action that is not answered yet, or else the next one.
    fn action(&mut self) -> Action {
        if self.begun > self.answered {
            self.resent += 1;
        } else {
            self.begun += 1;
        }
        let action = if self.begun.is_multiple_of(2) { sell } else { buy };
        Action {
            id: u128::from(self.begun).to_be_bytes().to_vec(),
            ..action(&self.name, 1)
        }
    }

    fn hear(&mut self, result: &ActionResult) {
        self.answered += 1;
        if result.outcome() == ActionOutcome::OutcomeExecuted {
            let trade = result.trade.unwrap();
            let twice = self.executed.insert(trade.number, (trade.tick, trade.price));
            assert_eq!(
                twice, None,
                "{}: two actions were trade {}",
                self.name, trade.number
            );
        }
    }
}

/// Plays one action after the other, at one server until it is lost, then at the next, until `stop`; then the last one is
/// still brought to its answer.
async fn play(name: String, servers: Servers, stop: Arc<AtomicBool>) -> Played {
    let mut played = Played {
        name,
        ..Played::default()
    };
    let mut turn = played.name.len();
    while !stop.load(Ordering::SeqCst) || played.begun > played.answered {
        turn += 1;
        let channel = {
            let servers = servers.lock().unwrap();
            servers[turn % servers.len()].channel()
        };
        let mut client = CasinoClient::new(channel);
        let Ok(mut seat) = client
            .try_sit(&played.name, "ticks,wallet,ids", &MetadataMap::new())
            .await
        else {
            tokio::task::yield_now().await;
            continue;
        };
        assert_eq!(seat.capabilities.as_deref(), Some("ticks,wallet,ids"));
        let mut last_tick = -1;
        'seat: while !stop.load(Ordering::SeqCst) || played.begun > played.answered {
            seat.try_act(played.action()).await;
            loop {
                let Ok(Some(info)) = seat.next().await else {
                    break 'seat;
                };
                if info.r#type() == GambleType::StockInfo {
                    let price = info.info.unwrap();
                    assert!(price.tick > last_tick, "prices come in their order");
                    last_tick = price.tick;
                    let known = played.heard.insert(price.tick, price.price);
                    assert!(known.is_none_or(|known| known == price.price), "one price a tick");
                    continue;
                }
                let Some(result) = info.result.filter(|result| !result.msg.is_empty()) else {
                    continue;
                };
                played.hear(&result);
                break;
            }
        }
    }
    played
}

/// Nothing lost, nothing twice, one sequence of prices.
async fn audit(url: &str, all: &[Played], dollars: i32) {
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
        // Every action has its answer, so what is stored is what was answered: not one more, not one less.
        assert_eq!(stored, played.executed, "{}", played.name);
        let sql = "SELECT tokens, stocks, trades FROM accounts WHERE name = $1";
        let account = ledger.query_one(sql, &[&played.name]).await.unwrap();
        let owned: (i32, i32, i64) = (account.get(0), account.get(1), account.get(2));
        assert_eq!(
            (i64::from(owned.0), i64::from(owned.1), owned.2),
            (tokens, stocks, count),
            "{}",
            played.name
        );
        for (tick, price) in &played.heard {
            assert_eq!(
                ticks.get(tick),
                Some(price),
                "{} heard of tick {tick}",
                played.name
            );
        }
    }
}

/// Waits until the price has moved `more` times.
async fn moved((ledger, ticked): &(tokio_postgres::Client, Arc<Notify>), more: i64) {
    let newest = "SELECT max(number) FROM ticks";
    let first: i64 = ledger.query_one(newest, &[]).await.unwrap().get(0);
    let waiting = async {
        while ledger.query_one(newest, &[]).await.unwrap().get::<_, i64>(0) < first + more {
            ticked.notified().await;
        }
    };
    soon(waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_die_in_turn_and_the_database_once_and_nothing_is_lost_and_nothing_twice() {
    const PLAYERS: usize = 24;
    const DOLLARS: i32 = 1_000_000;
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("kills");
    let args = ["--tick", "60ms", "--house", "2"];
    // At once: one of them makes the tables and the market.
    let starting: Vec<_> = (0..3)
        .map(|_| {
            let url = url.clone();
            tokio::task::spawn_blocking(move || Process::start_on(&url, &args))
        })
        .collect();
    let mut servers = Vec::new();
    for server in starting {
        servers.push(soon(server).await.unwrap());
    }
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
    moved(&ledger, 5).await;
    for round in 0..6 {
        // One after the other, so the leader too, whoever it is.
        let started = {
            let url = url.clone();
            soon(tokio::task::spawn_blocking(move || {
                Process::start_on(&url, &args)
            }))
            .await
            .unwrap()
        };
        let killed = std::mem::replace(&mut servers.lock().unwrap()[round % 3], started);
        killed.kill();
        moved(&ledger, 5).await;
    }
    drop(ledger);
    tokio::task::block_in_place(|| cluster.crash_and_restart());
    let ledger = listen(&url).await;
    moved(&ledger, 5).await;
    stop.store(true, Ordering::SeqCst);
    let played = soon(players.join_all()).await;
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
        "{terms} leaders, {trades} trades, {resent} actions sent again"
    );
    for server in servers.lock().unwrap().drain(..) {
        server.terminate();
        assert_eq!(server.wait().0.code(), Some(0));
    }
}
