//! Traits of the storage engines, which store batches atomically and decide nothing.
//!
//! All methods block: call them off the async threads.

pub(crate) mod cluster;
mod encoding;
pub(crate) mod notifications;
pub(crate) mod outage;
#[cfg_attr(not(feature = "postgres"), path = "no_postgres.rs")]
pub(crate) mod postgres;
pub(crate) mod reader;
pub(crate) mod sqlite;
mod wal;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub(crate) use self::postgres::check_database;
pub(crate) use self::wal::{Damage, OverlayReads, RecoveredWal, WalError, WalStore, recover, uncheckpointed};
use crate::domain::account::Account;
use crate::domain::candles::Candle;
use crate::domain::credential::{Claim, KeyHash};
use crate::domain::market::Tick;
use crate::domain::money::Price;
use crate::domain::order::page::PagedTrades;
use crate::domain::order::request::{RequestId, StoredAnswer};
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountId, AccountRecord, Payment, Trade};
use crate::domain::player::PlayerName;
use crate::domain::round::Round;

/// Locks `mutex` and ignores poisoning: the guarded values are valid after a panic too.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls a function when it is dropped, also by a panic.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// The writing side, owned by the committer.
pub(crate) trait Store: Send {
    /// Takes what was stored when the store was opened.
    fn take_start(&mut self) -> StartState;

    /// Stores `batch` atomically. After `Ok` it is on disk and visible to readers.
    fn commit(&mut self, batch: &Arc<Batch>) -> Result<(), CommitError>;

    /// Leaves files that any tool of the engine can read.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// An engine behind a write-ahead log, which applies many logged batches at a time.
pub(crate) trait WalTarget: Send {
    fn start_state(&mut self) -> Result<StartState, StoreError>;

    fn position(&mut self) -> Result<WalPosition, StoreError>;

    /// Stores `batches`, in order, and `position` atomically.
    fn apply(&mut self, batches: &[Arc<Batch>], position: WalPosition) -> Result<(), CommitError>;

    /// Moves written data into the engine's main file.
    fn checkpoint(&mut self) {}

    /// Leaves files that any tool of the engine can read.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// Position up to which an engine has applied its log.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WalPosition {
    /// Random number of the log's opening; frames of other epochs are ignored. 0: never opened.
    pub(crate) epoch: u64,
    /// The last batch applied.
    pub(crate) batch: u64,
    /// Offset of the log after that batch, in bytes.
    pub(crate) offset: u64,
    /// Whether the engine holds everything, so that the log is not needed. `None`: written by a version without
    /// this field.
    pub(crate) closed: Option<bool>,
}

/// The reading side: sees committed data and never waits for the writer.
pub(crate) trait StoreReads: fmt::Debug + Send + Sync {
    /// Returns an empty account for an unknown player.
    #[cfg(test)]
    fn account(&self, player: &PlayerName) -> Result<Account, StoreError> {
        let record = self.account_record(player)?;
        Ok(record.map(|record| record.account).unwrap_or_default())
    }

    fn account_record(&self, player: &PlayerName) -> Result<Option<AccountRecord>, StoreError>;

    /// Returns the key of the name's owner, `None` if it is unclaimed.
    fn claim_owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError>;

    /// Returns the stored names that contain non-ASCII characters.
    fn names_beyond_ascii(&self) -> Result<Vec<String>, StoreError>;

    /// Returns at least the remembered answers of `account`, oldest first.
    fn answers(&self, account: AccountId) -> Result<Vec<StoredAnswer>, StoreError>;

    /// Returns up to `limit` payments with numbers above `after`, oldest first.
    fn payments(&self, player: &PlayerName, after: i64, limit: u32) -> Result<Vec<Payment>, StoreError>;

    fn trades(&self, player: &PlayerName, page: PageRequest) -> Result<Page<Trade>, StoreError>;

    /// Returns the open orders, oldest first.
    fn open_orders(&self, player: &PlayerName) -> Result<Vec<OrderPosting>, StoreError>;

    /// Returns a page of the ended orders, selected by [`OrderPosting::ended`].
    fn ended_orders(&self, player: &PlayerName, page: PageRequest) -> Result<Page<OrderPosting>, StoreError>;

    /// Returns up to `limit` orders that ended after the end `after`, in the order in which they ended.
    fn orders_ended_after(
        &self,
        player: &PlayerName,
        after: i64,
        limit: u32,
    ) -> Result<Vec<OrderPosting>, StoreError>;

    /// Returns the newest order that the request `id` placed.
    fn order(&self, player: &PlayerName, id: RequestId) -> Result<Option<OrderPosting>, StoreError>;

    fn round(&self, number: i64) -> Result<Option<Round>, StoreError>;

    /// Returns the accounts in the round `number`.
    fn accounts_in_round(&self, number: i64) -> Result<Vec<(PlayerName, AccountRecord)>, StoreError>;

    /// Returns the players' own accounts that have traded: at least the first `most` by profit at `price`. Servers that
    /// share a ledger read them with the feeds.
    fn top_accounts(&self, _most: usize, _price: Price) -> Result<Vec<(PlayerName, Account)>, StoreError> {
        Ok(Vec::new())
    }

    /// Returns a page of the ticks stored individually.
    fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError>;

    /// Returns a page of candles, selected by their first ticks.
    fn candles(&self, page: PageRequest) -> Result<Page<Candle>, StoreError>;

    /// Closes idle connections; later reads open new ones.
    fn close(&self);
}

/// A page of the newest entries, or of the newest below a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageRequest {
    /// Exclusive upper bound; `None`: start at the newest entry.
    pub(crate) before: Option<i64>,
    pub(crate) limit: u32,
}

/// Returns the bounds of the names of accounts in the round `number`, the upper one exclusive.
fn names_in_round(number: i64) -> (String, String) {
    // The character after the separator.
    (format!("@{number}/"), format!("@{number}0"))
}

impl PageRequest {
    fn below(self) -> i64 {
        self.before.unwrap_or(i64::MAX)
    }

    /// The extra entry shows whether there are older ones.
    fn one_more(self) -> i64 {
        i64::from(self.limit).saturating_add(1)
    }

    /// Builds the page from up to `limit + 1` entries, newest first.
    fn with_limit<T>(self, mut entries: Vec<T>) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = entries.len() > limit;
        entries.truncate(limit);
        entries.reverse();
        Page { entries, more }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<T> {
    /// Oldest first.
    pub(crate) entries: Vec<T>,
    /// Whether there are older entries.
    pub(crate) more: bool,
}

/// The highest numbers in use.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdCounters {
    pub(crate) account: i64,
    /// The last page of trades.
    pub(crate) page: i64,
    /// The last resting order.
    pub(crate) order: i64,
    /// The last end of a resting order.
    pub(crate) ended: i64,
}

/// Stored state from which the ledger continues.
#[derive(Debug, Default)]
pub(crate) struct StartState {
    pub(crate) ids: IdCounters,
    /// Of all players.
    pub(crate) open_orders: Vec<(PlayerName, OrderPosting)>,
    /// The newest.
    pub(crate) round: Round,
}

/// Everything that one commit writes.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// Changed records as of the end of the batch, at most one for each player.
    pub(crate) records: Vec<(PlayerName, AccountRecord)>,
    pub(crate) payments: Vec<(AccountId, Payment)>,
    pub(crate) trades: PagedTrades,
    pub(crate) ticks: Vec<Tick>,
    /// Names that were unclaimed before.
    pub(crate) claims: Vec<Claim>,
    /// Answers to requests with IDs, in order. Their accounts are among `records`.
    pub(crate) answers: Vec<StoredAnswer>,
    /// Resting orders that were placed or have ended, in order. Their accounts are among `records`.
    pub(crate) orders: Vec<OrderPosting>,
    /// Changes of the round, in order.
    pub(crate) rounds: Vec<Round>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries() == 0
    }

    pub(crate) fn entries(&self) -> usize {
        self.payments
            .len()
            .saturating_add(self.trades.len())
            .saturating_add(self.ticks.len())
            .saturating_add(self.claims.len())
            .saturating_add(self.answers.len())
            .saturating_add(self.orders.len())
            .saturating_add(self.rounds.len())
    }
}

/// A failed operation of the store.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation}")]
pub(crate) struct StoreError {
    /// Continues "could not".
    pub(crate) operation: &'static str,
    #[source]
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
    /// A retry may succeed: the engine is unavailable or a conflict occurred.
    pub(crate) is_transient: bool,
}

impl StoreError {
    /// Creates the error of an `operation`, which continues "could not".
    pub(crate) fn new(
        operation: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            operation,
            source: source.into(),
            is_transient: false,
        }
    }
}

/// Operation of a [`CommitError`]; continues "could not".
const WRITE: &str = "write the ledger";

/// Why a batch is not, or possibly not, stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitError {
    /// The batch is not stored, and the store remains usable.
    #[error("the batch was not written")]
    Rejected(#[source] StoreError),
    /// The outcome is unknown until the store is opened again.
    #[error("it is unknown whether the batch was written")]
    Unknown(#[source] StoreError),
}

impl CommitError {
    pub(crate) fn rejected(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Rejected(StoreError::new(WRITE, source))
    }

    pub(crate) fn unknown(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unknown(StoreError::new(WRITE, source))
    }
}
