//! Combines old ticks into candles, on the server that leads the market.
//!
//! Each group moves in one statement, so a tick is never lost or duplicated, also when two servers do it at once.

use std::ops::Range;

use tokio_postgres::Client;

use super::connection::with_timeout;
use super::error::PgError;
use crate::domain::candles::Retention;

/// Maximum groups per call: catches up gradually with a long history.
const GROUPS_MAX: usize = 8;

pub(super) async fn roll_up(client: &Client, retention: Retention) -> Result<(), PgError> {
    for _ in 0..GROUPS_MAX {
        let (fine, coarse) = due(client, retention).await?;
        if fine.is_none() && coarse.is_none() {
            return Ok(());
        }
        if let Some(Range { start, end }) = fine {
            with_timeout(client.execute(TO_FINE, &[&start, &end, &retention.fine])).await?;
        }
        if let Some(Range { start, end }) = coarse {
            let sizes = (retention.fine, retention.coarse);
            with_timeout(client.execute(TO_COARSE, &[&start, &end, &sizes.0, &sizes.1])).await?;
        }
    }
    Ok(())
}

/// Returns the next ticks to combine into a fine candle, and into a coarse one.
async fn due(
    client: &Client,
    retention: Retention,
) -> Result<(Option<Range<i64>>, Option<Range<i64>>), PgError> {
    let row = with_timeout(client.query_one(ENDS, &[&retention.fine])).await?;
    let fine = match (row.try_get(0)?, row.try_get(1)?) {
        (Some(oldest), Some(newest)) => retention.next_fine(oldest, newest),
        _ => None,
    };
    let coarse = match (row.try_get(2)?, row.try_get(3)?) {
        (Some(oldest), Some(newest)) => retention.next_coarse(oldest, newest),
        _ => None,
    };
    Ok((fine, coarse))
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
