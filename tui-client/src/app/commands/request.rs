//! Unary calls to the casino.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A unary call to the casino.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Buys tokens for these dollars.
    BuyTokens(i32),
    /// Converts these tokens to dollars.
    Withdraw(i32),
    /// The wallet, or only the tokens if the casino has no wallet call.
    Holdings,
    /// All payments.
    Payments,
    Statement,
    /// A page of prices.
    History {
        /// Ticks below this; `None`: the newest.
        before: Option<i64>,
    },
    Candles {
        /// Candles that begin below this tick.
        before: i64,
    },
    /// The newest trades, for log and chart.
    Trades,
    /// A page of trades, for reading.
    TradePage {
        /// Trade numbers below this; `None`: the newest.
        before: Option<i64>,
    },
    Leaderboard,
    /// The open orders, and how earlier ones ended.
    Orders,
    CancelOrder(Uuid),
}
