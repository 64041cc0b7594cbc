//! Passes what the ledger commits on to the feeds.

use std::sync::Arc;

use crate::{
    domain::{market::Tick, round::Round},
    feed::{accounts::AccountFeed, lobby::FeedHub, price::PriceFeed, rounds::RoundFeed},
    ledger::CommitObserver,
    store::Batch,
};

/// Publishes each committed price and batch.
#[derive(Debug)]
pub(crate) struct FeedObserver {
    pub(crate) prices: PriceFeed,
    pub(crate) lobby: FeedHub,
    pub(crate) accounts: AccountFeed,
    pub(crate) rounds: RoundFeed,
}

impl CommitObserver for FeedObserver {
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
