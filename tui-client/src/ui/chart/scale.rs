//! From a price to a row of dots, and the round prices worth a label.
//!
//! Owns the range of prices a chart shows. Whole numbers only.

use crate::app::money::{Centitokens, Permille};

/// Quarters of a row kept free above the highest and below the lowest price, for their labels.
const MARGIN_QUARTERS: i64 = 5;

/// Least span: one price, or a few close to each other, do not fill the height.
const MIN_SPAN: i64 = 4;

/// Steps of round prices a scale has at least: its ends are on such a step.
const STEPS: i64 = 12;

/// A range of prices over a height of dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    bottom: i64,
    top: i64,
    dots: i64,
    /// Dots of a row.
    per_row: u16,
}

impl Scale {
    /// The scale on which prices from `low` to `high` fill `rows` rows of `per_row` dots, with a margin. Its ends are
    /// round, so that it stays as it is while the prices move a little.
    pub(super) fn new(low: i32, high: i32, rows: u16, per_row: u16) -> Self {
        let (low, high) = (i64::from(low), i64::from(high.max(low)));
        let dots = i64::from(rows.saturating_mul(per_row).max(1));
        let span = high.saturating_sub(low);
        let spare = MIN_SPAN.saturating_sub(span).max(0) / 2;
        let margin = MARGIN_QUARTERS
            .saturating_mul(i64::from(per_row))
            .saturating_add(3)
            / 4;
        let inner = dots.saturating_sub(margin.saturating_mul(2)).max(1);
        let pad = span
            .saturating_mul(margin)
            .checked_div(inner)
            .unwrap_or(0)
            .saturating_add(spare)
            .saturating_add(1);
        let (bottom, top) = (low.saturating_sub(pad), high.saturating_add(pad));
        let round = round_step(top.saturating_sub(bottom) / STEPS);
        let floor = |price: i64| price.div_euclid(round).saturating_mul(round);
        Self {
            bottom: floor(bottom),
            top: floor(top.saturating_add(round).saturating_sub(1)),
            dots,
            per_row,
        }
    }

    /// The scale on which they fill all of it; one price alone is in the middle.
    pub(super) fn tight(low: i32, high: i32, rows: u16, per_row: u16) -> Self {
        let (low, high) = (i64::from(low), i64::from(high.max(low)));
        let spare = i64::from(low == high);
        Self {
            bottom: low.saturating_sub(spare),
            top: high.saturating_add(spare),
            dots: i64::from(rows.saturating_mul(per_row).max(1)),
            per_row,
        }
    }

    /// The row of a price, 0 for the topmost.
    pub(super) fn row(&self, price: i32) -> u16 {
        self.row_of(self.dot(price))
    }

    /// The row of a price in hundredths.
    pub(super) fn row_of_hundredths(&self, price: Centitokens) -> u16 {
        self.row_of(self.dot_of_hundredths(price))
    }

    /// Dots of a row.
    pub(super) fn per_row(&self) -> u16 {
        self.per_row
    }

    fn row_of(&self, dot: usize) -> u16 {
        u16::try_from(dot)
            .unwrap_or(u16::MAX)
            .checked_div(self.per_row)
            .unwrap_or(0)
    }

    /// The row of dots of a price, 0 for the topmost; a price off the scale is on its edge.
    pub(super) fn dot(&self, price: i32) -> usize {
        self.dot_of_hundredths(Centitokens(i64::from(price).saturating_mul(100)))
    }

    /// [`dot`](Self::dot) of an average.
    pub(super) fn dot_of_hundredths(&self, Centitokens(hundredths): Centitokens) -> usize {
        let down = self.top.saturating_mul(100).saturating_sub(hundredths);
        let span = self.top.saturating_sub(self.bottom).saturating_mul(100);
        let last = self.dots.saturating_sub(1);
        let half = span / 2;
        let dot = down
            .saturating_mul(last)
            .saturating_add(half)
            .checked_div(span)
            .unwrap_or(0);
        usize::try_from(dot.clamp(0, last)).unwrap_or(0)
    }

    /// Whether a price in hundredths is on the scale.
    pub(super) fn shows(&self, Centitokens(hundredths): Centitokens) -> bool {
        (self.bottom.saturating_mul(100)..=self.top.saturating_mul(100)).contains(&hundredths)
    }

    /// Round prices on the scale, lowest first, at most about `most`.
    pub(super) fn labels(&self, most: u16) -> Vec<i32> {
        let span = self.top.saturating_sub(self.bottom);
        let step = round_step(span.checked_div(i64::from(most.max(1))).unwrap_or(span));
        let first = self
            .bottom
            .div_euclid(step)
            .saturating_add(1)
            .saturating_mul(step)
            .max(step);
        std::iter::successors(Some(first), |label| label.checked_add(step))
            .take_while(|label| *label <= self.top)
            .filter_map(|label| i32::try_from(label).ok())
            .collect()
    }

    /// Round ratios to `base` on the scale, lowest first, at most about `most`.
    pub(super) fn ratios(&self, base: i32, most: u16) -> Vec<Permille> {
        let base = i64::from(base);
        let ratio = |price: i64| Permille::of(price.saturating_sub(base), base).map_or(0, |ratio| ratio.0);
        let (bottom, top) = (ratio(self.bottom), ratio(self.top));
        let span = top.saturating_sub(bottom);
        let step = round_step(span.checked_div(i64::from(most.max(1))).unwrap_or(span)).max(1);
        let first = bottom.div_euclid(step).saturating_add(1).saturating_mul(step);
        std::iter::successors(Some(first), |label| label.checked_add(step))
            .take_while(|label| *label <= top)
            .filter(|label| *label > -1000)
            .map(Permille)
            .collect()
    }
}

/// The smallest of 1, 2, 5, 10, 20, 50, … that is at least `least`.
fn round_step(least: i64) -> i64 {
    let mut power = 1_i64;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step >= least {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_stay_off_the_edges_by_the_margin() {
        for (low, high, rows) in [(1, 100, 15), (10, 11, 10), (1, i32::MAX, 50), (7, 7, 5)] {
            let scale = Scale::new(low, high, rows, 4);
            let dots = rows * 4;
            assert!(scale.dot(high) >= 4, "{low} {high} {dots}: {}", scale.dot(high));
            assert!(scale.dot(low) <= usize::from(dots) - 5, "{low} {high} {dots}");
            assert!(scale.dot(low) >= scale.dot(high));
        }
    }

    #[test]
    fn one_price_is_in_the_middle() {
        assert_eq!(Scale::new(7, 7, 5, 4).dot(7), 10);
        assert_eq!(Scale::new(i32::MAX, i32::MAX, 5, 4).dot(i32::MAX), 10);
    }

    #[test]
    fn what_is_off_the_scale_is_on_its_edge() {
        let scale = Scale::new(10, 20, 10, 4);
        assert_eq!(scale.dot(i32::MAX), 0);
        assert_eq!(scale.dot(i32::MIN), 39);
        assert!(scale.shows(Centitokens(1_050)));
        assert!(!scale.shows(Centitokens(100_000)));
    }

    #[test]
    fn labels_are_round_and_few() {
        let cases: [(i32, i32, u16, &[i32]); 4] = [
            (10, 50, 5, &[10, 20, 30, 40, 50]),
            (1, 3, 4, &[1, 2, 3, 4, 5]),
            (0, 2_000_000_000, 4, &[1_000_000_000, 2_000_000_000]),
            (7, 7, 3, &[6, 8, 10]),
        ];
        for (low, high, most, labels) in cases {
            assert_eq!(
                Scale::new(low, high, 15, 4).labels(most),
                labels,
                "{low} to {high}"
            );
        }
        assert!(Scale::new(1, i32::MAX, 15, 4).labels(6).len() <= 7);
    }

    #[test]
    fn no_height_is_no_panic() {
        for rows in 0..12 {
            for scale in [
                Scale::new(1, i32::MAX, rows, 4),
                Scale::tight(1, i32::MAX, rows, 8),
            ] {
                assert!(scale.dot(5) <= usize::from(rows * 8));
                assert!(scale.row(5) <= rows);
            }
        }
    }

    #[test]
    fn a_tight_scale_has_no_margin() {
        let scale = Scale::tight(10, 20, 3, 8);
        assert_eq!((scale.dot(20), scale.dot(10)), (0, 23));
        assert_eq!(Scale::tight(7, 7, 3, 8).dot(7), 12);
    }

    #[test]
    fn ratios_are_round_and_few() {
        let ratios = |low, high, base, most| {
            let ratios = Scale::new(low, high, 15, 4).ratios(base, most);
            ratios.into_iter().map(|ratio| ratio.0).collect::<Vec<_>>()
        };
        assert_eq!(ratios(80, 120, 100, 5), [-200, -100, 0, 100, 200]);
        assert_eq!(ratios(1, 40, 10, 4), [0, 2000]);
        assert!(ratios(1, i32::MAX, 1, 6).len() <= 8);
        assert!(ratios(i32::MAX, i32::MAX, i32::MAX, 6).len() <= 8);
    }
}
