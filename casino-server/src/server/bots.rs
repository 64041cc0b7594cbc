//! Runs the bots: each tick is passed to them, and their orders go to the ledger.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::domain::account::Account;
use crate::domain::bot::{Bot, MEMORY, bots};
use crate::domain::market::Tick;
use crate::domain::money::Price;
use crate::feed::lobby::{FeedHub, PresenceGuard};
use crate::feed::rounds::RoundFeed;
use crate::ledger::{LedgerError, LedgerHandle};
use crate::store::reader::StoreReader;
use crate::store::{PageRequest, StoreError};

/// Maximum number of queued ticks; more are skipped.
const QUEUED_TICKS_MAX: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Bots {
    bots: Vec<BotAccount>,
    seed: u64,
    /// The newest last.
    prices: VecDeque<Price>,
}

/// Returns a function that queues a tick for the bots without waiting, and the queue.
pub(crate) fn tick_queue() -> (impl Fn(Tick), mpsc::Receiver<Tick>) {
    let (sender, ticks) = mpsc::channel(QUEUED_TICKS_MAX);
    let send = move |tick: Tick| {
        if sender.try_send(tick).is_err() {
            tracing::debug!(tick = tick.number, "the bots skip a tick: too many are queued");
        }
    };
    (send, ticks)
}

#[derive(Debug)]
struct BotAccount {
    bot: Bot,
    account: Account,
    _presence: PresenceGuard,
}

impl Bots {
    /// Loads the accounts of `count` bots and the stored prices.
    pub(crate) async fn load(
        count: u8,
        reader: &StoreReader,
        lobby: &Arc<FeedHub>,
    ) -> Result<Self, StoreError> {
        let mut loaded = Self {
            seed: lobby.market.seed,
            ..Self::default()
        };
        if count == 0 {
            return Ok(loaded);
        }
        let newest = PageRequest {
            before: None,
            limit: u32::try_from(MEMORY).unwrap_or(u32::MAX),
        };
        let ticks = reader.read_page(move |reads| reads.ticks(newest)).await?.entries;
        loaded.prices = ticks.iter().map(|tick| tick.price).collect();
        for bot in bots(count, lobby.market.model) {
            let record = reader.record(bot.name.clone()).await?;
            lobby.track(&bot.name, record.as_ref());
            loaded.bots.push(BotAccount {
                _presence: lobby.join(Some(bot.name.clone())),
                bot,
                account: record.map(|record| record.account).unwrap_or_default(),
            });
        }
        Ok(loaded)
    }

    /// Trades at each of `ticks` until the ledger stops, except while a round is open: bots take no part in rounds.
    pub(crate) async fn run(
        mut self,
        mut ticks: mpsc::Receiver<Tick>,
        ledger: &LedgerHandle,
        rounds: &RoundFeed,
    ) {
        while let Some(tick) = ticks.recv().await {
            if self.prices.len() >= MEMORY {
                self.prices.pop_front();
            }
            self.prices.push_back(tick.price);
            if rounds.current().is_open() {
                continue;
            }
            let prices = self.prices.make_contiguous();
            let seed = self.seed;
            let orders = self.bots.iter_mut().filter_map(|entry| {
                let command = entry.bot.decide(seed, tick.number, prices, &entry.account)?;
                Some(async move {
                    let result = ledger.submit(entry.bot.name.clone(), command).await;
                    result.map(|decision| entry.account = decision.account)
                })
            });
            // Submitted together, so that they share a batch.
            for result in join_all(orders).await {
                match result {
                    Ok(()) => {}
                    Err(error @ LedgerError::NotExecuted { .. }) => {
                        tracing::warn!(%error, "a bot's order was not executed");
                    }
                    Err(LedgerError::Stopping | LedgerError::OutcomeUnknown) => return,
                }
            }
        }
    }
}
