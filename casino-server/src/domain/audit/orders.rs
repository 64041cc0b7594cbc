//! Checks the resting orders of one account against its trades.

use std::collections::BTreeMap;
use std::fmt::Display;

use awesomestock_proto::values::OPEN_ORDERS_MAX;

use super::Difference;
use crate::domain::order::Trade;
use crate::domain::order::resting::{OrderPosting, OrderState};

/// The orders of an account. They are added before its trades.
#[derive(Debug, Default)]
pub(super) struct OrderReplay {
    open: usize,
    /// The fills whose trades have not been seen, by the trade's number.
    fills: BTreeMap<i64, (i64, Trade)>,
}

impl OrderReplay {
    /// Adds an order. Returns what is wrong with it.
    pub(super) fn order(&mut self, posting: &OrderPosting) -> Vec<Difference<String, String>> {
        let OrderPosting {
            number, ended, order, ..
        } = posting;
        let mut wrong = Vec::new();
        let mut mismatch = |field: &str, expected: &dyn Display, found: &dyn Display| {
            let field = format!("order {number}: {field}");
            wrong.push((field, expected.to_string(), found.to_string()));
        };
        if ended.is_some() == order.is_open() {
            let state = |is_open| if is_open { "open" } else { "ended" };
            mismatch("state", &state(ended.is_none()), &state(order.is_open()));
        }
        match order.state {
            OrderState::Open => {
                self.open = self.open.saturating_add(1);
                if self.open > OPEN_ORDERS_MAX {
                    let most = format!("at most {OPEN_ORDERS_MAX}");
                    mismatch("open orders", &most, &self.open);
                }
            }
            OrderState::Filled(trade) => {
                let terms = order.terms;
                if !terms.is_met(trade.price) {
                    let bound = if terms.waits_for_fall() {
                        "at most"
                    } else {
                        "at least"
                    };
                    mismatch("price", &format!("{bound} {}", terms.price), &trade.price);
                }
                let is_count = match terms.up_to {
                    true => trade.count <= terms.count,
                    false => trade.count == terms.count,
                };
                if trade.side != terms.side || !is_count {
                    let traded = format!("{} {}", trade.side.word(), trade.count);
                    let ordered = format!("{} {}", terms.side.word(), terms.count);
                    mismatch("trade", &ordered, &traded);
                }
                if trade.tick <= order.placed_tick {
                    mismatch("tick", &format!("above {}", order.placed_tick), &trade.tick);
                }
                if let Some((other, _)) = self.fills.insert(trade.number, (*number, trade)) {
                    let field = format!("trade {}", trade.number);
                    mismatch(&field, &"a fill of one order", &format!("also of order {other}"));
                }
            }
            OrderState::Cancelled(_) | OrderState::Rejected(..) => {}
        }
        wrong
    }

    /// Compares a trade with the fill that it is, if any.
    pub(super) fn trade(&mut self, trade: &Trade) -> Option<Difference<String, String>> {
        let (number, fill) = self.fills.remove(&trade.number)?;
        let field = format!("order {number}: trade {}", trade.number);
        (fill != *trade).then(|| (field, describe(trade), describe(&fill)))
    }

    /// Returns the fills without a trade.
    pub(super) fn missing(self) -> impl Iterator<Item = Difference<String, String>> {
        let fills = self.fills.into_iter();
        fills.map(|(trade, (number, fill))| {
            (
                format!("order {number}: trade {trade}"),
                "none".to_owned(),
                describe(&fill),
            )
        })
    }
}

fn describe(trade: &Trade) -> String {
    format!(
        "{} {} at {} at tick {}",
        trade.side.word(),
        trade.count,
        trade.price,
        trade.tick
    )
}

#[cfg(test)]
mod tests {
    use awesomestock_proto::values::Trigger;

    use super::*;
    use crate::domain::market::Tick;
    use crate::domain::money::{Price, Stocks, UnixMillis};
    use crate::domain::order::request::RequestId;
    use crate::domain::order::resting::{RestingOrder, RestingTerms};
    use crate::domain::order::{AccountId, Side};

    fn posting(number: i64, state: OrderState) -> OrderPosting {
        let price = Price::new(95).unwrap();
        let terms = RestingTerms {
            side: Side::Buy,
            count: Stocks(5),
            trigger: Trigger::Limit,
            price,
            up_to: false,
        };
        let tick = Tick {
            number: 3,
            price,
            at: UnixMillis(0),
        };
        let order = RestingOrder::new(RequestId([7; 16]), terms, tick, UnixMillis(0));
        OrderPosting {
            account: AccountId(1),
            number,
            ended: (state != OrderState::Open).then_some(number),
            order: RestingOrder { state, ..order },
        }
    }

    fn trade() -> Trade {
        Trade {
            number: 8,
            side: Side::Buy,
            count: Stocks(5),
            price: Price::new(94).unwrap(),
            tick: 4,
            at: UnixMillis(1),
        }
    }

    fn lines(wrong: impl IntoIterator<Item = Difference<String, String>>) -> Vec<String> {
        let line = |(field, expected, found)| format!("{field}: expected {expected}, found {found}");
        wrong.into_iter().map(line).collect()
    }

    #[test]
    fn a_fill_beside_its_order_is_found() {
        let above = Price::new(97).unwrap();
        for (trade, expected) in [
            (trade(), vec![]),
            (
                Trade {
                    price: above,
                    ..trade()
                },
                vec!["order 1: price: expected at most 95 tokens, found 97 tokens"],
            ),
            (
                Trade {
                    count: Stocks(4),
                    ..trade()
                },
                vec!["order 1: trade: expected buy 5 stocks, found buy 4 stocks"],
            ),
            (
                Trade {
                    side: Side::Sell,
                    tick: 3,
                    ..trade()
                },
                vec![
                    "order 1: trade: expected buy 5 stocks, found sell 5 stocks",
                    "order 1: tick: expected above 3, found 3",
                ],
            ),
        ] {
            let mut replay = OrderReplay::default();
            let wrong = replay.order(&posting(1, OrderState::Filled(trade)));
            assert_eq!(lines(wrong), expected);
            assert_eq!(replay.trade(&trade), None);
            assert_eq!(replay.missing().count(), 0);
        }
    }

    #[test]
    fn each_fill_is_one_trade() {
        let filled = OrderState::Filled(trade());
        let mut replay = OrderReplay::default();
        assert_eq!(lines(replay.order(&posting(1, filled))), [""; 0]);
        assert_eq!(
            lines(replay.order(&posting(2, filled))),
            ["order 2: trade 8: expected a fill of one order, found also of order 1"]
        );
        let other = Trade {
            price: Price::MIN,
            ..trade()
        };
        assert_eq!(
            lines(replay.trade(&other)),
            [
                "order 2: trade 8: expected buy 5 stocks at 1 token at tick 4, found buy 5 stocks at 94 tokens at tick 4"
            ]
        );
        replay.order(&posting(3, filled));
        assert_eq!(
            lines(replay.missing()),
            ["order 3: trade 8: expected none, found buy 5 stocks at 94 tokens at tick 4"]
        );
    }

    #[test]
    fn an_order_is_open_or_has_one_end() {
        let mut replay = OrderReplay::default();
        for number in 1..=32 {
            assert_eq!(replay.order(&posting(number, OrderState::Open)), []);
        }
        assert_eq!(
            lines(replay.order(&posting(33, OrderState::Open))),
            ["order 33: open orders: expected at most 32, found 33"]
        );
        let cancelled = posting(34, OrderState::Cancelled(UnixMillis(1)));
        assert_eq!(replay.order(&cancelled), []);
        let without_end = OrderPosting {
            ended: None,
            ..cancelled
        };
        assert_eq!(
            lines(replay.order(&without_end)),
            ["order 34: state: expected open, found ended"]
        );
    }
}
