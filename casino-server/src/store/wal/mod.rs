//! Write-ahead log in front of the SQLite ledger.
//!
//! A database transaction touches a page per player; a log needs one write and one sync for any batch. So a batch
//! is committed to the log, and a thread applies many batches to the engine at once, together with the position
//! reached. After a crash the rest is applied at the next start. Readers see the log on top of the engine. The file
//! is `PATH-log`; after a clean stop it is not needed.

mod applier;
mod file;
mod frame;
mod free_space;
mod header;
mod overlay;
mod pending;
mod recovery;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rand::TryRng;
use rand::rngs::SysRng;

use self::applier::WalApplier;
use self::file::WalFile;
use self::frame::{FrameId, UnknownFormat};
use self::header::{FRAMES, WalHeader};
pub(crate) use self::overlay::OverlayReads;
use self::pending::{PendingBatch, PendingBatches};
use self::recovery::Loss;
use crate::config::environment::{Disk, Environment};
use crate::store::{Batch, CommitError, StartState, Store, StoreError, StoreReads, WalPosition, WalTarget};

/// Why a log cannot be used. The ledger is left unchanged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WalError {
    #[error("its log cannot be read and written")]
    Inaccessible(#[from] io::Error),
    /// Left by another version that was not stopped cleanly.
    #[error(transparent)]
    Format(#[from] UnknownFormat),
    /// Answered batches are missing.
    #[error("{0}; restore the log, or give these batches up by the command accept-loss")]
    Lost(Loss),
    #[error("cannot get a random number from the system")]
    Random(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("its log cannot be moved into it")]
    TakeOver(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Handling of answered batches that are missing in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    Refuse,
    /// Skips lost batches with a warning.
    Accept,
    /// Ignores lost batches: a server is writing to the log.
    Ignore,
}

/// A fully applied log, ready for writing.
#[derive(Debug)]
pub(crate) struct RecoveredWal {
    file: WalFile,
    position: WalPosition,
    environment: Environment,
    /// Answered batches were missing, which [`Damage::Accept`] allows.
    pub(crate) has_lost: bool,
}

/// The batches in the log that the engine has not applied.
#[derive(Debug)]
pub(crate) struct UnappliedBatches {
    /// In order.
    pub(crate) batches: Vec<Batch>,
    /// Answered batches are missing.
    has_lost: bool,
}

fn path_of(ledger: &Path) -> PathBuf {
    let mut path = ledger.to_owned().into_os_string();
    path.push("-log");
    PathBuf::from(path)
}

/// Applies what is left in the log to `target`, the engine of the ledger at `ledger`, and begins a new epoch.
///
/// A crash may happen between any two steps, so their order matters: the engine applies the rest and is marked
/// complete; the log's header gets the new epoch; the engine is marked open in that epoch.
pub(crate) fn recover(
    ledger: &Path,
    target: &mut impl WalTarget,
    environment: &Environment,
    damage: Damage,
) -> Result<RecoveredWal, WalError> {
    let path = path_of(ledger);
    let apply_failed = |error| WalError::TakeOver(Box::new(error));
    let applied = target
        .position()
        .map_err(|error| WalError::TakeOver(Box::new(error)))?;
    let UnappliedBatches { batches, has_lost } = uncheckpointed(ledger, applied, damage)?;
    let batches: Vec<_> = batches.into_iter().map(Arc::new).collect();
    let unapplied = u64::try_from(batches.len()).unwrap_or(u64::MAX);
    if unapplied > 0 {
        tracing::info!(
            batches = unapplied,
            "the ledger was not closed cleanly; recovering the rest from its log"
        );
    }
    let disk = &*environment.disk;
    let complete = WalPosition {
        batch: applied.batch.saturating_add(unapplied),
        offset: FRAMES,
        closed: Some(true),
        ..applied
    };
    if unapplied > 0 || applied.closed != Some(true) {
        apply_batches(target, &batches, complete, disk).map_err(apply_failed)?;
    }
    let mut file = WalFile::open(&path, environment)?;
    // Never 0, which means unopened.
    let epoch = SysRng
        .try_next_u64()
        .map_err(|error| WalError::Random(Box::new(error)))?
        | 1;
    file.write_header(WalHeader {
        epoch,
        first: complete.batch,
        length: file.length()?,
        closed: false,
    })?;
    let position = WalPosition {
        epoch,
        closed: Some(false),
        ..complete
    };
    apply_batches(target, &[], position, disk).map_err(apply_failed)?;
    target.checkpoint();
    Ok(RecoveredWal {
        file,
        position,
        environment: environment.clone(),
        has_lost,
    })
}

/// Applies `batches` in one transaction.
fn apply_batches(
    target: &mut dyn WalTarget,
    batches: &[Arc<Batch>],
    position: WalPosition,
    disk: &dyn Disk,
) -> Result<(), CommitError> {
    disk.before_commit().map_err(CommitError::rejected)?;
    target.apply(batches, position)?;
    disk.after_commit().map_err(CommitError::unknown)
}

/// Returns the batches in the log after `position`, in order, without changing anything. While a server is writing,
/// the newest ones may be missing.
pub(crate) fn uncheckpointed(
    ledger: &Path,
    position: WalPosition,
    damage: Damage,
) -> Result<UnappliedBatches, WalError> {
    let log = read(&path_of(ledger), position)?;
    let log = log.as_deref();
    let header = log.and_then(WalHeader::from_bytes);
    if damage != Damage::Ignore && header.is_some_and(|header| header.epoch != position.epoch) {
        tracing::warn!(
            "the commit log beside the ledger belongs to another ledger, or to another state of this one"
        );
    }
    let mut batches = recovery::after(log.unwrap_or_default(), position)?;
    let found = u64::try_from(batches.len()).unwrap_or(u64::MAX);
    let loss = recovery::loss(log, position, position.batch.saturating_add(found));
    let has_lost = loss.is_some();
    if let Some(Loss::Foreign { .. }) = loss {
        // The ledger is complete without this log.
        batches.clear();
    }
    match (loss, damage) {
        (Some(loss), Damage::Refuse) => return Err(WalError::Lost(loss)),
        (Some(loss), Damage::Accept) => tracing::warn!("{loss}"),
        (Some(_), Damage::Ignore) | (None, _) => {}
    }
    Ok(UnappliedBatches { batches, has_lost })
}

/// Reads the log, or only its header if both the log and the ledger were closed cleanly. Returns `None` without a
/// file.
fn read(path: &Path, position: WalPosition) -> io::Result<Option<Vec<u8>>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut log = Vec::new();
    file.by_ref().take(FRAMES).read_to_end(&mut log)?;
    let log_closed = WalHeader::from_bytes(&log).is_some_and(|header| header.closed);
    if !log_closed || position.closed != Some(true) {
        file.read_to_end(&mut log)?;
    }
    Ok(Some(log))
}

/// A store that commits to the log.
#[derive(Debug)]
pub(crate) struct WalStore {
    file: WalFile,
    pending: Arc<PendingBatches>,
    /// Position applied at the start.
    position: WalPosition,
    /// The last batch committed.
    last: u64,
    /// Reused buffer.
    frame: Vec<u8>,
    pub(crate) start: StartState,
    /// `None` when stopping.
    applier: Option<JoinHandle<Result<Box<dyn WalTarget>, StoreError>>>,
}

impl WalStore {
    /// Starts the applier thread of `target`; `reads` are the engine's readers.
    ///
    /// # Errors
    ///
    /// Fails if the stored state cannot be read, or the thread cannot be started.
    pub(crate) fn start<B, R>(
        recovered: RecoveredWal,
        mut target: B,
        reads: R,
    ) -> Result<(Self, OverlayReads<R>), StoreError>
    where
        B: WalTarget + 'static,
        R: StoreReads,
    {
        let RecoveredWal {
            file,
            position,
            environment: Environment { disk, log_bytes, .. },
            ..
        } = recovered;
        let pending = Arc::new(PendingBatches::new(log_bytes));
        let start = target.start_state()?;
        let applier = WalApplier {
            target: Box::new(target),
            pending: Arc::clone(&pending),
            disk,
            position,
        };
        let applier = thread::Builder::new()
            .name("applier".to_owned())
            .spawn(move || applier.run())
            .map_err(|error| StoreError::new("start the applier thread", error))?;
        let store = Self {
            file,
            pending: Arc::clone(&pending),
            position,
            last: position.batch,
            frame: Vec::new(),
            start,
            applier: Some(applier),
        };
        Ok((store, OverlayReads::new(pending, reads)))
    }

    /// Applies everything and closes the engine.
    fn end(&mut self) -> Result<(), StoreError> {
        self.pending.close();
        match self.applier.take().map(JoinHandle::join) {
            Some(Ok(result)) => {
                let target = result?;
                // The ledger is already marked complete. This only allows another ledger to be put beside the log. The
                // engine still holds the lock: the next casino writes its own header.
                let _ = self.file.write_header(WalHeader {
                    epoch: self.position.epoch,
                    first: self.position.batch,
                    length: self.file.length().unwrap_or(0),
                    closed: true,
                });
                target.close()
            }
            Some(Err(_)) => Err(StoreError::new("close the ledger", "the applier thread panicked")),
            None => Ok(()),
        }
    }
}

impl Store for WalStore {
    fn take_start(&mut self) -> StartState {
        mem::take(&mut self.start)
    }

    fn commit(&mut self, batch: &Arc<Batch>) -> Result<(), CommitError> {
        let number = self.last.saturating_add(1);
        let id = FrameId {
            epoch: self.position.epoch,
            batch: number,
        };
        frame::write(id, batch, &mut self.frame).map_err(CommitError::rejected)?;
        self.file.disk.before_write().map_err(CommitError::rejected)?;
        let length = u64::try_from(self.frame.len()).unwrap_or(u64::MAX);
        let frame = self.pending.reserve(length)?;
        // Part of it may be on disk, and a later successful sync proves nothing.
        let written = self.file.write(frame.start, &self.frame);
        written.map_err(CommitError::unknown)?;
        self.last = number;
        let batch = Arc::clone(batch);
        self.pending.push(PendingBatch { number, frame, batch });
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<(), StoreError> {
        self.end()
    }
}

impl Drop for WalStore {
    /// Errors are ignored: the log holds everything not applied.
    fn drop(&mut self) {
        let _ = self.end();
    }
}
