//! A batch by its columns: one array a column, one statement a table.

use tokio_postgres::{Client, Error, Statement};

use crate::{
    record::{Payment, Posting, Record},
    store::{Batch, postgres::rows},
};

/// The columns of all rows of a batch.
#[derive(Debug, Default)]
pub(super) struct Columns {
    accounts: Accounts,
    payments: Payments,
    trades: Trades,
}

#[derive(Debug, Default)]
struct Accounts {
    id: Vec<i64>,
    tokens: Vec<i32>,
    stocks: Vec<i32>,
    cost_basis: Vec<i64>,
    realised_pnl: Vec<i64>,
    dollars_in: Vec<i64>,
    dollars_out: Vec<i64>,
    version: Vec<i64>,
    entries: Entries,
}

/// How many entries an account has.
#[derive(Debug, Default)]
struct Entries {
    payments: Vec<i64>,
    trades: Vec<i64>,
}

#[derive(Debug, Default)]
struct Payments {
    account: Vec<i64>,
    number: Vec<i64>,
    amount: Vec<i32>,
    at: Vec<i64>,
}

#[derive(Debug, Default)]
struct Trades {
    account: Vec<i64>,
    number: Vec<i64>,
    side: Vec<i16>,
    stocks: Vec<i32>,
    price: Vec<i32>,
    tick: Vec<i64>,
    at: Vec<i64>,
}

impl Columns {
    /// The columns of `batch`.
    pub(super) fn of(batch: &Batch) -> Self {
        let mut columns = Self::default();
        for (_, record) in &batch.records {
            columns.accounts.push(record);
        }
        for (account, payment) in &batch.payments {
            columns.payments.push(account.0, payment);
        }
        for posting in &batch.trades {
            columns.trades.push(posting);
        }
        columns
    }

    /// How many accounts there are.
    pub(super) fn accounts(&self) -> u64 {
        u64::try_from(self.accounts.id.len()).unwrap_or(u64::MAX)
    }

    /// Writes the accounts, if there are any.
    pub(super) async fn update(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        let of = &self.accounts;
        if of.id.is_empty() {
            return Ok(0);
        }
        let (payments, trades) = (&of.entries.payments, &of.entries.trades);
        client
            .execute(
                statement,
                &[
                    &of.id,
                    &of.tokens,
                    &of.stocks,
                    &of.cost_basis,
                    &of.realised_pnl,
                    &of.dollars_in,
                    &of.dollars_out,
                    &of.version,
                    payments,
                    trades,
                ],
            )
            .await
    }

    /// Writes the payments, if there are any.
    pub(super) async fn pay(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        let of = &self.payments;
        if of.account.is_empty() {
            return Ok(0);
        }
        client
            .execute(statement, &[&of.account, &of.number, &of.amount, &of.at])
            .await
    }

    /// Writes the trades, if there are any.
    pub(super) async fn trade(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        let of = &self.trades;
        if of.account.is_empty() {
            return Ok(0);
        }
        client
            .execute(
                statement,
                &[
                    &of.account,
                    &of.number,
                    &of.side,
                    &of.stocks,
                    &of.price,
                    &of.tick,
                    &of.at,
                ],
            )
            .await
    }
}

impl Accounts {
    fn push(&mut self, record: &Record) {
        let account = &record.account;
        self.id.push(record.id.0);
        self.tokens.push(account.tokens.0);
        self.stocks.push(account.stocks.0);
        self.cost_basis.push(account.cost_basis);
        self.realised_pnl.push(account.realised_pnl);
        self.dollars_in.push(account.dollars_in);
        self.dollars_out.push(account.dollars_out);
        self.version.push(account.version);
        self.entries.payments.push(record.payments);
        self.entries.trades.push(record.trades);
    }
}

impl Payments {
    fn push(&mut self, account: i64, payment: &Payment) {
        self.account.push(account);
        self.number.push(payment.number);
        self.amount.push(payment.amount);
        self.at.push(payment.at.0);
    }
}

impl Trades {
    fn push(&mut self, posting: &Posting) {
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
