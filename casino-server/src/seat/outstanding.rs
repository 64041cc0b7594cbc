//! What a seat's player has asked and not been answered: a bounded queue, in order.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::time::Sleep;

use crate::{
    gate::{AccessError, Permits},
    identity::PlayerName,
    ledger::{Asker, Books, LedgerError, Order},
    receipt::Submission,
    record::Decision,
    rest::rest,
    wire::BadAction,
};

/// Actions of one seat that may be outstanding. Past it the seat reads no more, and its client has to wait.
pub(super) const OUTSTANDING_MAX: usize = 1024;

/// What became of an action.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    /// It could not be put to the ledger.
    Malformed(&'a BadAction),
    /// The seat may not act for the one it names.
    Denied(&'a AccessError),
    /// The ledger has answered.
    Decided(Result<&'a Decision, &'a LedgerError>),
}

/// The actions of one seat between being read and being answered.
pub(super) struct Outstanding {
    /// One for each action, in the order they were read: first the decided ones, then those that wait for it, then those
    /// of which it is not known yet whether the seat may act so.
    pending: VecDeque<Pending>,
    /// How many at the front are allowed, or never will be.
    checked: usize,
    /// How many at the front are decided, or could not be put to the ledger.
    decided: usize,
    /// Until when no more is taken.
    rest: Option<Pin<Box<Sleep>>>,
    permits: Permits,
    books: Books,
    asker: Asker,
}

enum Pending {
    Malformed(BadAction),
    Denied(AccessError),
    Unchecked(PlayerName, Submission),
    Order(Order),
}

impl Outstanding {
    /// Nothing yet; actions that `permits` allows will be decided in `books`.
    pub(super) fn new(permits: Permits, books: Books) -> Self {
        Self {
            pending: VecDeque::new(),
            checked: 0,
            decided: 0,
            rest: None,
            permits,
            books,
            asker: Asker::default(),
        }
    }

    /// Whether another action may be taken; if not, whoever polls is woken when one may, or has an answer to take first.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(rest) = &mut self.rest {
            ready!(rest.as_mut().poll(cx));
            self.rest = None;
        }
        if self.pending.len() >= OUTSTANDING_MAX {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Takes an action as it was read.
    pub(super) fn push(&mut self, action: Result<(PlayerName, Submission), BadAction>) {
        let all_checked = self.checked == self.pending.len();
        self.pending.push_back(match action {
            Ok((player, submission)) if all_checked && self.permits.is_known(&player) => {
                self.checked = self.checked.saturating_add(1);
                Pending::Order(Order::Asked(player, submission))
            }
            Ok((player, submission)) => Pending::Unchecked(player, submission),
            Err(bad) => {
                self.books.count_malformed();
                Pending::Malformed(bad)
            }
        });
    }

    /// Looks for whom the seat may act, one action after the other.
    fn check(&mut self, cx: &mut Context<'_>) {
        while let Some(pending) = self.pending.get_mut(self.checked) {
            if let Pending::Unchecked(player, submission) = pending {
                let mut order = Order::Asked(player.clone(), *submission);
                *pending = match self.permits.poll(player, cx) {
                    Poll::Ready(Ok(())) => Pending::Order(order),
                    Poll::Ready(Err(error)) if submission.id.is_some() && error.is_the_casinos() => {
                        order.leave_undecided(LedgerError::Unanswered);
                        Pending::Order(order)
                    }
                    Poll::Ready(Err(error)) => Pending::Denied(error),
                    Poll::Pending => return,
                };
            }
            self.checked = self.checked.saturating_add(1);
        }
    }

    /// No action is outstanding.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Has decided what can be, all at once. Whoever polls is woken when more can be.
    pub(super) fn decide(&mut self, cx: &mut Context<'_>) {
        self.check(cx);
        if self.decided == self.checked {
            return;
        }
        let waiting = self.pending.range_mut(self.decided..self.checked);
        let orders = waiting.filter_map(|pending| match pending {
            Pending::Order(order) => Some(order),
            Pending::Malformed(_) | Pending::Denied(_) | Pending::Unchecked(..) => None,
        });
        self.books.decide(&mut self.asker, orders, cx);
        let waits = |pending: &Pending| matches!(pending, Pending::Order(Order::Asked(..)));
        let now_decided = self
            .pending
            .range(self.decided..self.checked)
            .take_while(|pending| !waits(pending));
        self.decided = self.decided.saturating_add(now_decided.count());
        let last = self
            .decided
            .checked_sub(1)
            .and_then(|last| self.pending.get(last));
        if let Some(Pending::Order(Order::Decided(verdict))) = last
            && verdict.is_too_fast()
        {
            self.rest = Some(Box::pin(rest()));
        }
    }

    /// Waits until the answer to the oldest action may be given; then [`Outstanding::take`] gives it.
    pub(super) fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.pending.front_mut() {
            Some(Pending::Order(Order::Decided(verdict))) => {
                match self.books.poll_settled(&mut self.asker, verdict.settled_with, cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Ok(())) => Poll::Ready(()),
                    Poll::Ready(Err(error)) => {
                        verdict.undo(error);
                        Poll::Ready(())
                    }
                }
            }
            Some(Pending::Malformed(_) | Pending::Denied(_)) => Poll::Ready(()),
            Some(Pending::Unchecked(..) | Pending::Order(Order::Asked(..))) | None => Poll::Pending,
        }
    }

    /// What `tell` makes of the answer to the oldest action, once [`Outstanding::poll_answered`] has been ready. Answers are
    /// large and many, so they are told from where they lie.
    pub(super) fn take<T>(&mut self, tell: impl FnOnce(Answer<'_>) -> T) -> Option<T> {
        let told = match self.pending.front()? {
            Pending::Malformed(bad) => tell(Answer::Malformed(bad)),
            Pending::Denied(error) => tell(Answer::Denied(error)),
            Pending::Order(Order::Decided(verdict)) => {
                if self.rest.is_none() && verdict.was_awaited() && verdict.is_too_fast() {
                    self.rest = Some(Box::pin(rest()));
                }
                tell(Answer::Decided(verdict.result()))
            }
            Pending::Unchecked(..) | Pending::Order(Order::Asked(..)) => return None,
        };
        self.pending.pop_front();
        self.checked = self.checked.saturating_sub(1);
        self.decided = self.decided.saturating_sub(1);
        Some(told)
    }
}
