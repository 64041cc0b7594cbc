//! The casino under load, beside the ceilings, in one run.
//!
//! `cargo bench -p casino-server --bench load [-- ROUNDS [SECONDS [SCENARIOS]]]` starts the servers as processes of their
//! own, drives them in turn from this process, and prints medians with their ratios. It asserts nothing. With `--casino
//! PATH`, once for each of several builds of the casino, it compares these on SQLite, and measures nothing else.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic
)]

mod alone;
mod bare;
mod builds;
#[allow(dead_code, unreachable_pub)]
#[path = "../../tests/support/cluster.rs"]
mod cluster;
mod drive;
mod flood;
mod full;
mod histogram;
mod http2;
mod joint;
mod loads;
mod process;
mod scenario;
mod seats;
mod table;

use std::{io, path::PathBuf, time::Duration};

use loads::{Plan, SERVE_BARE};

fn main() -> io::Result<()> {
    let (mut arguments, mut builds) = (Vec::new(), Vec::new());
    let mut given = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = given.next() {
        match argument.as_str() {
            // It is started from elsewhere.
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
        Some(alone::LEDGER_ALONE) => alone::run(&arguments),
        Some(flood::FLOOD) => {
            let address = arguments.get(1).cloned().unwrap_or_default();
            on_one_thread(flood::be(&address))
        }
        _ => {
            let plan = Plan {
                rounds: number(0, 5) as usize,
                length: Duration::from_secs(number(1, 3)),
                wanted: arguments.get(2).cloned().unwrap_or_default(),
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
