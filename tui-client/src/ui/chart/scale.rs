//! Maps prices to rows of dots and selects round prices for labels. Integer arithmetic only.

use super::hundredths;
use crate::app::portfolio::money::{Centitokens, Permille};
use crate::ui::text;

/// Margin above the highest and below the lowest price, in quarters of a row; labels use it.
const MARGIN_QUARTERS: i64 = 5;

/// Smallest range in tokens, so that a few close prices do not fill the height.
const MIN_SPAN: i64 = 4;

/// Fewest steps on the scale; both ends are multiples of a step.
const STEPS: i64 = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    bottom: i64,
    top: i64,
    dots: i64,
    /// Dots per row.
    pub(super) per_row: u16,
}

fn dots(rows: u16, per_row: u16) -> i64 {
    (i64::from(rows) * i64::from(per_row)).max(1)
}

impl Scale {
    /// Creates a scale with a margin around `low` to `high`. Its ends are rounded, so that it does not change
    /// with every small price move.
    pub(super) fn new(low: i32, high: i32, rows: u16, per_row: u16) -> Self {
        let (low, high) = (i64::from(low), i64::from(high.max(low)));
        let dots = dots(rows, per_row);
        let span = high - low;
        let margin = (MARGIN_QUARTERS * i64::from(per_row) + 3) / 4;
        let inner = (dots - margin * 2).max(1);
        let spare = (MIN_SPAN - span).max(0) / 2;
        let pad = span * margin / inner + spare + 1;
        let (bottom, top) = (low - pad, high + pad);
        let round = round_step((top - bottom) / STEPS);
        let floor = |price: i64| price.div_euclid(round) * round;
        Self {
            bottom: floor(bottom),
            top: floor(top + round - 1),
            dots,
            per_row,
        }
    }

    /// Creates a scale that `low` to `high` fill exactly; a single price is in the middle.
    pub(super) fn exact(low: i32, high: i32, rows: u16, per_row: u16) -> Self {
        let (low, high) = (i64::from(low), i64::from(high.max(low)));
        let spare = i64::from(low == high);
        Self {
            bottom: low - spare,
            top: high + spare,
            dots: dots(rows, per_row),
            per_row,
        }
    }

    /// Returns the row of a price; 0 is the topmost.
    pub(super) fn row(&self, price: i32) -> u16 {
        self.row_of_hundredths(hundredths(price))
    }

    /// Returns the price in the middle of a row, at least 1.
    pub(super) fn price_at(&self, row: u16) -> i32 {
        let last = (self.dots - 1).max(1);
        let dot = (i64::from(row) * i64::from(self.per_row) + i64::from(self.per_row) / 2).min(last);
        let price = self.top - ((self.top - self.bottom) * dot + last / 2) / last;
        i32::try_from(price.max(1)).unwrap_or(i32::MAX)
    }

    pub(super) fn row_of_hundredths(&self, price: Centitokens) -> u16 {
        text::cells(self.dot_of_hundredths(price) / usize::from(self.per_row))
    }

    /// Returns the dot row of a price, clamped to the scale; 0 is the topmost.
    pub(super) fn dot(&self, price: i32) -> usize {
        self.dot_of_hundredths(hundredths(price))
    }

    pub(super) fn dot_of_hundredths(&self, Centitokens(hundredths): Centitokens) -> usize {
        let down = (self.top * 100).saturating_sub(hundredths);
        let span = (self.top - self.bottom) * 100;
        let last = self.dots - 1;
        let dot = down.saturating_mul(last).saturating_add(span / 2) / span;
        usize::try_from(dot.clamp(0, last)).unwrap_or(0)
    }

    pub(super) fn contains(&self, Centitokens(hundredths): Centitokens) -> bool {
        (self.bottom * 100..=self.top * 100).contains(&hundredths)
    }

    /// Returns about `most` round prices on the scale, in ascending order.
    pub(super) fn labels(&self, most: u16) -> Vec<i32> {
        let prices = round_between(self.bottom, self.top, most).filter(|price| *price > 0);
        prices.filter_map(|price| i32::try_from(price).ok()).collect()
    }

    /// Returns about `most` round changes from `base` on the scale, in ascending order.
    pub(super) fn ratios(&self, base: i32, most: u16) -> Vec<Permille> {
        let base = i64::from(base);
        let ratio = |price: i64| Permille::from_change(price - base, base).map_or(0, |ratio| ratio.0);
        let ratios = round_between(ratio(self.bottom), ratio(self.top), most);
        ratios.filter(|ratio| *ratio > -1000).map(Permille).collect()
    }
}

/// Returns about `most` multiples of a round number, above `bottom` and up to `top`.
fn round_between(bottom: i64, top: i64, most: u16) -> impl Iterator<Item = i64> {
    let step = round_step((top - bottom) / i64::from(most.max(1)));
    let first = (bottom.div_euclid(step) + 1) * step;
    std::iter::successors(Some(first), move |label| label.checked_add(step))
        .take_while(move |label| *label <= top)
}

/// Returns the smallest of 1, 2, 5, 10, 20, 50, … that is at least `least`.
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
    fn a_single_price_is_in_the_middle() {
        assert_eq!(Scale::new(7, 7, 5, 4).dot(7), 10);
        assert_eq!(Scale::new(i32::MAX, i32::MAX, 5, 4).dot(i32::MAX), 10);
    }

    #[test]
    fn prices_off_the_scale_are_clamped_to_its_edge() {
        let scale = Scale::new(10, 20, 10, 4);
        assert_eq!(scale.dot(i32::MAX), 0);
        assert_eq!(scale.dot(i32::MIN), 39);
        assert!(scale.contains(Centitokens(1_050)));
        assert!(!scale.contains(Centitokens(100_000)));
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
    fn a_scale_without_height_does_not_panic() {
        for rows in 0..12 {
            for scale in [
                Scale::new(1, i32::MAX, rows, 4),
                Scale::exact(1, i32::MAX, rows, 8),
            ] {
                assert!(scale.dot(5) <= usize::from(rows * 8));
                assert!(scale.row(5) <= rows);
            }
        }
    }

    #[test]
    fn the_price_of_a_row_is_in_that_row() {
        for (low, high, rows) in [(10, 90, 12), (80, 120, 9), (1, i32::MAX, 20), (7, 7, 5)] {
            let scale = Scale::new(low, high, rows, 4);
            for row in 0..rows {
                let price = scale.price_at(row);
                let near = scale.row(price).abs_diff(row);
                assert!(
                    near == 0 || price == 1 || price == i32::MAX,
                    "{low} {high} {row}: {price}"
                );
            }
        }
        assert!(Scale::exact(5, 5, 0, 8).price_at(0) >= 1);
    }

    #[test]
    fn an_exact_scale_has_no_margin() {
        let scale = Scale::exact(10, 20, 3, 8);
        assert_eq!((scale.dot(20), scale.dot(10)), (0, 23));
        assert_eq!(Scale::exact(7, 7, 3, 8).dot(7), 12);
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
