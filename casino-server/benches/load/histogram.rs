//! Latency histogram with 32 buckets per power of two, so percentiles are accurate to 3 %.

use std::time::Duration;

const STEPS: usize = 32;
const BUCKETS: usize = 64 * STEPS;

/// A histogram of latencies.
#[derive(Clone)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: vec![0; BUCKETS],
            count: 0,
        }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, latency: Duration) {
        let nanos = (latency.as_nanos() as u64).max(1);
        let doubling = 63 - nanos.leading_zeros() as usize;
        let step = if doubling >= 5 {
            (nanos >> (doubling - 5)) as usize & (STEPS - 1)
        } else {
            0
        };
        self.buckets[doubling * STEPS + step] += 1;
        self.count += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
    }

    /// Returns the latency below which `per_mille` of all values lie.
    pub(crate) fn percentile(&self, per_mille: u64) -> Duration {
        let rank = (self.count * per_mille).div_ceil(1000);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank && seen > 0 {
                let (doubling, step) = (index / STEPS, index % STEPS);
                let nanos = if doubling >= 5 {
                    ((STEPS + step) as u64 + 1) << (doubling - 5)
                } else {
                    1 << doubling
                };
                return Duration::from_nanos(nanos);
            }
        }
        Duration::ZERO
    }
}
