//! Encoding of answers, resting orders and rounds for all engines: a format byte, then postcard, about 45 bytes each.

use serde::Serialize;
use serde::de::DeserializeOwned;

const FORMAT: u8 = 1;

/// A slice has its length first; an array would not.
pub(super) fn to_bytes(value: &(impl Serialize + ?Sized)) -> postcard::Result<Vec<u8>> {
    postcard::to_extend(value, vec![FORMAT])
}

/// Returns `None` for any other bytes.
pub(super) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (format, value) = bytes.split_first()?;
    (*format == FORMAT).then(|| postcard::from_bytes(value).ok())?
}

/// Stored values must stay readable.
#[cfg(test)]
mod tests {
    use awesomestock_proto::values::Trigger;

    use super::*;
    use crate::domain::account::{Account, Rejection};
    use crate::domain::market::Tick;
    use crate::domain::money::{Dollars, Price, Stocks, Tokens, UnixMillis};
    use crate::domain::order::request::{AnsweredRequest, RequestId};
    use crate::domain::order::resting::{OrderState, RestingOrder, RestingTerms};
    use crate::domain::order::{Command, Decision, LedgerEntry, Side, Trade};
    use crate::domain::round::{Round, RoundPhase};
    use crate::testkit::values;

    fn answer(command: Command, result: Result<LedgerEntry, Rejection>) -> AnsweredRequest {
        let account = Account {
            tokens: Tokens(7),
            ..Account::default()
        };
        AnsweredRequest {
            id: RequestId([0xab; 16]),
            command,
            decision: Decision { result, account },
        }
    }

    #[test]
    fn the_encoding_of_answers_is_stable() {
        let price = Price::new(10).unwrap();
        let paid = LedgerEntry::Payment(values::payment(1, -10, 3));
        let sold = LedgerEntry::Trade(Trade {
            number: 2,
            side: Side::Sell,
            count: Stocks(3),
            price,
            tick: 4,
            at: UnixMillis(5),
        });
        let count = Stocks(1);
        let account = [14, 0, 0, 0, 0, 0, 0];
        for (command, result, bytes) in [
            (
                Command::Deposit(Dollars(10)),
                Ok(paid),
                &[0, 20, 0, 0, 2, 19, 6][..],
            ),
            (
                Command::Sell(Stocks(3)),
                Ok(sold),
                &[3, 6, 0, 1, 4, 1, 6, 20, 8, 10],
            ),
            (
                Command::Limited(Side::Buy, count, price),
                Err(Rejection::LedgerFull),
                &[4, 0, 2, 20, 1, 12],
            ),
            (
                Command::Withdraw(Tokens(5)),
                Err(Rejection::WithdrawalTooSmall { tokens: Tokens(5) }),
                &[1, 10, 1, 1, 10],
            ),
            (Command::Buy(count), Err(Rejection::DuplicateId), &[2, 2, 1, 13]),
            (
                Command::UpTo(Side::Buy, count, None),
                Err(Rejection::DuplicateId),
                &[5, 0, 2, 0, 1, 13],
            ),
            (
                Command::UpTo(Side::Sell, count, Some(price)),
                Err(Rejection::DuplicateId),
                &[5, 1, 2, 1, 20, 1, 13],
            ),
        ] {
            let answer = answer(command, result);
            let expected = [&[FORMAT, 1][..], &[0xab; 16], bytes, &account].concat();
            assert_eq!(to_bytes([answer].as_slice()).unwrap(), expected, "{command:?}");
            assert_eq!(from_bytes(&expected), Some(vec![answer]));
        }
    }

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
    }

    #[test]
    fn the_encoding_of_rounds_is_stable() {
        let tick = values::tick(4, 10, 5);
        for (phase, bytes) in [
            (RoundPhase::Never, &[0][..]),
            (RoundPhase::Running(UnixMillis(7)), &[1, 14]),
            (RoundPhase::Paused(8), &[2, 16]),
            (RoundPhase::Ended(tick), &[3, 8, 20, 10]),
        ] {
            let round = Round {
                number: 3,
                stake: Dollars(50),
                phase,
                announcement: "go".to_owned(),
            };
            let expected = [&[FORMAT, 6, 100], bytes, b"\x02go"].concat();
            assert_eq!(to_bytes(&round).unwrap(), expected);
            assert_eq!(from_bytes(&expected), Some(round));
        }
    }

    #[test]
    fn other_bytes_are_rejected() {
        let buy = Command::Buy(Stocks(1));
        let whole = to_bytes([answer(buy, Err(Rejection::LedgerFull))].as_slice()).unwrap();
        let (unknown_format, incomplete) = ([&[77], &whole[1..]].concat(), &whole[..whole.len() - 1]);
        for bytes in [&[], &unknown_format[..], incomplete] {
            assert_eq!(from_bytes::<Vec<AnsweredRequest>>(bytes), None);
        }
        for bytes in [&[][..], &[2, 0]] {
            assert_eq!(from_bytes::<RestingOrder>(bytes), None);
            assert_eq!(from_bytes::<Round>(bytes), None);
        }
    }
}
