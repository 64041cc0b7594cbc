//! The books looked through: every entry of a [`Snapshot`] is read, and every account recomputed from its own.
//!
//! Memory is bounded by the players looked at together, whatever the number of entries: with more players than that
//! the sheets are read once more for each further lot of them.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{copy::Snapshot, rows, sheet::Line, writes::BOOKMARK_EVERY};
use crate::{
    audit::{Difference, Findings, Lot, PLAYERS, Totals, price_missed},
    history::RETENTION,
    market::Tick,
    record::Record,
    store::{Batch, StoreError},
};

/// A look through the books.
pub(crate) struct Audit<'a, F> {
    connection: &'a Connection,
    batches: &'a [Batch],
    findings: Findings<F>,
}

impl Snapshot {
    /// Looks through all of it, and tells each difference as it is found.
    ///
    /// # Errors
    ///
    /// When something in it cannot be read, or is not what such a ledger can hold.
    pub(crate) fn audit(&self, tell: impl FnMut(Difference)) -> Result<Totals, StoreError> {
        self.audit_by(PLAYERS, tell)
    }

    /// The same with so many `players` looked at together.
    pub(super) fn audit_by(&self, players: u32, tell: impl FnMut(Difference)) -> Result<Totals, StoreError> {
        let mut audit = Audit {
            connection: &self.connection,
            batches: &self.batches,
            findings: Findings::new(self.batches.len(), tell),
        };
        let failed = |operation| move |error: rusqlite::Error| StoreError::new(operation, error);
        audit.pages().map_err(failed("read the file's pages"))?;
        audit.ticks().map_err(failed("read the prices"))?;
        let mut next = Some(i64::MIN);
        while let Some(above) = next {
            let mut lot = audit.lot(above, players).map_err(failed("read the accounts"))?;
            audit.payments(&mut lot).map_err(failed("read the payments"))?;
            audit.sheets(&mut lot).map_err(failed("read the trades"))?;
            audit.log(&mut lot);
            next = lot.next();
            audit.findings.compare(lot);
        }
        Ok(audit.findings.totals())
    }
}

impl<F: FnMut(Difference)> Audit<'_, F> {
    /// What SQLite itself finds wrong with its file.
    fn pages(&mut self) -> rusqlite::Result<()> {
        let mut check = self.connection.prepare("PRAGMA quick_check")?;
        let mut rows = check.query([])?;
        while let Some(row) = rows.next()? {
            let said: String = row.get(0)?;
            if said != "ok" {
                self.findings
                    .differ(Difference::new("the file", "pages", "ok", said.escape_debug()));
            }
        }
        Ok(())
    }

    /// The ticks: numbered from 0 without a gap, the oldest of them in candles.
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
            let (first, held): (i64, i64) = (row.get(0)?, row.get(1)?);
            next = self.findings.candle((first, held), next);
        }
        let mut rows = ticks.query([])?;
        while let Some(row) = rows.next()? {
            next = self.findings.tick(&rows::tick(row)?, next);
        }
        let batches = self.batches;
        for tick in batches.iter().flat_map(|batch| &batch.ticks) {
            next = self.findings.tick(tick, next);
        }
        Ok(())
    }

    /// The accounts above a key: as many as are looked at together, or all that are left.
    fn lot(&mut self, above: i64, players: u32) -> rusqlite::Result<Lot> {
        let mut accounts = self
            .connection
            .prepare("SELECT * FROM accounts WHERE id > ? ORDER BY id LIMIT ?")?;
        let read = accounts.query_map(params![above, players], |row| {
            Ok((row.get("name")?, rows::record(row)?))
        })?;
        let found: Vec<(String, Record)> = read.collect::<rusqlite::Result<_>>()?;
        let mut lot = Lot::of(above, players, found);
        // What the log holds is newer.
        let above = self.batches.iter().flat_map(|batch| &batch.records);
        for (name, record) in above {
            lot.put(name.as_str().to_owned(), *record);
        }
        Ok(lot)
    }

    fn payments(&mut self, lot: &mut Lot) -> rusqlite::Result<()> {
        let mut payments = self.connection.prepare(
            "SELECT number, amount, at_unix_ms, account FROM payments WHERE account > ? AND account <= ?
             ORDER BY account, number",
        )?;
        let mut rows = payments.query([lot.above(), lot.up_to()])?;
        while let Some(row) = rows.next()? {
            self.findings.payment(lot, row.get(3)?, &rows::payment(row)?);
        }
        Ok(())
    }

    fn sheets(&mut self, lot: &mut Lot) -> rusqlite::Result<()> {
        let mut sheets = self.connection.prepare(
            "SELECT sheets.tick, sheets.price, sheets.at_unix_ms, sheets.trades, sheets.id, ticks.price
             FROM sheets LEFT JOIN ticks ON ticks.number = sheets.tick ORDER BY sheets.id",
        )?;
        let mut rows = sheets.query([])?;
        while let Some(row) = rows.next()? {
            let (sheet, (shared, lines)) = (row.get(4)?, rows::sheet(row)?);
            if lot.is_first() {
                self.price(row, sheet, shared)?;
            }
            for line in &lines {
                if !lot.covers(line.account.0) {
                    continue;
                }
                let trade = rows::trade(line, shared);
                let trade = trade.ok_or(rusqlite::Error::IntegralValueOutOfRange(3, line.stocks))?;
                let way = (sheet, line.previous);
                self.findings.trade(lot, line.account.0, &trade, way);
                self.bookmark(lot, line, sheet)?;
            }
        }
        Ok(())
    }

    /// That a sheet's price was the tick's, or one of those that the tick's candle holds.
    fn price(&mut self, row: &Row<'_>, sheet: i64, shared: Tick) -> rusqlite::Result<()> {
        let kept: Option<i64> = row.get(5)?;
        let range = match kept {
            Some(price) => Some((price, price)),
            None => self.candle(shared.number)?,
        };
        let found = i64::from(shared.price.get());
        let Some(expected) = price_missed(range, found) else {
            return Ok(());
        };
        let field = format!("price of tick {}", shared.number);
        self.findings
            .differ(Difference::new(format!("sheet {sheet}"), field, expected, found));
        Ok(())
    }

    /// The lowest and the highest price of the candle that holds the tick.
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

    /// That there is a bookmark where there has to be one.
    fn bookmark(&mut self, lot: &Lot, line: &Line, sheet: i64) -> rusqlite::Result<()> {
        if line.number.checked_rem(BOOKMARK_EVERY) != Some(0) {
            return Ok(());
        }
        let found: Option<i64> = self
            .connection
            .prepare_cached("SELECT sheet FROM bookmarks WHERE account = ? AND number = ?")?
            .query_row([line.account.0, line.number], |row| row.get(0))
            .optional()?;
        if found != Some(sheet) {
            let name = lot.name(line.account.0).unwrap_or_default();
            let field = format!("bookmark of trade {}", line.number);
            let found = found.map_or("none".to_owned(), |found| found.to_string());
            self.findings
                .differ(Difference::new(name.escape_debug(), field, sheet, found));
        }
        Ok(())
    }

    /// What is only in the log so far, as if it were in the tables.
    fn log(&mut self, lot: &mut Lot) {
        let batches = self.batches;
        for batch in batches {
            for (account, payment) in &batch.payments {
                self.findings.payment(lot, account.0, payment);
            }
            for posting in &batch.trades {
                let way = (posting.sheet, posting.previous);
                self.findings.trade(lot, posting.account.0, &posting.trade, way);
            }
        }
    }
}
