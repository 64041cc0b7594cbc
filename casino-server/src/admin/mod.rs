//! Maintenance of a ledger: check, backup, release of names, and repair of a damaged commit log.
//!
//! Check and backup read a snapshot, which contains all answered actions, so the casino can keep running.

pub(crate) mod release;

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use awesomestock_proto::player::InvalidName;
use awesomestock_proto::resources;
use tokio::runtime::Runtime;

use crate::config::store_url::StoreUrl;
use crate::domain::audit::{AuditTotals, Mismatch};
use crate::server::OpenError;
use crate::store;
use crate::store::sqlite::Snapshot;

type Cause = Box<dyn Error + Send + Sync>;

/// Why a maintenance task failed. The ledger is unchanged, except after [`Write`](Self::Write).
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The ledger is missing, unreadable, not a casino's, or of another version.
    #[error("the ledger {0} cannot be read")]
    Read(StoreUrl, #[source] Cause),
    /// The ledger cannot be written.
    #[error("the ledger {0} cannot be written")]
    Write(StoreUrl, #[source] Cause),
    /// The ledger cannot be opened; it is in use while its casino runs.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The ledger does not exist.
    #[error("there is no ledger {}", .0.display())]
    NoLedger(PathBuf),
    /// The runtime for database connections cannot be created.
    #[error("cannot create the runtime for database connections")]
    Runtime(#[source] io::Error),
    /// The player name is invalid.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The target of a backup exists. It is unchanged.
    #[error("{} exists, and a backup never overwrites a file: choose another name", .0.display())]
    Exists(PathBuf),
    /// The backup could not be written and was removed.
    #[error("the backup {} cannot be written", .0.display())]
    Backup(PathBuf, #[source] Cause),
}

/// Recomputes every account of the ledger at `store` from its entries and passes each mismatch to `report`. Fails only if
/// the ledger cannot be read completely. Blocks the thread.
pub fn check(store: &StoreUrl, report: impl FnMut(Mismatch)) -> Result<AuditTotals, AdminError> {
    match store {
        StoreUrl::Sqlite(path) => {
            let snapshot = Snapshot::open(path).map_err(|error| unreadable(store, error))?;
            snapshot.check(report).map_err(|error| unreadable(store, error))
        }
        StoreUrl::Postgres(database) => runtime()?
            .block_on(store::check_database(database, report))
            .map_err(|error| unreadable(store, error)),
    }
}

/// Creates a runtime for connections to a database.
fn runtime() -> Result<Runtime, AdminError> {
    resources::runtime().map_err(AdminError::Runtime)
}

fn unreadable(store: &StoreUrl, error: impl Error + Send + Sync + 'static) -> AdminError {
    AdminError::Read(store.clone(), Box::new(error))
}

/// Copies the SQLite ledger at `store` to the new file `copy`. Fails if `copy` exists.
///
/// The copy is written to `copy` + `.part` and renamed when it is complete and durable.
pub fn backup(store: &Path, copy: &Path) -> Result<(), AdminError> {
    let exists = || AdminError::Exists(copy.to_owned());
    if copy.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let snapshot =
        Snapshot::open(store).map_err(|error| unreadable(&StoreUrl::Sqlite(store.to_owned()), error))?;
    let failed = |cause| AdminError::Backup(copy.to_owned(), cause);
    let temp = TempFile::new(copy).map_err(|error| failed(Box::new(error)))?;
    snapshot
        .backup_to(&temp.0)
        .map_err(|error| failed(Box::new(error)))?;
    match temp.persist(copy) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists()),
        Err(error) => Err(failed(Box::new(error))),
    }
}

/// A temporary file, removed on drop.
struct TempFile(PathBuf);

impl TempFile {
    fn new(copy: &Path) -> io::Result<Self> {
        let temp = Self(copy.with_added_extension("part"));
        // A killed backup may have left one.
        let _ = fs::remove_file(&temp.0);
        OpenOptions::new().create_new(true).write(true).open(&temp.0)?;
        Ok(temp)
    }

    /// Syncs the file and renames it to `copy`, which must not exist.
    fn persist(self, copy: &Path) -> io::Result<()> {
        File::open(&self.0)?.sync_all()?;
        // `rename` would overwrite a file that was created meanwhile.
        OpenOptions::new().create_new(true).write(true).open(copy)?;
        fs::rename(&self.0, copy)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // Fails after `persist`, when the name is gone.
        let _ = fs::remove_file(&self.0);
    }
}
