//! The prices of a market that several casinos share: moved by one of them, heard by all, in one order.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{Errand, Joint};
use crate::{
    clock::Clock,
    company::Witness,
    identity::Claim,
    ledger::LedgerError,
    market::{Market, Tick},
    store::{
        StoreError,
        postgres::{Led, PostgresMarket},
    },
    table::Announcer,
};

/// What has been heard of the market: each tick is announced once, in order.
#[derive(Debug)]
pub(in crate::ledger) struct Heard {
    announcer: Announcer,
    witness: Witness,
    market: Mutex<Market>,
}

impl Heard {
    /// A market as it was opened.
    pub(in crate::ledger) fn new(market: Market, (announcer, witness): (Announcer, Witness)) -> Self {
        Self {
            announcer,
            witness,
            market: Mutex::new(market),
        }
    }

    /// The market as it was last heard of.
    pub(super) fn market(&self) -> Market {
        *self.lock()
    }

    /// Who tells of what has been committed.
    pub(super) fn witness(&self) -> &Witness {
        &self.witness
    }

    /// Announces those of `ticks`, oldest first, that are new.
    pub(super) fn hear(&self, ticks: &[Tick]) {
        let mut market = self.lock();
        for tick in ticks {
            if tick.number > market.current.number {
                market.current = *tick;
                // Under the lock, so that two who hear of ticks announce them in one order.
                self.announcer.announce(*tick);
                self.witness.heard(*tick);
            }
        }
    }

    /// What is in it is whole whatever happened to a thread that held it.
    fn lock(&self) -> MutexGuard<'_, Market> {
        self.market.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves the price when it is for this casino to do so, and hears of it when it is not; keeps claims as well, which are
/// few.
pub(in crate::ledger) struct Prices {
    stored: PostgresMarket,
    heard: Arc<Heard>,
    joint: Arc<Joint>,
    errands: mpsc::Receiver<Errand>,
    lease: Duration,
    clock: Clock,
}

/// How long who leads the market does so without a word, with a tick every `interval`: one tick and a half. Who leads
/// renews it in time, and who follows looks every tick, so that another leads within three ticks of the last one.
fn lease(interval: Duration) -> Duration {
    interval.saturating_add(interval.checked_div(2).unwrap_or_default())
}

impl Prices {
    pub(in crate::ledger) fn new(
        stored: PostgresMarket,
        heard: Arc<Heard>,
        (joint, errands): (Arc<Joint>, mpsc::Receiver<Errand>),
        (interval, clock): (Duration, Clock),
    ) -> Self {
        Self {
            stored,
            heard,
            joint,
            errands,
            lease: lease(interval),
            clock,
        }
    }

    /// Works for as long as it is polled.
    pub(in crate::ledger) async fn run(mut self) -> Infallible {
        let ears = self.stored.ears();
        // The session that listens is opened by the first look.
        self.catch_up_or_warn().await;
        loop {
            tokio::select! {
                Some(errand) = self.errands.recv() => self.run_errand(errand).await,
                () = ears.tick() => self.catch_up_or_warn().await,
            }
        }
    }

    /// Does what was asked; who asked waits for it, or is gone.
    async fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Tick(told) => {
                let moved = self.beat().await.map_err(|error| LedgerError::from(&error));
                let leads = matches!(moved, Ok(Some(_)));
                let _ = told.send(moved);
                if leads && let Err(error) = self.stored.roll_up().await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the past of the price is not rolled up");
                }
            }
            Errand::Claim(player, key, told) => {
                let claim = Claim {
                    player,
                    key,
                    at: self.clock.now(),
                };
                let claimed = match self.stored.claim(&claim).await {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(LedgerError::not_executed("has just given it to another")),
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "a claim failed");
                        Err(LedgerError::Unanswered)
                    }
                };
                let _ = told.send(claimed);
            }
        }
    }

    /// It is time for a tick: the tick, if this casino moved the price.
    async fn beat(&mut self) -> Result<Option<Tick>, StoreError> {
        // Whoever leads anew may have missed something; it tries again then, and once is enough.
        for _ in 0..2 {
            let Some(next) = self.heard.market().ticked(self.clock.now()) else {
                return Ok(None);
            };
            let tick = next.current;
            match self.stored.lead(self.lease, tick).await? {
                Led::Stored => {
                    self.joint.meter().ticked();
                    self.heard.hear(&[tick]);
                    return Ok(Some(tick));
                }
                Led::Behind => self.catch_up().await?,
                Led::Follows => {
                    self.catch_up().await?;
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// Announces what is stored and was not heard of.
    async fn catch_up(&mut self) -> Result<(), StoreError> {
        let last = self.heard.market().current.number;
        let ticks = self.stored.ticks_after(last).await?;
        self.heard.hear(&ticks);
        Ok(())
    }

    async fn catch_up_or_warn(&mut self) {
        if let Err(error) = self.catch_up().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "prices are not heard");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        market::Model,
        quantity::{Price, UnixMillis},
        table::Table,
    };

    #[test]
    fn each_tick_is_announced_once_and_never_after_a_later_one() {
        let mut market = Market::open(Model::Classic, 1, Price::MIN, UnixMillis(0));
        let (table, announcer) = Table::new(market.current, Duration::from_secs(1));
        let heard = Heard::new(market, (announcer, Witness::default()));
        let mut ticks = Vec::new();
        for at in 1..=4 {
            market = market.ticked(UnixMillis(at)).unwrap();
            ticks.push(market.current);
        }
        for (news, newest) in [
            (&ticks[..2], 1),
            (&ticks[..1], 1),
            (&ticks[1..4], 3),
            (&ticks[..0], 3),
        ] {
            heard.hear(news);
            assert_eq!(table.current(), ticks[newest]);
            assert_eq!(heard.market().current, ticks[newest]);
        }
    }

    #[test]
    fn who_leads_has_time_to_say_so_and_who_follows_does_not_wait_for_three_ticks() {
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
