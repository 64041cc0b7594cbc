//! Ticks of a clustered market: one server moves the price, all publish it in order.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{ControlRequest, TickOutcome};
use crate::config::clock::Clock;
use crate::domain::credential::Claim;
use crate::domain::round::{Round, RoundCommand};
use crate::ledger::committer::Published;
use crate::ledger::metrics::LedgerMetrics;
use crate::ledger::{ChangedRound, LedgerError, MarketState};
use crate::store::StoreError;
use crate::store::cluster::{ClusterStore, LeaseOutcome};
use crate::store::outage::Outage;

/// Moves the price while this server leads the market and follows it otherwise; also executes claims.
pub(super) struct Leader<'a, S> {
    pub(super) store: &'a S,
    pub(super) published: &'a Published,
    pub(super) metrics: &'a LedgerMetrics,
    /// Time between ticks.
    pub(super) interval: Duration,
    pub(super) clock: Clock,
    pub(super) claims: Outage,
}

/// Lease of the market leader: one and a half ticks. The leader renews it at each tick and followers check each
/// tick, so a new leader takes over within three ticks.
fn lease(interval: Duration) -> Duration {
    interval.saturating_add(interval.checked_div(2).unwrap_or_default())
}

impl<S: ClusterStore> Leader<'_, S> {
    pub(super) async fn run(self, mut requests: mpsc::Receiver<ControlRequest>) -> Infallible {
        // The first query opens the connection for notifications.
        self.catch_up_or_warn().await;
        loop {
            tokio::select! {
                Some(request) = requests.recv() => self.handle(request).await,
                () = self.store.notifications().tick() => self.catch_up_or_warn().await,
            }
        }
    }

    async fn handle(&self, request: ControlRequest) {
        match request {
            ControlRequest::Tick { skip_due, reply } => {
                let ticked = self.tick(skip_due).await.map_err(LedgerError::from);
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
                let _ = reply.send(due.map_err(LedgerError::from));
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
                    Err(error) => Err(LedgerError::from(error)),
                };
                let _ = reply.send(changed);
            }
            ControlRequest::Claim(player, key, reply) => {
                let at = self.clock.now();
                let claimed = match self.store.claim(&Claim { player, key, at }).await {
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
    async fn change_round(&self, command: RoundCommand) -> Result<ChangedRound, StoreError> {
        let (tick, at) = (self.published.state().market.current, self.clock.now());
        let change = |round: &Round| round.apply(&command, tick, at);
        let changed = self.store.change_round(change).await?;
        Ok(changed.map(|round| {
            self.published.set_round(Some(&round));
            self.published.state().round
        }))
    }

    /// Ends the round if its time is over at the current tick.
    async fn end_round(&self) -> Result<(), StoreError> {
        let MarketState { market, round, .. } = self.published.state();
        let tick = market.current;
        if let Ok(Some(_)) = round.apply(&RoundCommand::Tick, tick, tick.at) {
            self.catch_up().await?;
            // A tick is never rejected.
            let _ = self.change_round(RoundCommand::Tick).await?;
        }
        Ok(())
    }

    /// Moves the price if this server leads.
    async fn tick(&self, skip_due: bool) -> Result<TickOutcome, StoreError> {
        // A new leader may have to catch up first; one retry is enough.
        for _ in 0..2 {
            let Some(next) = self.published.state().market.next(self.clock.now()) else {
                break;
            };
            let tick = next.current;
            let outcome = self.store.lead(lease(self.interval), tick, skip_due).await?;
            if outcome != LeaseOutcome::Stored {
                self.catch_up().await?;
            }
            match outcome {
                LeaseOutcome::Stored => {
                    self.metrics.ticked();
                    self.published.set_ticks([&tick]);
                    return Ok(TickOutcome::Moved(tick));
                }
                LeaseOutcome::OrdersDue => return Ok(TickOutcome::OrdersDue),
                LeaseOutcome::Behind => {}
                LeaseOutcome::NotLeader => break,
            }
        }
        Ok(TickOutcome::NotLeader)
    }

    /// Publishes stored ticks that have not been published, and the round.
    async fn catch_up(&self) -> Result<(), StoreError> {
        let last = self.published.state().market.current.number;
        let ticks = self.store.ticks_after(last).await?;
        self.published.set_ticks(&ticks);
        let round = self.store.round().await?;
        self.published.set_round(Some(&round));
        Ok(())
    }

    async fn catch_up_or_warn(&self) {
        if let Err(error) = self.catch_up().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "cannot follow the prices");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
