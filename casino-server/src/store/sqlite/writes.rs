//! The writing side: one connection, one transaction for all batches that are taken over together.

use std::{collections::HashSet, fs::File, sync::Arc};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{
    checkpoint::Checkpointer,
    receipts, rollup, rows,
    sheet::{self, Line},
};
use crate::{
    history::{RETENTION, Retention},
    identity::PlayerName,
    market::Market,
    record::{Posting, Record},
    store::{Backing, Batch, CommitError, Mark, Numbers, StoreError},
};

/// An account's trades between two of its bookmarks: at most so many are passed over to find an old one.
pub(super) const BOOKMARK_EVERY: i64 = 512;

/// The one writer of a file.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    connection: Connection,
    checkpointer: Checkpointer,
    /// The text of the sheet being written, kept for its memory.
    text: Vec<u8>,
    retention: Retention,
    /// Held until the connection is closed: fields are dropped in their order.
    _lock: File,
}

impl SqliteStore {
    /// Takes over a connection to a file of the newest version, and the file's lock.
    pub(super) fn new(connection: Connection, checkpointer: Checkpointer, lock: File) -> Self {
        Self {
            connection,
            checkpointer,
            text: Vec::new(),
            retention: RETENTION,
            _lock: lock,
        }
    }

    /// Has the name be nobody's again; says whether it was somebody's.
    pub(crate) fn release(&mut self, player: &PlayerName) -> Result<bool, StoreError> {
        let released = self
            .connection
            .execute("DELETE FROM claims WHERE name = ?", [player.as_str()]);
        let released = released.map_err(|error| StoreError::new("write the claims", error))?;
        Ok(released > 0)
    }

    /// Writes one batch, as a log would have it taken over.
    #[cfg(test)]
    pub(super) fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        self.take_over(&[Arc::new(batch.clone())], Mark::default())
    }

    /// The same with another way to keep the past.
    #[cfg(test)]
    pub(super) fn set_retention(&mut self, retention: Retention) {
        self.retention = retention;
    }

    /// The connection, to break it.
    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The market as it was left; `None` in a new file.
    pub(crate) fn market(&mut self) -> Result<Option<Market>, StoreError> {
        let sql = "SELECT number, price, at_unix_ms, model, seed FROM ticks, market
                   ORDER BY number DESC LIMIT 1";
        self.connection
            .query_row(sql, [], rows::market)
            .optional()
            .map_err(|error| StoreError::new("read the market", error))
    }

    /// Keeps `market`: model, seed, and its current tick if there is none of that number yet.
    pub(crate) fn set_market(&mut self, market: &Market) -> Result<(), StoreError> {
        let failed = |error| StoreError::new("write the market", error);
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(
                "INSERT INTO market (id, model, seed) VALUES (1, ?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET model = ?1, seed = ?2",
                params![market.model.name(), market.seed.cast_signed()],
            )?;
            let tick = market.current;
            transaction.execute(
                "INSERT INTO ticks (number, price, at_unix_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                params![tick.number, tick.price.get(), tick.at.0],
            )?;
            transaction.commit()
        };
        write(&mut self.connection).map_err(failed)
    }
}

impl Backing for SqliteStore {
    fn numbers(&mut self) -> Result<Numbers, StoreError> {
        let highest = |sql| self.connection.query_row(sql, [], |row| row.get(0));
        let read = || {
            Ok(Numbers {
                account: highest("SELECT coalesce(max(id), 0) FROM accounts")?,
                sheet: highest("SELECT coalesce(max(id), 0) FROM sheets")?,
            })
        };
        read().map_err(|error: rusqlite::Error| StoreError::new("read the accounts", error))
    }

    fn mark(&mut self) -> Result<Mark, StoreError> {
        mark(&self.connection)
    }

    fn take_over(&mut self, batches: &[Arc<Batch>], mark: Mark) -> Result<(), CommitError> {
        let written = write(
            &mut self.connection,
            (batches, mark),
            self.retention,
            &mut self.text,
        );
        let Err((stage, error)) = written else {
            let pages = batches
                .iter()
                .map(|batch| pages_of(batch))
                .fold(0, usize::saturating_add);
            self.checkpointer.committed(&self.connection, pages);
            return Ok(());
        };
        Err(verdict(stage, error, self.connection.is_autocommit()))
    }

    fn close(mut self: Box<Self>) -> Result<(), StoreError> {
        self.checkpointer.end();
        let failed = |error| StoreError::new("close the ledger", error);
        self.connection.flush_prepared_statement_cache();
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(failed)?;
        self.connection.close().map_err(|(_, error)| failed(error))
    }
}

/// Up to where the log has been taken over into the file.
pub(super) fn mark(connection: &Connection) -> Result<Mark, StoreError> {
    let sql = "SELECT epoch, batch, position FROM log";
    let number = |row: &Row<'_>, column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let read = |row: &Row<'_>| {
        Ok(Mark {
            epoch: number(row, 0)?,
            batch: number(row, 1)?,
            position: number(row, 2)?,
        })
    };
    let mark = connection.query_row(sql, [], read);
    mark.map_err(|error| StoreError::new("read the mark of the log", error))
}

/// Writes `batches` and commits them; says of a failure whether it came before the commit. `text` is kept for its
/// memory.
pub(super) fn write(
    connection: &mut Connection,
    (batches, mark): (&[Arc<Batch>], Mark),
    retention: Retention,
    text: &mut Vec<u8>,
) -> Result<(), (Stage, rusqlite::Error)> {
    let before = |error| (Stage::BeforeCommit, error);
    let mut transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(before)?;
    write_records(&transaction, batches).map_err(before)?;
    for batch in batches {
        write_payments(&transaction, batch).map_err(before)?;
        write_trades(&transaction, batch, text).map_err(before)?;
        write_ticks(&transaction, batch).map_err(before)?;
        write_claims(&transaction, batch).map_err(before)?;
    }
    receipts::write(&transaction, batches).map_err(before)?;
    if batches.iter().any(|batch| !batch.ticks.is_empty()) {
        roll_up_or_leave(&mut transaction, retention).map_err(before)?;
    }
    write_mark(&transaction, mark).map_err(before)?;
    transaction.commit().map_err(|error| (Stage::Commit, error))
}

/// About how many pages of the log a batch comes to.
fn pages_of(batch: &Batch) -> usize {
    const EVERY_BATCH: usize = 4;
    const RECORDS_A_PAGE: usize = 32;
    const ENTRIES_A_PAGE: usize = 128;
    EVERY_BATCH
        .saturating_add(batch.records.len() / RECORDS_A_PAGE)
        .saturating_add(batch.entries() / ENTRIES_A_PAGE)
}

/// How far a batch came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of it can have been committed.
    BeforeCommit,
    /// The commit itself failed.
    Commit,
}

/// What a failed transaction leaves. One that could not be rolled back leaves the connection of no use.
fn verdict(stage: Stage, error: rusqlite::Error, rolled_back: bool) -> CommitError {
    let nothing_kept = stage == Stage::BeforeCommit || is_certain(&error);
    let error = StoreError::new("write the ledger", error);
    if nothing_kept && rolled_back {
        CommitError::NotWritten(error)
    } else {
        CommitError::Unknown(error)
    }
}

/// Whether a failed commit certainly left nothing behind.
///
/// After an I/O error, or without memory, it is not certain: the log may hold the batch, and the next opening would bring
/// it back.
fn is_certain(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ConstraintViolation
                | ErrorCode::ReadOnly
                | ErrorCode::TooBig
        )
    )
}

/// Writes each account that changed, once, as the last of `batches` left it.
fn write_records(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut written = HashSet::new();
    // By position: names would be looked up for each of them.
    let mut update = connection.prepare_cached(
        "UPDATE accounts SET tokens = ?2, stocks = ?3, cost_basis = ?4, realised_pnl = ?5, dollars_in = ?6,
             dollars_out = ?7, version = ?8, payments = ?9, trades = ?10, sheet = ?11 WHERE id = ?1",
    )?;
    for (name, record) in batches.iter().rev().flat_map(|batch| &batch.records) {
        if !written.insert(record.id) {
            continue;
        }
        let account = &record.account;
        let changed = update.execute(params![
            record.id.0,
            account.tokens.0,
            account.stocks.0,
            account.cost_basis,
            account.realised_pnl,
            account.dollars_in,
            account.dollars_out,
            account.version,
            record.payments,
            record.trades,
            record.sheet,
        ])?;
        if changed == 0 {
            add_record(connection, name, record)?;
        }
    }
    Ok(())
}

fn add_record(connection: &Connection, name: &PlayerName, record: &Record) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO accounts (id, name, tokens, stocks, cost_basis, realised_pnl, dollars_in, dollars_out, version,
             payments, trades, sheet)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let account = &record.account;
    insert.execute(params![
        record.id.0,
        name.as_str(),
        account.tokens.0,
        account.stocks.0,
        account.cost_basis,
        account.realised_pnl,
        account.dollars_in,
        account.dollars_out,
        account.version,
        record.payments,
        record.trades,
        record.sheet,
    ])?;
    Ok(())
}

fn write_payments(connection: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    let mut payments = connection
        .prepare_cached("INSERT INTO payments (account, number, amount, at_unix_ms) VALUES (?, ?, ?, ?)")?;
    for (account, payment) in &batch.payments {
        payments.execute(params![account.0, payment.number, payment.amount, payment.at.0])?;
    }
    Ok(())
}

/// Writes a row a sheet, and a bookmark wherever an account's trades have got one long way further.
fn write_trades(connection: &Connection, batch: &Batch, text: &mut Vec<u8>) -> rusqlite::Result<()> {
    let mut sheets = connection
        .prepare_cached("INSERT INTO sheets (id, tick, price, at_unix_ms, trades) VALUES (?, ?, ?, ?, ?)")?;
    for postings in batch.trades.chunk_by(|a, b| a.sheet == b.sheet) {
        let Some(Posting { trade, sheet, .. }) = postings.first() else {
            continue;
        };
        sheet::write(postings.iter().map(Line::from), text);
        let text = std::str::from_utf8(text)?;
        sheets.execute(params![sheet, trade.tick, trade.price.get(), trade.at.0, text])?;
    }
    let mut bookmarks =
        connection.prepare_cached("INSERT INTO bookmarks (account, number, sheet) VALUES (?, ?, ?)")?;
    for posting in &batch.trades {
        if posting.trade.number.checked_rem(BOOKMARK_EVERY) == Some(0) {
            bookmarks.execute(params![posting.account.0, posting.trade.number, posting.sheet])?;
        }
    }
    Ok(())
}

/// Keeps up to where the log is taken over.
fn write_mark(connection: &Connection, mark: Mark) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached("UPDATE log SET epoch = ?, batch = ?, position = ?")?;
    let number = u64::cast_signed;
    update.execute(params![
        number(mark.epoch),
        number(mark.batch),
        number(mark.position)
    ])?;
    Ok(())
}

fn write_ticks(connection: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    let mut ticks =
        connection.prepare_cached("INSERT INTO ticks (number, price, at_unix_ms) VALUES (?, ?, ?)")?;
    for tick in &batch.ticks {
        ticks.execute(params![tick.number, tick.price.get(), tick.at.0])?;
    }
    Ok(())
}

/// Rolls old ticks up, or leaves them as they are: a past that cannot be kept compactly is no reason to refuse a batch,
/// unless SQLite has taken the whole batch back with it.
fn roll_up_or_leave(transaction: &mut Transaction<'_>, retention: Retention) -> rusqlite::Result<()> {
    let rolled = transaction.savepoint().and_then(|savepoint| {
        rollup::roll_up(&savepoint, retention)?;
        savepoint.commit()
    });
    match rolled {
        Err(error) if !transaction.is_autocommit() => {
            tracing::warn!(%error, "old prices could not be rolled up");
            Ok(())
        }
        rolled => rolled,
    }
}

fn write_claims(connection: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    if batch.claims.is_empty() {
        return Ok(());
    }
    let mut claims =
        connection.prepare_cached("INSERT INTO claims (name, key_sha256, at_unix_ms) VALUES (?, ?, ?)")?;
    for claim in &batch.claims {
        claims.execute(params![claim.player.as_str(), claim.key.as_bytes(), claim.at.0])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn only_some_failures_of_a_commit_certainly_left_nothing_behind() {
        for (code, certain) in [
            (ffi::SQLITE_FULL, true),
            (ffi::SQLITE_BUSY, true),
            (ffi::SQLITE_BUSY_SNAPSHOT, true),
            (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, true),
            (ffi::SQLITE_NOMEM, false),
            (ffi::SQLITE_IOERR, false),
            (ffi::SQLITE_IOERR_FSYNC, false),
            (ffi::SQLITE_IOERR_WRITE, false),
            (ffi::SQLITE_CORRUPT, false),
            (ffi::SQLITE_INTERNAL, false),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(is_certain(&error), certain, "{error}");
        }
        assert!(!is_certain(&rusqlite::Error::InvalidQuery));
    }

    #[test]
    fn what_a_failed_transaction_leaves() {
        for (stage, code, rolled_back, not_written) in [
            (Stage::BeforeCommit, ffi::SQLITE_IOERR, true, true),
            (Stage::BeforeCommit, ffi::SQLITE_FULL, false, false),
            (Stage::Commit, ffi::SQLITE_FULL, true, true),
            (Stage::Commit, ffi::SQLITE_IOERR_FSYNC, true, false),
            (Stage::Commit, ffi::SQLITE_FULL, false, false),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let verdict = verdict(stage, error, rolled_back);
            let found = matches!(verdict, CommitError::NotWritten(_));
            assert_eq!(found, not_written, "{stage:?} {code} {rolled_back}");
        }
    }
}
