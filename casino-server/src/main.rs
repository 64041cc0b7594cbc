//! `casino-server`: parses, binds, serves; exit code 0 after a stop in order, 1 after a failure, 2 for wrong usage.

use std::{
    convert::Infallible,
    future,
    io::{self, Write},
    process::ExitCode,
};

use awesomestock_proto::serving;
use casino_server::{Casino, Workers, config::Args};
use clap::Parser;
use color_eyre::eyre::{Result, WrapErr};
use mimalloc::MiMalloc;
use tokio::{net::TcpListener, runtime};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Messages come and go by the million a second.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    match start(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            // A standard error that is gone cannot be told so.
            let _ = writeln!(io::stderr(), "casino-server: {report:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: &Args) -> Result<()> {
    color_eyre::install()?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(args))
}

async fn run(args: &Args) -> Result<()> {
    let told_to_stop = serving::told_to_stop().wrap_err("signals cannot be listened to")?;
    let listener = TcpListener::bind(&args.listen)
        .await
        .wrap_err_with(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    let page = match &args.metrics {
        Some(address) => Some(metrics_listener(address).await?),
        None => None,
    };
    let casino = Casino::open(args.options(), args.payments.connect_lazy()).await?;
    if let Some(page) = page {
        tokio::spawn(casino.metrics().serve(page));
    }
    announce(&format!("casino-server listening on {address}"))
        .wrap_err("standard output cannot be written")?;

    let shutdown = CancellationToken::new();
    let serving = casino.serve_on(Workers::one_a_core(), listener, shutdown.clone());
    let stopping = async {
        told_to_stop.await;
        shutdown.cancel();
        future::pending::<Infallible>().await
    };
    tokio::select! {
        served = serving => Ok(served?),
        never = stopping => match never {},
    }
}

/// Listens where the metrics are to be told, and says where that is.
async fn metrics_listener(address: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .await
        .wrap_err_with(|| format!("cannot tell metrics on {address}"))?;
    tracing::info!("metrics at http://{}/metrics", listener.local_addr()?);
    Ok(listener)
}

/// Prints the one line that says to whoever started the server that it is ready.
fn announce(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
