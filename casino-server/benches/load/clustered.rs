//! One, two and three casinos on a shared PostgreSQL ledger, compared with pgbench.
//!
//! The cluster is temporary and syncs its commits. Disk writes include checkpoints of earlier rounds, so the figures
//! per action mean nothing where there are few actions.

use std::io;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::drive::{Measured, Target, measure};
use crate::loads::{LOADS, Load, median};
use crate::process::Server;
use crate::report::median_of;

const NAME: &str = "casinos on one PostgreSQL";

/// PostgreSQL's defaults except for memory, of which it uses little by default.
const SETTINGS: &[&str] = &["shared_buffers=512MB", "max_wal_size=4GB"];

/// Most casinos at once.
const CASINOS_MAX: usize = 3;

/// pgbench sessions: one, to compare with a single player, and many.
const SESSIONS: [u32; 2] = [1, 32];

/// Accounts of pgbench, in units of 100,000.
const SCALE: &str = "10";

/// Runs the scenario if its name contains `filter` and PostgreSQL is installed.
pub(crate) async fn run(rounds: usize, length: Duration, filter: &str) -> io::Result<()> {
    if !NAME.contains(filter) {
        return Ok(());
    }
    let Some(cluster) = Cluster::start_with(SETTINGS) else {
        return Ok(());
    };
    cluster.database("pgbench");
    cluster.output("pgbench", &["-q", "-i", "-s", SCALE], "pgbench")?;
    println!("{NAME}");
    let mut pgbench = [Vec::new(), Vec::new()];
    for (sessions, rates) in SESSIONS.iter().zip(&mut pgbench) {
        for _ in 0..rounds {
            rates.push(updates_a_second(&cluster, *sessions, length)?);
        }
        println!(
            "pgbench, simple-update, {sessions} sessions: {:.0} transactions/s",
            median(rates)
        );
    }
    println!();
    let [alone, many] = pgbench.map(|mut rates| median(&mut rates));
    for load in LOADS {
        let rate = if load.streams == 1 { alone } else { many };
        for ids in [false, true] {
            compare(&cluster, Load { ids, ..load }, (rounds, length), rate).await?;
        }
    }
    Ok(())
}

/// Measures one casino, two, and so on in turn, up to the number of connections, and prints their medians.
async fn compare(
    cluster: &Cluster,
    load: Load,
    (rounds, length): (usize, Duration),
    pgbench: f64,
) -> io::Result<()> {
    let most = CASINOS_MAX.min(load.connections);
    let mut measured: Vec<Vec<Measured>> = vec![Vec::new(); most];
    for round in 0..rounds {
        for casinos in 1..=most {
            let ids = u8::from(load.ids);
            let name = format!("round{}x{}x{ids}x{round}x{casinos}", load.streams, load.window);
            let store = cluster.database(&name);
            let servers: Vec<Server> = (0..casinos).map(|_| start(&store)).collect::<io::Result<_>>()?;
            let target = Target {
                servers: &servers,
                database: Some(cluster.process_id()?),
            };
            measured[casinos - 1].push(measure(target, load, length, true).await?);
        }
    }
    println!("{}", load.name());
    println!(
        "{:<10} {:>10} {:>7} {:>7} {:>10} {:>9} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8} {:>9}",
        "",
        "actions/s",
        "p50 ms",
        "p99 ms",
        "cpu us/act",
        "pg us/act",
        "load cpu",
        "disk B/a",
        "a batch",
        "commit ms",
        "executed",
        "/ first",
        "/ pgbench"
    );
    let first = median_of(&measured[0], |m| m.per_second);
    for (casinos, rounds) in (1..).zip(&measured) {
        let of = |field| median_of(rounds, field);
        println!(
            "{:<10} {:>10.0} {:>7.2} {:>7.2} {:>10.2} {:>9.2} {:>8.2} {:>8.0} {:>8.1} {:>9.2} {:>8.3} {:>8.2} {:>9.2}",
            if casinos == 1 {
                "1 casino".to_owned()
            } else {
                format!("{casinos} casinos")
            },
            of(|m| m.per_second),
            of(|m| m.latency.percentile(500).as_secs_f64() * 1e3),
            of(|m| m.latency.percentile(990).as_secs_f64() * 1e3),
            of(|m| m.server_us_per_action),
            of(|m| m.database_us_per_action),
            of(|m| m.own_cpu_share),
            of(|m| m.disk_bytes_per_action),
            of(|m| m.batches.entries_each()),
            of(|m| m.batches.ms_each()),
            of(|m| m.executed_share),
            of(|m| m.per_second) / first,
            of(|m| m.per_second) / pgbench,
        );
    }
    println!();
    Ok(())
}

/// Starts a casino on the ledger at the URL `store`.
fn start(store: &str) -> io::Result<Server> {
    // The port is free now, and nothing else on this machine takes ports meanwhile.
    let metrics = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_casino-server"));
    command.args(["--listen", "127.0.0.1:0", "--tick", "10s", "--store", store]);
    Server::start_with_metrics(&mut command, metrics)
}

/// Returns pgbench's rate of updating and reading an account and inserting a history row.
fn updates_a_second(cluster: &Cluster, sessions: u32, length: Duration) -> io::Result<f64> {
    let (sessions, seconds) = (sessions.to_string(), length.as_secs().max(1).to_string());
    let args = [
        "-N", "-n", "-M", "prepared", "-c", &sessions, "-j", "1", "-T", &seconds,
    ];
    let output = cluster.output("pgbench", &args, "pgbench")?;
    let rate = output.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    rate.ok_or_else(|| io::Error::other(format!("unexpected output of pgbench: {output:?}")))
}
