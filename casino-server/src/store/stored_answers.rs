//! Encoding of stored answers for all engines: a format byte, then postcard, about 45 bytes each.

use crate::domain::order::request::AnsweredRequest;

const FORMAT: u8 = 1;

pub(super) fn to_bytes(answers: &[AnsweredRequest]) -> postcard::Result<Vec<u8>> {
    postcard::to_extend(answers, vec![FORMAT])
}

/// Returns `None` for any other bytes.
pub(super) fn from_bytes(bytes: &[u8]) -> Option<Vec<AnsweredRequest>> {
    let (format, answers) = bytes.split_first()?;
    (*format == FORMAT).then(|| postcard::from_bytes(answers).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        account::{Account, Rejection},
        money::{Dollars, Price, Stocks, Tokens, UnixMillis},
        order::{Command, Decision, LedgerEntry, Payment, Side, Trade, request::RequestId},
    };

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

    /// Stored answers must stay readable.
    #[test]
    fn the_encoding_of_answers_is_stable() {
        let price = Price::new(10).unwrap();
        let paid = LedgerEntry::Payment(Payment {
            number: 1,
            amount: -10,
            at: UnixMillis(3),
        });
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
            assert_eq!(to_bytes(&[answer]).unwrap(), expected, "{command:?}");
            assert_eq!(from_bytes(&expected), Some(vec![answer]));
        }
    }

    #[test]
    fn invalid_answers_are_rejected() {
        let whole = to_bytes(&[answer(Command::Buy(Stocks(1)), Err(Rejection::LedgerFull))]).unwrap();
        assert_eq!(from_bytes(&[]), None);
        assert_eq!(from_bytes(&[&[77], &whole[1..]].concat()), None);
        assert_eq!(from_bytes(&whole[..whole.len() - 1]), None);
    }
}
