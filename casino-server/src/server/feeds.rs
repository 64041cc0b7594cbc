//! The feeds of a casino, which publish what the ledger commits.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::market::{Market, Tick};
use crate::domain::round::Round;
use crate::feed::accounts::AccountFeed;
use crate::feed::lobby::FeedHub;
use crate::feed::price::PriceFeed;
use crate::feed::rounds::RoundFeed;
use crate::ledger::CommitObserver;
use crate::store::Batch;

/// Publishes each committed price and batch; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Feeds {
    pub(crate) prices: PriceFeed,
    pub(crate) lobby: Arc<FeedHub>,
    pub(crate) accounts: AccountFeed,
    pub(crate) rounds: RoundFeed,
}

impl Feeds {
    /// Creates the feeds of a ledger that continues `market` and `round`.
    pub(crate) fn new(market: Market, round: Arc<Round>, tick_interval: Duration) -> Self {
        Self {
            prices: PriceFeed::new(market.current, tick_interval),
            lobby: FeedHub::new(market),
            accounts: AccountFeed::default(),
            rounds: RoundFeed::new(round),
        }
    }
}

impl CommitObserver for Feeds {
    fn on_tick(&self, tick: Tick) {
        self.prices.publish(tick);
        self.lobby.on_tick(tick);
    }

    fn on_round(&self, round: &Arc<Round>) {
        self.rounds.publish(round);
    }

    fn on_batch(&self, batch: &Batch) {
        let round = self.rounds.current();
        self.lobby.on_batch(batch, &round);
        self.accounts.on_batch(batch, &round);
    }
}
