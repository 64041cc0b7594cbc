//! Audits a ledger in one read-only snapshot, while servers continue to write.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::error::PgError;
use super::rows::{self, ORDER_COLUMNS, RECORD_COLUMNS};
use crate::config::store_url::postgres::DatabaseUrl;
use crate::domain::audit::{AuditReport, AuditTotals, CHUNK_PLAYERS, Chunk, Mismatch, price_mismatch};
use crate::domain::candles::RETENTION;
use crate::domain::order::AccountId;
use crate::domain::order::page::TradePosting;
use crate::domain::order::request::REQUESTS_KEPT;
use crate::store::postgres::{DatabaseError, open_existing};

/// Without time limits.
const BEGIN: &str = "
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
";

/// Checks the ledger in `database`.
///
/// # Errors
///
/// Fails if the database cannot be reached or read, or has another schema version.
pub(crate) async fn check_database(
    database: &DatabaseUrl,
    on_mismatch: impl FnMut(Mismatch),
) -> Result<AuditTotals, DatabaseError> {
    let client = open_existing(database).await?;
    let audit = PostgresCheck {
        client: &client,
        report: AuditReport::new(0, on_mismatch),
    };
    audit.run().await.map_err(DatabaseError::Read)
}

struct PostgresCheck<'a, F> {
    client: &'a Client,
    report: AuditReport<F>,
}

impl<F: FnMut(Mismatch)> PostgresCheck<'_, F> {
    async fn run(mut self) -> Result<AuditTotals, PgError> {
        self.client.batch_execute(BEGIN).await?;
        self.ticks().await?;
        self.prices().await?;
        self.answers().await?;
        self.each("SELECT details FROM rounds", &[], |report, row| {
            report.round(rows::round(row)?);
            Ok(())
        })
        .await?;
        let mut next = Some(i64::MIN);
        while let Some(above) = next {
            let mut chunk = self.chunk(above).await?;
            self.payments(&mut chunk).await?;
            self.orders(&mut chunk).await?;
            self.trades(&mut chunk).await?;
            next = chunk.next_start();
            self.report.compare(chunk);
        }
        Ok(self.report.totals())
    }

    /// Streams the rows of `sql` to `take`.
    async fn each(
        &mut self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
        mut take: impl FnMut(&mut AuditReport<F>, &Row) -> Result<(), PgError>,
    ) -> Result<(), PgError> {
        let rows = self.client.query_raw(sql, parameters.iter().copied()).await?;
        let mut rows = pin!(rows);
        while let Some(row) = rows.try_next().await? {
            take(&mut self.report, &row)?;
        }
        Ok(())
    }

    /// Ticks are numbered from 0 without gaps, the oldest ones in candles.
    async fn ticks(&mut self) -> Result<(), PgError> {
        let mut next = 0;
        let candles = "SELECT first, ticks FROM candles ORDER BY first";
        self.each(candles, &[], |report, row| {
            next = report.candle(row.try_get(0)?, row.try_get(1)?, next);
            Ok(())
        })
        .await?;
        let ticks = "SELECT number, price, at_unix_ms FROM ticks ORDER BY number";
        self.each(ticks, &[], |report, row| {
            next = report.tick(&rows::tick(row)?, next);
            Ok(())
        })
        .await
    }

    /// Compares prices of trades with their tick or candle; the query returns mismatches only.
    async fn prices(&mut self) -> Result<(), PgError> {
        let sizes: [&(dyn ToSql + Sync); 2] = [&RETENTION.fine, &RETENTION.coarse];
        self.each(PRICES, &sizes, |report, row| {
            let (of, number, tick): (&str, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let (low, high): (Option<i64>, Option<i64>) = (row.try_get(4)?, row.try_get(5)?);
            let found = row.try_get(3)?;
            if let Some(expected) = price_mismatch(low.zip(high), found) {
                let field = format!("trade {number}: price of tick {tick}");
                report.mismatch(Mismatch::new(of.escape_debug(), field, expected, found));
            }
            Ok(())
        })
        .await
    }

    /// Checks that the newest answers are stored without gaps; the query returns mismatches only.
    async fn answers(&mut self) -> Result<(), PgError> {
        let remembered = i64::try_from(REQUESTS_KEPT).unwrap_or(i64::MAX);
        self.each(RECEIPTS, &[&remembered], |report, row| {
            let of: &str = row.try_get(0)?;
            let figures: [(&str, i64, i64); 2] = [
                ("newest receipt", row.try_get(1)?, row.try_get(2)?),
                ("receipts", row.try_get(3)?, row.try_get(4)?),
            ];
            for (field, expected, found) in figures {
                if expected != found {
                    report.mismatch(Mismatch::new(of.escape_debug(), field, expected, found));
                }
            }
            Ok(())
        })
        .await
    }

    async fn chunk(&mut self, above: i64) -> Result<Chunk, PgError> {
        let sql = format!("SELECT {RECORD_COLUMNS} FROM accounts WHERE id > $1 ORDER BY id LIMIT $2");
        let mut found = Vec::new();
        self.each(&sql, &[&above, &i64::from(CHUNK_PLAYERS)], |_, row| {
            found.push((rows::name(row)?, rows::record(row)?));
            Ok(())
        })
        .await?;
        Ok(Chunk::new(above, CHUNK_PLAYERS, found))
    }

    async fn payments(&mut self, chunk: &mut Chunk) -> Result<(), PgError> {
        let (lower, upper) = (chunk.lower, chunk.upper);
        let sql =
            "SELECT number, amount, at_unix_ms, account FROM payments WHERE account > $1 AND account <= $2
                   ORDER BY account, number";
        self.each(sql, &[&lower, &upper], |report, row| {
            report.payment(chunk, AccountId(row.try_get(3)?), &rows::payment(row)?);
            Ok(())
        })
        .await
    }

    async fn orders(&mut self, chunk: &mut Chunk) -> Result<(), PgError> {
        let (lower, upper) = (chunk.lower, chunk.upper);
        let sql = format!(
            "SELECT {ORDER_COLUMNS} FROM orders WHERE account > $1 AND account <= $2 ORDER BY account, number"
        );
        self.each(&sql, &[&lower, &upper], |report, row| {
            report.order(chunk, &rows::order(row)?);
            Ok(())
        })
        .await
    }

    async fn trades(&mut self, chunk: &mut Chunk) -> Result<(), PgError> {
        let (lower, upper) = (chunk.lower, chunk.upper);
        let sql = "SELECT number, side, stocks, price, tick, at_unix_ms, account FROM trades
                   WHERE account > $1 AND account <= $2 ORDER BY account, number";
        self.each(sql, &[&lower, &upper], |report, row| {
            // Rows have no page.
            let posting = TradePosting {
                account: AccountId(row.try_get(6)?),
                trade: rows::trade(row)?,
                page: 0,
                previous: None,
            };
            report.trade(chunk, &posting);
            Ok(())
        })
        .await
    }
}

/// Trades whose price differs from their tick, or is outside the range of its candle.
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

/// Accounts whose stored answers are not the newest ones without gaps.
const RECEIPTS: &str = "
SELECT a.name, a.receipts, coalesce(r.newest, 0), least(a.receipts, $1::bigint), coalesce(r.kept, 0)
FROM accounts AS a
    LEFT JOIN (
        SELECT account, max(number) AS newest, count(*) AS kept FROM receipts GROUP BY account
    ) AS r ON r.account = a.id
WHERE (a.receipts, least(a.receipts, $1::bigint)) <> (coalesce(r.newest, 0), coalesce(r.kept, 0))";
