//! The reading side: connections that cannot write, opened when they are needed and kept for the next.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, params};

use super::{open::BUSY_TIMEOUT, rows};
use crate::{
    account::Account,
    identity::PlayerName,
    market::Tick,
    record::{Payment, Trade},
    store::{Page, PageRequest, Reads, StoreError},
};

/// Connections kept open while nobody uses them. How many are in use at once is bounded by the caller.
const MAX_IDLE: usize = 4;

/// The readers of a file.
#[derive(Debug)]
pub(crate) struct SqliteReads {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl SqliteReads {
    /// Readers of the file at `path`, which a writer has open.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
        }
    }

    /// Runs `query` on a connection of its own.
    fn with<T>(
        &self,
        operation: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let failed = |error| StoreError::new(operation, error);
        let kept = self.lock().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => self.connect().map_err(failed)?,
        };
        // A connection whose query failed is not kept.
        let answer = query(&connection).map_err(failed)?;
        let mut idle = self.lock();
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
        Ok(answer)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(connection)
    }

    /// The list is whole whatever happened to a thread that held it.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reads for SqliteReads {
    fn account(&self, player: &PlayerName) -> Result<Account, StoreError> {
        let sql = format!("SELECT {} FROM accounts WHERE name = ?", rows::ACCOUNT_COLUMNS);
        let account = self.with("read the account", |connection| {
            connection
                .prepare_cached(&sql)?
                .query_row([player.as_str()], rows::account)
                .optional()
        })?;
        Ok(account.unwrap_or_default())
    }

    fn payments(&self, player: &PlayerName, after: i64, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let sql = "SELECT number, amount, at_unix_ms FROM payments
                   WHERE account = (SELECT id FROM accounts WHERE name = ?) AND number > ?
                   ORDER BY number LIMIT ?";
        self.with("read the payments", |connection| {
            list(
                connection,
                sql,
                params![player.as_str(), after, limit],
                rows::payment,
            )
        })
    }

    fn trades(&self, player: &PlayerName, page: PageRequest) -> Result<Page<Trade>, StoreError> {
        let sql = "SELECT number, side, stocks, price, tick, at_unix_ms FROM trades
                   WHERE account = (SELECT id FROM accounts WHERE name = ?) AND number < ?
                   ORDER BY number DESC LIMIT ?";
        self.with("read the trades", |connection| {
            let params = params![player.as_str(), below(page), one_more(page)];
            Ok(paged(list(connection, sql, params, rows::trade)?, page))
        })
    }

    fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError> {
        let sql = "SELECT number, price, at_unix_ms FROM ticks WHERE number < ?
                   ORDER BY number DESC LIMIT ?";
        self.with("read the prices", |connection| {
            Ok(paged(
                list(connection, sql, params![below(page), one_more(page)], rows::tick)?,
                page,
            ))
        })
    }

    fn close(&self) {
        self.lock().clear();
    }
}

fn list<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(params, read)?.collect()
}

/// The number that the page's entries lie below.
fn below(page: PageRequest) -> i64 {
    page.before.unwrap_or(i64::MAX)
}

/// One entry more than the page has, to see whether there are older ones.
fn one_more(page: PageRequest) -> u32 {
    page.limit.saturating_add(1)
}

/// The page from its entries, newest first, and perhaps one more.
fn paged<T>(mut entries: Vec<T>, page: PageRequest) -> Page<T> {
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let more = entries.len() > limit;
    entries.truncate(limit);
    entries.reverse();
    Page { entries, more }
}
