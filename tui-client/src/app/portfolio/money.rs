//! Quantities: whole numbers with checked or saturating arithmetic, never floats.

use std::fmt;

use awesomestock_proto::text::thousands;
use awesomestock_proto::values;
pub use awesomestock_proto::values::{Side, UnixMillis};

/// Fixed exchange rate, in both directions.
pub(crate) const TOKENS_PER_DOLLAR: i64 = values::TOKENS_PER_DOLLAR as i64;

/// A ratio in tenths of a percent: 77 is 7.7 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permille(pub i64);

impl Permille {
    /// Returns `part` / `whole`, rounded half away from zero; `None` unless `whole` is positive.
    pub(crate) fn from_change(part: i64, whole: i64) -> Option<Self> {
        ratio(part, whole, 1000).map(Self)
    }
}

/// `+7.7 %`, `-0.5 %`, `0.0 %`.
impl fmt::Display for Permille {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.0 {
            1.. => "+",
            0 => "",
            ..0 => "-",
        };
        let (whole, tenth) = ((self.0 / 10).abs(), (self.0 % 10).abs());
        write!(f, "{sign}{}.{tenth} %", thousands(whole))
    }
}

/// Returns `part` / `whole` in units of 1 / `scale`, rounded half away from zero; `None` unless `whole` is positive.
pub(crate) fn ratio(part: i64, whole: i64, scale: i32) -> Option<i64> {
    if whole <= 0 {
        return None;
    }
    let (part, whole) = (i128::from(part), i128::from(whole));
    let half = whole.checked_mul(part.signum())?;
    let doubled = part
        .checked_mul(i128::from(scale))?
        .checked_mul(2)?
        .checked_add(half)?;
    i64::try_from(doubled.checked_div(whole.checked_mul(2)?)?).ok()
}

/// An amount of tokens in hundredths, for averages: 1050 is 10.50 tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Centitokens(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_rounded_half_away_from_zero() {
        for (part, whole, scale, rounded) in [
            (1, 3, 100, Some(33)),
            (2, 3, 100, Some(67)),
            (-2, 3, 100, Some(-67)),
            (1, 2000, 1000, Some(1)),
            (-1, 2000, 1000, Some(-1)),
            (-1, 2001, 1000, Some(0)),
            (5447, 10_000, 100, Some(54)),
            (0, 7, 1000, Some(0)),
            (7, 0, 1000, None),
            (7, -1, 1000, None),
            (i64::MAX, 1, 1000, None),
            (i64::MIN, i64::MAX, 1000, Some(-1000)),
        ] {
            assert_eq!(ratio(part, whole, scale), rounded, "{part} / {whole} x {scale}");
        }
    }
}
