//! Rows of trades as shown.

use serde::{Deserialize, Serialize};

use super::money::{Side, UnixMillis};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeRow {
    /// Tick of the price.
    pub tick: i64,
    /// Execution time.
    pub at: UnixMillis,
    pub side: Side,
    /// Stocks.
    pub count: i32,
    /// Tokens for one stock.
    pub price: i32,
}

impl TradeRow {
    /// Returns the tokens exchanged.
    pub fn total(&self) -> i64 {
        i64::from(self.count).saturating_mul(i64::from(self.price))
    }

    /// Returns the change of the token balance: negative for a buy.
    pub fn tokens(&self) -> i64 {
        match self.side {
            Side::Buy => self.total().saturating_neg(),
            Side::Sell => self.total(),
        }
    }
}

/// A trade and its number among the player's trades, from 1.
pub type NumberedTrade = (i64, TradeRow);
