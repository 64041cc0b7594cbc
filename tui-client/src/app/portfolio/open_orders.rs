//! The player's open orders, which rest at the casino, and how earlier ones ended. The list is the same in whatever order the
//! casino's answers and updates arrive.

use std::collections::{HashMap, VecDeque};
use std::fmt::{self, Write as _};

use awesomestock_proto::text::thousands;
use awesomestock_proto::values::{ENDED_ORDERS_MAX, OPEN_ORDERS_MAX};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::money::{Side, UnixMillis};
use super::order::Condition;
use super::rows::TradeRow;

/// Ended orders kept: as many as the casino lists.
pub const MAX_ENDED: usize = ENDED_ORDERS_MAX as usize;

/// The title of the orders during a round, in which the player trades on another account.
pub(crate) const OF_OWN_ACCOUNT: &str = "Open orders of your own account";

/// An order that was accepted to rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestingOrder {
    /// The request ID it was placed with.
    pub id: Uuid,
    pub side: Side,
    /// Stocks.
    pub count: i32,
    /// What executes it.
    pub condition: Condition,
    /// `count` is an upper bound.
    #[serde(default)]
    pub up_to: bool,
    /// Time of acceptance.
    pub placed: UnixMillis,
    /// `None`: it is open.
    #[serde(default)]
    pub end: Option<OrderEnd>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEnd {
    /// Number among the ended orders of the player, from 1.
    pub number: i64,
    /// Time of the end.
    pub at: UnixMillis,
    pub reason: EndReason,
}

impl OrderEnd {
    pub(crate) fn seen(&self) -> SeenEnd {
        SeenEnd {
            number: self.number,
            at: self.at,
        }
    }
}

/// The newest end that a player has been shown at a casino. By default, the player knows that there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SeenEnd {
    pub number: i64,
    pub at: UnixMillis,
}

impl SeenEnd {
    /// Returns true if `end` is later. Another ledger of the casino starts its numbers again.
    pub fn is_before(self, end: &OrderEnd) -> bool {
        end.number > self.number || end.at > self.at
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// It became this trade.
    Filled(TradeRow),
    Cancelled,
    /// It was rejected when a price met it, with the reason.
    Rejected(String),
}

impl RestingOrder {
    /// Describes how it ended: `filled: BUY 5 limit 95, at 94`; `None` while it is open.
    pub fn outcome(&self) -> Option<String> {
        Some(match &self.end.as_ref()?.reason {
            EndReason::Filled(trade) => format!("filled: {self}, at {}", thousands(trade.price)),
            EndReason::Cancelled => format!("cancelled: {self}"),
            EndReason::Rejected(why) => format!("rejected: {self}: {why}"),
        })
    }

    fn end_number(&self) -> i64 {
        self.end.as_ref().map_or(0, |end| end.number)
    }
}

/// `BUY 5 limit 95`.
impl fmt::Display for RestingOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.side.word().chars() {
            f.write_char(letter.to_ascii_uppercase())?;
        }
        write!(f, " {} {}", thousands(self.count), self.condition)
    }
}

/// The order that keys and the mouse change, and its next price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    pub id: Uuid,
    /// The price to which it is moved.
    pub price: i32,
    /// The mouse holds it.
    pub is_dragged: bool,
}

/// What was known when the list was requested.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ListRequest {
    open: Vec<Uuid>,
    seen: i64,
    /// The session was opened again since: the answer may be older.
    is_outdated: bool,
}

/// The open orders and the newest ended ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOrders {
    /// Oldest first.
    open: Vec<RestingOrder>,
    /// By their end number, at most [`MAX_ENDED`].
    ended: VecDeque<RestingOrder>,
    /// Highest end number known; `None` before the first list: then only ends after `shown` are news.
    seen: Option<i64>,
    /// The newest end that an earlier game has shown, if known.
    shown: Option<SeenEnd>,
    requested: Option<ListRequest>,
    /// Orders that are placed again at this price once they are cancelled.
    moves: HashMap<Uuid, i32>,
    selection: Option<Selection>,
    /// The order ended that was selected, and nothing was selected since.
    selected_ended: bool,
}

impl OpenOrders {
    /// Returns no orders, for a player who has been shown the ends up to `shown`.
    pub fn new(shown: Option<SeenEnd>) -> Self {
        Self {
            shown,
            ..Self::default()
        }
    }

    /// Returns the open orders, oldest first.
    pub fn open(&self) -> &[RestingOrder] {
        &self.open
    }

    /// Returns the ended orders in the order in which they ended.
    pub fn ended(&self) -> impl DoubleEndedIterator<Item = &RestingOrder> + ExactSizeIterator {
        self.ended.iter()
    }

    /// Returns how many of the ended orders were filled by such a trade.
    pub(crate) fn fills_like(&self, trade: &TradeRow) -> usize {
        let ends = self.ended.iter().filter_map(|order| order.end.as_ref());
        ends.filter(|end| matches!(&end.reason, EndReason::Filled(fill) if fill == trade))
            .count()
    }

    /// Returns the number after which the casino shall send ends when a session opens.
    pub fn seen(&self) -> i64 {
        self.seen.unwrap_or(0)
    }

    pub fn get(&self, id: Uuid) -> Option<&RestingOrder> {
        self.open.iter().find(|order| order.id == id)
    }

    /// Returns the newest end that the player has been shown, also before the first list; `None` if that is not known.
    pub fn shown(&self) -> Option<SeenEnd> {
        let newest = self.ended.back().and_then(|order| order.end.as_ref());
        newest
            .map(OrderEnd::seen)
            .or(self.shown)
            .or_else(|| self.seen.map(|_| SeenEnd::default()))
    }

    /// Returns true if the end of the order is news: it was open, or the earlier ends are known.
    pub(crate) fn is_news(&self, order: &RestingOrder) -> bool {
        let is_later = match (self.shown, &order.end) {
            (Some(shown), Some(end)) => shown.is_before(end),
            (None, _) | (_, None) => self.seen.is_some(),
        };
        is_later || self.get(order.id).is_some()
    }

    /// Records the number of an end that the stream has sent: it sends them in order.
    pub(crate) fn record_seen(&mut self, number: i64) {
        self.seen = self.seen.map(|seen| seen.max(number));
    }

    /// Adds an open order, unless it is known to have ended.
    pub fn add(&mut self, order: RestingOrder) {
        if self.ended.iter().any(|ended| ended.id == order.id) {
            return;
        }
        self.open.retain(|open| open.id != order.id);
        if self.open.len() < OPEN_ORDERS_MAX {
            let key = |order: &RestingOrder| (order.placed, order.id);
            let position = self.open.partition_point(|open| key(open) < key(&order));
            self.open.insert(position, order);
        }
    }

    /// Removes an order that has ended. Returns true if the end was not known.
    pub fn end(&mut self, order: RestingOrder) -> bool {
        let number = order.end_number();
        self.open.retain(|open| open.id != order.id);
        self.end_selection();
        let position = self.ended.partition_point(|ended| ended.end_number() < number);
        let is_known = self
            .ended
            .iter()
            .any(|ended| ended.id == order.id || ended.end_number() == number);
        let is_too_old = position == 0 && self.ended.len() >= MAX_ENDED;
        if is_known || is_too_old {
            return false;
        }
        self.ended.insert(position, order);
        if self.ended.len() > MAX_ENDED {
            self.ended.pop_front();
        }
        true
    }

    /// Prepares a request of the list. Returns false if one is on its way.
    pub(crate) fn request(&mut self) -> bool {
        if let Some(request) = &mut self.requested {
            request.is_outdated = true;
            return false;
        }
        self.requested = Some(ListRequest {
            open: self.open.iter().map(|order| order.id).collect(),
            seen: self.seen(),
            is_outdated: false,
        });
        true
    }

    /// Ends a request. Returns true if the list has to be requested again.
    pub(crate) fn request_failed(&mut self) -> bool {
        let is_outdated = self.requested.take().is_some_and(|request| request.is_outdated);
        let newest = self.ended.back().map_or(0, RestingOrder::end_number);
        self.seen.get_or_insert(newest);
        is_outdated
    }

    /// Merges the requested list. Returns the orders whose ends are news, oldest first; `None` if the list has to be
    /// requested again.
    pub(crate) fn merge(
        &mut self,
        open: Vec<RestingOrder>,
        ended: Vec<RestingOrder>,
    ) -> Option<Vec<RestingOrder>> {
        let Some(request) = self.requested.take() else {
            return Some(Vec::new());
        };
        if request.is_outdated {
            return None;
        }
        let newest = ended.iter().map(RestingOrder::end_number).max().unwrap_or(0);
        if newest < request.seen {
            // The casino has another ledger now.
            self.ended.clear();
            self.seen = None;
        }
        let mut news = Vec::new();
        for order in ended {
            let is_news = self.is_news(&order);
            if self.end(order.clone()) && is_news {
                news.push(order);
            }
        }
        self.seen = Some(self.seen().max(newest));
        let is_listed = |id| open.iter().any(|listed| listed.id == id);
        self.open
            .retain(|order| !request.open.contains(&order.id) || is_listed(order.id));
        self.end_selection();
        open.into_iter().for_each(|order| self.add(order));
        Some(news)
    }

    /// Forgets the open orders: the casino has no such orders.
    pub(crate) fn clear_open(&mut self) {
        self.open.clear();
        self.end_selection();
    }

    /// Remembers to place an order again at `price` once it is cancelled.
    pub(crate) fn begin_move(&mut self, id: Uuid, price: i32) {
        self.moves.insert(id, price);
        self.deselect();
    }

    /// Returns the price to which an order is being moved.
    pub fn moves_to(&self, id: Uuid) -> Option<i32> {
        self.moves.get(&id).copied()
    }

    /// Returns how many orders wait for their cancellation to be placed again.
    pub(crate) fn moving(&self) -> usize {
        self.moves.len()
    }

    /// Ends a move. Returns its price.
    pub(crate) fn take_move(&mut self, id: Uuid) -> Option<i32> {
        self.moves.remove(&id)
    }

    pub fn selection(&self) -> Option<Selection> {
        self.selection
    }

    /// Returns the selected order and its next price.
    pub fn selected(&self) -> Option<(&RestingOrder, i32)> {
        let selection = self.selection?;
        Some((self.get(selection.id)?, selection.price))
    }

    pub(crate) fn select(&mut self, id: Uuid, is_dragged: bool) {
        self.deselect();
        self.selection = self.get(id).map(|order| Selection {
            id,
            price: order.condition.price,
            is_dragged,
        });
    }

    /// Ends the selection of an order that is not open any more.
    fn end_selection(&mut self) {
        if self.selection.is_some_and(|of| self.get(of.id).is_none()) {
            self.selection = None;
            self.selected_ended = true;
        }
    }

    /// Returns true if the selection ended with its order. The player may not have seen that yet.
    pub fn selected_ended(&self) -> bool {
        self.selected_ended
    }

    pub(crate) fn deselect(&mut self) {
        self.selection = None;
        self.selected_ended = false;
    }

    /// Selects the order `by` places later in the list, or the first one; stops at the ends.
    pub(crate) fn select_by(&mut self, by: isize) {
        let last = self.open.len().saturating_sub(1);
        let index = match self.selected_index() {
            Some(index) => index.saturating_add_signed(by).min(last),
            None => 0,
        };
        if let Some(order) = self.open.get(index) {
            self.select(order.id, false);
        }
    }

    /// Selects the next order; after the last one, none.
    pub(crate) fn select_next(&mut self) {
        let index = self.selected_index().map_or(0, |index| index.saturating_add(1));
        match self.open.get(index).map(|order| order.id) {
            Some(id) => self.select(id, false),
            None => self.deselect(),
        }
    }

    /// Selects the next order, or the one before if the last one is selected; none if there is no other.
    pub(crate) fn select_other(&mut self) {
        let last = self.open.len().saturating_sub(1);
        match self.selected_index() {
            Some(_) if last == 0 => self.deselect(),
            Some(index) if index == last => self.select_by(-1),
            Some(_) => self.select_by(1),
            None => {}
        }
    }

    /// Returns the place of the selected order in the list.
    pub fn selected_index(&self) -> Option<usize> {
        let selection = self.selection?;
        self.open.iter().position(|order| order.id == selection.id)
    }

    /// Changes the next price of the selected order by `by`, to at least 1.
    pub(crate) fn nudge(&mut self, by: i32) {
        if let Some(selection) = &mut self.selection {
            selection.price = selection.price.saturating_add(by).max(1);
        }
    }

    /// Sets the next price of the dragged order. Returns false if none is dragged.
    pub(crate) fn drag_to(&mut self, price: Option<i32>) -> bool {
        let Some(selection) = self.selection.as_mut().filter(|selection| selection.is_dragged) else {
            return false;
        };
        selection.price = price.unwrap_or(selection.price).max(1);
        true
    }

    /// Ends the drag. Returns false if none was dragged.
    pub(crate) fn end_drag(&mut self) -> bool {
        match &mut self.selection {
            Some(selection) => std::mem::take(&mut selection.is_dragged),
            None => false,
        }
    }
}
