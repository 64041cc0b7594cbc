//! The clock and the disk of a casino. Simulations replace them to inject time jumps and disk failures.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use crate::config::clock::Clock;

/// Default length of the commit log, in bytes: a few tenths of a second of full load.
const LOG_BYTES: u64 = 16 << 20;

/// The clock and the disk that a casino uses.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Wall-clock time.
    pub clock: Clock,
    /// The disk under a SQLite ledger.
    pub disk: Arc<dyn Disk>,
    /// Length of a new commit log in bytes, by default 16 MiB. Longer batches are rejected.
    pub log_bytes: u64,
}

impl Default for Environment {
    /// Returns the system's clock and disk.
    fn default() -> Self {
        Self {
            clock: Clock::default(),
            disk: Arc::new(SystemDisk),
            log_bytes: LOG_BYTES,
        }
    }
}

/// The disk under a SQLite ledger.
///
/// A commit is a [`write`](Self::write) and a [`sync`](Self::sync) of the commit log. SQLite does its own I/O when the log
/// is applied, so it only has a hook before and after each transaction. Log calls come from one thread at a time, and so
/// do transaction hooks; the two may overlap.
pub trait Disk: Debug + Send + Sync {
    /// Called before each write of a batch to the log. Fails if there is no room; the batch is then rejected.
    fn before_write(&self) -> io::Result<()> {
        Ok(())
    }

    /// Writes all of `bytes` at the current position of `log`.
    /// Fails if the disk fails or is full; any part of `bytes` may have been written.
    fn write(&self, log: &mut File, bytes: &[u8]) -> io::Result<()> {
        log.write_all(bytes)
    }

    /// Makes the data written to `log` durable. Fails if durability cannot be confirmed.
    fn sync(&self, log: &File) -> io::Result<()> {
        log.sync_data()
    }

    /// Called before each SQLite transaction. Fails if the transaction must not begin now; it is retried later.
    fn before_commit(&self) -> io::Result<()> {
        Ok(())
    }

    /// Called after each SQLite commit. Fails if the outcome of the commit is unknown.
    fn after_commit(&self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct SystemDisk;

impl Disk for SystemDisk {}
