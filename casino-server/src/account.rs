//! Core: one account, and what a deposit, a withdrawal, a buy and a sell do to it.
//!
//! Owns the rules of money (DESIGN section 3). It knows nothing of names, prices in force, time or storage: what it
//! needs comes in as values, and what it decides goes out as a new account or a [`Refusal`]. Nothing is changed in
//! place, so a refused command changes nothing.
//!
//! Of every account, whatever happened to it: `tokens + cost_basis = 5 x (dollars_in - dollars_out) + realised_pnl`,
//! and nothing but `realised_pnl` is ever negative.

mod refusal;

pub(crate) use refusal::{Refusal, RefusalKind};

use serde::{Deserialize, Serialize};

use crate::quantity::{Dollars, Price, Stocks, TOKENS_PER_DOLLAR, Tokens};

/// What a player owns and how it came about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The balance.
    pub(crate) tokens: Tokens,
    /// The holding.
    pub(crate) stocks: Stocks,
    /// Tokens paid for the stocks now held, by average cost; 0 when none is held.
    pub(crate) cost_basis: i64,
    /// Tokens won (or, negative, lost) by everything sold so far, by average cost.
    pub(crate) realised_pnl: i64,
    /// Dollars paid in so far.
    pub(crate) dollars_in: i64,
    /// Dollars paid out so far.
    pub(crate) dollars_out: i64,
    /// Counts the changes of this account.
    pub(crate) version: i64,
}

impl Account {
    /// Takes `dollars` in for tokens, 5 a dollar. Gives the account after it, and the tokens bought.
    pub(crate) fn deposit(self, dollars: Dollars) -> Result<(Self, Tokens), Refusal> {
        if dollars.0 < 1 {
            return Err(Refusal::AmountTooSmall { dollars });
        }
        let bought = dollars.wide().saturating_mul(i64::from(TOKENS_PER_DOLLAR));
        let tokens = self.tokens_plus(bought)?;
        let after = Self {
            tokens,
            dollars_in: sum(self.dollars_in, dollars.wide())?,
            ..self.changed()?
        };
        // What fits the balance fits as an amount: the balance before it was not negative.
        let bought = i32::try_from(bought).map_err(|_| Refusal::BooksFull)?;
        Ok((after, Tokens(bought)))
    }

    /// Takes `tokens` back for dollars, 5 a dollar. Gives the account after it, and the dollars paid out.
    pub(crate) fn withdraw(self, tokens: Tokens) -> Result<(Self, Dollars), Refusal> {
        if tokens.0 < 1 {
            return Err(Refusal::WithdrawalTooSmall { tokens });
        }
        if tokens.0.checked_rem(TOKENS_PER_DOLLAR) != Some(0) {
            return Err(Refusal::not_a_multiple(tokens));
        }
        if tokens > self.tokens {
            return Err(Refusal::WithdrawalTooLarge {
                tokens,
                have: self.tokens,
            });
        }
        let dollars = Dollars(
            tokens
                .0
                .checked_div(TOKENS_PER_DOLLAR)
                .ok_or(Refusal::BooksFull)?,
        );
        let after = Self {
            tokens: self.tokens_minus(tokens.wide())?,
            dollars_out: sum(self.dollars_out, dollars.wide())?,
            ..self.changed()?
        };
        Ok((after, dollars))
    }

    /// Buys `count` stocks at `price`.
    pub(crate) fn buy(self, count: Stocks, price: Price) -> Result<Self, Refusal> {
        if count.0 < 1 {
            return Err(Refusal::CountTooSmall { count });
        }
        let cost = price.times(count);
        if cost > self.tokens.wide() {
            return Err(Refusal::TooDear {
                count,
                price,
                cost,
                have: self.tokens,
            });
        }
        let stocks = self.stocks.0.checked_add(count.0).map(Stocks);
        Ok(Self {
            tokens: self.tokens_minus(cost)?,
            stocks: stocks.ok_or(Refusal::HoldingFull {
                count,
                have: self.stocks,
            })?,
            cost_basis: sum(self.cost_basis, cost)?,
            ..self.changed()?
        })
    }

    /// Sells `count` stocks at `price`.
    pub(crate) fn sell(self, count: Stocks, price: Price) -> Result<Self, Refusal> {
        if count.0 < 1 {
            return Err(Refusal::CountTooSmall { count });
        }
        if count > self.stocks {
            return Err(Refusal::TooFewStocks {
                count,
                have: self.stocks,
            });
        }
        let proceeds = price.times(count);
        let cost = self.cost_of(count)?;
        let won = proceeds.checked_sub(cost).ok_or(Refusal::BooksFull)?;
        Ok(Self {
            tokens: self.tokens_plus(proceeds)?,
            stocks: Stocks(self.stocks.0.checked_sub(count.0).ok_or(Refusal::BooksFull)?),
            cost_basis: self.cost_basis.checked_sub(cost).ok_or(Refusal::BooksFull)?,
            realised_pnl: sum(self.realised_pnl, won)?,
            ..self.changed()?
        })
    }

    /// What `count` of the stocks held cost: their share of the cost basis, rounded down.
    ///
    /// What rounding leaves stays with the stocks still held, and goes out with the last of them: all of them cost
    /// exactly the basis.
    fn cost_of(self, count: Stocks) -> Result<i64, Refusal> {
        i128::from(self.cost_basis)
            .checked_mul(i128::from(count.0))
            .and_then(|share| share.checked_div(i128::from(self.stocks.0)))
            .and_then(|cost| i64::try_from(cost).ok())
            .ok_or(Refusal::BooksFull)
    }

    /// The balance with `more` tokens, if it fits.
    fn tokens_plus(self, more: i64) -> Result<Tokens, Refusal> {
        sum(self.tokens.wide(), more)
            .ok()
            .and_then(|tokens| i32::try_from(tokens).ok())
            .map(Tokens)
            .ok_or(Refusal::BalanceFull {
                more,
                have: self.tokens,
            })
    }

    /// The balance with `fewer` tokens, which is known to cover them.
    fn tokens_minus(self, fewer: i64) -> Result<Tokens, Refusal> {
        let left = self.tokens.wide().checked_sub(fewer);
        let left = left
            .filter(|left| *left >= 0)
            .and_then(|left| i32::try_from(left).ok());
        left.map(Tokens).ok_or(Refusal::BooksFull)
    }

    /// The same account, one change later.
    fn changed(self) -> Result<Self, Refusal> {
        Ok(Self {
            version: sum(self.version, 1)?,
            ..self
        })
    }
}

/// `a + b`, or that the books cannot hold it.
fn sum(a: i64, b: i64) -> Result<i64, Refusal> {
    a.checked_add(b).ok_or(Refusal::BooksFull)
}

#[cfg(test)]
mod tests;
