//! What became of each batch: settled or not yet, and of the settled ones those that were not written.
//!
//! Batches are numbered as they are begun and settled in that order, so one number says of all of them whether they
//! are settled. It is read by every seat at every look and written once a batch.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::LedgerError;

/// Runs of failed batches that are remembered.
const FAILURES_MAX: usize = 1024;

/// The number of a batch, in the order in which they are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sequence(u64);

impl Sequence {
    /// Before all batches: what waits for this waits for nothing.
    pub(crate) const NONE: Self = Self(0);

    /// The batch after this one.
    pub(super) fn next(self) -> Self {
        // 2^64 batches take longer than any disk lasts.
        Self(self.0.saturating_add(1))
    }
}

/// The fates of all batches.
#[derive(Debug, Default)]
pub(super) struct Fates {
    /// Everything up to this batch is settled.
    settled: AtomicU64,
    /// The last batch that failed; what lies above needs no look at the list.
    last_failed: AtomicU64,
    /// Nothing will be settled any more.
    ended: AtomicBool,
    failures: Mutex<Failures>,
}

/// Runs of batches that failed for one reason, oldest first.
#[derive(Debug, Default)]
struct Failures {
    runs: VecDeque<Run>,
    /// Of batches up to this one it is not remembered whether they failed.
    forgotten: u64,
}

#[derive(Debug)]
struct Run {
    first: u64,
    last: u64,
    error: LedgerError,
}

impl Fates {
    /// The last batch that is settled.
    pub(super) fn settled(&self) -> Sequence {
        Sequence(self.settled.load(Ordering::Acquire))
    }

    /// Up to which batch those who wait have something to hear.
    pub(super) fn due(&self) -> Sequence {
        if self.ended.load(Ordering::Acquire) {
            Sequence(u64::MAX)
        } else {
            self.settled()
        }
    }

    /// What became of the batch; `None` while nobody knows.
    pub(super) fn of(&self, batch: Sequence) -> Option<Result<(), LedgerError>> {
        if batch > self.settled() {
            // What was settled before the end is seen by a second look, after the end is.
            let ended = self.ended.load(Ordering::Acquire) && batch > self.settled();
            return ended.then_some(Err(LedgerError::Unanswered));
        }
        if batch.0 > self.last_failed.load(Ordering::Acquire) || batch == Sequence::NONE {
            return Some(Ok(()));
        }
        Some(self.failures().of(batch.0))
    }

    /// Everything up to `batch` is on disk, but what failed before.
    pub(super) fn succeed(&self, batch: Sequence) {
        self.settled.store(batch.0, Ordering::Release);
    }

    /// The batches from `first` to `last` are certainly not on disk.
    pub(super) fn fail(&self, first: Sequence, last: Sequence, error: &LedgerError) {
        self.failures().add(first.0, last.0, error);
        self.last_failed.store(last.0, Ordering::Release);
        self.settled.store(last.0, Ordering::Release);
    }

    /// Nothing is settled from now on.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    fn of(&self, batch: u64) -> Result<(), LedgerError> {
        let run = self.runs.iter().rev().find(|run| run.first <= batch);
        match run {
            Some(run) if batch <= run.last => Err(run.error.clone()),
            // Whoever asks so late is told the truth: that it has to be looked up.
            None if batch <= self.forgotten => Err(LedgerError::Unanswered),
            _ => Ok(()),
        }
    }

    fn add(&mut self, first: u64, last: u64, error: &LedgerError) {
        if let Some(run) = self.runs.back_mut()
            && run.last.saturating_add(1) == first
            && run.error == *error
        {
            run.last = last;
            return;
        }
        if self.runs.len() >= FAILURES_MAX
            && let Some(oldest) = self.runs.pop_front()
        {
            self.forgotten = oldest.last;
        }
        self.runs.push_back(Run {
            first,
            last,
            error: error.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(reason: &str) -> LedgerError {
        LedgerError::NotExecuted {
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn a_batch_is_open_then_written_or_failed() {
        let fates = Fates::default();
        assert_eq!(fates.of(Sequence::NONE), Some(Ok(())));
        assert_eq!(fates.of(Sequence(1)), None);
        fates.succeed(Sequence(1));
        fates.fail(Sequence(2), Sequence(3), &failure("full"));
        fates.succeed(Sequence(4));
        let told = [1, 2, 3, 4, 5].map(|batch| fates.of(Sequence(batch)));
        let failed = Some(Err(failure("full")));
        assert_eq!(told, [Some(Ok(())), failed.clone(), failed, Some(Ok(())), None]);
        fates.end();
        assert_eq!(fates.of(Sequence(4)), Some(Ok(())));
        assert_eq!(fates.of(Sequence(5)), Some(Err(LedgerError::Unanswered)));
    }

    #[test]
    fn failures_are_remembered_in_bounded_memory_and_never_taken_for_successes() {
        let fates = Fates::default();
        for batch in 1..100_000 {
            fates.fail(Sequence(batch), Sequence(batch), &failure("full"));
        }
        assert_eq!(fates.failures().runs.len(), 1, "one long run");
        for batch in (100_001..110_000).step_by(2) {
            fates.succeed(Sequence(batch - 1));
            fates.fail(Sequence(batch), Sequence(batch), &failure("full"));
        }
        assert_eq!(fates.failures().runs.len(), FAILURES_MAX);
        assert_eq!(fates.of(Sequence(109_999)), Some(Err(failure("full"))));
        assert_eq!(fates.of(Sequence(109_998)), Some(Ok(())));
        assert_eq!(fates.of(Sequence(50_000)), Some(Err(LedgerError::Unanswered)));
    }
}
