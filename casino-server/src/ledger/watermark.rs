//! Outcome of batches: the watermark of resolved batches, the ranges that failed, and the notifiers that wake the tasks
//! which wait for it.
//!
//! Batches are resolved in order, so one number covers them all. It is read by every session and written once per
//! batch.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;

use tokio::sync::Notify;

use super::LedgerError;
use super::metrics::LedgerMetrics;
use crate::store::lock;
use crate::store::outage::Outage;

/// Maximum failed ranges remembered.
const FAILURES_MAX: usize = 1024;

/// Batch number, in order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchId(u64);

impl BatchId {
    /// Precedes all batches; always committed.
    pub(crate) const NONE: Self = Self(0);

    pub(super) fn next(self) -> Self {
        // 2^64 batches cannot happen.
        Self(self.0.saturating_add(1))
    }
}

/// Progress of a ledger's batches, shared by its committer and its handles.
#[derive(Debug, Default)]
pub(crate) struct CommitProgress {
    /// All batches up to this one are resolved.
    last_resolved: AtomicU64,
    /// Batches above it need no lookup.
    last_failed: AtomicU64,
    ended: AtomicBool,
    failures: Mutex<FailedRanges>,
    pub(super) notifiers: Notifiers,
    pub(super) metrics: LedgerMetrics,
    pub(super) due_orders: Outage,
}

/// Ranges of failed batches, oldest first.
#[derive(Debug, Default)]
struct FailedRanges {
    ranges: VecDeque<BatchRange>,
    /// Outcomes up to this batch are no longer known.
    unknown_up_to: u64,
}

#[derive(Debug)]
struct BatchRange {
    first: u64,
    last: u64,
    error: LedgerError,
}

impl CommitProgress {
    pub(super) fn resolved(&self) -> BatchId {
        BatchId(self.last_resolved.load(Ordering::Acquire))
    }

    /// Returns the last batch whose waiters should be woken.
    pub(super) fn notify_up_to(&self) -> BatchId {
        if self.ended.load(Ordering::Acquire) {
            BatchId(u64::MAX)
        } else {
            self.resolved()
        }
    }

    /// Returns the outcome of `batch`, `None` while it is pending.
    pub(super) fn status(&self, batch: BatchId) -> Option<Result<(), LedgerError>> {
        if batch > self.resolved() {
            // Read again after `ended`, for a batch resolved just before the end.
            let ended = self.ended.load(Ordering::Acquire) && batch > self.resolved();
            return ended.then_some(Err(LedgerError::OutcomeUnknown));
        }
        if batch.0 > self.last_failed.load(Ordering::Acquire) || batch == BatchId::NONE {
            return Some(Ok(()));
        }
        Some(lock(&self.failures).status(batch.0))
    }

    /// Marks everything up to `batch` as resolved; earlier failures remain.
    pub(super) fn commit(&self, batch: BatchId) {
        self.metrics.resolved();
        self.last_resolved.store(batch.0, Ordering::Release);
        self.notifiers.notify();
    }

    /// Marks the batches from `first` to `last` as failed, or as unknown.
    pub(super) fn fail(&self, first: BatchId, last: BatchId, error: &LedgerError) {
        self.metrics.failed();
        lock(&self.failures).add(first.0, last.0, error);
        self.last_failed.store(last.0, Ordering::Release);
        self.last_resolved.store(last.0, Ordering::Release);
        self.notifiers.notify();
    }

    /// Ends all waiting.
    pub(super) fn close(&self) {
        self.ended.store(true, Ordering::Release);
        self.notifiers.notify();
    }
}

impl FailedRanges {
    fn status(&self, batch: u64) -> Result<(), LedgerError> {
        let range = self.ranges.iter().rev().find(|range| range.first <= batch);
        match range {
            Some(range) if batch <= range.last => Err(range.error.clone()),
            None if batch <= self.unknown_up_to => Err(LedgerError::OutcomeUnknown),
            _ => Ok(()),
        }
    }

    fn add(&mut self, first: u64, last: u64, error: &LedgerError) {
        if let Some(range) = self.ranges.back_mut()
            && range.last.saturating_add(1) == first
            && range.error == *error
        {
            range.last = last;
            return;
        }
        if self.ranges.len() >= FAILURES_MAX
            && let Some(oldest) = self.ranges.pop_front()
        {
            self.unknown_up_to = oldest.last;
        }
        self.ranges.push_back(BatchRange {
            first,
            last,
            error: error.clone(),
        });
    }
}

#[derive(Debug, Default)]
pub(super) struct Notifiers(Mutex<Vec<Weak<Notifier>>>);

impl Notifiers {
    pub(super) fn register(&self) -> Arc<Notifier> {
        let notifier = Arc::new(Notifier::default());
        let mut notifiers = lock(&self.0);
        notifiers.retain(|notifier| notifier.strong_count() > 0);
        notifiers.push(Arc::downgrade(&notifier));
        notifier
    }

    /// Wakes all runtimes with waiting tasks; callable from any thread.
    pub(super) fn notify(&self) {
        for notifier in lock(&self.0).iter().filter_map(Weak::upgrade) {
            // An idle runtime is not woken: it would delay others.
            if !lock(&notifier.waiting).is_empty() {
                notifier.resolved_signal.notify_one();
            }
        }
    }
}

/// Wakers of the tasks of one runtime, by batch.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    waiting: Mutex<Vec<(BatchId, Waker)>>,
    /// Batches were resolved, and tasks wait.
    pub(super) resolved_signal: Notify,
    /// The committer is to be woken after the tasks that are ready have run.
    pub(super) flush_signal: Notify,
}

impl Notifier {
    /// Wakes `waker` when `batch` is resolved. Check the batch once more after registering.
    pub(super) fn wait(&self, batch: BatchId, waker: &Waker) {
        lock(&self.waiting).push((batch, waker.clone()));
    }

    pub(super) fn wake_up_to(&self, resolved: BatchId) {
        // One critical section, so that no notification is lost.
        let ready: Vec<_> = lock(&self.waiting)
            .extract_if(.., |(batch, _)| *batch <= resolved)
            .collect();
        for (_, waker) in ready {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake};

    use super::*;

    fn failure(reason: &str) -> LedgerError {
        LedgerError::NotExecuted {
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn a_batch_is_pending_then_committed_or_failed() {
        let progress = CommitProgress::default();
        assert_eq!(progress.status(BatchId::NONE), Some(Ok(())));
        assert_eq!(progress.status(BatchId(1)), None);
        progress.commit(BatchId(1));
        progress.fail(BatchId(2), BatchId(3), &failure("full"));
        progress.commit(BatchId(4));
        let statuses = [1, 2, 3, 4, 5].map(|batch| progress.status(BatchId(batch)));
        let failed = Some(Err(failure("full")));
        assert_eq!(
            statuses,
            [Some(Ok(())), failed.clone(), failed, Some(Ok(())), None]
        );
        progress.close();
        assert_eq!(progress.status(BatchId(4)), Some(Ok(())));
        assert_eq!(
            progress.status(BatchId(5)),
            Some(Err(LedgerError::OutcomeUnknown))
        );
    }

    #[test]
    fn failures_use_bounded_memory_and_never_read_as_committed() {
        let progress = CommitProgress::default();
        for batch in 1..100_000 {
            progress.fail(BatchId(batch), BatchId(batch), &failure("full"));
        }
        assert_eq!(lock(&progress.failures).ranges.len(), 1, "one long run");
        for batch in (100_001..110_000).step_by(2) {
            progress.commit(BatchId(batch - 1));
            progress.fail(BatchId(batch), BatchId(batch), &failure("full"));
        }
        assert_eq!(lock(&progress.failures).ranges.len(), FAILURES_MAX);
        assert_eq!(progress.status(BatchId(109_999)), Some(Err(failure("full"))));
        assert_eq!(progress.status(BatchId(109_998)), Some(Ok(())));
        assert_eq!(
            progress.status(BatchId(50_000)),
            Some(Err(LedgerError::OutcomeUnknown))
        );
    }

    /// Counts wake-ups.
    #[derive(Debug, Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn counted() -> (Arc<Woken>, Waker) {
        let woken = Arc::new(Woken::default());
        (Arc::clone(&woken), Waker::from(woken))
    }

    fn times(woken: &Woken) -> usize {
        woken.0.load(Ordering::SeqCst)
    }

    #[test]
    fn only_tasks_of_resolved_batches_and_their_runtimes_are_woken() {
        let notifiers = Notifiers::default();
        let (notifier, idle) = (notifiers.register(), notifiers.register());
        let mut signal = pin!(notifier.resolved_signal.notified());
        let mut idle_signal = pin!(idle.resolved_signal.notified());
        let ((thread, thread_waker), (other, other_waker)) = (counted(), counted());
        let [mut of_thread, mut of_other] = [&thread_waker, &other_waker].map(Context::from_waker);
        assert!(signal.as_mut().poll(&mut of_thread).is_pending());
        assert!(idle_signal.as_mut().poll(&mut of_other).is_pending());

        let (earlier, later) = (BatchId::NONE.next(), BatchId::NONE.next().next());
        let ((first, first_waker), (second, second_waker)) = (counted(), counted());
        notifier.wait(earlier, &first_waker);
        notifier.wait(later, &second_waker);
        for (batch, woken, expected) in [(earlier, 1, (1, 0)), (later, 2, (1, 1))] {
            notifiers.notify();
            assert_eq!(times(&thread), woken);
            assert!(signal.as_mut().poll(&mut of_thread).is_ready());
            notifier.wake_up_to(batch);
            assert_eq!((times(&first), times(&second)), expected, "{batch:?}");
            signal.set(notifier.resolved_signal.notified());
            assert!(signal.as_mut().poll(&mut of_thread).is_pending());
        }
        notifiers.notify();
        assert_eq!((times(&thread), times(&other)), (2, 0), "no task waits");
    }
}
