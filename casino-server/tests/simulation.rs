//! A game with faults, told by a seed, and an auditor who knows what every player was told.
//!
//! Each seed plays one ledger through a few lives of a casino: players deposit, withdraw, trade and ask for statements
//! over connections that stall and are cut after any byte, beside a payments server that accepts and never answers; and
//! the casino is dropped in the middle of it and opened again. Then the auditor compares what is kept with what was
//! answered and what was left open.
//!
//! A seed fixes what is done and where connections break; which thread comes first is the system's, so a seed that
//! failed may have to be played a few times:
//!
//!     SIMULATION_SEED=7 cargo test -p casino-server --test simulation
//!     SIMULATION_SEEDS=100000 cargo test -p casino-server --test simulation

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "support/faulty.rs"]
mod faulty;

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    path::Path,
    time::Duration,
};

use awesomestock_proto::{
    casino::{ActionOutcome, ActionType, Trade, WithdrawRequest},
    transport,
};
use casino_server::{Casino, OpenError, Options};
use faulty::Faulty;
use futures_util::{StreamExt, stream};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use support::{ALL_FEEDS, Asks, Client, action, soon, user};
use tokio::{runtime, task::JoinSet, time::timeout};
use tokio_stream::StreamMap;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

/// Seeds that are played when nobody asks for more.
const SEEDS: u64 = 100;
/// Seeds that are played at once.
const AT_ONCE: usize = 4;
const NAMES: [&str; 3] = ["ann", "bob", "zoë"];
/// How long a statement is waited for that never comes.
const STATEMENT_WAIT: Duration = Duration::from_millis(3);

/// What a player has been told, and what was left open.
#[derive(Debug, Default)]
struct Told {
    /// Trades that were answered, by their numbers.
    trades: BTreeMap<i64, Trade>,
    /// Actions without an answer: stocks, negative for a sell.
    open_trades: Vec<i32>,
    /// Payments that were answered, in dollars, negative if paid in.
    payments: Vec<i32>,
    /// Payments without an answer.
    open_payments: Vec<i32>,
}

/// Whether `status` says for certain that nothing was done.
fn is_refusal(status: &Status) -> bool {
    matches!(status.code(), Code::FailedPrecondition | Code::InvalidArgument)
}

impl Told {
    fn payment(&mut self, dollars: i32, answer: Result<(), Status>) {
        match answer {
            Ok(()) => self.payments.push(dollars),
            Err(status) if is_refusal(&status) => {}
            Err(_) => self.open_payments.push(dollars),
        }
    }
}

/// One life of a player: a few requests, whatever becomes of them.
async fn play(
    mut client: Client,
    name: &'static str,
    mut chance: ChaCha8Rng,
    mut told: Told,
) -> (&'static str, Told) {
    for _ in 0..chance.random_range(1..12) {
        match chance.random_range(0..8) {
            0 | 1 => {
                let dollars = chance.random_range(1..1_000);
                let answer = client.deposit(name, dollars).await;
                told.payment(-dollars, answer.map(drop));
            }
            2 => {
                let dollars = chance.random_range(1..100);
                let request = WithdrawRequest {
                    user: Some(user(name)),
                    tokens_cnt: dollars * 5,
                    ..WithdrawRequest::default()
                };
                let answer = soon(client.withdraw(request)).await;
                told.payment(dollars, answer.map(drop));
            }
            3 => {
                // The payments server hangs; whoever asks goes away again.
                let _ = timeout(STATEMENT_WAIT, client.get_payment_statement(user(name))).await;
            }
            _ => trade(&mut client, name, &mut chance, &mut told).await,
        }
    }
    (name, told)
}

/// Takes a seat and sends a window of actions; what has no answer when the stream breaks is left open.
async fn trade(client: &mut Client, name: &str, chance: &mut ChaCha8Rng, told: &mut Told) {
    let Some(mut seat) = try_sit(client, name).await else {
        return;
    };
    let mut sent = VecDeque::new();
    for _ in 0..chance.random_range(1..20) {
        let count = chance.random_range(1..9);
        let kind = if chance.random_bool(0.6) {
            ActionType::Buy
        } else {
            ActionType::Sell
        };
        if seat
            .actions
            .as_ref()
            .unwrap()
            .send(action(name, kind, count))
            .await
            .is_err()
        {
            break;
        }
        sent.push_back(if kind == ActionType::Buy { count } else { -count });
    }
    if chance.random_bool(0.5) {
        seat.half_close();
    }
    while !sent.is_empty() {
        let Ok(Some(info)) = seat.next().await else { break };
        let Some(result) = info.result else { continue };
        sent.pop_front();
        if result.outcome() == ActionOutcome::OutcomeExecuted {
            let trade = result.trade.unwrap();
            let before = told.trades.insert(trade.number, trade);
            assert_eq!(before, None, "{name}: no number is told twice");
        }
    }
    told.open_trades.extend(sent);
}

/// A seat, unless the connection breaks before there is one.
async fn try_sit(client: &mut Client, name: &str) -> Option<support::Seat> {
    let (actions, outbound) = tokio::sync::mpsc::channel(64);
    let mut request = tonic::Request::new(tokio_stream::wrappers::ReceiverStream::new(outbound));
    let metadata = request.metadata_mut();
    metadata.insert(awesomestock_proto::feeds::KEY, ALL_FEEDS.parse().unwrap());
    let value = tonic::metadata::MetadataValue::from_bytes(name.as_bytes());
    metadata.insert_bin(awesomestock_proto::feeds::USER_KEY, value);
    let response = soon(client.gamble(request)).await.ok()?;
    Some(support::Seat {
        actions: Some(actions),
        infos: response.into_inner(),
        feeds: None,
    })
}

/// The casino on the ledger at `path`, as soon as the one before has let go of it.
async fn open(path: &Path, seed: u64) -> (Casino, transport::PipeIncoming) {
    // Somebody listens, and never answers.
    let (payments, incoming) = transport::pipe();
    loop {
        let mut options = Options::new(path);
        options.seed = Some(seed);
        options.tick = Duration::from_millis(10);
        options.house = 1;
        match Casino::open(options, payments.clone()).await {
            Ok(casino) => return (casino, incoming),
            Err(OpenError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(1)).await,
            Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
        }
    }
}

/// Plays all of a seed, and gives how many trades and payments were kept.
async fn simulate(seed: u64) -> usize {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let folder = folder();
    let path = folder.path().join("casino.db");
    let mut told: BTreeMap<&str, Told> = NAMES.map(|name| (name, Told::default())).into();
    for _ in 0..chance.random_range(1..4) {
        let (casino, _payments) = open(&path, seed).await;
        let (mut doors, mut players) = (StreamMap::new(), JoinSet::new());
        for name in NAMES {
            let (channel, incoming) = transport::pipe();
            let mut faults = ChaCha8Rng::seed_from_u64(chance.random());
            doors.insert(
                name,
                incoming.map(move |pipe| Ok(Faulty::new(pipe?, &mut faults))),
            );
            let chance = ChaCha8Rng::seed_from_u64(chance.random());
            let told = told.remove(name).unwrap();
            players.spawn(play(Client::new(channel), name, chance, told));
        }
        let incoming = doors.map(|(_, pipe)| pipe);
        // In a runtime of its own, with which all its tasks end.
        let machine = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        machine.spawn(casino.serve(incoming, CancellationToken::new()));
        // Everything at once, wherever it is waiting.
        let life = Duration::from_millis(chance.random_range(5..120));
        let dying = async {
            tokio::time::sleep(life).await;
            machine.shutdown_background();
        };
        let (ended, ()) = tokio::join!(soon(players.join_all()), dying);
        told.extend(ended);
    }
    audit(&path, seed, &told).await
}

/// A folder in memory, if there is one: what a disk does is not played here, and costs most of the time.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// That what is kept is what was answered, and otherwise only what was asked.
async fn audit(path: &Path, seed: u64, told: &BTreeMap<&str, Told>) -> usize {
    let (casino, _payments) = open(path, seed).await;
    let (channel, incoming) = transport::pipe();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(casino.serve(incoming, shutdown.clone()));
    let (mut client, mut kept) = (Client::new(channel), 0);
    for (name, told) in told {
        let trades = client.trades_of(name).await;
        let numbers: Vec<i64> = trades.iter().map(|trade| trade.number).collect();
        assert_eq!(numbers, (1..).take(trades.len()).collect::<Vec<i64>>(), "{name}");
        let (mut open, mut stocks, mut tokens) = (told.open_trades.clone(), 0, 0);
        let mut answered = 0;
        for trade in &trades {
            let count = if trade.r#type() == ActionType::Buy {
                trade.stocks_count
            } else {
                -trade.stocks_count
            };
            (stocks, tokens) = (stocks + count, tokens - i64::from(count) * i64::from(trade.price));
            match told.trades.get(&trade.number) {
                Some(said) => {
                    assert_eq!(said, trade, "{name}: what was answered is kept");
                    answered += 1;
                }
                None => take(&mut open, count, name),
            }
        }
        assert_eq!(
            answered,
            told.trades.len(),
            "{name}: nothing that was answered is missing"
        );
        let mut missing = told.payments.clone();
        let mut open = told.open_payments.clone();
        for payment in client.payments_of(name).await {
            kept += 1;
            tokens -= 5 * i64::from(payment.amount);
            match missing.iter().position(|amount| *amount == payment.amount) {
                Some(index) => drop(missing.swap_remove(index)),
                None => take(&mut open, payment.amount, name),
            }
        }
        assert_eq!(missing, [], "{name}: no payment that was answered is missing");
        let wallet = client.wallet(name).await;
        assert_eq!(
            (i64::from(wallet.tokens), wallet.stocks),
            (tokens, stocks),
            "{name}"
        );
        kept += trades.len();
    }
    shutdown.cancel();
    soon(serving).await.unwrap().unwrap();
    let mut differences = Vec::new();
    casino_server::check(path, |difference| differences.push(difference.to_string())).unwrap();
    assert_eq!(differences, Vec::<String>::new());
    kept
}

/// Takes `wanted` out of what was asked and not answered.
fn take(open: &mut Vec<i32>, wanted: i32, name: &str) {
    let index = open.iter().position(|asked| *asked == wanted);
    open.swap_remove(index.unwrap_or_else(|| panic!("{name}: nobody asked for {wanted}: {open:?}")));
}

/// The seeds to be played: one by name, or as many as are wished.
fn seeds() -> std::ops::Range<u64> {
    let number = |name| env::var(name).ok().map(|number| number.parse().unwrap());
    match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_SEEDS").unwrap_or(SEEDS),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_nothing_answered_is_missing_and_nothing_is_there_that_nobody_asked_for() {
    let games = stream::iter(seeds()).map(|seed| async move { (seed, tokio::spawn(simulate(seed)).await) });
    let mut games = games.buffer_unordered(AT_ONCE);
    let (mut played, mut kept) = (0_u64, 0);
    while let Some((seed, ended)) = games.next().await {
        match ended {
            Ok(entries) => kept += entries,
            Err(error) => panic!("SIMULATION_SEED={seed} fails: {error}"),
        }
        played += 1;
    }
    println!("{played} seeds, {kept} entries kept");
    assert!(kept > 0, "there was play");
}
