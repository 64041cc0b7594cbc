//! The `casino-server` program. Exit codes: 0 after a clean shutdown, 1 after a failure, 2 for wrong usage.

// No code path may panic, except in tests.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail, ensure};
use awesomestock_proto::auth::{SecretError, SharedSecret};
use awesomestock_proto::command_line::{self, documents};
use awesomestock_proto::resources;
use awesomestock_proto::server::{self, EnvFilter, Log, LogError};
use awesomestock_proto::text::{pluralize, sanitize};
use casino_server::config::{self, Args, CertArgs, RoundArgs, RoundCallError, Task};
use casino_server::{AuditTotals, Casino, Mismatch, ReleaseOutcome, Workers};
use clap::FromArgMatches;
use mimalloc::MiMalloc;
use tokio::net::TcpListener;

/// The server allocates and frees millions of messages per second.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const EXIT_USAGE: u8 = 2;

const STDOUT_FAILED: &str = "cannot write to standard output";

fn main() -> ExitCode {
    if let Err(shortage) = resources::check(Workers::per_core().threads()) {
        let _ = writeln!(io::stderr(), "casino-server: {:#}", anyhow!(shortage));
        return ExitCode::FAILURE;
    }
    let args = match parse() {
        Ok(args) => args,
        Err(error) => return ExitCode::from(command_line::print_answer(&error)),
    };
    let result = match &args.task {
        Some(Task::Release { name }) => release(&args, name),
        Some(Task::Check) => check(&args),
        Some(Task::AcceptLoss) => accept_loss(&args),
        Some(Task::Backup { file }) => backup(&args, file),
        Some(Task::Cert(cert)) => certificate(cert),
        Some(Task::Completions { shell }) => print(Args::completions(*shell)),
        Some(Task::Man) => print(documents::manual(
            Args::definition(),
            "Without a command, the casino serves.",
        )),
        Some(Task::Round(round)) => call_round(&args, round),
        Some(Task::Healthcheck(health)) => health.check(&args.listen).map_err(Into::into),
        None => match command_line::log_filter_of(EnvFilter::DEFAULT_ENV, "casino_server") {
            Ok(filter) => start(&args, filter),
            Err(error) => {
                let _ = writeln!(io::stderr(), "casino-server: {error}");
                return ExitCode::from(EXIT_USAGE);
            }
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            let _ = writeln!(io::stderr(), "casino-server: {report:#}");
            match is_usage(&report) {
                true => ExitCode::from(EXIT_USAGE),
                false => ExitCode::FAILURE,
            }
        }
    }
}

/// Returns whether an argument is missing, or a variable is not valid. An unusable file is a failure.
fn is_usage(report: &anyhow::Error) -> bool {
    let log = report.downcast_ref().is_some_and(LogError::is_from_variable);
    let secret = report.downcast_ref().is_some_and(SecretError::is_from_variable);
    log || secret || report.downcast_ref().is_some_and(RoundCallError::is_usage)
}

fn parse() -> Result<Args, clap::Error> {
    let command = Args::definition();
    Args::from_arg_matches(&command_line::matches(command, env::args_os())?)
}

fn call_round(args: &Args, round: &RoundArgs) -> Result<()> {
    print(round.run(&args.operator_service, args.server.allow_plaintext)?)
}

fn start(args: &Args, filter: EnvFilter) -> Result<()> {
    let operator = args.operator_service.service()?;
    let payments_secret = args.payments_server.secret()?;
    resources::runtime()?.block_on(async {
        let log = Log::start("casino-server", filter, args.server.log_format)?;
        let result = run(args, payments_secret, operator).await;
        log.close().await;
        result
    })
}

fn print(text: impl AsRef<[u8]>) -> Result<()> {
    command_line::print_text(text.as_ref()).context(STDOUT_FAILED)
}

fn certificate(args: &CertArgs) -> Result<()> {
    config::create(args)?;
    let folder = args.folder.display();
    print(format!(
        "Start both servers with --tls-cert {folder}/cert.pem --tls-key {folder}/key.pem.\n\
         Players need {folder}/ca.pem: awesomestock --casino https://HOST:PORT --tls-ca ca.pem\n"
    ))
}

fn release(args: &Args, name: &str) -> Result<()> {
    match casino_server::release(&args.store, name)? {
        ReleaseOutcome::Released => print(format!(
            "{name} is released: the next key used with it claims it\n"
        )),
        ReleaseOutcome::Unclaimed => bail!("{name} is not claimed"),
    }
}

/// Prints each mismatch and then the totals; fails if there is any mismatch.
fn check(args: &Args) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let mut written = Ok(());
    let report = |mismatch: Mismatch| {
        if written.is_ok() {
            // A corrupted ledger may contain control characters.
            written = writeln!(stdout, "{}", sanitize::sanitize(&mismatch.to_string()));
        }
    };
    let totals = casino_server::check(&args.store, report)?;
    drop(stdout);
    written.context(STDOUT_FAILED)?;
    for line in &totals.results {
        print(format!("{line}\n"))?;
    }
    print(format!("{totals}\n"))?;
    let AuditTotals { differences, .. } = totals;
    let found = pluralize(differences.cast_signed(), "difference");
    ensure!(differences == 0, "{found} in {}", args.store);
    Ok(())
}

fn accept_loss(args: &Args) -> Result<()> {
    let ledger = args
        .store
        .file()
        .ok_or_else(|| anyhow!("a ledger in PostgreSQL has no commit log"))?;
    let outcome = match casino_server::accept_loss(ledger)? {
        true => "can be opened again; the batches in the damaged part of its log are lost",
        false => "is not damaged; nothing was lost",
    };
    print(format!("{} {outcome}\n", args.store))
}

fn backup(args: &Args, file: &Path) -> Result<()> {
    let ledger = args.store.file().ok_or_else(|| {
        anyhow!("a ledger in PostgreSQL is copied by its own tools: pg_dump --schema=awesomestock")
    })?;
    casino_server::backup(ledger, file)?;
    print(format!("{} is copied to {}\n", args.store, file.display()))
}

/// Serves the casino, and the operator service on its address if one is given.
async fn run(
    args: &Args,
    payments_secret: Option<SharedSecret>,
    operator: Option<(&str, SharedSecret)>,
) -> Result<()> {
    let tls = args.server.certificate()?;
    let shutdown = server::shutdown_signal(tls.clone()).context("cannot install signal handlers")?;
    let allow_plaintext = args.server.allow_plaintext;
    let payments = args.payments_server.endpoint(payments_secret, allow_plaintext)?;
    let allow_remote = tls.is_some() || allow_plaintext;
    // Bound first, so that no ledger is created if the port is in use. It accepts connections only after `listen`.
    let port = server::bind(&args.listen, allow_remote).await?;
    let metrics = match &args.metrics {
        Some(address) => Some(metrics_listener(address).await?),
        None => None,
    };
    let operator = match operator {
        Some((address, secret)) => Some((server::bind(address, allow_remote).await?, secret)),
        None => None,
    };
    let casino = Casino::open(args.options(), payments).await?;
    let listener = port.listen()?;
    let address = listener.local_addr()?;
    if let Some(metrics) = metrics {
        tokio::spawn(casino.metrics().serve(metrics));
    }
    if let Some((port, secret)) = operator {
        let listener = port.listen()?;
        tracing::info!("serving the operator on {}", listener.local_addr()?);
        let serving =
            casino
                .operator(secret)
                .serve(server::incoming(listener), tls.clone(), shutdown.clone());
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the operator service failed");
            }
        });
    }
    print(format!("casino-server listening on {address}\n"))?;

    casino
        .serve_on(Workers::per_core(), listener, tls, shutdown)
        .await?;
    Ok(())
}

async fn metrics_listener(address: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot serve metrics on {address}"))?;
    tracing::info!("serving metrics at http://{}/metrics", listener.local_addr()?);
    Ok(listener)
}
