//! The filler's thread: has the engine take over what is in the log.

use std::sync::Arc;

use super::{
    backlog::{Backlog, Waiting},
    take_over,
};
use crate::{
    store::{Backing, CommitError, Mark, StoreError},
    surroundings::Disk,
};

/// The state of the thread.
#[derive(Debug)]
pub(super) struct Filler<B> {
    backing: Box<B>,
    backlog: Arc<Backlog>,
    disk: Arc<dyn Disk>,
    epoch: u64,
}

/// Tells those who wait for room when the thread ends, however it does.
struct Ending(Arc<Backlog>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.lost();
    }
}

impl<B: Backing> Filler<B> {
    pub(super) fn new(backing: Box<B>, backlog: Arc<Backlog>, disk: Arc<dyn Disk>, epoch: u64) -> Self {
        Self {
            backing,
            backlog,
            disk,
            epoch,
        }
    }

    /// Works until the log is closed and everything is taken over, or until nobody knows what the engine holds; then
    /// the next opening finds the rest in the log.
    pub(super) fn run(mut self) -> Result<(), StoreError> {
        let _ending = Ending(Arc::clone(&self.backlog));
        while let Some(waiting) = self.backlog.next() {
            let batches: Vec<_> = waiting.iter().map(|waiting| Arc::clone(&waiting.batch)).collect();
            let mark = self.mark(&waiting);
            match take_over(&mut *self.backing, (&batches, mark), &*self.disk) {
                Ok(()) => self.backlog.taken_over(batches.len()),
                Err(CommitError::NotWritten(error)) => {
                    let told = &error as &dyn std::error::Error;
                    tracing::error!(error = told, "the ledger's log could not be moved into its file");
                    if !self.backlog.refused(&error) {
                        return Err(error);
                    }
                }
                Err(CommitError::Unknown(error)) => return Err(error),
            }
        }
        self.backing.close()
    }

    /// Up to where the log is taken over with the last of `waiting`.
    fn mark(&self, waiting: &[Waiting]) -> Mark {
        let last = waiting.last();
        Mark {
            epoch: self.epoch,
            batch: last.map_or(0, |last| last.number),
            position: last.map_or(0, |last| last.place.end),
        }
    }
}
