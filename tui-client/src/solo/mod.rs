//! A solo game: both servers run inside the process, connected by in-memory pipes. The client uses the same
//! protocol as for a remote server.

pub mod challenge;
pub mod lab;
mod link;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use awesomestock_proto::transport::{self, PipeIncoming};
use casino_server::{Casino, OpenError, Options, PriceModel};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

const LEDGER_FILE: &str = "solo.db";

/// Longest wait for the servers to stop: more than the sum of their own deadlines.
const CLOSE_DEADLINE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoloOptions {
    /// Time between two prices.
    pub tick: Duration,
    /// First price of a new market; by default that of the price model.
    pub initial_price: Option<i32>,
    /// Seed of the market; by default the ledger's, or a random one for a new ledger.
    pub seed: Option<u64>,
    /// How the price moves; by default as in the ledger, `classic` for a new ledger.
    pub market: Option<PriceModel>,
    /// Number of bots, at most [`casino_server::BOTS_MAX`].
    pub house: u8,
}

/// The running servers of a solo game.
#[derive(Debug)]
pub struct Servers {
    running: JoinSet<Result<()>>,
    shutdown: CancellationToken,
    /// Keeps the payments server running until the casino has stopped, as it ends when its last client is
    /// dropped.
    _to_payments: Channel,
}

pub fn has_ledger(data_dir: &Path) -> bool {
    data_dir.join(LEDGER_FILE).exists()
}

/// Opens the ledger in `data_dir` and starts the servers. Returns a channel to the casino. Fails if the folder cannot
/// be created, or the ledger cannot be opened, for example because another game uses it.
pub async fn open(solo: SoloOptions, data_dir: &Path) -> Result<(Channel, Servers)> {
    let (to_payments, payments_incoming) = transport::pipe();
    let casino = open_casino(solo, data_dir.to_owned(), to_payments.clone()).await?;
    Ok(Servers::start(
        async { Ok(casino) },
        to_payments,
        payments_incoming,
    ))
}

/// Starts the servers like [`open`], without waiting for the ledger. Calls wait until it is open; if opening
/// fails, [`Servers::failed`] completes.
pub fn start(solo: SoloOptions, data_dir: &Path) -> (Channel, Servers) {
    let (to_payments, payments_incoming) = transport::pipe();
    let opening = open_casino(solo, data_dir.to_owned(), to_payments.clone());
    Servers::start(opening, to_payments, payments_incoming)
}

async fn open_casino(solo: SoloOptions, data_dir: PathBuf, to_payments: Channel) -> Result<Casino> {
    std::fs::create_dir_all(&data_dir)
        .with_context(|| format!("cannot create the data folder {}", data_dir.display()))?;
    let options = options_of(solo, data_dir.join(LEDGER_FILE));
    Casino::open(options, to_payments).await.map_err(open_error)
}

fn options_of(solo: SoloOptions, ledger: PathBuf) -> Options {
    Options {
        tick: solo.tick,
        initial_price: solo.initial_price,
        seed: solo.seed,
        model: solo.market,
        bots: solo.house,
        ..Options::new(ledger)
    }
}

impl Servers {
    /// Starts both servers, the casino as soon as it is open, and returns a channel to it.
    fn start(
        opening: impl Future<Output = Result<Casino>> + Send + 'static,
        to_payments: Channel,
        payments_incoming: PipeIncoming,
    ) -> (Channel, Self) {
        let (to_casino, casino_incoming) = transport::pipe();
        let shutdown = CancellationToken::new();
        let mut running = JoinSet::new();
        let token = shutdown.clone();
        running.spawn(async move {
            let served = Box::pin(opening.await?.serve(casino_incoming, token)).await;
            served.context("the casino of this game failed")
        });
        let token = shutdown.clone();
        running.spawn(async move {
            let options = payments_server::Options::default();
            let served = payments_server::serve(options, payments_incoming, token).await;
            served.context("the payments server of this game failed")
        });
        let servers = Self {
            running,
            shutdown,
            _to_payments: to_payments,
        };
        (to_casino, servers)
    }

    /// Completes with the reason when a server ends unexpectedly.
    pub async fn failed(&mut self) -> anyhow::Error {
        let ended = self.running.join_next().await;
        match ended.map_or(Ok(()), outcome) {
            Ok(()) => anyhow!("the servers of this game have stopped"),
            Err(report) => report,
        }
    }

    /// Stops both servers and closes the ledger. Fails if a server fails, or does not stop in time.
    pub async fn close(mut self) -> Result<()> {
        self.shutdown.cancel();
        let all_ended = async {
            while let Some(ended) = self.running.join_next().await {
                outcome(ended)?;
            }
            Ok(())
        };
        tokio::time::timeout(CLOSE_DEADLINE, all_ended)
            .await
            .unwrap_or_else(|_| {
                Err(anyhow!(
                    "the servers of this game did not stop within {CLOSE_DEADLINE:?}"
                ))
            })
    }
}

fn outcome(ended: Result<Result<()>, JoinError>) -> Result<()> {
    ended.context("a server of this game panicked")?
}

/// Opens a ledger whose commit log is damaged, without the lost data, and closes it, so that a game can open it. Fails
/// if there is no ledger, it is in use, or it cannot be opened or written.
pub fn accept_loss(data_dir: &Path) -> Result<()> {
    casino_server::accept_loss(&data_dir.join(LEDGER_FILE))
        .context("cannot open the ledger of the solo game")?;
    Ok(())
}

fn open_error(error: OpenError) -> anyhow::Error {
    let in_use = matches!(error, OpenError::InUse(_));
    let report = anyhow::Error::new(error);
    if in_use {
        report.context("another solo game is open: close it, or choose another folder with --data-dir DIR")
    } else {
        report.context("cannot open the ledger of the solo game")
    }
}
