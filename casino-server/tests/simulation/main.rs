//! Simulation: random play with injected faults from a seed, audited by a model of each player.
//!
//! Each seed runs one ledger through several lifetimes of a casino. Players deposit, withdraw, trade, rest orders and request
//! statements over connections that stall, delay and reset after any byte, and resend unanswered requests by ID. In half of
//! the games, an operator starts, pauses, resumes and ends rounds over such a connection. The disk fails or is full in the middle of a commit, the clock jumps by hours and years, and the payments server hangs
//! or is unreachable. After a random number of steps the casino is killed, dropped or shut down, and then opened again.
//! Finally the auditor compares the ledger with the answers and the requests whose outcome was left open.
//!
//! A seed determines what is done and which fault happens at which step, but not the scheduling of threads, so a
//! failing seed may need several runs to fail again. With `SIMULATION_SEED` each lifetime is printed:
//!
//!     SIMULATION_SEED=7 cargo test -p casino-server --test simulation
//!     SIMULATION_SEEDS=100000 cargo test -p casino-server --test simulation
//!     SIMULATION_FIRST=5000 SIMULATION_SEEDS=1000 cargo test -p casino-server --test simulation
//!     SIMULATION_SEED=7 SIMULATION_REPEAT=1000 cargo test -p casino-server --test simulation

#![allow(clippy::print_stderr)]

mod auditor;
mod connection;
mod environment;
mod operator;
mod players;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, io};

use auditor::{Account, RoundAccount, STAKE, StoredAccount};
use awesomestock_proto::casino::Trade;
use awesomestock_proto::transport;
use casino_server::{Casino, Environment, OpenError, Options, ServeError, StoreUrl};
use connection::{FaultyConnection, OpenConnections};
use environment::{DiskFaults, Lifetime, faulty_environment};
use futures_util::{Stream, StreamExt, stream};
use operator::{KnownRound, SimulatedOperator};
use players::Player;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rusqlite::Connection as Sqlite;
use support::{CasinoClientExt, Client, FIXED_PRICE_TICK, user, with_timeout};
use tokio::runtime::{self, Runtime};
use tokio::task::{self, JoinHandle, JoinSet};
use tokio_stream::StreamMap;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// Seeds to run by default.
const SEEDS: u64 = 300;
/// Time between two ticks.
const TICK: Duration = Duration::from_millis(10);
/// Seeds to run concurrently.
const CONCURRENT_SEEDS: usize = 4;
const NAMES: [&str; 3] = ["ann", "bob", "zoë"];

/// How a lifetime of the casino ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The casino stops at once, in any state.
    Killed,
    /// The serving task is dropped without a shutdown.
    Dropped,
    /// The casino receives the shutdown signal.
    ShutDown,
}

/// One ledger over all lifetimes of its casino.
struct Game {
    seed: u64,
    rng: ChaCha8Rng,
    /// Decides what happens to the log between two lifetimes. Separate, so that it does not change the seed's game.
    damage: ChaCha8Rng,
    path: PathBuf,
    log_bytes: u64,
    accounts: BTreeMap<&'static str, Account>,
    round: KnownRound,
    has_operator: bool,
    kills: usize,
}

/// Sums over all seeds.
#[derive(Debug, Default)]
struct Totals {
    kills: usize,
    /// Trades and payments in the ledgers.
    entries: usize,
    /// Orders that rest or have rested.
    orders: u64,
    rounds: usize,
    /// Trades in rounds.
    round_trades: usize,
    /// Requests that were rejected during a pause.
    paused: usize,
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.entries += other.entries;
        self.orders += other.orders;
        self.rounds += other.rounds;
        self.round_trades += other.round_trades;
        self.paused += other.paused;
    }
}

/// A running casino in its own runtime, which ends all its tasks when it is dropped.
struct RunningCasino {
    runtime: Runtime,
    serving: JoinHandle<Result<(), ServeError>>,
    shutdown: CancellationToken,
}

impl Game {
    fn new(seed: u64, folder: &Path) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Self {
            seed,
            damage: ChaCha8Rng::seed_from_u64(!seed),
            path: folder.join("casino.db"),
            log_bytes: rng.random_range(4 << 10..64 << 10),
            accounts: NAMES.map(|name| (name, Account::default())).into(),
            round: KnownRound::default(),
            has_operator: rng.random_bool(0.5),
            kills: 0,
            rng,
        }
    }

    /// Waits until the previous casino has released the ledger.
    async fn wait_for_ledger(&self) {
        let lock = self.path.with_extension("db.lock");
        let locked = task::spawn_blocking(move || {
            if let Ok(lock) = fs::File::open(lock) {
                lock.lock().unwrap();
            }
        });
        with_timeout(locked).await.unwrap();
    }

    /// Sometimes damages the commit log. A casino that still opens the ledger must not have lost anything, which the
    /// audit checks. If it refuses to open, the log is restored.
    async fn damage_log(&mut self, fault_free: &Environment, options: &Options, payments: &Channel) {
        let log = self.path.with_file_name("casino.db-log");
        let Ok(before) = fs::read(&log) else { return };
        if self.damage.random_bool(0.8) {
            return;
        }
        match self.damage.random_range(0..4) {
            0 => fs::remove_file(&log).unwrap(),
            1 => fs::write(&log, vec![0; before.len()]).unwrap(),
            2 => fs::write(&log, &before[..before.len() / 2]).unwrap(),
            _ => {
                let mut damaged = before.clone();
                damaged[..512].fill(0x55);
                fs::write(&log, damaged).unwrap();
            }
        }
        let opened = Casino::open_with(fault_free.clone(), options.clone(), payments.clone()).await;
        match opened {
            Ok(casino) => drop(casino),
            Err(OpenError::Ledger(..)) => fs::write(&log, before).unwrap(),
            Err(error) => panic!("{error}"),
        }
        self.wait_for_ledger().await;
    }

    /// Opens the ledger in `lifetime`. If the lifetime ends meanwhile or the disk fails, opens it without faults.
    async fn open(
        &mut self,
        lifetime: &Arc<Lifetime>,
        disk_faults: DiskFaults,
        tick: Duration,
    ) -> (Casino, transport::PipeIncoming) {
        let (payments, hanging_payments) = transport::pipe();
        let environment = faulty_environment(lifetime, disk_faults, self.log_bytes, &mut self.rng);
        let endless_lifetime = Lifetime::new(i64::MAX, false);
        let fault_free =
            faulty_environment(&endless_lifetime, DiskFaults::NONE, self.log_bytes, &mut self.rng);
        let mut options = Options::new(&self.path);
        options.seed = Some(self.seed);
        options.tick = tick;
        options.bots = 1;
        options.stake = Some(STAKE);
        if self.rng.random_bool(0.2) {
            options.limits.actions_per_second = NonZero::new(self.rng.random_range(1..50));
        }
        self.wait_for_ledger().await;
        self.damage_log(&fault_free, &options, &payments).await;
        match Casino::open_with(environment, options.clone(), payments.clone()).await {
            Ok(casino) => return (casino, hanging_payments),
            Err(OpenError::Ledger(..)) => self.wait_for_ledger().await,
            Err(error) => panic!("{error}"),
        }
        (
            Casino::open_with(fault_free, options, payments).await.unwrap(),
            hanging_payments,
        )
    }

    /// Runs one lifetime of the casino. The players' channels reach it only through the connections given to it here.
    async fn run_lifetime(&mut self) {
        let end = [End::Killed, End::Killed, End::Dropped, End::ShutDown][self.rng.random_range(0..4_usize)];
        let disk_faults = DiskFaults::random(&mut self.rng);
        let steps = self.rng.random_range(20..2_000_i64).pow(2) / 1_000;
        let lifetime = Lifetime::new(steps, end == End::Killed);
        if env::var_os("SIMULATION_SEED").is_some() && env::var_os("SIMULATION_REPEAT").is_none() {
            eprintln!("{end:?} after {steps} steps; {disk_faults:?}");
        }
        let (casino, hanging_payments) = self.open(&lifetime, disk_faults, TICK).await;
        let payments = self.rng.random_bool(0.7).then_some(hanging_payments);
        let (mut connections, mut players) = (StreamMap::new(), JoinSet::new());
        for name in NAMES {
            let FaultyPipe {
                channel,
                incoming,
                open,
            } = faulty_pipe(&lifetime, &mut self.rng);
            connections.insert(name, incoming);
            let player = Player {
                name,
                account: self.accounts.remove(name).unwrap(),
                client: Client::new(channel),
                connections: open,
                round: self.round.clone(),
                rng: ChaCha8Rng::seed_from_u64(self.rng.random()),
            };
            players.spawn(player.play());
        }
        let operator_server = casino.operator(operator::secret());
        let running = serve(casino, connections.map(|(_, pipe)| pipe));
        let operator = self.has_operator.then(|| {
            let FaultyPipe {
                channel,
                incoming,
                open,
            } = faulty_pipe(&lifetime, &mut self.rng);
            let serving = operator_server.serve(incoming, None, running.shutdown.clone());
            running.runtime.spawn(serving);
            let operator = SimulatedOperator {
                client: SimulatedOperator::client(channel),
                connections: open,
                round: self.round.clone(),
                rng: ChaCha8Rng::seed_from_u64(self.rng.random()),
            };
            tokio::spawn(operator.play())
        });
        let play = async {
            let accounts = with_timeout(players.join_all()).await;
            if let Some(operator) = operator {
                with_timeout(operator).await.unwrap();
            }
            lifetime.end();
            accounts
        };
        let stop = async {
            lifetime.ended().await;
            running.stop(end, disk_faults).await;
        };
        let (accounts, ()) = tokio::join!(play, stop);
        drop(payments);
        self.accounts.extend(accounts);
        self.accounts.values_mut().for_each(Account::end_lifetime);
        self.round.end_lifetime();
        self.kills += usize::from(end == End::Killed);
    }

    /// Audits every player and checks the ledger.
    async fn audit(mut self) -> Totals {
        let lifetime = Lifetime::new(i64::MAX, false);
        // Without ticks: a resting order could be executed between two of the calls.
        let opened = self.open(&lifetime, DiskFaults::NONE, FIXED_PRICE_TICK);
        let (casino, _payments) = opened.await;
        let shutdown = CancellationToken::new();
        let (channel, incoming) = transport::pipe();
        let operator = casino.operator(operator::secret());
        let operating = tokio::spawn(operator.serve(incoming, None, shutdown.clone()));
        let mut operator = SimulatedOperator::client(channel);
        let (channel, incoming) = transport::pipe();
        let serving = tokio::spawn(casino.serve(incoming, shutdown.clone()));
        let newest = with_timeout(operator::end_round(&mut operator)).await;
        let (mut client, mut stored_accounts) = (Client::new(channel), Vec::new());
        let prices: HashMap<i64, i32> = client.prices().await.into_iter().collect();
        for name in NAMES {
            let stored = StoredAccount {
                trades: client.trades_of(name).await,
                payments: client.payments_of(name).await,
                wallet: client.wallet(name).await,
                orders: with_timeout(client.get_orders(user(name)))
                    .await
                    .unwrap()
                    .into_inner(),
            };
            stored_accounts.push((name, stored));
        }
        shutdown.cancel();
        with_timeout(serving).await.unwrap().unwrap();
        with_timeout(operating).await.unwrap().unwrap();
        let mut differences = Vec::new();
        let checked = casino_server::check(&StoreUrl::Sqlite(self.path.clone()), |difference| {
            differences.push(difference.to_string());
        });
        assert_eq!(differences, Vec::<String>::new());
        let checked = checked.unwrap();
        let mut totals = Totals {
            kills: self.kills,
            orders: checked.orders,
            paused: self.round.rejected(),
            ..Totals::default()
        };
        let rounds = round_accounts(&self.path);
        let number = newest.round.as_ref().map_or(0, |round| round.number);
        totals.rounds = usize::try_from(number).unwrap();
        for number in 1..=number {
            check_results(number, &rounds, &prices, &checked.results);
        }
        let found = newest.results.iter().map(|result| {
            let name = &result.player.as_ref().unwrap().name;
            format!("{},{name},{}", result.place, result.profit)
        });
        assert_eq!(found.collect::<Vec<_>>(), results_of(number, &checked.results));
        for (name, stored) in stored_accounts {
            let account = self.accounts.remove(name).unwrap();
            let rounds = rounds.get(name).map(Vec::as_slice).unwrap_or_default();
            totals.round_trades += rounds.iter().map(|account| account.trades.len()).sum::<usize>();
            totals.entries += stored.trades.len() + stored.payments.len();
            account.audit(&stored, rounds, |tick| prices.get(&tick).copied());
        }
        totals.entries += totals.round_trades;
        totals
    }
}

/// Reads the accounts in rounds of each player with SQLite itself.
fn round_accounts(ledger: &Path) -> HashMap<String, Vec<RoundAccount>> {
    let sqlite = Sqlite::open(ledger).unwrap();
    let mut accounts = sqlite
        .prepare("SELECT id, name FROM accounts WHERE name GLOB '@*'")
        .unwrap();
    let mut trades = sqlite
        .prepare(
            "SELECT number, side, stocks, price, tick, at_unix_ms FROM trades WHERE account = ? ORDER BY number",
        )
        .unwrap();
    let mut payments = sqlite
        .prepare("SELECT amount FROM payments WHERE account = ? ORDER BY number")
        .unwrap();
    let mut found: HashMap<String, Vec<RoundAccount>> = HashMap::new();
    let names = accounts.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
    for (id, name) in names.unwrap().map(Result::unwrap) {
        let (round, player) = name.strip_prefix('@').unwrap().split_once('/').unwrap();
        let trade = |row: &rusqlite::Row<'_>| {
            Ok(Trade {
                number: row.get(0)?,
                r#type: row.get(1)?,
                stocks_count: row.get(2)?,
                price: row.get(3)?,
                tick: row.get(4)?,
                at_unix_ms: row.get(5)?,
            })
        };
        let trades = trades.query_map([id], trade).unwrap().map(Result::unwrap);
        let payments = payments.query_map([id], |row| row.get(0)).unwrap();
        found.entry(player.to_owned()).or_default().push(RoundAccount {
            round: round.parse().unwrap(),
            trades: trades.collect(),
            payments: payments.map(Result::unwrap).collect(),
        });
    }
    found
}

/// Returns place, player and profit of the results of a round.
fn results_of(round: i64, lines: &[String]) -> Vec<String> {
    let prefix = format!("round {round}: ");
    let rows = lines.iter().filter_map(|line| line.strip_prefix(&prefix));
    rows.map(|row| row.split(',').take(3).collect::<Vec<_>>().join(","))
        .collect()
}

/// Checks that the results of a round are the profits of its accounts at the price of a tick.
fn check_results(
    round: i64,
    accounts: &HashMap<String, Vec<RoundAccount>>,
    prices: &HashMap<i64, i32>,
    lines: &[String],
) {
    let results_at = |price: i32| {
        let mut rows = Vec::new();
        for (name, accounts) in accounts {
            let account = accounts.iter().find(|account| account.round == round);
            if let Some(account) = account.filter(|account| !account.trades.is_empty()) {
                rows.push((account.profit(price), name));
            }
        }
        rows.sort_by(|(profit, name), (other, another)| other.cmp(profit).then(name.cmp(another)));
        let place = |profit: i64| 1 + rows.iter().filter(|(other, _)| *other > profit).count();
        let text = |(profit, name): &(i64, &String)| format!("{},{name},{profit}", place(*profit));
        rows.iter().map(text).collect::<Vec<_>>()
    };
    let found = results_of(round, lines);
    assert!(
        prices.values().any(|price| results_at(*price) == found),
        "round {round}: {found:?}"
    );
}

/// A channel to connections with faults.
struct FaultyPipe<I> {
    channel: Channel,
    incoming: I,
    open: OpenConnections,
}

fn faulty_pipe(
    lifetime: &Arc<Lifetime>,
    rng: &mut ChaCha8Rng,
) -> FaultyPipe<impl Stream<Item = io::Result<FaultyConnection>> + Send + use<>> {
    let (channel, incoming) = transport::pipe();
    let mut connection_rng = ChaCha8Rng::seed_from_u64(rng.random());
    let (lifetime, open) = (Arc::clone(lifetime), OpenConnections::default());
    let counted = open.clone();
    let incoming = incoming.map(move |pipe| {
        Ok(FaultyConnection::new(
            pipe?,
            &lifetime,
            &counted,
            &mut connection_rng,
        ))
    });
    FaultyPipe {
        channel,
        incoming,
        open,
    }
}

/// Serves `casino` in its own runtime.
fn serve<I>(casino: Casino, incoming: I) -> RunningCasino
where
    I: Stream<Item = io::Result<FaultyConnection>> + Send + 'static,
{
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let shutdown = CancellationToken::new();
    RunningCasino {
        serving: runtime.spawn(casino.serve(incoming, shutdown.clone())),
        runtime,
        shutdown,
    }
}

impl RunningCasino {
    /// Stops the casino as `end` says.
    async fn stop(self, end: End, disk_faults: DiskFaults) {
        let Self {
            runtime,
            serving,
            shutdown,
        } = self;
        match end {
            End::Killed => {}
            End::Dropped => serving.abort(),
            End::ShutDown => shutdown.cancel(),
        }
        if end != End::Killed {
            match with_timeout(serving).await {
                // Serving also ends when no more connections can arrive.
                Ok(result) => assert!(result.is_ok() || disk_faults != DiskFaults::NONE, "{result:?}"),
                Err(error) => assert!(end == End::Dropped && error.is_cancelled(), "{error}"),
            }
        }
        runtime.shutdown_background();
    }
}

/// Creates a folder in memory if possible: disk faults are simulated, and a real disk would take most of the time.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Runs one seed.
async fn simulate(seed: u64) -> Totals {
    let folder = folder();
    let mut game = Game::new(seed, folder.path());
    for _ in 0..game.rng.random_range(1..5) {
        game.run_lifetime().await;
    }
    game.audit().await
}

/// The seeds to run, each `SIMULATION_REPEAT` times.
fn seeds() -> impl Iterator<Item = u64> {
    let number = |name| env::var(name).ok().map(|number| number.parse().unwrap());
    let seeds = match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number("SIMULATION_FIRST").unwrap_or(0);
            first..first + number("SIMULATION_SEEDS").unwrap_or(SEEDS)
        }
    };
    let repeat = usize::try_from(number("SIMULATION_REPEAT").unwrap_or(1)).unwrap();
    seeds.flat_map(move |seed| std::iter::repeat_n(seed, repeat))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answered_request_is_stored_once_and_nothing_unrequested_is_stored() {
    let games = stream::iter(seeds()).map(|seed| async move { (seed, tokio::spawn(simulate(seed)).await) });
    let mut games = games.buffer_unordered(CONCURRENT_SEEDS);
    let (mut seeds_run, mut totals) = (0_u64, Totals::default());
    while let Some((seed, ended)) = games.next().await {
        match ended {
            Ok(seed) => totals += seed,
            Err(error) => panic!("SIMULATION_SEED={seed} fails: {error}"),
        }
        seeds_run += 1;
    }
    println!("{seeds_run} seeds: {totals:?}");
    assert!(
        totals.entries > 0 || env::var_os("SIMULATION_SEED").is_some(),
        "no trades or payments"
    );
}
