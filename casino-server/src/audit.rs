//! Core: what an account must be, recomputed from its entries, and where the books say something else.
//!
//! Owns the comparison. The rules of money stay with [`account`](crate::account), which is asked what each trade does;
//! where entries and accounts are kept is the store's business.

mod lot;

use std::fmt;

pub(crate) use self::lot::{Findings, Lot, PLAYERS, price_missed};
use crate::{
    account::Account,
    quantity::{TOKENS_PER_DOLLAR, Tokens},
    record::{Payment, Record, Side, Trade},
};

/// A place in the books that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Whose it is, or where: `ann`, `tick 7`, `sheet 12`.
    pub of: String,
    /// Which figure.
    pub field: String,
    /// What follows from the entries.
    pub expected: String,
    /// What the books say.
    pub found: String,
}

impl Difference {
    /// A difference in `field` of `of`.
    pub(crate) fn new(
        of: impl fmt::Display,
        field: impl fmt::Display,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Self {
        Self {
            of: of.to_string(),
            field: field.to_string(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            of,
            field,
            expected,
            found,
        } = self;
        write!(f, "{of}: {field}: expected {expected}, found {found}")
    }
}

/// What was looked at, in figures.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Players who have done anything.
    pub players: u64,
    /// Deposits and withdrawals.
    pub payments: u64,
    /// Executed actions.
    pub trades: u64,
    /// Prices of the market.
    pub ticks: u64,
    /// Dollars paid in by all players.
    pub dollars_in: i64,
    /// Dollars paid out to all players.
    pub dollars_out: i64,
    /// Tokens held by all players.
    pub tokens: i64,
    /// Stocks held by all players.
    pub stocks: i64,
    /// Batches that were only in the commit log.
    pub in_log: u64,
    /// Differences found.
    pub differences: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} players, {} payments, {} trades, {} ticks; {} dollars in, {} dollars out; {} tokens and {} stocks \
             held; {} batches from the commit log",
            self.players,
            self.payments,
            self.trades,
            self.ticks,
            self.dollars_in,
            self.dollars_out,
            self.tokens,
            self.stocks,
            self.in_log
        )
    }
}

/// One account, as its entries add up to it. Payments and trades may come in any order among each other.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    payments: i64,
    trades: i64,
    /// The sheet of the last trade.
    sheet: i64,
    dollars_in: i64,
    dollars_out: i64,
    /// Tokens won by selling less tokens spent on buying.
    traded: i64,
    /// The holding, its cost and what was won; the balance and all else in it is not kept up.
    holding: Account,
}

impl Tally {
    /// Adds a payment. Gives what is wrong with its number.
    pub(crate) fn pay(&mut self, payment: &Payment) -> Option<(String, i64, i64)> {
        let expected = self.payments.saturating_add(1);
        self.payments = payment.number;
        let dollars = i64::from(payment.amount);
        if dollars < 0 {
            self.dollars_in = self.dollars_in.saturating_sub(dollars);
        } else {
            self.dollars_out = self.dollars_out.saturating_add(dollars);
        }
        (payment.number != expected).then(|| ("payment number".to_owned(), expected, payment.number))
    }

    /// Adds a trade entered on `sheet`, whose line leads back to `previous`.
    ///
    /// `Err` says why the account could not have made the trade; it is then left out of the holding.
    pub(crate) fn trade(
        &mut self,
        trade: &Trade,
        (sheet, previous): (i64, Option<i64>),
    ) -> Result<Vec<(String, i64, i64)>, String> {
        let mut wrong = Vec::new();
        let mut differ = |field: String, expected: i64, found: i64| {
            if expected != found {
                wrong.push((field, expected, found));
            }
        };
        differ(
            "trade number".to_owned(),
            self.trades.saturating_add(1),
            trade.number,
        );
        let leads_to = previous.unwrap_or(sheet);
        let back = format!("sheet before that of trade {}", trade.number);
        differ(back, self.sheet, leads_to);
        self.trades = trade.number;
        self.sheet = sheet;
        let tokens = trade.price.times(trade.count);
        let (tokens, after) = match trade.side {
            Side::Buy => {
                // What it needs, if so much can be had at all: how much there was is known by the balance at the end.
                let enough = i32::try_from(tokens).unwrap_or(i32::MAX);
                let buyer = Account {
                    tokens: Tokens(enough),
                    ..self.holding
                };
                (tokens.saturating_neg(), buyer.buy(trade.count, trade.price))
            }
            Side::Sell => {
                let seller = Account {
                    tokens: Tokens(0),
                    ..self.holding
                };
                (tokens, seller.sell(trade.count, trade.price))
            }
        };
        self.traded = self.traded.saturating_add(tokens);
        self.holding = after.map_err(|refusal| refusal.to_string())?;
        Ok(wrong)
    }

    /// The figures in which the record `found` is not what the entries come to: name, expected, found.
    pub(crate) fn differences(&self, found: &Record) -> Vec<(&'static str, i64, i64)> {
        let Record { account, .. } = found;
        let paid = self.dollars_in.saturating_sub(self.dollars_out);
        let tokens = paid
            .saturating_mul(i64::from(TOKENS_PER_DOLLAR))
            .saturating_add(self.traded);
        let holding = &self.holding;
        let version = self.payments.saturating_add(self.trades);
        let figures = [
            ("tokens", tokens, account.tokens.wide()),
            ("stocks", holding.stocks.wide(), account.stocks.wide()),
            ("cost basis", holding.cost_basis, account.cost_basis),
            ("realised P&L", holding.realised_pnl, account.realised_pnl),
            ("dollars in", self.dollars_in, account.dollars_in),
            ("dollars out", self.dollars_out, account.dollars_out),
            ("version", version, account.version),
            ("payments", self.payments, found.payments),
            ("trades", self.trades, found.trades),
            ("sheet", self.sheet, found.sheet),
        ];
        figures
            .into_iter()
            .filter(|(_, expected, found)| expected != found)
            .collect()
    }
}

#[cfg(test)]
mod tests;
