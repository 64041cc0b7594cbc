//! The books looked through: every entry is read, and every account recomputed from its own, as of one moment.
//!
//! One transaction that reads a snapshot, so casinos may play on: what they answered before is in it. Rows are taken as
//! they come, and the players looked at together bound the memory. The database keeps what changes meanwhile until the
//! look is over.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::{Client, Row, types::ToSql};

use super::{
    connect::Sessions,
    failure::Fault,
    migrations,
    open::DatabaseError,
    rows::{self, RECORD_COLUMNS},
};
use crate::{
    address::Database,
    audit::{Difference, Findings, Lot, PLAYERS, Totals, price_missed},
    history::RETENTION,
    receipt::REMEMBERED,
};

/// Reads for as long as it takes.
const BEGIN: &str = "
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
";

/// Looks through the ledger in `database`, and tells each difference as it is found.
///
/// # Errors
///
/// When it cannot be reached or read, or is of another version.
pub(crate) async fn audit(
    database: &Database,
    tell: impl FnMut(Difference),
) -> Result<Totals, DatabaseError> {
    let sessions = Sessions::new(database)?;
    let client = sessions.open().await.map_err(DatabaseError::Unreachable)?;
    migrations::check(&client).await?;
    let audit = Audit {
        client: &client,
        findings: Findings::new(0, tell),
    };
    audit.run().await.map_err(DatabaseError::Read)
}

/// A look through the books.
struct Audit<'a, F> {
    client: &'a Client,
    findings: Findings<F>,
}

impl<F: FnMut(Difference)> Audit<'_, F> {
    async fn run(mut self) -> Result<Totals, Fault> {
        self.client.batch_execute(BEGIN).await?;
        self.ticks().await?;
        self.prices().await?;
        self.receipts().await?;
        let mut next = Some(i64::MIN);
        while let Some(above) = next {
            let mut lot = self.lot(above).await?;
            self.payments(&mut lot).await?;
            self.trades(&mut lot).await?;
            next = lot.next();
            self.findings.compare(lot);
        }
        Ok(self.findings.totals())
    }

    /// Has `take` take each row of `sql`, as they come.
    async fn each(
        &mut self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
        mut take: impl FnMut(&mut Findings<F>, &Row) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let rows = self.client.query_raw(sql, parameters.iter().copied()).await?;
        let mut rows = pin!(rows);
        while let Some(row) = rows.try_next().await? {
            take(&mut self.findings, &row)?;
        }
        Ok(())
    }

    /// The ticks: numbered from 0 without a gap, the oldest of them in candles.
    async fn ticks(&mut self) -> Result<(), Fault> {
        let mut next = 0;
        let candles = "SELECT first, ticks FROM candles ORDER BY first";
        self.each(candles, &[], |findings, row| {
            next = findings.candle((row.try_get(0)?, row.try_get(1)?), next);
            Ok(())
        })
        .await?;
        let ticks = "SELECT number, price, at_unix_ms FROM ticks ORDER BY number";
        self.each(ticks, &[], |findings, row| {
            next = findings.tick(&rows::tick(row)?, next);
            Ok(())
        })
        .await
    }

    /// That a trade's price was the tick's, or one of those that the tick's candle holds. Only others are told of.
    async fn prices(&mut self) -> Result<(), Fault> {
        let sizes: [&(dyn ToSql + Sync); 2] = [&RETENTION.fine, &RETENTION.coarse];
        self.each(PRICES, &sizes, |findings, row| {
            let (of, number, tick): (&str, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let (low, high): (Option<i64>, Option<i64>) = (row.try_get(4)?, row.try_get(5)?);
            let found = row.try_get(3)?;
            if let Some(expected) = price_missed(low.zip(high), found) {
                let field = format!("trade {number}: price of tick {tick}");
                findings.differ(Difference::new(of.escape_debug(), field, expected, found));
            }
            Ok(())
        })
        .await
    }

    /// That the newest receipts of each account are there, up to the newest. Only others are told of.
    async fn receipts(&mut self) -> Result<(), Fault> {
        let remembered = i64::try_from(REMEMBERED).unwrap_or(i64::MAX);
        self.each(RECEIPTS, &[&remembered], |findings, row| {
            let of: &str = row.try_get(0)?;
            let figures: [(&str, i64, i64); 2] = [
                ("newest receipt", row.try_get(1)?, row.try_get(2)?),
                ("receipts", row.try_get(3)?, row.try_get(4)?),
            ];
            for (field, expected, found) in figures {
                if expected != found {
                    findings.differ(Difference::new(of.escape_debug(), field, expected, found));
                }
            }
            Ok(())
        })
        .await
    }

    /// The accounts above a key: as many as are looked at together, or all that are left.
    async fn lot(&mut self, above: i64) -> Result<Lot, Fault> {
        let sql = format!("SELECT {RECORD_COLUMNS} FROM accounts WHERE id > $1 ORDER BY id LIMIT $2");
        let mut found = Vec::new();
        self.each(&sql, &[&above, &i64::from(PLAYERS)], |_, row| {
            found.push((rows::name(row)?, rows::record(row)?));
            Ok(())
        })
        .await?;
        Ok(Lot::of(above, PLAYERS, found))
    }

    async fn payments(&mut self, lot: &mut Lot) -> Result<(), Fault> {
        let sql =
            "SELECT number, amount, at_unix_ms, account FROM payments WHERE account > $1 AND account <= $2
                   ORDER BY account, number";
        self.each(sql, &[&lot.above(), &lot.up_to()], |findings, row| {
            findings.payment(lot, row.try_get(3)?, &rows::payment(row)?);
            Ok(())
        })
        .await
    }

    async fn trades(&mut self, lot: &mut Lot) -> Result<(), Fault> {
        let sql = "SELECT number, side, stocks, price, tick, at_unix_ms, account FROM trades
                   WHERE account > $1 AND account <= $2 ORDER BY account, number";
        self.each(sql, &[&lot.above(), &lot.up_to()], |findings, row| {
            // Rows lie on no sheet.
            findings.trade(lot, row.try_get(6)?, &rows::trade(row)?, (0, None));
            Ok(())
        })
        .await
    }
}

/// The trades at another price than their tick's, if that is kept one by one, or than any in its candle.
const PRICES: &str = "
SELECT coalesce(a.name, ''), t.number, t.tick, t.price::bigint, p.low::bigint, p.high::bigint
FROM trades AS t
    LEFT JOIN ticks AS k ON k.number = t.tick
    LEFT JOIN accounts AS a ON a.id = t.account
    LEFT JOIN LATERAL (
        SELECT k.price AS low, k.price AS high WHERE k.number IS NOT NULL
        UNION ALL
        SELECT low, high FROM (
            (SELECT * FROM candles WHERE size = $1 AND first <= t.tick ORDER BY first DESC LIMIT 1)
            UNION ALL
            (SELECT * FROM candles WHERE size = $2 AND first <= t.tick ORDER BY first DESC LIMIT 1)
        ) AS nearest WHERE k.number IS NULL AND first + ticks > t.tick
    ) AS p ON true
WHERE (k.price = t.price OR t.price BETWEEN p.low AND p.high) IS NOT TRUE";

/// The accounts whose receipts are not the newest ones without a gap.
const RECEIPTS: &str = "
SELECT a.name, a.receipts, coalesce(r.newest, 0), least(a.receipts, $1::bigint), coalesce(r.kept, 0)
FROM accounts AS a
    LEFT JOIN (
        SELECT account, max(number) AS newest, count(*) AS kept FROM receipts GROUP BY account
    ) AS r ON r.account = a.id
WHERE (a.receipts, least(a.receipts, $1::bigint)) <> (coalesce(r.newest, 0), coalesce(r.kept, 0))";
