//! Resting orders in words.

use awesomestock_proto::casino::{Order, OrderState, OrderUpdate};
use awesomestock_proto::text::thousands;

use super::{cut, side, wallet_after};

/// About the result of an order that was accepted to rest.
pub(super) const ACCEPTED_SENTENCE: &str = "The answer to the oldest unanswered order: the order rests at the casino, \
                                            also while the player is away. Its end is sent later.";

/// About a change of such an order.
pub(super) const ORDER_ENDED_SENTENCE: &str = "Sent without a request: an order was placed by another session, or an \
                                               open order was filled, cancelled or rejected. The ends are numbered, so \
                                               a new session can ask for the later ones.";

/// Describes an update: an order that was placed or has ended, and the wallet.
pub(super) fn order_update(update: &OrderUpdate) -> String {
    let mut text = update.order.as_ref().map(order_text).unwrap_or_default();
    let end = update.order.as_ref().map_or(0, |order| order.end_number);
    if end > 0 {
        text.push_str(&format!(", end {}", thousands(end)));
    }
    text + &wallet_after(update.wallet.as_ref())
}

/// Describes a resting order and its state: `BUY 5 limit 95 filled at 94`.
pub(super) fn order_text(order: &Order) -> String {
    let price = match (order.limit_price, order.stop_price) {
        (0, stop) => format!("stop {}", thousands(stop)),
        (limit, _) => format!("limit {}", thousands(limit)),
    };
    let state = match (OrderState::try_from(order.state), &order.trade) {
        (Ok(OrderState::OrderOpen), _) => "open".to_owned(),
        (Ok(OrderState::OrderFilled), Some(trade)) => format!("filled at {}", thousands(trade.price)),
        (Ok(OrderState::OrderFilled), None) => "filled".to_owned(),
        (Ok(OrderState::OrderCancelled), _) => "cancelled".to_owned(),
        (Ok(OrderState::OrderRefused), _) => format!("rejected: {}", cut(&order.msg)),
        (Ok(OrderState::OrderUnspecified) | Err(_), _) => "in an unknown state".to_owned(),
    };
    let count = thousands(order.stocks_count);
    format!("{} {count} {price} {state}", side(order.r#type))
}

#[cfg(test)]
mod tests {
    use awesomestock_proto::casino::{Action, ActionResult, ActionType, GambleInfo, Trade, Wallet};
    use prost::Message;

    use super::*;
    use crate::app::wire::{MessageBytes, RowKind, WireEvent, WireFrame, WireLog, WireRow};

    fn row(frame: fn(MessageBytes) -> WireFrame, message: &impl Message) -> WireRow {
        let mut log = WireLog::default();
        let event = WireEvent {
            at_us: 1,
            frame: frame(MessageBytes::new(&message.encode_to_vec())),
            missed: 0,
        };
        log.push(event).unwrap().clone()
    }

    fn order(state: OrderState) -> Order {
        Order {
            id: vec![7; 16],
            stocks_count: 5,
            stop_price: 1_250,
            state: state.into(),
            msg: "too few tokens".to_owned(),
            trade: Some(Trade {
                price: 1_251,
                ..Trade::default()
            }),
            end_number: 3,
            ..Order::default()
        }
    }

    #[test]
    fn messages_of_resting_orders_are_named_and_described() {
        let action = Action {
            r#type: ActionType::Sell.into(),
            stocks_count: 5,
            limit_price: 95,
            time_in_force: 1,
            ..Action::default()
        };
        let sent = row(WireFrame::Sent, &action);
        assert_eq!(
            (sent.kind.name(), sent.text.as_str()),
            ("Action", "SELL 5 limit 95 until cancelled")
        );
        let accepted = GambleInfo::from(ActionResult {
            order: Some(order(OrderState::OrderOpen)),
            ..ActionResult::default()
        });
        let accepted = row(WireFrame::Received, &accepted);
        assert_eq!(
            (accepted.kind, accepted.kind.name()),
            (RowKind::Accepted, "ACTION_RESULT")
        );
        assert_eq!(accepted.text, "accepted: BUY 5 stop 1,250 open");
        assert!(accepted.sentence().contains("rests at the casino") && !accepted.kind.is_alarming());
        for (state, text) in [
            (
                OrderState::OrderFilled,
                "BUY 5 stop 1,250 filled at 1,251, end 3; 7 tokens, 2 stocks",
            ),
            (
                OrderState::OrderCancelled,
                "BUY 5 stop 1,250 cancelled, end 3; 7 tokens, 2 stocks",
            ),
            (
                OrderState::OrderRefused,
                "BUY 5 stop 1,250 rejected: too few tokens, end 3; 7 tokens, 2 stocks",
            ),
            (
                OrderState::OrderUnspecified,
                "BUY 5 stop 1,250 in an unknown state, end 3; 7 tokens, 2 stocks",
            ),
        ] {
            let update = GambleInfo::from(OrderUpdate {
                order: Some(order(state)),
                wallet: Some(Wallet {
                    tokens: 7,
                    stocks: 2,
                    ..Wallet::default()
                }),
            });
            let row = row(WireFrame::Received, &update);
            assert_eq!((row.kind.name(), row.text.as_str()), ("ORDER", text));
            assert!(row.sentence().contains("filled, cancelled or rejected"));
        }
    }
}
