//! What an operator does with a ledger beside the casino: look through its books, and copy it.
//!
//! Both read a snapshot, so a casino may play on; what it answered before is in it. A database is copied by its own tools.

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use tokio::runtime;

use crate::{
    address::{Address, Database},
    audit::{Difference, Totals},
    store::{postgres, sqlite::Snapshot},
};

/// Why the books could not be looked through, or copied.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The ledger is not there, unreadable, foreign, or of another version. It is as it was.
    #[error("the ledger {address} cannot be read")]
    Ledger {
        /// The ledger.
        address: Address,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The system gives nothing to wait for a database with.
    #[error("a database cannot be waited for")]
    Waiting(#[source] io::Error),
    /// There is a file where the copy should go. It is as it was.
    #[error("{path} exists, and a backup is never written over a file", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The copy could not be made. Nothing is left of it.
    #[error("the backup {path} cannot be written", path = path.display())]
    Backup {
        /// The copy.
        path: PathBuf,
        /// What is in the way.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Recomputes every account of the ledger at `store` from its entries, and tells each difference as it is found.
///
/// # Errors
///
/// When the ledger cannot be read to its end. Differences are none.
pub fn check(store: &Path, tell: impl FnMut(Difference)) -> Result<Totals, UpkeepError> {
    let snapshot = Snapshot::of(store).map_err(|error| unreadable(store, error))?;
    snapshot.audit(tell).map_err(|error| unreadable(store, error))
}

/// The same for the ledger in `database`, whether casinos play on it or not. Not to be called where others wait for the
/// thread.
///
/// # Errors
///
/// When the ledger cannot be read to its end. Differences are none.
pub fn check_database(database: &Database, tell: impl FnMut(Difference)) -> Result<Totals, UpkeepError> {
    let runtime = waiting().map_err(UpkeepError::Waiting)?;
    let audited = runtime.block_on(postgres::audit(database, tell));
    audited.map_err(|error| UpkeepError::Ledger {
        address: Address::Postgres(database.clone()),
        source: Box::new(error),
    })
}

/// What a database is waited for with.
pub(crate) fn waiting() -> io::Result<runtime::Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
}

/// The ledger in the file at `store` cannot be read.
fn unreadable(store: &Path, error: impl Error + Send + Sync + 'static) -> UpkeepError {
    UpkeepError::Ledger {
        address: Address::Sqlite(store.to_owned()),
        source: Box::new(error),
    }
}

/// Copies the ledger at `store` into the new file `copy`, which is a ledger by itself.
///
/// Until it is whole and on disk it has another name, `copy` with `.part` after it.
///
/// # Errors
///
/// When there is a file at `copy`, the ledger cannot be read, or the copy not written.
pub fn backup(store: &Path, copy: &Path) -> Result<(), UpkeepError> {
    let exists = || UpkeepError::Exists {
        path: copy.to_owned(),
    };
    if copy.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let snapshot = Snapshot::of(store).map_err(|error| unreadable(store, error))?;
    let failed = |source| UpkeepError::Backup {
        path: copy.to_owned(),
        source,
    };
    let part = Part::new(copy).map_err(|error| failed(Box::new(error)))?;
    snapshot
        .copy_to(&part.0)
        .map_err(|error| failed(Box::new(error)))?;
    match part.keep_as(copy) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists()),
        Err(error) => Err(failed(Box::new(error))),
    }
}

/// A file in the making; unless it is kept, nothing is left of it.
struct Part(PathBuf);

impl Part {
    fn new(copy: &Path) -> io::Result<Self> {
        let mut path = copy.to_owned().into_os_string();
        path.push(".part");
        let part = Self(PathBuf::from(path));
        // What an attempt has left that was killed is of no use to anybody.
        let _ = fs::remove_file(&part.0);
        OpenOptions::new().create_new(true).write(true).open(&part.0)?;
        Ok(part)
    }

    /// Gives it the name `copy`, which must be nobody's.
    fn keep_as(self, copy: &Path) -> io::Result<()> {
        File::open(&self.0)?.sync_all()?;
        // Ours from here on, so that it can be replaced.
        OpenOptions::new().create_new(true).write(true).open(copy)?;
        fs::rename(&self.0, copy)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It has got its name, or it is of no use.
        let _ = fs::remove_file(&self.0);
    }
}
