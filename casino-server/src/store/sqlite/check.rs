//! Audits a [`Snapshot`]. Memory is bounded by the chunk size; each chunk reads all trade pages.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::rows;
use super::snapshot::Snapshot;
use super::write::INDEX_EVERY;
use crate::domain::audit::{AuditReport, AuditTotals, CHUNK_PLAYERS, Chunk, Mismatch, price_mismatch};
use crate::domain::candles::RETENTION;
use crate::domain::order::page::{TradePage, TradePosting};
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountId, AccountRecord};
use crate::store::{Batch, StoreError};

pub(crate) struct SqliteCheck<'a, F> {
    connection: &'a Connection,
    batches: &'a [Batch],
    report: AuditReport<F>,
}

impl Snapshot {
    /// Checks the snapshot and passes each mismatch to `on_mismatch`.
    ///
    /// # Errors
    ///
    /// Fails if something cannot be read.
    pub(crate) fn check(&self, on_mismatch: impl FnMut(Mismatch)) -> Result<AuditTotals, StoreError> {
        self.check_with(CHUNK_PLAYERS, on_mismatch)
    }

    pub(super) fn check_with(
        &self,
        players: u32,
        on_mismatch: impl FnMut(Mismatch),
    ) -> Result<AuditTotals, StoreError> {
        let mut audit = SqliteCheck {
            connection: &self.connection,
            batches: &self.batches,
            report: AuditReport::new(self.batches.len(), on_mismatch),
        };
        let failed = |operation| move |error: rusqlite::Error| StoreError::new(operation, error);
        audit.integrity().map_err(failed("read the file's pages"))?;
        audit.ticks().map_err(failed("read the prices"))?;
        audit.rounds().map_err(failed("read the rounds"))?;
        let mut next = Some(i64::MIN);
        while let Some(above) = next {
            let mut chunk = audit.chunk(above, players).map_err(failed("read the accounts"))?;
            audit.payments(&mut chunk).map_err(failed("read the payments"))?;
            audit.orders(&mut chunk).map_err(failed("read the orders"))?;
            audit.pages(&mut chunk).map_err(failed("read the trades"))?;
            audit.log(&mut chunk);
            next = chunk.next_start();
            audit.report.compare(chunk);
        }
        Ok(audit.report.totals())
    }
}

impl<F: FnMut(Mismatch)> SqliteCheck<'_, F> {
    /// Passes the rows of `sql` to `take`.
    fn each(
        &mut self,
        sql: &str,
        params: impl Params,
        mut take: impl FnMut(&mut Self, &Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            take(self, row)?;
        }
        Ok(())
    }

    /// Runs SQLite's own check.
    fn integrity(&mut self) -> rusqlite::Result<()> {
        self.each("PRAGMA quick_check", [], |audit, row| {
            let message: String = row.get(0)?;
            if message != "ok" {
                audit
                    .report
                    .mismatch(Mismatch::new("the file", "pages", "ok", message.escape_debug()));
            }
            Ok(())
        })
    }

    /// Ticks are numbered from 0 without gaps, the oldest ones in candles.
    fn ticks(&mut self) -> rusqlite::Result<()> {
        let mut next = 0;
        let candles = "SELECT first, ticks FROM candles ORDER BY first";
        self.each(candles, [], |audit, row| {
            next = audit.report.candle(row.get(0)?, row.get(1)?, next);
            Ok(())
        })?;
        let ticks = "SELECT number, price, at_unix_ms FROM ticks ORDER BY number";
        self.each(ticks, [], |audit, row| {
            next = audit.report.tick(&rows::tick(row)?, next);
            Ok(())
        })?;
        for tick in self.batches.iter().flat_map(|batch| &batch.ticks) {
            next = self.report.tick(tick, next);
        }
        Ok(())
    }

    /// Reads the rounds in their last state, which may be in the log.
    fn rounds(&mut self) -> rusqlite::Result<()> {
        self.each("SELECT details FROM rounds", [], |audit, row| {
            audit.report.round(rows::round(row)?);
            Ok(())
        })?;
        for round in self.batches.iter().flat_map(|batch| &batch.rounds) {
            self.report.round(round.clone());
        }
        Ok(())
    }

    fn chunk(&mut self, above: i64, players: u32) -> rusqlite::Result<Chunk> {
        let sql = "SELECT * FROM accounts WHERE id > ? ORDER BY id LIMIT ?";
        let mut found: Vec<(String, AccountRecord)> = Vec::new();
        self.each(sql, params![above, players], |_, row| {
            found.push((row.get("name")?, rows::record(row)?));
            Ok(())
        })?;
        let mut chunk = Chunk::new(above, players, found);
        // The log is newer.
        for (name, record) in self.batches.iter().flat_map(|batch| &batch.records) {
            chunk.insert(name.as_str().to_owned(), *record);
        }
        Ok(chunk)
    }

    fn payments(&mut self, chunk: &mut Chunk) -> rusqlite::Result<()> {
        let sql = "SELECT number, amount, at_unix_ms, account FROM payments
                   WHERE account > ? AND account <= ? ORDER BY account, number";
        self.each(sql, [chunk.lower, chunk.upper], |audit, row| {
            let account = AccountId(row.get(3)?);
            audit.report.payment(chunk, account, &rows::payment(row)?);
            Ok(())
        })
    }

    /// Checks the orders in their last state, which may be in the log.
    fn orders(&mut self, chunk: &mut Chunk) -> rusqlite::Result<()> {
        let logged = self.batches.iter().flat_map(|batch| &batch.orders);
        let logged: BTreeMap<i64, &OrderPosting> = logged.map(|posting| (posting.number, posting)).collect();
        let sql = "SELECT number, account, ended, details FROM orders
                   WHERE account > ? AND account <= ? ORDER BY account, number";
        self.each(sql, [chunk.lower, chunk.upper], |audit, row| {
            let posting = rows::order(row)?;
            if !logged.contains_key(&posting.number) {
                audit.report.order(chunk, &posting);
            }
            Ok(())
        })?;
        for posting in logged.into_values() {
            self.report.order(chunk, posting);
        }
        Ok(())
    }

    fn pages(&mut self, chunk: &mut Chunk) -> rusqlite::Result<()> {
        let sql = "SELECT sheets.tick, sheets.price, sheets.at_unix_ms, sheets.trades, sheets.id, ticks.price
                   FROM sheets LEFT JOIN ticks ON ticks.number = sheets.tick ORDER BY sheets.id";
        self.each(sql, [], |audit, row| {
            let page = rows::page(row)?;
            if chunk.is_first() {
                audit.price(row, &page)?;
            }
            for posting in page.postings() {
                if chunk.contains(posting.account.0) {
                    audit.report.trade(chunk, &posting);
                    audit.index_entry(chunk, &posting)?;
                }
            }
            Ok(())
        })
    }

    /// Checks that a page's price is that of its tick, or in the range of its candle.
    fn price(&mut self, row: &Row<'_>, page: &TradePage) -> rusqlite::Result<()> {
        let kept: Option<i64> = row.get(5)?;
        let range = match kept {
            Some(price) => Some((price, price)),
            None => self.candle(page.tick)?,
        };
        let found = i64::from(page.price.get());
        let Some(expected) = price_mismatch(range, found) else {
            return Ok(());
        };
        let field = format!("price of tick {}", page.tick);
        let of = format!("sheet {}", page.number);
        self.report.mismatch(Mismatch::new(of, field, expected, found));
        Ok(())
    }

    /// Returns the price range of the candle that contains the tick.
    fn candle(&self, tick: i64) -> rusqlite::Result<Option<(i64, i64)>> {
        let mut candle = self.connection.prepare_cached(
            "SELECT low, high FROM candles WHERE size = ?1 AND first <= ?2 AND first + ticks > ?2
             ORDER BY first DESC LIMIT 1",
        )?;
        for size in [RETENTION.fine, RETENTION.coarse] {
            let found = candle.query_row([size, tick], |row| Ok((row.get(0)?, row.get(1)?)));
            if let Some(range) = found.optional()? {
                return Ok(Some(range));
            }
        }
        Ok(None)
    }

    /// Checks that every [`INDEX_EVERY`]th trade has an index entry.
    fn index_entry(&mut self, chunk: &Chunk, posting: &TradePosting) -> rusqlite::Result<()> {
        let (account, number, page) = (posting.account.0, posting.trade.number, posting.page);
        if number.checked_rem(INDEX_EVERY) != Some(0) {
            return Ok(());
        }
        let found: Option<i64> = self
            .connection
            .prepare_cached("SELECT sheet FROM bookmarks WHERE account = ? AND number = ?")?
            .query_row([account, number], |row| row.get(0))
            .optional()?;
        if found != Some(page) {
            let name = chunk.name(account).unwrap_or_default();
            let field = format!("bookmark of trade {number}");
            let found = found.map_or("none".to_owned(), |found| found.to_string());
            self.report
                .mismatch(Mismatch::new(name.escape_debug(), field, page, found));
        }
        Ok(())
    }

    /// Checks the batches that are only in the log.
    fn log(&mut self, chunk: &mut Chunk) {
        for batch in self.batches {
            for (account, payment) in &batch.payments {
                self.report.payment(chunk, *account, payment);
            }
            for posting in batch.trades.iter() {
                self.report.trade(chunk, &posting);
            }
        }
    }
}
