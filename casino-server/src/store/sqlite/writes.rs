//! The writing side: one connection, one transaction a batch.

use std::fs::File;

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, named_params, params};

use super::rows;
use crate::{
    identity::PlayerName,
    market::Market,
    record::{AccountId, Record},
    store::{Batch, CommitError, Store, StoreError},
};

/// The one writer of a file.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    connection: Connection,
    /// The last key given out. Keys are given out in memory, so that a player who is only asked about, or whose
    /// first command is refused, leaves no row behind.
    last_id: i64,
    /// Held until the connection is closed: fields are dropped in their order.
    _lock: File,
}

impl SqliteStore {
    /// Takes over a connection to a file of the newest version, and the file's lock.
    pub(super) fn new(connection: Connection, lock: File) -> rusqlite::Result<Self> {
        let last_id =
            connection.query_row("SELECT coalesce(max(id), 0) FROM accounts", [], |row| row.get(0))?;
        Ok(Self {
            connection,
            last_id,
            _lock: lock,
        })
    }

    /// The connection, to break it.
    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    fn find(&self, player: &PlayerName) -> rusqlite::Result<Option<Record>> {
        self.connection
            .prepare_cached("SELECT * FROM accounts WHERE name = ?")?
            .query_row([player.as_str()], rows::record)
            .optional()
    }

    /// Writes `batch` and commits it; says of a failure whether it came before the commit.
    fn write(&mut self, batch: &Batch) -> Result<(), (Stage, rusqlite::Error)> {
        let before = |error| (Stage::BeforeCommit, error);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(before)?;
        write_records(&transaction, batch).map_err(before)?;
        write_entries(&transaction, batch).map_err(before)?;
        write_ticks(&transaction, batch).map_err(before)?;
        transaction.commit().map_err(|error| (Stage::Commit, error))
    }
}

impl Store for SqliteStore {
    fn market(&mut self) -> Result<Option<Market>, StoreError> {
        let sql = "SELECT number, price, at_unix_ms, model, seed FROM ticks, market
                   ORDER BY number DESC LIMIT 1";
        self.connection
            .query_row(sql, [], rows::market)
            .optional()
            .map_err(|error| StoreError::new("read the market", error))
    }

    fn set_market(&mut self, market: &Market) -> Result<(), StoreError> {
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

    fn load(&mut self, players: &[PlayerName]) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::with_capacity(players.len());
        for player in players {
            let found = self
                .find(player)
                .map_err(|error| StoreError::new("read the accounts", error))?;
            let record = match found {
                Some(record) => record,
                None => {
                    self.last_id = self
                        .last_id
                        .checked_add(1)
                        .ok_or_else(|| StoreError::new("add an account", "keys have run out"))?;
                    Record::new(AccountId(self.last_id))
                }
            };
            records.push(record);
        }
        Ok(records)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let Err((stage, error)) = self.write(batch) else {
            return Ok(());
        };
        Err(verdict(stage, error, self.connection.is_autocommit()))
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        let failed = |error| StoreError::new("close the ledger", error);
        self.connection.flush_prepared_statement_cache();
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(failed)?;
        self.connection.close().map_err(|(_, error)| failed(error))
    }
}

/// How far a batch came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
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
/// After an I/O error it is not certain: the log may hold the batch, and the next opening would bring it back.
fn is_certain(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ConstraintViolation
                | ErrorCode::OutOfMemory
                | ErrorCode::ReadOnly
                | ErrorCode::TooBig
        )
    )
}

fn write_records(connection: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO accounts VALUES (:id, :name, :tokens, :stocks, :cost_basis, :realised_pnl, :dollars_in,
             :dollars_out, :version, :payments, :trades)
         ON CONFLICT (id) DO UPDATE SET tokens = :tokens, stocks = :stocks, cost_basis = :cost_basis,
             realised_pnl = :realised_pnl, dollars_in = :dollars_in, dollars_out = :dollars_out,
             version = :version, payments = :payments, trades = :trades",
    )?;
    for (name, record) in &batch.records {
        let account = &record.account;
        statement.execute(named_params! {
            ":id": record.id.0,
            ":name": name.as_str(),
            ":tokens": account.tokens.0,
            ":stocks": account.stocks.0,
            ":cost_basis": account.cost_basis,
            ":realised_pnl": account.realised_pnl,
            ":dollars_in": account.dollars_in,
            ":dollars_out": account.dollars_out,
            ":version": account.version,
            ":payments": record.payments,
            ":trades": record.trades,
        })?;
    }
    Ok(())
}

fn write_entries(connection: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    let mut payments = connection
        .prepare_cached("INSERT INTO payments (account, number, amount, at_unix_ms) VALUES (?, ?, ?, ?)")?;
    for (account, payment) in &batch.payments {
        payments.execute(params![account.0, payment.number, payment.amount, payment.at.0])?;
    }
    let mut trades = connection.prepare_cached(
        "INSERT INTO trades (account, number, side, stocks, price, tick, at_unix_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    for (account, trade) in &batch.trades {
        trades.execute(params![
            account.0,
            trade.number,
            rows::side_number(trade.side),
            trade.count.0,
            trade.price.get(),
            trade.tick,
            trade.at.0,
        ])?;
    }
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
            (ffi::SQLITE_NOMEM, true),
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
