//! Reads, on read-only connections that are opened on demand and reused.

use std::path::PathBuf;
use std::sync::Mutex;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, params};

use super::{requests, rows};
use crate::domain::account::Account;
use crate::domain::candles::{Candle, RETENTION, Retention};
use crate::domain::credential::KeyHash;
use crate::domain::market::Tick;
use crate::domain::money::Price;
use crate::domain::order::request::{RequestId, StoredAnswer};
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountId, AccountRecord, Payment, Trade};
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::store::sqlite::open_connection;
use crate::store::{Page, PageRequest, StoreError, StoreReads, lock, names_in_round};

/// Idle connections kept; the caller bounds those in use.
const MAX_IDLE: usize = 4;

#[derive(Debug)]
pub(crate) struct SqliteReads {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    pub(super) retention: Retention,
}

impl SqliteReads {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
            retention: RETENTION,
        }
    }

    fn with<T>(
        &self,
        operation: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let failed = |error| StoreError::new(operation, error);
        let kept = lock(&self.idle).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open_connection(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?,
        };
        // A connection is dropped after a failed query.
        let answer = query(&connection).map_err(failed)?;
        let mut idle = lock(&self.idle);
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
        Ok(answer)
    }

    /// Reads the rows of `sql`.
    fn list<T>(
        &self,
        operation: &'static str,
        sql: &str,
        params: impl Params,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.with(operation, |connection| {
            connection.prepare_cached(sql)?.query_map(params, read)?.collect()
        })
    }

    /// Reads the orders of the player, the first of `params`, that meet `condition`.
    fn orders(&self, condition: &str, params: impl Params) -> Result<Vec<OrderPosting>, StoreError> {
        let sql = format!(
            "SELECT number, account, ended, details FROM orders
             WHERE account = (SELECT id FROM accounts WHERE name = ?) AND {condition}"
        );
        self.list("read the orders", &sql, params, rows::order)
    }
}

impl StoreReads for SqliteReads {
    fn account_record(&self, player: &PlayerName) -> Result<Option<AccountRecord>, StoreError> {
        self.with("read the account", |connection| find(connection, player))
    }

    fn claim_owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError> {
        let sql = "SELECT key_sha256 FROM claims WHERE name = ?";
        let owners = self.list("read the claims", sql, [player.as_str()], |row| row.get(0))?;
        Ok(owners.into_iter().next().map(KeyHash::from_bytes))
    }

    fn names_beyond_ascii(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM accounts WHERE name GLOB '*[^ -~]*'
                   UNION SELECT name FROM claims WHERE name GLOB '*[^ -~]*'";
        self.list("read the names", sql, [], |row| row.get(0))
    }

    fn answers(&self, account: AccountId) -> Result<Vec<StoredAnswer>, StoreError> {
        let sql = "SELECT account, number, receipts FROM receipts WHERE account = ? ORDER BY number";
        let rows = self.list("read the receipts", sql, [account.0], requests::read)?;
        Ok(rows.into_iter().flatten().collect())
    }

    fn payments(&self, player: &PlayerName, after: i64, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let sql = "SELECT number, amount, at_unix_ms FROM payments
                   WHERE account = (SELECT id FROM accounts WHERE name = ?) AND number > ?
                   ORDER BY number LIMIT ?";
        let params = params![player.as_str(), after, limit];
        self.list("read the payments", sql, params, rows::payment)
    }

    fn trades(&self, player: &PlayerName, page: PageRequest) -> Result<Page<Trade>, StoreError> {
        self.with("read the trades", |connection| {
            Ok(page.with_limit(trades_before(connection, player, page)?))
        })
    }

    fn open_orders(&self, player: &PlayerName) -> Result<Vec<OrderPosting>, StoreError> {
        self.orders("ended IS NULL ORDER BY number", [player.as_str()])
    }

    fn ended_orders(&self, player: &PlayerName, page: PageRequest) -> Result<Page<OrderPosting>, StoreError> {
        let params = params![player.as_str(), page.below(), page.one_more()];
        Ok(page.with_limit(self.orders("ended < ? ORDER BY ended DESC LIMIT ?", params)?))
    }

    fn orders_ended_after(
        &self,
        player: &PlayerName,
        after: i64,
        limit: u32,
    ) -> Result<Vec<OrderPosting>, StoreError> {
        let params = params![player.as_str(), after, limit];
        self.orders("ended > ? ORDER BY ended LIMIT ?", params)
    }

    fn order(&self, player: &PlayerName, id: RequestId) -> Result<Option<OrderPosting>, StoreError> {
        let params = params![player.as_str(), id.0];
        let orders = self.orders("id = ? ORDER BY number DESC LIMIT 1", params)?;
        Ok(orders.into_iter().next())
    }

    fn round(&self, number: i64) -> Result<Option<Round>, StoreError> {
        let sql = "SELECT details FROM rounds WHERE number = ?";
        let rounds = self.list("read a round", sql, [number], rows::round)?;
        Ok(rounds.into_iter().next())
    }

    fn accounts_in_round(&self, number: i64) -> Result<Vec<(PlayerName, AccountRecord)>, StoreError> {
        let sql = "SELECT * FROM accounts WHERE name >= ? AND name < ?";
        let (lower, upper) = names_in_round(number);
        self.list("read the accounts of a round", sql, [lower, upper], |row| {
            Ok((rows::player(row)?, rows::record(row)?))
        })
    }

    fn top_accounts(&self, most: usize, price: Price) -> Result<Vec<(PlayerName, Account)>, StoreError> {
        let sql = "SELECT * FROM accounts WHERE trades > 0 AND name NOT GLOB '@*'
                    ORDER BY realised_pnl - cost_basis + stocks * ? DESC LIMIT ?";
        let params = params![price.get(), i64::try_from(most).unwrap_or(i64::MAX)];
        self.list("read the leaderboard", sql, params, |row| {
            Ok((rows::player(row)?, rows::record(row)?.account))
        })
    }

    fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError> {
        let sql = "SELECT number, price, at_unix_ms FROM ticks WHERE number < ?
                   ORDER BY number DESC LIMIT ?";
        let params = params![page.below(), page.one_more()];
        Ok(page.with_limit(self.list("read the prices", sql, params, rows::tick)?))
    }

    fn candles(&self, page: PageRequest) -> Result<Page<Candle>, StoreError> {
        // In one query: fine candles may become a coarse one meanwhile.
        let sql = "SELECT first, ticks, open, high, low, close, since_unix_ms, until_unix_ms FROM candles
                   WHERE size = ?1 AND first < ?3
                   UNION ALL
                   SELECT first, ticks, open, high, low, close, since_unix_ms, until_unix_ms FROM candles
                   WHERE size = ?2 AND first < ?3
                   ORDER BY first DESC LIMIT ?4";
        let Retention { fine, coarse, .. } = self.retention;
        let params = params![fine, coarse, page.below(), page.one_more()];
        Ok(page.with_limit(self.list("read the candles", sql, params, rows::candle)?))
    }

    fn close(&self) {
        lock(&self.idle).clear();
    }
}

fn find(connection: &Connection, player: &PlayerName) -> rusqlite::Result<Option<AccountRecord>> {
    connection
        .prepare_cached("SELECT * FROM accounts WHERE name = ?")?
        .query_row([player.as_str()], rows::record)
        .optional()
}

/// Returns up to `limit + 1` trades, newest first. Follows the list of pages from the newest one, or from the
/// nearest index entry.
fn trades_before(
    connection: &Connection,
    player: &PlayerName,
    page: PageRequest,
) -> rusqlite::Result<Vec<Trade>> {
    let Some(record) = find(connection, player)? else {
        return Ok(Vec::new());
    };
    let index_entry = connection
        .prepare_cached(
            "SELECT sheet FROM bookmarks WHERE account = ? AND number >= ? ORDER BY number LIMIT 1",
        )?
        .query_row(params![record.id.0, page.below()], |row| row.get(0))
        .optional()?;
    let mut pages =
        connection.prepare_cached("SELECT tick, price, at_unix_ms, trades, id FROM sheets WHERE id = ?")?;
    let enough = usize::try_from(page.one_more()).unwrap_or(usize::MAX);
    let mut trades = Vec::new();
    let mut next = index_entry.unwrap_or(record.page);
    while next != 0 && trades.len() < enough {
        let stored = pages.query_row([next], rows::page)?;
        let mut previous = None;
        for posting in stored
            .postings()
            .rev()
            .filter(|posting| posting.account == record.id)
        {
            previous = posting.previous;
            if posting.trade.number < page.below() {
                trades.push(posting.trade);
            }
        }
        // Prevents an endless loop.
        next = previous.filter(|previous| *previous < next).unwrap_or(0);
    }
    trades.truncate(enough);
    Ok(trades)
}
