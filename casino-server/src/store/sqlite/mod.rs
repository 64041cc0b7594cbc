//! The ledger in an SQLite file in WAL mode, with one writer and several readers.
//!
//! Each commit syncs the WAL (`synchronous=FULL`) before readers see it.

mod candles;
mod check;
mod checkpoint;
mod read;
mod requests;
mod rows;
mod schema;
mod snapshot;
mod trade_page;
mod write;

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use self::checkpoint::Checkpointer;
pub(crate) use self::read::SqliteReads;
use self::schema::{APPLICATION_ID, migrate, newest};
pub(crate) use self::snapshot::Snapshot;
use self::write::SqliteStore;

/// Time that a statement waits for a lock of another program.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a file cannot be opened as a ledger. It is left unchanged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("another casino has it open")]
    InUse,
    #[error("it is a database of another program")]
    NotOurs,
    #[error("it is not a SQLite database")]
    NotADatabase,
    #[error("it has format version {found}, newer than {newest}, the newest that this casino knows")]
    Newer { found: i64, newest: usize },
    /// The file system does not support WAL mode.
    #[error("its file system cannot hold a write-ahead log: the journal stays in mode {mode}")]
    NoWal { mode: String },
    #[error("it cannot be read and written")]
    Inaccessible(#[from] io::Error),
    #[error("the lock file {path} cannot be opened", path = path.display())]
    Lock { path: PathBuf, source: io::Error },
    #[error("could not {operation}")]
    Sqlite {
        operation: &'static str,
        source: rusqlite::Error,
    },
}

#[derive(Debug)]
pub(crate) struct SqliteLedger {
    pub(crate) store: SqliteStore,
    pub(crate) reads: SqliteReads,
    /// Canonical path.
    pub(crate) path: PathBuf,
}

/// Opens the file at `path` as a ledger, creating it if needed. On errors the file is unchanged.
pub(crate) fn open(path: &Path) -> Result<SqliteLedger, FileError> {
    OpenOptions::new().create(true).append(true).open(path)?;
    // Two paths of one file share a lock.
    let path = path.canonicalize()?;
    let lock = lock(&path)?;
    inspect(&path)?;
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let version = check_format(&connection)?;
    configure(&connection)?;
    migrate(&mut connection, version).map_err(failed("write the tables"))?;
    let checkpoints = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let checkpointer = Checkpointer::start(checkpoints)?;
    Ok(SqliteLedger {
        store: SqliteStore::new(connection, checkpointer, lock),
        reads: SqliteReads::new(path.clone()),
        path,
    })
}

/// The locks of the file itself, which cover hard links, and of the lock file beside it. SQLite's last only for a
/// transaction.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Must stay open as long as SQLite's: closing any descriptor drops the locks of the process.
    _file: HeldFile,
    /// Taken first, so dropped last.
    _beside: HeldFile,
}

/// A locked file. Dropping it unlocks it at once; closing it does not while a child that is being started has a copy of the
/// descriptor.
#[derive(Debug)]
pub(crate) struct HeldFile(File);

impl Drop for HeldFile {
    fn drop(&mut self) {
        // The lock goes with the descriptors at the latest.
        let _ = self.0.unlock();
    }
}

fn lock_file(path: &Path) -> PathBuf {
    path.with_added_extension("lock")
}

/// Locks out servers while the lock is held; `None` if one has the file open.
pub(crate) fn try_idle(path: &Path) -> Option<Option<HeldFile>> {
    match File::open(lock_file(path)) {
        Ok(file) => file.try_lock_shared().is_ok().then_some(Some(HeldFile(file))),
        Err(error) => (error.kind() == io::ErrorKind::NotFound).then_some(None),
    }
}

fn lock(path: &Path) -> Result<Lock, FileError> {
    let lock_path = lock_file(path);
    let unusable = |source| FileError::Lock {
        path: lock_path.clone(),
        source,
    };
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let beside = options.open(&lock_path).map_err(unusable)?;
    let beside = try_lock(beside, unusable)?;
    let file = File::open(path)?;
    Ok(Lock {
        _file: try_lock(file, FileError::Inaccessible)?,
        _beside: beside,
    })
}

fn try_lock(file: File, failed: impl FnOnce(io::Error) -> FileError) -> Result<HeldFile, FileError> {
    match file.try_lock() {
        Ok(()) => Ok(HeldFile(file)),
        Err(TryLockError::WouldBlock) => Err(FileError::InUse),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Checks the file read-only, so that a rejected one is unchanged: a writing connection would checkpoint it.
fn inspect(path: &Path) -> Result<(), FileError> {
    if fs::metadata(path)?.len() == 0 {
        return Ok(());
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match check_format(&connection) {
        // Needs recovery by a writer.
        Err(FileError::Sqlite { source, .. }) if source.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            Ok(())
        }
        checked => checked.map(drop),
    }
}

/// Opens a connection for one thread at a time. `path` is never a URI.
pub(crate) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, FileError> {
    open_connection(path, access).map_err(failed("open the file"))
}

fn open_connection(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Returns the version of the file, 0 if it is empty.
pub(crate) fn check_format(connection: &Connection) -> Result<usize, FileError> {
    let number = |sql| {
        let number = connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        number.map_err(failed("read the file's header"))
    };
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if application == 0 && version == 0 && tables == 0 {
        return Ok(0);
    }
    if application != i64::from(APPLICATION_ID) {
        return Err(FileError::NotOurs);
    }
    match usize::try_from(version) {
        Ok(known) if known <= newest() => Ok(known),
        _ => Err(FileError::Newer {
            found: version,
            newest: newest(),
        }),
    }
}

/// Statements kept prepared. A transaction that also merges candles executes 18.
const STATEMENTS: usize = 32;

fn configure(connection: &Connection) -> Result<(), FileError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(failed("turn the write-ahead log on"))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(FileError::NoWal { mode });
    }
    // Done by the [`Checkpointer`].
    connection
        .pragma_update(None, "wal_autocheckpoint", 0)
        .map_err(failed("turn checkpoints within commits off"))?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(failed("set synchronous"))?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(failed("set foreign_keys"))
}

/// Converts an SQLite error in `operation`, which continues "could not".
pub(crate) fn failed(operation: &'static str) -> impl Fn(rusqlite::Error) -> FileError {
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => FileError::NotADatabase,
        _ => FileError::Sqlite { operation, source },
    }
}
