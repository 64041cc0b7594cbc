//! Opening the file: whose it is, which version it has, and that nobody else plays on it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    checkpoint::Checkpointer,
    migrations::{APPLICATION_ID, migrate, newest},
    reads::SqliteReads,
    writes::SqliteStore,
};

/// How long a statement waits for a lock that another program holds on the file.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a file was not opened as a ledger. Nothing in it has been changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// Another casino has it open.
    #[error("another casino has it open")]
    InUse,
    /// A file of another program.
    #[error("it is a database of another program")]
    Foreign,
    /// A file that is no database.
    #[error("it is not a SQLite database")]
    NotADatabase,
    /// A file that a newer build has written.
    #[error("it has format version {found}, newer than {newest}, the newest that this casino knows")]
    Newer {
        /// Its version.
        found: i64,
        /// The newest version known.
        newest: usize,
    },
    /// A file system that lacks what WAL mode needs.
    #[error("its file system cannot hold a write-ahead log: the journal stays in mode {mode}")]
    NoWal {
        /// The mode it has.
        mode: String,
    },
    /// The system does not let it be made, read or written.
    #[error("it cannot be read and written")]
    Inaccessible(#[source] io::Error),
    /// The lock file beside it.
    #[error("the lock file {path} cannot be opened", path = path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite failed.
    #[error("could not {operation}")]
    Sqlite {
        /// What was being done.
        operation: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The one writer.
    pub(crate) store: SqliteStore,
    /// The readers.
    pub(crate) reads: SqliteReads,
    /// The one name that the file has, whatever name it was opened by.
    pub(crate) path: PathBuf,
}

/// Opens the file at `path` as a ledger, and makes it if there is none.
///
/// # Errors
///
/// [`FileError`]; the file is then as it was.
pub(crate) fn open(path: &Path) -> Result<Opened, FileError> {
    make(path).map_err(FileError::Inaccessible)?;
    // Two names of one file have one lock.
    let path = path.canonicalize().map_err(FileError::Inaccessible)?;
    let lock = lock(&path)?;
    inspect(&path)?;
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let version = check(&connection)?;
    configure(&connection)?;
    migrate(&mut connection, version).map_err(failed("write the tables"))?;
    let checkpoints = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let checkpointer = Checkpointer::start(checkpoints).map_err(FileError::Inaccessible)?;
    Ok(Opened {
        store: SqliteStore::new(connection, checkpointer, lock),
        reads: SqliteReads::new(path.clone()),
        path,
    })
}

/// Makes an empty file if there is none.
fn make(path: &Path) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path).map(drop)
}

/// Takes the lock beside the file; it is held as long as the file is open, and falls with the process.
///
/// SQLite's own locks cannot say it: they come and go with each transaction.
fn lock(path: &Path) -> Result<File, FileError> {
    let mut beside = path.to_owned().into_os_string();
    beside.push(".lock");
    let path = PathBuf::from(beside);
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(source) => return Err(FileError::Lock { path, source }),
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FileError::InUse),
        Err(TryLockError::Error(source)) => Err(FileError::Lock { path, source }),
    }
}

/// Looks at a file without a way to change it, so that a file which is refused stays as it was.
///
/// A writing connection, even one that only reads, moves the log of the file into it when it is closed.
fn inspect(path: &Path) -> Result<(), FileError> {
    let length = fs::metadata(path).map_err(FileError::Inaccessible)?.len();
    if length == 0 {
        return Ok(());
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match check(&connection) {
        // A writer died while it made the file, and only a writer can clear up after it.
        Err(FileError::Sqlite { source, .. }) if source.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            Ok(())
        }
        checked => checked.map(drop),
    }
}

/// A connection used by one thread at a time; the name is a path, never a URI.
pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, FileError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed("open the file"))?;
    connection
        .busy_timeout(BUSY_TIMEOUT)
        .map_err(failed("set the busy timeout"))?;
    Ok(connection)
}

/// The file's version, if it is ours and not too new; 0 for an empty file. Only reads.
pub(super) fn check(connection: &Connection) -> Result<usize, FileError> {
    let read = "read the file's header";
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application = number("application_id").map_err(failed(read))?;
    let version = number("user_version").map_err(failed(read))?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed(read))?;
    if application == 0 && version == 0 && tables == 0 {
        return Ok(0);
    }
    if application != i64::from(APPLICATION_ID) {
        return Err(FileError::Foreign);
    }
    match usize::try_from(version) {
        Ok(known) if known <= newest() => Ok(known),
        _ => Err(FileError::Newer {
            found: version,
            newest: newest(),
        }),
    }
}

fn configure(connection: &Connection) -> Result<(), FileError> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(failed("turn the write-ahead log on"))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(FileError::NoWal { mode });
    }
    // The checkpointer's business.
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

/// A failure of SQLite in `operation`, as in "could not ...".
pub(super) fn failed(operation: &'static str) -> impl Fn(rusqlite::Error) -> FileError {
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => FileError::NotADatabase,
        _ => FileError::Sqlite { operation, source },
    }
}

#[cfg(test)]
mod tests;
