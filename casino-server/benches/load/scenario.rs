//! Runs the scenarios and compares the casino with the reference server.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::drive::{Measured, measure};
use crate::loads::{LOADS, Load, Plan, bare_command, default_build_command, median};
use crate::process::Server;
use crate::report::{print_head, print_row};
use crate::{builds, clustered, flood, large_store, ledger_alone, resting, sessions};

/// Runs every scenario whose name contains the filter, `rounds` times each, `length` each time.
pub(crate) async fn run_all(plan: &Plan) -> io::Result<()> {
    let (rounds, length, filter) = (plan.rounds, plan.length, plan.filter.as_str());
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    println!("{}", machine());
    println!(
        "one commit of this disk (append 100 bytes, fdatasync): median {:?}\n",
        commit_time(folder.path())?
    );
    if !plan.builds.is_empty() {
        return builds::run(plan, folder.path()).await;
    }
    for load in LOADS.into_iter().filter(|load| load.name().contains(filter)) {
        compare(load, rounds, length, folder.path()).await?;
    }
    sessions::run_all(rounds, length, filter, folder.path()).await?;
    flood::run(rounds, length, filter, folder.path()).await?;
    large_store::run(rounds, length, filter, folder.path()).await?;
    resting::run(rounds, filter, folder.path()).await?;
    clustered::run(rounds, length, filter).await
}

/// Measures the disk, the reference server and the casino in turn, and prints their medians.
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
        alone.push(ledger_alone::measure(load, length, &store("alone"))?);
        let server = Server::start(&mut bare_command("actions", 1000)?)?;
        bare.push(measure((&server).into(), load, length, false).await?);
        drop(server);
        let server = Server::start(&mut default_build_command(&store("casino"), "10s"))?;
        // Right before the casino, because the speed of the disk changes within seconds.
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

/// The median time of an append with fdatasync, the minimum for one durable action of one player.
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
