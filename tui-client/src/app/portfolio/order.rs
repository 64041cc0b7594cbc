//! An order on its way to the casino.

use std::fmt;

use awesomestock_proto::EXECUTED_MESSAGE;
use awesomestock_proto::casino::{Action, ActionOutcome, ActionResult, ActionType, TimeInForce};
use awesomestock_proto::text::thousands;
use awesomestock_proto::types::User;
use awesomestock_proto::values::Trigger;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::money::{Side, UnixMillis};

/// An order: of the game with a [`ClientOrderId`], on the wire with a request ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order<Id = Uuid> {
    pub side: Side,
    /// Stocks.
    pub count: i32,
    /// When and at which price it executes.
    pub terms: Terms,
    /// `count` is an upper bound: the casino trades as many stocks as possible. Only for casinos that support it.
    pub up_to: bool,
    /// The account it is meant for: the number of the round, or 0 for the own account. `None`: the casino does not check it.
    pub round: Option<i64>,
    /// Unchanged when the order is resent.
    pub id: Id,
}

/// When and at which price an order executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terms {
    /// At once, at the current price.
    Market,
    /// At once, at this price or better. Only for casinos that support limit orders.
    Limit(i32),
    /// When a price meets this; until then it rests. Only for casinos that support it.
    Rest(Condition),
}

impl Terms {
    /// Returns the terms of an order that does not rest.
    pub fn immediate(limit: Option<i32>) -> Self {
        limit.map_or(Self::Market, Self::Limit)
    }

    /// Returns the price of the limit or the condition.
    pub fn price(self) -> Option<i32> {
        match self {
            Self::Market => None,
            Self::Limit(price) | Self::Rest(Condition { price, .. }) => Some(price),
        }
    }

    /// Returns what executes an order that rests.
    pub fn condition(self) -> Option<Condition> {
        match self {
            Self::Rest(condition) => Some(condition),
            Self::Market | Self::Limit(_) => None,
        }
    }
}

/// Identifies an order of the session. The request ID is derived from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientOrderId {
    /// Sequence number within the session.
    pub number: u32,
    /// Time of creation.
    pub at: UnixMillis,
}

/// The price that executes a resting order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The price is a limit or a stop.
    pub trigger: Trigger,
    /// Tokens for one stock.
    pub price: i32,
}

impl Condition {
    /// Returns true if `price` executes an order on `side`.
    pub fn is_met(self, side: Side, price: i32) -> bool {
        match self.is_met_below(side) {
            true => price <= self.price,
            false => price >= self.price,
        }
    }

    /// Returns the prices that execute an order on `side`: `95 or less`.
    pub fn prices(self, side: Side) -> String {
        format!("{} {}", thousands(self.price), self.or_beyond(side))
    }

    /// Returns the prices beyond its own that execute an order on `side`: `or less`, `or more`.
    pub fn or_beyond(self, side: Side) -> &'static str {
        match self.is_met_below(side) {
            true => "or less",
            false => "or more",
        }
    }

    fn is_met_below(self, side: Side) -> bool {
        (self.trigger == Trigger::Limit) == (side == Side::Buy)
    }
}

/// `limit 95` or `stop 95`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.trigger.word(), thousands(self.price))
    }
}

impl<Id> Order<Id> {
    /// Returns the order with another ID.
    pub fn with_id<T>(self, id: T) -> Order<T> {
        Order {
            side: self.side,
            count: self.count,
            terms: self.terms,
            up_to: self.up_to,
            round: self.round,
            id,
        }
    }
}

impl Order {
    /// Returns an order with a new request ID.
    pub fn new(side: Side, count: i32, terms: Terms) -> Self {
        Self {
            side,
            count,
            terms,
            up_to: false,
            round: None,
            id: Uuid::now_v7(),
        }
    }

    /// Returns the message of the Gamble stream.
    pub(crate) fn action(self, player: &str) -> Action {
        let time_in_force = match self.terms {
            Terms::Rest(_) => TimeInForce::UntilCancelled,
            Terms::Market | Terms::Limit(_) => TimeInForce::Immediate,
        };
        let price = self.terms.price().unwrap_or(0);
        let condition = self.terms.condition();
        let is_stop = condition.is_some_and(|condition| condition.trigger == Trigger::Stop);
        let (limit_price, stop_price) = if is_stop { (0, price) } else { (price, 0) };
        Action {
            user: Some(User {
                id: player.to_owned(),
            }),
            r#type: ActionType::from(self.side).into(),
            stocks_count: self.count,
            limit_price,
            id: self.id.into_bytes().to_vec(),
            up_to: self.up_to,
            time_in_force: time_in_force.into(),
            stop_price,
            round: self.round,
        }
    }
}

/// Returns whether an order became a trade. An earlier casino says so by its message only.
pub(crate) fn is_executed(result: &ActionResult) -> bool {
    match ActionOutcome::try_from(result.outcome) {
        Ok(ActionOutcome::OutcomeExecuted) => true,
        Ok(ActionOutcome::OutcomeRefused) => false,
        Ok(_) | Err(_) => result.msg == EXECUTED_MESSAGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_keeps_its_fields_on_the_wire() {
        for (side, kind, limit, up_to) in [
            (Side::Buy, ActionType::Buy, None, true),
            (Side::Sell, ActionType::Sell, Some(7), false),
        ] {
            let mut order = Order::new(side, 5, Terms::immediate(limit));
            order.up_to = up_to;
            order.round = limit.map(|_| 3);
            let sent = order.action("ann");
            assert_eq!((sent.r#type(), sent.stocks_count, sent.up_to), (kind, 5, up_to));
            assert_eq!(sent.limit_price, limit.unwrap_or(0));
            assert_eq!(sent.id, order.id.into_bytes());
            assert_eq!(sent.round, limit.map(|_| 3));
            assert_eq!(
                (sent.time_in_force(), sent.stop_price),
                (TimeInForce::Immediate, 0)
            );
        }
        for (trigger, limit_price, stop_price) in [(Trigger::Limit, 95, 0), (Trigger::Stop, 0, 95)] {
            let order = Order::new(Side::Buy, 5, Terms::Rest(Condition { trigger, price: 95 }));
            let sent = order.action("ann");
            assert_eq!(sent.time_in_force(), TimeInForce::UntilCancelled);
            assert_eq!((sent.limit_price, sent.stop_price), (limit_price, stop_price));
        }
    }

    #[test]
    fn a_condition_is_met_at_its_price_and_beyond() {
        for (trigger, side, met, text) in [
            (Trigger::Limit, Side::Buy, [true, true, false], "95 or less"),
            (Trigger::Limit, Side::Sell, [false, true, true], "95 or more"),
            (Trigger::Stop, Side::Buy, [false, true, true], "95 or more"),
            (Trigger::Stop, Side::Sell, [true, true, false], "95 or less"),
        ] {
            let condition = Condition { trigger, price: 95 };
            assert_eq!([94, 95, 96].map(|price| condition.is_met(side, price)), met);
            assert_eq!(condition.prices(side), text);
        }
    }
}
