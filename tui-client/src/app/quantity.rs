//! How many stocks an order is for, in the ways a trader says it: `10`, `2.5k`, `50%`, `$500`, as many as possible.
//!
//! Owns how a quantity is typed and what it comes to. Whole numbers only; what does not come out even is rounded down.

use super::{
    money::{Side, TOKENS_PER_DOLLAR},
    wallet::Holdings,
};

/// Characters a quantity may have.
pub const MAX_TYPED_CHARS: usize = 12;

/// Digits behind a point that still count: a thousandth of a thousand is one.
const MAX_DECIMALS: usize = 3;

/// How many stocks an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// So many, at least 0 (0 while something is being typed).
    Count(i32),
    /// As many as the tokens buy, or as many as are held.
    Max,
    /// So many percent of that, 1 to 100.
    Share(i32),
    /// As many as so many dollars' worth of tokens buy, or as are worth so many dollars; at least 1.
    Worth(i32),
}

impl Quantity {
    /// Understands what was typed: `10`, `2.5k`, `50%`, `$500`, `$1.2k`. `None`: that is no quantity, or does not fit.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        if let Some(dollars) = typed.strip_prefix('$') {
            return whole(dollars).filter(|dollars| *dollars >= 1).map(Self::Worth);
        }
        match typed.strip_suffix('%') {
            Some(percent) => {
                let percent: i32 = percent.parse().ok()?;
                (1..=100).contains(&percent).then_some(Self::Share(percent))
            }
            None => whole(typed).map(Self::Count),
        }
    }

    /// How many stocks that is on `side` at `price`. `None`: what it depends on is not known, or it does not fit.
    #[must_use]
    pub fn count(self, side: Side, price: i32, holdings: &Holdings) -> Option<i32> {
        match self {
            Self::Count(count) => Some(count),
            Self::Max => most(side, 100, price, holdings),
            Self::Share(percent) => most(side, percent, price, holdings),
            Self::Worth(dollars) => {
                let tokens = i64::from(dollars).checked_mul(TOKENS_PER_DOLLAR)?;
                i32::try_from(tokens.checked_div(i64::from(price))?).ok()
            }
        }
    }
}

/// As many stocks as `percent` of the tokens buy, or `percent` of the stocks held.
fn most(side: Side, percent: i32, price: i32, holdings: &Holdings) -> Option<i32> {
    let part = |of: i32| i64::from(of).checked_mul(i64::from(percent))?.checked_div(100);
    let count = match side {
        Side::Buy => part(holdings.tokens()?)?.checked_div(i64::from(price))?,
        Side::Sell => part(holdings.wallet()?.stocks)?,
    };
    i32::try_from(count).ok()
}

/// A number that comes out whole: `10`, `10.`, `2.5k`.
fn whole(typed: &str) -> Option<i32> {
    let (number, factor) = match typed.strip_suffix('k') {
        Some(thousands) => (thousands, 1000),
        None => (typed, 1),
    };
    let (units, decimals) = number.split_once('.').unwrap_or((number, ""));
    if units.is_empty() || decimals.len() > MAX_DECIMALS {
        return None;
    }
    let digits = format!("{units}{decimals}");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i64.checked_pow(u32::try_from(decimals.len()).ok()?)?;
    let scaled = digits.parse::<i64>().ok()?.checked_mul(factor)?;
    let comes_out_even = scaled.checked_rem(scale)? == 0;
    let number = i32::try_from(scaled.checked_div(scale)?).ok()?;
    comes_out_even.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::wallet::Wallet;

    #[test]
    fn what_a_trader_types_is_understood() {
        for (typed, expected) in [
            ("10", Some(Quantity::Count(10))),
            ("0", Some(Quantity::Count(0))),
            ("2.5k", Some(Quantity::Count(2500))),
            ("1.234k", Some(Quantity::Count(1234))),
            ("2.", Some(Quantity::Count(2))),
            ("2.0", Some(Quantity::Count(2))),
            ("2.5", None),
            ("1.2345k", None),
            ("2147483647", Some(Quantity::Count(i32::MAX))),
            ("2147483648", None),
            ("3000000k", None),
            ("50%", Some(Quantity::Share(50))),
            ("100%", Some(Quantity::Share(100))),
            ("0%", None),
            ("101%", None),
            ("5.5%", None),
            ("$500", Some(Quantity::Worth(500))),
            ("$1.2k", Some(Quantity::Worth(1200))),
            ("$0", None),
            ("$", None),
            ("", None),
            ("k", None),
            (".5k", None),
            ("-1", None),
            ("+1", None),
            ("$-1", None),
            ("1 0", None),
            ("٣", None),
        ] {
            assert_eq!(Quantity::parse(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn it_comes_to_whole_stocks() {
        let held = Holdings::Known(Wallet {
            tokens: 505,
            stocks: 7,
            ..Wallet::default()
        });
        let tokens_only = Holdings::TokensOnly(505);
        for (quantity, side, price, holdings, expected) in [
            (Quantity::Max, Side::Buy, 10, held, Some(50)),
            (Quantity::Max, Side::Sell, 10, held, Some(7)),
            (Quantity::Share(50), Side::Buy, 10, held, Some(25)),
            (Quantity::Share(50), Side::Sell, 10, held, Some(3)),
            (Quantity::Share(1), Side::Buy, 10, held, Some(0)),
            (Quantity::Worth(10), Side::Buy, 10, held, Some(5)),
            (Quantity::Worth(10), Side::Sell, 15, held, Some(3)),
            (Quantity::Worth(i32::MAX), Side::Buy, 1, held, None),
            (Quantity::Max, Side::Sell, 10, tokens_only, None),
            (Quantity::Worth(10), Side::Sell, 10, tokens_only, Some(5)),
            (Quantity::Max, Side::Buy, 10, Holdings::Unknown, None),
            (Quantity::Max, Side::Buy, 0, held, None),
        ] {
            assert_eq!(
                quantity.count(side, price, &holdings),
                expected,
                "{quantity:?} {side:?} at {price}"
            );
        }
    }
}
