//! The casino under load, beside the ceilings, in one run.
//!
//! `cargo bench -p casino-server --bench load [-- ROUNDS [SECONDS [SCENARIOS]]]` starts the servers as processes of their own,
//! drives them in turn from this process, and prints medians with their ratios. It asserts nothing.

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
mod full;
mod histogram;
mod http2;
mod process;
mod scenario;
mod seats;

use std::time::Duration;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let number = |index: usize, default: u64| {
        arguments
            .get(index)
            .and_then(|a| a.parse().ok())
            .unwrap_or(default)
    };
    match arguments.first().map(String::as_str) {
        Some(scenario::SERVE_BARE) => {
            let kind = arguments.get(1).cloned().unwrap_or_default();
            let runtime = tokio::runtime::Runtime::new()?;
            runtime.block_on(bare::serve(&kind, Duration::from_millis(number(2, 1000))));
            Ok(())
        }
        Some(alone::LEDGER_ALONE) => alone::run(&arguments),
        _ => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let local = tokio::task::LocalSet::new();
            let rounds = number(0, 5) as usize;
            let wanted = arguments.get(2).map_or("", String::as_str);
            local.block_on(
                &runtime,
                scenario::run_all(rounds, Duration::from_secs(number(1, 3)), wanted),
            )
        }
    }
}
