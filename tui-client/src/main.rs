//! The `awesomestock` command: parse, log, configure, play or do the one thing, and say how it went.

use std::{
    env,
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    time::Duration,
};

use awesomestock::{
    cli::{Cli, Task},
    config::{Config, Surroundings},
    doctor, journal, key, report, run,
};
use color_eyre::eyre::{Report, Result, WrapErr, eyre};

/// The game could not be started as it was called.
const USAGE: u8 = 2;

/// Threads of the runtime beside the one of the loop: enough for two servers at rest.
const WORKERS: usize = 2;

/// How long threads that still block may hold up the end of the process.
const THREADS_DEADLINE: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let cli = match Cli::understand(env::args_os()) {
        Ok(cli) => cli,
        Err(asked) => {
            // Also help and version: what clap cannot print has no reader.
            let _ = asked.print();
            return ExitCode::from(u8::try_from(asked.exit_code()).unwrap_or(USAGE));
        }
    };
    // Made from the table of options alone: they are to be had even where nothing else works.
    match cli.task {
        Some(Task::Completions { shell }) => return print(&Cli::completions(shell)),
        Some(Task::Man) => return print(&Cli::manual()),
        Some(Task::Deed(_) | Task::Replay { .. } | Task::Key { .. } | Task::Doctor) | None => {}
    }
    if let Err(error) = journal::start() {
        tracing::debug!(%error, "there is no log");
    }
    match report::install_hooks().and_then(|()| Surroundings::of_this_process()) {
        Err(error) => failed(&error, ExitCode::FAILURE),
        Ok(around) if matches!(cli.task, Some(Task::Doctor)) => {
            match in_runtime(doctor::examine(&cli, &around, io::stdout())) {
                Err(error) => failed(&error, ExitCode::FAILURE),
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::FAILURE,
            }
        }
        Ok(around) => match Config::load(&cli, &around) {
            Err(error) => failed(&error, ExitCode::from(USAGE)),
            Ok(config) => finished(match cli.task {
                Some(Task::Deed(deed)) => in_runtime(run::deed(config, deed)),
                Some(Task::Replay { file, speed }) => in_runtime(run::replay(config, &file, speed)),
                Some(Task::Key { task }) => key::run(&config, &task, io::stdout().lock()),
                Some(Task::Completions { .. } | Task::Man | Task::Doctor) | None => {
                    in_runtime(run::game(config))
                }
            }),
        },
    }
}

fn in_runtime<T>(doing: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .wrap_err("cannot start the runtime")?;
    // The panic has been reported by the hook; here it becomes an exit code.
    let done = panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(doing)));
    runtime.shutdown_timeout(THREADS_DEADLINE);
    done.unwrap_or_else(|_| Err(eyre!("the game broke down")))
}

/// Prints a text that was made whole; a reader that does not want all of it is no failure.
fn print(text: &[u8]) -> ExitCode {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => failed(
            &Report::new(error).wrap_err("cannot write to standard output"),
            ExitCode::FAILURE,
        ),
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

fn finished(done: Result<()>) -> ExitCode {
    done.map_or_else(|error| failed(&error, ExitCode::FAILURE), |()| ExitCode::SUCCESS)
}

fn failed(error: &Report, code: ExitCode) -> ExitCode {
    report::failure(error);
    code
}
