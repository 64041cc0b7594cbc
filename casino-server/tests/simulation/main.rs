//! A game with faults, told by a seed, and an auditor who knows what every player was told.
//!
//! Each seed plays one ledger through a few lives of a casino: players deposit, withdraw, trade and ask for statements,
//! over connections that stall, tarry and are cut after any byte, and send again by its id what had no answer; the disk
//! fails or is full in the middle of a commit, the clock jumps by hours and years, the payments server accepts and never
//! answers, or is not there. After so many moments as the seed says the casino is killed, wherever it is, or dropped, or
//! told to stop; and opened again. Then the auditor compares what is kept with what was answered and what was left open.
//!
//! A seed fixes what is done and what fails when; which thread comes first is the system's, so a seed that failed may
//! have to be played a few times. Played by name, it tells its lives:
//!
//!     SIMULATION_SEED=7 cargo test -p casino-server --test simulation
//!     SIMULATION_SEEDS=100000 cargo test -p casino-server --test simulation
//!     SIMULATION_FIRST=5000 SIMULATION_SEEDS=1000 cargo test -p casino-server --test simulation
//!     SIMULATION_SEED=7 SIMULATION_REPEAT=1000 cargo test -p casino-server --test simulation

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod auditor;
mod connection;
mod players;
#[path = "../support/mod.rs"]
mod support;
mod surroundings;

use std::{
    collections::{BTreeMap, HashMap},
    env, fs,
    num::NonZero,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use auditor::{Account, Books};
use awesomestock_proto::transport;
use casino_server::{Casino, Environment, OpenError, Options, ServeError, StoreUrl};
use connection::Faulty;
use futures_util::{StreamExt, stream};
use players::Player;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use support::{Asks, Client, soon};
use surroundings::{Health, Life, faulty};
use tokio::{
    runtime::{self, Runtime},
    task::{self, JoinHandle, JoinSet},
};
use tokio_stream::StreamMap;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// Seeds that are played when nobody asks for more.
const SEEDS: u64 = 300;
/// Seeds that are played at once.
const AT_ONCE: usize = 4;
const NAMES: [&str; 3] = ["ann", "bob", "zoë"];

/// How a casino's life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All at once, wherever it is.
    Killed,
    /// Nobody serves any more, and nobody was told.
    Dropped,
    /// By the word to stop.
    Told,
}

/// One ledger, from its first life to its last.
struct Game {
    seed: u64,
    chance: ChaCha8Rng,
    /// What happens to the log between two lives; of its own, so that a seed's game does not depend on it.
    damage: ChaCha8Rng,
    path: PathBuf,
    log_bytes: u64,
    accounts: BTreeMap<&'static str, Account>,
}

/// A running casino, in a runtime of its own, with which all its tasks end.
struct Served {
    machine: Runtime,
    serving: JoinHandle<Result<(), ServeError>>,
    shutdown: CancellationToken,
}

impl Game {
    fn new(seed: u64, folder: &Path) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        Self {
            seed,
            damage: ChaCha8Rng::seed_from_u64(!seed),
            path: folder.join("casino.db"),
            log_bytes: chance.random_range(4 << 10..64 << 10),
            accounts: NAMES.map(|name| (name, Account::default())).into(),
            chance,
        }
    }

    /// Waits until the casino before has let go of the ledger.
    async fn wait_for_ledger(&self) {
        let lock = self.path.with_extension("db.lock");
        let waiting = task::spawn_blocking(move || {
            if let Ok(lock) = fs::File::open(lock) {
                lock.lock().unwrap();
            }
        });
        soon(waiting).await.unwrap();
    }

    /// Sometimes damages the commit log. A casino that opens the ledger all the same has to have everything, as the auditor
    /// will find out; one that refuses gets the log back.
    async fn damage_log(&mut self, sound: &Environment, options: &Options, payments: &Channel) {
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
        let opened = Casino::open_with(sound.clone(), options.clone(), payments.clone()).await;
        match opened {
            Ok(casino) => drop(casino),
            Err(OpenError::Ledger(..)) => fs::write(&log, before).unwrap(),
            Err(error) => panic!("{error}"),
        }
        self.wait_for_ledger().await;
    }

    /// Opens the ledger in `life`; and if that ends over it or the disk fails, in one without faults.
    async fn open(&mut self, life: &Arc<Life>, health: Health) -> (Casino, transport::PipeIncoming) {
        let (payments, hanging) = transport::pipe();
        let surroundings = faulty(life, health, self.log_bytes, &mut self.chance);
        let endless = Life::new(i64::MAX, false);
        let sound = faulty(&endless, Health::GOOD, self.log_bytes, &mut self.chance);
        let mut options = Options::new(&self.path);
        options.seed = Some(self.seed);
        options.tick = Duration::from_millis(10);
        options.bots = 1;
        if self.chance.random_bool(0.2) {
            options.limits.actions_per_second = NonZero::new(self.chance.random_range(1..50));
        }
        self.wait_for_ledger().await;
        self.damage_log(&sound, &options, &payments).await;
        match Casino::open_with(surroundings, options.clone(), payments.clone()).await {
            Ok(casino) => return (casino, hanging),
            Err(OpenError::Ledger(..)) => self.wait_for_ledger().await,
            Err(error) => panic!("{error}"),
        }
        (
            Casino::open_with(sound, options, payments).await.unwrap(),
            hanging,
        )
    }

    /// One life of the casino. The players' channels are held to it only by what comes in at its doors.
    async fn live(&mut self) {
        let end = [End::Killed, End::Killed, End::Dropped, End::Told][self.chance.random_range(0..4_usize)];
        let health = Health::by(&mut self.chance);
        let moments = self.chance.random_range(20..2_000_i64).pow(2) / 1_000;
        let life = Life::new(moments, end == End::Killed);
        if env::var_os("SIMULATION_SEED").is_some() && env::var_os("SIMULATION_REPEAT").is_none() {
            eprintln!("{end:?} after {moments} moments; {health:?}");
        }
        let (casino, hanging) = self.open(&life, health).await;
        let payments = self.chance.random_bool(0.7).then_some(hanging);
        let (mut doors, mut players) = (StreamMap::new(), JoinSet::new());
        for name in NAMES {
            let (channel, incoming) = transport::pipe();
            let mut faults = ChaCha8Rng::seed_from_u64(self.chance.random());
            let life = Arc::clone(&life);
            let door = incoming.map(move |pipe| Ok(Faulty::new(pipe?, &life, &mut faults)));
            doors.insert(name, door);
            let player = Player {
                name,
                account: self.accounts.remove(name).unwrap(),
                client: Client::new(channel),
                chance: ChaCha8Rng::seed_from_u64(self.chance.random()),
            };
            players.spawn(player.play());
        }
        let served = serve(casino, doors.map(|(_, pipe)| pipe));
        let playing = async {
            let ended = soon(players.join_all()).await;
            life.end();
            ended
        };
        let ending = async {
            life.ended().await;
            served.end(end, health).await;
        };
        let (ended, ()) = tokio::join!(playing, ending);
        drop(payments);
        self.accounts.extend(ended);
        self.accounts.values_mut().for_each(Account::life_ends);
    }

    /// That what is kept is what was answered, and otherwise only what was asked. Gives how many entries are kept.
    async fn audit(mut self) -> usize {
        let life = Life::new(i64::MAX, false);
        let (casino, _payments) = self.open(&life, Health::GOOD).await;
        let (channel, incoming) = transport::pipe();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(casino.serve(incoming, shutdown.clone()));
        let (mut client, mut kept) = (Client::new(channel), 0);
        let prices: HashMap<i64, i32> = client.prices().await.into_iter().collect();
        for (name, account) in self.accounts {
            let books = Books {
                trades: client.trades_of(name).await,
                payments: client.payments_of(name).await,
                wallet: client.wallet(name).await,
            };
            account.audit(&books, |tick| prices.get(&tick).copied());
            kept += books.trades.len() + books.payments.len();
        }
        shutdown.cancel();
        soon(serving).await.unwrap().unwrap();
        let mut differences = Vec::new();
        casino_server::check(&StoreUrl::Sqlite(self.path.clone()), |difference| {
            differences.push(difference.to_string());
        })
        .unwrap();
        assert_eq!(differences, Vec::<String>::new());
        kept
    }
}

/// Serves `casino` in a runtime of its own.
fn serve<I>(casino: Casino, incoming: I) -> Served
where
    I: futures_util::Stream<Item = std::io::Result<Faulty>> + Send + 'static,
{
    let machine = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let shutdown = CancellationToken::new();
    Served {
        serving: machine.spawn(casino.serve(incoming, shutdown.clone())),
        machine,
        shutdown,
    }
}

impl Served {
    /// Ends it so.
    async fn end(self, end: End, health: Health) {
        let Self {
            machine,
            serving,
            shutdown,
        } = self;
        match end {
            End::Killed => {}
            End::Dropped => serving.abort(),
            End::Told => shutdown.cancel(),
        }
        if end != End::Killed {
            match soon(serving).await {
                // It also ends when nobody can come any more.
                Ok(served) => assert!(served.is_ok() || health != Health::GOOD, "{served:?}"),
                Err(error) => assert!(end == End::Dropped && error.is_cancelled(), "{error}"),
            }
        }
        machine.shutdown_background();
    }
}

/// A folder in memory, if there is one: what a disk does is played here, and a real one costs most of the time.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Plays all of a seed, and gives how many trades and payments were kept.
async fn simulate(seed: u64) -> usize {
    let folder = folder();
    let mut game = Game::new(seed, folder.path());
    for _ in 0..game.chance.random_range(1..5) {
        game.live().await;
    }
    game.audit().await
}

/// The seeds to play, each as often as `SIMULATION_REPEAT` says: one by name, or a range.
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
    assert!(kept > 0 || played == 1, "there was play");
}
