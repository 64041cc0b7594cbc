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

/// Field, expected and found value of a figure that differs.
type Difference<N, V> = (N, V, V);

/// A stored figure that differs from the expected one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{of}: {field}: expected {expected}, found {found}")]
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
        write!(
            f,
            "{}, {}, {}, {}; {} in, {} out; {} and {} held; {} from the commit log",
            count(self.players, "player"),
            count(self.payments, "payment"),
            count(self.trades, "trade"),
            count(self.ticks, "tick"),
            pluralize(self.dollars_in, "dollar"),
            pluralize(self.dollars_out, "dollar"),
            pluralize(self.tokens, "token"),
            pluralize(self.stocks, "stock"),
            match self.in_log {
                1 => "1 batch".to_owned(),
                batches => format!("{} batches", thousands(batches)),
            },
        )?;
        for (number, unit) in [
            (self.orders, "resting order"),
            (self.round_accounts, "round account"),
        ] {
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
    /// Page and tick of the last trade.
    page: i64,
    tick: i64,
    dollars_in: i64,
    dollars_out: i64,
    /// Tokens earned by selling minus tokens spent on buying.
    traded: i64,
    /// Position, cost basis and profit; the other fields are not maintained.
    holding: Account,
}

impl AccountReplay {
    /// Adds a payment. Returns the mismatch of its number, if any.
    pub(crate) fn pay(&mut self, payment: &Payment) -> Option<Difference<String, i64>> {
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
    pub(crate) fn trade(&mut self, posting: &TradePosting) -> Result<Vec<Difference<String, i64>>, String> {
        let (trade, page) = (posting.trade, posting.page);
        let next = self.trades.saturating_add(1);
        let sheet = format!("sheet before that of trade {}", trade.number);
        let wrong = differing([
            ("trade number".to_owned(), next, trade.number),
            (sheet, self.page, posting.previous.unwrap_or(page)),
        ]);
        (self.trades, self.page, self.tick) = (trade.number, page, trade.tick);
        let tokens = trade.price.times(trade.count);
        let with_balance = |tokens| Account {
            tokens: Tokens(tokens),
            ..self.holding
        };
        // The balance is checked at the end; here the cost only has to fit.
        let (tokens, after) = match trade.side {
            Side::Buy => {
                let buyer = with_balance(i32::try_from(tokens).unwrap_or(i32::MAX));
                (tokens.saturating_neg(), buyer.buy(trade.count, trade.price))
            }
            Side::Sell => (tokens, with_balance(0).sell(trade.count, trade.price)),
        };
        self.traded = self.traded.saturating_add(tokens);
        self.holding = after.map_err(|rejection| rejection.to_string())?;
        Ok(wrong)
    }

    /// Returns the figures of `found` that differ.
    pub(crate) fn differences(&self, found: &AccountRecord) -> Vec<Difference<&'static str, i64>> {
        let AccountRecord { account, .. } = found;
        let paid = self.dollars_in.saturating_sub(self.dollars_out);
        let tokens = paid
            .saturating_mul(i64::from(TOKENS_PER_DOLLAR))
            .saturating_add(self.traded);
        let holding = &self.holding;
        let version = self.payments.saturating_add(self.trades);
        differing([
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
        ])
    }
}

fn differing<N, const COUNT: usize>(figures: [(N, i64, i64); COUNT]) -> Vec<Difference<N, i64>> {
    let mut figures = Vec::from(figures);
    figures.retain(|(_, expected, found)| expected != found);
    figures
}

#[cfg(test)]
mod tests;
