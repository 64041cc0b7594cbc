//! Order quantities as traders type them: `10`, `2.5k`, `50%`, `$500`, or the maximum. Fractions are rounded down.

use super::money::{Side, TOKENS_PER_DOLLAR};
use super::wallet::WalletState;

pub(crate) const MAX_TYPED_CHARS: usize = 12;

/// Most decimals: three, because `k` means thousand.
const MAX_DECIMALS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// A number of stocks, at least 0.
    Count(i32),
    /// The most that the tokens buy, or all stocks held.
    Max,
    /// A percentage of the maximum, 1 to 100.
    Share(i32),
    /// Stocks worth this many dollars, at least 1.
    Worth(i32),
}

impl Quantity {
    /// Parses a quantity; `None` if it is invalid or out of range.
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

    /// Returns the number of stocks; `None` if the wallet is unknown or the result is out of range.
    pub fn count(self, side: Side, price: i32, holdings: &WalletState) -> Option<i32> {
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

/// Returns the stocks that `percent` of the tokens buy, or `percent` of the stocks held.
fn most(side: Side, percent: i32, price: i32, holdings: &WalletState) -> Option<i32> {
    let part = |of: i32| i64::from(of).checked_mul(i64::from(percent))?.checked_div(100);
    let count = match side {
        Side::Buy => part(holdings.tokens()?)?.checked_div(i64::from(price))?,
        Side::Sell => part(holdings.wallet()?.stocks)?,
    };
    i32::try_from(count).ok()
}

/// Parses a number without remainder: `10`, `10.`, `2.5k`.
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
    use crate::app::portfolio::wallet::Wallet;

    #[test]
    fn quantities_are_parsed() {
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
    fn quantities_become_whole_stocks() {
        let held = WalletState::Known(Wallet {
            tokens: 505,
            stocks: 7,
            ..Wallet::default()
        });
        let tokens_only = WalletState::TokensOnly(505);
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
            (Quantity::Max, Side::Buy, 10, WalletState::Unknown, None),
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
