//! The ledger: what everybody owns, what the price is, and that both are on disk before anybody hears of it.
//!
//! Owns the order of things. Whoever asks decides under one short lock, in memory, and the decision goes into the open
//! batch; one thread takes the batch, commits it as one transaction, and says that it is settled; then the answers go
//! out. So trades and prices have one order, what was answered is on disk, and batches grow with the load without a
//! timer. When a batch is refused by the disk, everything decided since is taken back with it. A ledger that several
//! casinos keep is another thing behind the same [`Books`]: see [`joint`]. It knows nothing of streams or of the wire;
//! what a command does is decided by [`record`](crate::record), not here.

mod accounts;
mod bell;
mod books;
mod draft;
mod fate;
mod flusher;
mod joint;
mod meter;
mod receipts;
#[cfg(any(test, feature = "fuzzing"))]
#[path = "../fuzz/requests.rs"]
pub(crate) mod requests;
mod shared;

#[cfg(test)]
pub(crate) mod by_hand;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc, thread, time::Duration};

use prometheus_client::registry::Registry;
use tokio::{sync::oneshot, time::timeout};

pub(crate) use self::books::{Asker, Books, Order};
pub(crate) use self::meter::Gauges;
use self::{
    books::Kept,
    draft::Draft,
    flusher::Flusher,
    joint::{Heard, Joint, Keeper, Prices},
    shared::Shared,
};
use crate::{
    allowance::Rate,
    clock::Clock,
    company::Witness,
    market::Market,
    reader::Reader,
    store::{
        Store, StoreError,
        postgres::{PostgresMarket, PostgresStore},
    },
    table::Announcer,
};

/// How long the flusher may take over its last batches and the closing of the store.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// Why a request has no decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LedgerError {
    /// The store refused the batch; it is certain that nothing has changed. Asking again later can help.
    #[error("not executed: the casino {reason}")]
    NotExecuted {
        /// What the store could not do, and why.
        reason: String,
    },
    /// The ledger takes no more requests; nothing has changed.
    #[error("not executed: the casino is stopping")]
    Stopping,
    /// The ledger ended before it answered: the request may have been executed or not.
    #[error("the casino stopped before it answered: whether this was executed is known when it is back")]
    Unanswered,
}

/// Why the ledger came to an end that nobody asked for.
#[derive(Debug, thiserror::Error)]
pub enum LedgerFailure {
    /// A commit failed in a way that leaves open whether it happened. Only opening the file again can tell.
    #[error("the ledger does not know what it has written")]
    Unknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file could not be closed in order. What was answered is in it all the same.
    #[error("the ledger was not closed in order")]
    Close(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The flusher's thread is gone.
    #[error("the ledger's thread ended by a fault of its own")]
    Fault,
    /// The flusher was still busy at the deadline.
    #[error("the ledger was not closed within {CLOSE_DEADLINE:?}")]
    Overdue,
}

/// The running ledger. Whoever holds it closes it.
#[derive(Debug)]
pub(crate) struct Ledger {
    kept: Kept,
    ended: oneshot::Receiver<Result<(), LedgerFailure>>,
}

impl Ledger {
    /// Starts the flusher over `store` on a thread of its own; accounts are read by `reader`.
    ///
    /// A thread, not a task: it blocks on the disk most of its life.
    ///
    /// # Errors
    ///
    /// When the store does not know what it has given out, or the system gives no thread.
    pub(crate) fn start(
        mut store: Box<dyn Store>,
        reader: Reader,
        market: Market,
        (announcer, witness): (Announcer, Witness),
        clock: impl Into<Clock>,
    ) -> Result<Self, StartError> {
        let draft = Draft::new(market, store.numbers()?);
        let shared = Arc::new(Shared::new(draft, reader, clock));
        let flusher = Flusher::new(Arc::clone(&shared), store, market, announcer, witness);
        let (ending, ended) = oneshot::channel();
        thread::Builder::new().name("ledger".to_owned()).spawn(move || {
            // Nobody is there to hear it when the casino was dropped without being closed.
            let _ = ending.send(flusher.run());
        })?;
        Ok(Self {
            kept: Kept::Alone(shared),
            ended,
        })
    }

    /// Starts the keeper of a ledger that other casinos keep too, as a task of this runtime. While this one
    /// leads the market, the price moves every `interval`.
    pub(crate) fn join(
        (store, prices): (PostgresStore, PostgresMarket),
        (market, interval): (Market, Duration),
        told: (Announcer, Witness),
        clock: Clock,
    ) -> Self {
        let (joint, errands) = Joint::new();
        let joint = Arc::new(joint);
        let heard = Arc::new(Heard::new(market, told));
        let prices = Prices::new(
            prices,
            Arc::clone(&heard),
            (Arc::clone(&joint), errands),
            (interval, clock),
        );
        let keeper = Keeper::new(Arc::clone(&joint), store, heard);
        let (ending, ended) = oneshot::channel();
        tokio::spawn(async move {
            tokio::select! {
                () = keeper.run() => {}
                never = prices.run() => match never {},
            }
            // Nobody is there to hear it when the casino was dropped without being closed.
            let _ = ending.send(Ok(()));
        });
        Self {
            kept: Kept::Jointly(joint),
            ended,
        }
    }

    /// From now on each player may have so many commands decided in a second.
    pub(crate) fn set_rate(&self, rate: Rate) {
        self.kept.set_rate(rate);
    }

    /// A way to the ledger for the tasks of one runtime, which has to [listen](Books::listen).
    pub(crate) fn books(&self) -> Books {
        self.kept.books()
    }

    /// What those who run the casino are told of the ledger, whenever they ask.
    pub(crate) fn gauges(&self) -> impl Fn() -> Gauges + Send + Sync + 'static {
        let kept = self.kept.clone();
        move || kept.gauges()
    }

    /// Enters what is counted once a batch into `registry`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        self.kept.meter().register(registry);
    }

    /// Completes when the flusher has ended by itself: the ledger has failed.
    pub(crate) async fn failed(&mut self) -> LedgerFailure {
        match (&mut self.ended).await {
            Ok(Err(failure)) => failure,
            Ok(Ok(())) | Err(_) => LedgerFailure::Fault,
        }
    }

    /// Has what was decided committed, and the store closed.
    pub(crate) async fn close(mut self) -> Result<(), LedgerFailure> {
        self.kept.close();
        match timeout(CLOSE_DEADLINE, &mut self.ended).await {
            Ok(ended) => ended.unwrap_or(Err(LedgerFailure::Fault)),
            Err(_) => Err(LedgerFailure::Overdue),
        }
    }
}

impl Drop for Ledger {
    /// The flusher lets go of the store by itself.
    fn drop(&mut self) {
        self.kept.close();
    }
}

/// Why a ledger could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no thread.
    #[error("the ledger's thread cannot be started")]
    Thread(#[from] io::Error),
}

impl LedgerError {
    /// For a reason that goes on from "the casino".
    fn not_executed(reason: &str) -> Self {
        Self::NotExecuted {
            reason: reason.to_owned(),
        }
    }
}

impl From<&StoreError> for LedgerError {
    fn from(error: &StoreError) -> Self {
        Self::NotExecuted {
            reason: format!("{error}: {}", error.source),
        }
    }
}
