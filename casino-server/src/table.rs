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
    ledger::{LedgerError, Queue},
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

/// Moves the price through `queue`, once a beat, until the ledger takes no more. There is one such clock for
/// everybody: how many watch does not matter to it.
pub(crate) async fn run_market(queue: Queue, beats: impl Stream<Item = ()>) {
    let mut beats = pin!(beats);
    while beats.next().await.is_some() {
        match queue.tick().await {
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
    use super::*;
    use crate::{
        ledger::Request,
        quantity::{Price, UnixMillis},
    };

    const TICK: Tick = Tick {
        number: 1,
        price: Price::MIN,
        at: UnixMillis(0),
    };

    /// How many ticks are asked for in `beats` beats, when they are answered so.
    async fn asked(beats: usize, answer: impl Fn() -> Result<Tick, LedgerError>) -> usize {
        let (queue, mut requests) = Queue::answered_by_hand(10);
        let answering = async {
            let mut asked = 0;
            while let Some(Request::Tick { reply }) = requests.recv().await {
                asked += 1;
                reply.send(answer()).unwrap();
            }
            asked
        };
        let beats = tokio_stream::iter(std::iter::repeat_n((), beats));
        tokio::join!(run_market(queue, beats), answering).1
    }

    #[tokio::test]
    async fn the_price_moves_once_a_beat() {
        assert_eq!(asked(3, || Ok(TICK)).await, 3);
    }

    #[tokio::test]
    async fn a_full_disk_stops_no_clock_but_an_ended_ledger_does() {
        let full = || {
            Err(LedgerError::NotExecuted {
                reason: "is full".to_owned(),
            })
        };
        assert_eq!(asked(3, full).await, 3);
        assert_eq!(asked(3, || Err(LedgerError::Stopping)).await, 1);
        assert_eq!(asked(3, || Err(LedgerError::Unanswered)).await, 1);
    }
}
