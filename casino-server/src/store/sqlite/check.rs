//! Audits a [`Snapshot`]. Memory is bounded by the chunk size; each chunk reads all trade pages.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

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
    /// Runs SQLite's own check.
    fn integrity(&mut self) -> rusqlite::Result<()> {
        let mut check = self.connection.prepare("PRAGMA quick_check")?;
        let mut rows = check.query([])?;
        while let Some(row) = rows.next()? {
            let message: String = row.get(0)?;
            if message != "ok" {
                self.report
                    .mismatch(Mismatch::new("the file", "pages", "ok", message.escape_debug()));
            }
        }
        Ok(())
    }

    /// Ticks are numbered from 0 without gaps, the oldest ones in candles.
    fn ticks(&mut self) -> rusqlite::Result<()> {
        let mut ticks = self
            .connection
            .prepare("SELECT number, price, at_unix_ms FROM ticks ORDER BY number")?;
        let mut candles = self
            .connection
            .prepare("SELECT first, ticks FROM candles ORDER BY first")?;
        let mut next = 0;
        let mut rows = candles.query([])?;
        while let Some(row) = rows.next()? {
            next = self.report.candle(row.get(0)?, row.get(1)?, next);
        }
        let mut rows = ticks.query([])?;
        while let Some(row) = rows.next()? {
            next = self.report.tick(&rows::tick(row)?, next);
        }
        let batches = self.batches;
        for tick in batches.iter().flat_map(|batch| &batch.ticks) {
            next = self.report.tick(tick, next);
        }
        Ok(())
    }

    /// Reads the rounds in their last state, which may be in the log.
    fn rounds(&mut self) -> rusqlite::Result<()> {
        let mut rounds = self.connection.prepare("SELECT details FROM rounds")?;
        for round in rounds.query_map([], rows::round)? {
            self.report.round(round?);
        }
        let batches = self.batches;
        for round in batches.iter().flat_map(|batch| &batch.rounds) {
            self.report.round(round.clone());
        }
        Ok(())
    }

    fn chunk(&mut self, above: i64, players: u32) -> rusqlite::Result<Chunk> {
        let mut accounts = self
            .connection
            .prepare("SELECT * FROM accounts WHERE id > ? ORDER BY id LIMIT ?")?;
        let read = accounts.query_map(params![above, players], |row| {
            Ok((row.get("name")?, rows::record(row)?))
        })?;
        let found: Vec<(String, AccountRecord)> = read.collect::<rusqlite::Result<_>>()?;
        let mut chunk = Chunk::new(above, players, found);
        // The log is newer.
        let above = self.batches.iter().flat_map(|batch| &batch.records);
        for (name, record) in above {
            chunk.insert(name.as_str().to_owned(), *record);
        }
        Ok(chunk)
    }

    fn payments(&mut self, chunk: &mut Chunk) -> rusqlite::Result<()> {
        let mut payments = self.connection.prepare(
            "SELECT number, amount, at_unix_ms, account FROM payments WHERE account > ? AND account <= ?
             ORDER BY account, number",
        )?;
        let mut rows = payments.query([chunk.lower, chunk.upper])?;
        while let Some(row) = rows.next()? {
            self.report
                .payment(chunk, AccountId(row.get(3)?), &rows::payment(row)?);
        }
        Ok(())
    }

    /// Checks the orders in their last state, which may be in the log.
    fn orders(&mut self, chunk: &mut Chunk) -> rusqlite::Result<()> {
        let batches = self.batches;
        let logged = batches.iter().flat_map(|batch| &batch.orders);
        let logged: BTreeMap<i64, &OrderPosting> = logged.map(|posting| (posting.number, posting)).collect();
        let mut orders = self.connection.prepare(
            "SELECT number, account, ended, details FROM orders WHERE account > ? AND account <= ?
             ORDER BY account, number",
        )?;
        let mut rows = orders.query([chunk.lower, chunk.upper])?;
        while let Some(row) = rows.next()? {
            let posting = rows::order(row)?;
            if !logged.contains_key(&posting.number) {
                self.report.order(chunk, &posting);
            }
        }
        for posting in logged.into_values() {
            self.report.order(chunk, posting);
        }
        Ok(())
    }

    fn pages(&mut self, chunk: &mut Chunk) -> rusqlite::Result<()> {
        let mut pages = self.connection.prepare(
            "SELECT sheets.tick, sheets.price, sheets.at_unix_ms, sheets.trades, sheets.id, ticks.price
             FROM sheets LEFT JOIN ticks ON ticks.number = sheets.tick ORDER BY sheets.id",
        )?;
        let mut rows = pages.query([])?;
        while let Some(row) = rows.next()? {
            let page = rows::page(row)?;
            if chunk.is_first() {
                self.price(row, &page)?;
            }
            for posting in page.postings() {
                if chunk.contains(posting.account.0) {
                    self.report.trade(chunk, &posting);
                    self.index_entry(chunk, &posting)?;
                }
            }
        }
        Ok(())
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
        let batches = self.batches;
        for batch in batches {
            for (account, payment) in &batch.payments {
                self.report.payment(chunk, *account, payment);
            }
            for posting in batch.trades.iter() {
                self.report.trade(chunk, &posting);
            }
        }
    }
}
