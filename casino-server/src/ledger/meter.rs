//! What is counted of the ledger's work: once a batch by its flusher, never once an action.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use prometheus_client::{
    metrics::{
        counter::Counter,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::store::Batch;

/// The counters, each since the beginning.
#[derive(Debug)]
pub(super) struct Meter {
    batch_entries: Histogram,
    commit_time: Histogram,
    executed: Counter,
    payments: Counter,
    ticks: Counter,
    batches_failed: Counter,
    /// Actions that could not be put to the ledger.
    malformed: AtomicU64,
    /// Entries of the batch that is being committed.
    committing: AtomicUsize,
}

/// What can be seen of the ledger at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gauges {
    /// Trades, payments and ticks that are decided and not settled.
    pub(crate) queued: usize,
    /// Actions refused since the beginning.
    pub(crate) refused: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            // 1 to 16,384: a batch takes no more.
            batch_entries: Histogram::new(exponential_buckets(1.0, 4.0, 8)),
            // 100 us to 1.6 s.
            commit_time: Histogram::new(exponential_buckets(0.000_1, 2.0, 15)),
            executed: Counter::default(),
            payments: Counter::default(),
            ticks: Counter::default(),
            batches_failed: Counter::default(),
            malformed: AtomicU64::new(0),
            committing: AtomicUsize::new(0),
        }
    }
}

impl Meter {
    /// Enters the counters under their names.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "batch_entries",
            "Trades, payments and ticks in one commit",
            self.batch_entries.clone(),
        );
        registry.register_with_unit(
            "commit",
            "Time of one commit, until its batch is on disk",
            Unit::Seconds,
            self.commit_time.clone(),
        );
        for (name, help, counter) in [
            ("actions_executed", "Buys and sells on disk", &self.executed),
            ("payments", "Deposits and withdrawals on disk", &self.payments),
            ("ticks", "Moves of the price on disk", &self.ticks),
            (
                "batches_failed",
                "Batches that the disk refused; nothing of them counts",
                &self.batches_failed,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
    }

    /// The flusher has taken `batch`.
    pub(super) fn taken(&self, batch: &Batch) {
        self.committing.store(batch.entries(), Ordering::Relaxed);
    }

    /// `batch` is on disk.
    pub(super) fn committed(&self, batch: &Batch, took: Duration) {
        self.batch_entries.observe(measured(batch.entries()));
        self.commit_time.observe(took.as_secs_f64());
        self.executed.inc_by(counted(batch.trades.len()));
        self.payments.inc_by(counted(batch.payments.len()));
        self.ticks.inc_by(counted(batch.ticks.len()));
    }

    /// The price has moved by itself, in no batch.
    pub(super) fn ticked(&self) {
        self.ticks.inc();
    }

    /// What became of the batch that was taken is known.
    pub(super) fn settled(&self) {
        self.committing.store(0, Ordering::Relaxed);
    }

    /// The disk has refused the batch that was taken.
    pub(super) fn failed(&self) {
        self.batches_failed.inc();
        self.settled();
    }

    /// An action named nobody, or asked for what there is not.
    pub(super) fn malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    /// What can be seen while `waiting` entries wait for the flusher, after `refused` refusals.
    pub(super) fn gauges(&self, waiting: usize, refused: u64) -> Gauges {
        Gauges {
            queued: waiting.saturating_add(self.committing.load(Ordering::Relaxed)),
            refused: refused.saturating_add(self.malformed.load(Ordering::Relaxed)),
        }
    }
}

fn counted(entries: usize) -> u64 {
    u64::try_from(entries).unwrap_or(u64::MAX)
}

fn measured(entries: usize) -> f64 {
    u32::try_from(entries).map_or(f64::INFINITY, f64::from)
}
