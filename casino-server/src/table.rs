//! The table: the one market, and those who watch it.
//!
//! Owns the pace of the market and the price in force as everybody sees it: one value, the newest wins. How the price
//! moves is the market's business, when it counts the ledger's; a seat that reads slowly sees fewer prices, and
//! nobody else notices.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_stream::wrappers::WatchStream;

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

    /// Moves the price through `queue`, once an interval, until the ledger takes no more. There is one for everybody.
    ///
    /// A tick that comes late moves the ones after it: the price never jumps to make up for lost time.
    pub(crate) async fn run_market(&self, queue: Queue) {
        let first = Instant::now()
            .checked_add(self.interval)
            .unwrap_or_else(Instant::now);
        let mut clock = interval_at(first, self.interval);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            clock.tick().await;
            match queue.tick().await {
                Ok(tick) => tracing::debug!(tick = tick.number, price = tick.price.get(), "tick"),
                Err(error @ LedgerError::NotExecuted { .. }) => {
                    tracing::warn!(%error, "the price stands still");
                }
                Err(LedgerError::Stopping | LedgerError::Unanswered) => return,
            }
        }
    }
}

impl Announcer {
    /// Makes `tick` the one in force for everybody who watches.
    pub(crate) fn announce(&self, tick: Tick) {
        self.0.send_replace(tick);
    }
}
