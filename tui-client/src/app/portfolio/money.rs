//! Quantities: whole numbers with checked or saturating arithmetic, never floats.

use serde::{Deserialize, Serialize};

/// Fixed exchange rate, in both directions.
pub(crate) const TOKENS_PER_DOLLAR: i64 = 5;

/// Wall-clock time in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Returns the time `ms` milliseconds later.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Returns the milliseconds since `earlier`, at least 0.
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).max(0)
    }
}

/// Buy or sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Tokens to stocks.
    Buy,
    /// Stocks to tokens.
    Sell,
}

impl Side {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// A ratio in tenths of a percent: 77 is 7.7 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permille(pub i64);

impl Permille {
    /// Returns `part` / `whole`, rounded toward zero; `None` unless `whole` is positive.
    pub(crate) fn from_change(part: i64, whole: i64) -> Option<Self> {
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
