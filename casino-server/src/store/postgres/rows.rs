//! Rows of the tables as values of the core.
//!
//! A number that a row should never hold (the tables check most of them) is an error of the row, not a guess.

use tokio_postgres::Row;

use super::failure::Fault;
use crate::{
    account::Account,
    allowance::Allowance,
    history::Candle,
    identity::KeyHash,
    market::{Market, Tick},
    quantity::{Price, Stocks, Tokens, UnixMillis},
    receipt::{Filed, Receipt},
    record::{AccountId, Payment, Record, Side, Trade},
    store::receipts::from_bytes,
};

/// The columns that [`record`] reads.
pub(super) const RECORD_COLUMNS: &str = "id, tokens, stocks, cost_basis, realised_pnl, dollars_in, dollars_out, \
                                         version, payments, trades, name, receipts";

/// An account from [`RECORD_COLUMNS`].
fn account(row: &Row) -> Result<Account, Fault> {
    Ok(Account {
        tokens: Tokens(row.try_get(1)?),
        stocks: Stocks(row.try_get(2)?),
        cost_basis: row.try_get(3)?,
        realised_pnl: row.try_get(4)?,
        dollars_in: row.try_get(5)?,
        dollars_out: row.try_get(6)?,
        version: row.try_get(7)?,
    })
}

/// A record from [`RECORD_COLUMNS`]. Its trades are rows, so it leads to no sheet.
pub(super) fn record(row: &Row) -> Result<Record, Fault> {
    Ok(Record {
        id: AccountId(row.try_get(0)?),
        account: account(row)?,
        payments: row.try_get(8)?,
        trades: row.try_get(9)?,
        sheet: 0,
    })
}

/// The name beside a record.
pub(super) fn name(row: &Row) -> Result<String, Fault> {
    Ok(row.try_get(10)?)
}

/// The number of the newest receipt beside a record; 0 before the first.
pub(super) fn last_receipt(row: &Row) -> Result<i64, Fault> {
    Ok(row.try_get(11)?)
}

/// The columns that [`allowance`] reads, after [`RECORD_COLUMNS`].
pub(super) const ALLOWANCE_COLUMNS: &str = "allowance, allowance_at_unix_ms";

/// What the player may still ask for, from [`ALLOWANCE_COLUMNS`] beside a record.
pub(super) fn allowance(row: &Row) -> Result<Allowance, Fault> {
    let kept = (row.try_get(12)?, UnixMillis(row.try_get(13)?));
    Ok(Allowance::from_kept(kept))
}

/// The receipt in the column numbered `column`.
pub(super) fn receipt(row: &Row, column: usize) -> Result<Receipt, Fault> {
    let receipts = from_bytes(row.try_get(column)?);
    match receipts.as_deref() {
        Some([receipt]) => Ok(*receipt),
        _ => Err(Fault::Row("a receipt cannot be read")),
    }
}

/// A receipt in its place from `account, number, receipt`.
pub(super) fn filed(row: &Row) -> Result<Filed, Fault> {
    Ok(Filed {
        account: AccountId(row.try_get(0)?),
        number: row.try_get(1)?,
        receipt: receipt(row, 2)?,
    })
}

/// The hash of a key.
pub(super) fn key(row: &Row) -> Result<KeyHash, Fault> {
    let bytes: &[u8] = row.try_get(0)?;
    let bytes = bytes
        .try_into()
        .map_err(|_| Fault::Row("a key's hash is not 32 bytes long"))?;
    Ok(KeyHash::kept(bytes))
}

/// A payment from `number, amount, at_unix_ms`.
pub(super) fn payment(row: &Row) -> Result<Payment, Fault> {
    Ok(Payment {
        number: row.try_get(0)?,
        amount: row.try_get(1)?,
        at: UnixMillis(row.try_get(2)?),
    })
}

/// A trade from `number, side, stocks, price, tick, at_unix_ms`.
pub(super) fn trade(row: &Row) -> Result<Trade, Fault> {
    Ok(Trade {
        number: row.try_get(0)?,
        side: match row.try_get::<_, i16>(1)? {
            0 => Side::Buy,
            1 => Side::Sell,
            _ => return Err(Fault::Row("a trade is neither a buy nor a sell")),
        },
        count: Stocks(row.try_get(2)?),
        price: price(row, 3)?,
        tick: row.try_get(4)?,
        at: UnixMillis(row.try_get(5)?),
    })
}

/// How [`trade`] knows the side.
pub(super) fn side(side: Side) -> i16 {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

/// A tick from `number, price, at_unix_ms`.
pub(super) fn tick(row: &Row) -> Result<Tick, Fault> {
    Ok(Tick {
        number: row.try_get(0)?,
        price: price(row, 1)?,
        at: UnixMillis(row.try_get(2)?),
    })
}

/// A candle from `first, ticks, open, high, low, close, since_unix_ms, until_unix_ms`.
pub(super) fn candle(row: &Row) -> Result<Candle, Fault> {
    Ok(Candle {
        first: row.try_get(0)?,
        ticks: row.try_get(1)?,
        open: price(row, 2)?,
        high: price(row, 3)?,
        low: price(row, 4)?,
        close: price(row, 5)?,
        since: UnixMillis(row.try_get(6)?),
        until: UnixMillis(row.try_get(7)?),
    })
}

/// A market from `number, price, at_unix_ms, model, seed`.
pub(super) fn market(row: &Row) -> Result<Market, Fault> {
    let model: &str = row.try_get(3)?;
    let seed: i64 = row.try_get(4)?;
    Ok(Market {
        model: model
            .parse()
            .map_err(|_| Fault::Row("the market moves in a way that this casino does not know"))?,
        seed: seed.cast_unsigned(),
        current: tick(row)?,
    })
}

fn price(row: &Row, column: usize) -> Result<Price, Fault> {
    Price::new(row.try_get(column)?).ok_or(Fault::Row("a price is below 1 token"))
}
