//! The `awesomestock` command.

// No code path may panic, except in tests.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, io};

use anyhow::{Context, Result, anyhow};
use awesomestock::cli::args::{Cli, DailyTask, Task};
use awesomestock::cli::config::{self, Config, UserEnvironment};
use awesomestock::cli::{doctor, key};
use awesomestock::headless::challenge;
use awesomestock::runtime::{self, report};
use awesomestock::solo::challenge::Challenge;
use awesomestock::storage::log_file;
use awesomestock::{run, solo};
use awesomestock_proto::{command_line, resources};

/// Exit code for invalid arguments or configuration.
const USAGE: u8 = 2;

/// Worker threads beside the main thread: enough for the two servers of a solo game.
const WORKERS: usize = 2;

/// Longest wait for blocked threads at exit.
const THREADS_DEADLINE: Duration = Duration::from_millis(200);

/// Threads beside those of the runtime: the reader of keys, some for blocking work, and the three of a solo ledger.
const OTHER_THREADS: usize = 8;

fn main() -> ExitCode {
    if let Err(shortage) = resources::check(WORKERS + OTHER_THREADS) {
        return failed(&anyhow::Error::new(shortage), ExitCode::FAILURE);
    }
    let cli = match Cli::parse(env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            return ExitCode::from(command_line::print_answer(&error));
        }
    };
    // These depend on the command definition only, so that they work when nothing else does.
    match cli.task {
        Some(Task::Completions { shell }) => return print(&Cli::completions(shell)),
        Some(Task::Man) => return print(&Cli::manual()),
        Some(Task::Config) => return print(config::template().as_bytes()),
        _ => {}
    }
    match log_file::filter() {
        Err(error) => return failed(&anyhow::Error::msg(error), ExitCode::from(USAGE)),
        Ok(filter) => {
            if let Err(error) = log_file::start(filter) {
                tracing::debug!(%error, "cannot open the log file");
            }
        }
    }
    report::install_panic_hook();
    match UserEnvironment::current() {
        Err(error) => failed(&error, ExitCode::FAILURE),
        Ok(environment) if matches!(cli.task, Some(Task::Doctor)) => {
            match in_runtime(doctor::run_checks(&cli, &environment, io::stdout())) {
                Err(error) => failed(&error, ExitCode::FAILURE),
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::FAILURE,
            }
        }
        Ok(environment) => match Config::load(&cli, &environment.for_task(cli.task.as_ref())) {
            Err(error) => failed(&error, ExitCode::from(USAGE)),
            Ok(config) => exit_code(match cli.task {
                Some(Task::OneShot(command)) => in_runtime(run::run_command(config, command)),
                Some(Task::Replay { file, speed }) => in_runtime(run::replay(config, &file, speed)),
                Some(Task::Cast(arguments)) => run::cast(config, &arguments),
                Some(Task::Daily { task }) => daily(config, task),
                Some(Task::Duel { seed }) => {
                    in_runtime(run::challenge(config, Challenge::Duel(seed.unsigned_abs())))
                }
                Some(Task::AcceptLoss) => solo::accept_loss(&config.data_dir),
                Some(Task::Key { task }) => key::run(&config, &task, io::stdout().lock()),
                Some(Task::Completions { .. } | Task::Man | Task::Config | Task::Doctor | Task::Lab(_))
                | None => in_runtime(run::run_game(config)),
            }),
        },
    }
}

fn daily(config: Config, task: Option<DailyTask>) -> Result<()> {
    let (today, out) = (Challenge::today(), io::stdout());
    match task {
        None => in_runtime(run::challenge(config, today)),
        Some(DailyTask::Verify { file }) => {
            challenge::print_verified(&file, &config.data_dir, today, out.lock())
        }
        Some(DailyTask::Results) => challenge::print_results(&config.data_dir, today, out.lock()),
    }
}

fn in_runtime<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    // The panic hook has reported the panic; this turns it into an exit code.
    let done = panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(future)));
    runtime.shutdown_timeout(THREADS_DEADLINE);
    done.unwrap_or_else(|_| Err(anyhow!("the game panicked")))
}

/// Prints a generated text; a closed pipe is not an error.
fn print(text: &[u8]) -> ExitCode {
    exit_code(command_line::print_text(text).context("cannot write to standard output"))
}

fn exit_code(done: Result<()>) -> ExitCode {
    let code = done.map_or_else(|error| failed(&error, ExitCode::FAILURE), |()| ExitCode::SUCCESS);
    runtime::end_by_signal(code)
}

fn failed(error: &anyhow::Error, code: ExitCode) -> ExitCode {
    report::failure(error);
    code
}
