//! Receipts as bytes, whatever the engine: a byte for the format, and then postcard's, about 45 bytes each.

use crate::receipt::Receipt;

/// Counts the changes of what is written of a receipt.
const FORMAT: u8 = 1;

/// `receipts` as bytes.
pub(super) fn to_bytes(receipts: &[Receipt]) -> postcard::Result<Vec<u8>> {
    postcard::to_extend(receipts, vec![FORMAT])
}

/// The receipts of [`to_bytes`]; `None` for anything else.
pub(super) fn from_bytes(bytes: &[u8]) -> Option<Vec<Receipt>> {
    let (format, receipts) = bytes.split_first()?;
    (*format == FORMAT).then(|| postcard::from_bytes(receipts).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{Account, Refusal},
        quantity::{Dollars, Price, Stocks, Tokens, UnixMillis},
        receipt::RequestId,
        record::{Command, Decision, Entry, Payment, Side, Trade},
    };

    fn receipt(command: Command, result: Result<Entry, Refusal>) -> Receipt {
        let account = Account {
            tokens: Tokens(7),
            ..Account::default()
        };
        Receipt {
            id: RequestId([0xab; 16]),
            command,
            decision: Decision { result, account },
        }
    }

    /// By hand from the format: whoever changes what is on disk has to read what was written before.
    #[test]
    fn receipts_keep_their_bytes() {
        let price = Price::new(10).unwrap();
        let paid = Entry::Payment(Payment {
            number: 1,
            amount: -10,
            at: UnixMillis(3),
        });
        let sold = Entry::Trade(Trade {
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
                Err(Refusal::BooksFull),
                &[4, 0, 2, 20, 1, 12],
            ),
            (
                Command::Withdraw(Tokens(5)),
                Err(Refusal::WithdrawalTooSmall { tokens: Tokens(5) }),
                &[1, 10, 1, 1, 10],
            ),
            (Command::Buy(count), Err(Refusal::IdTaken), &[2, 2, 1, 13]),
        ] {
            let receipt = receipt(command, result);
            let expected = [&[FORMAT, 1][..], &[0xab; 16], bytes, &account].concat();
            assert_eq!(to_bytes(&[receipt]).unwrap(), expected, "{command:?}");
            assert_eq!(from_bytes(&expected), Some(vec![receipt]));
        }
    }

    #[test]
    fn what_is_no_receipt_is_not_guessed_at() {
        let whole = to_bytes(&[receipt(Command::Buy(Stocks(1)), Err(Refusal::BooksFull))]).unwrap();
        assert_eq!(from_bytes(&[]), None);
        assert_eq!(from_bytes(&[&[77], &whole[1..]].concat()), None);
        assert_eq!(from_bytes(&whole[..whole.len() - 1]), None);
    }
}
