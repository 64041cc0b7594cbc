//! The ledger of several servers: what they share, and what they exchange.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::notifications::Notifications;
use super::{Batch, CommitError, StoreError};
use crate::domain::account::Account;
use crate::domain::credential::Claim;
use crate::domain::market::Tick;
use crate::domain::money::UnixMillis;
use crate::domain::order::request::{AnsweredRequest, RequestId};
use crate::domain::order::resting::{DueOrder, OrderPosting};
use crate::domain::order::{AccountId, AccountRecord};
use crate::domain::player::{OnlinePlayers, PlayerName, RemotePresence, SessionOwner};
use crate::domain::rate_limit::TokenBucket;
use crate::domain::round::{Round, RoundError};

/// A store shared by several servers. Batches, the market, the feeds, the leaderboard and the session counts do not
/// wait for each other.
pub(crate) trait ClusterStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the unique name of this server.
    fn casino(&self) -> &str;

    /// Returns what the other servers have sent. The first access to the market subscribes to it.
    fn notifications(&self) -> &Notifications;

    /// Loads `inputs`, calls `decide` and stores its batch and rate limits atomically. `decide` is called again for
    /// each retry; the last result counts.
    fn run_batch(
        &self,
        inputs: &BatchInputs<'_>,
        decide: impl FnMut(&LoadedAccounts) -> (Arc<Batch>, RateLimits) + Send,
    ) -> impl Future<Output = Result<(), CommitError>> + Send;

    /// Stores `tick` if this server leads the market or nobody does, and renews its `lease` from now. A tick is stored
    /// only if the one before meets no open order, or with `skip_due`.
    fn lead(
        &self,
        lease: Duration,
        tick: Tick,
        skip_due: bool,
    ) -> impl Future<Output = Result<LeaseOutcome, StoreError>> + Send;

    /// Returns up to `max` open orders with a number above `after` that the current price meets, oldest first.
    fn due_orders(
        &self,
        after: i64,
        max: usize,
    ) -> impl Future<Output = Result<Vec<DueOrder>, StoreError>> + Send;

    /// Returns the newest round.
    fn round(&self) -> impl Future<Output = Result<Round, StoreError>> + Send;

    /// Stores what `change` returns for the newest round, unless that is `None` or an error, and notifies all servers.
    /// Returns the round afterwards.
    fn change_round(
        &self,
        change: impl Fn(&Round) -> Result<Option<Round>, RoundError> + Send + Sync,
    ) -> impl Future<Output = Result<Result<Round, RoundError>, StoreError>> + Send;

    /// Combines some old ticks into candles.
    fn roll_up(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns the newest ticks after `number`, oldest first.
    fn ticks_after(&self, number: i64) -> impl Future<Output = Result<Vec<Tick>, StoreError>> + Send;

    /// Stores `claim` if the name is unclaimed. Returns whether the key owns the name.
    fn claim(&self, claim: &Claim) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Sends trades to all servers.
    fn send_trades(&self, payload: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes the local presence; `watches`: someone here is subscribed to the tape. Returns the presence of the
    /// other servers.
    fn sync_presence(
        &self,
        here: &OnlinePlayers,
        watches: bool,
    ) -> impl Future<Output = Result<Vec<RemotePresence>, StoreError>> + Send;

    /// Deletes the presence of this server when it closes.
    fn leave(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns up to `most` accounts that have traded, by profit at the current price: those in the round, or the players'
    /// own ones without a round.
    fn top_accounts(
        &self,
        most: usize,
        round: Option<i64>,
    ) -> impl Future<Output = Result<Vec<(PlayerName, Account)>, StoreError>> + Send;

    /// Connects to the session counts. Returns `true` for a new connection: earlier counts may be lost.
    fn open_sessions(&self) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Writes the local sessions and returns how many of the requested ones are granted, up to `max` on all servers.
    /// Held sessions stay. Requires the connection of [`open_sessions`](Self::open_sessions).
    fn reserve_sessions(
        &self,
        here: &[LocalSessions],
        max: usize,
    ) -> impl Future<Output = Result<Vec<usize>, StoreError>> + Send;
}

/// What a batch needs.
#[derive(Debug)]
pub(crate) struct BatchInputs<'a> {
    /// Each once.
    pub(crate) players: Vec<&'a str>,
    /// Players whose accounts are created if missing.
    pub(crate) new: Vec<&'a str>,
    /// Each once.
    pub(crate) ids: Vec<(&'a str, RequestId)>,
    /// Players whose open orders are needed, each once.
    pub(crate) orders: Vec<&'a str>,
    /// Number of the newest tick known to the server.
    pub(crate) last_tick: i64,
}

/// Input of the decisions, locked until the commit.
#[derive(Debug)]
pub(crate) struct LoadedAccounts {
    pub(crate) accounts: HashMap<String, LoadedAccount>,
    pub(crate) tick: Tick,
    /// The open round, if any. It does not change until the commit.
    pub(crate) round: Option<Round>,
    /// Ticks since [`BatchInputs::last_tick`], oldest first, up to `tick`.
    pub(crate) new_ticks: Vec<Tick>,
    /// The database's time after locking: later decisions on an account have later times.
    pub(crate) at: UnixMillis,
}

#[derive(Debug)]
pub(crate) struct LoadedAccount {
    pub(crate) record: AccountRecord,
    /// Remembered answers to the request IDs of the batch.
    pub(crate) answers: Vec<AnsweredRequest>,
    /// Number of the newest answer; 0 if there is none.
    pub(crate) last_answer: i64,
    /// The open orders, if they are needed.
    pub(crate) orders: Vec<OrderPosting>,
    pub(crate) bucket: TokenBucket,
}

pub(crate) type RateLimits = HashMap<AccountId, TokenBucket>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaseOutcome {
    Stored,
    /// This server leads, and the current price meets open orders.
    OrdersDue,
    /// This server leads but has missed ticks.
    Behind,
    /// Another server leads.
    NotLeader,
}

/// Sessions of one owner on this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalSessions {
    pub(crate) owner: SessionOwner,
    pub(crate) held: usize,
    /// Sessions requested in addition.
    pub(crate) more: usize,
}
