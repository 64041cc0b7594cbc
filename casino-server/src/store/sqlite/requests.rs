//! Rows of answers: one for each account and transaction, named by its last number.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use crate::domain::order::AccountId;
use crate::domain::order::request::{AnsweredRequest, REQUESTS_KEPT, StoredAnswer};
use crate::store::Batch;
use crate::store::sqlite::rows;

/// Writes the answers of `batches` and deletes rows that only hold forgotten ones.
pub(super) fn write(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut grouped: BTreeMap<AccountId, (i64, Vec<AnsweredRequest>)> = BTreeMap::new();
    for stored in batches.iter().flat_map(|batch| &batch.answers) {
        let (last, answers) = grouped.entry(stored.account).or_default();
        *last = stored.number;
        answers.push(stored.answer);
    }
    let mut insert =
        connection.prepare_cached("INSERT INTO receipts (account, number, receipts) VALUES (?, ?, ?)")?;
    let mut delete = connection.prepare_cached("DELETE FROM receipts WHERE account = ? AND number <= ?")?;
    let remembered = i64::try_from(REQUESTS_KEPT).unwrap_or(i64::MAX);
    for (account, (last, answers)) in grouped {
        let forgotten = answers.len().saturating_sub(REQUESTS_KEPT);
        let kept = answers.get(forgotten..).unwrap_or_default();
        insert.execute(params![account.0, last, rows::encoded(kept)?])?;
        delete.execute(params![account.0, last.saturating_sub(remembered)])?;
    }
    Ok(())
}

/// Reads `account, number, receipts`.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Vec<StoredAnswer>> {
    let (account, last): (i64, i64) = (row.get(0)?, row.get(1)?);
    let answers: Vec<_> = rows::decoded(row, 2)?;
    let before = last.saturating_sub(i64::try_from(answers.len()).unwrap_or(i64::MAX));
    let numbers = before.saturating_add(1)..;
    let stored = numbers.zip(answers).map(|(number, answer)| StoredAnswer {
        account: AccountId(account),
        number,
        answer,
    });
    Ok(stored.collect())
}
