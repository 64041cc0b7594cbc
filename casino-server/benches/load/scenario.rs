//! What is measured: loads of Gamble streams on the casino and on a ceiling, in turn, and the table they make.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    alone, builds,
    drive::{Measured, measure},
    flood, full, joint,
    process::Server,
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

/// Streams on connections, each with a window of outstanding actions.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) streams: usize,
    pub(crate) connections: usize,
    pub(crate) window: usize,
    /// Whether actions carry ids, as our client's do.
    pub(crate) ids: bool,
}

impl Load {
    pub(crate) fn name(self) -> String {
        format!(
            "{} streams on {} connections, window {}{}",
            self.streams,
            self.connections,
            self.window,
            if self.ids { ", with ids" } else { "" }
        )
    }
}

pub(crate) const LOADS: [Load; 4] = [
    Load {
        streams: 64,
        connections: 8,
        window: 16,
        ids: false,
    },
    Load {
        streams: 1000,
        connections: 50,
        window: 16,
        ids: false,
    },
    Load {
        streams: 1000,
        connections: 50,
        window: 1,
        ids: false,
    },
    Load {
        streams: 1,
        connections: 1,
        window: 1,
        ids: false,
    },
];

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
    flood::run(rounds, length, wanted, folder.path()).await?;
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
                ..
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
