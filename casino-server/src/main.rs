//! `casino-server`: parses, binds, serves; exit code 0 after a stop in order, 1 after a failure, 2 for wrong usage.

use std::{
    convert::Infallible,
    future,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use awesomestock_proto::{serving, text};
use casino_server::{
    Address, Casino, Difference, Release, Totals, Workers,
    config::{Args, Task},
};
use clap::Parser;
use color_eyre::eyre::{Result, WrapErr, bail, ensure, eyre};
use mimalloc::MiMalloc;
use tokio::{net::TcpListener, runtime};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Messages come and go by the million a second.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// What is wrong when nothing can be told.
const UNTOLD: &str = "standard output cannot be written";

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.task {
        Some(Task::Release { name }) => release(&args, name),
        Some(Task::Check) => check(&args),
        Some(Task::Backup { file }) => backup(&args, file),
        None => start(&args),
    };
    match done {
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

fn release(args: &Args, name: &str) -> Result<()> {
    match casino_server::release(&args.store, name)? {
        Release::Released => announce(&format!(
            "{name} is released: the next key that is shown for it claims it"
        ))?,
        Release::Unclaimed => bail!("{name} is not claimed"),
    }
    Ok(())
}

/// Prints each difference, and at the end the totals; differences are a failure.
fn check(args: &Args) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let mut written = Ok(());
    let tell = |difference: Difference| {
        if written.is_ok() {
            // A ledger that somebody has tampered with may hold any name.
            written = writeln!(stdout, "{}", text::harmless(&difference.to_string()));
        }
    };
    let totals = match &args.store {
        Address::Sqlite(file) => casino_server::check(file, tell)?,
        Address::Postgres(database) => casino_server::check_database(database, tell)?,
    };
    drop(stdout);
    written
        .and_then(|()| announce(&totals.to_string()))
        .wrap_err(UNTOLD)?;
    let Totals { differences, .. } = totals;
    ensure!(differences == 0, "{differences} differences in {}", args.store);
    Ok(())
}

fn backup(args: &Args, file: &Path) -> Result<()> {
    let words = "a ledger in PostgreSQL is copied by its own tools: pg_dump --schema=awesomestock";
    let ledger = args.store.file().ok_or_else(|| eyre!(words))?;
    casino_server::backup(ledger, file)?;
    announce(&format!("{} is copied to {}", args.store, file.display())).wrap_err(UNTOLD)
}

async fn run(args: &Args) -> Result<()> {
    let told_to_stop = serving::told_to_stop().wrap_err("signals cannot be listened to")?;
    let tls = args.secure.certificate()?;
    let payments = args.secure.payments(&args.payments)?;
    let may_be_reached = tls.is_some() || args.secure.allow_plaintext;
    let listener = serving::listen(&args.listen, may_be_reached).await?;
    let address = listener.local_addr()?;
    let page = match &args.metrics {
        Some(address) => Some(metrics_listener(address).await?),
        None => None,
    };
    let casino = Casino::open(args.options(), payments).await?;
    if let Some(page) = page {
        tokio::spawn(casino.metrics().serve(page));
    }
    announce(&format!("casino-server listening on {address}")).wrap_err(UNTOLD)?;

    let shutdown = CancellationToken::new();
    let serving = casino.serve_on(Workers::one_a_core(), (listener, tls), shutdown.clone());
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

/// Prints the one line that says to whoever started the command that it is ready, or done.
fn announce(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
