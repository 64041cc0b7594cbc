//! What a casino has around it: the time of day, and the disk under its ledger.
//!
//! Port. A casino is opened with the machine's; a simulation gives it others, which jump and fail. It knows nothing of
//! what is kept.

use std::{
    fmt::Debug,
    fs::File,
    io::{self, Write},
    sync::Arc,
};

use crate::clock::Clock;

/// The length of the commit log, in bytes: a few tenths of a second of full load.
const LOG_BYTES: u64 = 16 << 20;

/// What a casino has around it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The time of day.
    pub clock: Clock,
    /// The disk under a ledger in a file.
    pub disk: Arc<dyn Disk>,
    /// The length of a new commit log, in bytes, by default 16 MiB. A batch that is longer is refused.
    pub log_bytes: u64,
}

impl Default for Surroundings {
    /// The machine's.
    fn default() -> Self {
        Self {
            clock: Clock::default(),
            disk: Arc::new(Machine),
            log_bytes: LOG_BYTES,
        }
    }
}

/// The disk under a ledger, as those who write the ledger know it.
///
/// A commit is a write and a sync of the commit log. The engine that takes the log over has ways of its own to the disk;
/// it is only asked for leave before each transaction, and told of after. One caller at a time for each of the two.
pub trait Disk: Debug + Send + Sync {
    /// Writes all of `bytes` where `log` stands.
    ///
    /// # Errors
    ///
    /// When the disk fails or is full; any part of it may be written then.
    fn write(&self, log: &mut File, bytes: &[u8]) -> io::Result<()> {
        log.write_all(bytes)
    }

    /// Has what was written to `log` outlast a loss of power.
    ///
    /// # Errors
    ///
    /// When it is not known to.
    fn sync(&self, log: &File) -> io::Result<()> {
        log.sync_data()
    }

    /// The engine is about to write a transaction.
    ///
    /// # Errors
    ///
    /// When the disk cannot take one: the transaction is not begun, and tried again later.
    fn before_transaction(&self) -> io::Result<()> {
        Ok(())
    }

    /// The engine has committed a transaction.
    ///
    /// # Errors
    ///
    /// When that is in doubt.
    fn after_transaction(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The machine's disk.
#[derive(Debug)]
struct Machine;

impl Disk for Machine {}
