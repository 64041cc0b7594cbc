//! What a seat's player has asked and not been answered: a bounded queue, in order.

use std::{
    collections::VecDeque,
    task::{Context, Poll, ready},
};

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio_util::sync::PollSender;

use crate::{
    identity::PlayerName,
    ledger::{LedgerError, Queue, Request},
    record::{Command, Decision},
    wire::BadAction,
};

/// Actions of one seat that may be outstanding. Past it the seat reads no more, and its client has to wait.
pub(super) const OUTSTANDING_MAX: usize = 1024;

/// What became of an action.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It could not be put to the ledger.
    Malformed(BadAction),
    /// The ledger has answered.
    Decided(Result<Decision, LedgerError>),
}

/// The actions of one seat between being read and being answered.
pub(super) struct Outstanding {
    /// One for each action, in the order they were read.
    pending: VecDeque<Pending>,
    /// Those of them that the ledger's queue has had no room for yet, in order. They do not keep the seat from
    /// reading on.
    unsent: VecDeque<Request>,
    queue: PollSender<Request>,
}

enum Pending {
    Answered(Answer),
    Asked(oneshot::Receiver<Result<Decision, LedgerError>>),
}

impl Pending {
    /// Turns from asked to answered when the ledger has answered.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self::Asked(answer) = self else {
            return Poll::Ready(());
        };
        let answered = ready!(answer.poll_unpin(cx));
        *self = Self::Answered(Answer::Decided(answered.unwrap_or(Err(LedgerError::Unanswered))));
        Poll::Ready(())
    }
}

impl Outstanding {
    /// Nothing yet; actions will go to `queue`.
    pub(super) fn new(queue: &Queue) -> Self {
        Self {
            pending: VecDeque::new(),
            unsent: VecDeque::new(),
            queue: PollSender::new(queue.sender()),
        }
    }

    /// There is no room for another action.
    pub(super) fn is_full(&self) -> bool {
        self.pending.len() >= OUTSTANDING_MAX
    }

    /// Takes an action as it was read.
    pub(super) fn push(&mut self, action: Result<(PlayerName, Command), BadAction>) {
        let pending = match action {
            Ok((player, command)) => {
                let (reply, answer) = oneshot::channel();
                self.unsent.push_back(Request::Command {
                    player,
                    command,
                    reply,
                });
                Pending::Asked(answer)
            }
            Err(bad) => Pending::Answered(Answer::Malformed(bad)),
        };
        self.pending.push_back(pending);
    }

    /// No action is outstanding.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Waits until the oldest action has been answered; then [`Outstanding::take`] gives the answer.
    pub(super) fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.send(cx);
        match self.pending.front_mut() {
            None => Poll::Pending,
            Some(oldest) => oldest.poll(cx),
        }
    }

    /// The answer to the oldest action, if there is one yet.
    pub(super) fn take(&mut self) -> Option<Answer> {
        match self.pending.pop_front()? {
            Pending::Answered(answer) => Some(answer),
            asked @ Pending::Asked(_) => {
                self.pending.push_front(asked);
                None
            }
        }
    }

    /// Puts as many actions to the ledger as it has room for.
    fn send(&mut self, cx: &mut Context<'_>) {
        while !self.unsent.is_empty() {
            let sent = match self.queue.poll_reserve(cx) {
                Poll::Pending => return,
                Poll::Ready(Err(_)) => Err(()),
                Poll::Ready(Ok(())) => match self.unsent.pop_front() {
                    Some(request) => self.queue.send_item(request).map_err(drop),
                    None => return,
                },
            };
            if sent.is_err() {
                self.refuse_unsent();
            }
        }
    }

    /// The ledger takes no more: what it never got is certainly not executed.
    fn refuse_unsent(&mut self) {
        for request in self.unsent.drain(..) {
            if let Request::Command { reply, .. } = request {
                // Its receiver is in `pending`.
                let _ = reply.send(Err(LedgerError::Stopping));
            }
        }
    }
}
