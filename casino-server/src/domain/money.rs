//! Quantities of the game, with one type for each unit.

use std::fmt;

use awesomestock_proto::text::pluralize;
pub(crate) use awesomestock_proto::values::{TOKENS_PER_DOLLAR, UnixMillis};
use serde::{Deserialize, Serialize};

/// Defines an `i32` newtype that is displayed with its unit.
macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) struct $name(pub(crate) i32);

        impl $name {
            /// Returns the number as `i64`, wide enough for sums and products of two.
            pub(crate) fn wide(self) -> i64 {
                i64::from(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&pluralize(self.0, $unit))
            }
        }
    };
}

quantity!(
    /// Tokens. Requested amounts may be out of range until they are checked.
    Tokens, "token"
);
quantity!(
    /// Stocks. Requested counts may be out of range until they are checked.
    Stocks, "stock"
);
quantity!(
    /// Whole dollars.
    Dollars, "dollar"
);

impl Dollars {
    /// Returns the tokens that they buy.
    pub(crate) fn in_tokens(self) -> i64 {
        self.wide().saturating_mul(i64::from(TOKENS_PER_DOLLAR))
    }
}

/// Tokens per stock, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i32")]
pub(crate) struct Price(i32);

impl Price {
    pub(crate) const MIN: Self = Self(1);

    pub(crate) fn new(tokens: i32) -> Option<Self> {
        (tokens >= Self::MIN.0).then_some(Self(tokens))
    }

    pub(crate) fn get(self) -> i32 {
        self.0
    }

    /// Returns the tokens for `count` stocks. The product of two `i32` always fits.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_with_their_unit() {
        for (written, expected) in [
            (Tokens(0).to_string(), "0 tokens"),
            (Tokens(1).to_string(), "1 token"),
            (Tokens(-7).to_string(), "-7 tokens"),
            (Tokens(25_000).to_string(), "25,000 tokens"),
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
