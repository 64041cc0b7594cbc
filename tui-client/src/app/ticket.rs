//! The order ticket: how many stocks the next order is for, at which limit, and what that would do.
//!
//! Owns the quantity, the limit and their preview. It decides nothing about the order: the casino does, at its price.

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
    limit: Option<Limit>,
}

/// The worst price at which the next order is to be executed: the highest to buy at, the lowest to sell at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Tokens for one stock; 0 while none has been typed.
    pub price: i32,
    /// Digits that are typed are the limit's.
    pub is_typing: bool,
}

impl Limit {
    /// Whether an order on `side` is executed at `price`; as long as no limit has been typed, none is.
    #[must_use]
    pub fn allows(&self, side: Side, price: i32) -> bool {
        match side {
            Side::Buy => price <= self.price,
            Side::Sell => self.price > 0 && price >= self.price,
        }
    }
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
            limit: None,
        }
    }

    /// Another quantity, at the same limit.
    fn set(&mut self, quantity: Quantity) {
        self.quantity = quantity;
        self.typed.clear();
    }

    /// How many stocks the next order is for.
    #[must_use]
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// What is being typed of the quantity; empty when nothing is.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The limit of the next order; `None`: it has none.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// Begins to type a limit, anew where there is one. A limit of which nothing has been typed goes away.
    pub fn begin_limit(&mut self) {
        let is_empty = self.limit.is_some_and(|limit| limit.price == 0);
        self.limit = (!is_empty).then_some(Limit {
            price: 0,
            is_typing: true,
        });
    }

    /// Types a character of a quantity, or a digit of the limit. Gives back whether it was one: what cannot follow
    /// what has been typed is left to other keys.
    pub fn type_char(&mut self, letter: char) -> bool {
        if let Some(limit) = self.limit.as_mut().filter(|limit| limit.is_typing) {
            let digit = letter.to_digit(10).and_then(|digit| i32::try_from(digit).ok());
            let longer = digit.and_then(|digit| limit.price.checked_mul(10)?.checked_add(digit));
            limit.price = longer.unwrap_or(limit.price);
            return digit.is_some();
        }
        let typed = format!("{}{letter}", self.typed);
        let quantity = match Quantity::parse(&typed) {
            Some(quantity) => quantity,
            // More has to come: a number, or the `k` that makes it come out even.
            None if typed == "$" || Quantity::parse(&format!("{typed}k")).is_some() => Quantity::Count(0),
            // A digit is never a key of its own, also where it is one too many.
            None => return letter.is_ascii_digit(),
        };
        if typed.len() <= MAX_TYPED_CHARS {
            (self.quantity, self.typed) = (quantity, typed);
        }
        true
    }

    /// Takes the last character back; of a limit without one, the limit.
    pub fn erase(&mut self) {
        if let Some(limit) = self.limit.as_mut().filter(|limit| limit.is_typing) {
            if limit.price == 0 {
                self.limit = None;
            } else {
                limit.price /= 10;
            }
            return;
        }
        if self.typed.is_empty() {
            self.typed = match self.quantity {
                Quantity::Count(count) => count.to_string(),
                Quantity::Share(percent) => format!("{percent}%"),
                Quantity::Worth(dollars) => format!("${dollars}"),
                Quantity::Max => return self.set(Quantity::Count(1)),
            };
        }
        self.typed.pop();
        self.quantity = Quantity::parse(&self.typed).unwrap_or(Quantity::Count(0));
    }

    /// More or less by `by`, never below 1. From anything but a count it goes on at 1.
    pub fn step(&mut self, by: i32) {
        self.set(Quantity::Count(match self.quantity {
            Quantity::Count(count) => count.saturating_add(by).max(1),
            Quantity::Max | Quantity::Share(_) | Quantity::Worth(_) => 1,
        }));
    }

    /// Switches between as many as possible and 1.
    pub fn toggle_max(&mut self) {
        self.set(match self.quantity {
            Quantity::Max => Quantity::Count(1),
            Quantity::Count(_) | Quantity::Share(_) | Quantity::Worth(_) => Quantity::Max,
        });
    }

    /// Ends typing: the next character starts another quantity. The limit stays.
    pub fn settle(&mut self) {
        self.typed.clear();
        if let Some(limit) = self.limit.as_mut() {
            limit.is_typing = false;
        }
    }

    /// How many stocks an order on `side` is for, reckoned at its limit or else at `price`. `None`: what that depends
    /// on is not known.
    #[must_use]
    pub fn count(&self, side: Side, price: i32, holdings: &Holdings) -> Option<i32> {
        let limit = self.limit.filter(|limit| limit.price > 0);
        let price = limit.map_or(price, |limit| limit.price);
        self.quantity.count(side, price, holdings)
    }

    /// What an order on `side` would do that is executed at `price`. `None` where [`count`](Self::count) is.
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
