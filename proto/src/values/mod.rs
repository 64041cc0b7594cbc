//! Values that all programs share.

pub mod capabilities;
pub mod player;

use serde::{Deserialize, Serialize};

use crate::casino::ActionType;

/// Fixed exchange rate, in both directions.
pub const TOKENS_PER_DOLLAR: i32 = 5;

/// Open orders of one player.
pub const OPEN_ORDERS_MAX: usize = 32;

/// Ended orders that the server lists for a player.
pub const ENDED_ORDERS_MAX: u32 = 100;

/// Wall-clock time in milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Returns the time `ms` milliseconds later.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Returns the milliseconds since `earlier`, at least 0.
    #[must_use]
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).max(0)
    }
}

/// Buy or sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Tokens to stocks.
    Buy,
    /// Stocks to tokens.
    Sell,
}

impl Side {
    /// Returns `buy` or `sell`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// The price that executes a resting order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trigger {
    /// Buys at the price or below, sells at the price or above.
    Limit,
    /// Buys at the price or above, sells at the price or below.
    Stop,
}

impl Trigger {
    /// Returns `limit` or `stop`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Stop => "stop",
        }
    }
}

impl From<ActionType> for Side {
    fn from(action: ActionType) -> Self {
        match action {
            ActionType::Buy => Self::Buy,
            ActionType::Sell => Self::Sell,
        }
    }
}

impl From<Side> for ActionType {
    fn from(side: Side) -> Self {
        match side {
            Side::Buy => Self::Buy,
            Side::Sell => Self::Sell,
        }
    }
}
