//! Reads, on connections that are opened on demand and reused.

use std::sync::Mutex;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::connection::{ConnectionFactory, with_timeout};
use super::error::PgError;
use super::rows::{self, ORDER_COLUMNS, RECORD_COLUMNS};
use crate::domain::candles::{Candle, RETENTION};
use crate::domain::credential::KeyHash;
use crate::domain::market::Tick;
use crate::domain::order::request::{RequestId, StoredAnswer};
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountId, AccountRecord, Payment, Trade};
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::store::{Page, PageRequest, StoreError, StoreReads, lock, names_in_round};

/// Idle connections kept; the caller bounds those in use.
const MAX_IDLE: usize = 4;

#[derive(Debug)]
pub(crate) struct PostgresReads {
    connections: ConnectionFactory,
    idle: Mutex<Vec<Client>>,
}

impl PostgresReads {
    pub(super) fn new(connections: ConnectionFactory) -> Self {
        Self {
            connections,
            idle: Mutex::default(),
        }
    }

    /// Reads the rows of `sql` on its own connection.
    fn list<T>(
        &self,
        operation: &'static str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
        read: fn(&Row) -> Result<T, PgError>,
    ) -> Result<Vec<T>, StoreError> {
        let asked = async {
            let open = lock(&self.idle).pop().filter(|client| !client.is_closed());
            let client = match open {
                Some(client) => client,
                None => self.connections.open().await?,
            };
            // A connection is dropped after a failed query.
            let rows = with_timeout(client.query(sql, parameters)).await?;
            let mut idle = lock(&self.idle);
            if idle.len() < MAX_IDLE {
                idle.push(client);
            }
            drop(idle);
            rows.iter().map(read).collect()
        };
        let listed: Result<Vec<T>, PgError> = self.connections.runtime.block_on(asked);
        listed.map_err(|error| error.into_store_error(operation))
    }

    /// Reads the orders of the player `$1` that meet `condition`.
    fn orders(
        &self,
        condition: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<OrderPosting>, StoreError> {
        let sql = format!(
            "SELECT {ORDER_COLUMNS} FROM orders
             WHERE account = (SELECT id FROM accounts WHERE name = $1) AND {condition}"
        );
        self.list("read the orders", &sql, parameters, rows::order)
    }
}

impl StoreReads for PostgresReads {
    fn account_record(&self, player: &PlayerName) -> Result<Option<AccountRecord>, StoreError> {
        let sql = format!("SELECT {RECORD_COLUMNS} FROM accounts WHERE name = $1");
        let name = player.as_str();
        let records = self.list("read the account", &sql, &[&name], rows::record)?;
        Ok(records.into_iter().next())
    }

    fn claim_owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError> {
        let sql = "SELECT key_sha256 FROM claims WHERE name = $1";
        let name = player.as_str();
        let owners = self.list("read the claims", sql, &[&name], rows::key)?;
        Ok(owners.into_iter().next())
    }

    fn names_beyond_ascii(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM accounts WHERE name ~ '[^ -~]'
                   UNION SELECT name FROM claims WHERE name ~ '[^ -~]'";
        self.list("read the names", sql, &[], |row| Ok(row.try_get(0)?))
    }

    fn payments(&self, player: &PlayerName, after: i64, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let sql = "SELECT number, amount, at_unix_ms FROM payments
                   WHERE account = (SELECT id FROM accounts WHERE name = $1) AND number > $2
                   ORDER BY number LIMIT $3";
        let name = player.as_str();
        self.list(
            "read the payments",
            sql,
            &[&name, &after, &i64::from(limit)],
            rows::payment,
        )
    }

    fn trades(&self, player: &PlayerName, page: PageRequest) -> Result<Page<Trade>, StoreError> {
        let sql = "SELECT number, side, stocks, price, tick, at_unix_ms FROM trades
                   WHERE account = (SELECT id FROM accounts WHERE name = $1) AND number < $2
                   ORDER BY number DESC LIMIT $3";
        let (name, below, most) = (player.as_str(), page.below(), page.one_more());
        let newest = self.list("read the trades", sql, &[&name, &below, &most], rows::trade)?;
        Ok(page.with_limit(newest))
    }

    fn open_orders(&self, player: &PlayerName) -> Result<Vec<OrderPosting>, StoreError> {
        self.orders("ended IS NULL ORDER BY number", &[&player.as_str()])
    }

    fn ended_orders(&self, player: &PlayerName, page: PageRequest) -> Result<Page<OrderPosting>, StoreError> {
        let (name, below, most) = (player.as_str(), page.below(), page.one_more());
        let newest = self.orders("ended < $2 ORDER BY ended DESC LIMIT $3", &[&name, &below, &most])?;
        Ok(page.with_limit(newest))
    }

    fn orders_ended_after(
        &self,
        player: &PlayerName,
        after: i64,
        limit: u32,
    ) -> Result<Vec<OrderPosting>, StoreError> {
        let (name, limit) = (player.as_str(), i64::from(limit));
        self.orders("ended > $2 ORDER BY ended LIMIT $3", &[&name, &after, &limit])
    }

    fn order(&self, player: &PlayerName, id: RequestId) -> Result<Option<OrderPosting>, StoreError> {
        let (name, id) = (player.as_str(), id.0.as_slice());
        let orders = self.orders("id = $2 ORDER BY number DESC LIMIT 1", &[&name, &id])?;
        Ok(orders.into_iter().next())
    }

    fn round(&self, number: i64) -> Result<Option<Round>, StoreError> {
        let sql = "SELECT details FROM rounds WHERE number = $1";
        let rounds = self.list("read a round", sql, &[&number], rows::round)?;
        Ok(rounds.into_iter().next())
    }

    fn accounts_in_round(&self, number: i64) -> Result<Vec<(PlayerName, AccountRecord)>, StoreError> {
        let sql = format!("SELECT {RECORD_COLUMNS} FROM accounts WHERE name >= $1 AND name < $2");
        let (lower, upper) = names_in_round(number);
        self.list(
            "read the accounts of a round",
            &sql,
            &[&lower, &upper],
            rows::named_record,
        )
    }

    fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError> {
        let sql =
            "SELECT number, price, at_unix_ms FROM ticks WHERE number < $1 ORDER BY number DESC LIMIT $2";
        let (below, most) = (page.below(), page.one_more());
        Ok(page.with_limit(self.list("read the prices", sql, &[&below, &most], rows::tick)?))
    }

    fn answers(&self, account: AccountId) -> Result<Vec<StoredAnswer>, StoreError> {
        let sql = "SELECT account, number, receipt FROM receipts WHERE account = $1 ORDER BY number";
        self.list("read the receipts", sql, &[&account.0], rows::stored_answer)
    }

    fn candles(&self, page: PageRequest) -> Result<Page<Candle>, StoreError> {
        // In one query: fine candles may become a coarse one meanwhile.
        let of_size = |size: i64| {
            format!("(SELECT * FROM candles WHERE size = {size} AND first < $1 ORDER BY first DESC LIMIT $2)")
        };
        let sql = format!(
            "SELECT first, ticks, open, high, low, close, since_unix_ms, until_unix_ms
             FROM ({} UNION ALL {}) AS both_sizes ORDER BY first DESC LIMIT $2",
            of_size(RETENTION.fine),
            of_size(RETENTION.coarse)
        );
        let (below, most) = (page.below(), page.one_more());
        Ok(page.with_limit(self.list("read the candles", &sql, &[&below, &most], rows::candle)?))
    }

    fn close(&self) {
        lock(&self.idle).clear();
    }
}
