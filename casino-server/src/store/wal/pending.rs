//! Batches in the log that are not applied yet.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::free_space::RingAllocator;
use super::header::FRAMES;
use crate::store::{Batch, CommitError, StoreError, lock};

/// Time to collect batches for one transaction.
const COALESCE: Duration = Duration::from_millis(50);

/// Delay after the engine rejected a transaction.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct PendingBatches {
    state: Mutex<PendingState>,
    /// Wakes the applier.
    work: Condvar,
    /// Wakes the writer.
    space: Condvar,
    /// Bytes that are applied without delay.
    enough: u64,
}

#[derive(Debug)]
struct PendingState {
    ring: RingAllocator,
    /// Oldest first.
    pending: VecDeque<PendingBatch>,
    bytes: u64,
    closing: bool,
    health: Health,
}

#[derive(Debug, Clone)]
pub(super) struct PendingBatch {
    pub(super) number: u64,
    pub(super) frame: Range<u64>,
    pub(super) batch: Arc<Batch>,
}

/// State of the engine.
#[derive(Debug)]
enum Health {
    Ok,
    /// It rejected the batches, which remain pending.
    Retrying(String),
    /// Its state is unknown until the next start recovers from the log.
    Failed,
}

impl PendingBatches {
    pub(super) fn new(length: u64) -> Self {
        Self {
            state: Mutex::new(PendingState {
                ring: RingAllocator::new(FRAMES..length),
                pending: VecDeque::new(),
                bytes: 0,
                closing: false,
                health: Health::Ok,
            }),
            work: Condvar::new(),
            space: Condvar::new(),
            enough: length / 8,
        }
    }

    /// Reserves space for a frame, which is pushed before the next one is reserved. Waits while the engine makes
    /// progress.
    pub(super) fn reserve(&self, bytes: u64) -> Result<Range<u64>, CommitError> {
        let mut state = lock(&self.state);
        loop {
            if matches!(state.health, Health::Failed) {
                return Err(CommitError::unknown(
                    "its state is unknown until it is opened again",
                ));
            }
            let oldest = state.pending.front().map(|oldest| oldest.frame.start);
            if let Some(frame) = state.ring.reserve(bytes, oldest) {
                return Ok(frame);
            }
            if let Health::Retrying(why) = &state.health {
                return Err(CommitError::rejected(format!("its log is full, and {why}")));
            }
            if oldest.is_none() {
                let source = format!("a batch takes {bytes} bytes, more than its log holds");
                return Err(CommitError::rejected(source));
            }
            self.work.notify_one();
            state = self.space.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Makes a committed batch visible to readers.
    pub(super) fn push(&self, pending: PendingBatch) {
        let mut state = lock(&self.state);
        let is_first = state.pending.is_empty();
        let before = state.bytes;
        state.bytes = before.saturating_add(pending.frame.end.saturating_sub(pending.frame.start));
        let is_enough = before < self.enough && state.bytes >= self.enough;
        state.pending.push_back(pending);
        drop(state);
        if is_first || is_enough {
            self.work.notify_one();
        }
    }

    /// Oldest first.
    pub(super) fn pending(&self) -> Vec<PendingBatch> {
        lock(&self.state).pending.iter().cloned().collect()
    }

    /// Waits for batches, and a little longer for more. Returns `None` when the log is closed and everything
    /// applied.
    pub(super) fn next(&self) -> Option<Vec<PendingBatch>> {
        let mut state = lock(&self.state);
        while state.pending.is_empty() {
            if state.closing {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let pause = match state.health {
            Health::Retrying(_) => RETRY,
            Health::Ok | Health::Failed => COALESCE,
        };
        let keep_waiting = |state: &mut PendingState| {
            let is_urgent = matches!(state.health, Health::Ok) && state.bytes >= self.enough;
            !state.closing && !is_urgent
        };
        let result = self.work.wait_timeout_while(state, pause, keep_waiting);
        let (state, _) = result.unwrap_or_else(PoisonError::into_inner);
        Some(state.pending.iter().cloned().collect())
    }

    pub(super) fn applied(&self, batches: usize) {
        let mut state = lock(&self.state);
        let batches = batches.min(state.pending.len());
        let taken: Vec<_> = state.pending.drain(..batches).collect();
        for PendingBatch { frame, .. } in &taken {
            let bytes = frame.end.saturating_sub(frame.start);
            state.bytes = state.bytes.saturating_sub(bytes);
        }
        state.health = Health::Ok;
        drop(state);
        // Dropped outside the lock: it may be large.
        drop(taken);
        self.space.notify_one();
    }

    /// Returns whether the batches will be retried.
    pub(super) fn retry_later(&self, error: &StoreError) -> bool {
        let mut state = lock(&self.state);
        state.health = Health::Retrying(format!("the casino {error}: {}", error.source));
        self.space.notify_one();
        !state.closing
    }

    pub(super) fn failed(&self) {
        lock(&self.state).health = Health::Failed;
        self.space.notify_one();
    }

    pub(super) fn close(&self) {
        lock(&self.state).closing = true;
        self.work.notify_one();
    }
}
