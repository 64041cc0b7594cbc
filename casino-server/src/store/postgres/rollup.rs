//! Rolling up: old ticks become candles, a few groups at a time, by the casino that moves the price.
//!
//! A group becomes a candle in one statement, so that no reader and no crash ever finds a tick twice or not at all; and of
//! two casinos that roll up the same group, the second finds nothing left of it. What is due is said by
//! [`history`](crate::history).

use std::ops::Range;

use tokio_postgres::Client;

use super::{connect::in_time, failure::Fault};
use crate::history::Retention;

/// Groups that are rolled up at once at most. One a minute of ticks would do; a past that was kept otherwise is made up
/// for in time.
const GROUPS_MAX: usize = 8;

/// Rolls up what is due, as far as may be at once.
pub(super) async fn roll_up(client: &Client, retention: Retention) -> Result<(), Fault> {
    for _ in 0..GROUPS_MAX {
        let (fine, coarse) = due(client, retention).await?;
        if fine.is_none() && coarse.is_none() {
            return Ok(());
        }
        if let Some(Range { start, end }) = fine {
            in_time(client.execute(TO_FINE, &[&start, &end, &retention.fine])).await?;
        }
        if let Some(Range { start, end }) = coarse {
            let sizes = (retention.fine, retention.coarse);
            in_time(client.execute(TO_COARSE, &[&start, &end, &sizes.0, &sizes.1])).await?;
        }
    }
    Ok(())
}

/// The ticks that are to become a fine candle, and those whose fine candles are to become a coarse one.
async fn due(
    client: &Client,
    retention: Retention,
) -> Result<(Option<Range<i64>>, Option<Range<i64>>), Fault> {
    let row = in_time(client.query_one(ENDS, &[&retention.fine])).await?;
    let fine = match (row.try_get(0)?, row.try_get(1)?) {
        (Some(oldest), Some(newest)) => retention.due_fine(oldest, newest),
        _ => None,
    };
    let coarse = match (row.try_get(2)?, row.try_get(3)?) {
        (Some(oldest), Some(newest)) => retention.due_coarse(oldest, newest),
        _ => None,
    };
    Ok((fine, coarse))
}

/// The ends of the ticks that are kept one by one, and of the fine candles.
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
