//! Resting orders.

use awesomestock_proto::casino::{self, ActionType, OrderState};
use awesomestock_proto::values::Trigger;
use uuid::Uuid;

use super::trade_row;
use crate::app::portfolio::money::UnixMillis;
use crate::app::portfolio::open_orders::{EndReason, OrderEnd, RestingOrder};
use crate::app::portfolio::order::Condition;
use crate::client::error::{ellipsize, without_field};

/// Converts a resting order; `None` if it is invalid.
pub(crate) fn resting_order(wire: &casino::Order) -> Option<RestingOrder> {
    let (trigger, price) = match (wire.limit_price, wire.stop_price) {
        (price, 0) => (Trigger::Limit, price),
        (0, price) => (Trigger::Stop, price),
        _ => return None,
    };
    let reason = match OrderState::try_from(wire.state).ok()? {
        OrderState::OrderUnspecified => return None,
        OrderState::OrderOpen => None,
        OrderState::OrderFilled => Some(EndReason::Filled(trade_row(wire.trade.as_ref()?)?)),
        OrderState::OrderCancelled => Some(EndReason::Cancelled),
        OrderState::OrderRefused => Some(EndReason::Rejected(match wire.msg.trim() {
            "" => "the casino gave no reason".to_owned(),
            text => ellipsize(without_field(text)),
        })),
    };
    let is_valid = wire.stocks_count >= 1 && price >= 1 && (reason.is_none() || wire.end_number >= 1);
    Some(RestingOrder {
        id: Uuid::from_slice(&wire.id).ok()?,
        side: ActionType::try_from(wire.r#type).ok()?.into(),
        count: wire.stocks_count,
        condition: Condition { trigger, price },
        up_to: wire.up_to,
        placed: UnixMillis(wire.placed_unix_ms),
        end: reason.map(|reason| OrderEnd {
            number: wire.end_number,
            at: UnixMillis(wire.ended_unix_ms),
            reason,
        }),
    })
    .filter(|_| is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> casino::Order {
        casino::Order {
            id: vec![7; 16],
            r#type: ActionType::Sell.into(),
            stocks_count: 5,
            limit_price: 95,
            state: OrderState::OrderOpen.into(),
            placed_unix_ms: 8,
            ..casino::Order::default()
        }
    }

    #[test]
    fn invalid_orders_are_dropped() {
        let state = |state: OrderState, end_number| casino::Order {
            state: state.into(),
            end_number,
            ..wire()
        };
        let cases = [
            casino::Order {
                id: vec![7; 15],
                ..wire()
            },
            casino::Order {
                stocks_count: 0,
                ..wire()
            },
            casino::Order {
                stop_price: 1,
                ..wire()
            },
            casino::Order {
                limit_price: 0,
                ..wire()
            },
            casino::Order { r#type: 9, ..wire() },
            casino::Order { state: 9, ..wire() },
            state(OrderState::OrderUnspecified, 0),
            state(OrderState::OrderCancelled, 0),
            // Without a trade.
            state(OrderState::OrderFilled, 1),
        ];
        for order in cases {
            assert_eq!(resting_order(&order), None, "{order:?}");
        }
        assert!(resting_order(&wire()).is_some());
    }

    #[test]
    fn the_end_of_an_order_is_kept() {
        for (state, reason) in [
            (OrderState::OrderCancelled, EndReason::Cancelled),
            (
                OrderState::OrderRefused,
                EndReason::Rejected("you have 1 stock, not 5".to_owned()),
            ),
        ] {
            let order = casino::Order {
                state: state.into(),
                end_number: 3,
                ended_unix_ms: 9,
                msg: "you have 1 stock, not 5".to_owned(),
                ..wire()
            };
            let end = OrderEnd {
                number: 3,
                at: UnixMillis(9),
                reason,
            };
            assert_eq!(resting_order(&order).unwrap().end, Some(end));
        }
    }
}
