//! One account, and the rules of money for deposits, withdrawals, buys and sells.
//!
//! Invariant: `tokens + cost_basis = 5 x (dollars_in - dollars_out) + realised_pnl`, and only `realised_pnl` may be
//! negative.

mod rejection;

use serde::{Deserialize, Serialize};

pub(crate) use self::rejection::Rejection;
use crate::domain::money::{Dollars, Price, Stocks, TOKENS_PER_DOLLAR, Tokens};

/// A player's balance, position and totals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) tokens: Tokens,
    pub(crate) stocks: Stocks,
    /// Tokens paid for the stocks held, at average cost; 0 without stocks.
    pub(crate) cost_basis: i64,
    /// Profit or loss in tokens of everything sold, at average cost.
    pub(crate) realised_pnl: i64,
    pub(crate) dollars_in: i64,
    pub(crate) dollars_out: i64,
    /// Number of changes so far.
    pub(crate) version: i64,
}

impl Account {
    /// Sells tokens for `dollars`. Returns the new account and the tokens bought.
    pub(crate) fn deposit(self, dollars: Dollars) -> Result<(Self, Tokens), Rejection> {
        if dollars.0 < 1 {
            return Err(Rejection::AmountTooSmall { dollars });
        }
        let bought = dollars.in_tokens();
        let tokens = self.checked_credit(bought)?;
        let after = Self {
            tokens,
            dollars_in: checked_add(self.dollars_in, dollars.wide())?,
            ..self.bump_version()?
        };
        // It fits: the balance before was not negative.
        let bought = i32::try_from(bought).map_err(|_| Rejection::LedgerFull)?;
        Ok((after, Tokens(bought)))
    }

    /// Buys `tokens` back for dollars. Returns the new account and the dollars paid out.
    pub(crate) fn withdraw(self, tokens: Tokens) -> Result<(Self, Dollars), Rejection> {
        if tokens.0 < 1 {
            return Err(Rejection::WithdrawalTooSmall { tokens });
        }
        if tokens.0.checked_rem(TOKENS_PER_DOLLAR) != Some(0) {
            return Err(Rejection::not_a_multiple(tokens));
        }
        if tokens > self.tokens {
            return Err(Rejection::WithdrawalTooLarge {
                tokens,
                have: self.tokens,
            });
        }
        let dollars = Dollars(
            tokens
                .0
                .checked_div(TOKENS_PER_DOLLAR)
                .ok_or(Rejection::LedgerFull)?,
        );
        let after = Self {
            tokens: self.debit(tokens.wide())?,
            dollars_out: checked_add(self.dollars_out, dollars.wide())?,
            ..self.bump_version()?
        };
        Ok((after, dollars))
    }

    pub(crate) fn buy(self, count: Stocks, price: Price) -> Result<Self, Rejection> {
        if count.0 < 1 {
            return Err(Rejection::CountTooSmall { count });
        }
        let cost = price.times(count);
        if cost > self.tokens.wide() {
            return Err(Rejection::InsufficientTokens {
                count,
                price,
                cost,
                have: self.tokens,
            });
        }
        let stocks = self.stocks.0.checked_add(count.0).map(Stocks);
        Ok(Self {
            tokens: self.debit(cost)?,
            stocks: stocks.ok_or(Rejection::PositionFull {
                count,
                have: self.stocks,
            })?,
            cost_basis: checked_add(self.cost_basis, cost)?,
            ..self.bump_version()?
        })
    }

    pub(crate) fn sell(self, count: Stocks, price: Price) -> Result<Self, Rejection> {
        if count.0 < 1 {
            return Err(Rejection::CountTooSmall { count });
        }
        if count > self.stocks {
            return Err(Rejection::InsufficientStocks {
                count,
                have: self.stocks,
            });
        }
        let proceeds = price.times(count);
        let cost = self.cost_of(count)?;
        let won = proceeds.checked_sub(cost).ok_or(Rejection::LedgerFull)?;
        Ok(Self {
            tokens: self.checked_credit(proceeds)?,
            stocks: Stocks(self.stocks.0.checked_sub(count.0).ok_or(Rejection::LedgerFull)?),
            cost_basis: self.cost_basis.checked_sub(cost).ok_or(Rejection::LedgerFull)?,
            realised_pnl: checked_add(self.realised_pnl, won)?,
            ..self.bump_version()?
        })
    }

    /// Returns the profit or loss in tokens at `price`, of sales and of the stocks held. By the invariant this is the
    /// equity plus what was paid out, minus what was paid in.
    pub(crate) fn profit(self, price: Price) -> i64 {
        let value = price.times(self.stocks);
        self.realised_pnl
            .saturating_add(value.saturating_sub(self.cost_basis))
    }

    /// Returns the most stocks that [`buy`](Self::buy) accepts at `price`.
    pub(crate) fn max_buy(self, price: Price) -> Stocks {
        let affordable = self.tokens.0.checked_div(price.get()).unwrap_or(0);
        Stocks(affordable.min(i32::MAX.saturating_sub(self.stocks.0)))
    }

    /// Returns the most stocks that [`sell`](Self::sell) accepts at `price`.
    pub(crate) fn max_sell(self, price: Price) -> Stocks {
        let room = i32::MAX.saturating_sub(self.tokens.0);
        let room = room.checked_div(price.get()).unwrap_or(0);
        Stocks(room.min(self.stocks.0))
    }

    /// Returns the share of `count` stocks in the cost basis, rounded down. The remainder leaves with the last
    /// stock.
    fn cost_of(self, count: Stocks) -> Result<i64, Rejection> {
        i128::from(self.cost_basis)
            .checked_mul(i128::from(count.0))
            .and_then(|share| share.checked_div(i128::from(self.stocks.0)))
            .and_then(|cost| i64::try_from(cost).ok())
            .ok_or(Rejection::LedgerFull)
    }

    /// Returns the balance plus `more`, or [`Rejection::BalanceFull`].
    fn checked_credit(self, more: i64) -> Result<Tokens, Rejection> {
        checked_add(self.tokens.wide(), more)
            .ok()
            .and_then(|tokens| i32::try_from(tokens).ok())
            .map(Tokens)
            .ok_or(Rejection::BalanceFull {
                more,
                have: self.tokens,
            })
    }

    /// Returns the balance minus `fewer`. The caller has checked that it is covered.
    fn debit(self, fewer: i64) -> Result<Tokens, Rejection> {
        let left = self.tokens.wide().checked_sub(fewer);
        let left = left
            .filter(|left| *left >= 0)
            .and_then(|left| i32::try_from(left).ok());
        left.map(Tokens).ok_or(Rejection::LedgerFull)
    }

    fn bump_version(self) -> Result<Self, Rejection> {
        Ok(Self {
            version: checked_add(self.version, 1)?,
            ..self
        })
    }
}

fn checked_add(a: i64, b: i64) -> Result<i64, Rejection> {
    a.checked_add(b).ok_or(Rejection::LedgerFull)
}

#[cfg(test)]
mod tests;
