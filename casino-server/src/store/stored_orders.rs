//! Encoding of resting orders for all engines: a format byte, then postcard, about 40 bytes each.

use crate::domain::order::resting::RestingOrder;

const FORMAT: u8 = 1;

pub(super) fn to_bytes(order: &RestingOrder) -> postcard::Result<Vec<u8>> {
    postcard::to_extend(order, vec![FORMAT])
}

/// Returns `None` for any other bytes.
pub(super) fn from_bytes(bytes: &[u8]) -> Option<RestingOrder> {
    let (format, order) = bytes.split_first()?;
    (*format == FORMAT).then(|| postcard::from_bytes(order).ok())?
}

#[cfg(test)]
mod tests {
    use awesomestock_proto::values::Trigger;

    use super::*;
    use crate::domain::{
        account::Rejection,
        market::Tick,
        money::{Price, Stocks, UnixMillis},
        order::{
            Side, Trade,
            request::RequestId,
            resting::{OrderState, RestingTerms},
        },
    };

    /// Stored orders must stay readable.
    #[test]
    fn the_encoding_of_orders_is_stable() {
        let price = Price::new(10).unwrap();
        let terms = RestingTerms {
            side: Side::Sell,
            count: Stocks(3),
            trigger: Trigger::Stop,
            price,
            up_to: true,
        };
        let tick = Tick {
            number: 4,
            price,
            at: UnixMillis(0),
        };
        let open = RestingOrder::new(RequestId([0xab; 16]), terms, tick, UnixMillis(5));
        let trade = Trade {
            number: 2,
            side: Side::Sell,
            count: Stocks(3),
            price,
            tick: 6,
            at: UnixMillis(7),
        };
        for (state, bytes) in [
            (OrderState::Open, &[0][..]),
            (OrderState::Filled(trade), &[1, 4, 1, 6, 20, 12, 14]),
            (OrderState::Cancelled(UnixMillis(8)), &[2, 16]),
            (
                OrderState::Rejected(Rejection::TooManyOrders, UnixMillis(9)),
                &[3, 15, 18],
            ),
        ] {
            let order = RestingOrder { state, ..open };
            let expected = [&[FORMAT], &[0xab; 16][..], &[1, 6, 1, 20, 1, 10, 8], bytes].concat();
            assert_eq!(to_bytes(&order).unwrap(), expected);
            assert_eq!(from_bytes(&expected), Some(order));
        }
        assert_eq!(from_bytes(&[]), None);
        assert_eq!(from_bytes(&[2, 0]), None);
    }
}
