//! The thread that commits batches, and the publication of what is committed.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::batch::SealedBatch;
use super::local::LocalLedger;
use super::{CommitObserver, LedgerError, LedgerFailure, MarketState};
use crate::domain::market::Tick;
use crate::domain::round::Round;
use crate::store::outage::Outage;
use crate::store::{CommitError, OnDrop, Store, lock};

pub(crate) struct Committer {
    ledger: Arc<LocalLedger>,
    store: Box<dyn Store>,
    published: Published,
    outage: Outage,
}

impl Committer {
    pub(crate) fn new(ledger: Arc<LocalLedger>, store: Box<dyn Store>, published: Published) -> Self {
        Self {
            ledger,
            store,
            published,
            outage: Outage::default(),
        }
    }

    /// Runs until the ledger is closed and everything is committed, or until the outcome of a commit is unknown.
    pub(super) fn run(mut self) -> Result<(), LedgerFailure> {
        let ledger = Arc::clone(&self.ledger);
        // Fails the waiting orders when the thread ends.
        let _ending = OnDrop(|| ledger.shut_down());
        while let Some(sealed) = self.ledger.next_batch() {
            self.commit(&sealed)?;
        }
        self.store
            .close()
            .map_err(|error| LedgerFailure::Close(Box::new(error)))
    }

    /// Commits a batch. Nothing is published before the commit, and the newest tick before the trades at its price.
    pub(crate) fn commit(&mut self, sealed: &SealedBatch) -> Result<(), LedgerFailure> {
        let (started, batch) = (Instant::now(), &sealed.batch);
        match self.store.commit(batch) {
            Ok(()) => {
                let metrics = &self.ledger.progress.metrics;
                metrics.committed(batch, started.elapsed());
                self.outage.log_success("batches are written again");
                self.published.set_ticks(batch.ticks.last());
                self.published.set_round(batch.rounds.last());
                self.ledger.progress.commit(sealed.sequence);
                self.published.observer.on_batch(batch);
                Ok(())
            }
            Err(CommitError::Rejected(error)) => {
                self.outage.log_failure(&error, "a batch was not written");
                let MarketState { market, round, .. } = self.published.state();
                self.ledger
                    .rolled_back(sealed.sequence, market, round, &LedgerError::from(error));
                Ok(())
            }
            // Report no outcome: it is unknown.
            Err(error @ CommitError::Unknown(_)) => Err(LedgerFailure::CommitUnknown(Box::new(error))),
        }
    }
}

/// Publishes each tick and each change of the round once, in order.
#[derive(Debug)]
pub(crate) struct Published {
    pub(super) observer: Box<dyn CommitObserver>,
    /// The observer is called under the lock, so that concurrent callers publish in order.
    state: Mutex<MarketState>,
}

impl Published {
    pub(crate) fn new(state: MarketState, observer: Box<dyn CommitObserver>) -> Self {
        Self {
            observer,
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MarketState {
        lock(&self.state).clone()
    }

    /// Publishes the ticks that are new; oldest first.
    pub(super) fn set_ticks<'a>(&self, ticks: impl IntoIterator<Item = &'a Tick>) {
        let mut state = lock(&self.state);
        for tick in ticks {
            if tick.number > state.market.current.number {
                state.market.current = *tick;
                self.observer.on_tick(*tick);
            }
        }
    }

    /// Publishes the newest round, if it has changed.
    pub(super) fn set_round(&self, newest: Option<&Round>) {
        let mut state = lock(&self.state);
        if let Some(newest) = newest
            && *state.round != *newest
        {
            state.round = Arc::new(newest.clone());
            self.observer.on_round(&state.round);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::market::{Market, PriceModel};
    use crate::domain::money::{Price, UnixMillis};
    use crate::feed::price::PriceFeed;

    #[test]
    fn each_tick_is_published_once_and_in_order() {
        let mut market = Market::new(PriceModel::Classic, 1, Price::MIN, UnixMillis(0));
        let prices = PriceFeed::new(market.current, Duration::from_secs(1));
        let observer = crate::testkit::price_observer(prices.clone());
        let published = Published::new(market.into(), observer);
        let mut ticks = Vec::new();
        for at in 1..=4 {
            market = market.next(UnixMillis(at)).unwrap();
            ticks.push(market.current);
        }
        for (ticks_seen, newest) in [
            (&ticks[..2], 1),
            (&ticks[..1], 1),
            (&ticks[1..4], 3),
            (&ticks[..0], 3),
        ] {
            published.set_ticks(ticks_seen);
            assert_eq!(prices.current(), ticks[newest]);
            assert_eq!(published.state().market.current, ticks[newest]);
        }
    }
}
