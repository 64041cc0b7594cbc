//! Receipts by the row: those of one account that came together, as bytes.
//!
//! What a row is called by is the number of its last one. Rows are dropped when all of theirs are forgotten, so that an account keeps at most one
//! row more than is remembered.

use std::{collections::BTreeMap, sync::Arc};

use rusqlite::{Connection, Row, params, types::Type};

use crate::{
    receipt::{Filed, REMEMBERED},
    record::AccountId,
    store::{
        Batch,
        receipts::{from_bytes, to_bytes},
    },
};

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
        let bytes = to_bytes(&receipts);
        let bytes = bytes.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        insert.execute(params![account.0, last, bytes])?;
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
