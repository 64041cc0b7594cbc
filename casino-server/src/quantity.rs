//! Core: the quantities of the game, one type each, so that tokens are never taken for dollars or stocks.
//!
//! Owns units, their bounds and how they are written in words. It knows no rule of the game but the rate of exchange.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Tokens that one dollar buys, and that are taken back for one dollar.
pub(crate) const TOKENS_PER_DOLLAR: i32 = 5;

/// Declares a count of things: a tagged `i32` that is written with its unit.
macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $one:literal, $many:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) struct $name(pub(crate) i32);

        impl $name {
            /// The bare number, wide enough for sums and products of two.
            pub(crate) fn wide(self) -> i64 {
                i64::from(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let unit = if self.0 == 1 { $one } else { $many };
                write!(f, "{} {unit}", self.0)
            }
        }
    };
}

quantity!(
    /// Tokens. A balance is never below 0 and fits `i32`; an amount asked for may be anything until it is checked.
    Tokens, "token", "tokens"
);
quantity!(
    /// Stocks. A holding is never below 0 and fits `i32`; a count asked for may be anything until it is checked.
    Stocks, "stock", "stocks"
);
quantity!(
    /// Whole dollars, without a sign for the direction they go.
    Dollars, "dollar", "dollars"
);

/// Tokens for one stock, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i32")]
pub(crate) struct Price(i32);

impl Price {
    /// The lowest price there is.
    pub(crate) const MIN: Self = Self(1);

    /// `tokens` as a price, if it is at least 1.
    pub(crate) fn new(tokens: i32) -> Option<Self> {
        (tokens >= Self::MIN.0).then_some(Self(tokens))
    }

    /// The bare number of tokens.
    pub(crate) fn get(self) -> i32 {
        self.0
    }

    /// What `count` stocks come to at this price, in tokens. Two `i32` always fit, so nothing is cut off.
    pub(crate) fn times(self, count: Stocks) -> i64 {
        i64::from(self.0).saturating_mul(count.wide())
    }
}

impl TryFrom<i32> for Price {
    type Error = &'static str;

    fn try_from(tokens: i32) -> Result<Self, Self::Error> {
        Self::new(tokens).ok_or("a price is at least 1 token")
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Tokens(self.0).fmt(f)
    }
}

/// A moment, in milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct UnixMillis(pub(crate) i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_with_their_unit() {
        for (written, expected) in [
            (Tokens(0).to_string(), "0 tokens"),
            (Tokens(1).to_string(), "1 token"),
            (Tokens(-7).to_string(), "-7 tokens"),
            (Stocks(1).to_string(), "1 stock"),
            (Stocks(2).to_string(), "2 stocks"),
            (Dollars(1).to_string(), "1 dollar"),
            (Price::MIN.to_string(), "1 token"),
        ] {
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn a_price_is_at_least_one() {
        for (tokens, allowed) in [
            (i32::MIN, false),
            (-1, false),
            (0, false),
            (1, true),
            (i32::MAX, true),
        ] {
            assert_eq!(Price::new(tokens).is_some(), allowed, "{tokens}");
        }
    }

    #[test]
    fn the_largest_product_fits() {
        let price = Price::new(i32::MAX).unwrap();
        assert_eq!(price.times(Stocks(i32::MAX)), 4_611_686_014_132_420_609);
    }
}
