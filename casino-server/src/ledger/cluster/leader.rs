//! Ticks of a clustered market: one server moves the price, all publish it in order.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use super::{ChangedRound, ClusterLedger, ControlRequest, TickOutcome};
use crate::config::clock::Clock;
use crate::domain::credential::Claim;
use crate::domain::market::{Market, Tick};
use crate::domain::round::{Round, RoundCommand};
use crate::ledger::{CommitObserver, LedgerError};
use crate::store::cluster::{ClusterStore, LeaseOutcome};
use crate::store::outage::Outage;
use crate::store::{StoreError, lock};

/// Publishes each tick once, in order.
#[derive(Debug)]
pub(in crate::ledger) struct PublishedMarket {
    observer: Box<dyn CommitObserver>,
    market: Mutex<Market>,
    round: Mutex<Arc<Round>>,
}

impl PublishedMarket {
    pub(in crate::ledger) fn new(
        market: Market,
        round: Arc<Round>,
        observer: Box<dyn CommitObserver>,
    ) -> Self {
        Self {
            observer,
            market: Mutex::new(market),
            round: Mutex::new(round),
        }
    }

    pub(super) fn round(&self) -> Arc<Round> {
        Arc::clone(&lock(&self.round))
    }

    /// Publishes the round, if it is new.
    fn set_round(&self, read: Round) {
        let mut round = lock(&self.round);
        if **round != read {
            *round = Arc::new(read);
            self.observer.on_round(&round);
        }
    }

    pub(super) fn market(&self) -> Market {
        *lock(&self.market)
    }

    pub(super) fn observer(&self) -> &dyn CommitObserver {
        self.observer.as_ref()
    }

    /// Publishes the ticks that are new; oldest first.
    pub(super) fn set(&self, ticks: &[Tick]) {
        let mut market = lock(&self.market);
        for tick in ticks {
            if tick.number > market.current.number {
                market.current = *tick;
                // Called under the lock, so that concurrent callers publish in order.
                self.observer.on_tick(*tick);
            }
        }
    }
}

/// Moves the price while this server leads the market and follows it otherwise; also executes claims.
pub(in crate::ledger) struct Leader<S> {
    store: Arc<S>,
    published: Arc<PublishedMarket>,
    ledger: Arc<ClusterLedger>,
    requests: mpsc::Receiver<ControlRequest>,
    lease: Duration,
    clock: Clock,
    claims: Outage,
}

/// Lease of the market leader: one and a half ticks. The leader renews it at each tick and followers check each
/// tick, so a new leader takes over within three ticks.
fn lease(interval: Duration) -> Duration {
    interval.saturating_add(interval.checked_div(2).unwrap_or_default())
}

impl<S: ClusterStore> Leader<S> {
    pub(in crate::ledger) fn new(
        store: Arc<S>,
        published: Arc<PublishedMarket>,
        ledger: Arc<ClusterLedger>,
        requests: mpsc::Receiver<ControlRequest>,
        interval: Duration,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            published,
            ledger,
            requests,
            lease: lease(interval),
            clock,
            claims: Outage::default(),
        }
    }

    pub(in crate::ledger) async fn run(mut self) -> Infallible {
        let store = Arc::clone(&self.store);
        // The first query opens the connection for notifications.
        self.catch_up_or_warn().await;
        loop {
            tokio::select! {
                Some(request) = self.requests.recv() => self.handle(request).await,
                () = store.notifications().tick() => self.catch_up_or_warn().await,
            }
        }
    }

    async fn handle(&mut self, request: ControlRequest) {
        match request {
            ControlRequest::Tick { skip_due, reply } => {
                let ticked = self
                    .tick(skip_due)
                    .await
                    .map_err(|error| LedgerError::from(&error));
                let leads = matches!(ticked, Ok(TickOutcome::Moved(_)));
                if leads && let Err(error) = self.end_round().await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "cannot end the round: the next tick tries again");
                }
                let _ = reply.send(ticked);
                if leads && let Err(error) = self.store.roll_up().await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "cannot combine old prices into candles");
                }
            }
            ControlRequest::DueOrders { after, max, reply } => {
                let due = self.store.due_orders(after, max).await;
                let _ = reply.send(due.map_err(|error| LedgerError::from(&error)));
            }
            ControlRequest::ChangeRound(command, reply) => {
                let changed = match self.catch_up().await {
                    Ok(()) => self.change_round(command).await.map_err(|error| {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "it is not known whether the round was changed");
                        // A lost connection may have hidden the commit.
                        LedgerError::OutcomeUnknown
                    }),
                    // Nothing was written.
                    Err(error) => Err(LedgerError::from(&error)),
                };
                let _ = reply.send(changed);
            }
            ControlRequest::Claim(player, key, reply) => {
                let claim = Claim {
                    player,
                    key,
                    at: self.clock.now(),
                };
                let claimed = match self.store.claim(&claim).await {
                    Ok(true) => {
                        self.claims.log_success("claims work again");
                        Ok(())
                    }
                    Ok(false) => Err(LedgerError::not_executed("has just given it to another")),
                    Err(error) => {
                        self.claims.log_failure(&error, "a claim failed");
                        Err(LedgerError::OutcomeUnknown)
                    }
                };
                let _ = reply.send(claimed);
            }
        }
    }

    /// Changes the round at the published tick, which must be the newest one.
    async fn change_round(&mut self, command: RoundCommand) -> Result<ChangedRound, StoreError> {
        let (tick, at) = (self.published.market().current, self.clock.now());
        let change = |round: &Round| round.apply(&command, tick, at);
        Ok(match self.store.change_round(change).await? {
            Ok(round) => {
                self.published.set_round(round);
                Ok(self.published.round())
            }
            Err(error) => Err(error),
        })
    }

    /// Ends the round if its time is over at the current tick.
    async fn end_round(&mut self) -> Result<(), StoreError> {
        let (round, tick) = (self.published.round(), self.published.market().current);
        if let Ok(Some(_)) = round.apply(&RoundCommand::Tick, tick, tick.at) {
            self.catch_up().await?;
            // A tick is never rejected.
            let _ = self.change_round(RoundCommand::Tick).await?;
        }
        Ok(())
    }

    /// Moves the price if this server leads.
    async fn tick(&mut self, skip_due: bool) -> Result<TickOutcome, StoreError> {
        // A new leader may have to catch up first; one retry is enough.
        for _ in 0..2 {
            let Some(next) = self.published.market().next(self.clock.now()) else {
                return Ok(TickOutcome::NotLeader);
            };
            let tick = next.current;
            match self.store.lead(self.lease, tick, skip_due).await? {
                LeaseOutcome::Stored => {
                    self.ledger.progress.metrics.ticked();
                    self.published.set(&[tick]);
                    return Ok(TickOutcome::Moved(tick));
                }
                LeaseOutcome::OrdersDue => {
                    self.catch_up().await?;
                    return Ok(TickOutcome::OrdersDue);
                }
                LeaseOutcome::Behind => self.catch_up().await?,
                LeaseOutcome::NotLeader => {
                    self.catch_up().await?;
                    return Ok(TickOutcome::NotLeader);
                }
            }
        }
        Ok(TickOutcome::NotLeader)
    }

    /// Publishes stored ticks that have not been published, and the round.
    async fn catch_up(&mut self) -> Result<(), StoreError> {
        let last = self.published.market().current.number;
        let ticks = self.store.ticks_after(last).await?;
        self.published.set(&ticks);
        let round = self.store.round().await?;
        self.published.set_round(round);
        Ok(())
    }

    async fn catch_up_or_warn(&mut self) {
        if let Err(error) = self.catch_up().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot follow the prices"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::market::PriceModel;
    use crate::domain::money::{Price, UnixMillis};
    use crate::feed::price::PriceFeed;

    #[test]
    fn each_tick_is_published_once_and_in_order() {
        let mut market = Market::new(PriceModel::Classic, 1, Price::MIN, UnixMillis(0));
        let prices = PriceFeed::new(market.current, Duration::from_secs(1));
        let published = PublishedMarket::new(
            market,
            Arc::default(),
            crate::testkit::price_observer(prices.clone()),
        );
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
            published.set(ticks_seen);
            assert_eq!(prices.current(), ticks[newest]);
            assert_eq!(published.market().current, ticks[newest]);
        }
    }

    #[test]
    fn the_lease_lasts_longer_than_a_tick_and_ends_within_three() {
        for millis in [10, 1_000, 3_600_000] {
            let interval = Duration::from_millis(millis);
            let lease = lease(interval);
            assert!(
                lease > interval && lease + interval < 3 * interval,
                "{interval:?}"
            );
        }
    }
}
