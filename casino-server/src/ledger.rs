//! The ledger: the single writer of accounts and prices.
//!
//! Owns the order of things. Commands and ticks go through one bounded queue to one thread, which takes what has
//! queued up, decides each against the accounts and the price as they then are, commits all of it as one transaction,
//! and answers after the commit. So trades and prices have one order, and what was answered is on disk. It knows
//! nothing of streams or of the wire; what a command does is decided by [`record`](crate::record), not here.

mod cache;
mod draft;
mod writer;

#[cfg(test)]
mod tests;

use std::{io, thread, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    clock::Clock,
    identity::PlayerName,
    market::{Market, Tick},
    record::{Command, Decision},
    store::{Store, StoreError},
    table::Announcer,
};

/// Requests that may wait for the writer. Past it, whoever asks waits too.
const QUEUE_MAX: usize = 8192;

/// How long the writer may take over its last batches and the closing of the store.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// What is asked of the writer.
#[derive(Debug)]
pub(crate) enum Request {
    /// A player's command.
    Command {
        /// Whose.
        player: PlayerName,
        /// What.
        command: Command,
        /// Where the answer goes. An answer that nobody waits for any more is executed all the same.
        reply: oneshot::Sender<Result<Decision, LedgerError>>,
    },
    /// The next move of the price.
    Tick {
        /// Where the tick goes, once it is stored and announced.
        reply: oneshot::Sender<Result<Tick, LedgerError>>,
    },
    /// The last request: what came before it is executed, nothing is taken after it.
    Close,
}

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
    /// The writer's thread is gone.
    #[error("the ledger's thread ended by a fault of its own")]
    Fault,
    /// The writer was still busy at the deadline.
    #[error("the ledger was not closed within {CLOSE_DEADLINE:?}")]
    Overdue,
}

/// The running ledger. Whoever holds it closes it.
#[derive(Debug)]
pub(crate) struct Ledger {
    queue: Queue,
    ended: oneshot::Receiver<Result<(), LedgerFailure>>,
}

impl Ledger {
    /// Starts the writer over `store` on a thread of its own.
    ///
    /// A thread, not a task: it blocks on the disk most of its life.
    pub(crate) fn start(
        store: Box<dyn Store>,
        market: Market,
        announcer: Announcer,
        clock: Clock,
    ) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let (ending, ended) = oneshot::channel();
        let writer = writer::Writer::new(store, market, announcer, clock);
        thread::Builder::new().name("ledger".to_owned()).spawn(move || {
            // Nobody is there to hear it when the casino was dropped without being closed.
            let _ = ending.send(writer.run(receiver));
        })?;
        Ok(Self {
            queue: Queue(sender),
            ended,
        })
    }

    /// Where requests are put.
    pub(crate) fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Completes when the writer has ended by itself: the ledger has failed.
    pub(crate) async fn failed(&mut self) -> LedgerFailure {
        match (&mut self.ended).await {
            Ok(Err(failure)) => failure,
            Ok(Ok(())) | Err(_) => LedgerFailure::Fault,
        }
    }

    /// Has what is queued executed, and the store closed.
    pub(crate) async fn close(self) -> Result<(), LedgerFailure> {
        let closed = async {
            // A full queue empties; a writer that is gone has sent its ending.
            let _ = self.queue.0.send(Request::Close).await;
            self.ended.await.unwrap_or(Err(LedgerFailure::Fault))
        };
        timeout(CLOSE_DEADLINE, closed)
            .await
            .unwrap_or(Err(LedgerFailure::Overdue))
    }
}

/// The way to the writer, for any number of askers.
#[derive(Debug, Clone)]
pub(crate) struct Queue(mpsc::Sender<Request>);

impl Queue {
    /// Has `command` executed for `player`, and waits until it is on disk.
    pub(crate) async fn execute(
        &self,
        player: PlayerName,
        command: Command,
    ) -> Result<Decision, LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.ask(
            Request::Command {
                player,
                command,
                reply,
            },
            answer,
        )
        .await
    }

    /// Has the price move, and waits until the tick is on disk and announced.
    pub(crate) async fn tick(&self) -> Result<Tick, LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Tick { reply }, answer).await
    }

    /// The queue itself, for an asker that polls.
    pub(crate) fn sender(&self) -> mpsc::Sender<Request> {
        self.0.clone()
    }

    /// A queue for `capacity` requests that a test answers.
    #[cfg(test)]
    pub(crate) fn answered_by_hand(capacity: usize) -> (Self, mpsc::Receiver<Request>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self(sender), receiver)
    }

    async fn ask<T>(
        &self,
        request: Request,
        answer: oneshot::Receiver<Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        self.0.send(request).await.map_err(|_| LedgerError::Stopping)?;
        answer.await.unwrap_or(Err(LedgerError::Unanswered))
    }
}

impl From<&StoreError> for LedgerError {
    fn from(error: &StoreError) -> Self {
        Self::NotExecuted {
            reason: format!("{error}: {}", error.source),
        }
    }
}
