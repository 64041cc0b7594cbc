//! The reading side: sessions of their own, opened when they are needed and kept for the next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_postgres::{Client, Row, types::ToSql};

use super::{
    connect::{Sessions, in_time},
    failure::Fault,
    rows::{self, RECORD_COLUMNS},
};
use crate::{
    account::Account,
    history::{Candle, RETENTION},
    identity::{KeyHash, PlayerName},
    market::Tick,
    receipt::Filed,
    record::{AccountId, Payment, Record, Trade},
    store::{Page, PageRequest, Reads, StoreError},
};

/// Sessions kept open while nobody uses them. How many are in use at once is bounded by the caller.
const MAX_IDLE: usize = 4;

/// The readers of a database.
#[derive(Debug)]
pub(crate) struct PostgresReads {
    sessions: Sessions,
    idle: Mutex<Vec<Client>>,
}

impl PostgresReads {
    pub(super) fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            idle: Mutex::default(),
        }
    }

    /// The rows of `sql`, each by `read`, from a session of its own.
    fn list<T>(
        &self,
        operation: &'static str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
        read: fn(&Row) -> Result<T, Fault>,
    ) -> Result<Vec<T>, StoreError> {
        let asked = async {
            let kept = self.lock().pop().filter(|client| !client.is_closed());
            let client = match kept {
                Some(client) => client,
                None => self.sessions.open().await?,
            };
            // A session whose query failed is not kept.
            let rows = in_time(client.query(sql, parameters)).await?;
            let mut idle = self.lock();
            if idle.len() < MAX_IDLE {
                idle.push(client);
            }
            drop(idle);
            rows.iter().map(read).collect()
        };
        let listed: Result<Vec<T>, Fault> = self.sessions.runtime().block_on(asked);
        listed.map_err(|fault| fault.of(operation))
    }

    /// The list is whole whatever happened to a thread that held it.
    fn lock(&self) -> MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reads for PostgresReads {
    fn account(&self, player: &PlayerName) -> Result<Account, StoreError> {
        let record = self.record(player)?;
        Ok(record.map(|record| record.account).unwrap_or_default())
    }

    fn record(&self, player: &PlayerName) -> Result<Option<Record>, StoreError> {
        let sql = format!("SELECT {RECORD_COLUMNS} FROM accounts WHERE name = $1");
        let name = player.as_str();
        let records = self.list("read the account", &sql, &[&name], rows::record)?;
        Ok(records.into_iter().next())
    }

    fn owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError> {
        let sql = "SELECT key_sha256 FROM claims WHERE name = $1";
        let name = player.as_str();
        let owners = self.list("read the claims", sql, &[&name], rows::key)?;
        Ok(owners.into_iter().next())
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
        Ok(page.of(newest))
    }

    fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError> {
        let sql =
            "SELECT number, price, at_unix_ms FROM ticks WHERE number < $1 ORDER BY number DESC LIMIT $2";
        let (below, most) = (page.below(), page.one_more());
        Ok(page.of(self.list("read the prices", sql, &[&below, &most], rows::tick)?))
    }

    fn receipts(&self, account: AccountId) -> Result<Vec<Filed>, StoreError> {
        let sql = "SELECT account, number, receipt FROM receipts WHERE account = $1 ORDER BY number";
        self.list("read the receipts", sql, &[&account.0], rows::filed)
    }

    fn candles(&self, page: PageRequest) -> Result<Page<Candle>, StoreError> {
        // One sight of both kinds: meanwhile fine ones may become a coarse one.
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
        Ok(page.of(self.list("read the candles", &sql, &[&below, &most], rows::candle)?))
    }

    fn close(&self) {
        self.lock().clear();
    }
}
