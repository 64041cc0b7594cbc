//! A consistent view of a ledger file and its log, while a server may be writing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::schema::newest;
use super::write;
use crate::domain::candles::RETENTION;
use crate::store::sqlite::{FileError, check_format, connect, failed, try_idle};
use crate::store::{Batch, Damage, StoreError, WalError, WalPosition, uncheckpointed};

/// Pages copied at once.
const PAGES: i32 = 1024;

/// Pause between copies, for the server's own writes.
const PAUSE: Duration = Duration::from_millis(1);

#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "it has format version {found}: a casino that is started on it brings it to version {}",
        newest()
    )]
    Older { found: usize },
    #[error(transparent)]
    Log(#[from] WalError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug)]
pub(crate) struct Snapshot {
    /// In one read transaction.
    pub(super) connection: Connection,
    /// Position applied to the file.
    position: WalPosition,
    /// Batches in the log after that position, in order.
    pub(super) batches: Vec<Batch>,
}

impl Snapshot {
    /// Opens a snapshot of the ledger at `path`. Changes and creates nothing.
    pub(crate) fn open(path: &Path) -> Result<Self, SnapshotError> {
        // Two paths of one file share a log.
        let path = path.canonicalize().map_err(FileError::Inaccessible)?;
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection
            .execute_batch("BEGIN")
            .map_err(failed("begin to read"))?;
        let found = check_format(&connection)?;
        if found < newest() {
            return Err(SnapshotError::Older { found });
        }
        // Read after the transaction's first statement: batches applied later are in both.
        let position = write::position(&connection)?;
        let idle = try_idle(&path);
        let damage = match idle {
            Some(_) => Damage::Refuse,
            None => Damage::Ignore,
        };
        let batches = uncheckpointed(&path, position, damage)?.batches;
        drop(idle);
        Ok(Self {
            connection,
            position,
            batches,
        })
    }

    /// Writes the snapshot into a new file at `path`. On errors that file is unusable.
    pub(crate) fn backup_to(self, path: &Path) -> Result<(), SnapshotError> {
        let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut copy = connect(path, access)?;
        let failed = |error| StoreError::new("copy the ledger", error);
        // The open transaction keeps the copy consistent.
        Backup::new(&self.connection, &mut copy)
            .and_then(|backup| backup.run_to_completion(PAGES, PAUSE, None))
            .map_err(failed)?;
        copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
            .map_err(failed)?;
        copy.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        let position = WalPosition {
            // Not opened yet.
            epoch: 0,
            batch: self
                .position
                .batch
                .saturating_add(u64::try_from(self.batches.len()).unwrap_or(u64::MAX)),
            offset: 0,
            closed: Some(true),
        };
        let batches: Vec<_> = self.batches.into_iter().map(Arc::new).collect();
        let written = write::apply(&mut copy, &batches, position, RETENTION);
        written.map_err(|(_, error)| failed(error))?;
        copy.flush_prepared_statement_cache();
        copy.close().map_err(|(_, error)| failed(error))?;
        Ok(())
    }
}
