//! The ledger: decides orders in memory, commits them in batches and then releases the answers.
//!
//! Orders are decided under one short lock into the open batch. The committer thread writes each batch in one
//! transaction, so batches grow with the load. A batch that fails is rolled back together with all later decisions.
//! [`cluster`] shares a ledger between servers behind the same [`LedgerHandle`].

pub(crate) mod account_cache;
pub(crate) mod batch;
mod cluster;
pub(crate) mod committer;
pub(crate) mod handle;
pub(crate) mod idempotency;
pub(crate) mod local;
mod metrics;
mod order;
pub(crate) mod watermark;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io, thread};

use tokio::sync::oneshot;
use tokio::time::timeout;

use self::batch::OpenBatch;
use self::cluster::ClusterLedger;
use self::committer::{Committer, Published};
use self::handle::Backend;
pub(crate) use self::handle::LedgerHandle;
use self::local::LocalLedger;
pub(crate) use self::order::{LedgerOrder, Submitter};
use crate::config::clock::Clock;
use crate::domain::market::{Market, Tick};
use crate::domain::money::Dollars;
use crate::domain::rate_limit::Rate;
use crate::domain::round::{Round, RoundError};
use crate::store::cluster::ClusterStore;
use crate::store::reader::StoreReader;
use crate::store::{Batch, Store, StoreError};

const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// Why a request has no decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LedgerError {
    /// The batch was not written and nothing has changed; a retry may succeed.
    #[error("not executed: the casino {reason}")]
    NotExecuted { reason: String },
    #[error("not executed: the casino is stopping")]
    Stopping,
    /// The request may or may not have been executed.
    #[error(
        "it is not known whether this was executed: the casino stopped, or lost its database, before the answer; \
         check before you repeat it"
    )]
    OutcomeUnknown,
}

/// The round after a command, or why it is the same.
type ChangedRound = Result<Arc<Round>, RoundError>;

/// Why the ledger failed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerFailure {
    /// The outcome of a commit is unknown until the ledger is opened again.
    #[error("it is unknown whether the last batch was written to the ledger; restart to recover")]
    CommitUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Closing failed. All answered requests are stored nevertheless.
    #[error("the ledger was not closed cleanly")]
    Close(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The committer panicked.
    #[error("the ledger thread panicked")]
    Panicked,
    /// The committer did not finish in time.
    #[error("the ledger was not closed within {CLOSE_DEADLINE:?}")]
    CloseTimeout,
}

/// Receives what is committed, on the committer's thread or task: it must not block.
pub(crate) trait CommitObserver: fmt::Debug + Send + Sync {
    /// Called before the results of trades at that price are sent.
    fn on_tick(&self, tick: Tick);

    /// Called when the round has changed, after the tick and before the batch.
    fn on_round(&self, round: &Arc<Round>);

    fn on_batch(&self, batch: &Batch);
}

/// What decisions depend on besides the accounts.
#[derive(Debug, Clone)]
pub(crate) struct MarketState {
    pub(crate) market: Market,
    pub(crate) round: Arc<Round>,
    /// First payment of a new player, outside of rounds.
    pub(crate) stake: Option<Dollars>,
    /// Applies to a player's commands on all servers together.
    pub(crate) rate: Rate,
}

#[cfg(any(test, feature = "fuzzing"))]
impl From<Market> for MarketState {
    /// Returns the state of a market without a round, a stake or a rate limit.
    fn from(market: Market) -> Self {
        Self {
            market,
            round: Arc::default(),
            stake: None,
            rate: None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Ledger {
    backend: Backend,
    ended: oneshot::Receiver<Result<(), LedgerFailure>>,
}

impl Ledger {
    /// Continues `state`. Starts the committer on its own thread, since it mostly blocks on the disk.
    ///
    /// # Errors
    ///
    /// Fails if the thread cannot be started.
    pub(crate) fn spawn_local(
        mut store: Box<dyn Store>,
        reader: StoreReader,
        state: MarketState,
        observer: Box<dyn CommitObserver>,
        clock: impl Into<Clock>,
    ) -> io::Result<Self> {
        let stored = store.take_start();
        let batch = OpenBatch::new(state.clone(), stored.ids, stored.open_orders);
        let local = Arc::new(LocalLedger::new(batch, reader, clock));
        let committer = Committer::new(Arc::clone(&local), store, Published::new(state, observer));
        let (done, ended) = oneshot::channel();
        thread::Builder::new().name("ledger".to_owned()).spawn(move || {
            // The receiver is gone if the ledger was dropped without `close`.
            let _ = done.send(committer.run());
        })?;
        Ok(Self {
            backend: Backend::Local(local),
            ended,
        })
    }

    /// Continues the `state` of a ledger shared with other servers. Starts the committer as a task. `interval` is the time
    /// between ticks.
    pub(crate) fn spawn_cluster(
        store: Arc<impl ClusterStore>,
        state: MarketState,
        interval: Duration,
        observer: Box<dyn CommitObserver>,
        clock: Clock,
    ) -> Self {
        let (cluster, requests) = ClusterLedger::new();
        let cluster = Arc::new(cluster);
        let backend = Backend::Cluster(Arc::clone(&cluster));
        let published = Published::new(state, observer);
        let (done, ended) = oneshot::channel();
        tokio::spawn(async move {
            cluster.run(&*store, &published, requests, interval, clock).await;
            // The receiver is gone if the ledger was dropped without `close`.
            let _ = done.send(Ok(()));
        });
        Self { backend, ended }
    }

    /// Returns a handle for the tasks of one runtime, which must poll [`LedgerHandle::run_notifier`].
    pub(crate) fn handle(&self) -> LedgerHandle {
        self.backend.handle()
    }

    /// Waits until the committer fails.
    pub(crate) async fn failed(&mut self) -> LedgerFailure {
        match (&mut self.ended).await {
            Ok(Err(failure)) => failure,
            Ok(Ok(())) | Err(_) => LedgerFailure::Panicked,
        }
    }

    /// Commits everything decided and closes the store.
    pub(crate) async fn close(mut self) -> Result<(), LedgerFailure> {
        self.backend.close();
        match timeout(CLOSE_DEADLINE, &mut self.ended).await {
            Ok(ended) => ended.unwrap_or(Err(LedgerFailure::Panicked)),
            Err(_) => Err(LedgerFailure::CloseTimeout),
        }
    }
}

impl Drop for Ledger {
    /// The committer then closes the store by itself.
    fn drop(&mut self) {
        self.backend.close();
    }
}

impl LedgerError {
    /// `reason` completes "the casino …".
    fn not_executed(reason: &str) -> Self {
        Self::NotExecuted {
            reason: reason.to_owned(),
        }
    }
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        Self::NotExecuted {
            reason: format!("{error}: {}", error.source),
        }
    }
}
