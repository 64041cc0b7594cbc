//! Whole dollars.

use std::fmt;

use awesomestock_proto::text::thousands;

/// Whole dollars: negative if paid in, positive if paid out. Displayed as `-1,000`, `0`, `+25`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars(i64);

impl Dollars {
    /// No dollars.
    pub const ZERO: Self = Self(0);

    /// Returns `None` on overflow.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

impl From<i32> for Dollars {
    fn from(amount: i32) -> Self {
        Self(i64::from(amount))
    }
}

impl From<i64> for Dollars {
    fn from(amount: i64) -> Self {
        Self(amount)
    }
}

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 > 0 { "+" } else { "" };
        f.pad(&format!("{sign}{}", thousands(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_show_sign_and_thousands() {
        for (amount, shown) in [
            (0, "0"),
            (1, "+1"),
            (-1, "-1"),
            (999, "+999"),
            (-1000, "-1,000"),
            (12_345, "+12,345"),
            (-123_456, "-123,456"),
            (1_234_567, "+1,234,567"),
            (i64::from(i32::MIN), "-2,147,483,648"),
            (i64::MIN, "-9,223,372,036,854,775,808"),
            (i64::MAX, "+9,223,372,036,854,775,807"),
        ] {
            assert_eq!(Dollars::from(amount).to_string(), shown);
        }
    }

    #[test]
    fn overflowing_sums_are_none() {
        let most = Dollars::from(i64::MAX);
        let least = Dollars::from(i64::MIN);
        assert_eq!(most.checked_add(Dollars::from(1)), None);
        assert_eq!(least.checked_add(Dollars::from(-1)), None);
        assert_eq!(most.checked_add(Dollars::ZERO), Some(most));
    }
}
