//! Orders that rest until a price meets them.
//!
//! A resting order reserves nothing. When a price meets it, it executes like an immediate order, or is rejected.

use awesomestock_proto::values::{OPEN_ORDERS_MAX, Trigger};
use serde::{Deserialize, Serialize};

use super::request::RequestId;
use super::{AccountId, Command, Side, Trade};
use crate::domain::account::Rejection;
use crate::domain::market::Tick;
use crate::domain::money::{Price, Stocks, UnixMillis};
use crate::domain::player::PlayerName;

/// What a resting order asks for. It is stored: keep its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestingTerms {
    pub(crate) side: Side,
    pub(crate) count: Stocks,
    pub(crate) trigger: Trigger,
    /// The limit or the stop.
    pub(crate) price: Price,
    /// `count` is an upper bound.
    pub(crate) up_to: bool,
}

impl RestingTerms {
    /// Returns whether prices at or below its own meet it; otherwise those at or above do.
    pub(crate) fn waits_for_fall(self) -> bool {
        matches!(
            (self.side, self.trigger),
            (Side::Buy, Trigger::Limit) | (Side::Sell, Trigger::Stop)
        )
    }

    pub(crate) fn is_met(self, price: Price) -> bool {
        match self.waits_for_fall() {
            true => price <= self.price,
            false => price >= self.price,
        }
    }

    /// Returns the immediate order that a price executes when it meets these terms.
    pub(crate) fn immediate(self) -> Command {
        match self.up_to {
            true => Command::UpTo(self.side, self.count, None),
            false => Command::order(self.side, self.count, None),
        }
    }

    /// Checks whether a player with `open` orders may place one more.
    pub(crate) fn check(self, open: usize) -> Result<(), Rejection> {
        if self.count.0 < 1 {
            return Err(Rejection::CountTooSmall { count: self.count });
        }
        match open < OPEN_ORDERS_MAX {
            true => Ok(()),
            false => Err(Rejection::TooManyOrders),
        }
    }
}

/// It changes once, from open. It is stored: add variants at the end only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OrderState {
    Open,
    Filled(Trade),
    Cancelled(UnixMillis),
    Rejected(Rejection, UnixMillis),
}

/// An order that was accepted to rest. It is stored: keep its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestingOrder {
    /// The ID of the request that placed it.
    pub(crate) id: RequestId,
    pub(crate) terms: RestingTerms,
    pub(crate) placed_at: UnixMillis,
    /// The tick at which it was placed, which did not meet it.
    pub(crate) placed_tick: i64,
    pub(crate) state: OrderState,
}

impl RestingOrder {
    pub(crate) fn new(id: RequestId, terms: RestingTerms, tick: Tick, at: UnixMillis) -> Self {
        Self {
            id,
            terms,
            placed_at: at,
            placed_tick: tick.number,
            state: OrderState::Open,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state == OrderState::Open
    }

    /// Returns the time of its end; `None` while it is open.
    pub(crate) fn ended_at(&self) -> Option<UnixMillis> {
        match self.state {
            OrderState::Open => None,
            OrderState::Filled(trade) => Some(trade.at),
            OrderState::Cancelled(at) | OrderState::Rejected(_, at) => Some(at),
        }
    }
}

/// A resting order as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderPosting {
    pub(crate) account: AccountId,
    /// Rises with each order of the ledger. 0: the store assigns it.
    pub(crate) number: i64,
    /// Rises with each order of an account that ends; `None` while it is open. 0: the store assigns it.
    pub(crate) ended: Option<i64>,
    pub(crate) order: RestingOrder,
}

/// An open order to execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueOrder {
    /// See [`OrderPosting::number`].
    pub(crate) number: i64,
    pub(crate) player: PlayerName,
    pub(crate) id: RequestId,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(side: Side, trigger: Trigger) -> RestingTerms {
        RestingTerms {
            side,
            count: Stocks(5),
            trigger,
            price: Price::new(95).unwrap(),
            up_to: false,
        }
    }

    #[test]
    fn a_limit_is_met_by_a_better_price_and_a_stop_by_a_worse_one() {
        use Side::{Buy, Sell};
        for (side, trigger, below, above) in [
            (Buy, Trigger::Limit, true, false),
            (Sell, Trigger::Limit, false, true),
            (Buy, Trigger::Stop, false, true),
            (Sell, Trigger::Stop, true, false),
        ] {
            let terms = terms(side, trigger);
            for (price, is_met) in [
                (1, below),
                (94, below),
                (95, true),
                (96, above),
                (i32::MAX, above),
            ] {
                assert_eq!(
                    terms.is_met(Price::new(price).unwrap()),
                    is_met,
                    "{side:?} {trigger:?} at {price}"
                );
            }
        }
    }

    #[test]
    fn a_met_order_executes_like_an_immediate_one() {
        for (up_to, expected) in [
            (false, Command::Sell(Stocks(5))),
            (true, Command::UpTo(Side::Sell, Stocks(5), None)),
        ] {
            let terms = RestingTerms {
                up_to,
                ..terms(Side::Sell, Trigger::Stop)
            };
            assert_eq!(terms.immediate(), expected);
        }
    }

    #[test]
    fn a_player_has_a_bounded_number_of_open_orders() {
        let checked = |count, open| {
            let terms = RestingTerms {
                count: Stocks(count),
                ..terms(Side::Buy, Trigger::Limit)
            };
            terms.check(open).map_err(|rejection| rejection.to_string())
        };
        assert_eq!(checked(1, 0), Ok(()));
        assert_eq!(checked(1, OPEN_ORDERS_MAX - 1), Ok(()));
        assert_eq!(
            checked(1, OPEN_ORDERS_MAX),
            Err("you have 32 open orders, the maximum: cancel one first".to_owned())
        );
        assert_eq!(checked(0, 0), Err("stocks_count: 0 is below 1".to_owned()));
    }
}
