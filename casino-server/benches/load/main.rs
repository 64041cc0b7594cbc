//! Load test of the casino and its reference servers.
//!
//! `cargo bench -p casino-server --bench load [-- ROUNDS [SECONDS [SCENARIOS]]]` starts the servers as child processes,
//! applies the loads from this process in turn, and prints medians and ratios. It asserts nothing. With `--casino
//! PATH`, given once for each of several builds of the casino, it only compares these builds on SQLite.

#![allow(
    missing_docs,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    clippy::print_stdout
)]

mod bare;
mod builds;
#[allow(dead_code, unreachable_pub)]
#[path = "../../tests/support/cluster.rs"]
mod cluster;
mod clustered;
mod drive;
mod flood;
mod histogram;
mod http2;
mod large_store;
mod ledger_alone;
mod loads;
mod process;
mod report;
mod resting;
mod scenario;
mod sessions;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use loads::{Plan, SERVE_BARE};

fn main() -> io::Result<()> {
    let (mut arguments, mut builds) = (Vec::new(), Vec::new());
    let mut given = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = given.next() {
        match argument.as_str() {
            // The path is used from another working directory.
            "--casino" => builds.push(PathBuf::from(given.next().unwrap_or_default()).canonicalize()?),
            _ => arguments.push(argument),
        }
    }
    let number = |index: usize, default: u64| {
        arguments
            .get(index)
            .and_then(|a| a.parse().ok())
            .unwrap_or(default)
    };
    match arguments.first().map(String::as_str) {
        Some(SERVE_BARE) => {
            let kind = arguments.get(1).cloned().unwrap_or_default();
            let runtime = tokio::runtime::Runtime::new()?;
            runtime.block_on(bare::serve(&kind, Duration::from_millis(number(2, 1000))));
            Ok(())
        }
        Some(ledger_alone::LEDGER_ALONE) => ledger_alone::run(&arguments),
        Some(flood::FLOOD) => {
            let address = arguments.get(1).cloned().unwrap_or_default();
            on_one_thread(flood::run_process(&address))
        }
        _ => {
            let plan = Plan {
                rounds: number(0, 5) as usize,
                length: Duration::from_secs(number(1, 3)),
                filter: arguments.get(2).cloned().unwrap_or_default(),
                builds,
            };
            on_one_thread(scenario::run_all(&plan))
        }
    }
}

/// Runs `task` and what it spawns on this thread.
fn on_one_thread(task: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, task)
}
