//! The table: the one market, and those who watch it.
//!
//! Owns the pace of the market and the price in force as everybody sees it: one value, the newest wins. How the price
//! moves is the market's business, when it counts the ledger's; a seat that reads slowly sees fewer prices, and
//! nobody else notices.

use std::{pin::pin, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{IntervalStream, WatchStream},
};

use crate::{
    ledger::{Books, LedgerError},
    market::Tick,
};

/// What a seat and the market's clock need to know of the table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    ticks: watch::Receiver<Tick>,
    interval: Duration,
}

/// Tells the table of a new price. There is one, and the ledger has it: a price counts when it is on disk.
#[derive(Debug)]
pub(crate) struct Announcer(watch::Sender<Tick>);

impl Table {
    /// A table at `tick`, whose price will move every `interval`.
    pub(crate) fn new(tick: Tick, interval: Duration) -> (Self, Announcer) {
        let (announcer, ticks) = watch::channel(tick);
        (Self { ticks, interval }, Announcer(announcer))
    }

    /// The tick in force at once, then the newest whenever there is a newer one.
    pub(crate) fn watch(&self) -> WatchStream<Tick> {
        WatchStream::new(self.ticks.clone())
    }

    /// The tick in force.
    #[cfg(test)]
    pub(crate) fn current(&self) -> Tick {
        *self.ticks.borrow()
    }

    /// Time between two ticks.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
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

/// Moves the price in `books`, once a beat, until the ledger takes no more. There is one such clock for
/// everybody: how many watch does not matter to it.
pub(crate) async fn run_market(books: &Books, beats: impl Stream<Item = ()>) {
    let mut beats = pin!(beats);
    while beats.next().await.is_some() {
        match books.tick().await {
            Ok(tick) => tracing::debug!(tick = tick.number, price = tick.price.get(), "tick"),
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
        self.0.send_replace(tick);
    }
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
        let mut running = pin!(run_market(&books, beats));
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
