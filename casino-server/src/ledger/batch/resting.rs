//! Orders that rest, from their placing to their end.

use super::OpenBatch;
use crate::domain::account::Rejection;
use crate::domain::money::UnixMillis;
use crate::domain::order::LedgerEntry;
use crate::domain::order::request::RequestId;
use crate::domain::order::resting::{DueOrder, OrderPosting, OrderState, RestingOrder, RestingTerms};
use crate::ledger::account_cache::Slot;

impl OpenBatch {
    /// Executes an order that the current price meets, and places any other. One that rests already is neither, though its
    /// ID may be forgotten.
    pub(super) fn rest(
        &mut self,
        slot: Slot,
        terms: RestingTerms,
        id: Option<RequestId>,
        at: UnixMillis,
    ) -> Result<LedgerEntry, Rejection> {
        let id = id.ok_or(Rejection::MissingId)?;
        match self.open_order(slot, id) {
            Some(open) if open.order.terms == terms => Ok(LedgerEntry::Accepted),
            Some(_) => Err(Rejection::DuplicateId),
            None if terms.is_met(self.market.current.price) => self.execute_now(slot, terms.immediate(), at),
            None => self.place(slot, terms, id, at),
        }
    }

    /// Accepts an order to rest.
    fn place(
        &mut self,
        slot: Slot,
        terms: RestingTerms,
        id: RequestId,
        at: UnixMillis,
    ) -> Result<LedgerEntry, Rejection> {
        let (player, record) = self.accounts.entry(slot).ok_or(Rejection::LedgerFull)?;
        terms.check(self.book.open(record.id))?;
        self.numbers.order = next(self.numbers.order)?;
        let posting = OrderPosting {
            account: record.id,
            number: self.numbers.order,
            ended: None,
            order: RestingOrder::new(id, terms, self.market.current, at),
        };
        self.book.place(player, posting, self.sequence);
        self.batch.orders.push(posting);
        Ok(LedgerEntry::Accepted)
    }

    pub(super) fn cancel(
        &mut self,
        slot: Slot,
        id: RequestId,
        at: UnixMillis,
    ) -> Result<LedgerEntry, Rejection> {
        let open = self.open_order(slot, id).ok_or(Rejection::NoOpenOrder)?;
        self.end(open, OrderState::Cancelled(at))?;
        Ok(LedgerEntry::Cancelled)
    }

    /// Executes or rejects an open order that the current price meets. The order ends either way.
    pub(super) fn trigger(
        &mut self,
        slot: Slot,
        id: RequestId,
        at: UnixMillis,
    ) -> Result<LedgerEntry, Rejection> {
        let price = self.market.current.price;
        let due = self
            .open_order(slot, id)
            .filter(|open| open.order.terms.is_met(price));
        let open = due.ok_or(Rejection::NoOpenOrder)?;
        let executed = self.execute_now(slot, open.order.terms.immediate(), at);
        let state = match executed {
            Ok(LedgerEntry::Trade(trade)) => OrderState::Filled(trade),
            Ok(_) => OrderState::Rejected(Rejection::LedgerFull, at),
            Err(rejection) => OrderState::Rejected(rejection, at),
        };
        let result = self.end(open, state).and(executed);
        // The end is committed with the account.
        self.mark_changed(slot);
        result
    }

    fn open_order(&mut self, slot: Slot, id: RequestId) -> Option<OrderPosting> {
        let account = self.accounts.get_mut(slot)?.record.id;
        self.book.get(account, id).copied()
    }

    fn end(&mut self, open: OrderPosting, state: OrderState) -> Result<(), Rejection> {
        self.numbers.ended = next(self.numbers.ended)?;
        self.book.end(open.number, self.sequence);
        self.batch.orders.push(OrderPosting {
            ended: Some(self.numbers.ended),
            order: RestingOrder { state, ..open.order },
            ..open
        });
        Ok(())
    }

    /// Returns up to `max` open orders with a number above `after` that the current price meets, oldest first.
    pub(crate) fn due(&self, after: i64, max: usize) -> Vec<DueOrder> {
        self.book.due(self.market.current.price, after, max)
    }
}

fn next(last: i64) -> Result<i64, Rejection> {
    last.checked_add(1).ok_or(Rejection::LedgerFull)
}
