//! Rows of the tables as values of the core, both ways.
//!
//! A number that a row should never hold (the tables check most of them) is an error of the row, not a guess.

use rusqlite::{Row, types::Type};

use crate::{
    account::Account,
    market::{Market, Tick},
    quantity::{Price, Stocks, Tokens, UnixMillis},
    record::{AccountId, Payment, Record, Side, Trade},
};

/// The columns [`account`] reads, from `tokens` on.
pub(super) const ACCOUNT_COLUMNS: &str =
    "tokens, stocks, cost_basis, realised_pnl, dollars_in, dollars_out, version";

/// An account from [`ACCOUNT_COLUMNS`].
pub(super) fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        tokens: Tokens(row.get("tokens")?),
        stocks: Stocks(row.get("stocks")?),
        cost_basis: row.get("cost_basis")?,
        realised_pnl: row.get("realised_pnl")?,
        dollars_in: row.get("dollars_in")?,
        dollars_out: row.get("dollars_out")?,
        version: row.get("version")?,
    })
}

/// A record from `id`, [`ACCOUNT_COLUMNS`], `payments`, `trades`.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        id: AccountId(row.get("id")?),
        account: account(row)?,
        payments: row.get("payments")?,
        trades: row.get("trades")?,
    })
}

/// A payment from `number, amount, at_unix_ms`.
pub(super) fn payment(row: &Row<'_>) -> rusqlite::Result<Payment> {
    Ok(Payment {
        number: row.get(0)?,
        amount: row.get(1)?,
        at: UnixMillis(row.get(2)?),
    })
}

/// A trade from `number, side, stocks, price, tick, at_unix_ms`.
pub(super) fn trade(row: &Row<'_>) -> rusqlite::Result<Trade> {
    let side = match row.get(1)? {
        0_i64 => Side::Buy,
        1 => Side::Sell,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(1, other)),
    };
    Ok(Trade {
        number: row.get(0)?,
        side,
        count: Stocks(row.get(2)?),
        price: price(row, 3)?,
        tick: row.get(4)?,
        at: UnixMillis(row.get(5)?),
    })
}

/// A tick from `number, price, at_unix_ms`.
pub(super) fn tick(row: &Row<'_>) -> rusqlite::Result<Tick> {
    Ok(Tick {
        number: row.get(0)?,
        price: price(row, 1)?,
        at: UnixMillis(row.get(2)?),
    })
}

/// A market from `number, price, at_unix_ms, model, seed`.
pub(super) fn market(row: &Row<'_>) -> rusqlite::Result<Market> {
    let model: String = row.get(3)?;
    let model = model
        .parse()
        .map_err(|unknown| rusqlite::Error::FromSqlConversionFailure(3, Type::Text, Box::new(unknown)))?;
    let seed: i64 = row.get(4)?;
    Ok(Market {
        model,
        seed: seed.cast_unsigned(),
        current: tick(row)?,
    })
}

fn price(row: &Row<'_>, column: usize) -> rusqlite::Result<Price> {
    let tokens: i32 = row.get(column)?;
    Price::new(tokens).ok_or(rusqlite::Error::IntegralValueOutOfRange(
        column,
        i64::from(tokens),
    ))
}

/// How a side is written.
pub(super) fn side_number(side: Side) -> i64 {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}
