//! The bounded queue of a session's unanswered actions.

use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use awesomestock_proto::capabilities::Capabilities;
use awesomestock_proto::frame::GambleFrame;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Sleep;
use tonic::Status;

use crate::domain::order::Command;
use crate::domain::order::request::{OrderRequest, RequestId};
use crate::domain::order::resting::OrderPosting;
use crate::domain::player::PlayerName;
use crate::grpc::auth::AccessError;
use crate::grpc::convert::{self, InvalidRequest};
use crate::grpc::session::auth::SessionAuth;
use crate::grpc::session::backoff::backoff;
use crate::ledger::{LedgerError, LedgerHandle, LedgerOrder, Submitter};
use crate::store::StoreError;
use crate::store::reader::StoreReader;

/// Maximum number of unanswered actions of a session. At the limit it stops reading, which applies backpressure.
pub(super) const PENDING_MAX: usize = 1024;

pub(super) struct PendingOrders {
    /// In the order received: first the decided actions, then those not yet decided, then those not yet authorized.
    actions: VecDeque<PendingAction>,
    /// Number of actions at the front that are authorized, denied or malformed.
    checked: usize,
    /// Number of actions at the front that are decided, denied or malformed.
    decided: usize,
    /// No actions are read before its end.
    backoff: Option<Pin<Box<Sleep>>>,
    pub(super) auth: SessionAuth,
    player: Option<PlayerName>,
    ledger: LedgerHandle,
    submitter: Submitter,
    /// The current state of the order that the oldest action placed.
    present: Present,
}

enum Present {
    Unread,
    Reading(BoxFuture<'static, Result<Option<OrderPosting>, StoreError>>),
    /// `None` if it cannot be read.
    Read(Option<Box<OrderPosting>>),
}

enum PendingAction {
    Malformed(InvalidRequest),
    Denied(AccessError),
    Unchecked(PlayerName, OrderRequest),
    /// The flag is set if it is of the session's player, whose wallet its answer then has.
    Order(LedgerOrder, Option<PlacedOrder>, bool),
}

/// The player and the ID of an action that may rest.
type PlacedOrder = Box<(PlayerName, RequestId)>;

fn placed_order(player: &PlayerName, request: &OrderRequest) -> Option<PlacedOrder> {
    let id = request
        .id
        .filter(|_| matches!(request.command, Command::Rest(_)))?;
    Some(Box::new((player.clone(), id)))
}

impl PendingOrders {
    pub(super) fn new(auth: SessionAuth, ledger: LedgerHandle, player: Option<PlayerName>) -> Self {
        Self {
            actions: VecDeque::new(),
            checked: 0,
            decided: 0,
            backoff: None,
            auth,
            player,
            ledger,
            submitter: Submitter::default(),
            present: Present::Unread,
        }
    }

    /// Ready if another action may be read. Wakes the task after a backoff; a full queue has an answer to send first.
    pub(super) fn poll_capacity(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(backoff) = &mut self.backoff {
            ready!(backoff.as_mut().poll(cx));
            self.backoff = None;
        }
        if self.actions.len() >= PENDING_MAX {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    #[inline]
    pub(super) fn push(&mut self, action: Result<(PlayerName, OrderRequest), InvalidRequest>) {
        let all_checked = self.checked == self.actions.len();
        self.actions.push_back(match action {
            Ok((player, request)) if all_checked && self.auth.is_known(&player) => {
                self.checked = self.checked.saturating_add(1);
                let placed = placed_order(&player, &request);
                let is_own = self.player.as_ref() == Some(&player);
                PendingAction::Order(LedgerOrder::Queued(player, request), placed, is_own)
            }
            Ok((player, request)) => PendingAction::Unchecked(player, request),
            Err(error) => {
                self.ledger.record_malformed();
                PendingAction::Malformed(error)
            }
        });
    }

    /// Authorizes unchecked actions in order.
    fn authorize(&mut self, cx: &mut Context<'_>) {
        while let Some(action) = self.actions.get_mut(self.checked) {
            if let PendingAction::Unchecked(player, request) = action {
                let placed = placed_order(player, request);
                let is_own = self.player.as_ref() == Some(player);
                let mut order = LedgerOrder::Queued(player.clone(), *request);
                *action = match self.auth.poll(player, cx) {
                    Poll::Ready(Ok(())) => PendingAction::Order(order, placed, is_own),
                    Poll::Ready(Err(error)) if request.id.is_some() && error.is_server_fault() => {
                        // An earlier request with this ID may have been executed.
                        order.fail(LedgerError::OutcomeUnknown);
                        PendingAction::Order(order, placed, is_own)
                    }
                    Poll::Ready(Err(error)) => PendingAction::Denied(error),
                    Poll::Pending => return,
                };
            }
            self.checked = self.checked.saturating_add(1);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Submits all authorized actions to the ledger. Wakes the task when more can be submitted.
    pub(super) fn submit(&mut self, cx: &mut Context<'_>) {
        self.authorize(cx);
        if self.decided == self.checked {
            return;
        }
        let undecided = self.actions.range_mut(self.decided..self.checked);
        let orders = undecided.filter_map(|action| match action {
            PendingAction::Order(order, ..) => Some(order),
            PendingAction::Malformed(_) | PendingAction::Denied(_) | PendingAction::Unchecked(..) => None,
        });
        self.decided = match self.ledger.submit_all(&mut self.submitter, orders, cx) {
            Poll::Ready(()) => self.checked,
            Poll::Pending => {
                let checked = self.actions.range(self.decided..self.checked);
                let is_queued = |action: &PendingAction| matches!(action, PendingAction::Order(order, ..) if order.is_queued());
                self.decided
                    .saturating_add(checked.take_while(|action| !is_queued(action)).count())
            }
        };
        let last = self
            .decided
            .checked_sub(1)
            .and_then(|last| self.actions.get(last));
        if let Some(PendingAction::Order(LedgerOrder::Decided(decision), ..)) = last
            && decision.is_rate_limited()
        {
            self.backoff = Some(Box::pin(backoff()));
        }
    }

    /// Ready when [`pop_answer`](Self::pop_answer) can return the answer to the oldest action: with the current state of the
    /// order that it placed, if that can be read from `orders`.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>, orders: Option<&StoreReader>) -> Poll<()> {
        match self.actions.front_mut() {
            Some(PendingAction::Order(LedgerOrder::Decided(decision), placed, _)) => {
                let committed = self
                    .ledger
                    .poll_committed(&mut self.submitter, decision.commits_with, cx);
                if let Err(error) = ready!(committed) {
                    decision.revert(error);
                }
                match (placed, orders) {
                    (Some(placed), Some(orders)) if decision.is_accepted() => {
                        self.present.poll(orders, placed, cx)
                    }
                    _ => Poll::Ready(()),
                }
            }
            Some(PendingAction::Malformed(_) | PendingAction::Denied(_)) => Poll::Ready(()),
            Some(PendingAction::Unchecked(..) | PendingAction::Order(LedgerOrder::Queued(..), ..)) | None => {
                Poll::Pending
            }
        }
    }

    /// Returns true if the next answer is committed, and waits for the state of its order.
    pub(super) fn is_reading(&self) -> bool {
        matches!(self.present, Present::Reading(_))
    }

    /// Returns the version of the wallet of the session's player in the next answer.
    pub(super) fn wallet_version(&self) -> Option<i64> {
        match self.actions.front() {
            Some(PendingAction::Order(LedgerOrder::Decided(decision), _, true)) => {
                decision.result().ok().map(|decision| decision.account.version)
            }
            _ => None,
        }
    }

    /// Returns the number of the order in the next answer.
    pub(super) fn order_number(&self) -> Option<i64> {
        let Present::Read(Some(posting)) = &self.present else {
            return None;
        };
        Some(posting.number)
    }

    /// Returns true if the outcome of the oldest action is unknown, after which no more answers are sent.
    pub(super) fn is_unknown(&self) -> bool {
        match self.actions.front() {
            Some(PendingAction::Order(LedgerOrder::Decided(decision), ..)) => {
                matches!(decision.result(), Err(LedgerError::OutcomeUnknown))
            }
            _ => false,
        }
    }

    /// Removes the oldest action, after [`poll_answer`](Self::poll_answer) was ready, and returns its answer, or the status
    /// to end with if the outcome is unknown.
    pub(super) fn pop_answer(&mut self, capabilities: Capabilities) -> Option<Result<GambleFrame, Status>> {
        let action = self.actions.pop_front()?;
        self.checked = self.checked.saturating_sub(1);
        self.decided = self.decided.saturating_sub(1);
        let decision = match &action {
            PendingAction::Malformed(error) => return Some(Ok(convert::rejected(error, capabilities))),
            PendingAction::Denied(error) => return Some(Ok(convert::rejected(error, capabilities))),
            PendingAction::Order(LedgerOrder::Decided(decision), ..) => decision,
            PendingAction::Unchecked(..) | PendingAction::Order(LedgerOrder::Queued(..), ..) => return None,
        };
        if self.backoff.is_none() && decision.was_deferred() && decision.is_rate_limited() {
            self.backoff = Some(Box::pin(backoff()));
        }
        Some(match decision.result() {
            Ok(decision) => {
                let present = self.present.take();
                Ok(convert::order_result(decision, present.as_deref(), capabilities))
            }
            Err(error @ LedgerError::OutcomeUnknown) => Err(error.clone().into()),
            Err(error) => Ok(convert::rejected(error, capabilities)),
        })
    }
}

impl Present {
    /// Ready when the state was read, or could not be read.
    fn poll(&mut self, reader: &StoreReader, placed: &PlacedOrder, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self {
                Self::Unread => {
                    let (reader, placed) = (reader.clone(), placed.clone());
                    let (player, id) = *placed;
                    let read = async move { reader.read_row(move |reads| reads.order(&player, id)).await };
                    *self = Self::Reading(read.boxed());
                }
                // The reader has logged the error.
                Self::Reading(reading) => {
                    let read = ready!(reading.poll_unpin(cx)).ok().flatten();
                    *self = Self::Read(read.map(Box::new));
                }
                Self::Read(_) => return Poll::Ready(()),
            }
        }
    }

    /// Returns the state that was read, for the answer to its action.
    fn take(&mut self) -> Option<Box<OrderPosting>> {
        match mem::replace(self, Self::Unread) {
            Self::Read(posting) => posting,
            Self::Unread | Self::Reading(_) => None,
        }
    }
}
