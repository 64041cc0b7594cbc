//! The way to the ledger: whoever asks decides under its lock, and then waits for the disk without it.

use std::{
    convert::Infallible,
    future::poll_fn,
    iter,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use futures_util::FutureExt;

use super::{
    LedgerError,
    accounts::Place,
    bell::Bell,
    draft::{Decided, Draft},
    fate::{Fates, Sequence},
    joint::{Answers, Joint},
    meter::{Gauges, Meter},
    shared::{Loading, Shared, Stopped},
};
use crate::{
    account::Refusal,
    allowance::Rate,
    identity::{KeyHash, PlayerName},
    market::Tick,
    quantity::UnixMillis,
    receipt::Submission,
    record::Decision,
};

/// The way to the ledger for the tasks of one runtime.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    ledger: Kept,
    bell: Arc<Bell>,
}

/// How a ledger is kept. It makes no difference to those who ask.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    /// By this casino alone: what is asked is decided in memory, ahead of the disk.
    Alone(Arc<Shared>),
    /// By several casinos: what is asked is decided in the transaction that writes it.
    Jointly(Arc<Joint>),
}

impl Kept {
    /// A way to the ledger for the tasks of one runtime.
    pub(super) fn books(&self) -> Books {
        let bell = match self {
            Self::Alone(shared) => shared.bell(),
            Self::Jointly(joint) => joint.bell(),
        };
        Books {
            ledger: self.clone(),
            bell,
        }
    }

    /// Takes no more requests; what was asked is still answered.
    pub(super) fn close(&self) {
        match self {
            Self::Alone(shared) => shared.close(),
            Self::Jointly(joint) => joint.close(),
        }
    }

    /// How many commands of one player are decided in a second.
    pub(super) fn set_rate(&self, rate: Rate) {
        match self {
            Self::Alone(shared) => shared.set_rate(rate),
            Self::Jointly(joint) => joint.set_rate(rate),
        }
    }

    /// What can be seen now.
    pub(super) fn gauges(&self) -> Gauges {
        match self {
            Self::Alone(shared) => shared.gauges(),
            Self::Jointly(joint) => joint.gauges(),
        }
    }

    /// What is counted once a batch.
    pub(super) fn meter(&self) -> &Meter {
        match self {
            Self::Alone(shared) => shared.meter(),
            Self::Jointly(joint) => joint.meter(),
        }
    }

    fn fates(&self) -> &Fates {
        match self {
            Self::Alone(shared) => shared.fates(),
            Self::Jointly(joint) => joint.fates(),
        }
    }

    fn tell_of_batch(&self) {
        match self {
            Self::Alone(shared) => shared.tell_of_batch(),
            Self::Jointly(joint) => joint.tell_of_batch(),
        }
    }
}

/// A command from being asked to being decided.
#[derive(Debug)]
pub(crate) enum Order {
    /// It waits.
    Asked(PlayerName, Submission),
    /// It is decided, or will be with its batch; that counts when it is settled.
    Decided(Verdict),
}

impl Order {
    /// Leaves it undecided because of `error`, if it waits.
    ///
    /// Of an order with an id it is not known then what it was answered before, nor whether it was executed; to say that
    /// it was not would be a guess.
    pub(crate) fn leave_undecided(&mut self, error: LedgerError) {
        if let Self::Asked(_, submission) = self {
            *self = Self::Decided(Verdict::undecided(*submission, error));
        }
    }
}

/// What was decided, ahead of the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    outcome: Outcome,
    /// Nobody may hear of it before this batch is settled.
    pub(crate) settled_with: Sequence,
}

/// The decision, or where it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// Here, or why there is none.
    Known(Result<Decision, LedgerError>),
    /// At this place among the answers of the batch.
    InBatch(Answers, usize),
}

/// What one asker has found out before, so that it need not be looked up again.
#[derive(Debug, Default)]
pub(crate) struct Asker {
    known: Option<(PlayerName, Place)>,
    loading: Option<Loading>,
    waits: Option<(Sequence, Waker)>,
    /// A batch that is on disk: most answers are of the same one as the answer before.
    settled: Option<Sequence>,
}

impl Books {
    /// Wakes those who wait through these books; to be polled in their runtime as long as anybody does.
    pub(crate) async fn listen(&self) -> Infallible {
        let due = || self.ledger.fates().due();
        self.bell.listen(due, || self.ledger.tell_of_batch()).await
    }

    /// Counts an action that could not be put to the ledger.
    pub(crate) fn count_malformed(&self) {
        self.ledger.meter().malformed();
    }

    /// Has `submission` executed for `player`, and waits until it is on disk.
    pub(crate) async fn execute(
        &self,
        player: PlayerName,
        submission: impl Into<Submission>,
    ) -> Result<Decision, LedgerError> {
        let mut asker = Asker::default();
        let mut order = Order::Asked(player, submission.into());
        let verdict = poll_fn(|cx| {
            self.decide(&mut asker, iter::once(&mut order), cx);
            match &order {
                Order::Asked(..) => Poll::Pending,
                Order::Decided(verdict) => Poll::Ready(verdict.clone()),
            }
        })
        .await;
        poll_fn(|cx| self.poll_settled(&mut asker, verdict.settled_with, cx)).await?;
        verdict.result().copied().map_err(LedgerError::clone)
    }

    /// Has the price move, and waits until the tick is on disk and announced. `None` if another casino moves it.
    pub(crate) async fn tick(&self) -> Result<Option<Tick>, LedgerError> {
        let shared = match &self.ledger {
            Kept::Alone(shared) => shared,
            Kept::Jointly(joint) => return joint.tick().await,
        };
        let (tick, settled_with) = shared.tick()?;
        let mut asker = Asker::default();
        poll_fn(|cx| self.poll_settled(&mut asker, settled_with, cx)).await?;
        Ok(Some(tick))
    }

    /// Whether others, at other casinos, may have changed what was read a moment ago.
    pub(crate) fn are_shared(&self) -> bool {
        matches!(self.ledger, Kept::Jointly(_))
    }

    /// Has a name that is nobody's belong to `key`, and waits until that is on disk. Two may not do so at once.
    pub(crate) async fn claim(&self, player: PlayerName, key: KeyHash) -> Result<(), LedgerError> {
        let shared = match &self.ledger {
            Kept::Alone(shared) => shared,
            Kept::Jointly(joint) => return joint.claim(player, key).await,
        };
        let settled_with = shared.claim(player, key)?;
        let mut asker = Asker::default();
        poll_fn(|cx| self.poll_settled(&mut asker, settled_with, cx)).await
    }

    /// Decides `orders`, which wait, one after the other, as far as accounts are in memory and the batch has room; or
    /// has them decided with the next batch. The task of `cx` is woken when there is more to decide.
    pub(crate) fn decide<'a>(
        &self,
        asker: &mut Asker,
        mut orders: impl Iterator<Item = &'a mut Order>,
        cx: &mut Context<'_>,
    ) {
        let Some(mut order) = orders.next() else { return };
        loop {
            match asker.poll_loaded(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    order.leave_undecided(error);
                    match orders.next() {
                        Some(next) => order = next,
                        None => return,
                    }
                }
            }
            let (stopped, tell) = match &self.ledger {
                Kept::Alone(shared) => shared.decide(asker, &mut order, &mut orders),
                Kept::Jointly(joint) => (joint.queue(&mut order, &mut orders), true),
            };
            if tell {
                // Not at once: what others here have ready goes into the same batch.
                self.bell.nudge();
            }
            match stopped {
                Stopped::Done => return,
                Stopped::Missing(loading) => asker.loading = Some(loading),
                Stopped::Full(batch) => {
                    if self.poll_settled(asker, batch, cx).is_pending() {
                        return;
                    }
                }
            }
        }
    }

    /// Waits until it is known what became of `batch`. Of several batches an asker is woken by the first.
    pub(crate) fn poll_settled(
        &self,
        asker: &mut Asker,
        batch: Sequence,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), LedgerError>> {
        if asker.settled == Some(batch) {
            return Poll::Ready(Ok(()));
        }
        let fates = self.ledger.fates();
        if let Some(fate) = fates.of(batch) {
            if fate.is_ok() {
                asker.settled = Some(batch);
            }
            return Poll::Ready(fate);
        }
        if !asker.is_woken_by_then(batch, fates.settled(), cx.waker()) {
            self.bell.wait(batch, cx.waker());
            asker.waits = Some((batch, cx.waker().clone()));
        }
        // It may have been settled before anybody could know that this task waits.
        fates.of(batch).map_or(Poll::Pending, Poll::Ready)
    }

    /// Takes in a record, as if it had been read.
    #[cfg(test)]
    pub(crate) fn put(&self, player: &PlayerName, record: Option<crate::record::Record>) {
        let Kept::Alone(shared) = &self.ledger else {
            return;
        };
        let stored = record.map(|record| (record, Vec::new()));
        shared.take_in(player.clone(), Ok(stored)).unwrap();
    }

    /// Wakes those who wait, as the listener would.
    #[cfg(test)]
    pub(crate) fn wake(&self) {
        self.bell.wake_up_to(self.ledger.fates().due());
    }
}

impl Asker {
    /// Waits until the account that was missing has been read.
    fn poll_loaded(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LedgerError>> {
        let Some(loading) = &mut self.loading else {
            return Poll::Ready(Ok(()));
        };
        let loaded = ready!(loading.poll_unpin(cx));
        self.loading = None;
        Poll::Ready(loaded.unwrap_or(Err(LedgerError::Stopping)))
    }

    /// Whether the task is woken when `batch` is settled, or before, and so looks again.
    fn is_woken_by_then(&self, batch: Sequence, settled: Sequence, waker: &Waker) -> bool {
        self.waits.as_ref().is_some_and(|(waited_for, woken)| {
            *waited_for <= batch && *waited_for > settled && woken.will_wake(waker)
        })
    }

    /// Has `draft` decide, if the player's record is in memory; looked up only if it is not where it was last time.
    pub(super) fn decide(
        &mut self,
        draft: &mut Draft,
        (player, submission): (&PlayerName, Submission),
        at: UnixMillis,
    ) -> Option<Decided> {
        if let Some((known, place)) = &self.known
            && known == player
            && let Some(decided) = draft.decide(*place, submission, at)
        {
            return Some(decided);
        }
        let place = draft.find(player)?;
        self.known = Some((player.clone(), place));
        draft.decide(place, submission, at)
    }
}

impl Verdict {
    /// A decision made ahead of its batch.
    pub(super) fn of(decided: &Decided) -> Self {
        Self {
            outcome: Outcome::Known(Ok(decided.decision)),
            settled_with: decided.settled_with,
        }
    }

    /// One that will be made with `batch`, at this place among its answers.
    pub(super) fn in_batch(batch: Sequence, (answers, place): (Answers, usize)) -> Self {
        Self {
            outcome: Outcome::InBatch(answers, place),
            settled_with: batch,
        }
    }

    /// `submission` could not be looked at because of `error`.
    pub(super) fn undecided(submission: Submission, error: LedgerError) -> Self {
        Self::none(match submission.id {
            Some(_) => LedgerError::Unanswered,
            None => error,
        })
    }

    /// There is no decision, and nothing to wait for.
    pub(super) fn none(error: LedgerError) -> Self {
        Self {
            outcome: Outcome::Known(Err(error)),
            settled_with: Sequence::NONE,
        }
    }

    /// The decision, once it is settled, or why there is none.
    pub(crate) fn result(&self) -> Result<&Decision, &LedgerError> {
        match &self.outcome {
            Outcome::Known(result) => result.as_ref(),
            Outcome::InBatch(answers, place) => {
                let answer = answers.get().and_then(|answers| answers.get(*place));
                // A batch that is settled has all its answers.
                answer.ok_or(&LedgerError::Unanswered)
            }
        }
    }

    /// It is the refusal of one who asks too fast, as far as it is known by now.
    pub(crate) fn is_too_fast(&self) -> bool {
        let decision = self.result();
        decision.is_ok_and(|decision| matches!(decision.result, Err(Refusal::TooFast { .. })))
    }

    /// What it is was not known when it was asked for.
    pub(crate) fn was_awaited(&self) -> bool {
        matches!(self.outcome, Outcome::InBatch(..))
    }

    /// What was decided did not come to count; nothing more is to be waited for.
    pub(crate) fn undo(&mut self, error: LedgerError) {
        *self = Self::none(error);
    }
}
