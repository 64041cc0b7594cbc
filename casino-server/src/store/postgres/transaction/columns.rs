//! Writes the parts of a batch: one statement per table, one array per column.

use std::collections::{BTreeMap, HashSet};
use std::slice;

use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::connection::WriterConnection;
use crate::domain::order::request::REQUESTS_KEPT;
use crate::domain::rate_limit::TokenBucket;
use crate::store::Batch;
use crate::store::cluster::RateLimits;
use crate::store::postgres::error::PgError;
use crate::store::postgres::rows;

type Columns<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Returns the column of a `value` of each row.
fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

impl WriterConnection {
    /// Executes `statement`, unless there are no `rows`.
    pub(super) async fn execute<R>(
        &self,
        statement: &Statement,
        rows: &[R],
        columns: Columns<'_>,
    ) -> Result<u64, PgError> {
        match rows {
            [] => Ok(0),
            _ => Ok(self.client.execute(statement, columns).await?),
        }
    }

    /// Fails if an account is missing.
    pub(super) async fn update_accounts(&self, batch: &Batch, buckets: &RateLimits) -> Result<(), PgError> {
        let newest: BTreeMap<_, _> = batch
            .answers
            .iter()
            .map(|stored| (stored.account, stored.number))
            .collect();
        let buckets = column(&batch.records, |(_, record)| {
            let bucket = buckets.get(&record.id).copied();
            bucket.unwrap_or(TokenBucket::FULL).to_row()
        });
        let rows = &batch.records;
        let columns: Columns<'_> = &[
            &column(rows, |(_, record)| record.id.0),
            &column(rows, |(_, record)| record.account.tokens.0),
            &column(rows, |(_, record)| record.account.stocks.0),
            &column(rows, |(_, record)| record.account.cost_basis),
            &column(rows, |(_, record)| record.account.realised_pnl),
            &column(rows, |(_, record)| record.account.dollars_in),
            &column(rows, |(_, record)| record.account.dollars_out),
            &column(rows, |(_, record)| record.account.version),
            &column(rows, |(_, record)| record.payments),
            &column(rows, |(_, record)| record.trades),
            // Number of the newest answer; 0 if there is none.
            &column(rows, |(_, record)| newest.get(&record.id).copied().unwrap_or(0)),
            &column(&buckets, |(left, _)| *left),
            &column(&buckets, |(_, at)| at.0),
        ];
        let updated = self.execute(&self.update, rows, columns).await?;
        match updated == u64::try_from(rows.len()).unwrap_or(u64::MAX) {
            true => Ok(()),
            false => Err(PgError::Row("an account to update is missing")),
        }
    }

    pub(super) async fn insert_payments(&self, batch: &Batch) -> Result<u64, PgError> {
        let rows = &batch.payments;
        let columns: Columns<'_> = &[
            &column(rows, |(account, _)| account.0),
            &column(rows, |(_, payment)| payment.number),
            &column(rows, |(_, payment)| payment.amount),
            &column(rows, |(_, payment)| payment.at.0),
        ];
        self.execute(&self.pay, rows, columns).await
    }

    pub(super) async fn insert_trades(&self, batch: &Batch) -> Result<u64, PgError> {
        let trades = &batch.trades.iter().collect::<Vec<_>>();
        let columns: Columns<'_> = &[
            &column(trades, |posting| posting.account.0),
            &column(trades, |posting| posting.trade.number),
            &column(trades, |posting| rows::side(posting.trade.side)),
            &column(trades, |posting| posting.trade.count.0),
            &column(trades, |posting| posting.trade.price.get()),
            &column(trades, |posting| posting.trade.tick),
            &column(trades, |posting| posting.trade.at.0),
        ];
        self.execute(&self.trade, trades, columns).await
    }

    /// Inserts the answers and deletes the oldest ones of their accounts.
    pub(super) async fn insert_answers(&self, batch: &Batch) -> Result<u64, PgError> {
        let rows = &batch.answers;
        let encoded = rows
            .iter()
            .map(|stored| rows::encoded(slice::from_ref(&stored.answer)))
            .collect::<Result<Vec<_>, _>>()?;
        let kept = i64::try_from(REQUESTS_KEPT).unwrap_or(i64::MAX);
        let expired: BTreeMap<_, _> = rows
            .iter()
            .map(|stored| (stored.account.0, stored.number.saturating_sub(kept)))
            .collect();
        let (accounts, last_expired): (Vec<_>, Vec<_>) = expired.into_iter().unzip();
        let columns: Columns<'_> = &[
            &column(rows, |stored| stored.account.0),
            &column(rows, |stored| stored.number),
            &column(rows, |stored| stored.answer.id.0.to_vec()),
            &encoded,
            &accounts,
            &last_expired,
        ];
        self.execute(&self.insert_answers, rows, columns).await
    }

    /// Writes the orders in their last state, in the order of their last changes. Fails if an order to end is not open.
    pub(super) async fn write_orders(&self, batch: &Batch) -> Result<(), PgError> {
        let placed = batch.orders.iter().filter(|posting| posting.ended.is_none());
        let placed: HashSet<i64> = placed.map(|posting| posting.number).collect();
        let mut seen = HashSet::new();
        let newest_first = batch.orders.iter().rev();
        let mut rows: Vec<_> = newest_first
            .filter(|posting| seen.insert(posting.number))
            .collect();
        rows.reverse();
        if rows.is_empty() {
            return Ok(());
        }
        let details = rows
            .iter()
            .map(|posting| rows::encoded(&posting.order))
            .collect::<Result<Vec<_>, _>>()?;
        let columns: Columns<'_> = &[
            &column(&rows, |posting| posting.account.0),
            &column(&rows, |posting| posting.order.id.0.to_vec()),
            &column(&rows, |posting| posting.order.terms.waits_for_fall()),
            &column(&rows, |posting| posting.order.terms.price.get()),
            &details,
            &column(&rows, |posting| placed.contains(&posting.number)),
            &column(&rows, |posting| posting.ended.is_some()),
        ];
        let written: i64 = self
            .client
            .query_one(&self.write_orders, columns)
            .await?
            .try_get(0)?;
        match written == i64::try_from(rows.len()).unwrap_or(i64::MAX) {
            true => Ok(()),
            false => Err(PgError::Row("an order to end is not open")),
        }
    }
}
