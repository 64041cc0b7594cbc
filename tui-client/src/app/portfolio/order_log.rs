//! The player's actions and their status, oldest first. Results arrive in the order of the orders, so each belongs to
//! the oldest pending one. Resent orders keep that order.

use std::collections::VecDeque;

use uuid::Uuid;

use super::money::{Side, UnixMillis};
use super::open_orders::RestingOrder;
use super::order::{ClientOrderId, Order, Terms};
use crate::app::portfolio::rows::TradeRow;

/// Most entries kept.
pub const MAX_ENTRIES: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Time of the action, or of the execution.
    pub at: UnixMillis,
    pub action: LoggedAction,
    pub status: ActionStatus,
}

impl LogEntry {
    fn from_trade(trade: &TradeRow) -> Self {
        Self {
            at: trade.at,
            action: LoggedAction::Order(trade.side, trade.count, Terms::Market),
            status: ActionStatus::Traded {
                price: Some(trade.price),
            },
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggedAction {
    /// An order: side, stocks, terms.
    Order(Side, i32, Terms),
    /// Tokens bought for these dollars.
    BuyTokens(i32),
    /// These tokens converted to dollars.
    Withdraw(i32),
    /// The cancellation of this order. The end of the order takes its place.
    Cancel(RestingOrder),
    /// A message of the client.
    Notice,
}

impl LoggedAction {
    /// Returns side and stocks of an order.
    pub fn order(&self) -> Option<(Side, i32)> {
        match self {
            Self::Order(side, count, _) => Some((*side, *count)),
            Self::BuyTokens(_) | Self::Withdraw(_) | Self::Cancel(_) | Self::Notice => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionStatus {
    /// Sent, not answered yet.
    Pending,
    Traded {
        /// Tokens for one stock, if known.
        price: Option<i32>,
    },
    /// Succeeded, with a message.
    Done(String),
    /// Rejected by the casino, with the reason.
    Rejected(String),
    /// Not sent by the client, with the reason.
    NotSent(String),
    /// No answer arrived; the wallet shows the status.
    Unanswered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PendingOrder {
    order: Order<ClientOrderId>,
    /// Time of the last send.
    since: UnixMillis,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionLog {
    entries: VecDeque<LogEntry>,
    /// Pending orders, oldest first.
    sent: VecDeque<PendingOrder>,
    last: u32,
    /// Pending orders are resent once the casino's capabilities are known.
    pub(crate) is_resend_due: bool,
}

impl ActionLog {
    /// Returns the entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &LogEntry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Adds an entry, but not of an order that is sent: see [`send`](Self::send). If the log is full, the oldest entry that
    /// is not pending is removed.
    pub fn push(&mut self, at: UnixMillis, action: LoggedAction, status: ActionStatus) {
        self.entries.push_back(LogEntry { at, action, status });
        if self.entries.len() > MAX_ENTRIES {
            let answered = self
                .entries
                .iter()
                .position(|entry| entry.status != ActionStatus::Pending);
            self.entries.remove(answered.unwrap_or(0));
        }
    }

    pub(crate) fn notify(&mut self, at: UnixMillis, status: ActionStatus) {
        self.push(at, LoggedAction::Notice, status);
    }

    /// Returns how many such trades the log has: orders at one tick may be equal.
    pub fn count_of(&self, trade: &TradeRow) -> usize {
        let LogEntry { at, status, .. } = LogEntry::from_trade(trade);
        let order = Some((trade.side, trade.count));
        self.entries
            .iter()
            .filter(|entry| entry.at == at && entry.status == status && entry.action.order() == order)
            .count()
    }

    /// Returns those of `trades` that the log does not have.
    pub(crate) fn missing(&self, trades: &[TradeRow]) -> Vec<TradeRow> {
        let missing = trades.iter().enumerate().filter(|(index, trade)| {
            let rest = trades.iter().skip(*index).filter(|other| other == trade);
            rest.count() > self.count_of(trade)
        });
        missing.map(|(_, trade)| *trade).collect()
    }

    /// Inserts earlier trades, given oldest first, before all entries.
    pub(crate) fn take_trades(&mut self, trades: &[TradeRow]) {
        let room = MAX_ENTRIES.saturating_sub(self.entries.len());
        for trade in trades.iter().rev().take(room) {
            self.entries.push_front(LogEntry::from_trade(trade));
        }
    }

    pub fn waiting(&self) -> usize {
        self.sent.len()
    }

    /// Adds an order sent at `at`, and returns it; `None` for another action. `up_to`: the most to trade, if the casino
    /// computes the count. `round`: the account it is meant for.
    pub fn send(
        &mut self,
        at: UnixMillis,
        action: LoggedAction,
        up_to: Option<i32>,
        round: Option<i64>,
    ) -> Option<Order<ClientOrderId>> {
        let LoggedAction::Order(side, count, terms) = action else {
            return None;
        };
        self.last = self.last.wrapping_add(1);
        let order = Order {
            side,
            count: up_to.unwrap_or(count),
            terms,
            up_to: up_to.is_some(),
            round,
            id: ClientOrderId {
                number: self.last,
                at,
            },
        };
        self.sent.push_back(PendingOrder { order, since: at });
        self.push(at, action, ActionStatus::Pending);
        Some(order)
    }

    /// Returns the oldest pending order, and the time at which it was sent last.
    pub(crate) fn oldest_waiting(&self) -> Option<(ClientOrderId, UnixMillis)> {
        self.sent.front().map(|sent| (sent.order.id, sent.since))
    }

    /// Marks all pending orders as sent at `now`, and returns them, oldest first.
    pub(crate) fn resend_pending(
        &mut self,
        now: UnixMillis,
    ) -> impl Iterator<Item = Order<ClientOrderId>> + '_ {
        self.sent.iter_mut().map(move |sent| {
            sent.since = now;
            sent.order
        })
    }

    /// Returns true if a pending order rests: a casino without resting orders would execute it at once.
    pub(crate) fn has_resting(&self) -> bool {
        let mut terms = self.sent.iter().map(|sent| sent.order.terms);
        terms.any(|terms| matches!(terms, Terms::Rest(_)))
    }

    /// Resolves the oldest pending order and returns it. Without one, adds a message. `traded`: stocks traded, if known.
    pub(crate) fn answer_order(
        &mut self,
        at: UnixMillis,
        status: ActionStatus,
        traded: Option<i32>,
    ) -> Option<LoggedAction> {
        let sent = self.sent.pop_front();
        // Without a sent order no entry waits, so that a full log need not be searched.
        let entry = sent.and_then(|_| self.entries.iter_mut().find(|entry| is_waiting_order(entry)));
        let Some(entry) = entry else {
            self.notify(at, status);
            return None;
        };
        if let (LoggedAction::Order(_, count, _), Some(traded)) = (&mut entry.action, traded) {
            *count = traded;
        }
        (entry.at, entry.status) = (at, status);
        Some(entry.action.clone())
    }

    /// Returns the oldest entry of such an action that is pending.
    fn pending(&mut self, is_such: impl Fn(&LoggedAction) -> bool) -> Option<&mut LogEntry> {
        let mut pending = self.entries.iter_mut();
        pending.find(|entry| entry.status == ActionStatus::Pending && is_such(&entry.action))
    }

    /// Resolves the oldest pending payment equal to `action`. Without one, adds a message.
    pub(crate) fn answer_payment(&mut self, at: UnixMillis, action: &LoggedAction, status: ActionStatus) {
        match self.pending(|pending| pending == action) {
            Some(entry) => (entry.at, entry.status) = (at, status),
            None => self.notify(at, status),
        }
    }

    /// Returns the pending cancellation of the order with this ID.
    pub(crate) fn cancellation(&mut self, id: Uuid) -> Option<&mut LogEntry> {
        self.pending(|action| matches!(action, LoggedAction::Cancel(order) if order.id == id))
    }

    /// Adds an entry about the end of an order, in place of its pending cancellation if there is one.
    pub(crate) fn end_order(&mut self, id: Uuid, entry: LogEntry) {
        match self.cancellation(id) {
            Some(cancellation) => *cancellation = entry,
            None => self.push(entry.at, entry.action, entry.status),
        }
    }

    /// Marks all pending orders as unanswered: their status stays unknown.
    pub fn abandon_pending(&mut self) {
        self.sent.clear();
        self.is_resend_due = false;
        for entry in self.entries.iter_mut().filter(|entry| is_waiting_order(entry)) {
            entry.status = ActionStatus::Unanswered;
        }
    }
}

fn is_waiting_order(entry: &LogEntry) -> bool {
    entry.action.order().is_some() && entry.status == ActionStatus::Pending
}
