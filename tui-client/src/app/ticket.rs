//! The order ticket: how many stocks the next order is for, and what that would do.
//!
//! Owns the quantity and its preview. It decides nothing about the order: the casino does, at its price.

use super::{
    money::Side,
    quantity::{MAX_TYPED_CHARS, Quantity},
    wallet::Holdings,
};

/// The order ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    quantity: Quantity,
    /// What is being typed, at most [`MAX_TYPED_CHARS`] characters; empty when the next one starts anew.
    typed: String,
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
        Self::of(Quantity::Count(1))
    }
}

impl Ticket {
    fn of(quantity: Quantity) -> Self {
        Self {
            quantity,
            typed: String::new(),
        }
    }

    /// How many stocks the next order is for.
    #[must_use]
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// What is being typed; empty when nothing is.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Types a character of a quantity. Gives back whether it was one: what cannot follow what has been typed is
    /// left to other keys.
    pub fn type_char(&mut self, letter: char) -> bool {
        let typed = format!("{}{letter}", self.typed);
        let quantity = match Quantity::parse(&typed) {
            Some(quantity) => quantity,
            // More has to come: a number, or the `k` that makes it come out even.
            None if typed == "$" || Quantity::parse(&format!("{typed}k")).is_some() => Quantity::Count(0),
            // A digit is never a key of its own, also where it is one too many.
            None => return letter.is_ascii_digit(),
        };
        if typed.len() <= MAX_TYPED_CHARS {
            *self = Self { quantity, typed };
        }
        true
    }

    /// Takes the last character back.
    pub fn erase(&mut self) {
        if self.typed.is_empty() {
            self.typed = match self.quantity {
                Quantity::Count(count) => count.to_string(),
                Quantity::Share(percent) => format!("{percent}%"),
                Quantity::Worth(dollars) => format!("${dollars}"),
                Quantity::Max => return *self = Self::default(),
            };
        }
        self.typed.pop();
        self.quantity = Quantity::parse(&self.typed).unwrap_or(Quantity::Count(0));
    }

    /// More or less by `by`, never below 1. From anything but a count it goes on at 1.
    pub fn step(&mut self, by: i32) {
        *self = Self::of(Quantity::Count(match self.quantity {
            Quantity::Count(count) => count.saturating_add(by).max(1),
            Quantity::Max | Quantity::Share(_) | Quantity::Worth(_) => 1,
        }));
    }

    /// Switches between as many as possible and 1.
    pub fn toggle_max(&mut self) {
        *self = match self.quantity {
            Quantity::Max => Self::default(),
            Quantity::Count(_) | Quantity::Share(_) | Quantity::Worth(_) => Self::of(Quantity::Max),
        };
    }

    /// Ends typing: the next character starts anew.
    pub fn settle(&mut self) {
        self.typed.clear();
    }

    /// How many stocks an order on `side` at `price` is for. `None`: what that depends on is not known.
    #[must_use]
    pub fn count(&self, side: Side, price: i32, holdings: &Holdings) -> Option<i32> {
        self.quantity.count(side, price, holdings)
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
