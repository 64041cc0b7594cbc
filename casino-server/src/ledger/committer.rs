//! The thread that commits batches.

use std::sync::Arc;
use std::time::Instant;

use super::batch::SealedBatch;
use super::local::LocalLedger;
use super::{LedgerError, LedgerFailure};
use crate::domain::market::Market;
use crate::domain::round::Round;
use crate::ledger::CommitObserver;
use crate::store::outage::Outage;
use crate::store::{CommitError, OnDrop, Store};

pub(crate) struct Committer {
    ledger: Arc<LocalLedger>,
    store: Box<dyn Store>,
    /// As committed.
    market: Market,
    round: Arc<Round>,
    observer: Box<dyn CommitObserver>,
    outage: Outage,
}

impl Committer {
    pub(crate) fn new(
        ledger: Arc<LocalLedger>,
        store: Box<dyn Store>,
        market: Market,
        round: Arc<Round>,
        observer: Box<dyn CommitObserver>,
    ) -> Self {
        Self {
            ledger,
            store,
            market,
            round,
            observer,
            outage: Outage::default(),
        }
    }

    /// Runs until the ledger is closed and everything is committed, or until the outcome of a commit is unknown.
    pub(super) fn run(mut self) -> Result<(), LedgerFailure> {
        let ledger = Arc::clone(&self.ledger);
        // Fails the waiting orders when the thread ends.
        let _ending = OnDrop(|| ledger.shut_down());
        while let Some(sealed) = self.ledger.next_batch() {
            self.commit(&sealed)?;
        }
        self.store
            .close()
            .map_err(|error| LedgerFailure::Close(Box::new(error)))
    }

    /// Commits a batch. Nothing is published before the commit, and the tick before the trades at its price.
    pub(crate) fn commit(&mut self, sealed: &SealedBatch) -> Result<(), LedgerFailure> {
        let started = Instant::now();
        match self.store.commit(&sealed.batch) {
            Ok(()) => {
                let metrics = &self.ledger.progress.metrics;
                metrics.committed(&sealed.batch, started.elapsed());
                self.outage.log_success("batches are written again");
                if sealed.market.current != self.market.current {
                    self.observer.on_tick(sealed.market.current);
                }
                self.market = sealed.market;
                if sealed.round != self.round {
                    self.round = Arc::clone(&sealed.round);
                    self.observer.on_round(&self.round);
                }
                self.ledger.progress.commit(sealed.sequence);
                self.observer.on_batch(&sealed.batch);
                Ok(())
            }
            Err(CommitError::Rejected(error)) => {
                self.outage.log_failure(&error, "a batch was not written");
                let round = Arc::clone(&self.round);
                self.ledger
                    .rolled_back(sealed.sequence, self.market, round, &LedgerError::from(&error));
                Ok(())
            }
            // Report no outcome: it is unknown.
            Err(error @ CommitError::Unknown(_)) => Err(LedgerFailure::CommitUnknown(Box::new(error))),
        }
    }
}
