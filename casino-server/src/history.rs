//! Core: how the past of the price is kept: the newest ticks one by one, older ones as candles, still older ones as
//! larger candles.
//!
//! Owns what is rolled up and when. Every tick is in exactly one place: a tick of its own, or one candle. It knows no
//! table and no file.

use std::ops::Range;

use crate::quantity::{Price, UnixMillis};

/// Ticks in a row, as what became of the price over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candle {
    /// The number of its first tick.
    pub(crate) first: i64,
    /// How many ticks it holds.
    pub(crate) ticks: i64,
    /// The price of its first tick.
    pub(crate) open: Price,
    /// The highest price.
    pub(crate) high: Price,
    /// The lowest price.
    pub(crate) low: Price,
    /// The price of its last tick.
    pub(crate) close: Price,
    /// When its first tick came into force.
    pub(crate) since: UnixMillis,
    /// When its last tick came into force.
    pub(crate) until: UnixMillis,
}

/// How much of the past is kept how closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    /// The newest ticks that are kept one by one, at least.
    pub(crate) ticks: i64,
    /// Ticks of a fine candle.
    pub(crate) fine: i64,
    /// The newest ticks, at least, that are kept no coarser than in fine candles.
    pub(crate) fine_ticks: i64,
    /// Ticks of a coarse candle; a multiple of a fine one's.
    pub(crate) coarse: i64,
}

/// 100,000 ticks one by one: a day at one a second; then candles of 60 ticks, for 70 days; then candles of 3,600. A
/// year is some 200,000 rows.
pub(crate) const RETENTION: Retention = Retention {
    ticks: 100_000,
    fine: 60,
    fine_ticks: 100_000 * 60,
    coarse: 3_600,
};

impl Retention {
    /// The ticks that are to become a fine candle next, when `oldest` and `newest` are the ends of those kept one by
    /// one.
    pub(crate) fn due_fine(self, oldest: i64, newest: i64) -> Option<Range<i64>> {
        due(oldest, newest, self.ticks, self.fine)
    }

    /// The ticks whose fine candles are to become a coarse one next, when the oldest fine candle begins with `oldest`
    /// and the newest ends with `newest`.
    pub(crate) fn due_coarse(self, oldest: i64, newest: i64) -> Option<Range<i64>> {
        due(oldest, newest, self.fine_ticks, self.coarse)
    }
}

/// The oldest group of `size` that lies wholly before the newest `kept`. Groups begin at multiples of their size, so
/// that no tick can be in two.
fn due(oldest: i64, newest: i64, kept: i64, size: i64) -> Option<Range<i64>> {
    let begun = oldest.checked_sub(oldest.checked_rem_euclid(size)?)?;
    let end = begun.checked_add(size)?;
    let older = newest.checked_sub(kept)?.checked_add(1)?;
    (end <= older).then_some(oldest..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_due_when_all_of_it_is_old_enough() {
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
            assert_eq!(due(oldest, newest, 100, 10), expected, "{oldest} to {newest}");
        }
    }
}
