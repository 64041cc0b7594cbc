//! The seats of one runtime: woken all together, from inside, when there is news, and looked after all together.

mod pulse;

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Context,
    time::Duration,
};

use awesomestock_proto::serving::Line;
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

#[cfg(test)]
pub(crate) use self::pulse::PATIENCE;
pub(crate) use self::pulse::Patience;
use self::pulse::{Attention, Due, Pulse};
use super::{News, lock};
use crate::{watching::Watching, wire::PreparedPrice};

/// What a watcher has heard of before its first price.
const NOTHING: u64 = 0;

/// Those who watch the table in one runtime.
#[derive(Debug)]
pub(crate) struct Audience {
    news: Arc<News>,
    rung: Notify,
    stopped: AtomicBool,
    watching: Mutex<Watching>,
    seats: AtomicUsize,
    attention: Mutex<Vec<Attention>>,
    patience: Patience,
}

/// One who watches: hears of the newest price, and of the word to stop.
#[derive(Debug)]
pub(crate) struct Watcher {
    audience: Arc<Audience>,
    heard: u64,
    /// It has missed a price before.
    lagged: bool,
    place: Option<usize>,
    pulse: Arc<Pulse>,
}

impl Audience {
    pub(super) fn new(news: Arc<News>, patience: Patience) -> Self {
        Self {
            news,
            rung: Notify::new(),
            stopped: AtomicBool::new(false),
            watching: Mutex::default(),
            seats: AtomicUsize::new(0),
            attention: Mutex::default(),
            patience,
        }
    }

    /// Somebody who has heard of nothing yet, and who listens at the end of `line`.
    pub(crate) fn watcher(self: &Arc<Self>, line: Option<Line>) -> Watcher {
        let pulse = Arc::new(Pulse::default());
        lock(&self.attention).push(Attention::new(&pulse, line));
        self.seats.fetch_add(1, Ordering::Relaxed);
        Watcher {
            audience: Arc::clone(self),
            heard: NOTHING,
            lagged: false,
            place: None,
            pulse,
        }
    }

    /// How long a client may read nothing.
    pub(crate) fn patience(&self) -> Duration {
        self.patience.0
    }

    /// How many watch.
    pub(super) fn seats(&self) -> usize {
        self.seats.load(Ordering::Relaxed)
    }

    /// Wakes everybody when there is news, and at the word to stop, and looks after those who do not listen; to be
    /// polled in the runtime of those who watch.
    pub(crate) async fn listen(&self, stop: &CancellationToken) -> Infallible {
        let mut sweeps = interval(self.patience.sweep());
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.rung.notified() => {}
                () = stop.cancelled(), if !self.has_stopped() => self.stopped.store(true, Ordering::Release),
                _ = sweeps.tick() => {
                    self.sweep();
                    continue;
                }
            }
            self.wake();
        }
    }

    /// Says, from any thread, that there is news.
    pub(super) fn ring(&self) {
        self.rung.notify_one();
    }

    /// Says the word to stop, as a listener would.
    #[cfg(test)]
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wake();
    }

    fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn wake(&self) {
        lock(&self.watching).wake();
    }

    /// Looks once at everybody: has those give a sign who have been quiet, and closes those who cannot.
    pub(crate) fn sweep(&self) {
        let mut asked = false;
        lock(&self.attention).retain_mut(|attention| {
            let due = attention.look();
            match due {
                Due::Nothing | Due::Forget => {}
                // All at once: who is quiet together is asked together.
                Due::Sign => asked = true,
                Due::Close => {
                    self.news.lag.closed.fetch_add(1, Ordering::Relaxed);
                }
            }
            due != Due::Forget
        });
        if asked {
            self.wake();
        }
    }
}

impl Watcher {
    /// Gives the sign that what it hears is wanted: its client takes what is written.
    pub(crate) fn give_sign(&self) {
        self.pulse.beat();
    }

    /// How long its client has read nothing, if that is longer than anybody is waited for.
    pub(crate) fn overdue(&self) -> Option<Duration> {
        self.pulse.is_given_up().then_some(self.audience.patience.0)
    }

    /// The newest price, if it is news.
    pub(crate) fn news(&mut self) -> Option<PreparedPrice> {
        let newest = self.audience.news.after(self.heard)?;
        let skipped = newest.count.wrapping_sub(self.heard).saturating_sub(1);
        if self.heard != NOTHING && skipped > 0 {
            self.lag(skipped);
        }
        self.heard = newest.count;
        Some(newest.price)
    }

    /// Counts the prices that it has missed.
    fn lag(&mut self, skipped: u64) {
        let lag = &self.audience.news.lag;
        lag.prices.fetch_add(skipped, Ordering::Relaxed);
        if !self.lagged {
            self.lagged = true;
            lag.seats.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The word to stop has been said.
    pub(crate) fn has_stopped(&self) -> bool {
        self.audience.has_stopped()
    }

    /// Has the task of `cx` woken at the next news. Says whether there is any by now, which wakes nobody any more.
    pub(crate) fn wait(&mut self, cx: &Context<'_>) -> bool {
        lock(&self.audience.watching).wait(&mut self.place, cx.waker());
        self.audience.news.count.load(Ordering::Acquire) != self.heard
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.audience.seats.fetch_sub(1, Ordering::Relaxed);
        let gone = lock(&self.audience.watching).leave(&mut self.place);
        // Outside the lock: it may be the last that holds its task.
        drop(gone);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::AtomicUsize,
        task::{Wake, Waker},
        time::Duration,
    };

    use super::*;
    use crate::{
        market::Tick,
        quantity::{Price, UnixMillis},
        table::Table,
    };

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn tick(number: i64) -> Tick {
        Tick {
            number,
            price: Price::MIN,
            at: UnixMillis(0),
        }
    }

    #[test]
    fn who_watches_is_woken_and_who_left_is_forgotten() {
        let (table, announcer) = Table::new(tick(0), Duration::from_secs(1));
        let audience = table.audience(PATIENCE);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = Context::from_waker(&waker);
        let mut seats: Vec<_> = (0..10).map(|_| audience.watcher(None)).collect();
        for seat in &mut seats {
            assert!(seat.wait(&cx), "the price in force is news to a new seat");
            assert!(seat.news().is_some() && seat.news().is_none());
            assert!(!seat.wait(&cx));
        }
        announcer.announce(tick(1));
        audience.wake();
        assert_eq!(woken.0.load(Ordering::SeqCst), 10);
        assert!(
            seats
                .iter_mut()
                .all(|seat| seat.wait(&cx) && seat.news().is_some())
        );
        seats.truncate(3);
        audience.stop();
        assert_eq!(woken.0.load(Ordering::SeqCst), 13);
        assert!(seats.iter().all(Watcher::has_stopped));
        for _ in 0..100 {
            audience.watcher(None).wait(&cx);
        }
        assert_eq!(lock(&audience.watching).places(), 10, "places are used again");
    }

    #[test]
    fn who_misses_prices_is_counted_once_and_the_prices_each() {
        let (table, announcer) = Table::new(tick(0), Duration::from_secs(1));
        let audience = table.audience(PATIENCE);
        let gauges = table.gauges();
        let lag = || (gauges().seats_lagged, gauges().prices_skipped);
        let mut seat = audience.watcher(None);
        announcer.announce(tick(1));
        assert!(seat.news().is_some());
        assert_eq!(lag(), (0, 0), "what was before it sat down it has not missed");
        for (missed, expected) in [(0, (0, 0)), (2, (1, 2)), (3, (1, 5))] {
            for number in 0..=missed {
                announcer.announce(tick(number));
            }
            assert!(seat.news().is_some());
            assert_eq!(lag(), expected);
        }
    }
}
