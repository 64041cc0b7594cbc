//! Recomputes accounts from their entries and reports where the stored figures differ.

mod chunk;
mod orders;
mod rounds;

use std::fmt;

use awesomestock_proto::text::{pluralize, thousands};

pub(crate) use self::chunk::{AuditReport, CHUNK_PLAYERS, Chunk, price_mismatch};
use crate::domain::account::Account;
use crate::domain::money::{TOKENS_PER_DOLLAR, Tokens};
use crate::domain::order::page::TradePosting;
use crate::domain::order::{AccountRecord, Payment, Side};

/// A stored figure that differs from the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The player or record, for example `ann`, `tick 7` or `sheet 12`.
    pub of: String,
    /// The name of the figure.
    pub field: String,
    /// The value that follows from the entries.
    pub expected: String,
    /// The stored value.
    pub found: String,
}

impl Mismatch {
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

impl fmt::Display for Mismatch {
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

/// Totals of an audit.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct AuditTotals {
    /// Players with an account outside of rounds.
    pub players: u64,
    /// Deposits and withdrawals.
    pub payments: u64,
    /// Executed orders.
    pub trades: u64,
    /// Ticks of the market.
    pub ticks: u64,
    /// Dollars paid in by all players.
    pub dollars_in: i64,
    /// Dollars paid out to all players.
    pub dollars_out: i64,
    /// Tokens held by all players.
    pub tokens: i64,
    /// Stocks held by all players.
    pub stocks: i64,
    /// Orders that rest or have rested.
    pub orders: u64,
    /// Accounts of players in rounds. Like all others they are in the totals.
    pub round_accounts: u64,
    /// A line for each result of the rounds that have ended: `round NUMBER: ` and the row of the results as CSV.
    pub results: Vec<String>,
    /// Batches that were only in the write-ahead log.
    pub in_log: u64,
    /// Mismatches found.
    pub differences: u64,
}

impl fmt::Display for AuditTotals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: u64, unit| pluralize(count.cast_signed(), unit);
        let Self {
            players,
            payments,
            trades,
            ticks,
            orders,
            round_accounts,
            in_log,
            ..
        } = self;
        write!(
            f,
            "{}, {}, {}, {}; {} in, {} out; {} and {} held; {} from the commit log",
            count(*players, "player"),
            count(*payments, "payment"),
            count(*trades, "trade"),
            count(*ticks, "tick"),
            pluralize(self.dollars_in, "dollar"),
            pluralize(self.dollars_out, "dollar"),
            pluralize(self.tokens, "token"),
            pluralize(self.stocks, "stock"),
            if *in_log == 1 {
                "1 batch".into()
            } else {
                format!("{} batches", thousands(*in_log))
            },
        )?;
        for (number, unit) in [(*orders, "resting order"), (*round_accounts, "round account")] {
            if number > 0 {
                write!(f, "; {}", count(number, unit))?;
            }
        }
        Ok(())
    }
}

/// An account recomputed from its entries. Payments and trades may be interleaved in any order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccountReplay {
    payments: i64,
    trades: i64,
    /// Page of the last trade.
    page: i64,
    dollars_in: i64,
    dollars_out: i64,
    /// Tokens earned by selling minus tokens spent on buying.
    traded: i64,
    /// Position, cost basis and profit; the other fields are not maintained.
    holding: Account,
}

impl AccountReplay {
    /// Adds a payment. Returns the mismatch of its number, if any.
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

    /// Adds a trade and returns the mismatches.
    ///
    /// # Errors
    ///
    /// The reason why the account could not have made the trade. The position then ignores it.
    pub(crate) fn trade(&mut self, posting: &TradePosting) -> Result<Vec<(String, i64, i64)>, String> {
        let TradePosting {
            trade,
            page,
            previous,
            ..
        } = *posting;
        let mut wrong = Vec::new();
        let mut mismatch = |field: String, expected: i64, found: i64| {
            if expected != found {
                wrong.push((field, expected, found));
            }
        };
        mismatch(
            "trade number".to_owned(),
            self.trades.saturating_add(1),
            trade.number,
        );
        let field = format!("sheet before that of trade {}", trade.number);
        mismatch(field, self.page, previous.unwrap_or(page));
        self.trades = trade.number;
        self.page = page;
        let tokens = trade.price.times(trade.count);
        let (tokens, after) = match trade.side {
            Side::Buy => {
                // The balance is checked at the end; here the cost only has to fit.
                let buyer = Account {
                    tokens: Tokens(i32::try_from(tokens).unwrap_or(i32::MAX)),
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
        self.holding = after.map_err(|rejection| rejection.to_string())?;
        Ok(wrong)
    }

    /// Returns position, cost basis and profit; the other fields are not maintained.
    pub(crate) fn holding(&self) -> Account {
        self.holding
    }

    /// Returns `(field, expected, found)` for each figure of `found` that differs.
    pub(crate) fn differences(&self, found: &AccountRecord) -> Vec<(&'static str, i64, i64)> {
        let AccountRecord { account, .. } = found;
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
            ("sheet", self.page, found.page),
        ];
        figures
            .into_iter()
            .filter(|(_, expected, found)| expected != found)
            .collect()
    }
}

#[cfg(test)]
mod tests;
