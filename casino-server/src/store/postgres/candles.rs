//! Combines old ticks into candles, on the server that leads the market.
//!
//! Each group moves in one statement, so a tick is never lost or duplicated, also when two servers do it at once.

use std::ops::Range;

use tokio_postgres::{Client, Error, Row};

use super::connection::with_timeout;
use super::error::PgError;
use crate::domain::candles::{RETENTION, Retention};

/// Maximum groups per call: catches up gradually with a long history.
const GROUPS_MAX: usize = 8;

pub(super) async fn roll_up(client: &Client) -> Result<(), PgError> {
    let Retention { fine, coarse, .. } = RETENTION;
    for _ in 0..GROUPS_MAX {
        let row = with_timeout(client.query_one(ENDS, &[&fine])).await?;
        let ticks = ends(&row, 0, 1)?.and_then(|(oldest, newest)| RETENTION.next_fine(oldest, newest));
        let candles = ends(&row, 2, 3)?.and_then(|(oldest, newest)| RETENTION.next_coarse(oldest, newest));
        if ticks.is_none() && candles.is_none() {
            return Ok(());
        }
        if let Some(Range { start, end }) = ticks {
            with_timeout(client.execute(TO_FINE, &[&start, &end, &fine])).await?;
        }
        if let Some(Range { start, end }) = candles {
            with_timeout(client.execute(TO_COARSE, &[&start, &end, &fine, &coarse])).await?;
        }
    }
    Ok(())
}

fn ends(row: &Row, oldest: usize, newest: usize) -> Result<Option<(i64, i64)>, Error> {
    let oldest: Option<i64> = row.try_get(oldest)?;
    Ok(oldest.zip(row.try_get(newest)?))
}

/// First and last tick, and first and last tick in fine candles.
const ENDS: &str = "
SELECT (SELECT min(number) FROM ticks), (SELECT max(number) FROM ticks),
    (SELECT first FROM candles WHERE size = $1 ORDER BY first LIMIT 1),
    (SELECT first + ticks - 1 FROM candles WHERE size = $1 ORDER BY first DESC LIMIT 1)";

const TO_FINE: &str = "
WITH old AS (
    DELETE FROM ticks WHERE number >= $1 AND number < $2 RETURNING number, price, at_unix_ms
)
INSERT INTO candles (size, first, ticks, open, high, low, close, since_unix_ms, until_unix_ms)
    SELECT $3::bigint, min(number), max(number) - min(number) + 1, (array_agg(price ORDER BY number))[1], max(price),
        min(price), (array_agg(price ORDER BY number DESC))[1], (array_agg(at_unix_ms ORDER BY number))[1],
        (array_agg(at_unix_ms ORDER BY number DESC))[1]
    FROM old HAVING count(*) > 0";

const TO_COARSE: &str = "
WITH old AS (
    DELETE FROM candles WHERE size = $3 AND first >= $1 AND first < $2 RETURNING *
)
INSERT INTO candles (size, first, ticks, open, high, low, close, since_unix_ms, until_unix_ms)
    SELECT $4::bigint, min(first), max(first + ticks) - min(first), (array_agg(open ORDER BY first))[1], max(high),
        min(low), (array_agg(close ORDER BY first DESC))[1], (array_agg(since_unix_ms ORDER BY first))[1],
        (array_agg(until_unix_ms ORDER BY first DESC))[1]
    FROM old HAVING count(*) > 0";
