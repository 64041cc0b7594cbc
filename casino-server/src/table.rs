//! The table: the one market, and those who watch it.
//!
//! Owns the pace of the market and the price in force as everybody sees it: one value, the newest wins, encoded once
//! for all. How the price moves is the market's business, when it counts the ledger's; a seat that reads slowly sees
//! fewer prices, and nobody else notices.

mod audience;
mod players;

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_stream::{Stream, StreamExt, wrappers::IntervalStream};

#[cfg(test)]
pub(crate) use self::audience::PATIENCE;
pub(crate) use self::{
    audience::{Audience, Patience, Watcher},
    players::{NoSeat, Players, Seated, Seating},
};
use crate::{
    ledger::{Books, LedgerError},
    market::Tick,
    wire::{self, PreparedPrice},
};

/// What the market's clock and the seats' audiences need to know of the table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    news: Arc<News>,
    interval: Duration,
}

/// Tells the table of a new price. There is one, and the ledger has it: a price counts when it is on disk.
#[derive(Debug)]
pub(crate) struct Announcer {
    news: Arc<News>,
    interval: Duration,
}

/// The newest price, and who is to hear of it.
#[derive(Debug)]
struct News {
    /// Counts the announcements, so that a look without a lock tells whether there is a new one.
    count: AtomicU64,
    newest: Mutex<Newest>,
    audiences: Mutex<Vec<Weak<Audience>>>,
    lag: Lag,
}

/// How far seats have stayed behind the price, all together and since the beginning.
#[derive(Debug, Default)]
struct Lag {
    /// Seats that have missed a price, each counted once.
    seats: AtomicU64,
    /// Prices that they have missed, all together.
    prices: AtomicU64,
    /// Seats whose clients read nothing, and that were given up.
    closed: AtomicU64,
}

/// What can be seen of the table now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableGauges {
    /// Open seats.
    pub(crate) seats: usize,
    /// Seats that have missed a price, since the beginning.
    pub(crate) seats_lagged: u64,
    /// Prices that seats have missed, since the beginning.
    pub(crate) prices_skipped: u64,
    /// Seats closed because their clients read nothing, since the beginning.
    pub(crate) seats_closed: u64,
}

/// A price as it was announced.
#[derive(Debug, Clone)]
struct Newest {
    count: u64,
    #[cfg(test)]
    tick: Tick,
    price: PreparedPrice,
}

impl Table {
    /// A table at `tick`, whose price will move every `interval`.
    pub(crate) fn new(tick: Tick, interval: Duration) -> (Self, Announcer) {
        const FIRST: u64 = 1;
        let newest = Newest {
            count: FIRST,
            #[cfg(test)]
            tick,
            price: wire::prepared_price(tick, interval),
        };
        let news = Arc::new(News {
            count: AtomicU64::new(FIRST),
            newest: Mutex::new(newest),
            audiences: Mutex::default(),
            lag: Lag::default(),
        });
        let announcer = Announcer {
            news: Arc::clone(&news),
            interval,
        };
        (Self { news, interval }, announcer)
    }

    /// Those who watch in one runtime, which has to [listen](Audience::listen) for them, and has `patience` with them.
    pub(crate) fn audience(&self, patience: Patience) -> Arc<Audience> {
        let audience = Arc::new(Audience::new(Arc::clone(&self.news), patience));
        let mut audiences = lock(&self.news.audiences);
        audiences.retain(|audience| audience.strong_count() > 0);
        audiences.push(Arc::downgrade(&audience));
        audience
    }

    /// What those who run the casino are told of the table, whenever they ask.
    pub(crate) fn gauges(&self) -> impl Fn() -> TableGauges + Send + Sync + 'static {
        let news = Arc::clone(&self.news);
        move || {
            let audiences: Vec<_> = lock(&news.audiences).iter().filter_map(Weak::upgrade).collect();
            TableGauges {
                seats: audiences
                    .iter()
                    .fold(0, |sum, audience| sum.saturating_add(audience.seats())),
                seats_lagged: news.lag.seats.load(Ordering::Relaxed),
                prices_skipped: news.lag.prices.load(Ordering::Relaxed),
                seats_closed: news.lag.closed.load(Ordering::Relaxed),
            }
        }
    }

    /// The tick in force.
    #[cfg(test)]
    pub(crate) fn current(&self) -> Tick {
        lock(&self.news.newest).tick
    }

    /// When the price moves: once an interval, the first time an interval from now.
    ///
    /// A beat that comes late moves the ones after it: the price never jumps to make up for lost time.
    pub(crate) fn beats(&self) -> impl Stream<Item = ()> + use<> {
        let first = Instant::now()
            .checked_add(self.interval)
            .unwrap_or_else(Instant::now);
        let mut clock = interval_at(first, self.interval);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        IntervalStream::new(clock).map(drop)
    }
}

/// Moves the price in `books`, once a beat, until the ledger takes no more, and shows each tick it moved to `window`,
/// which waits for nothing. There is one such clock for everybody: how many watch does not matter to it.
pub(crate) async fn run_market(books: &Books, beats: impl Stream<Item = ()>, window: impl Fn(Tick)) {
    let mut beats = pin!(beats);
    while beats.next().await.is_some() {
        match books.tick().await {
            Ok(Some(tick)) => {
                tracing::debug!(tick = tick.number, price = tick.price.get(), "tick");
                window(tick);
            }
            // Another casino leads the market.
            Ok(None) => {}
            Err(error @ LedgerError::NotExecuted { .. }) => {
                tracing::warn!(%error, "the price stands still");
            }
            Err(LedgerError::Stopping | LedgerError::Unanswered) => return,
        }
    }
}

impl Announcer {
    /// Makes `tick` the one in force for everybody who watches.
    pub(crate) fn announce(&self, tick: Tick) {
        let price = wire::prepared_price(tick, self.interval);
        {
            let mut newest = lock(&self.news.newest);
            let count = newest.count.wrapping_add(1);
            *newest = Newest {
                count,
                #[cfg(test)]
                tick,
                price,
            };
            self.news.count.store(count, Ordering::Release);
        }
        for audience in lock(&self.news.audiences).iter().filter_map(Weak::upgrade) {
            audience.ring();
        }
    }
}

impl News {
    /// The newest announcement, unless it is the one numbered `heard`.
    fn after(&self, heard: u64) -> Option<Newest> {
        (self.count.load(Ordering::Acquire) != heard).then(|| lock(&self.newest).clone())
    }
}

/// What these locks hold is whole whatever happened to a thread that held one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::{
        ledger::by_hand::ByHand,
        market::{Market, Model},
        quantity::{Price, UnixMillis},
        store::{CommitError, scripted::disk},
    };

    /// How far the price moves in `beats` beats, when the disk is full at the first `failures` of them.
    async fn moved(beats: usize, failures: usize, end: fn(&ByHand)) -> i64 {
        let market = Market::open(Model::Classic, 1, Price::MIN, UnixMillis(0));
        let (table, announcer) = Table::new(market.current, Duration::from_secs(1));
        let mut hand = ByHand::new(market, announcer);
        let full = || CommitError::NotWritten(disk("is full"));
        let mut script = hand.script.failures.lock().unwrap();
        script.extend(std::iter::repeat_with(full).take(failures));
        drop(script);
        let books = hand.books().clone();
        let beats = tokio_stream::iter(std::iter::repeat_n((), beats));
        let mut running = pin!(run_market(&books, beats, drop));
        end(&hand);
        while running.as_mut().now_or_never().is_none() {
            hand.flush().unwrap();
        }
        table.current().number
    }

    #[tokio::test]
    async fn the_price_moves_once_a_beat() {
        assert_eq!(moved(3, 0, |_| {}).await, 3);
    }

    #[tokio::test]
    async fn a_full_disk_stops_no_clock_but_an_ended_ledger_does() {
        assert_eq!(moved(3, 2, |_| {}).await, 1);
        assert_eq!(moved(3, 0, ByHand::close).await, 0);
        assert_eq!(moved(3, 0, ByHand::end).await, 0);
    }
}
