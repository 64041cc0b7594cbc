//! What is measured: loads of Gamble streams on the casino and on a ceiling, in turn, and the table they make.

use std::{
    cell::Cell,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
    time::{Duration, Instant},
};

use awesomestock_proto::{casino::casino_client::CasinoClient, transport, types};
use tokio::task::JoinSet;

use crate::{
    alone, builds, full,
    histogram::Histogram,
    http2::Connection,
    joint,
    process::{Batches, Server, cpu_of_children, own_cpu},
    seats,
};

/// First argument that makes this program a ceiling.
pub(crate) const SERVE_BARE: &str = "serve-bare";

/// What is to be measured.
pub(crate) struct Plan {
    /// How often everything is measured, in turn.
    pub(crate) rounds: usize,
    /// How long each time.
    pub(crate) length: Duration,
    /// Scenarios with this in their names.
    pub(crate) wanted: String,
    /// Builds of the casino to be compared, in place of all other scenarios.
    pub(crate) builds: Vec<PathBuf>,
}

/// What is under load.
pub(crate) struct Driven<'a> {
    /// Connections are dealt out to them in turn.
    pub(crate) servers: &'a [Server],
    /// The process id of the database that they share.
    pub(crate) database: Option<u32>,
}

impl<'a> From<&'a Server> for Driven<'a> {
    fn from(server: &'a Server) -> Self {
        Self {
            servers: std::slice::from_ref(server),
            database: None,
        }
    }
}

/// Streams on connections, each with a window of outstanding actions.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) streams: usize,
    pub(crate) connections: usize,
    pub(crate) window: usize,
}

impl Load {
    pub(crate) fn name(self) -> String {
        format!(
            "{} streams on {} connections, window {}",
            self.streams, self.connections, self.window
        )
    }
}

pub(crate) const LOADS: [Load; 4] = [
    Load {
        streams: 64,
        connections: 8,
        window: 16,
    },
    Load {
        streams: 1000,
        connections: 50,
        window: 16,
    },
    Load {
        streams: 1000,
        connections: 50,
        window: 1,
    },
    Load {
        streams: 1,
        connections: 1,
        window: 1,
    },
];

/// What one round of a load gave.
#[derive(Clone, Default)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) executed_share: f64,
    pub(crate) latency: Histogram,
    pub(crate) server_us_per_action: f64,
    pub(crate) database_us_per_action: f64,
    pub(crate) own_cpu_share: f64,
    disk_bytes_per_action: f64,
    rss_mb: f64,
    pub(crate) batches: Batches,
}

/// What has been used up so far.
struct Used {
    at: Instant,
    servers: Duration,
    database: Duration,
    own: Duration,
    written: u64,
    batches: Batches,
}

impl Measured {
    /// The median latency, in microseconds.
    fn p50(&self) -> f64 {
        self.latency.percentile(500).as_secs_f64() * 1e6
    }
}

/// Runs every scenario whose name has `wanted` in it, `rounds` times each, `length` each time.
pub(crate) async fn run_all(plan: &Plan) -> io::Result<()> {
    let (rounds, length, wanted) = (plan.rounds, plan.length, plan.wanted.as_str());
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    println!("{}", machine());
    println!(
        "one commit of this disk (append 100 bytes, fdatasync): median {:?}\n",
        commit_time(folder.path())?
    );
    if !plan.builds.is_empty() {
        return builds::run(plan, folder.path()).await;
    }
    for load in LOADS.into_iter().filter(|load| load.name().contains(wanted)) {
        compare(load, rounds, length, folder.path()).await?;
    }
    seats::run_all(rounds, length, wanted, folder.path()).await?;
    full::run(rounds, length, wanted, folder.path()).await?;
    joint::run(rounds, length, wanted).await
}

/// Measures the disk, the ceiling and the casino in turn, and prints their medians.
async fn compare(load: Load, rounds: usize, length: Duration, folder: &Path) -> io::Result<()> {
    let (mut bare, mut casino) = (Vec::new(), Vec::new());
    let (mut alone, mut commits) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let store = |kind| {
            let Load {
                streams,
                connections,
                window,
            } = load;
            folder.join(format!("{kind}-{streams}-{connections}-{window}-{round}.db"))
        };
        alone.push(alone::measure(load, length, &store("alone"))?);
        let server = Server::start(&mut bare_command("actions", 1000)?)?;
        bare.push(measure((&server).into(), load, length, false).await?);
        drop(server);
        let server = Server::start(&mut casino_command(&store("casino"), "10s"))?;
        // Beside the casino that waits for a commit of its own: the disk's speed changes from one second to the next.
        commits.push(commit_time(folder)?.as_secs_f64() * 1e6);
        casino.push(measure((&server).into(), load, length, true).await?);
    }
    println!("{}", load.name());
    print_head();
    print_row("bare tonic", &bare);
    print_row("casino", &casino);
    println!(
        "{:<12} {:>10.0}   (no wire, no load generator)",
        "ledger alone",
        median(&mut alone)
    );
    let of_rounds = |ratio: fn((&Measured, &Measured)) -> f64| {
        median(&mut bare.iter().zip(&casino).map(ratio).collect::<Vec<_>>())
    };
    println!(
        "casino / bare tonic, median of rounds: {:.2}",
        of_rounds(|(bare, ours)| ours.per_second / bare.per_second)
    );
    if load.streams * load.window == 1 {
        let beyond = commits
            .iter()
            .zip(&casino)
            .map(|(commit, ours)| ours.p50() - commit);
        println!(
            "p50 of the casino less one commit, median of rounds: {:.0} us",
            median(&mut beyond.collect::<Vec<_>>())
        );
    }
    println!();
    Ok(())
}

pub(crate) fn print_head() {
    println!(
        "{:<12} {:>10} {:>9} {:>9} {:>9} {:>10} {:>9} {:>9} {:>8} {:>9}",
        "",
        "actions/s",
        "p50 us",
        "p99 us",
        "p99.9 us",
        "cpu us/act",
        "load cpu",
        "disk B/a",
        "RSS MB",
        "executed"
    );
}

/// The median over the rounds of what `field` gives.
pub(crate) fn median_of(rounds: &[Measured], field: fn(&Measured) -> f64) -> f64 {
    median(&mut rounds.iter().map(field).collect::<Vec<_>>())
}

pub(crate) fn print_row(name: &str, rounds: &[Measured]) {
    let of = |field| median_of(rounds, field);
    println!(
        "{name:<12} {:>10.0} {:>9.0} {:>9.0} {:>9.0} {:>10.2} {:>9.2} {:>9.1} {:>8.1} {:>9.3}",
        of(|m| m.per_second),
        of(Measured::p50),
        of(|m| m.latency.percentile(990).as_secs_f64() * 1e6),
        of(|m| m.latency.percentile(999).as_secs_f64() * 1e6),
        of(|m| m.server_us_per_action),
        of(|m| m.own_cpu_share),
        of(|m| m.disk_bytes_per_action),
        of(|m| m.rss_mb),
        of(|m| m.executed_share),
    );
}

/// Seats the players, warms up for a quarter of `length`, and counts for `length`.
pub(crate) async fn measure(
    driven: Driven<'_>,
    load: Load,
    length: Duration,
    deposit: bool,
) -> io::Result<Measured> {
    let players: Vec<String> = (0..load.streams)
        .map(|number| format!("player-{number}"))
        .collect();
    if deposit {
        buy_tokens(&driven.servers[0].address, &players).await?;
    }
    let counting = Rc::new(Cell::new(false));
    let go_on = Rc::new(Cell::new(true));
    let mut pumps = JoinSet::new();
    let seats = players.chunks(load.streams.div_ceil(load.connections));
    for (server, seats) in driven.servers.iter().cycle().zip(seats) {
        let mut connection = Connection::open(&server.address, seats).await?;
        let (counting, go_on) = (Rc::clone(&counting), Rc::clone(&go_on));
        pumps.spawn_local(async move {
            connection.fill(load.window).await?;
            let mut was_counting = false;
            while go_on.get() || connection.outstanding() > 0 {
                connection.pump(go_on.get()).await?;
                if counting.get() != was_counting {
                    was_counting = counting.get();
                    if was_counting {
                        connection.counted = crate::http2::Counted::default();
                    }
                }
                if !go_on.get() {
                    break;
                }
            }
            io::Result::Ok(connection.counted)
        });
    }
    tokio::time::sleep(length / 4).await;
    counting.set(true);
    let before = Used::by(&driven)?;
    tokio::time::sleep(length).await;
    go_on.set(false);
    let after = Used::by(&driven)?;
    let seconds = (after.at - before.at).as_secs_f64();
    let mut measured = Measured {
        own_cpu_share: (after.own - before.own).as_secs_f64() / seconds,
        batches: after.batches - before.batches,
        ..Measured::default()
    };
    for server in driven.servers {
        measured.rss_mb += server.rss_kb()? as f64 / 1024.0;
    }
    let (mut results, mut executed) = (0, 0);
    while let Some(ended) = pumps.join_next().await {
        let counted = ended.map_err(io::Error::other)??;
        results += counted.results;
        executed += counted.executed;
        measured.latency.add(&counted.latency);
    }
    let actions = (results as f64).max(1.0);
    measured.per_second = results as f64 / seconds;
    measured.executed_share = executed as f64 / actions;
    measured.server_us_per_action = (after.servers - before.servers).as_secs_f64() * 1e6 / actions;
    measured.database_us_per_action = (after.database - before.database).as_secs_f64() * 1e6 / actions;
    measured.disk_bytes_per_action = (after.written - before.written) as f64 / actions;
    Ok(measured)
}

impl Used {
    fn by(driven: &Driven<'_>) -> io::Result<Self> {
        let mut used = Self {
            at: Instant::now(),
            servers: Duration::ZERO,
            database: driven.database.map_or(Ok(Duration::ZERO), cpu_of_children)?,
            own: own_cpu()?,
            written: 0,
            batches: Batches::default(),
        };
        for server in driven.servers {
            used.servers += server.cpu()?;
            used.written += server.written_bytes()?;
            used.batches += server.batches()?;
        }
        Ok(used)
    }
}

/// Gives every player enough tokens for the whole round.
async fn buy_tokens(address: &str, players: &[String]) -> io::Result<()> {
    let endpoint = transport::endpoint(&format!("http://{address}")).map_err(io::Error::other)?;
    let client = CasinoClient::new(endpoint.connect().await.map_err(io::Error::other)?);
    let mut calls = JoinSet::new();
    for player in players {
        let mut client = client.clone();
        let user = Some(types::User { id: player.clone() });
        calls.spawn(async move {
            client
                .buy_tokens(types::Payment {
                    user,
                    amount: 100_000_000,
                    ..Default::default()
                })
                .await
        });
    }
    while let Some(called) = calls.join_next().await {
        called.map_err(io::Error::other)?.map_err(io::Error::other)?;
    }
    Ok(())
}

pub(crate) fn bare_command(kind: &str, tick_ms: u64) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([SERVE_BARE, kind, &tick_ms.to_string()]);
    Ok(command)
}

pub(crate) fn casino_command(store: &Path, tick: &str) -> Command {
    casino_of(Path::new(env!("CARGO_BIN_EXE_casino-server")), store, tick)
}

/// The same with another build of the casino.
pub(crate) fn casino_of(build: &Path, store: &Path, tick: &str) -> Command {
    let mut command = Command::new(build);
    command.args([
        "--listen",
        "127.0.0.1:0",
        "--seed",
        "7",
        "--tick",
        tick,
        "--store",
    ]);
    command.arg(format!("sqlite:{}", store.display()));
    command
}

/// The median time of an append with fdatasync: what one durable action of one player costs at least.
fn commit_time(folder: &Path) -> io::Result<Duration> {
    let mut file = File::create(folder.join("commit"))?;
    file.write_all(&vec![0; 1 << 20])?;
    file.sync_all()?;
    let mut file = File::options().write(true).open(folder.join("commit"))?;
    let mut times = Vec::new();
    for _ in 0..500 {
        let start = Instant::now();
        file.write_all(&[1; 100])?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or(": unknown processor");
    format!(
        "{cpus} cores,{}",
        model.trim_start_matches([' ', '\t', ':']).trim_end()
    )
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
