//! An order on its way to the casino.

use awesomestock_proto::{
    casino::{Action, ActionType},
    types::User,
};
use uuid::Uuid;

use super::money::{Side, UnixMillis};

/// An order: of the game with a [`ClientOrderId`], on the wire with a request ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order<Id = Uuid> {
    /// Buy or sell.
    pub side: Side,
    /// Stocks.
    pub count: i32,
    /// Worst price at which it may execute, only for casinos that support limit orders.
    pub limit: Option<i32>,
    /// `count` is an upper bound: the casino trades as many stocks as possible. Only for casinos that support it.
    pub up_to: bool,
    /// Unchanged when the order is resent.
    pub id: Id,
}

/// Identifies an order of the session. The request ID is derived from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientOrderId {
    /// Sequence number within the session.
    pub number: u32,
    /// Time of creation.
    pub at: UnixMillis,
}

impl<Id> Order<Id> {
    /// Returns the order with another ID.
    pub fn with_id<T>(self, id: T) -> Order<T> {
        Order {
            side: self.side,
            count: self.count,
            limit: self.limit,
            up_to: self.up_to,
            id,
        }
    }
}

impl Order {
    /// Returns an order without limit, with a new request ID.
    pub fn new(side: Side, count: i32) -> Self {
        Self {
            side,
            count,
            limit: None,
            up_to: false,
            id: Uuid::now_v7(),
        }
    }

    /// Returns the message of the Gamble stream.
    pub(crate) fn action(self, player: &str) -> Action {
        Action {
            user: Some(User {
                id: player.to_owned(),
            }),
            r#type: ActionType::from(self.side).into(),
            stocks_count: self.count,
            limit_price: self.limit.unwrap_or(0),
            id: self.id.into_bytes().to_vec(),
            up_to: self.up_to,
            ..Action::default()
        }
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
            let order = Order {
                limit,
                up_to,
                ..Order::new(side, 5)
            };
            let sent = order.action("ann");
            assert_eq!((sent.r#type(), sent.stocks_count, sent.up_to), (kind, 5, up_to));
            assert_eq!(sent.limit_price, limit.unwrap_or(0));
            assert_eq!(sent.id, order.id.into_bytes());
        }
    }
}
