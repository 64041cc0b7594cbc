//! Wakes the sessions of one runtime from a task in that runtime: a price crosses threads once per runtime.

mod stall;

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use awesomestock_proto::server::ConnectionHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

pub(crate) use self::stall::StallTimeout;
use self::stall::{Heartbeat, StallAction, StallDetector};
use crate::feed::price::PriceState;
use crate::feed::price::encode::EncodedPrice;
use crate::feed::wakers::{RegisteredWaker, WakerGroup};
use crate::store::lock;

/// A price number below the first.
const NONE_SEEN: u64 = 0;

/// The price subscribers of one runtime.
#[derive(Debug)]
pub(crate) struct WorkerRelay {
    state: Arc<PriceState>,
    wakers: Arc<WakerGroup>,
    stopped: AtomicBool,
    detectors: Mutex<Vec<StallDetector>>,
    stall_timeout: StallTimeout,
}

/// A session's subscription to the price and to the shutdown.
#[derive(Debug)]
pub(crate) struct PriceSubscriber {
    relay: Arc<WorkerRelay>,
    seen: u64,
    /// It missed a price before.
    lagged: bool,
    waker: RegisteredWaker,
    heartbeat: Arc<Heartbeat>,
}

impl WorkerRelay {
    pub(crate) fn new(state: Arc<PriceState>, stall_timeout: StallTimeout) -> Self {
        Self {
            wakers: state.subscribers.group(),
            state,
            stopped: AtomicBool::new(false),
            detectors: Mutex::default(),
            stall_timeout,
        }
    }

    /// Subscribes a session on `connection`, which is closed if the session stalls.
    pub(crate) fn subscribe(self: &Arc<Self>, connection: Option<ConnectionHandle>) -> PriceSubscriber {
        let heartbeat = Arc::new(Heartbeat::default());
        lock(&self.detectors).push(StallDetector::new(&heartbeat, connection));
        self.state.sessions.fetch_add(1, Ordering::Relaxed);
        PriceSubscriber {
            relay: Arc::clone(self),
            seen: NONE_SEEN,
            lagged: false,
            waker: self.wakers.waker(),
            heartbeat,
        }
    }

    /// Wakes all subscribers for a new price and for `stop`, and sweeps for stalled ones. Must run in their runtime.
    pub(crate) async fn run(&self, stop: &CancellationToken) -> Infallible {
        let mut sweeps = interval(self.stall_timeout.sweep());
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.wakers.notified() => {}
                () = stop.cancelled(), if !self.has_stopped() => self.stopped.store(true, Ordering::Release),
                _ = sweeps.tick() => {
                    self.check_stalled();
                    continue;
                }
            }
            self.wakers.wake_all();
        }
    }

    #[cfg(test)]
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wakers.wake_all();
    }

    fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Sweeps once for stalled sessions.
    pub(crate) fn check_stalled(&self) {
        let mut probe = false;
        lock(&self.detectors).retain_mut(|detector| {
            let action = detector.check();
            probe |= action == StallAction::Probe;
            if action == StallAction::Close {
                self.state.lag.closed.inc();
            }
            action != StallAction::Forget
        });
        if probe {
            self.wakers.wake_all();
        }
    }
}

impl PriceSubscriber {
    /// Records that the session was polled, so its client reads.
    pub(crate) fn touch(&self) {
        self.heartbeat.touch();
    }

    /// Returns the stall timeout if the session exceeded it.
    pub(crate) fn stalled_for(&self) -> Option<Duration> {
        self.heartbeat.is_stalled().then_some(self.relay.stall_timeout.0)
    }

    /// Returns the newest price if it was not returned before.
    pub(crate) fn changed(&mut self) -> Option<EncodedPrice> {
        let newest = self.relay.state.newer_than(self.seen)?;
        let skipped = newest.count.wrapping_sub(self.seen).saturating_sub(1);
        if self.seen != NONE_SEEN && skipped > 0 {
            let lag = &self.relay.state.lag;
            lag.prices.inc_by(skipped);
            if !self.lagged {
                self.lagged = true;
                lag.sessions.inc();
            }
        }
        self.seen = newest.count;
        Some(newest.price)
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.relay.has_stopped()
    }

    /// Registers the task of `cx` for the next price. Returns true if one is available already, which does not wake.
    pub(crate) fn register_waker(&mut self, cx: &Context<'_>) -> bool {
        self.waker.register(cx);
        self.relay.state.count.load(Ordering::Acquire) != self.seen
    }
}

impl Drop for PriceSubscriber {
    fn drop(&mut self) {
        self.relay.state.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::{Wake, Waker};
    use std::time::Duration;

    use super::*;
    use crate::domain::market::Tick;
    use crate::feed::price::PriceFeed;
    use crate::testkit::values;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn tick(number: i64) -> Tick {
        values::tick(number, 1, 0)
    }

    #[test]
    fn subscribers_are_woken_and_freed_slots_are_reused() {
        let prices = PriceFeed::new(tick(0), Duration::from_secs(1));
        let relay = prices.subscribe(StallTimeout::DEFAULT);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = Context::from_waker(&waker);
        let mut subscribers: Vec<_> = (0..10).map(|_| relay.subscribe(None)).collect();
        for subscriber in &mut subscribers {
            assert!(
                subscriber.register_waker(&cx),
                "the current price is new to a subscriber"
            );
            assert!(subscriber.changed().is_some() && subscriber.changed().is_none());
            assert!(!subscriber.register_waker(&cx));
        }
        prices.publish(tick(1));
        relay.wakers.wake_all();
        assert_eq!(woken.0.load(Ordering::SeqCst), 10);
        assert!(
            subscribers
                .iter_mut()
                .all(|subscriber| subscriber.register_waker(&cx) && subscriber.changed().is_some())
        );
        subscribers.truncate(3);
        relay.stop();
        assert_eq!(woken.0.load(Ordering::SeqCst), 13);
        assert!(subscribers.iter().all(PriceSubscriber::has_stopped));
        for _ in 0..100 {
            relay.subscribe(None).register_waker(&cx);
        }
        assert_eq!(relay.wakers.slots(), 10, "freed slots are reused");
    }

    #[test]
    fn a_lagging_session_counts_once_and_each_missed_price_counts() {
        let prices = PriceFeed::new(tick(0), Duration::from_secs(1));
        let relay = prices.subscribe(StallTimeout::DEFAULT);
        let lag = || (relay.state.lag.sessions.get(), relay.state.lag.prices.get());
        let mut subscriber = relay.subscribe(None);
        prices.publish(tick(1));
        assert!(subscriber.changed().is_some());
        assert_eq!(lag(), (0, 0), "earlier prices are not missed");
        for (missed, expected) in [(0, (0, 0)), (2, (1, 2)), (3, (1, 5))] {
            for number in 0..=missed {
                prices.publish(tick(number));
            }
            assert!(subscriber.changed().is_some());
            assert_eq!(lag(), expected);
        }
    }
}
