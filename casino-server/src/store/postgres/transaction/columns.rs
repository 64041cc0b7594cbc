//! Columns of a batch: one array per column, one statement per table.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error, Statement, types::ToSql};

use crate::{
    domain::{
        order::{
            AccountId, AccountRecord, Payment, TradePosting,
            request::{REQUESTS_KEPT, StoredAnswer},
        },
        rate_limit::TokenBucket,
    },
    store::{
        Batch,
        cluster::RateLimits,
        postgres::{error::PgError, rows},
        stored_answers::to_bytes,
    },
};

#[derive(Debug, Default)]
pub(super) struct BatchColumns {
    accounts: AccountColumns,
    payments: PaymentColumns,
    trades: TradeColumns,
    answers: RequestColumns,
}

#[derive(Debug, Default)]
struct AccountColumns {
    id: Vec<i64>,
    tokens: Vec<i32>,
    stocks: Vec<i32>,
    cost_basis: Vec<i64>,
    realised_pnl: Vec<i64>,
    dollars_in: Vec<i64>,
    dollars_out: Vec<i64>,
    version: Vec<i64>,
    payments: Vec<i64>,
    trades: Vec<i64>,
    /// Number of the newest answer; 0 if there is none.
    last_answer: Vec<i64>,
    bucket_left: Vec<i64>,
    bucket_at: Vec<i64>,
}

#[derive(Debug, Default)]
struct PaymentColumns {
    account: Vec<i64>,
    number: Vec<i64>,
    amount: Vec<i32>,
    at: Vec<i64>,
}

#[derive(Debug, Default)]
struct TradeColumns {
    account: Vec<i64>,
    number: Vec<i64>,
    side: Vec<i16>,
    stocks: Vec<i32>,
    price: Vec<i32>,
    tick: Vec<i64>,
    at: Vec<i64>,
}

#[derive(Debug, Default)]
struct RequestColumns {
    account: Vec<i64>,
    number: Vec<i64>,
    id: Vec<Vec<u8>>,
    answer: Vec<Vec<u8>>,
    /// Accounts of which answers are deleted.
    expiring: Vec<i64>,
    /// The last answer to delete of each.
    last_expired: Vec<i64>,
}

impl BatchColumns {
    pub(super) fn from_batch(batch: &Batch, buckets: &RateLimits) -> Result<Self, PgError> {
        let mut columns = Self::default();
        let mut newest: BTreeMap<AccountId, i64> = BTreeMap::new();
        for stored_answer in &batch.answers {
            columns.answers.push(stored_answer)?;
            newest.insert(stored_answer.account, stored_answer.number);
        }
        for (_, record) in &batch.records {
            let newest = newest.get(&record.id).copied();
            let left = buckets.get(&record.id).copied();
            columns
                .accounts
                .push(record, newest.unwrap_or(0), left.unwrap_or(TokenBucket::FULL));
        }
        for (account, newest) in newest {
            let remembered = i64::try_from(REQUESTS_KEPT).unwrap_or(i64::MAX);
            columns.answers.expiring.push(account.0);
            columns
                .answers
                .last_expired
                .push(newest.saturating_sub(remembered));
        }
        for (account, payment) in &batch.payments {
            columns.payments.push(account.0, payment);
        }
        for posting in &batch.trades {
            columns.trades.push(posting);
        }
        Ok(columns)
    }

    pub(super) fn accounts(&self) -> u64 {
        u64::try_from(self.accounts.id.len()).unwrap_or(u64::MAX)
    }

    pub(super) async fn update_accounts(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        let columns = &self.accounts;
        let inputs: [&(dyn ToSql + Sync); 13] = [
            &columns.id,
            &columns.tokens,
            &columns.stocks,
            &columns.cost_basis,
            &columns.realised_pnl,
            &columns.dollars_in,
            &columns.dollars_out,
            &columns.version,
            &columns.payments,
            &columns.trades,
            &columns.last_answer,
            &columns.bucket_left,
            &columns.bucket_at,
        ];
        execute(client, statement, columns.id.len(), &inputs).await
    }

    pub(super) async fn insert_payments(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        let columns = &self.payments;
        let inputs: [&(dyn ToSql + Sync); 4] =
            [&columns.account, &columns.number, &columns.amount, &columns.at];
        execute(client, statement, columns.account.len(), &inputs).await
    }

    pub(super) async fn insert_trades(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        let columns = &self.trades;
        let inputs: [&(dyn ToSql + Sync); 7] = [
            &columns.account,
            &columns.number,
            &columns.side,
            &columns.stocks,
            &columns.price,
            &columns.tick,
            &columns.at,
        ];
        execute(client, statement, columns.account.len(), &inputs).await
    }

    pub(super) async fn insert_requests(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        let columns = &self.answers;
        let inputs: [&(dyn ToSql + Sync); 6] = [
            &columns.account,
            &columns.number,
            &columns.id,
            &columns.answer,
            &columns.expiring,
            &columns.last_expired,
        ];
        execute(client, statement, columns.account.len(), &inputs).await
    }
}

/// Executes `statement`, unless there are no `rows`.
async fn execute(
    client: &Client,
    statement: &Statement,
    rows: usize,
    columns: &[&(dyn ToSql + Sync)],
) -> Result<u64, Error> {
    match rows {
        0 => Ok(0),
        _ => client.execute(statement, columns).await,
    }
}

impl AccountColumns {
    fn push(&mut self, record: &AccountRecord, last_answer: i64, bucket: TokenBucket) {
        let account = &record.account;
        self.id.push(record.id.0);
        self.tokens.push(account.tokens.0);
        self.stocks.push(account.stocks.0);
        self.cost_basis.push(account.cost_basis);
        self.realised_pnl.push(account.realised_pnl);
        self.dollars_in.push(account.dollars_in);
        self.dollars_out.push(account.dollars_out);
        self.version.push(account.version);
        self.payments.push(record.payments);
        self.trades.push(record.trades);
        self.last_answer.push(last_answer);
        let (left, at) = bucket.to_row();
        self.bucket_left.push(left);
        self.bucket_at.push(at.0);
    }
}

impl PaymentColumns {
    fn push(&mut self, account: i64, payment: &Payment) {
        self.account.push(account);
        self.number.push(payment.number);
        self.amount.push(payment.amount);
        self.at.push(payment.at.0);
    }
}

impl TradeColumns {
    fn push(&mut self, posting: &TradePosting) {
        let trade = &posting.trade;
        self.account.push(posting.account.0);
        self.number.push(trade.number);
        self.side.push(rows::side(trade.side));
        self.stocks.push(trade.count.0);
        self.price.push(trade.price.get());
        self.tick.push(trade.tick);
        self.at.push(trade.at.0);
    }
}

impl RequestColumns {
    fn push(&mut self, stored_answer: &StoredAnswer) -> Result<(), PgError> {
        let bytes = to_bytes(&[stored_answer.answer]);
        self.answer
            .push(bytes.map_err(|_| PgError::Row("cannot encode an answer"))?);
        self.account.push(stored_answer.account.0);
        self.number.push(stored_answer.number);
        self.id.push(stored_answer.answer.id.0.to_vec());
        Ok(())
    }
}
