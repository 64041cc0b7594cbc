//! The price feed: publishes the newest price to all sessions, encoded once. A slow session skips prices.

mod encode;
pub(crate) mod relay;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_stream::wrappers::IntervalStream;
use tokio_stream::{Stream, StreamExt};

use self::relay::{StallTimeout, WorkerRelay};
use crate::domain::market::Tick;
use crate::feed::price::encode::EncodedPrice;
use crate::feed::wakers::WakerGroups;
use crate::store::lock;

/// The price feed; cheap to clone. The ledger publishes a price after its commit.
#[derive(Debug, Clone)]
pub(crate) struct PriceFeed {
    state: Arc<PriceState>,
    interval: Duration,
}

/// The newest price and its subscribers.
#[derive(Debug)]
pub(crate) struct PriceState {
    /// Number of the newest price, so that a new one is detected without the lock.
    pub(crate) count: AtomicU64,
    newest: Mutex<LatestPrice>,
    pub(crate) subscribers: WakerGroups,
    /// Number of open sessions.
    pub(crate) sessions: AtomicUsize,
    pub(crate) lag: LagMetrics,
}

/// Counters of slow sessions, as [`PriceFeed::register`] describes them.
#[derive(Debug, Default)]
pub(crate) struct LagMetrics {
    pub(crate) sessions: Counter,
    pub(crate) prices: Counter,
    pub(crate) closed: Counter,
}

#[derive(Debug, Clone)]
pub(crate) struct LatestPrice {
    pub(crate) count: u64,
    tick: Tick,
    pub(crate) price: EncodedPrice,
}

impl PriceFeed {
    pub(crate) fn new(tick: Tick, interval: Duration) -> Self {
        const FIRST: u64 = 1;
        let newest = LatestPrice {
            count: FIRST,
            tick,
            price: encode::encode_price(tick, interval),
        };
        let state = Arc::new(PriceState {
            count: AtomicU64::new(FIRST),
            newest: Mutex::new(newest),
            subscribers: WakerGroups::default(),
            sessions: AtomicUsize::new(0),
            lag: LagMetrics::default(),
        });
        Self { state, interval }
    }

    /// Creates the relay of one runtime, which has to [run](WorkerRelay::run) it.
    pub(crate) fn subscribe(&self, stall_timeout: StallTimeout) -> Arc<WorkerRelay> {
        Arc::new(WorkerRelay::new(Arc::clone(&self.state), stall_timeout))
    }

    /// Returns the number of open sessions.
    pub(crate) fn sessions(&self) -> usize {
        self.state.sessions.load(Ordering::Relaxed)
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let lag = &self.state.lag;
        let lagged = "Streams that read too slowly and missed a price, each counted once";
        registry.register("seats_lagged", lagged, lag.sessions.clone());
        let skipped = "Prices missed by streams, in total";
        registry.register("prices_skipped", skipped, lag.prices.clone());
        let stalled = "Streams closed because their client read nothing for too long";
        registry.register("seats_closed", stalled, lag.closed.clone());
    }

    pub(crate) fn current(&self) -> Tick {
        lock(&self.state.newest).tick
    }

    /// Returns a stream of tick times, the first one interval from now. A late tick delays the following ones.
    pub(crate) fn ticks(&self) -> impl Stream<Item = ()> + use<> {
        let first = Instant::now()
            .checked_add(self.interval)
            .unwrap_or_else(Instant::now);
        let mut interval = interval_at(first, self.interval);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        IntervalStream::new(interval).map(drop)
    }

    pub(crate) fn publish(&self, tick: Tick) {
        let price = encode::encode_price(tick, self.interval);
        {
            let mut newest = lock(&self.state.newest);
            let count = newest.count.wrapping_add(1);
            *newest = LatestPrice { count, tick, price };
            self.state.count.store(count, Ordering::Release);
        }
        self.state.subscribers.notify();
    }
}

impl PriceState {
    /// Returns the newest price unless its number is `seen`.
    pub(crate) fn newer_than(&self, seen: u64) -> Option<LatestPrice> {
        (self.count.load(Ordering::Acquire) != seen).then(|| lock(&self.newest).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;
    use crate::domain::market::{Market, PriceModel};
    use crate::domain::money::{Price, UnixMillis};
    use crate::store::CommitError;
    use crate::testkit::manual_ledger::ManualLedger;
    use crate::testkit::memory::disk;

    /// Returns the last tick after `ticks` tries, the first `failures` of which find the disk full.
    async fn last_tick(ticks: usize, failures: usize, end: fn(&ManualLedger)) -> i64 {
        let market = Market::new(PriceModel::Classic, 1, Price::MIN, UnixMillis(0));
        let prices = PriceFeed::new(market.current, Duration::from_secs(1));
        let mut manual = ManualLedger::new(market, prices.clone());
        let full = || CommitError::Rejected(disk("is full"));
        let mut script = manual.script.failures.lock().unwrap();
        script.extend(std::iter::repeat_with(full).take(failures));
        drop(script);
        let ledger = manual.handle().clone();
        let ticks = tokio_stream::iter(std::iter::repeat_n((), ticks));
        let mut running = pin!(crate::server::ticker::run_ticker(&ledger, ticks, drop));
        end(&manual);
        while running.as_mut().now_or_never().is_none() {
            manual.flush().unwrap();
        }
        prices.current().number
    }

    #[tokio::test]
    async fn the_price_advances_once_per_tick() {
        assert_eq!(last_tick(3, 0, |_| {}).await, 3);
    }

    #[tokio::test]
    async fn the_ticker_survives_a_full_disk_and_ends_with_the_ledger() {
        assert_eq!(last_tick(3, 2, |_| {}).await, 1);
        assert_eq!(last_tick(3, 0, ManualLedger::close).await, 0);
        assert_eq!(last_tick(3, 0, ManualLedger::end).await, 0);
    }
}
