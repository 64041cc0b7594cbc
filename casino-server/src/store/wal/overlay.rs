//! Reads of the engine, with the log's unapplied batches on top.
//!
//! Pending batches are read first. Those applied meanwhile are seen twice and recognized by their numbers, but
//! never missed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pending::{PendingBatch, PendingBatches};
use crate::domain::account::Account;
use crate::domain::candles::Candle;
use crate::domain::credential::KeyHash;
use crate::domain::market::Tick;
use crate::domain::money::Price;
use crate::domain::order::request::{RequestId, StoredAnswer};
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountId, AccountRecord, Payment, Trade};
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::store::{Batch, Page, PageRequest, StoreError, StoreReads};

#[derive(Debug)]
pub(crate) struct OverlayReads<R> {
    pending: Arc<PendingBatches>,
    engine: R,
}

impl<R: StoreReads> OverlayReads<R> {
    pub(super) fn new(pending: Arc<PendingBatches>, engine: R) -> Self {
        Self { pending, engine }
    }

    /// Returns the unapplied batches, and the account of `player` if it exists.
    fn pending_of(&self, player: &PlayerName) -> Result<(Vec<PendingBatch>, Option<AccountId>), StoreError> {
        let pending = self.pending.pending();
        let record = self.record(&pending, player)?;
        Ok((pending, record.map(|record| record.id)))
    }

    fn record(
        &self,
        pending: &[PendingBatch],
        player: &PlayerName,
    ) -> Result<Option<AccountRecord>, StoreError> {
        match entries(pending, |batch| &batch.records).rfind(|(name, _)| name == player) {
            Some((_, record)) => Ok(Some(*record)),
            None => self.engine.account_record(player),
        }
    }
}

impl<R: StoreReads> StoreReads for OverlayReads<R> {
    fn account_record(&self, player: &PlayerName) -> Result<Option<AccountRecord>, StoreError> {
        self.record(&self.pending.pending(), player)
    }

    fn claim_owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError> {
        let pending = self.pending.pending();
        match entries(&pending, |batch| &batch.claims).find(|claim| claim.player == *player) {
            Some(claim) => Ok(Some(claim.key)),
            None => self.engine.claim_owner(player),
        }
    }

    /// Legacy names are not in the log.
    fn names_beyond_ascii(&self) -> Result<Vec<String>, StoreError> {
        self.engine.names_beyond_ascii()
    }

    fn answers(&self, account: AccountId) -> Result<Vec<StoredAnswer>, StoreError> {
        let pending = self.pending.pending();
        let mut answers = self.engine.answers(account)?;
        let last = answers.last().map_or(0, |answer| answer.number);
        let newer = entries(&pending, |batch| &batch.answers);
        answers.extend(newer.filter(|answer| answer.account == account && answer.number > last));
        Ok(answers)
    }

    fn payments(&self, player: &PlayerName, after: i64, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let (pending, account) = self.pending_of(player)?;
        let mut payments = self.engine.payments(player, after, limit)?;
        let last = payments.last().map_or(after, |payment| payment.number);
        let newer = entries(&pending, |batch| &batch.payments)
            .filter(|(of, payment)| Some(*of) == account && payment.number > last);
        extend_to(&mut payments, newer.map(|(_, payment)| *payment), limit);
        Ok(payments)
    }

    fn trades(&self, player: &PlayerName, page: PageRequest) -> Result<Page<Trade>, StoreError> {
        let (pending, account) = self.pending_of(player)?;
        let newer = entries(&pending, |batch| batch.trades.iter())
            .rev()
            .filter(|posting| Some(posting.account) == account)
            .map(|posting| posting.trade);
        merge_page(
            newer,
            page,
            |trade| trade.number,
            |page| self.engine.trades(player, page),
        )
    }

    fn open_orders(&self, player: &PlayerName) -> Result<Vec<OrderPosting>, StoreError> {
        let (pending, account) = self.pending_of(player)?;
        let stored = self.engine.open_orders(player)?;
        let mut open: BTreeMap<i64, OrderPosting> = stored
            .into_iter()
            .map(|posting| (posting.number, posting))
            .collect();
        for posting in orders(&pending, account) {
            match posting.ended {
                None => open.insert(posting.number, *posting),
                Some(_) => open.remove(&posting.number),
            };
        }
        Ok(open.into_values().collect())
    }

    fn ended_orders(&self, player: &PlayerName, page: PageRequest) -> Result<Page<OrderPosting>, StoreError> {
        let (pending, account) = self.pending_of(player)?;
        let newer = orders(&pending, account)
            .rev()
            .filter(|posting| posting.ended.is_some());
        merge_page(
            newer.copied(),
            page,
            |posting| posting.ended.unwrap_or(0),
            |page| self.engine.ended_orders(player, page),
        )
    }

    fn orders_ended_after(
        &self,
        player: &PlayerName,
        after: i64,
        limit: u32,
    ) -> Result<Vec<OrderPosting>, StoreError> {
        let (pending, account) = self.pending_of(player)?;
        let mut ended = self.engine.orders_ended_after(player, after, limit)?;
        let last = ended.last().and_then(|posting| posting.ended).unwrap_or(after);
        let newer = orders(&pending, account).filter(|posting| posting.ended > Some(last));
        extend_to(&mut ended, newer.copied(), limit);
        Ok(ended)
    }

    fn order(&self, player: &PlayerName, id: RequestId) -> Result<Option<OrderPosting>, StoreError> {
        let (pending, account) = self.pending_of(player)?;
        match orders(&pending, account).rfind(|posting| posting.order.id == id) {
            Some(posting) => Ok(Some(*posting)),
            None => self.engine.order(player, id),
        }
    }

    fn round(&self, number: i64) -> Result<Option<Round>, StoreError> {
        let pending = self.pending.pending();
        match entries(&pending, |batch| &batch.rounds).rfind(|round| round.number == number) {
            Some(round) => Ok(Some(round.clone())),
            None => self.engine.round(number),
        }
    }

    fn accounts_in_round(&self, number: i64) -> Result<Vec<(PlayerName, AccountRecord)>, StoreError> {
        let pending = self.pending.pending();
        let stored = self.engine.accounts_in_round(number)?;
        let newer = entries(&pending, |batch| &batch.records)
            .filter(|(player, _)| player.round().is_some_and(|(round, _)| round == number));
        let mut accounts: BTreeMap<PlayerName, AccountRecord> = BTreeMap::new();
        for (player, record) in stored.into_iter().chain(newer.cloned()) {
            let is_newer = |known: &AccountRecord| known.account.version <= record.account.version;
            if accounts.get(&player).is_none_or(is_newer) {
                accounts.insert(player, record);
            }
        }
        Ok(accounts.into_iter().collect())
    }

    fn top_accounts(&self, most: usize, price: Price) -> Result<Vec<(PlayerName, Account)>, StoreError> {
        let pending = self.pending.pending();
        let mut top = self.engine.top_accounts(most, price)?;
        let newer = entries(&pending, |batch| &batch.records)
            .filter(|(player, record)| record.trades > 0 && player.round().is_none());
        // Of an account that is in both, the reader takes the newer version.
        top.extend(newer.map(|(player, record)| (player.clone(), record.account)));
        Ok(top)
    }

    fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError> {
        let pending = self.pending.pending();
        let newer = entries(&pending, |batch| &batch.ticks).rev();
        merge_page(
            newer.copied(),
            page,
            |tick| tick.number,
            |page| self.engine.ticks(page),
        )
    }

    fn candles(&self, page: PageRequest) -> Result<Page<Candle>, StoreError> {
        // Candles are always applied.
        self.engine.candles(page)
    }

    fn close(&self) {
        self.engine.close();
    }
}

/// Returns the entries of a kind, oldest first.
fn entries<'a, I>(
    pending: &'a [PendingBatch],
    of: impl Fn(&'a Batch) -> I,
) -> impl DoubleEndedIterator<Item = I::Item>
where
    I: IntoIterator<IntoIter: DoubleEndedIterator>,
{
    pending.iter().flat_map(move |pending| of(&pending.batch))
}

/// Returns the changes of the account's orders, oldest first.
fn orders(
    pending: &[PendingBatch],
    account: Option<AccountId>,
) -> impl DoubleEndedIterator<Item = &OrderPosting> {
    entries(pending, |batch| &batch.orders).filter(move |posting| Some(posting.account) == account)
}

/// Adds entries that are `newer`, oldest first, up to `limit` in all.
fn extend_to<T>(entries: &mut Vec<T>, newer: impl Iterator<Item = T>, limit: u32) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let room = limit.saturating_sub(entries.len());
    entries.extend(newer.take(room));
}

/// Combines entries that are `newer`, newest first, with a page from the engine.
fn merge_page<T>(
    newer: impl Iterator<Item = T>,
    page: PageRequest,
    number: impl Fn(&T) -> i64,
    engine: impl FnOnce(PageRequest) -> Result<Page<T>, StoreError>,
) -> Result<Page<T>, StoreError> {
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let newer = newer.filter(|entry| number(entry) < page.below());
    let mut newest_first: Vec<T> = newer.take(limit.saturating_add(1)).collect();
    let mut more = false;
    if let Some(room) = limit.checked_sub(newest_first.len()) {
        let older = engine(PageRequest {
            before: newest_first.last().map(number).or(page.before),
            // At least one, to learn whether there are older entries.
            limit: u32::try_from(room.max(1)).unwrap_or(u32::MAX),
        })?;
        newest_first.extend(older.entries.into_iter().rev());
        more = older.more;
    }
    let merged = page.with_limit(newest_first);
    Ok(Page {
        more: more || merged.more,
        ..merged
    })
}
