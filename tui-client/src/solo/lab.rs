//! The servers of the lab: those of a solo game, with faults that the player injects. The ledger is in a temporary folder,
//! so that faults cannot reach a real ledger and each lab starts empty; it is removed at the end.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, process};

use anyhow::{Context, Result};
use awesomestock_proto::transport::{self, PipeIncoming};
use casino_server::{Casino, Disk, Environment, Options};
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::link::{Link, until};
use super::{LEDGER_FILE, Servers, SoloOptions, options_of};
use crate::app::commands::lab::Faults;
use crate::storage::leftovers::remove_leftovers;

/// Begins the name of the temporary folder; the process ID follows.
const FOLDER_PREFIX: &str = "awesomestock-lab-";

/// Length of the commit log: minutes of play.
const LOG_BYTES: u64 = 256 * 1024;

/// Buffer of a connection in each direction.
const PIPE_BYTES: usize = 64 * 1024;

/// Pause before a casino that cannot be opened is opened again.
const REOPEN_AFTER: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Delay of each byte on a slow connection.
    pub delay: Duration,
    /// Time for which a cut network or a killed casino is gone.
    pub outage: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(2),
            outage: Duration::from_secs(3),
        }
    }
}

/// Starts the servers on a new ledger, without waiting for it. Calls wait until it is open. Returns the faults to
/// inject, none at first. Fails if the temporary folder cannot be created.
pub fn start(solo: SoloOptions, timing: Timing) -> Result<(Channel, Servers, watch::Sender<Faults>)> {
    remove_leftovers(&env::temp_dir(), FOLDER_PREFIX);
    let prefix = format!("{FOLDER_PREFIX}{}-", process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir();
    let folder = folder.context("cannot create a temporary folder for the lab")?;
    let (to_payments, payments_incoming) = transport::pipe();
    let (to_casino, casino_incoming) = transport::pipe();
    let (sender, faults) = watch::channel(Faults::default());
    let shutdown = CancellationToken::new();
    let casino = LabCasino {
        options: options_of(solo, folder.path().join(LEDGER_FILE)),
        to_payments: to_payments.clone(),
        incoming: casino_incoming,
        link: Link {
            faults: faults.clone(),
            delay: timing.delay,
            losses: Arc::default(),
            cut_at: Arc::default(),
        },
        outage: timing.outage,
        shutdown: shutdown.clone(),
        _folder: folder,
    };
    let mut running = JoinSet::new();
    running.spawn(casino.run());
    running.spawn(run_payments(payments_incoming, faults, shutdown.clone()));
    let servers = Servers {
        running,
        shutdown,
        _to_payments: to_payments,
    };
    Ok((to_casino, servers, sender))
}

/// A casino that dies and is opened again on the same ledger.
struct LabCasino {
    options: Options,
    to_payments: Channel,
    incoming: PipeIncoming,
    link: Link,
    outage: Duration,
    shutdown: CancellationToken,
    /// Removed with the casino.
    _folder: TempDir,
}

impl LabCasino {
    async fn run(mut self) -> Result<()> {
        let mut opened = self.open().await.context("cannot open the ledger of the lab")?;
        loop {
            let (casino, disk) = opened;
            let kills = self.link.faults.borrow().kills;
            let (link, outage) = (self.link.clone(), self.outage);
            let connections = (&mut self.incoming).map(move |client| Ok(connect(&link, outage, client?)));
            let killed = async {
                until(&mut self.link.faults, |faults| faults.kills != kills).await;
                // Before the casino is dropped: what it does then is lost, as in a crash.
                disk.is_dead.store(true, Ordering::SeqCst);
            };
            tokio::select! {
                served = Box::pin(casino.serve(connections, self.shutdown.clone())) => {
                    return served.context("the casino of the lab failed");
                }
                () = killed => {}
            }
            let mut pause = self.outage;
            opened = loop {
                if !refuse(&mut self.incoming, tokio::time::sleep(pause), &self.shutdown).await {
                    return Ok(());
                }
                match self.open().await {
                    Ok(opened) => break opened,
                    // The dead one still holds the ledger, or the disk is full.
                    Err(error) => tracing::debug!(%error, "cannot open the ledger of the lab yet"),
                }
                pause = REOPEN_AFTER;
            };
        }
    }

    async fn open(&self) -> Result<(Casino, Arc<LabDisk>), casino_server::OpenError> {
        let disk = Arc::new(LabDisk {
            faults: self.link.faults.clone(),
            is_dead: AtomicBool::new(false),
        });
        let environment = Environment {
            disk: Arc::<LabDisk>::clone(&disk),
            log_bytes: LOG_BYTES,
            ..Environment::default()
        };
        let casino = Casino::open_with(environment, self.options.clone(), self.to_payments.clone()).await?;
        Ok((casino, disk))
    }
}

/// Connects `client` to the casino by a link, and returns the casino's end. During the `outage` after a cut, both ends are
/// closed.
fn connect(link: &Link, outage: Duration, client: DuplexStream) -> DuplexStream {
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    if link.since_cut().is_none_or(|since| since >= outage) {
        // Ends with either end.
        tokio::spawn(link.clone().carry(client, near));
    }
    far
}

/// Closes every connection until `end`. Returns false at the shutdown.
async fn refuse(
    incoming: &mut PipeIncoming,
    end: impl Future<Output = ()>,
    shutdown: &CancellationToken,
) -> bool {
    let close_all = async { while incoming.next().await.is_some() {} };
    let stop = async { tokio::join!(close_all, shutdown.cancelled()) };
    tokio::select! {
        () = end => true,
        _ = stop => false,
    }
}

/// Serves statements, except while the payments server is down.
async fn run_payments(
    mut incoming: PipeIncoming,
    mut faults: watch::Receiver<Faults>,
    shutdown: CancellationToken,
) -> Result<()> {
    loop {
        let options = payments_server::Options::default();
        tokio::select! {
            served = payments_server::serve(options, &mut incoming, shutdown.clone()) => {
                return served.context("the payments server of the lab failed");
            }
            () = until(&mut faults, |faults| faults.payments_down) => {}
        }
        let started = until(&mut faults, |faults| !faults.payments_down);
        if !refuse(&mut incoming, started, &shutdown).await {
            return Ok(());
        }
    }
}

/// The disk of one run of the casino.
#[derive(Debug)]
struct LabDisk {
    faults: watch::Receiver<Faults>,
    /// The casino was killed: nothing reaches the disk any more.
    is_dead: AtomicBool,
}

impl LabDisk {
    fn check_alive(&self) -> io::Result<()> {
        match self.is_dead.load(Ordering::SeqCst) {
            true => Err(io::Error::other("the casino was killed")),
            false => Ok(()),
        }
    }
}

impl Disk for LabDisk {
    fn before_write(&self) -> io::Result<()> {
        match self.faults.borrow().disk_full {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }

    fn write(&self, log: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.check_alive()?;
        log.write_all(bytes)
    }

    fn sync(&self, log: &File) -> io::Result<()> {
        self.check_alive()?;
        log.sync_data()
    }

    fn before_commit(&self) -> io::Result<()> {
        self.check_alive()?;
        self.before_write()
    }
}
