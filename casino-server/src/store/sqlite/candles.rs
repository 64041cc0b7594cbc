//! Combines old ticks into candles, in the transaction that applies new ticks.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::candles::Retention;

/// Maximum groups per call: catches up gradually, without delaying the log.
const GROUPS_MAX: usize = 8;

pub(super) fn roll_up(connection: &Connection, retention: Retention) -> rusqlite::Result<()> {
    for _ in 0..GROUPS_MAX {
        let Some(group) = due_fine(connection, retention)? else {
            return Ok(());
        };
        to_fine_candle(connection, retention, &group)?;
        if let Some(group) = due_coarse(connection, retention)? {
            to_coarse_candle(connection, retention, &group)?;
        }
    }
    Ok(())
}

fn due_fine(connection: &Connection, retention: Retention) -> rusqlite::Result<Option<Range<i64>>> {
    let ends = connection
        .prepare_cached("SELECT (SELECT min(number) FROM ticks), (SELECT max(number) FROM ticks)")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(oldest), Some(newest)) = ends else {
        return Ok(None);
    };
    Ok(retention.next_fine(oldest, newest))
}

fn due_coarse(connection: &Connection, retention: Retention) -> rusqlite::Result<Option<Range<i64>>> {
    let mut end = connection.prepare_cached(
        "SELECT (SELECT first FROM candles WHERE size = ?1 ORDER BY first LIMIT 1),
             (SELECT first + ticks - 1 FROM candles WHERE size = ?1 ORDER BY first DESC LIMIT 1)",
    )?;
    let ends = end
        .query_row([retention.fine], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((Some(oldest), Some(newest))) = ends else {
        return Ok(None);
    };
    Ok(retention.next_coarse(oldest, newest))
}

fn to_fine_candle(connection: &Connection, retention: Retention, group: &Range<i64>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO candles (size, first, ticks, open, high, low, close, since_unix_ms, until_unix_ms)
             SELECT ?3, oldest.number, newest.number - oldest.number + 1, oldest.price,
                 (SELECT max(price) FROM ticks WHERE number >= ?1 AND number < ?2),
                 (SELECT min(price) FROM ticks WHERE number >= ?1 AND number < ?2),
                 newest.price, oldest.at_unix_ms, newest.at_unix_ms
             FROM (SELECT * FROM ticks WHERE number >= ?1 ORDER BY number LIMIT 1) AS oldest,
                 (SELECT * FROM ticks WHERE number < ?2 ORDER BY number DESC LIMIT 1) AS newest",
        )?
        .execute(params![group.start, group.end, retention.fine])?;
    connection
        .prepare_cached("DELETE FROM ticks WHERE number >= ?1 AND number < ?2")?
        .execute(params![group.start, group.end])?;
    Ok(())
}

fn to_coarse_candle(
    connection: &Connection,
    retention: Retention,
    group: &Range<i64>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO candles (size, first, ticks, open, high, low, close, since_unix_ms, until_unix_ms)
             SELECT ?4, oldest.first, newest.first + newest.ticks - oldest.first, oldest.open,
                 (SELECT max(high) FROM candles WHERE size = ?3 AND first >= ?1 AND first < ?2),
                 (SELECT min(low) FROM candles WHERE size = ?3 AND first >= ?1 AND first < ?2),
                 newest.close, oldest.since_unix_ms, newest.until_unix_ms
             FROM (SELECT * FROM candles WHERE size = ?3 AND first >= ?1 ORDER BY first LIMIT 1) AS oldest,
                 (SELECT * FROM candles WHERE size = ?3 AND first < ?2 ORDER BY first DESC LIMIT 1) AS newest",
        )?
        .execute(params![group.start, group.end, retention.fine, retention.coarse])?;
    connection
        .prepare_cached("DELETE FROM candles WHERE size = ?3 AND first >= ?1 AND first < ?2")?
        .execute(params![group.start, group.end, retention.fine])?;
    Ok(())
}
