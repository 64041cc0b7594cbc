//! Quantities of the game and how they are reckoned: whole numbers, checked or saturating, never floats.
//!
//! Owns what a number means. It knows nothing of how numbers are written on a screen.

use serde::{Deserialize, Serialize};

/// Tokens a dollar buys, and that a dollar costs (the design's rules of money).
pub const TOKENS_PER_DOLLAR: i64 = 5;

/// A moment of wall-clock time, in milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// This moment and `ms` milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; 0 where `earlier` is later.
    #[must_use]
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).max(0)
    }
}

/// Buy or sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Stocks for tokens.
    Buy,
    /// Tokens for stocks.
    Sell,
}

/// A ratio in tenths of a percent: 77 is 7.7 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permille(pub i64);

impl Permille {
    /// `part` of `whole`, rounded toward zero; `None` where `whole` is 0 or less.
    #[must_use]
    pub fn of(part: i64, whole: i64) -> Option<Self> {
        if whole <= 0 {
            return None;
        }
        let permille = i128::from(part)
            .checked_mul(1000)?
            .checked_div(i128::from(whole))?;
        i64::try_from(permille).ok().map(Self)
    }
}

/// An amount of tokens in hundredths, for averages: 1050 is 10.50 tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Centitokens(pub i64);
