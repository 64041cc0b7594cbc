//! The writer's thread: queue, batch, decide, commit, answer.

use tokio::sync::{mpsc, oneshot};

use super::{LedgerError, LedgerFailure, Request, cache::Cache, draft::Draft};
use crate::{
    clock::Clock,
    identity::PlayerName,
    market::{Market, Tick},
    quantity::UnixMillis,
    record::Decision,
    store::{Batch, CommitError, Store, StoreError},
    table::Announcer,
};

/// Requests that one transaction takes at most. What one player alone asks for is a batch of one, at once.
const BATCH_MAX: usize = 1024;

/// The state of the thread.
pub(super) struct Writer {
    store: Box<dyn Store>,
    market: Market,
    cache: Cache,
    announcer: Announcer,
    clock: Clock,
}

/// An answer that waits for the commit.
enum Answer {
    Decision(oneshot::Sender<Result<Decision, LedgerError>>, Decision),
    Tick(oneshot::Sender<Result<Tick, LedgerError>>, Tick),
}

impl Answer {
    /// Nobody waits when a stream has gone; what was executed stays executed.
    fn send(self) {
        match self {
            Self::Decision(reply, decision) => drop(reply.send(Ok(decision))),
            Self::Tick(reply, tick) => drop(reply.send(Ok(tick))),
        }
    }

    fn refuse(self, error: LedgerError) {
        match self {
            Self::Decision(reply, _) => drop(reply.send(Err(error))),
            Self::Tick(reply, _) => drop(reply.send(Err(error))),
        }
    }
}

impl Writer {
    pub(super) fn new(store: Box<dyn Store>, market: Market, announcer: Announcer, clock: Clock) -> Self {
        Self {
            store,
            market,
            cache: Cache::new(),
            announcer,
            clock,
        }
    }

    /// Works until the queue is closed and empty, or until it no longer knows what is on disk.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Request>) -> Result<(), LedgerFailure> {
        let mut requests = Vec::with_capacity(BATCH_MAX);
        while queue.blocking_recv_many(&mut requests, BATCH_MAX) > 0 {
            if requests.iter().any(|request| matches!(request, Request::Close)) {
                queue.close();
            }
            self.execute(&mut requests)?;
        }
        self.store
            .close()
            .map_err(|error| LedgerFailure::Close(Box::new(error)))
    }

    /// Executes `requests` as one transaction and answers them.
    fn execute(&mut self, requests: &mut Vec<Request>) -> Result<(), LedgerFailure> {
        let at = (self.clock)();
        let mut draft = Draft::new(self.market);
        if let Err(error) = self.load(requests, &mut draft) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "accounts could not be loaded"
            );
            refuse_all(requests, &LedgerError::from(&error));
            return Ok(());
        }
        let answers = decide(requests, &mut draft, at);
        let (market, batch) = draft.finish();
        match self.commit(&batch) {
            Ok(()) => {
                self.settle(market, batch);
                answers.into_iter().for_each(Answer::send);
                Ok(())
            }
            Err(CommitError::NotWritten(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a batch was not written"
                );
                // The store may have refused because it knows better than the cache.
                self.cache.clear();
                let refusal = LedgerError::from(&error);
                answers
                    .into_iter()
                    .for_each(|answer| answer.refuse(refusal.clone()));
                Ok(())
            }
            // Dropped answers say that nobody knows: to say more would be a guess.
            Err(error @ CommitError::Unknown(_)) => Err(LedgerFailure::Unknown(Box::new(error))),
        }
    }

    /// Puts the record of each player in `requests` into `draft`.
    fn load(&mut self, requests: &[Request], draft: &mut Draft) -> Result<(), StoreError> {
        let mut missing: Vec<PlayerName> = Vec::new();
        for request in requests {
            let Request::Command { player, .. } = request else {
                continue;
            };
            if draft.has(player) {
                continue;
            }
            match self.cache.get(player) {
                Some(record) => draft.put(player.clone(), record),
                None => missing.push(player.clone()),
            }
        }
        missing.sort_unstable();
        missing.dedup();
        let records = self.store.load(&missing)?;
        for (player, record) in missing.into_iter().zip(records) {
            self.cache.put(player.clone(), record);
            draft.put(player, record);
        }
        Ok(())
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        // Refusals change nothing, and so wait for no disk.
        if batch.is_empty() {
            Ok(())
        } else {
            self.store.commit(batch)
        }
    }

    /// Takes over what has been committed, and announces the price before anybody hears of a trade at it.
    fn settle(&mut self, market: Market, batch: Batch) {
        for (player, record) in batch.records {
            self.cache.put(player, record);
        }
        if market.current != self.market.current {
            self.announcer.announce(market.current);
        }
        self.market = market;
    }
}

/// Decides each of `requests` in order. What cannot be decided is answered at once.
fn decide(requests: &mut Vec<Request>, draft: &mut Draft, at: UnixMillis) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests.drain(..) {
        match request {
            Request::Command {
                player,
                command,
                reply,
            } => match draft.decide(&player, command, at) {
                Some(decision) => answers.push(Answer::Decision(reply, decision)),
                None => drop(reply.send(Err(not_executed("has no account of that name loaded")))),
            },
            Request::Tick { reply } => match draft.tick(at) {
                Some(tick) => answers.push(Answer::Tick(reply, tick)),
                None => drop(reply.send(Err(not_executed("has run out of ticks")))),
            },
            Request::Close => {}
        }
    }
    answers
}

fn refuse_all(requests: &mut Vec<Request>, error: &LedgerError) {
    for request in requests.drain(..) {
        match request {
            Request::Command { reply, .. } => drop(reply.send(Err(error.clone()))),
            Request::Tick { reply } => drop(reply.send(Err(error.clone()))),
            Request::Close => {}
        }
    }
}

fn not_executed(reason: &str) -> LedgerError {
    LedgerError::NotExecuted {
        reason: reason.to_owned(),
    }
}
