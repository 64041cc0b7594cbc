//! Retention of the price history: recent ticks, then fine candles, then coarse candles. Each tick is in exactly
//! one place.

use std::ops::Range;

use crate::domain::money::{Price, UnixMillis};

/// A run of consecutive ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candle {
    /// Number of the first tick.
    pub(crate) first: i64,
    /// Number of ticks.
    pub(crate) ticks: i64,
    pub(crate) open: Price,
    pub(crate) high: Price,
    pub(crate) low: Price,
    pub(crate) close: Price,
    /// Time of the first tick.
    pub(crate) since: UnixMillis,
    /// Time of the last tick.
    pub(crate) until: UnixMillis,
}

/// Sizes of the three levels of price history, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Newest ticks kept individually, at least.
    pub(crate) ticks: i64,
    /// Ticks of a fine candle.
    pub(crate) fine: i64,
    /// Newest ticks kept at least as fine candles.
    pub(crate) fine_ticks: i64,
    /// Ticks of a coarse candle; a multiple of `fine`.
    pub(crate) coarse: i64,
}

/// At one tick a second: a day of ticks, 70 days of 60-tick candles, then 3,600-tick candles. About 200,000 rows a
/// year.
pub(crate) const RETENTION: Retention = Retention {
    ticks: 100_000,
    fine: 60,
    fine_ticks: 100_000 * 60,
    coarse: 3_600,
};

impl Retention {
    /// Returns the next ticks to combine, given the oldest and newest tick stored individually.
    pub(crate) fn next_fine(self, oldest: i64, newest: i64) -> Option<Range<i64>> {
        oldest_complete_group(oldest, newest, self.ticks, self.fine)
    }

    /// Returns the next ticks whose fine candles to combine, given the range of the fine candles.
    pub(crate) fn next_coarse(self, oldest: i64, newest: i64) -> Option<Range<i64>> {
        oldest_complete_group(oldest, newest, self.fine_ticks, self.coarse)
    }
}

/// Returns the oldest group of `size` before the newest `kept` ticks. Groups start at multiples of `size`.
fn oldest_complete_group(oldest: i64, newest: i64, kept: i64, size: i64) -> Option<Range<i64>> {
    let start = oldest.checked_sub(oldest.checked_rem_euclid(size)?)?;
    let end = start.checked_add(size)?;
    let older = newest.checked_sub(kept)?.checked_add(1)?;
    (end <= older).then_some(oldest..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_complete_when_all_of_it_is_old_enough() {
        for (oldest, newest, expected) in [
            (0, 0, None),
            (0, 108, None),
            (0, 109, Some(0..10)),
            (0, 1_000_000, Some(0..10)),
            (10, 118, None),
            (10, 119, Some(10..20)),
            (13, 119, Some(13..20)),
            (0, i64::MAX, Some(0..10)),
            (i64::MAX - 1, i64::MAX, None),
            (0, i64::MIN, None),
        ] {
            assert_eq!(
                oldest_complete_group(oldest, newest, 100, 10),
                expected,
                "{oldest} to {newest}"
            );
        }
    }
}
