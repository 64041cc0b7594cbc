//! The order ticket: how many stocks the next order is for, and what that would do.
//!
//! Owns the quantity and its preview. It decides nothing about the order: the casino does, at its price.

use super::{money::Side, wallet::Holdings};

/// How many stocks the next order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// So many, at least 0 (0 while digits are being typed).
    Count(i32),
    /// As many as the tokens buy, or as many as are held.
    Max,
}

/// The order ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    quantity: Quantity,
    /// Digits are being typed: the next one is appended, and does not start anew.
    typing: bool,
}

/// What an order would do at a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preview {
    /// Stocks.
    pub count: i32,
    /// Tokens to pay (buy) or to get (sell).
    pub total: i64,
    /// Tokens afterwards, where they are known; negative where they do not suffice.
    pub tokens_after: Option<i64>,
    /// Stocks afterwards, where they are known; negative where they do not suffice.
    pub stocks_after: Option<i64>,
}

impl Preview {
    /// Whether the order would pass: at least one stock, and nothing known falls below 0.
    #[must_use]
    pub fn suffices(&self) -> bool {
        self.count > 0
            && self.tokens_after.is_none_or(|tokens| tokens >= 0)
            && self.stocks_after.is_none_or(|stocks| stocks >= 0)
    }
}

impl Default for Ticket {
    fn default() -> Self {
        Self {
            quantity: Quantity::Count(1),
            typing: false,
        }
    }
}

impl Ticket {
    /// How many stocks the next order is for.
    #[must_use]
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// Types a digit (0 to 9). A number that would not fit stays as it is.
    pub fn type_digit(&mut self, digit: u8) {
        let typed = match self.quantity {
            Quantity::Count(count) if self.typing => count,
            Quantity::Count(_) | Quantity::Max => 0,
        };
        let next = typed
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(i32::from(digit)));
        self.quantity = Quantity::Count(next.unwrap_or(typed));
        self.typing = true;
    }

    /// Takes the last digit back.
    pub fn erase_digit(&mut self) {
        self.quantity = match self.quantity {
            Quantity::Count(count) => Quantity::Count(count.checked_div(10).unwrap_or(0)),
            Quantity::Max => Quantity::Count(1),
        };
        self.typing = true;
    }

    /// More or less by `by`, never below 1. From `max` it goes on at 1.
    pub fn step(&mut self, by: i32) {
        let count = match self.quantity {
            Quantity::Count(count) => count.saturating_add(by).max(1),
            Quantity::Max => 1,
        };
        *self = Self {
            quantity: Quantity::Count(count),
            typing: false,
        };
    }

    /// Switches between as many as possible and 1.
    pub fn toggle_max(&mut self) {
        let quantity = match self.quantity {
            Quantity::Count(_) => Quantity::Max,
            Quantity::Max => Quantity::Count(1),
        };
        *self = Self {
            quantity,
            typing: false,
        };
    }

    /// Ends typing: the next digit starts anew.
    pub fn settle(&mut self) {
        self.typing = false;
    }

    /// How many stocks an order on `side` at `price` is for. `None`: `max`, and what is held is not known.
    #[must_use]
    pub fn count(&self, side: Side, price: i32, holdings: &Holdings) -> Option<i32> {
        match (self.quantity, side) {
            (Quantity::Count(count), _) => Some(count),
            (Quantity::Max, Side::Buy) => holdings.tokens()?.checked_div(price),
            (Quantity::Max, Side::Sell) => Some(holdings.wallet()?.stocks),
        }
    }

    /// What an order on `side` at `price` would do. `None` where [`count`](Self::count) is.
    #[must_use]
    pub fn preview(&self, side: Side, price: i32, holdings: &Holdings) -> Option<Preview> {
        let count = self.count(side, price, holdings)?;
        let total = i64::from(count).saturating_mul(i64::from(price));
        let (tokens, stocks) = match side {
            Side::Buy => (total.saturating_neg(), i64::from(count)),
            Side::Sell => (total, i64::from(count).saturating_neg()),
        };
        Some(Preview {
            count,
            total,
            tokens_after: holdings
                .tokens()
                .map(|held| i64::from(held).saturating_add(tokens)),
            stocks_after: holdings
                .wallet()
                .map(|wallet| i64::from(wallet.stocks).saturating_add(stocks)),
        })
    }
}
