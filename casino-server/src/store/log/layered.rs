//! The reading side: what the engine holds, and on top of it what is only in the log so far.
//!
//! What waits is looked at before the engine is asked. So what is taken over in between is seen twice, and known by its
//! number, but never missed.

use std::sync::Arc;

use super::backlog::{Backlog, Waiting};
use crate::{
    account::Account,
    history::Candle,
    identity::{KeyHash, PlayerName},
    market::Tick,
    receipt::Filed,
    record::{AccountId, Payment, Record, Trade},
    store::{Page, PageRequest, Reads, StoreError},
};

/// Readers of an engine behind a log.
#[derive(Debug)]
pub(crate) struct Layered<R> {
    backlog: Arc<Backlog>,
    below: R,
}

impl<R: Reads> Layered<R> {
    pub(super) fn new(backlog: Arc<Backlog>, below: R) -> Self {
        Self { backlog, below }
    }

    /// The batches that wait, newest first.
    fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.backlog.waiting();
        waiting.reverse();
        waiting
    }

    /// The account's key, if there is one.
    fn key(&self, waiting: &[Waiting], player: &PlayerName) -> Result<Option<AccountId>, StoreError> {
        let record = match newest(waiting, player) {
            Some(record) => Some(record),
            None => self.below.record(player)?,
        };
        Ok(record.map(|record| record.id))
    }
}

impl<R: Reads> Reads for Layered<R> {
    fn account(&self, player: &PlayerName) -> Result<Account, StoreError> {
        match newest(&self.waiting(), player) {
            Some(record) => Ok(record.account),
            None => self.below.account(player),
        }
    }

    fn record(&self, player: &PlayerName) -> Result<Option<Record>, StoreError> {
        match newest(&self.waiting(), player) {
            Some(record) => Ok(Some(record)),
            None => self.below.record(player),
        }
    }

    fn owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError> {
        let waiting = self.waiting();
        let mut claims = waiting.iter().flat_map(|waiting| &waiting.batch.claims);
        match claims.find(|claim| claim.player == *player) {
            Some(claim) => Ok(Some(claim.key)),
            None => self.below.owner(player),
        }
    }

    fn receipts(&self, account: AccountId) -> Result<Vec<Filed>, StoreError> {
        let waiting = self.waiting();
        let mut receipts = self.below.receipts(account)?;
        let last = receipts.last().map_or(0, |filed| filed.number);
        let above = waiting.iter().rev().flat_map(|waiting| &waiting.batch.receipts);
        receipts.extend(above.filter(|filed| filed.account == account && filed.number > last));
        Ok(receipts)
    }

    fn payments(&self, player: &PlayerName, after: i64, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let waiting = self.waiting();
        let mut payments = self.below.payments(player, after, limit)?;
        let Some(account) = self.key(&waiting, player)? else {
            return Ok(payments);
        };
        let last = payments.last().map_or(after, |payment| payment.number);
        let above = waiting.iter().rev().flat_map(|waiting| &waiting.batch.payments);
        let above = above.filter(|(of, payment)| *of == account && payment.number > last);
        let room = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_sub(payments.len());
        payments.extend(above.map(|(_, payment)| *payment).take(room));
        Ok(payments)
    }

    fn trades(&self, player: &PlayerName, page: PageRequest) -> Result<Page<Trade>, StoreError> {
        let waiting = self.waiting();
        let Some(account) = self.key(&waiting, player)? else {
            return self.below.trades(player, page);
        };
        let above = waiting
            .iter()
            .flat_map(|waiting| waiting.batch.trades.iter().rev());
        let above = above
            .filter(|posting| posting.account == account)
            .map(|posting| posting.trade);
        layered(
            above,
            page,
            |trade| trade.number,
            |page| self.below.trades(player, page),
        )
    }

    fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError> {
        let waiting = self.waiting();
        let above = waiting
            .iter()
            .flat_map(|waiting| waiting.batch.ticks.iter().rev().copied());
        layered(above, page, |tick| tick.number, |page| self.below.ticks(page))
    }

    fn candles(&self, page: PageRequest) -> Result<Page<Candle>, StoreError> {
        // What is in the log alone is far too new to be in one.
        self.below.candles(page)
    }

    fn close(&self) {
        self.below.close();
    }
}

/// The player's record as the newest of these batches left it.
fn newest(waiting: &[Waiting], player: &PlayerName) -> Option<Record> {
    let mut records = waiting.iter().flat_map(|waiting| &waiting.batch.records);
    records
        .find(|(name, _)| name == player)
        .map(|(_, record)| *record)
}

/// The page from what lies `above`, newest first, and from what is `below` that.
fn layered<T>(
    above: impl Iterator<Item = T>,
    page: PageRequest,
    number: impl Fn(&T) -> i64,
    below: impl FnOnce(PageRequest) -> Result<Page<T>, StoreError>,
) -> Result<Page<T>, StoreError> {
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let before = page.before.unwrap_or(i64::MAX);
    let enough = limit.saturating_add(1);
    let mut top: Vec<T> = above
        .filter(|entry| number(entry) < before)
        .take(enough)
        .collect();
    if top.len() == enough {
        top.truncate(limit);
        top.reverse();
        return Ok(Page {
            entries: top,
            more: true,
        });
    }
    top.reverse();
    let room = limit.saturating_sub(top.len());
    let rest = PageRequest {
        before: top.first().map(&number).or(page.before),
        // One, if only to hear whether there is any.
        limit: u32::try_from(room.max(1)).unwrap_or(u32::MAX),
    };
    let Page { mut entries, more } = below(rest)?;
    if room == 0 {
        let more = more || !entries.is_empty();
        return Ok(Page { entries: top, more });
    }
    entries.extend(top);
    Ok(Page { entries, more })
}
