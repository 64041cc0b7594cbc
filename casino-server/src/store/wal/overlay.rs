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
use crate::store::{Page, PageRequest, StoreError, StoreReads};

#[derive(Debug)]
pub(crate) struct OverlayReads<R> {
    pending: Arc<PendingBatches>,
    engine: R,
}

impl<R: StoreReads> OverlayReads<R> {
    pub(super) fn new(pending: Arc<PendingBatches>, engine: R) -> Self {
        Self { pending, engine }
    }

    /// Newest first.
    fn pending(&self) -> Vec<PendingBatch> {
        let mut pending = self.pending.pending();
        pending.reverse();
        pending
    }

    fn account_id(
        &self,
        pending: &[PendingBatch],
        player: &PlayerName,
    ) -> Result<Option<AccountId>, StoreError> {
        let record = match newest(pending, player) {
            Some(record) => Some(record),
            None => self.engine.account_record(player)?,
        };
        Ok(record.map(|record| record.id))
    }
}

impl<R: StoreReads> StoreReads for OverlayReads<R> {
    fn account_record(&self, player: &PlayerName) -> Result<Option<AccountRecord>, StoreError> {
        match newest(&self.pending(), player) {
            Some(record) => Ok(Some(record)),
            None => self.engine.account_record(player),
        }
    }

    fn claim_owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError> {
        let pending = self.pending();
        let mut claims = pending.iter().flat_map(|pending| &pending.batch.claims);
        match claims.find(|claim| claim.player == *player) {
            Some(claim) => Ok(Some(claim.key)),
            None => self.engine.claim_owner(player),
        }
    }

    /// Legacy names are not in the log.
    fn names_beyond_ascii(&self) -> Result<Vec<String>, StoreError> {
        self.engine.names_beyond_ascii()
    }

    fn answers(&self, account: AccountId) -> Result<Vec<StoredAnswer>, StoreError> {
        let pending = self.pending();
        let mut answers = self.engine.answers(account)?;
        let last = answers.last().map_or(0, |stored_answer| stored_answer.number);
        let newer = pending.iter().rev().flat_map(|pending| &pending.batch.answers);
        answers.extend(
            newer.filter(|stored_answer| stored_answer.account == account && stored_answer.number > last),
        );
        Ok(answers)
    }

    fn payments(&self, player: &PlayerName, after: i64, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let pending = self.pending();
        let mut payments = self.engine.payments(player, after, limit)?;
        let Some(account) = self.account_id(&pending, player)? else {
            return Ok(payments);
        };
        let last = payments.last().map_or(after, |payment| payment.number);
        let newer = pending.iter().rev().flat_map(|pending| &pending.batch.payments);
        let newer = newer.filter(|(of, payment)| *of == account && payment.number > last);
        extend_to(&mut payments, newer.map(|(_, payment)| *payment), limit);
        Ok(payments)
    }

    fn trades(&self, player: &PlayerName, page: PageRequest) -> Result<Page<Trade>, StoreError> {
        let pending = self.pending();
        let Some(account) = self.account_id(&pending, player)? else {
            return self.engine.trades(player, page);
        };
        let newer = pending
            .iter()
            .flat_map(|pending| pending.batch.trades.iter().rev());
        let newer = newer
            .filter(|posting| posting.account == account)
            .map(|posting| posting.trade);
        merge_page(
            newer,
            page,
            |trade| trade.number,
            |page| self.engine.trades(player, page),
        )
    }

    fn open_orders(&self, player: &PlayerName) -> Result<Vec<OrderPosting>, StoreError> {
        let pending = self.pending();
        let Some(account) = self.account_id(&pending, player)? else {
            return Ok(Vec::new());
        };
        let stored = self.engine.open_orders(player)?;
        let mut open: BTreeMap<i64, OrderPosting> = stored
            .into_iter()
            .map(|posting| (posting.number, posting))
            .collect();
        let newer = pending.iter().rev().flat_map(|pending| &pending.batch.orders);
        for posting in newer.filter(|posting| posting.account == account) {
            match posting.ended {
                None => open.insert(posting.number, *posting),
                Some(_) => open.remove(&posting.number),
            };
        }
        Ok(open.into_values().collect())
    }

    fn ended_orders(&self, player: &PlayerName, page: PageRequest) -> Result<Page<OrderPosting>, StoreError> {
        let pending = self.pending();
        let Some(account) = self.account_id(&pending, player)? else {
            return self.engine.ended_orders(player, page);
        };
        let newer = newest_orders(&pending, account).filter(|posting| posting.ended.is_some());
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
        let pending = self.pending();
        let mut ended = self.engine.orders_ended_after(player, after, limit)?;
        let Some(account) = self.account_id(&pending, player)? else {
            return Ok(ended);
        };
        let last = ended.last().and_then(|posting| posting.ended).unwrap_or(after);
        let newer = pending.iter().rev().flat_map(|pending| &pending.batch.orders);
        let newer = newer.filter(|posting| posting.account == account && posting.ended > Some(last));
        extend_to(&mut ended, newer.copied(), limit);
        Ok(ended)
    }

    fn order(&self, player: &PlayerName, id: RequestId) -> Result<Option<OrderPosting>, StoreError> {
        let pending = self.pending();
        let Some(account) = self.account_id(&pending, player)? else {
            return Ok(None);
        };
        match newest_orders(&pending, account).find(|posting| posting.order.id == id) {
            Some(posting) => Ok(Some(*posting)),
            None => self.engine.order(player, id),
        }
    }

    fn round(&self, number: i64) -> Result<Option<Round>, StoreError> {
        let pending = self.pending();
        let mut newer = pending
            .iter()
            .flat_map(|pending| pending.batch.rounds.iter().rev());
        match newer.find(|round| round.number == number) {
            Some(round) => Ok(Some(round.clone())),
            None => self.engine.round(number),
        }
    }

    fn accounts_in_round(&self, number: i64) -> Result<Vec<(PlayerName, AccountRecord)>, StoreError> {
        let pending = self.pending();
        let stored = self.engine.accounts_in_round(number)?;
        let newer = pending.iter().rev().flat_map(|pending| &pending.batch.records);
        let newer = newer.filter(|(player, _)| player.round().is_some_and(|(round, _)| round == number));
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
        let pending = self.pending();
        let mut top = self.engine.top_accounts(most, price)?;
        let newer = pending.iter().rev().flat_map(|pending| &pending.batch.records);
        let newer = newer.filter(|(player, record)| record.trades > 0 && player.round().is_none());
        // Of an account that is in both, the reader takes the newer version.
        top.extend(newer.map(|(player, record)| (player.clone(), record.account)));
        Ok(top)
    }

    fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError> {
        let pending = self.pending();
        let newer = pending
            .iter()
            .flat_map(|pending| pending.batch.ticks.iter().rev().copied());
        merge_page(newer, page, |tick| tick.number, |page| self.engine.ticks(page))
    }

    fn candles(&self, page: PageRequest) -> Result<Page<Candle>, StoreError> {
        // Candles are always applied.
        self.engine.candles(page)
    }

    fn close(&self) {
        self.engine.close();
    }
}

/// Returns the changes of the account's orders, newest first.
fn newest_orders(pending: &[PendingBatch], account: AccountId) -> impl Iterator<Item = &OrderPosting> {
    let orders = pending
        .iter()
        .flat_map(|pending| pending.batch.orders.iter().rev());
    orders.filter(move |posting| posting.account == account)
}

fn newest(pending: &[PendingBatch], player: &PlayerName) -> Option<AccountRecord> {
    let mut records = pending.iter().flat_map(|pending| &pending.batch.records);
    records
        .find(|(name, _)| name == player)
        .map(|(_, record)| *record)
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
    let mut newer: Vec<T> = newer.take(limit.saturating_add(1)).collect();
    let is_enough = newer.len() > limit;
    newer.truncate(limit);
    newer.reverse();
    if is_enough {
        return Ok(Page {
            entries: newer,
            more: true,
        });
    }
    let room = limit.saturating_sub(newer.len());
    let rest = PageRequest {
        before: newer.first().map(&number).or(page.before),
        // At least one, to learn whether there are older entries.
        limit: u32::try_from(room.max(1)).unwrap_or(u32::MAX),
    };
    let Page { mut entries, more } = engine(rest)?;
    if room == 0 {
        let more = more || !entries.is_empty();
        return Ok(Page { entries: newer, more });
    }
    entries.extend(newer);
    Ok(Page { entries, more })
}
