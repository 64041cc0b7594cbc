//! The commit log: what makes a batch durable, ahead of the engine that keeps the ledger.
//!
//! To write a batch into a database touches a page a player; to write it into a log is one write and one sync, however
//! many players traded. So a batch is committed to the log, and a thread has the engine take over many of them at once.
//! The engine says in the same transaction up to where, and what lies after that is taken over at the next opening.
//! Readers see what is in the log on top of what is in the engine, so that nobody can tell the two apart.
//!
//! Owns the file `PATH-log` beside the ledger, its format, and the order of the two. After a clean stop the engine has
//! everything, and the log may be thrown away. It knows nothing of what is in a batch.

mod backlog;
mod file;
mod filler;
mod frame;
mod layered;
mod ring;

#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
};

pub(crate) use self::layered::Layered;
use self::{
    backlog::{Backlog, Waiting},
    file::LogFile,
    filler::Filler,
    frame::{OtherFormat, Stamp},
};
use crate::{
    store::{Backing, Batch, CommitError, Mark, Numbers, Reads, Store, StoreError},
    surroundings::{Disk, Surroundings},
};

/// Why a ledger's log cannot be used. The ledger is as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// The system does not let it be made, read or written.
    #[error("its log cannot be read and written")]
    Inaccessible(#[from] io::Error),
    /// It was written by another version of this program, which did not close it in order.
    #[error(transparent)]
    Format(#[from] OtherFormat),
    /// The engine did not take over what is in it.
    #[error("its log cannot be moved into it")]
    TakeOver(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A log of which everything has been taken over, and which can be written.
#[derive(Debug)]
pub(crate) struct Recovered {
    file: LogFile,
    mark: Mark,
    surroundings: Surroundings,
}

/// The log beside the ledger at `ledger`.
fn path_of(ledger: &Path) -> PathBuf {
    let mut path = ledger.to_owned().into_os_string();
    path.push("-log");
    PathBuf::from(path)
}

/// Has `backing`, the engine of the ledger at `ledger`, take over what is left in the log, and begins a new epoch of it.
///
/// # Errors
///
/// [`LogError`]; nothing of the log is lost.
pub(crate) fn recover(
    ledger: &Path,
    backing: &mut impl Backing,
    surroundings: &Surroundings,
) -> Result<Recovered, LogError> {
    let mut file = LogFile::open(&path_of(ledger), surroundings)?;
    let old = backing
        .mark()
        .map_err(|error| LogError::TakeOver(Box::new(error)))?;
    let batches: Vec<_> = file.after(old)?.into_iter().map(Arc::new).collect();
    let left = u64::try_from(batches.len()).unwrap_or(u64::MAX);
    if left > 0 {
        tracing::info!(
            batches = left,
            "the ledger was not closed in order; its log has what is missing"
        );
    }
    let mark = Mark {
        epoch: old.epoch.saturating_add(1),
        batch: old.batch.saturating_add(left),
        position: 0,
    };
    let taken_over = take_over(backing, (&batches, mark), &*surroundings.disk);
    taken_over.map_err(|error| LogError::TakeOver(Box::new(error)))?;
    Ok(Recovered {
        file,
        mark,
        surroundings: surroundings.clone(),
    })
}

/// Has `backing` take over `batches` in one transaction, if `disk` lets it.
fn take_over(
    backing: &mut impl Backing,
    (batches, mark): (&[Arc<Batch>], Mark),
    disk: &dyn Disk,
) -> Result<(), CommitError> {
    let failed = |error: io::Error| StoreError::new("write the ledger", error);
    disk.before_transaction()
        .map_err(|error| CommitError::NotWritten(failed(error)))?;
    backing.take_over(batches, mark)?;
    disk.after_transaction()
        .map_err(|error| CommitError::Unknown(failed(error)))
}

/// What the log beside the ledger at `ledger` holds beyond `mark`, in order. Nothing is made or changed, and a casino may
/// go on writing: then it is what was there when it was looked at, up to some batch.
///
/// # Errors
///
/// [`LogError`].
pub(crate) fn left_behind(ledger: &Path, mark: Mark) -> Result<Vec<Batch>, LogError> {
    match LogFile::look(&path_of(ledger)) {
        Ok(mut file) => file.after(mark),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// A store that commits to a log, and has an engine take it over.
#[derive(Debug)]
pub(crate) struct Logged {
    file: LogFile,
    backlog: Arc<Backlog>,
    epoch: u64,
    /// The batch committed last.
    last: u64,
    /// The frame being written, kept for its memory.
    frame: Vec<u8>,
    numbers: Numbers,
    /// `None` once it is being ended.
    filler: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Logged {
    /// Starts the filler of `backing`, whose log was `recovered`; `reads` are the engine's own readers.
    ///
    /// # Errors
    ///
    /// When the engine does not know what it has given out, or the system gives no thread.
    pub(crate) fn start<B, R>(
        recovered: Recovered,
        mut backing: B,
        reads: R,
    ) -> Result<(Self, Layered<R>), StoreError>
    where
        B: Backing + 'static,
        R: Reads,
    {
        let Recovered {
            file,
            mark,
            surroundings: Surroundings { disk, log_bytes, .. },
        } = recovered;
        let backlog = Arc::new(Backlog::new(log_bytes));
        let numbers = backing.numbers()?;
        let filler = Filler::new(Box::new(backing), Arc::clone(&backlog), disk, mark.epoch);
        let filler = thread::Builder::new()
            .name("filler".to_owned())
            .spawn(move || filler.run())
            .map_err(|error| StoreError::new("start the thread that fills it", error))?;
        let logged = Self {
            file,
            backlog: Arc::clone(&backlog),
            epoch: mark.epoch,
            last: mark.batch,
            frame: Vec::new(),
            numbers,
            filler: Some(filler),
        };
        Ok((logged, Layered::new(backlog, reads)))
    }

    /// Has everything taken over, and the engine closed.
    fn end(&mut self) -> Result<(), StoreError> {
        self.backlog.close();
        match self.filler.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(StoreError::new(
                "close the ledger",
                "its thread ended by a fault of its own",
            )),
            None => Ok(()),
        }
    }
}

impl Store for Logged {
    fn numbers(&mut self) -> Result<Numbers, StoreError> {
        Ok(self.numbers)
    }

    fn commit(&mut self, batch: &Arc<Batch>) -> Result<(), CommitError> {
        let failed =
            |error: Box<dyn std::error::Error + Send + Sync>| StoreError::new("write the ledger", error);
        let number = self.last.saturating_add(1);
        let stamp = Stamp {
            epoch: self.epoch,
            batch: number,
        };
        frame::write(stamp, batch, &mut self.frame)
            .map_err(|error| CommitError::NotWritten(failed(Box::new(error))))?;
        let place = self
            .backlog
            .place(u64::try_from(self.frame.len()).unwrap_or(u64::MAX))?;
        // Part of it may be on disk, and a sync that failed once proves nothing by succeeding later.
        self.file
            .write(place.start, &self.frame)
            .map_err(|error| CommitError::Unknown(failed(Box::new(error))))?;
        self.last = number;
        let batch = Arc::clone(batch);
        self.backlog.push(Waiting { number, place, batch });
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<(), StoreError> {
        self.end()
    }
}

impl Drop for Logged {
    /// Without a word: whatever was not taken over is in the log.
    fn drop(&mut self) {
        let _ = self.end();
    }
}
