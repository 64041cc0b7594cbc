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
#[path = "support/load.rs"]
mod load;
mod support;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use awesomestock_proto::casino::Action;
use casino_server::StoreUrl;
use load::{Crowd, Played, names};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use rusqlite::Connection as Tool;
use support::{Asks, Client, Seat, buy, ledger_in, process::Process, soon};
use tokio::task::JoinSet;
use tonic::metadata::MetadataMap;

const PLAYERS: usize = 24;
const WINDOW: usize = 16;
/// Kills in a row; `CRASH_ROUNDS` asks for another number.
const ROUNDS: usize = 50;
/// Enough for all rounds, in dollars.
const DOLLARS: i32 = 100_000_000;
const ARGS: [&str; 6] = ["--tick", "50ms", "--seed", "3", "--house", "4"];

/// What a player's trades come to.
#[derive(Default, Clone, Copy)]
struct Stored {
    trades: i64,
    stocks: i64,
    tokens: i64,
}

/// How many kills there are to be.
fn rounds() -> usize {
    std::env::var("CRASH_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

/// Plays on `server` for `length`, and has `end` end it in the middle.
async fn play_and_end(server: Process, names: &[String], length: Duration, end: fn(Process)) -> Vec<Played> {
    let crowd = Crowd::play(&server.address.to_string(), names, WINDOW).await;
    let ending = tokio::spawn(end_after(server, length, end));
    let played = crowd.gone().await;
    ending.await.unwrap();
    played
}

/// Has `end` end `server` after `length`.
async fn end_after(server: Process, length: Duration, end: fn(Process)) {
    let ending = tokio::task::spawn_blocking(move || {
        let until = Instant::now() + length;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            thread::park_timeout(left);
        }
        end(server);
    });
    ending.await.unwrap();
}

/// The trades of each player as any tool reads them.
fn stored(ledger: &Path) -> HashMap<String, Stored> {
    let tool = Tool::open(ledger).unwrap();
    let mut trades = tool
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

/// That the books at `ledger` add up.
fn sound(ledger: &Path, context: &str) {
    let mut told = Vec::new();
    let totals = casino_server::check(&StoreUrl::Sqlite(ledger.to_owned()), |difference| {
        told.push(difference.to_string());
    });
    assert_eq!(told, Vec::<String>::new(), "{context}");
    assert_eq!(totals.unwrap().differences, 0, "{context}");
}

/// Round after round of play on one ledger, each ended by `end`: what was answered is there after it, nothing that was
/// not sent is, and the casino that comes back tells each player of just that. Gives how many trades there were.
async fn play_on_through(rounds: usize, end: fn(Process)) -> i64 {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger_in(&folder);
    let names = names(PLAYERS);
    let mut chance = ChaCha8Rng::seed_from_u64(11);
    let mut before: HashMap<String, Stored> = HashMap::new();
    let mut server = Process::start(&ledger, &ARGS);
    for name in &names {
        server.client().deposit(name, DOLLARS).await.unwrap();
    }
    for round in 0..rounds {
        let length = Duration::from_millis(chance.random_range(5..150));
        let played = play_and_end(server, &names, length, end).await;
        sound(&ledger, &format!("round {round}, before it is opened"));
        server = Process::start(&ledger, &ARGS);
        let mut client = server.client();
        let now = stored(&ledger);
        for player in played {
            let Played {
                name,
                acknowledged,
                sent,
            } = player;
            let is = now.get(&name).copied().unwrap_or_default();
            let was = before.insert(name.clone(), is).unwrap_or_default();
            let new = is.trades - was.trades;
            let context = format!("round {round}, {length:?}, {name}: {acknowledged} <= {new} <= {sent}");
            assert!(acknowledged <= new && new <= sent, "{context}");
            let wallet = client.wallet(&name).await;
            let owned = (i64::from(wallet.stocks), i64::from(wallet.tokens));
            assert_eq!(
                owned,
                (is.stocks, is.tokens + 5 * i64::from(DOLLARS)),
                "{context}"
            );
        }
    }
    before.values().map(|stored| stored.trades).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_moment_of_a_kill_every_answered_action_is_there_and_none_that_was_not_sent() {
    let trades = play_on_through(rounds(), Process::kill).await;
    assert!(trades > 1_000, "there was play: {trades}");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_under_full_load_it_ends_in_order_and_every_answer_was_true() {
    let trades = play_on_through(8, |server| {
        server.terminate();
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains("deadline"), "{log}");
    })
    .await;
    assert!(trades > 100, "there was play: {trades}");
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
        let Ok(mut seat) = client
            .try_sit(&self.name, "ticks,wallet,ids", &MetadataMap::new())
            .await
        else {
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
        end_after(server, length, Process::kill).await;
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
    let stored = stored(ledger);
    for player in players {
        let Stored { trades: count, .. } = stored[&player.name];
        assert_eq!(usize::try_from(count).unwrap(), player.sent, "{}", player.name);
        assert_eq!(player.answered, (1..=count).collect(), "{}", player.name);
    }
}
