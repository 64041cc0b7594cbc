//! Combines old ticks into candles, in the transaction that applies new ticks.

use std::ops::Range;

use rusqlite::{Connection, Params, Row, params};

use crate::domain::candles::Retention;

/// Maximum groups per call: catches up gradually, without delaying the log.
const GROUPS_MAX: usize = 8;

pub(super) fn roll_up(connection: &Connection, retention: Retention) -> rusqlite::Result<()> {
    let Retention { fine, coarse, .. } = retention;
    for _ in 0..GROUPS_MAX {
        let ticks = ends(connection, TICK_ENDS, [])?;
        let due = ticks.and_then(|(oldest, newest)| retention.next_fine(oldest, newest));
        let Some(Range { start, end }) = due else {
            return Ok(());
        };
        execute(connection, TO_FINE, params![start, end, fine])?;
        execute(connection, DELETE_TICKS, params![start, end])?;
        let candles = ends(connection, CANDLE_ENDS, [fine])?;
        let due = candles.and_then(|(oldest, newest)| retention.next_coarse(oldest, newest));
        if let Some(Range { start, end }) = due {
            execute(connection, TO_COARSE, params![start, end, fine, coarse])?;
            execute(connection, DELETE_CANDLES, params![start, end, fine])?;
        }
    }
    Ok(())
}

/// Returns the first and last tick, `None` if there are no ticks.
fn ends(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<Option<(i64, i64)>> {
    let read = |row: &Row<'_>| Ok(row.get::<_, Option<i64>>(0)?.zip(row.get(1)?));
    connection.prepare_cached(sql)?.query_row(params, read)
}

fn execute(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(params)
}

const TICK_ENDS: &str = "SELECT (SELECT min(number) FROM ticks), (SELECT max(number) FROM ticks)";

const CANDLE_ENDS: &str = "
SELECT (SELECT first FROM candles WHERE size = ?1 ORDER BY first LIMIT 1),
    (SELECT first + ticks - 1 FROM candles WHERE size = ?1 ORDER BY first DESC LIMIT 1)";

const TO_FINE: &str = "
INSERT INTO candles (size, first, ticks, open, high, low, close, since_unix_ms, until_unix_ms)
    SELECT ?3, oldest.number, newest.number - oldest.number + 1, oldest.price,
        (SELECT max(price) FROM ticks WHERE number >= ?1 AND number < ?2),
        (SELECT min(price) FROM ticks WHERE number >= ?1 AND number < ?2),
        newest.price, oldest.at_unix_ms, newest.at_unix_ms
    FROM (SELECT * FROM ticks WHERE number >= ?1 ORDER BY number LIMIT 1) AS oldest,
        (SELECT * FROM ticks WHERE number < ?2 ORDER BY number DESC LIMIT 1) AS newest";

const DELETE_TICKS: &str = "DELETE FROM ticks WHERE number >= ?1 AND number < ?2";

const TO_COARSE: &str = "
INSERT INTO candles (size, first, ticks, open, high, low, close, since_unix_ms, until_unix_ms)
    SELECT ?4, oldest.first, newest.first + newest.ticks - oldest.first, oldest.open,
        (SELECT max(high) FROM candles WHERE size = ?3 AND first >= ?1 AND first < ?2),
        (SELECT min(low) FROM candles WHERE size = ?3 AND first >= ?1 AND first < ?2),
        newest.close, oldest.since_unix_ms, newest.until_unix_ms
    FROM (SELECT * FROM candles WHERE size = ?3 AND first >= ?1 ORDER BY first LIMIT 1) AS oldest,
        (SELECT * FROM candles WHERE size = ?3 AND first < ?2 ORDER BY first DESC LIMIT 1) AS newest";

const DELETE_CANDLES: &str = "DELETE FROM candles WHERE size = ?3 AND first >= ?1 AND first < ?2";
