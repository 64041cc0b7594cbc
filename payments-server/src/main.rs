//! The binary `payments-server`: parse, bind, serve, exit code.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use awesomestock_proto::serving;
use clap::Parser;
use color_eyre::eyre::{Report, WrapErr};
use payments_server::config::Config;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let config = match Config::try_parse() {
        Ok(config) => config,
        Err(answer) => return print(&answer),
    };
    match run(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            // In one line: what failed, and why. Where stderr is gone, the exit code still tells.
            let _ = writeln!(io::stderr(), "payments-server: {report:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints what clap answers instead of a configuration: the help, the version, or a usage error.
fn print(answer: &clap::Error) -> ExitCode {
    let _ = answer.print();
    u8::try_from(answer.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn run(config: &Config) -> Result<(), Report> {
    color_eyre::install()?;
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&config.log)?)
        .with_writer(io::stderr)
        .try_init()
        .map_err(|error: Box<dyn Error + Send + Sync>| Report::msg(error.to_string()))?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .wrap_err("cannot start the threads")?
        .block_on(serve(config))
}

async fn serve(config: &Config) -> Result<(), Report> {
    // Before the ready line: whoever reads it may send a signal at once.
    let told_to_stop = serving::told_to_stop().wrap_err("cannot listen to signals")?;
    let options = config.options()?;
    let may_be_reached = options.tls.is_some() || config.allow_plaintext;
    let listener = serving::listen(&config.listen.to_string(), may_be_reached).await?;
    announce(&listener)?;

    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        told_to_stop.await;
        stop.cancel();
    });
    payments_server::serve(options, serving::incoming(listener), shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Prints the ready line. A closed stdout is no failure: then nobody waits for the line.
fn announce(listener: &TcpListener) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "payments-server listening on {address}").and_then(|()| stdout.flush());
    if let Err(error) = written {
        tracing::warn!(%error, %address, "listening, but the ready line could not be printed");
    }
    Ok(())
}
