//! The `payments-server` binary.

// No code path may panic, except in tests.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{self, Write};
use std::process::ExitCode;
use std::{env, thread};

use anyhow::Context;
use awesomestock_proto::auth::SecretError;
use awesomestock_proto::command_line::{self, documents};
use awesomestock_proto::resources;
use awesomestock_proto::server::{self, Log, LogError};
use clap::FromArgMatches;
use payments_server::Options;
use payments_server::config::{Config, Task};
use tokio::net::TcpListener;

/// Exit code for an invalid value.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    // A worker a core, and a thread for blocking work.
    let threads = thread::available_parallelism().map_or(2, |cores| cores.get().saturating_add(1));
    if let Err(shortage) = resources::check(threads) {
        let _ = writeln!(
            io::stderr(),
            "payments-server: {:#}",
            anyhow::Error::new(shortage)
        );
        return ExitCode::FAILURE;
    }
    let config = match parse() {
        Ok(config) => config,
        Err(answer) => return ExitCode::from(command_line::print_answer(&answer)),
    };
    let result = match &config.task {
        Some(Task::Healthcheck(health)) => health.check(&config.listen).map_err(anyhow::Error::new),
        Some(Task::Completions { shell }) => {
            print(&documents::completions(Config::definition(), *shell, &[]))
        }
        Some(Task::Man) => print(&documents::manual(
            Config::definition(),
            "Without a command, the server serves.",
        )),
        None => config.options().and_then(|options| run(&config, options)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            // If stderr is closed, the exit code remains.
            let _ = writeln!(io::stderr(), "payments-server: {report:#}");
            match is_usage_error(&report) {
                true => ExitCode::from(USAGE),
                false => ExitCode::FAILURE,
            }
        }
    }
}

/// Returns whether a variable is invalid; an invalid file is a failure.
fn is_usage_error(report: &anyhow::Error) -> bool {
    let secret = report.downcast_ref::<SecretError>();
    let log = report.downcast_ref::<LogError>();
    secret.is_some_and(SecretError::is_from_variable) || log.is_some_and(LogError::is_from_variable)
}

fn parse() -> Result<Config, clap::Error> {
    let command = Config::definition();
    Config::from_arg_matches(&command_line::matches(command, env::args_os())?)
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    command_line::print_text(text).context("cannot write to standard output")
}

fn run(config: &Config, options: Options) -> anyhow::Result<()> {
    let filter = command_line::log_filter(&config.log, "payments_server").map_err(anyhow::Error::msg)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(async {
            let log = Log::start("payments-server", filter, config.server.log_format)?;
            let result = serve(config, options).await;
            log.close().await;
            result
        })
}

async fn serve(config: &Config, options: Options) -> anyhow::Result<()> {
    // Before the ready line, as its reader may send a signal at once.
    let shutdown =
        server::shutdown_signal(options.tls.clone()).context("cannot install the signal handlers")?;
    let allow_remote = options.tls.is_some() || config.server.allow_plaintext;
    let listener = server::listen(&config.listen, allow_remote).await?;
    print_ready(&listener).context("cannot write to standard output")?;

    payments_server::serve(options, server::incoming(listener), shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}

fn print_ready(listener: &TcpListener) -> io::Result<()> {
    let address = listener.local_addr()?;
    command_line::print_line(&format!("payments-server listening on {address}"))
}
