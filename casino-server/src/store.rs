//! The store's border: what the casino asks of a storage engine, in a few coarse calls.
//!
//! Owns the traits and what can go wrong, whatever the engine. An engine lives in a module below and decides nothing:
//! it keeps what it is given, all of a batch or nothing of it. All traits block; their callers keep them off the
//! async threads.

mod log;
pub(crate) mod postgres;
mod receipts;
#[cfg(test)]
pub(crate) mod scripted;
pub(crate) mod sqlite;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use self::log::{Layered, LogError, Logged, Recovered, left_behind, recover};
use crate::{
    account::Account,
    history::Candle,
    identity::{Claim, KeyHash, PlayerName},
    market::Tick,
    receipt::Filed,
    record::{AccountId, Payment, Posting, Record, Trade},
};

/// The writing side. It has one owner: the ledger's flusher.
pub(crate) trait Store: Send {
    /// The highest numbers given out so far.
    fn numbers(&mut self) -> Result<Numbers, StoreError>;

    /// Keeps `batch`, all of it or nothing. When it returns `Ok`, the batch is on disk and the readers see it.
    fn commit(&mut self, batch: &Arc<Batch>) -> Result<(), CommitError>;

    /// Leaves a store that any tool of the engine can read.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// An engine behind a commit log: it takes over what the log has made durable, many batches at a time.
pub(crate) trait Backing: Send {
    /// The highest numbers given out so far.
    fn numbers(&mut self) -> Result<Numbers, StoreError>;

    /// Up to where the log has been taken over.
    fn mark(&mut self) -> Result<Mark, StoreError>;

    /// Keeps `batches`, in their order, and `mark` with them: all of it or nothing.
    fn take_over(&mut self, batches: &[Arc<Batch>], mark: Mark) -> Result<(), CommitError>;

    /// Leaves a store that any tool of the engine can read.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// Up to where an engine has taken over its commit log.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Counts the openings of the log: what was written in an earlier one never counts.
    pub(crate) epoch: u64,
    /// The last batch taken over.
    pub(crate) batch: u64,
    /// The byte of the log after that batch.
    pub(crate) position: u64,
}

/// The reading side, beside the writer: sees what is on disk, and never waits for what is about to be.
pub(crate) trait Reads: Send + Sync {
    /// The player's account; an empty one for a player it does not know.
    fn account(&self, player: &PlayerName) -> Result<Account, StoreError>;

    /// The player's record; `None` for a player it does not know.
    fn record(&self, player: &PlayerName) -> Result<Option<Record>, StoreError>;

    /// The key that the name belongs to; `None` while it is nobody's.
    fn owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError>;

    /// The newest receipts of `account`, oldest first: as many as are remembered, or a few more.
    fn receipts(&self, account: AccountId) -> Result<Vec<Filed>, StoreError>;

    /// At most `limit` of the player's payments with a number above `after`, oldest first.
    fn payments(&self, player: &PlayerName, after: i64, limit: u32) -> Result<Vec<Payment>, StoreError>;

    /// The newest page of the player's trades, or of those below a number.
    fn trades(&self, player: &PlayerName, page: PageRequest) -> Result<Page<Trade>, StoreError>;

    /// The newest page of the ticks that are kept one by one, or of those below a number.
    fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError>;

    /// The newest page of the candles, or of those that begin below a tick's number.
    fn candles(&self, page: PageRequest) -> Result<Page<Candle>, StoreError>;

    /// Lets go of what is open. Reads after it open it again.
    fn close(&self);
}

/// Which page: the newest entries, or the newest below a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageRequest {
    /// Only entries with a lower number; `None`: from the newest on.
    pub(crate) before: Option<i64>,
    /// At most so many entries.
    pub(crate) limit: u32,
}

impl PageRequest {
    /// The number that the page's entries lie below.
    fn below(self) -> i64 {
        self.before.unwrap_or(i64::MAX)
    }

    /// One entry more than the page has, to see whether there are older ones.
    fn one_more(self) -> i64 {
        i64::from(self.limit).saturating_add(1)
    }

    /// The page from its entries, newest first, and perhaps one more.
    fn of<T>(self, mut entries: Vec<T>) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = entries.len() > limit;
        entries.truncate(limit);
        entries.reverse();
        Page { entries, more }
    }
}

/// A page of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<T> {
    /// Oldest first.
    pub(crate) entries: Vec<T>,
    /// There are older ones.
    pub(crate) more: bool,
}

/// Numbers that count up as long as the store is used.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The last account's key.
    pub(crate) account: i64,
    /// The last sheet of the book of trades.
    pub(crate) sheet: i64,
}

/// What is written together.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// The records that changed, as they are after the batch. No player is named twice.
    pub(crate) records: Vec<(PlayerName, Record)>,
    /// The payments made, in order.
    pub(crate) payments: Vec<(AccountId, Payment)>,
    /// The trades made, in order; those of one sheet lie together.
    pub(crate) trades: Vec<Posting>,
    /// The ticks of the market, in order.
    pub(crate) ticks: Vec<Tick>,
    /// The names claimed; none of them was before.
    pub(crate) claims: Vec<Claim>,
    /// The receipts given, in order. The records of their accounts are among those that changed.
    pub(crate) receipts: Vec<Filed>,
}

impl Batch {
    /// There is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries() == 0
    }

    /// How many entries there are to write.
    pub(crate) fn entries(&self) -> usize {
        self.payments
            .len()
            .saturating_add(self.trades.len())
            .saturating_add(self.ticks.len())
            .saturating_add(self.claims.len())
            .saturating_add(self.receipts.len())
    }
}

/// The store failed at something. Its words name the operation; the source says what the engine said.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation}")]
pub(crate) struct StoreError {
    /// What was being done, as in "could not ...".
    pub(crate) operation: &'static str,
    /// What the engine said.
    #[source]
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
    /// The engine is away, or others were in the way: asking again later can help.
    pub(crate) is_passing: bool,
}

impl StoreError {
    /// A failure of `operation`, as in "could not ...".
    pub(crate) fn new(
        operation: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            operation,
            source: source.into(),
            is_passing: false,
        }
    }
}

/// Why a batch was not kept, or may not have been.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitError {
    /// The batch is certainly not in the store, and the store can go on.
    #[error("the batch was not written")]
    NotWritten(#[source] StoreError),
    /// Nobody knows whether the batch is in the store until it has been opened again.
    #[error("whether the batch was written is not known")]
    Unknown(#[source] StoreError),
}
