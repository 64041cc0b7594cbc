//! The reading side: connections that cannot write, opened when they are needed and kept for the next.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, params};

use super::{open::BUSY_TIMEOUT, receipts, rows};
use crate::{
    account::Account,
    history::{Candle, RETENTION, Retention},
    identity::{HASH_BYTES, KeyHash, PlayerName},
    market::Tick,
    receipt::Filed,
    record::{AccountId, Payment, Record, Trade},
    store::{Page, PageRequest, Reads, StoreError},
};

/// Connections kept open while nobody uses them. How many are in use at once is bounded by the caller.
const MAX_IDLE: usize = 4;

/// The readers of a file.
#[derive(Debug)]
pub(crate) struct SqliteReads {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// The sizes of candles.
    pub(super) retention: Retention,
}

impl SqliteReads {
    /// Readers of the file at `path`, which a writer has open.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
            retention: RETENTION,
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
    fn record(&self, player: &PlayerName) -> Result<Option<Record>, StoreError> {
        self.with("read the accounts", |connection| find(connection, player))
    }

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

    fn owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError> {
        let sql = "SELECT key_sha256 FROM claims WHERE name = ?";
        self.with("read the claims", |connection| {
            connection
                .prepare_cached(sql)?
                .query_row([player.as_str()], |row| row.get::<_, [u8; HASH_BYTES]>(0))
                .optional()
                .map(|bytes| bytes.map(KeyHash::kept))
        })
    }

    fn receipts(&self, account: AccountId) -> Result<Vec<Filed>, StoreError> {
        let sql = "SELECT account, number, receipts FROM receipts WHERE account = ? ORDER BY number";
        let rows = self.with("read the receipts", |connection| {
            list(connection, sql, [account.0], receipts::read)
        })?;
        Ok(rows.into_iter().flatten().collect())
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
        self.with("read the trades", |connection| {
            Ok(page.of(walk_back(connection, player, page)?))
        })
    }

    fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError> {
        let sql = "SELECT number, price, at_unix_ms FROM ticks WHERE number < ?
                   ORDER BY number DESC LIMIT ?";
        self.with("read the prices", |connection| {
            let params = params![page.below(), page.one_more()];
            Ok(page.of(list(connection, sql, params, rows::tick)?))
        })
    }

    fn candles(&self, page: PageRequest) -> Result<Page<Candle>, StoreError> {
        let sql = "SELECT first, ticks, open, high, low, close, since_unix_ms, until_unix_ms FROM candles
                   WHERE size = ? AND first < ? ORDER BY first DESC LIMIT ?";
        self.with("read the candles", |connection| {
            // One sight of both kinds: meanwhile fine ones may become a coarse one.
            let sight = connection.unchecked_transaction()?;
            let mut candles = Vec::new();
            for size in [self.retention.fine, self.retention.coarse] {
                let found = i64::try_from(candles.len()).unwrap_or(i64::MAX);
                let wanted = page.one_more().saturating_sub(found);
                candles.extend(list(
                    &sight,
                    sql,
                    params![size, page.below(), wanted],
                    rows::candle,
                )?);
            }
            Ok(page.of(candles))
        })
    }

    fn close(&self) {
        self.lock().clear();
    }
}

fn find(connection: &Connection, player: &PlayerName) -> rusqlite::Result<Option<Record>> {
    connection
        .prepare_cached("SELECT * FROM accounts WHERE name = ?")?
        .query_row([player.as_str()], rows::record)
        .optional()
}

/// The player's trades of the page and one more, newest first: from sheet to sheet, from the newest back, or from the
/// first bookmark that is not older than the page.
fn walk_back(
    connection: &Connection,
    player: &PlayerName,
    page: PageRequest,
) -> rusqlite::Result<Vec<Trade>> {
    let Some(record) = find(connection, player)? else {
        return Ok(Vec::new());
    };
    let bookmark = connection
        .prepare_cached(
            "SELECT sheet FROM bookmarks WHERE account = ? AND number >= ? ORDER BY number LIMIT 1",
        )?
        .query_row(params![record.id.0, page.below()], |row| row.get(0))
        .optional()?;
    let mut sheets =
        connection.prepare_cached("SELECT tick, price, at_unix_ms, trades FROM sheets WHERE id = ?")?;
    let enough = usize::try_from(page.one_more()).unwrap_or(usize::MAX);
    let mut trades = Vec::new();
    let mut next = bookmark.unwrap_or(record.sheet);
    while next != 0 && trades.len() < enough {
        let (shared, mut lines) = sheets.query_row([next], rows::sheet)?;
        lines.retain(|line| line.account == record.id);
        for line in lines.iter().rev().filter(|line| line.number < page.below()) {
            let trade = rows::trade(line, shared);
            trades.push(trade.ok_or(rusqlite::Error::IntegralValueOutOfRange(3, line.stocks))?);
        }
        // A sheet that does not lead on would be walked over for ever.
        let previous = lines.first().and_then(|line| line.previous);
        next = previous.filter(|previous| *previous < next).unwrap_or(0);
    }
    trades.truncate(enough);
    Ok(trades)
}

fn list<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(params, read)?.collect()
}
