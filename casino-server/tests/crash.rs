//! The casino killed repeatedly under full load: every answered action is stored, and nothing that was not sent. Orders that
//! rest end once.

// The load generator of the benchmark needs the same exemptions.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::large_futures,
    dead_code
)]

#[path = "../benches/load/histogram.rs"]
mod histogram;
#[path = "../benches/load/http2.rs"]
mod http2;
#[path = "support/load.rs"]
mod load;
mod support;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use awesomestock_proto::casino::Action;
use casino_server::StoreUrl;
use load::{LoadPlayers, PlayerTotals, names};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rusqlite::Connection as Sqlite;
use support::order_load::{OrderLoad, kills};
use support::process::CasinoProcess;
use support::{CasinoClientExt, Client, Session, buy, ledger_path, with_timeout};
use tokio::task::JoinSet;
use tonic::metadata::MetadataMap;

const PLAYERS: usize = 24;
const WINDOW: usize = 16;
/// Number of kills; the variable `CRASH_ROUNDS` overrides it.
const ROUNDS: usize = 50;
/// The same for orders that rest.
const ORDER_ROUNDS: usize = 10;
/// Enough for all rounds.
const DOLLARS: i32 = 100_000_000;
const ARGS: [&str; 6] = ["--tick", "50ms", "--seed", "3", "--house", "4"];

/// Totals of a player's trades.
#[derive(Default, Clone, Copy)]
struct Stored {
    trades: i64,
    stocks: i64,
    tokens: i64,
}

/// Plays on `server` and calls `end` after `length`.
async fn play_and_end(
    server: CasinoProcess,
    names: &[String],
    length: Duration,
    end: fn(CasinoProcess),
) -> Vec<PlayerTotals> {
    let players = LoadPlayers::play(&server.address.to_string(), names, WINDOW).await;
    let stopped = tokio::spawn(end_after(server, length, end));
    let played = players.until_disconnected().await;
    stopped.await.unwrap();
    played
}

/// Calls `end` with `server` after `length`.
async fn end_after(server: CasinoProcess, length: Duration, end: fn(CasinoProcess)) {
    let stopped = tokio::task::spawn_blocking(move || {
        let deadline = Instant::now() + length;
        while let Some(remaining) = deadline.checked_duration_since(Instant::now()) {
            thread::park_timeout(remaining);
        }
        end(server);
    });
    stopped.await.unwrap();
}

/// Reads each player's trades with SQLite itself.
fn stored(ledger: &Path) -> HashMap<String, Stored> {
    let sqlite = Sqlite::open(ledger).unwrap();
    let mut trades = sqlite
        .prepare(
            "SELECT name, count(*), sum(iif(side, -trades.stocks, trades.stocks)),
                 sum(iif(side, trades.stocks, -trades.stocks) * price)
             FROM trades JOIN accounts ON accounts.id = account GROUP BY name",
        )
        .unwrap();
    let rows = trades.query_map([], |row| {
        let stored = Stored {
            trades: row.get(1)?,
            stocks: row.get(2)?,
            tokens: row.get(3)?,
        };
        Ok((row.get(0)?, stored))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Asserts that the ledger at `ledger` passes the check.
fn assert_consistent(ledger: &Path, context: &str) {
    let mut differences = Vec::new();
    let totals = casino_server::check(&StoreUrl::Sqlite(ledger.to_owned()), |difference| {
        differences.push(difference.to_string());
    });
    assert_eq!(differences, Vec::<String>::new(), "{context}");
    assert_eq!(totals.unwrap().differences, 0, "{context}");
}

/// Plays `rounds` rounds on one ledger, each ended by `end`. After each round every answered action must be stored, no
/// action that was not sent, and the restarted casino must report the same totals. Returns the number of trades.
async fn run_rounds(rounds: usize, end: fn(CasinoProcess)) -> i64 {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger_path(&folder);
    let names = names(PLAYERS);
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut before: HashMap<String, Stored> = HashMap::new();
    let mut server = CasinoProcess::start(&ledger, &ARGS);
    for name in &names {
        server.client().deposit(name, DOLLARS).await.unwrap();
    }
    for round in 0..rounds {
        let length = Duration::from_millis(rng.random_range(5..150));
        let played = play_and_end(server, &names, length, end).await;
        assert_consistent(&ledger, &format!("round {round}, before the restart"));
        server = CasinoProcess::start(&ledger, &ARGS);
        let mut client = server.client();
        let now = stored(&ledger);
        for player in played {
            let PlayerTotals {
                name,
                acknowledged,
                sent,
            } = player;
            let current = now.get(&name).copied().unwrap_or_default();
            let previous = before.insert(name.clone(), current).unwrap_or_default();
            let added = current.trades - previous.trades;
            let context = format!("round {round}, {length:?}, {name}: {acknowledged} <= {added} <= {sent}");
            assert!(acknowledged <= added && added <= sent, "{context}");
            let wallet = client.wallet(&name).await;
            let actual = (i64::from(wallet.stocks), i64::from(wallet.tokens));
            assert_eq!(
                actual,
                (current.stocks, current.tokens + 5 * i64::from(DOLLARS)),
                "{context}"
            );
        }
    }
    before.values().map(|stored| stored.trades).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_no_answered_action_and_adds_none() {
    let trades = run_rounds(kills(ROUNDS), CasinoProcess::kill).await;
    assert!(trades > 1_000, "only {trades} trades");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_under_full_load_is_clean_and_loses_no_answered_action() {
    let trades = run_rounds(8, |server| {
        server.terminate();
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains("deadline"), "{log}");
    })
    .await;
    assert!(trades > 100, "only {trades} trades");
}

/// A player that gives each order an ID and resends unanswered ones.
struct ResendingPlayer {
    name: String,
    /// Sent and not answered, oldest first.
    unanswered: VecDeque<Action>,
    sent: usize,
    answered: HashSet<i64>,
}

impl ResendingPlayer {
    /// Opens a session, resends unanswered orders, and plays until the stream breaks.
    async fn play(mut self, mut client: Client) -> Self {
        let Ok(mut session) = client
            .try_open_session(&self.name, "ticks,wallet,ids", &MetadataMap::new())
            .await
        else {
            return self;
        };
        for action in &self.unanswered {
            session.try_send(action.clone()).await;
        }
        loop {
            while self.unanswered.len() < WINDOW {
                self.send_order(&session).await;
            }
            let Ok(Some(result)) = session.result_or_end().await else {
                return self;
            };
            let trade = result.trade.expect("the deposit covers all orders");
            assert!(self.answered.insert(trade.number), "two orders share one trade");
            self.unanswered.pop_front();
        }
    }

    async fn send_order(&mut self, session: &Session) {
        self.sent += 1;
        let id = u128::try_from(self.sent).unwrap().to_be_bytes().to_vec();
        let action = Action {
            id,
            ..buy(&self.name, 1)
        };
        self.unanswered.push_back(action.clone());
        session.try_send(action).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_resent_after_a_kill_is_one_trade() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--tick", "1h", "--initial-price", "1"];
    let mut players: Vec<ResendingPlayer> = (0..6)
        .map(|number| ResendingPlayer {
            name: format!("p{number}"),
            unanswered: VecDeque::new(),
            sent: 0,
            answered: HashSet::new(),
        })
        .collect();
    let server = CasinoProcess::start(&ledger_path(&folder), &args);
    for player in &players {
        server.client().deposit(&player.name, DOLLARS).await.unwrap();
    }
    server.kill();
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let mut resent = 0;
    for _ in 0..ROUNDS {
        let server = CasinoProcess::start(&ledger_path(&folder), &args);
        let mut tasks = JoinSet::new();
        for player in players.drain(..) {
            resent += player.unanswered.len();
            tasks.spawn(player.play(server.client()));
        }
        let length = Duration::from_millis(rng.random_range(20..250));
        end_after(server, length, CasinoProcess::kill).await;
        players = with_timeout(tasks.join_all()).await;
    }
    // Finally everything is answered.
    let server = CasinoProcess::start(&ledger_path(&folder), &args);
    for player in &mut players {
        let mut session = server
            .client()
            .open_session(&player.name, "ticks,wallet,ids")
            .await;
        for action in player.unanswered.drain(..) {
            assert!(player.answered.insert(session.trade(action).await.number));
        }
        let wallet = server.client().wallet(&player.name).await;
        assert_eq!(
            usize::try_from(wallet.stocks).unwrap(),
            player.sent,
            "{}",
            player.name
        );
    }
    server.terminate();
    assert_eq!(server.wait().0.code(), Some(0));
    assert!(resent > ROUNDS, "only {resent} orders were resent");
    check_trades(&ledger_path(&folder), &players);
}

/// Checks that the ledger has exactly one trade for each order and that each was answered.
fn check_trades(ledger: &Path, players: &[ResendingPlayer]) {
    let stored = stored(ledger);
    for player in players {
        let Stored { trades: count, .. } = stored[&player.name];
        assert_eq!(usize::try_from(count).unwrap(), player.sent, "{}", player.name);
        assert_eq!(player.answered, (1..=count).collect(), "{}", player.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_rests_ends_once_and_at_its_price_across_kills() {
    let args = ["--tick", "10ms", "--seed", "3", "--house", "4"];
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger_path(&folder);
    let kills = kills(ORDER_ROUNDS);
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let mut server = CasinoProcess::start(&ledger, &args);
    let load = OrderLoad::start(vec![server.channel()]).await;
    for _ in 0..kills {
        let length = Duration::from_millis(rng.random_range(5..250));
        end_after(server, length, CasinoProcess::kill).await;
        load.set_casinos(Vec::new());
        server = CasinoProcess::start(&ledger, &args);
        load.set_casinos(vec![server.channel()]);
    }
    let totals = load.finish(&mut server.client()).await;
    println!("{kills} kills: {totals:?}");
    assert!(
        totals.filled > 10 && totals.cancelled > 0 && totals.resent > 0,
        "{totals:?}"
    );
    server.terminate();
    assert_eq!(server.wait().0.code(), Some(0));
    assert_consistent(&ledger, "after the last kill");
}
