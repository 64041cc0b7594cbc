//! Orders on their way through the ledger.

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker, ready};

use futures_util::{FutureExt, future};
use tokio::sync::oneshot;

use super::LedgerError;
use super::account_cache::Slot;
use super::batch::{Decided, OpenBatch};
use super::watermark::BatchId;
use crate::domain::account::Rejection;
use crate::domain::order::request::OrderRequest;
use crate::domain::order::{Decision, LedgerEntry};
use crate::domain::player::PlayerName;

#[derive(Debug)]
pub(crate) enum LedgerOrder {
    Queued(PlayerName, OrderRequest),
    /// Final once its batch is committed.
    Decided(PendingDecision),
}

impl LedgerOrder {
    pub(crate) fn is_queued(&self) -> bool {
        matches!(self, Self::Queued(..))
    }

    /// Ends a queued order with `error`. With a request ID the outcome is unknown.
    pub(crate) fn fail(&mut self, error: LedgerError) {
        if let Self::Queued(_, request) = self {
            *self = Self::Decided(PendingDecision::failed(without_lookup(*request, error)));
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingDecision {
    source: DecisionSource,
    /// The batch to wait for before the decision may be sent.
    pub(crate) commits_with: BatchId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum DecisionSource {
    Ready(Result<Decision, LedgerError>),
    /// Index among the answers of the batch.
    Deferred(BatchAnswers, usize),
}

/// Per-caller cache, which avoids repeated lookups.
#[derive(Debug, Default)]
pub(crate) struct Submitter {
    known: Option<(PlayerName, Slot)>,
    pub(super) loading: Option<AccountLoad>,
    waiting: Option<(BatchId, Waker)>,
    /// The latest committed batch seen; most answers wait for the same one.
    pub(super) committed: Option<BatchId>,
}

/// The decisions of a batch, in order; set before the batch is resolved, unless it is unknown whether it was written.
pub(super) type BatchAnswers = Arc<OnceLock<Vec<Result<Decision, LedgerError>>>>;

pub(super) type AccountLoad = future::Shared<oneshot::Receiver<Result<(), LedgerError>>>;

/// The outcome of a request that was not executed because of `error`, and not looked up: one with an ID may have been
/// executed by an earlier attempt.
pub(super) fn without_lookup(request: OrderRequest, error: LedgerError) -> LedgerError {
    match request.id {
        Some(_) => LedgerError::OutcomeUnknown,
        None => error,
    }
}

/// Why deciding stopped.
pub(super) enum Blocked {
    /// All orders are decided.
    None,
    AccountNotLoaded(AccountLoad),
    BatchFull(BatchId),
}

impl Submitter {
    pub(super) fn poll_account(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LedgerError>> {
        let Some(loading) = &mut self.loading else {
            return Poll::Ready(Ok(()));
        };
        let loaded = ready!(loading.poll_unpin(cx));
        self.loading = None;
        Poll::Ready(loaded.unwrap_or(Err(LedgerError::Stopping)))
    }

    /// Returns whether the task will be woken when `batch` is resolved or earlier.
    pub(super) fn will_be_woken(&self, batch: BatchId, resolved: BatchId, waker: &Waker) -> bool {
        self.waiting.as_ref().is_some_and(|(waited_for, woken)| {
            *waited_for <= batch && *waited_for > resolved && woken.will_wake(waker)
        })
    }

    /// Records that the task of `waker` is woken when `batch` is resolved.
    pub(super) fn wait_for(&mut self, batch: BatchId, waker: &Waker) {
        match &mut self.waiting {
            Some((waited_for, woken)) => {
                *waited_for = batch;
                woken.clone_from(waker);
            }
            None => self.waiting = Some((batch, waker.clone())),
        }
    }

    /// Returns the slot of `player` in `batch`, if it is cached; tries the last one before a lookup.
    pub(super) fn slot(&mut self, batch: &OpenBatch, player: &PlayerName) -> Option<Slot> {
        match &self.known {
            Some((known, slot)) if known == player && batch.is_cached(*slot) => Some(*slot),
            _ => {
                let slot = batch.lookup(player)?;
                self.known = Some((player.clone(), slot));
                Some(slot)
            }
        }
    }
}

impl From<Decided> for PendingDecision {
    fn from(decided: Decided) -> Self {
        Self {
            source: DecisionSource::Ready(Ok(decided.decision)),
            commits_with: decided.commits_with,
        }
    }
}

impl PendingDecision {
    pub(super) fn deferred(batch: BatchId, answers: BatchAnswers, slot: usize) -> Self {
        Self {
            source: DecisionSource::Deferred(answers, slot),
            commits_with: batch,
        }
    }

    fn failed(error: LedgerError) -> Self {
        Self {
            source: DecisionSource::Ready(Err(error)),
            commits_with: BatchId::NONE,
        }
    }

    /// Returns the decision. Valid once its batch is committed.
    pub(crate) fn result(&self) -> Result<&Decision, &LedgerError> {
        match &self.source {
            DecisionSource::Ready(result) => result.as_ref(),
            DecisionSource::Deferred(answers, slot) => {
                let answer = answers.get().and_then(|answers| answers.get(*slot));
                // A resolved batch has all its answers.
                answer.map_or(Err(&LedgerError::OutcomeUnknown), Result::as_ref)
            }
        }
    }

    /// Returns whether an order was placed or rests already.
    pub(crate) fn is_accepted(&self) -> bool {
        let decision = self.result();
        decision.is_ok_and(|decision| matches!(decision.result, Ok(LedgerEntry::Accepted)))
    }

    /// Returns whether it is a known rate-limit rejection.
    pub(crate) fn is_rate_limited(&self) -> bool {
        let decision = self.result();
        decision.is_ok_and(|decision| matches!(decision.result, Err(Rejection::RateLimited { .. })))
    }

    pub(crate) fn was_deferred(&self) -> bool {
        matches!(self.source, DecisionSource::Deferred(..))
    }

    /// Applies the failure of its batch, unless the batch has an answer of its own for this order.
    pub(crate) fn revert(&mut self, error: LedgerError) {
        let is_answered =
            matches!(&self.source, DecisionSource::Deferred(answers, _) if answers.get().is_some());
        if !is_answered {
            *self = Self::failed(error);
        }
    }
}
