//! The `awesomestock` command: parse, log, configure, play, and say how it went.

use std::{
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    time::Duration,
};

use awesomestock::{
    cli::Cli,
    config::{Config, Surroundings},
    journal, run, shell,
    text::harmless,
};
use clap::Parser;
use color_eyre::{
    config::HookBuilder,
    eyre::{Report, Result, WrapErr, eyre},
};

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
    if let Err(error) = install_hooks() {
        return failed(&error, ExitCode::FAILURE);
    }
    if let Err(error) = journal::start() {
        tracing::debug!(%error, "there is no log");
    }
    let config = Surroundings::of_this_process().and_then(|around| Config::load(&cli, &around));
    match config {
        Err(error) => failed(&error, ExitCode::from(USAGE)),
        Ok(config) => match play(config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error, ExitCode::FAILURE),
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

/// Reports of panics go to the log and, when the terminal is whole again, to standard error.
fn install_hooks() -> Result<()> {
    let (reporter, eyre_hook) = HookBuilder::new()
        .theme(color_eyre::config::Theme::new())
        .display_env_section(false)
        .into_hooks();
    eyre_hook.install()?;
    panic::set_hook(Box::new(move |panic| {
        shell::restore();
        let report = reporter.panic_report(panic).to_string();
        tracing::error!(%report, "panic");
        let _ = writeln!(io::stderr(), "{report}");
    }));
    Ok(())
}

fn failed(error: &Report, code: ExitCode) -> ExitCode {
    let words = format!("{error:#}");
    tracing::error!(error = %words, "the game ends");
    let _ = writeln!(io::stderr(), "awesomestock: {}", harmless(&words));
    code
}
