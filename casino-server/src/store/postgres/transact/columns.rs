//! A batch by its columns: one array a column, one statement a table.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error, Statement};

use super::Allowances;
use crate::{
    allowance::Allowance,
    receipt::{Filed, REMEMBERED},
    record::{AccountId, Payment, Posting, Record},
    store::{
        Batch,
        postgres::{failure::Fault, rows},
        receipts::to_bytes,
    },
};

/// The columns of all rows of a batch.
#[derive(Debug, Default)]
pub(super) struct Columns {
    accounts: Accounts,
    payments: Payments,
    trades: Trades,
    receipts: Receipts,
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
    allowances: Left,
}

/// How many entries an account has.
#[derive(Debug, Default)]
struct Entries {
    payments: Vec<i64>,
    trades: Vec<i64>,
    /// The number of the newest receipt; 0 where none was given.
    receipts: Vec<i64>,
}

/// What the players may still ask for, and as of when.
#[derive(Debug, Default)]
struct Left {
    left: Vec<i64>,
    at: Vec<i64>,
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

#[derive(Debug, Default)]
struct Receipts {
    account: Vec<i64>,
    number: Vec<i64>,
    id: Vec<Vec<u8>>,
    receipt: Vec<Vec<u8>>,
    forgotten: Forgotten,
}

/// Up to which number receipts are forgotten, by the account.
#[derive(Debug, Default)]
struct Forgotten {
    account: Vec<i64>,
    last: Vec<i64>,
}

impl Columns {
    /// The columns of `batch`, and of the `allowances` of its accounts.
    pub(super) fn of(batch: &Batch, allowances: &Allowances) -> Result<Self, Fault> {
        let mut columns = Self::default();
        let mut newest: BTreeMap<AccountId, i64> = BTreeMap::new();
        for filed in &batch.receipts {
            columns.receipts.push(filed)?;
            newest.insert(filed.account, filed.number);
        }
        for (_, record) in &batch.records {
            let newest = newest.get(&record.id).copied();
            let left = allowances.get(&record.id).copied();
            columns
                .accounts
                .push(record, newest.unwrap_or(0), left.unwrap_or(Allowance::FULL));
        }
        for (account, newest) in newest {
            columns.receipts.forgotten.push(account.0, newest);
        }
        for (account, payment) in &batch.payments {
            columns.payments.push(account.0, payment);
        }
        for posting in &batch.trades {
            columns.trades.push(posting);
        }
        Ok(columns)
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
        let entries = &of.entries;
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
                    &entries.payments,
                    &entries.trades,
                    &entries.receipts,
                    &of.allowances.left,
                    &of.allowances.at,
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

    /// Writes the receipts, if there are any.
    pub(super) async fn file(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        let of = &self.receipts;
        if of.account.is_empty() {
            return Ok(0);
        }
        let forgotten = &of.forgotten;
        client
            .execute(
                statement,
                &[
                    &of.account,
                    &of.number,
                    &of.id,
                    &of.receipt,
                    &forgotten.account,
                    &forgotten.last,
                ],
            )
            .await
    }
}

impl Accounts {
    fn push(&mut self, record: &Record, last_receipt: i64, allowance: Allowance) {
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
        self.entries.receipts.push(last_receipt);
        let (left, at) = allowance.to_kept();
        self.allowances.left.push(left);
        self.allowances.at.push(at.0);
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

impl Receipts {
    fn push(&mut self, filed: &Filed) -> Result<(), Fault> {
        let bytes = to_bytes(&[filed.receipt]);
        self.receipt
            .push(bytes.map_err(|_| Fault::Row("a receipt cannot be put into bytes"))?);
        self.account.push(filed.account.0);
        self.number.push(filed.number);
        self.id.push(filed.receipt.id.0.to_vec());
        Ok(())
    }
}

impl Forgotten {
    /// Of an account whose newest receipt is `newest`, so many are remembered.
    fn push(&mut self, account: i64, newest: i64) {
        let remembered = i64::try_from(REMEMBERED).unwrap_or(i64::MAX);
        self.account.push(account);
        self.last.push(newest.saturating_sub(remembered));
    }
}
