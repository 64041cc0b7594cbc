//! Killed under full load, again and again: what was answered is there, and nothing that was not asked.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// The load generator is the bench's own, with the bench's allowances.
#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::arithmetic_side_effects,
    clippy::large_futures,
    dead_code
)]

#[path = "../benches/load/histogram.rs"]
mod histogram;
#[path = "../benches/load/http2.rs"]
mod http2;
mod support;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    path::Path,
    time::{Duration, Instant},
};

use awesomestock_proto::casino::Action;
use http2::Connection;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use rusqlite::Connection as Tool;
use support::{Asks, Client, Seat, buy, ledger_in, process::Process, soon};
use tokio::task::JoinSet;

const PLAYERS: usize = 24;
const WINDOW: usize = 16;
const ROUNDS: usize = 12;
/// Enough for all rounds, in dollars.
const DOLLARS: i32 = 100_000_000;

/// What one player's round came to.
struct Played {
    name: String,
    acknowledged: i64,
    sent: i64,
}

/// Plays with a full window until the connection breaks.
async fn play(mut connection: Connection, name: String) -> Played {
    let mut alive = connection.fill(WINDOW).await.is_ok();
    while alive {
        alive = connection.pump(true).await.is_ok();
    }
    Played {
        name,
        acknowledged: connection.counted.executed as i64,
        sent: connection.counted.results as i64 + connection.outstanding() as i64,
    }
}

/// Plays on `server` for `length`, and kills it in the middle.
async fn play_and_kill(server: Process, names: &[String], length: Duration) -> Vec<Played> {
    let mut players = JoinSet::new();
    let address = server.address.to_string();
    for name in names {
        let connection = Connection::open(&address, std::slice::from_ref(name))
            .await
            .unwrap();
        players.spawn(play(connection, name.clone()));
    }
    let killing = tokio::spawn(kill_after(server, length));
    let played = soon(players.join_all()).await;
    killing.await.unwrap();
    played
}

/// Kills `server` after `length`.
async fn kill_after(server: Process, length: Duration) {
    let killing = tokio::task::spawn_blocking(move || {
        let until = Instant::now() + length;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(left);
        }
        server.kill();
    });
    killing.await.unwrap();
}

/// The trades of each player as any tool reads them, with what they come to in stocks and tokens.
fn stored(tool: &Tool) -> HashMap<String, (i64, i64, i64)> {
    let mut trades = tool
        .prepare(
            "SELECT name, count(*), max(trades.number), sum(iif(side, -trades.stocks, trades.stocks)),
                 sum(iif(side, trades.stocks, -trades.stocks) * price), accounts.trades
             FROM trades JOIN accounts ON accounts.id = account GROUP BY name",
        )
        .unwrap();
    let rows = trades.query_map([], |row| {
        let (count, last, kept): (i64, i64, i64) = (row.get(1)?, row.get(2)?, row.get(5)?);
        assert_eq!((count, last), (kept, kept), "numbered without a gap");
        Ok((row.get(0)?, (count, row.get(3)?, row.get(4)?)))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_moment_every_answered_action_is_there_and_none_that_was_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--tick", "50ms", "--seed", "3", "--house", "4"];
    let names: Vec<String> = (0..PLAYERS).map(|number| format!("p{number}")).collect();
    let mut chance = ChaCha8Rng::seed_from_u64(11);
    let mut before: HashMap<String, i64> = HashMap::new();
    let server = Process::start(&ledger_in(&folder), &args);
    for name in &names {
        server.client().deposit(name, DOLLARS).await.unwrap();
    }
    server.kill();
    for round in 0..ROUNDS {
        let server = Process::start(&ledger_in(&folder), &args);
        let length = Duration::from_millis(chance.random_range(20..250));
        let played = play_and_kill(server, &names, length).await;

        // A casino takes up what the killed one left, and ends in order.
        let server = Process::start(&ledger_in(&folder), &args);
        let mut client = server.client();
        let wallets: HashMap<_, _> = {
            let mut wallets = HashMap::new();
            for name in &names {
                wallets.insert(name.clone(), client.wallet(name).await);
            }
            wallets
        };
        server.terminate();
        assert_eq!(server.wait().0.code(), Some(0));

        let stored = stored(&Tool::open(ledger_in(&folder)).unwrap());
        for Played {
            name,
            acknowledged,
            sent,
        } in played
        {
            let (count, stocks, tokens) = stored.get(&name).copied().unwrap_or_default();
            let new = count - before.insert(name.clone(), count).unwrap_or(0);
            let context = format!("round {round}, {length:?}, {name}: {acknowledged} <= {new} <= {sent}");
            assert!(acknowledged <= new && new <= sent, "{context}");
            let wallet = &wallets[&name];
            let owned = (i64::from(wallet.stocks), i64::from(wallet.tokens));
            assert_eq!(owned, (stocks, tokens + 5 * i64::from(DOLLARS)), "{context}");
        }
    }
    assert!(before.values().sum::<i64>() > 1_000, "there was play: {before:?}");
}

/// A player who gives each order an id, and sends those again that were not answered.
struct Careful {
    name: String,
    /// Sent and not answered, oldest first.
    unanswered: VecDeque<Action>,
    sent: usize,
    answered: HashSet<i64>,
}

impl Careful {
    /// Sits down, sends again what was not answered, and then plays on until the stream breaks.
    async fn play(mut self, mut client: Client) -> Self {
        let Ok(mut seat) = client.try_sit(&self.name, "ticks,wallet,ids").await else {
            return self;
        };
        for action in &self.unanswered {
            seat.try_act(action.clone()).await;
        }
        loop {
            while self.unanswered.len() < WINDOW {
                self.order(&seat).await;
            }
            let Ok(Some(result)) = seat.next_result().await else {
                return self;
            };
            let trade = result.trade.expect("there is money enough");
            assert!(self.answered.insert(trade.number), "no two orders are one trade");
            self.unanswered.pop_front();
        }
    }

    async fn order(&mut self, seat: &Seat) {
        self.sent += 1;
        let id = u128::try_from(self.sent).unwrap().to_be_bytes().to_vec();
        let action = Action {
            id,
            ..buy(&self.name, 1)
        };
        self.unanswered.push_back(action.clone());
        seat.try_act(action).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_moment_an_order_sent_again_is_one_trade() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--tick", "1h", "--initial-price", "1"];
    let mut players: Vec<Careful> = (0..6)
        .map(|number| Careful {
            name: format!("p{number}"),
            unanswered: VecDeque::new(),
            sent: 0,
            answered: HashSet::new(),
        })
        .collect();
    let server = Process::start(&ledger_in(&folder), &args);
    for player in &players {
        server.client().deposit(&player.name, DOLLARS).await.unwrap();
    }
    server.kill();
    let mut chance = ChaCha8Rng::seed_from_u64(12);
    let mut resent = 0;
    for _ in 0..ROUNDS {
        let server = Process::start(&ledger_in(&folder), &args);
        let mut playing = JoinSet::new();
        for player in players.drain(..) {
            resent += player.unanswered.len();
            playing.spawn(player.play(server.client()));
        }
        let length = Duration::from_millis(chance.random_range(20..250));
        kill_after(server, length).await;
        players = soon(playing.join_all()).await;
    }
    // At last everything is answered.
    let server = Process::start(&ledger_in(&folder), &args);
    for player in &mut players {
        let mut seat = server.client().sit(&player.name, "ticks,wallet,ids").await;
        for action in player.unanswered.drain(..) {
            assert!(player.answered.insert(seat.trade(action).await.number));
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
    assert!(resent > ROUNDS, "{resent} orders were sent again");
    check_trades(&ledger_in(&folder), &players);
}

/// What is on disk is one trade for each order, and each of them was answered.
fn check_trades(ledger: &Path, players: &[Careful]) {
    let stored = stored(&Tool::open(ledger).unwrap());
    for player in players {
        let (count, ..) = stored[&player.name];
        assert_eq!(usize::try_from(count).unwrap(), player.sent, "{}", player.name);
        assert_eq!(player.answered, (1..=count).collect(), "{}", player.name);
    }
}
