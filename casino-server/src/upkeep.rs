//! What an operator does with a ledger beside the casino: look through its books, and copy it.
//!
//! Both read a snapshot, so a casino may play on; what it answered before is in it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use crate::{
    audit::{Difference, Totals},
    store::sqlite::Snapshot,
};

/// Why the books could not be looked through, or copied.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The ledger is not there, unreadable, foreign, or of another version. It is as it was.
    #[error("the ledger {path} cannot be read", path = path.display())]
    Ledger {
        /// The ledger.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
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
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Recomputes every account of the ledger at `store` from its entries, and tells each difference as it is found.
///
/// # Errors
///
/// When the ledger cannot be read to its end. Differences are none.
pub fn check(store: &Path, tell: impl FnMut(Difference)) -> Result<Totals, UpkeepError> {
    let failed = |source| UpkeepError::Ledger {
        path: store.to_owned(),
        source,
    };
    let snapshot = Snapshot::of(store).map_err(|error| failed(Box::new(error)))?;
    snapshot.audit(tell).map_err(|error| failed(Box::new(error)))
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
    let snapshot = Snapshot::of(store).map_err(|error| UpkeepError::Ledger {
        path: store.to_owned(),
        source: Box::new(error),
    })?;
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
