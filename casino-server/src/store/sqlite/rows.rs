//! Conversion between rows and domain values. Invalid values are errors.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::trade_page;
use crate::domain::account::Account;
use crate::domain::candles::Candle;
use crate::domain::market::{Market, Tick};
use crate::domain::money::{Price, Stocks, Tokens, UnixMillis};
use crate::domain::order::page::TradePage;
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountId, AccountRecord, Payment};
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::store::encoding::{from_bytes, to_bytes};

/// Encodes answers, an order or a round.
pub(super) fn encoded(value: &(impl Serialize + ?Sized)) -> rusqlite::Result<Vec<u8>> {
    to_bytes(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Reads a value written by [`encoded`].
pub(super) fn decoded<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    from_bytes(row.get_ref(column)?.as_blob()?).ok_or_else(|| invalid(row, column, Type::Blob))
}

fn invalid(row: &Row<'_>, column: usize, kind: Type) -> rusqlite::Error {
    let name = row.as_ref().column_name(column).unwrap_or_default();
    rusqlite::Error::InvalidColumnType(column, name.to_owned(), kind)
}

/// Reads the `name` of an account.
pub(super) fn player(row: &Row<'_>) -> rusqlite::Result<PlayerName> {
    let name: String = row.get("name")?;
    PlayerName::from_stored(&name).map_err(|error| {
        let column = row.as_ref().column_index("name").unwrap_or_default();
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<AccountRecord> {
    Ok(AccountRecord {
        id: AccountId(row.get("id")?),
        account: Account {
            tokens: Tokens(row.get("tokens")?),
            stocks: Stocks(row.get("stocks")?),
            cost_basis: row.get("cost_basis")?,
            realised_pnl: row.get("realised_pnl")?,
            dollars_in: row.get("dollars_in")?,
            dollars_out: row.get("dollars_out")?,
            version: row.get("version")?,
        },
        payments: row.get("payments")?,
        trades: row.get("trades")?,
        page: row.get("sheet")?,
    })
}

/// Reads `number, amount, at_unix_ms`.
pub(super) fn payment(row: &Row<'_>) -> rusqlite::Result<Payment> {
    Ok(Payment {
        number: row.get(0)?,
        amount: row.get(1)?,
        at: UnixMillis(row.get(2)?),
    })
}

/// Reads `tick, price, at_unix_ms, trades, id`.
pub(super) fn page(row: &Row<'_>) -> rusqlite::Result<TradePage> {
    let Tick { number, price, at } = tick(row)?;
    let lines = trade_page::read(row.get_ref(3)?.as_str()?);
    Ok(TradePage {
        number: row.get(4)?,
        tick: number,
        price,
        at,
        lines: lines.ok_or_else(|| invalid(row, 3, Type::Text))?,
    })
}

/// Reads `number, account, ended, details`.
pub(super) fn order(row: &Row<'_>) -> rusqlite::Result<OrderPosting> {
    Ok(OrderPosting {
        account: AccountId(row.get(1)?),
        number: row.get(0)?,
        ended: row.get(2)?,
        order: decoded(row, 3)?,
    })
}

/// Reads `details`.
pub(super) fn round(row: &Row<'_>) -> rusqlite::Result<Round> {
    decoded(row, 0)
}

/// Reads `number, price, at_unix_ms`.
pub(super) fn tick(row: &Row<'_>) -> rusqlite::Result<Tick> {
    Ok(Tick {
        number: row.get(0)?,
        price: price(row, 1)?,
        at: UnixMillis(row.get(2)?),
    })
}

/// Reads `first, ticks, open, high, low, close, since_unix_ms, until_unix_ms`.
pub(super) fn candle(row: &Row<'_>) -> rusqlite::Result<Candle> {
    Ok(Candle {
        first: row.get(0)?,
        ticks: row.get(1)?,
        open: price(row, 2)?,
        high: price(row, 3)?,
        low: price(row, 4)?,
        close: price(row, 5)?,
        since: UnixMillis(row.get(6)?),
        until: UnixMillis(row.get(7)?),
    })
}

/// Reads `number, price, at_unix_ms, model, seed`.
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
