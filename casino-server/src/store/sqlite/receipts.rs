//! Receipts by the row: those of one account that came together, as bytes.
//!
//! A row is a byte for the format, and the receipts in postcard's format, about 45 bytes each; what it is called by is
//! the number of its last one. Rows are dropped when all of theirs are forgotten, so that an account keeps at most one
//! row more than is remembered.

use std::{collections::BTreeMap, sync::Arc};

use rusqlite::{Connection, Row, params, types::Type};

use crate::{
    receipt::{Filed, REMEMBERED, Receipt},
    record::AccountId,
    store::Batch,
};

/// Counts the changes of what is written of a receipt.
const FORMAT: u8 = 1;

/// The receipts of one account that are written together.
type Together = Vec<Filed>;

/// Writes a row for each account that was given receipts in `batches`, and drops what is forgotten for it.
pub(super) fn write(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut given: BTreeMap<AccountId, Together> = BTreeMap::new();
    for filed in batches.iter().flat_map(|batch| &batch.receipts) {
        given.entry(filed.account).or_default().push(*filed);
    }
    if given.is_empty() {
        return Ok(());
    }
    let mut insert =
        connection.prepare_cached("INSERT INTO receipts (account, number, receipts) VALUES (?, ?, ?)")?;
    let mut forget = connection.prepare_cached("DELETE FROM receipts WHERE account = ? AND number <= ?")?;
    for (account, filed) in given {
        let Some(last) = filed.last().map(|filed| filed.number) else {
            continue;
        };
        let new = filed.len().saturating_sub(REMEMBERED);
        let receipts: Vec<_> = filed.iter().skip(new).map(|filed| filed.receipt).collect();
        insert.execute(params![account.0, last, to_bytes(&receipts)?])?;
        let remembered = i64::try_from(REMEMBERED).unwrap_or(i64::MAX);
        forget.execute(params![account.0, last.saturating_sub(remembered)])?;
    }
    Ok(())
}

/// The receipts of a row from `account, number, receipts`, oldest first.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Vec<Filed>> {
    let (account, last): (i64, i64) = (row.get(0)?, row.get(1)?);
    let receipts = from_bytes(row.get_ref(2)?.as_blob()?)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(2, "receipts".to_owned(), Type::Blob))?;
    let before = last.saturating_sub(i64::try_from(receipts.len()).unwrap_or(i64::MAX));
    let numbers = before.saturating_add(1)..;
    let filed = numbers.zip(receipts).map(|(number, receipt)| Filed {
        account: AccountId(account),
        number,
        receipt,
    });
    Ok(filed.collect())
}

fn to_bytes(receipts: &[Receipt]) -> rusqlite::Result<Vec<u8>> {
    postcard::to_extend(receipts, vec![FORMAT])
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn from_bytes(bytes: &[u8]) -> Option<Vec<Receipt>> {
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
