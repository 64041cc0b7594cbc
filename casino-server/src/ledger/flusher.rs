//! The flusher's thread: takes what has been decided, commits it, and says so.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{LedgerError, LedgerFailure, draft::Taken, shared::Shared};
use crate::{
    company::Witness,
    market::Market,
    store::{CommitError, Store, StoreError},
    table::Announcer,
};

/// Between two lines about batches that were not written.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// The state of the thread.
pub(super) struct Flusher {
    shared: Arc<Shared>,
    store: Box<dyn Store>,
    /// The market as it is on disk.
    market: Market,
    announcer: Announcer,
    witness: Witness,
    /// When it was last logged that a batch was not written.
    logged: Option<Instant>,
}

/// Tells those who wait when the thread ends, however it does.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Flusher {
    pub(super) fn new(
        shared: Arc<Shared>,
        store: Box<dyn Store>,
        market: Market,
        announcer: Announcer,
        witness: Witness,
    ) -> Self {
        Self {
            shared,
            store,
            market,
            announcer,
            witness,
            logged: None,
        }
    }

    /// Works until the ledger is closed and everything is written, or until nobody knows what is on disk.
    ///
    /// The batches grow with the load by themselves: each is what was decided while the one before it was written.
    pub(super) fn run(mut self) -> Result<(), LedgerFailure> {
        let _ending = Ending(Arc::clone(&self.shared));
        while let Some(taken) = self.shared.next_batch() {
            self.settle(&taken)?;
        }
        self.store
            .close()
            .map_err(|error| LedgerFailure::Close(Box::new(error)))
    }

    /// Commits a batch; then, and only then, anybody may hear of it: of its price before of a trade at it.
    pub(super) fn settle(&mut self, taken: &Taken) -> Result<(), LedgerFailure> {
        let began = Instant::now();
        match self.store.commit(&taken.batch) {
            Ok(()) => {
                self.shared.meter().committed(&taken.batch, began.elapsed());
                if taken.market.current != self.market.current {
                    self.announcer.announce(taken.market.current);
                }
                self.market = taken.market;
                self.shared.succeed(taken.sequence);
                self.witness.saw(&taken.batch);
                Ok(())
            }
            Err(CommitError::NotWritten(error)) => {
                self.log(&error);
                self.shared
                    .fail(taken.sequence, self.market, &LedgerError::from(&error));
                Ok(())
            }
            // No word of it: to say more than that nobody knows would be a guess.
            Err(error @ CommitError::Unknown(_)) => Err(LedgerFailure::Unknown(Box::new(error))),
        }
    }

    /// Logs that a batch was not written: now and then, for a disk that is full may have the log on it too.
    fn log(&mut self, error: &StoreError) {
        if self.logged.is_none_or(|logged| logged.elapsed() >= LOG_EVERY) {
            self.logged = Some(Instant::now());
            let error = error as &dyn std::error::Error;
            tracing::error!(error, "a batch was not written");
        }
    }
}
