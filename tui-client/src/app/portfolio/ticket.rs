//! The order ticket: quantity and limit of the next order, with a preview of its result.

use awesomestock_proto::values::Trigger;

use super::money::Side;
use super::order::{Condition, Terms};
use super::quantity::{MAX_TYPED_CHARS, Quantity};
use super::wallet::WalletState;
use crate::app::commands::command::Command;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    quantity: Quantity,
    /// Text being typed, at most [`MAX_TYPED_CHARS`] characters.
    typed: String,
    limit: Option<Limit>,
}

/// The price of the next order: the worst at which it may execute, or what it rests for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Tokens for one stock; 0 until a digit is typed.
    pub price: i32,
    /// The order rests until the price is met: as a limit, or as a stop.
    pub rest: Option<Trigger>,
    /// Digits go to the limit.
    pub(crate) is_typing: bool,
    /// [`Ticket::begin_limit`] was the last to start typing: without digits, the next one removes the limit.
    is_removed_next: bool,
}

impl Limit {
    fn terms(self) -> Terms {
        let price = self.price;
        self.rest.map_or(Terms::Limit(price), |trigger| {
            Terms::Rest(Condition { trigger, price })
        })
    }

    /// Returns true if an order on `side` may execute at `price`; false without a limit price.
    pub(crate) fn allows(&self, side: Side, price: i32) -> bool {
        match side {
            Side::Buy => price <= self.price,
            Side::Sell => self.price > 0 && price >= self.price,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preview {
    pub count: i32,
    /// Tokens paid or received.
    pub total: i64,
    /// Tokens afterwards, if known; negative if there are not enough.
    pub(crate) tokens_after: Option<i64>,
    /// Stocks afterwards, if known; negative if there are not enough.
    pub(crate) stocks_after: Option<i64>,
}

impl Preview {
    /// Returns true if the order is for at least one stock and no known balance becomes negative.
    pub(crate) fn suffices(&self) -> bool {
        self.count > 0
            && self.tokens_after.is_none_or(|tokens| tokens >= 0)
            && self.stocks_after.is_none_or(|stocks| stocks >= 0)
    }
}

/// An order with its count and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Estimate {
    pub(crate) side: Side,
    pub(crate) count: i32,
    pub(crate) terms: Terms,
    /// Tokens at the current price.
    pub(crate) total: i64,
    /// Tokens at the limit or the stop, or else at the current price.
    pub(crate) bound: i64,
}

impl Estimate {
    /// Returns `None` if `command` is not an order, or the wallet it depends on is unknown.
    pub(crate) fn new(command: Command, price: i32, holdings: &WalletState) -> Option<Self> {
        let Command::Order(side, quantity, terms) = command else {
            return None;
        };
        let bound_price = terms.price().unwrap_or(price);
        let count = quantity.count(side, bound_price, holdings)?;
        let at = |price: i32| i64::from(count).saturating_mul(i64::from(price));
        Some(Self {
            side,
            count,
            terms,
            total: at(price),
            bound: at(bound_price),
        })
    }
}

impl Default for Ticket {
    fn default() -> Self {
        Self {
            quantity: Quantity::Count(1),
            typed: String::new(),
            limit: None,
        }
    }
}

impl Ticket {
    fn set(&mut self, quantity: Quantity) {
        self.quantity = quantity;
        self.typed.clear();
    }

    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    pub fn typed(&self) -> &str {
        &self.typed
    }

    pub fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// Returns the terms of the next order; the price is 0 until a digit is typed.
    pub(crate) fn terms(&self) -> Terms {
        self.limit.map_or(Terms::Market, Limit::terms)
    }

    /// Starts typing a new limit, or removes one without digits. The first call after [`next_rest`](Self::next_rest) keeps
    /// it: two calls remove it in any case.
    pub fn begin_limit(&mut self) {
        let is_removed = self
            .limit
            .is_some_and(|limit| limit.price == 0 && (limit.rest.is_none() || limit.is_removed_next));
        self.limit = (!is_removed).then_some(Limit {
            price: 0,
            rest: self.limit.and_then(|limit| limit.rest),
            is_typing: true,
            is_removed_next: true,
        });
    }

    /// Starts typing a price at which the next orders rest. While a price is typed, makes them rest at a limit, then at a
    /// stop, then not at all: a price without digits is removed.
    pub fn next_rest(&mut self) {
        let typed = self.limit.filter(|limit| limit.is_typing);
        let price = typed.map_or(0, |limit| limit.price);
        let rest = match typed.and_then(|limit| limit.rest) {
            None => Some(Trigger::Limit),
            Some(Trigger::Limit) => Some(Trigger::Stop),
            Some(Trigger::Stop) => None,
        };
        self.limit = (rest.is_some() || price > 0).then_some(Limit {
            price,
            rest,
            is_typing: true,
            is_removed_next: false,
        });
    }

    /// Returns true if the next order rests.
    pub(crate) fn rests(&self) -> bool {
        self.limit.is_some_and(|limit| limit.rest.is_some())
    }

    /// Types a character of the quantity, or a digit of the limit. Returns false if it does not fit: it may be another
    /// key.
    pub fn type_char(&mut self, letter: char) -> bool {
        if let Some(limit) = self.limit.as_mut().filter(|limit| limit.is_typing) {
            let digit = letter.to_digit(10).and_then(|digit| i32::try_from(digit).ok());
            let longer = digit.and_then(|digit| limit.price.checked_mul(10)?.checked_add(digit));
            limit.price = longer.unwrap_or(limit.price);
            return digit.is_some();
        }
        // Nothing follows a complete share: a digit begins the next quantity.
        let is_complete = self.typed.ends_with(['%', 'k', 'K']) && letter.is_ascii_digit();
        let before = if is_complete { "" } else { &self.typed };
        let typed = format!("{before}{letter}");
        let quantity = match Quantity::parse(&typed) {
            Some(quantity) => quantity,
            // Incomplete: `$`, or a number that needs a `k` to be whole.
            None if typed == "$" || Quantity::parse(&format!("{typed}k")).is_some() => Quantity::Count(0),
            // Digits are never other keys, even if there is no room.
            None => return letter.is_ascii_digit(),
        };
        if typed.len() <= MAX_TYPED_CHARS {
            (self.quantity, self.typed) = (quantity, typed);
        }
        true
    }

    /// Deletes the last character, or a limit without digits.
    pub(crate) fn erase(&mut self) {
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

    /// Changes the number of stocks by `by`, to at least 1. Other quantities become 1.
    pub fn step(&mut self, by: i32) {
        self.set(Quantity::Count(match self.quantity {
            Quantity::Count(count) => count.saturating_add(by).max(1),
            Quantity::Max | Quantity::Share(_) | Quantity::Worth(_) => 1,
        }));
    }

    pub fn toggle_max(&mut self) {
        self.set(match self.quantity {
            Quantity::Max => Quantity::Count(1),
            Quantity::Count(_) | Quantity::Share(_) | Quantity::Worth(_) => Quantity::Max,
        });
    }

    /// Ends typing: the next character starts a new quantity. The limit stays.
    pub(crate) fn settle(&mut self) {
        self.typed.clear();
        if let Some(limit) = self.limit.as_mut() {
            limit.is_typing = false;
        }
    }

    /// Returns the number of stocks at the limit, or else at `price`; `None` if the wallet is unknown.
    pub fn count(&self, side: Side, price: i32, holdings: &WalletState) -> Option<i32> {
        let limit = self.limit.filter(|limit| limit.price > 0);
        let price = limit.map_or(price, |limit| limit.price);
        self.quantity.count(side, price, holdings)
    }

    /// Returns the effect of an order executed at `price`; `None` if [`count`](Self::count) is.
    pub fn preview(&self, side: Side, price: i32, holdings: &WalletState) -> Option<Preview> {
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
