//! The `awesomestock` command: parse, log, configure, play, and say how it went.

use std::{
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    time::Duration,
};

use awesomestock::{
    cli::Cli,
    config::{Config, Surroundings},
    journal, report, run,
};
use clap::Parser;
use color_eyre::eyre::{Report, Result, WrapErr, eyre};

/// The game could not be started as it was called.
const USAGE: u8 = 2;

/// Threads of the runtime beside the one of the loop: enough for two servers at rest.
const WORKERS: usize = 2;

/// How long threads that still block may hold up the end of the process.
const THREADS_DEADLINE: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(asked) => {
            // Also help and version: what clap cannot print has no reader.
            let _ = asked.print();
            return ExitCode::from(u8::try_from(asked.exit_code()).unwrap_or(USAGE));
        }
    };
    if let Err(error) = journal::start() {
        tracing::debug!(%error, "there is no log");
    }
    match report::install_hooks().and_then(|()| Surroundings::of_this_process()) {
        Err(error) => failed(&error, ExitCode::FAILURE),
        Ok(around) => match Config::load(&cli, &around) {
            Err(error) => failed(&error, ExitCode::from(USAGE)),
            Ok(config) => {
                play(config).map_or_else(|error| failed(&error, ExitCode::FAILURE), |()| ExitCode::SUCCESS)
            }
        },
    }
}

fn play(config: Config) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .wrap_err("cannot start the runtime")?;
    // The panic has been reported by the hook; here it becomes an exit code.
    let played = panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(run::game(config))));
    runtime.shutdown_timeout(THREADS_DEADLINE);
    played.unwrap_or_else(|_| Err(eyre!("the game broke down")))
}

fn failed(error: &Report, code: ExitCode) -> ExitCode {
    report::failure(error);
    code
}
