//! Conversion of rows to domain values. Invalid values are errors.

use serde::Serialize;
use tokio_postgres::Row;

use super::error::PgError;
use crate::domain::account::Account;
use crate::domain::candles::Candle;
use crate::domain::credential::KeyHash;
use crate::domain::market::{Market, Tick};
use crate::domain::money::{Price, Stocks, Tokens, UnixMillis};
use crate::domain::order::request::{AnsweredRequest, RequestId, StoredAnswer};
use crate::domain::order::resting::{DueOrder, OrderPosting};
use crate::domain::order::{AccountId, AccountRecord, Payment, Side, Trade};
use crate::domain::player::PlayerName;
use crate::domain::rate_limit::TokenBucket;
use crate::domain::round::Round;
use crate::store::encoding::{from_bytes, to_bytes};

pub(super) const RECORD_COLUMNS: &str = "id, tokens, stocks, cost_basis, realised_pnl, dollars_in, dollars_out, \
                                         version, payments, trades, name, receipts";

/// Reads the columns of an account after the first column.
pub(super) fn account(row: &Row) -> Result<Account, PgError> {
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

/// Has no page: trades are rows.
pub(super) fn record(row: &Row) -> Result<AccountRecord, PgError> {
    Ok(AccountRecord {
        id: AccountId(row.try_get(0)?),
        account: account(row)?,
        payments: row.try_get(8)?,
        trades: row.try_get(9)?,
        page: 0,
    })
}

/// Reads the player in [`RECORD_COLUMNS`].
pub(super) fn name(row: &Row) -> Result<String, PgError> {
    Ok(row.try_get(10)?)
}

pub(super) fn player(name: &str) -> Result<PlayerName, PgError> {
    PlayerName::from_stored(name).map_err(|_| PgError::Row("the name of a player is invalid"))
}

pub(super) fn last_answer(row: &Row) -> Result<i64, PgError> {
    Ok(row.try_get(11)?)
}

/// Encodes an answer, an order or a round.
pub(super) fn encoded(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, PgError> {
    to_bytes(value).map_err(|_| PgError::Row("cannot encode a value"))
}

pub(super) const BUCKET_COLUMNS: &str = "allowance, allowance_at_unix_ms";

/// Reads [`BUCKET_COLUMNS`] after [`RECORD_COLUMNS`].
pub(super) fn bucket(row: &Row) -> Result<TokenBucket, PgError> {
    Ok(TokenBucket::from_row(
        row.try_get(12)?,
        UnixMillis(row.try_get(13)?),
    ))
}

pub(super) fn answer(row: &Row, column: usize) -> Result<AnsweredRequest, PgError> {
    let answers: Option<Vec<_>> = from_bytes(row.try_get(column)?);
    match answers.as_deref() {
        Some([answer]) => Ok(*answer),
        _ => Err(PgError::Row("cannot decode an answer")),
    }
}

/// Reads `account, number, receipt`.
pub(super) fn stored_answer(row: &Row) -> Result<StoredAnswer, PgError> {
    Ok(StoredAnswer {
        account: AccountId(row.try_get(0)?),
        number: row.try_get(1)?,
        answer: answer(row, 2)?,
    })
}

/// The columns of [`order`].
pub(super) const ORDER_COLUMNS: &str = "number, account, ended, details";

/// Reads [`ORDER_COLUMNS`].
pub(super) fn order(row: &Row) -> Result<OrderPosting, PgError> {
    let order = from_bytes(row.try_get(3)?);
    Ok(OrderPosting {
        account: AccountId(row.try_get(1)?),
        number: row.try_get(0)?,
        ended: row.try_get(2)?,
        order: order.ok_or(PgError::Row("cannot decode an order"))?,
    })
}

/// Reads `number, name, id`.
pub(super) fn due_order(row: &Row) -> Result<DueOrder, PgError> {
    let id: &[u8] = row.try_get(2)?;
    Ok(DueOrder {
        number: row.try_get(0)?,
        player: player(row.try_get(1)?)?,
        id: RequestId::required(id).map_err(|_| PgError::Row("the ID of an order is not 16 bytes long"))?,
    })
}

pub(super) fn key(row: &Row) -> Result<KeyHash, PgError> {
    let bytes: &[u8] = row.try_get(0)?;
    let bytes = bytes
        .try_into()
        .map_err(|_| PgError::Row("a key's hash is not 32 bytes long"))?;
    Ok(KeyHash::from_bytes(bytes))
}

/// Reads `number, amount, at_unix_ms`.
pub(super) fn payment(row: &Row) -> Result<Payment, PgError> {
    Ok(Payment {
        number: row.try_get(0)?,
        amount: row.try_get(1)?,
        at: UnixMillis(row.try_get(2)?),
    })
}

/// Reads `number, side, stocks, price, tick, at_unix_ms`.
pub(super) fn trade(row: &Row) -> Result<Trade, PgError> {
    Ok(Trade {
        number: row.try_get(0)?,
        side: match row.try_get::<_, i16>(1)? {
            0 => Side::Buy,
            1 => Side::Sell,
            _ => return Err(PgError::Row("a trade is neither a buy nor a sell")),
        },
        count: Stocks(row.try_get(2)?),
        price: price(row, 3)?,
        tick: row.try_get(4)?,
        at: UnixMillis(row.try_get(5)?),
    })
}

pub(super) fn side(side: Side) -> i16 {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

/// Reads `details`.
pub(super) fn round(row: &Row) -> Result<Round, PgError> {
    from_bytes(row.try_get(0)?).ok_or(PgError::Row("cannot decode a round"))
}

/// Reads [`RECORD_COLUMNS`], with the player.
pub(super) fn named_record(row: &Row) -> Result<(PlayerName, AccountRecord), PgError> {
    Ok((player(&name(row)?)?, record(row)?))
}

/// Reads `number, price, at_unix_ms`.
pub(super) fn tick(row: &Row) -> Result<Tick, PgError> {
    Ok(Tick {
        number: row.try_get(0)?,
        price: price(row, 1)?,
        at: UnixMillis(row.try_get(2)?),
    })
}

/// Reads `first, ticks, open, high, low, close, since_unix_ms, until_unix_ms`.
pub(super) fn candle(row: &Row) -> Result<Candle, PgError> {
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

/// Reads `number, price, at_unix_ms, model, seed`.
pub(super) fn market(row: &Row) -> Result<Market, PgError> {
    let model: &str = row.try_get(3)?;
    let seed: i64 = row.try_get(4)?;
    Ok(Market {
        model: model.parse().map_err(|_| PgError::Row("unknown price model"))?,
        seed: seed.cast_unsigned(),
        current: tick(row)?,
    })
}

fn price(row: &Row, column: usize) -> Result<Price, PgError> {
    Price::new(row.try_get(column)?).ok_or(PgError::Row("a price is below 1 token"))
}
