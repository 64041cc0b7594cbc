//! The open batch: decisions in memory that count only after the commit.

mod book;
mod resting;
mod rounds;
#[cfg(test)]
mod tests;

use std::mem;
use std::sync::Arc;

use self::book::OrderBook;
use super::MarketState;
use super::account_cache::{AccountCache, Slot};
use super::idempotency::RecentRequests;
use super::watermark::BatchId;
use crate::domain::account::Rejection;
use crate::domain::credential::Claim;
use crate::domain::market::{Market, Tick};
use crate::domain::money::{Dollars, UnixMillis};
use crate::domain::order::page::TradePosting;
use crate::domain::order::request::{AnsweredRequest, OrderRequest};
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountId, AccountRecord, Command, Decision, LedgerEntry};
use crate::domain::player::PlayerName;
use crate::domain::rate_limit::TokenBucket;
use crate::domain::round::{Round, RoundCommand};
use crate::store::{Batch, IdCounters};

/// Maximum entries of a batch.
pub(crate) const BATCH_MAX: usize = 16 * 1024;

/// Makes each decision on top of all earlier ones, committed or not.
#[derive(Debug)]
pub(crate) struct OpenBatch {
    market: Market,
    market_changed_in: BatchId,
    accounts: AccountCache,
    book: OrderBook,
    numbers: IdCounters,
    sequence: BatchId,
    changed: Vec<Slot>,
    batch: Batch,
    /// Tick and time shared by the trades of the current page.
    page: Option<(Tick, UnixMillis)>,
    batch_max: usize,
    /// Rejected buys and sells since the start.
    pub(super) rejected: u64,
    round: Arc<Round>,
    /// First payment of a new player, outside of rounds.
    stake: Option<Dollars>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) decision: Decision,
    /// The newest batch that the decision depends on.
    pub(crate) commits_with: BatchId,
}

#[derive(Debug)]
pub(crate) struct SealedBatch {
    pub(crate) sequence: BatchId,
    pub(crate) batch: Arc<Batch>,
}

impl OpenBatch {
    /// Continues `state` and the stored numbers. `orders` are the stored open orders of all accounts that are decided on.
    pub(crate) fn new(
        state: MarketState,
        numbers: IdCounters,
        orders: impl IntoIterator<Item = (PlayerName, OrderPosting)>,
    ) -> Self {
        Self {
            market: state.market,
            market_changed_in: BatchId::NONE,
            accounts: AccountCache::new(state.rate),
            book: OrderBook::new(orders),
            numbers,
            sequence: BatchId::NONE.next(),
            changed: Vec::new(),
            batch: Batch::default(),
            page: None,
            batch_max: BATCH_MAX,
            rejected: 0,
            round: state.round,
            stake: state.stake,
        }
    }

    #[cfg(test)]
    pub(crate) fn with_batch_size(self, batch_max: usize) -> Self {
        Self { batch_max, ..self }
    }

    #[cfg(test)]
    pub(super) fn price(&self) -> crate::domain::money::Price {
        self.market.current.price
    }

    #[cfg(test)]
    pub(super) fn set_rate(&mut self, rate: crate::domain::rate_limit::Rate) {
        self.accounts.set_rate(rate);
    }

    pub(crate) fn sequence(&self) -> BatchId {
        self.sequence
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    pub(super) fn entries(&self) -> usize {
        self.batch.entries()
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.entries() >= self.batch_max
    }

    pub(super) fn is_cached(&self, slot: Slot) -> bool {
        self.accounts.contains(slot)
    }

    pub(crate) fn lookup(&self, player: &PlayerName) -> Option<Slot> {
        self.accounts.lookup(player)
    }

    /// Caches the stored record of `player`, or a new one. Accounts changed up to the batch `resolved` may be
    /// evicted. Returns `None` when the account IDs are used up.
    pub(crate) fn insert(
        &mut self,
        player: PlayerName,
        stored: Option<(AccountRecord, RecentRequests)>,
        resolved: BatchId,
    ) -> Option<()> {
        let (record, answers) = match stored {
            Some(stored) => stored,
            None => {
                self.numbers.account = self.numbers.account.checked_add(1)?;
                let record = AccountRecord::new(AccountId(self.numbers.account));
                (record, RecentRequests::default())
            }
        };
        self.accounts.insert(player, record, answers, resolved);
        Some(())
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn account(&mut self, slot: Slot) -> Option<crate::domain::account::Account> {
        self.accounts.get_mut(slot).map(|cached| cached.record.account)
    }

    pub(super) fn token_bucket(&mut self, slot: Slot) -> Option<&mut TokenBucket> {
        Some(&mut self.accounts.get_mut(slot)?.bucket)
    }

    /// Decides a request; `None` if the slot is stale. A repeated ID gets its first answer, with the same batch.
    /// Only rate-limit rejections are not remembered, so that a flood costs no writes.
    pub(crate) fn decide(&mut self, slot: Slot, request: &OrderRequest, at: UnixMillis) -> Option<Decided> {
        let OrderRequest { command, id, .. } = *request;
        let is_used = match id.and_then(|id| self.accounts.get_mut(slot)?.answer(id)) {
            // Whatever the account in force is now.
            Some(cached) if cached.answer.command == command => {
                return Some(Decided {
                    decision: cached.answer.decision,
                    commits_with: cached.commits_with,
                });
            }
            answered => answered.is_some(),
        };
        let account = self.account_in_force(slot, command)?;
        let result = match is_used {
            true => Err(Rejection::DuplicateId),
            false => self.execute(slot, account, request, at),
        };
        let mut commits_with = self.record_outcome(account, command, result.is_ok())?;
        let account = self.accounts.get_mut(account)?.versioned(&self.round);
        let decision = Decision { result, account };
        if let Some(id) = id.filter(|_| !is_used)
            && !matches!(result, Err(Rejection::RateLimited { .. }))
        {
            let answer = AnsweredRequest {
                id,
                command,
                decision,
            };
            let stored = self.accounts.remember(slot, answer, self.sequence)?;
            self.batch.answers.push(stored);
            // Also after a rejection: a stored answer needs a stored account.
            self.mark_changed(slot);
            commits_with = self.sequence;
        }
        Some(Decided {
            decision,
            commits_with,
        })
    }

    /// Executes the request of the player in `slot` on `account`. The slots must be valid.
    fn execute(
        &mut self,
        slot: Slot,
        account: Slot,
        request: &OrderRequest,
        at: UnixMillis,
    ) -> Result<LedgerEntry, Rejection> {
        if let Command::Trigger(order) = request.command {
            return self.trigger(slot, order, at);
        }
        self.accounts.check_rate(slot, at)?;
        self.check_round(slot, account, request)?;
        self.give_stake(account, request.command, at)?;
        match request.command {
            Command::Rest(terms) => self.rest(account, terms, request.id, at),
            Command::Cancel(order) => self.cancel(account, order, at),
            command => self.execute_now(account, command, at),
        }
    }

    /// Executes at the current price. The slot must be valid.
    fn execute_now(
        &mut self,
        slot: Slot,
        command: Command,
        at: UnixMillis,
    ) -> Result<LedgerEntry, Rejection> {
        let tick = self.market.current;
        let cached = self.accounts.get_mut(slot).ok_or(Rejection::LedgerFull)?;
        let record = &mut cached.record;
        let entry = record.execute(command, tick, at)?;
        match entry {
            LedgerEntry::Payment(payment) => self.batch.payments.push((record.id, payment)),
            LedgerEntry::Trade(trade) => {
                if self.page != Some((tick, at)) {
                    self.numbers.page = self.numbers.page.saturating_add(1);
                    self.page = Some((tick, at));
                }
                let page = self.numbers.page;
                let previous = mem::replace(&mut record.page, page);
                self.batch.trades.push(TradePosting {
                    account: record.id,
                    trade,
                    page,
                    previous: (previous != page).then_some(previous),
                });
            }
            LedgerEntry::Accepted | LedgerEntry::Cancelled => {}
        }
        Ok(entry)
    }

    /// Records whether `command` was executed on the account in `slot`, which must be valid. Returns the batch that the answer
    /// depends on.
    fn record_outcome(&mut self, slot: Slot, command: Command, is_executed: bool) -> Option<BatchId> {
        if is_executed {
            self.mark_changed(slot);
            return Some(self.sequence);
        }
        let cached = self.accounts.get_mut(slot)?;
        self.rejected = self.rejected.saturating_add(u64::from(command.is_action()));
        // The answer contains a balance and a price, so both must be committed first.
        Some(cached.changed_in.max(self.market_changed_in))
    }

    pub(super) fn mark_changed(&mut self, slot: Slot) {
        if let Some(cached) = self.accounts.get_mut(slot)
            && cached.change_in(self.sequence)
        {
            self.changed.push(slot);
        }
    }

    /// Moves the price for all later decisions. Returns `None` when the tick numbers are used up.
    pub(crate) fn tick(&mut self, at: UnixMillis) -> Option<Tick> {
        self.market = self.market.next(at)?;
        self.market_changed_in = self.sequence;
        self.batch.ticks.push(self.market.current);
        // A tick is never rejected.
        let _ = self.change_round(&RoundCommand::Tick, at);
        Some(self.market.current)
    }

    pub(super) fn claim(&mut self, claim: Claim) {
        self.batch.claims.push(claim);
    }

    /// Returns the batch and begins the next one.
    pub(crate) fn seal(&mut self) -> SealedBatch {
        let mut batch = mem::take(&mut self.batch);
        let changed = self.changed.drain(..);
        batch.records = changed.filter_map(|slot| self.accounts.entry(slot)).collect();
        let sequence = self.sequence;
        self.begin_next();
        SealedBatch {
            sequence,
            batch: Arc::new(batch),
        }
    }

    /// Frees cache space, if the new batch is still empty.
    pub(crate) fn evict(&mut self, resolved: BatchId) {
        if self.changed.is_empty() {
            self.accounts.evict(resolved);
        }
        self.book.committed(resolved);
    }

    /// Discards the batch `failed` and all later decisions, and returns to `market`, `round` and the stored records. Returns
    /// the last batch discarded.
    pub(crate) fn roll_back(&mut self, failed: BatchId, market: Market, round: Arc<Round>) -> BatchId {
        self.book.roll_back(failed);
        let last = self.sequence;
        self.market = market;
        self.round = round;
        self.market_changed_in = BatchId::NONE;
        self.batch = Batch::default();
        self.changed.clear();
        self.accounts.clear();
        self.begin_next();
        last
    }

    fn begin_next(&mut self) {
        self.sequence = self.sequence.next();
        self.page = None;
    }
}
