//! A solo game: both servers inside the process, joined by pipes in memory. No port is opened.
//!
//! Owns the servers' lives, from the opened ledger to its closing. The one file that names the two servers; the game
//! speaks to them over the contract like to any other.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use awesomestock_proto::transport::{self, PipeIncoming};
use casino_server::{Casino, OpenError, Options};
use color_eyre::eyre::{Report, Result, WrapErr, eyre};
use payments_server::Limits;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::config::SoloRules;

/// The ledger's file in the data folder.
const LEDGER_FILE: &str = "solo.db";

/// How long the servers may take to end: more than their own deadlines, for open calls and for the closing of the ledger,
/// come to.
const CLOSE_DEADLINE: Duration = Duration::from_secs(20);

/// The two servers of a solo game, running.
#[derive(Debug)]
pub struct Servers {
    running: JoinSet<Result<()>>,
    shutdown: CancellationToken,
    /// Kept, as without anybody who could call it the payments server ends: not before the casino has said why it did.
    _to_payments: Channel,
}

/// Whether a solo game has been played with this data folder.
#[must_use]
pub fn has_ledger(data_dir: &Path) -> bool {
    data_dir.join(LEDGER_FILE).exists()
}

/// Opens the ledger in `data_dir` and starts the servers. The channel leads to the casino.
///
/// # Errors
///
/// When the folder cannot be made, or the ledger cannot be opened: because another solo game has it open, for one.
pub async fn open(rules: SoloRules, data_dir: &Path) -> Result<(Channel, Servers)> {
    let (to_payments, payments_incoming) = transport::pipe();
    let (to_casino, casino_incoming) = transport::pipe();
    let casino = open_casino(rules, data_dir.to_owned(), to_payments.clone()).await?;
    let payments = (to_payments, payments_incoming);
    let servers = Servers::start(async { Ok(casino) }, casino_incoming, payments);
    Ok((to_casino, servers))
}

/// As [`open`], but does not wait for the ledger: what is asked of the casino waits until it is open. That it cannot be
/// opened is a failure of the servers.
#[must_use]
pub fn start(rules: SoloRules, data_dir: &Path) -> (Channel, Servers) {
    let (to_payments, payments_incoming) = transport::pipe();
    let (to_casino, casino_incoming) = transport::pipe();
    let opening = open_casino(rules, data_dir.to_owned(), to_payments.clone());
    let payments = (to_payments, payments_incoming);
    (to_casino, Servers::start(opening, casino_incoming, payments))
}

async fn open_casino(rules: SoloRules, data_dir: PathBuf, to_payments: Channel) -> Result<Casino> {
    std::fs::create_dir_all(&data_dir)
        .wrap_err_with(|| format!("cannot make the data folder {}", data_dir.display()))?;
    let options = Options {
        tick: rules.tick,
        initial_price: rules.initial_price,
        seed: rules.seed,
        house: rules.house,
        ..Options::new(data_dir.join(LEDGER_FILE))
    };
    Casino::open(options, to_payments).await.map_err(not_opened)
}

impl Servers {
    /// Starts both servers, the casino as soon as it is open.
    fn start(
        opening: impl Future<Output = Result<Casino>> + Send + 'static,
        casino_incoming: PipeIncoming,
        (to_payments, payments_incoming): (Channel, PipeIncoming),
    ) -> Self {
        let shutdown = CancellationToken::new();
        let mut running = JoinSet::new();
        let token = shutdown.clone();
        running.spawn(async move {
            let served = Box::pin(opening.await?.serve(casino_incoming, token)).await;
            served.wrap_err("the casino of this game failed")
        });
        let token = shutdown.clone();
        running.spawn(async move {
            let served = payments_server::serve(Limits::default(), payments_incoming, token).await;
            served.wrap_err("the payments server of this game failed")
        });
        Self {
            running,
            shutdown,
            _to_payments: to_payments,
        }
    }

    /// Completes when a server ends before it was told to, with the reason.
    pub async fn failed(&mut self) -> Report {
        let ended = self.running.join_next().await;
        match ended.map_or(Ok(()), outcome) {
            Ok(()) => eyre!("the servers of this game have stopped"),
            Err(report) => report,
        }
    }

    /// Ends both servers in order; when it returns, the ledger is closed.
    ///
    /// # Errors
    ///
    /// When a server fails, or does not end in time.
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
                Err(eyre!(
                    "the servers of this game did not end in {CLOSE_DEADLINE:?}"
                ))
            })
    }
}

fn outcome(ended: Result<Result<()>, JoinError>) -> Result<()> {
    ended.wrap_err("a server of this game broke down")?
}

fn not_opened(error: OpenError) -> Report {
    let in_use = matches!(error, OpenError::InUse { .. });
    let report = Report::new(error);
    if in_use {
        report.wrap_err("another solo game is open: end it first, or play elsewhere with --data-dir DIR")
    } else {
        report.wrap_err("cannot open the ledger of the solo game")
    }
}
