//! The thread that applies logged batches to the engine.

use std::sync::Arc;

use super::apply_batches;
use super::pending::PendingBatches;
use crate::config::environment::Disk;
use crate::store::{CommitError, OnDrop, StoreError, WalPosition, WalTarget};

pub(super) struct WalApplier {
    pub(super) target: Box<dyn WalTarget>,
    pub(super) pending: Arc<PendingBatches>,
    pub(super) disk: Arc<dyn Disk>,
    /// Position applied to the engine.
    pub(super) position: WalPosition,
}

impl WalApplier {
    /// Runs until the log is closed and everything applied, or until the engine's state is unknown; then the next
    /// start recovers the rest. Returns the engine, marked complete and still open.
    pub(super) fn run(mut self) -> Result<Box<dyn WalTarget>, StoreError> {
        let pending = Arc::clone(&self.pending);
        // Wakes writers that wait for space when the thread ends.
        let _ending = OnDrop(|| pending.failed());
        while let Some(unapplied) = self.pending.next() {
            let position = unapplied.last().map_or(self.position, |last| WalPosition {
                batch: last.number,
                offset: last.frame.end,
                ..self.position
            });
            let batches: Vec<_> = unapplied.into_iter().map(|pending| pending.batch).collect();
            match apply_batches(&mut *self.target, &batches, position, &*self.disk) {
                Ok(()) => {
                    self.position = position;
                    self.pending.applied(batches.len());
                }
                Err(CommitError::Rejected(error)) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot apply the log to the ledger file"
                    );
                    if !self.pending.retry_later(&error) {
                        return Err(error);
                    }
                }
                Err(CommitError::Unknown(error)) => return Err(error),
            }
        }
        let closed = WalPosition {
            closed: Some(true),
            ..self.position
        };
        match apply_batches(&mut *self.target, &[], closed, &*self.disk) {
            Ok(()) => Ok(self.target),
            Err(CommitError::Rejected(error) | CommitError::Unknown(error)) => Err(error),
        }
    }
}
