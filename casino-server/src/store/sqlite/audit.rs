//! The books looked through: every entry of a [`Snapshot`] is read, and every account recomputed from its own.
//!
//! Memory is bounded by the players looked at together, whatever the number of entries: with more players than that
//! the sheets are read once more for each further lot of them.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{copy::Snapshot, rows, sheet::Line, writes::BOOKMARK_EVERY};
use crate::{
    audit::{Difference, Tally, Totals},
    history::RETENTION,
    market::Tick,
    record::{Payment, Record, Trade},
    store::{Batch, StoreError},
};

/// Players looked at together.
const PLAYERS: u32 = 200_000;

/// A player, as kept and as recomputed.
struct Player {
    name: String,
    found: Record,
    tally: Tally,
}

/// The accounts whose keys are above one and up to another.
struct Lot {
    above: i64,
    up_to: i64,
    players: HashMap<i64, Player>,
}

impl Lot {
    fn covers(&self, account: i64) -> bool {
        self.above < account && account <= self.up_to
    }
}

/// A look through the books.
pub(crate) struct Audit<'a, F> {
    connection: &'a Connection,
    batches: &'a [Batch],
    totals: Totals,
    tell: F,
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
            totals: Totals {
                in_log: count(self.batches.len()),
                ..Totals::default()
            },
            tell,
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
            next = (lot.up_to < i64::MAX).then_some(lot.up_to);
            audit.compare(lot);
        }
        Ok(audit.totals)
    }
}

impl<F: FnMut(Difference)> Audit<'_, F> {
    fn differ(&mut self, difference: Difference) {
        self.totals.differences = self.totals.differences.saturating_add(1);
        (self.tell)(difference);
    }

    /// What SQLite itself finds wrong with its file.
    fn pages(&mut self) -> rusqlite::Result<()> {
        let mut check = self.connection.prepare("PRAGMA quick_check")?;
        let mut rows = check.query([])?;
        while let Some(row) = rows.next()? {
            let said: String = row.get(0)?;
            if said != "ok" {
                self.differ(Difference::new("the file", "pages", "ok", said.escape_debug()));
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
            self.numbered("candle", first, next);
            self.totals.ticks = self.totals.ticks.saturating_add(held.unsigned_abs());
            next = first.saturating_add(held);
        }
        let mut rows = ticks.query([])?;
        while let Some(row) = rows.next()? {
            next = self.tick(rows::tick(row)?, next);
        }
        let batches = self.batches;
        for tick in batches.iter().flat_map(|batch| &batch.ticks) {
            next = self.tick(*tick, next);
        }
        Ok(())
    }

    /// Looks at a tick that should have the number `expected`; gives the next number.
    fn tick(&mut self, tick: Tick, expected: i64) -> i64 {
        self.totals.ticks = self.totals.ticks.saturating_add(1);
        self.numbered("tick", tick.number, expected);
        tick.number.saturating_add(1)
    }

    fn numbered(&mut self, what: &str, found: i64, expected: i64) {
        if found != expected {
            let of = format!("{what} {found}");
            self.differ(Difference::new(of, "number", expected, found));
        }
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
        let is_last = found.len() < usize::try_from(players).unwrap_or(usize::MAX);
        let last = found.last().map(|(_, record)| record.id.0);
        let mut lot = Lot {
            above,
            up_to: last.filter(|_| !is_last).unwrap_or(i64::MAX),
            players: HashMap::new(),
        };
        // What the log holds is newer.
        let above = self.batches.iter().flat_map(|batch| &batch.records);
        let above = above.map(|(name, record)| (name.as_str().to_owned(), *record));
        for (name, found) in found.into_iter().chain(above) {
            if lot.covers(found.id.0) {
                let tally = Tally::default();
                lot.players.insert(found.id.0, Player { name, found, tally });
            }
        }
        Ok(lot)
    }

    fn payments(&mut self, lot: &mut Lot) -> rusqlite::Result<()> {
        let mut payments = self.connection.prepare(
            "SELECT number, amount, at_unix_ms, account FROM payments WHERE account > ? AND account <= ?
             ORDER BY account, number",
        )?;
        let mut rows = payments.query([lot.above, lot.up_to])?;
        while let Some(row) = rows.next()? {
            self.payment(lot, row.get(3)?, &rows::payment(row)?);
        }
        Ok(())
    }

    fn payment(&mut self, lot: &mut Lot, account: i64, payment: &Payment) {
        if !lot.covers(account) {
            return;
        }
        self.totals.payments = self.totals.payments.saturating_add(1);
        let Some(player) = lot.players.get_mut(&account) else {
            self.differ(nobodys(account, "payment", payment.number));
            return;
        };
        if let Some((field, expected, found)) = player.tally.pay(payment) {
            let difference = Difference::new(player.name.escape_debug(), field, expected, found);
            self.differ(difference);
        }
    }

    fn sheets(&mut self, lot: &mut Lot) -> rusqlite::Result<()> {
        let mut sheets = self.connection.prepare(
            "SELECT sheets.tick, sheets.price, sheets.at_unix_ms, sheets.trades, sheets.id, ticks.price
             FROM sheets LEFT JOIN ticks ON ticks.number = sheets.tick ORDER BY sheets.id",
        )?;
        let mut rows = sheets.query([])?;
        while let Some(row) = rows.next()? {
            let (sheet, (shared, lines)) = (row.get(4)?, rows::sheet(row)?);
            if lot.above == i64::MIN {
                self.price(row, sheet, shared)?;
            }
            for line in &lines {
                if !lot.covers(line.account.0) {
                    continue;
                }
                let trade = rows::trade(line, shared);
                let trade = trade.ok_or(rusqlite::Error::IntegralValueOutOfRange(3, line.stocks))?;
                self.trade(lot, line.account.0, &trade, (sheet, line.previous));
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
        let expected = match range {
            Some((low, high)) if (low..=high).contains(&found) => return Ok(()),
            Some((low, high)) if low == high => low.to_string(),
            Some((low, high)) => format!("{low} to {high}"),
            None => "none".to_owned(),
        };
        let field = format!("price of tick {}", shared.number);
        self.differ(Difference::new(format!("sheet {sheet}"), field, expected, found));
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

    fn trade(&mut self, lot: &mut Lot, account: i64, trade: &Trade, way: (i64, Option<i64>)) {
        if !lot.covers(account) {
            return;
        }
        self.totals.trades = self.totals.trades.saturating_add(1);
        let Some(player) = lot.players.get_mut(&account) else {
            self.differ(nobodys(account, "trade", trade.number));
            return;
        };
        let name = player.name.escape_debug().to_string();
        match player.tally.trade(trade, way) {
            Ok(wrong) => {
                for (field, expected, found) in wrong {
                    self.differ(Difference::new(&name, field, expected, found));
                }
            }
            Err(refusal) => {
                let field = format!("trade {}", trade.number);
                self.differ(Difference::new(name, field, "one that can be executed", refusal));
            }
        }
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
            let player = lot.players.get(&line.account.0);
            let name = player.map_or("", |player| player.name.as_str());
            let field = format!("bookmark of trade {}", line.number);
            let found = found.map_or("none".to_owned(), |found| found.to_string());
            self.differ(Difference::new(name.escape_debug(), field, sheet, found));
        }
        Ok(())
    }

    /// What is only in the log so far, as if it were in the tables.
    fn log(&mut self, lot: &mut Lot) {
        let batches = self.batches;
        for batch in batches {
            for (account, payment) in &batch.payments {
                self.payment(lot, account.0, payment);
            }
            for posting in &batch.trades {
                let way = (posting.sheet, posting.previous);
                self.trade(lot, posting.account.0, &posting.trade, way);
            }
        }
    }

    fn compare(&mut self, lot: Lot) {
        let mut players: Vec<_> = lot.players.into_values().collect();
        players.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for Player { name, found, tally } in players {
            for (field, expected, found) in tally.differences(&found) {
                self.differ(Difference::new(name.escape_debug(), field, expected, found));
            }
            let account = &found.account;
            let totals = &mut self.totals;
            totals.players = totals.players.saturating_add(1);
            totals.dollars_in = totals.dollars_in.saturating_add(account.dollars_in);
            totals.dollars_out = totals.dollars_out.saturating_add(account.dollars_out);
            totals.tokens = totals.tokens.saturating_add(account.tokens.wide());
            totals.stocks = totals.stocks.saturating_add(account.stocks.wide());
        }
    }
}

/// An entry of an account that is not there.
fn nobodys(account: i64, entry: &str, number: i64) -> Difference {
    let of = format!("account {account}");
    Difference::new(of, format!("{entry} {number}"), "an account", "none")
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
