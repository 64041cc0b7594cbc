//! Rows of answers: one for each account and transaction, named by its last number.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use crate::domain::order::AccountId;
use crate::domain::order::request::{REQUESTS_KEPT, StoredAnswer};
use crate::store::Batch;
use crate::store::sqlite::rows;

type RequestGroup = Vec<StoredAnswer>;

/// Writes the answers of `batches` and deletes rows that only hold forgotten ones.
pub(super) fn write(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut grouped: BTreeMap<AccountId, RequestGroup> = BTreeMap::new();
    for stored_answer in batches.iter().flat_map(|batch| &batch.answers) {
        grouped
            .entry(stored_answer.account)
            .or_default()
            .push(*stored_answer);
    }
    if grouped.is_empty() {
        return Ok(());
    }
    let mut insert =
        connection.prepare_cached("INSERT INTO receipts (account, number, receipts) VALUES (?, ?, ?)")?;
    let mut delete = connection.prepare_cached("DELETE FROM receipts WHERE account = ? AND number <= ?")?;
    for (account, stored_answer) in grouped {
        let Some(last) = stored_answer.last().map(|stored_answer| stored_answer.number) else {
            continue;
        };
        let new = stored_answer.len().saturating_sub(REQUESTS_KEPT);
        let answers: Vec<_> = stored_answer
            .iter()
            .skip(new)
            .map(|stored_answer| stored_answer.answer)
            .collect();
        insert.execute(params![account.0, last, rows::encoded(&answers)?])?;
        let remembered = i64::try_from(REQUESTS_KEPT).unwrap_or(i64::MAX);
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
    let stored_answer = numbers.zip(answers).map(|(number, answer)| StoredAnswer {
        account: AccountId(account),
        number,
        answer,
    });
    Ok(stored_answer.collect())
}
