//! A file as it is at one moment, beside its writer: one transaction that reads, and the commit log on top of it.
//!
//! What was answered before the snapshot was taken is in it, whether or not a casino plays on.

use std::{path::Path, sync::Arc, time::Duration};

use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::{
    migrations::newest,
    open::{FileError, check, connect, failed},
    writes,
};
use crate::{
    history::RETENTION,
    store::{Batch, LogError, Mark, StoreError, left_behind},
};

/// Pages copied at once.
const PAGES: i32 = 1024;

/// How long whoever plays is let to the disk in between.
const PAUSE: Duration = Duration::from_millis(1);

/// How far the epochs of a copy are ahead of those of its original, so that no log of the one counts for the other.
const EPOCHS_AHEAD: u64 = 1 << 32;

/// Why there is no snapshot, or no copy of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// An earlier version wrote it, and only a casino brings it to this one.
    #[error(
        "it has format version {found}: a casino that is started on it brings it to version {}",
        newest()
    )]
    Older {
        /// Its version.
        found: usize,
    },
    /// Its commit log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Something in it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A ledger at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Reads nothing but the state of that moment.
    pub(super) connection: Connection,
    /// Up to where the file itself goes.
    mark: Mark,
    /// What is in the commit log beyond that, in order.
    pub(super) batches: Vec<Batch>,
}

impl Snapshot {
    /// The ledger at `path` as it is now. Nothing of it is changed, and nothing made.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`].
    pub(crate) fn of(path: &Path) -> Result<Self, SnapshotError> {
        // Two names of one file have one log.
        let path = path.canonicalize().map_err(FileError::Inaccessible)?;
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection
            .execute_batch("BEGIN")
            .map_err(failed("begin to read"))?;
        let found = check(&connection)?;
        if found < newest() {
            return Err(SnapshotError::Older { found });
        }
        // After the first statement, which is what the transaction sees; what is taken over later is in both.
        let mark = writes::mark(&connection)?;
        let batches = left_behind(&path, mark)?;
        Ok(Self {
            connection,
            mark,
            batches,
        })
    }

    /// Writes it into a new file at `path`: one file that is a ledger by itself.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]; what was made at `path` is then of no use.
    pub(crate) fn copy_to(self, path: &Path) -> Result<(), SnapshotError> {
        let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut copy = connect(path, access)?;
        let failed = |error| StoreError::new("copy the ledger", error);
        // Of one moment, all of them: the transaction that reads is open.
        Backup::new(&self.connection, &mut copy)
            .and_then(|backup| backup.run_to_completion(PAGES, PAUSE, None))
            .map_err(failed)?;
        copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
            .map_err(failed)?;
        copy.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        let mark = Mark {
            epoch: self.mark.epoch.saturating_add(EPOCHS_AHEAD),
            batch: self
                .mark
                .batch
                .saturating_add(u64::try_from(self.batches.len()).unwrap_or(u64::MAX)),
            position: 0,
        };
        let batches: Vec<_> = self.batches.into_iter().map(Arc::new).collect();
        let written = writes::write(&mut copy, (&batches, mark), RETENTION, &mut Vec::new());
        written.map_err(|(_, error)| failed(error))?;
        copy.flush_prepared_statement_cache();
        copy.close().map_err(|(_, error)| failed(error))?;
        Ok(())
    }
}
