//! Ledger metrics, updated once per batch.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::store::Batch;

#[derive(Debug)]
pub(super) struct LedgerMetrics {
    batch_entries: Histogram,
    commit_time: Histogram,
    executed: Counter,
    payments: Counter,
    ticks: Counter,
    batches_failed: Counter,
    /// Malformed actions, and the rejected buys and sells of a shared ledger.
    rejected: AtomicU64,
    committing: AtomicUsize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LedgerGauges {
    /// Entries decided and not committed.
    pub(crate) queued: usize,
    /// Buys and sells rejected since the start.
    pub(crate) rejected: u64,
}

impl Default for LedgerMetrics {
    fn default() -> Self {
        Self {
            // 1 to 16,384 entries, the maximum.
            batch_entries: Histogram::new(exponential_buckets(1.0, 4.0, 8)),
            // 100 us to 1.6 s.
            commit_time: Histogram::new(exponential_buckets(0.000_1, 2.0, 15)),
            executed: Counter::default(),
            payments: Counter::default(),
            ticks: Counter::default(),
            batches_failed: Counter::default(),
            rejected: AtomicU64::new(0),
            committing: AtomicUsize::new(0),
        }
    }
}

impl LedgerMetrics {
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
            ("ticks", "Price changes on disk", &self.ticks),
            (
                "batches_failed",
                "Batches that could not be written; none of their actions counts",
                &self.batches_failed,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
    }

    pub(super) fn sealed(&self, batch: &Batch) {
        self.committing.store(batch.entries(), Ordering::Relaxed);
    }

    pub(super) fn committed(&self, batch: &Batch, took: Duration) {
        self.batch_entries.observe(measured(batch.entries()));
        self.commit_time.observe(took.as_secs_f64());
        self.executed.inc_by(counted(batch.trades.len()));
        self.payments.inc_by(counted(batch.payments.len()));
        self.ticks.inc_by(counted(batch.ticks.len()));
    }

    /// Counts a tick outside a batch.
    pub(super) fn ticked(&self) {
        self.ticks.inc();
    }

    pub(super) fn resolved(&self) {
        self.committing.store(0, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.batches_failed.inc();
        self.resolved();
    }

    pub(super) fn rejected(&self, orders: u64) {
        self.rejected.fetch_add(orders, Ordering::Relaxed);
    }

    /// `waiting` and `rejected` are those of the local batch, or of the queue of a shared ledger.
    pub(super) fn gauges(&self, waiting: usize, rejected: u64) -> LedgerGauges {
        LedgerGauges {
            queued: waiting.saturating_add(self.committing.load(Ordering::Relaxed)),
            rejected: rejected.saturating_add(self.rejected.load(Ordering::Relaxed)),
        }
    }
}

fn counted(entries: usize) -> u64 {
    u64::try_from(entries).unwrap_or(u64::MAX)
}

fn measured(entries: usize) -> f64 {
    u32::try_from(entries).map_or(f64::INFINITY, f64::from)
}
