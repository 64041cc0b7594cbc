//! Writes: one transaction for all batches applied together.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::checkpoint::{Checkpointer, checkpoint, try_checkpoint};
use super::{candles, requests, rows, trade_page};
use crate::domain::candles::{RETENTION, Retention};
use crate::domain::market::Market;
use crate::domain::player::PlayerName;
use crate::store::sqlite::Lock;
use crate::store::{Batch, CommitError, IdCounters, StartState, StoreError, WalPosition, WalTarget};

/// An account's trades per index entry: the maximum read over to find an old one.
pub(super) const INDEX_EVERY: i64 = 512;

#[derive(Debug)]
pub(crate) struct SqliteStore {
    connection: Connection,
    checkpointer: Checkpointer,
    retention: Retention,
    /// Dropped after the connection.
    _lock: Lock,
}

impl SqliteStore {
    pub(super) fn new(connection: Connection, checkpointer: Checkpointer, lock: Lock) -> Self {
        Self {
            connection,
            checkpointer,
            retention: RETENTION,
            _lock: lock,
        }
    }

    /// Releases the name. Returns whether it was claimed.
    pub(crate) fn release_claim(&mut self, player: &PlayerName) -> Result<bool, StoreError> {
        let released = self
            .connection
            .execute("DELETE FROM claims WHERE name = ?", [player.as_str()]);
        let released = released.map_err(|error| StoreError::new("write the claims", error))?;
        Ok(released > 0)
    }

    #[cfg(test)]
    pub(super) fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        self.apply(&[Arc::new(batch.clone())], WalPosition::default())
    }

    #[cfg(test)]
    pub(super) fn set_retention(&mut self, retention: Retention) {
        self.retention = retention;
    }

    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns `None` in a new file.
    pub(crate) fn load_market(&mut self) -> Result<Option<Market>, StoreError> {
        let sql = "SELECT number, price, at_unix_ms, model, seed FROM ticks, market
                   ORDER BY number DESC LIMIT 1";
        self.connection
            .query_row(sql, [], rows::market)
            .optional()
            .map_err(|error| StoreError::new("read the market", error))
    }

    /// Stores the model, the seed and the current tick, if it is missing.
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

impl WalTarget for SqliteStore {
    fn start_state(&mut self) -> Result<StartState, StoreError> {
        let highest = |sql| self.connection.query_row(sql, [], |row| row.get(0));
        let ids = || {
            Ok(IdCounters {
                account: highest("SELECT coalesce(max(id), 0) FROM accounts")?,
                page: highest("SELECT coalesce(max(id), 0) FROM sheets")?,
                order: highest("SELECT coalesce(max(number), 0) FROM orders")?,
                ended: highest("SELECT coalesce(max(ended), 0) FROM orders")?,
            })
        };
        let open_orders = || {
            let sql = "SELECT number, account, ended, details, name FROM orders
                       JOIN accounts ON accounts.id = orders.account WHERE ended IS NULL";
            let mut orders = self.connection.prepare(sql)?;
            let orders = orders.query_map([], |row| Ok((rows::player(row)?, rows::order(row)?)))?;
            orders.collect::<Result<_, _>>()
        };
        let newest_round = "SELECT details FROM rounds ORDER BY number DESC LIMIT 1";
        let round = self.connection.query_row(newest_round, [], rows::round);
        let failed = |operation| move |error: rusqlite::Error| StoreError::new(operation, error);
        Ok(StartState {
            ids: ids().map_err(failed("read the accounts"))?,
            open_orders: open_orders().map_err(failed("read the orders"))?,
            round: round
                .optional()
                .map_err(failed("read the round"))?
                .unwrap_or_default(),
        })
    }

    fn position(&mut self) -> Result<WalPosition, StoreError> {
        position(&self.connection)
    }

    fn apply(&mut self, batches: &[Arc<Batch>], position: WalPosition) -> Result<(), CommitError> {
        let written = apply(&mut self.connection, batches, position, self.retention);
        let Err((stage, error)) = written else {
            let pages = batches
                .iter()
                .map(|batch| estimated_pages(batch))
                .fold(0, usize::saturating_add);
            self.checkpointer.committed(&self.connection, pages);
            return Ok(());
        };
        Err(classify_error(stage, error, self.connection.is_autocommit()))
    }

    fn checkpoint(&mut self) {
        // Busy readers only delay it.
        try_checkpoint(&self.connection, "TRUNCATE");
    }

    fn close(mut self: Box<Self>) -> Result<(), StoreError> {
        self.checkpointer.stop();
        let failed = |error| StoreError::new("close the ledger", error);
        self.connection.flush_prepared_statement_cache();
        checkpoint(&self.connection, "TRUNCATE").map_err(failed)?;
        self.connection.close().map_err(|(_, error)| failed(error))
    }
}

pub(super) fn position(connection: &Connection) -> Result<WalPosition, StoreError> {
    let sql = "SELECT epoch, batch, position, closed FROM log";
    let number = |row: &Row<'_>, column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let read = |row: &Row<'_>| {
        Ok(WalPosition {
            epoch: number(row, 0)?,
            batch: number(row, 1)?,
            offset: number(row, 2)?,
            closed: row.get(3)?,
        })
    };
    let position = connection.query_row(sql, [], read);
    position.map_err(|error| StoreError::new("read the position of the log", error))
}

/// Writes and commits `batches`. On failure returns the stage reached.
pub(super) fn apply(
    connection: &mut Connection,
    batches: &[Arc<Batch>],
    position: WalPosition,
    retention: Retention,
) -> Result<(), (CommitStage, rusqlite::Error)> {
    let before = |error| (CommitStage::BeforeCommit, error);
    let mut transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(before)?;
    write_records(&transaction, batches).map_err(before)?;
    write_payments(&transaction, batches).map_err(before)?;
    write_trades(&transaction, batches).map_err(before)?;
    write_ticks(&transaction, batches).map_err(before)?;
    write_claims(&transaction, batches).map_err(before)?;
    write_orders(&transaction, batches).map_err(before)?;
    write_rounds(&transaction, batches).map_err(before)?;
    requests::write(&transaction, batches).map_err(before)?;
    if batches.iter().any(|batch| !batch.ticks.is_empty()) {
        roll_up_or_leave(&mut transaction, retention).map_err(before)?;
    }
    write_position(&transaction, position).map_err(before)?;
    transaction.commit().map_err(|error| (CommitStage::Commit, error))
}

/// Estimates the WAL pages of a batch.
fn estimated_pages(batch: &Batch) -> usize {
    const EVERY_BATCH: usize = 4;
    const RECORDS_A_PAGE: usize = 32;
    const ENTRIES_A_PAGE: usize = 128;
    EVERY_BATCH
        .saturating_add(batch.records.len() / RECORDS_A_PAGE)
        .saturating_add(batch.entries() / ENTRIES_A_PAGE)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommitStage {
    BeforeCommit,
    Commit,
}

/// Classifies a failure. Without a rollback the connection is unusable.
fn classify_error(stage: CommitStage, error: rusqlite::Error, rolled_back: bool) -> CommitError {
    let nothing_kept = stage == CommitStage::BeforeCommit || is_certain(&error);
    match nothing_kept && rolled_back {
        true => CommitError::rejected(error),
        false => CommitError::unknown(error),
    }
}

/// Returns whether a failed commit certainly stored nothing. After an I/O error the WAL may contain the batch.
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

/// Writes each changed account once, in its last state.
fn write_records(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut written = HashSet::new();
    // Positional parameters avoid name lookups.
    let mut update = connection.prepare_cached(
        "UPDATE accounts SET tokens = ?2, stocks = ?3, cost_basis = ?4, realised_pnl = ?5, dollars_in = ?6,
             dollars_out = ?7, version = ?8, payments = ?9, trades = ?10, sheet = ?11 WHERE id = ?1",
    )?;
    let mut insert =
        connection.prepare_cached("INSERT INTO accounts VALUES (?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)")?;
    for (name, record) in batches.iter().rev().flat_map(|batch| &batch.records) {
        if !written.insert(record.id) {
            continue;
        }
        let account = &record.account;
        let values = params![
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
            record.page,
        ];
        if update.execute(values)? == 0 {
            insert.execute(params![record.id.0, name.as_str()])?;
            update.execute(values)?;
        }
    }
    Ok(())
}

fn write_payments(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut payments = connection
        .prepare_cached("INSERT INTO payments (account, number, amount, at_unix_ms) VALUES (?, ?, ?, ?)")?;
    for (account, payment) in batches.iter().flat_map(|batch| &batch.payments) {
        payments.execute(params![account.0, payment.number, payment.amount, payment.at.0])?;
    }
    Ok(())
}

fn write_trades(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut pages = connection
        .prepare_cached("INSERT INTO sheets (id, tick, price, at_unix_ms, trades) VALUES (?, ?, ?, ?, ?)")?;
    let mut index =
        connection.prepare_cached("INSERT INTO bookmarks (account, number, sheet) VALUES (?, ?, ?)")?;
    let mut text = Vec::new();
    for page in batches.iter().flat_map(|batch| batch.trades.pages()) {
        trade_page::write(&page.lines, &mut text);
        let text = std::str::from_utf8(&text)?;
        pages.execute(params![page.number, page.tick, page.price.get(), page.at.0, text])?;
        for line in &page.lines {
            if line.number.checked_rem(INDEX_EVERY) == Some(0) {
                index.execute(params![line.account.0, line.number, page.number])?;
            }
        }
    }
    Ok(())
}

fn write_position(connection: &Connection, position: WalPosition) -> rusqlite::Result<()> {
    let mut update =
        connection.prepare_cached("UPDATE log SET epoch = ?, batch = ?, position = ?, closed = ?")?;
    let number = u64::cast_signed;
    update.execute(params![
        number(position.epoch),
        number(position.batch),
        number(position.offset),
        position.closed
    ])?;
    Ok(())
}

fn write_ticks(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut ticks =
        connection.prepare_cached("INSERT INTO ticks (number, price, at_unix_ms) VALUES (?, ?, ?)")?;
    for tick in batches.iter().flat_map(|batch| &batch.ticks) {
        ticks.execute(params![tick.number, tick.price.get(), tick.at.0])?;
    }
    Ok(())
}

/// Combines old ticks if possible. A failure does not reject the batch, unless SQLite has rolled it back.
fn roll_up_or_leave(transaction: &mut Transaction<'_>, retention: Retention) -> rusqlite::Result<()> {
    let rolled = transaction.savepoint().and_then(|savepoint| {
        candles::roll_up(&savepoint, retention)?;
        savepoint.commit()
    });
    match rolled {
        Err(error) if !transaction.is_autocommit() => {
            tracing::warn!(%error, "cannot combine old prices into candles");
            Ok(())
        }
        rolled => rolled,
    }
}

fn write_claims(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut claims =
        connection.prepare_cached("INSERT INTO claims (name, key_sha256, at_unix_ms) VALUES (?, ?, ?)")?;
    for claim in batches.iter().flat_map(|batch| &batch.claims) {
        claims.execute(params![claim.player.as_str(), claim.key.as_bytes(), claim.at.0])?;
    }
    Ok(())
}

fn write_orders(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut orders = connection.prepare_cached(
        "INSERT INTO orders (number, account, id, ended, details) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (number) DO UPDATE SET ended = ?4, details = ?5",
    )?;
    for posting in batches.iter().flat_map(|batch| &batch.orders) {
        let details = rows::encoded(&posting.order)?;
        orders.execute(params![
            posting.number,
            posting.account.0,
            posting.order.id.0,
            posting.ended,
            details
        ])?;
    }
    Ok(())
}

fn write_rounds(connection: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<()> {
    let mut rounds = connection.prepare_cached(
        "INSERT INTO rounds (number, details) VALUES (?1, ?2)
             ON CONFLICT (number) DO UPDATE SET details = ?2",
    )?;
    for round in batches.iter().flat_map(|batch| &batch.rounds) {
        rounds.execute(params![round.number, rows::encoded(round)?])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn commit_errors_are_certain_or_not() {
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
    fn failures_are_classified_by_stage_and_rollback() {
        for (stage, code, rolled_back, not_written) in [
            (CommitStage::BeforeCommit, ffi::SQLITE_IOERR, true, true),
            (CommitStage::BeforeCommit, ffi::SQLITE_FULL, false, false),
            (CommitStage::Commit, ffi::SQLITE_FULL, true, true),
            (CommitStage::Commit, ffi::SQLITE_IOERR_FSYNC, true, false),
            (CommitStage::Commit, ffi::SQLITE_FULL, false, false),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let verdict = classify_error(stage, error, rolled_back);
            let found = matches!(verdict, CommitError::Rejected(_));
            assert_eq!(found, not_written, "{stage:?} {code} {rolled_back}");
        }
    }
}
