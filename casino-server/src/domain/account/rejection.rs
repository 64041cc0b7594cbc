//! Why a command is rejected, with figures.

use awesomestock_proto::text::{pluralize, thousands};
use awesomestock_proto::values::OPEN_ORDERS_MAX;
use serde::{Deserialize, Serialize};

use crate::domain::money::{Dollars, Price, Stocks, TOKENS_PER_DOLLAR, Tokens};

/// Why a command is rejected. A rejected command changes nothing.
///
/// It is stored: add variants at the end and keep their fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("amount: {} is below 1", thousands(dollars.0))]
    AmountTooSmall { dollars: Dollars },
    #[error("tokens_cnt: {} is below 1", thousands(tokens.0))]
    WithdrawalTooSmall { tokens: Tokens },
    #[error(
        "tokens_cnt: {} is not a multiple of {TOKENS_PER_DOLLAR}; {}",
        thousands(tokens.0),
        nearest(*below, *above)
    )]
    NotAMultiple {
        tokens: Tokens,
        below: Option<Tokens>,
        above: Option<Tokens>,
    },
    #[error("you have {have}, not {}", thousands(tokens.0))]
    WithdrawalTooLarge { tokens: Tokens, have: Tokens },
    #[error("stocks_count: {} is below 1", thousands(count.0))]
    CountTooSmall { count: Stocks },
    #[error("buying at {price} is above your limit of {limit}")]
    AboveLimit { price: Price, limit: Price },
    #[error("selling at {price} is below your limit of {limit}")]
    BelowLimit { price: Price, limit: Price },
    #[error("buying {count} at {price} costs {}, you have {have}", pluralize(*cost, "token"))]
    InsufficientTokens {
        count: Stocks,
        price: Price,
        cost: i64,
        have: Tokens,
    },
    #[error("you have {have}, not {}", thousands(count.0))]
    InsufficientStocks { count: Stocks, have: Stocks },
    #[error("a balance of {have} plus {} exceeds the maximum of {}", thousands(*more), thousands(i32::MAX))]
    BalanceFull { more: i64, have: Tokens },
    #[error("a position of {have} plus {} exceeds the maximum of {}", thousands(count.0), thousands(i32::MAX))]
    PositionFull { count: Stocks, have: Stocks },
    #[error("rate limit: at most {} a second; wait a moment", thousands(*per_second))]
    RateLimited { per_second: u32 },
    /// A lifetime total no longer fits.
    #[error("the totals of this account have reached their maximum")]
    LedgerFull,
    #[error("id: already used for a different request")]
    DuplicateId,
    #[error("id: an order that rests needs one")]
    MissingId,
    #[error("you have {OPEN_ORDERS_MAX} open orders, the maximum: cancel one first")]
    TooManyOrders,
    #[error("id: no open order has it")]
    NoOpenOrder,
    #[error("the round is paused")]
    RoundPaused,
    #[error("the round is over")]
    RoundOver,
    #[error("a round has just started: send the order again")]
    RoundStarted,
    #[error("no tokens are bought or withdrawn during a round")]
    PaymentsClosed,
    #[error("orders do not rest during a round")]
    NoRestInRound,
    /// Meant for another account than that of the round.
    #[error("round {number} began before this order arrived; nothing was done")]
    RoundBegan { number: i64 },
    /// Meant for the account of this round.
    #[error("round {number} was not open when this arrived; nothing was done")]
    RoundNotOpen { number: i64 },
}

impl Rejection {
    /// Returns the rejection with the nearest valid amounts.
    pub(crate) fn not_a_multiple(tokens: Tokens) -> Self {
        let over = tokens.0.checked_rem(TOKENS_PER_DOLLAR).unwrap_or(0);
        let below = tokens.0.checked_sub(over);
        let above = below.and_then(|below| below.checked_add(TOKENS_PER_DOLLAR));
        Self::NotAMultiple {
            tokens,
            below: below.filter(|below| *below > 0).map(Tokens),
            above: above.map(Tokens),
        }
    }

    /// Returns whether the command is invalid for every account. All other rejected commands are valid, but not for this
    /// account now.
    pub(crate) fn is_invalid(self) -> bool {
        matches!(
            self,
            Self::AmountTooSmall { .. }
                | Self::WithdrawalTooSmall { .. }
                | Self::NotAMultiple { .. }
                | Self::CountTooSmall { .. }
                | Self::DuplicateId
                | Self::MissingId
                | Self::NoOpenOrder
        )
    }
}

fn nearest(below: Option<Tokens>, above: Option<Tokens>) -> String {
    let amounts = [below, above].into_iter().flatten();
    let amounts: Vec<String> = amounts.map(|amount| thousands(amount.0)).collect();
    match amounts.as_slice() {
        [] => "there is no other amount".to_owned(),
        [only] => format!("the nearest amount: {only}"),
        several => format!("the nearest amounts: {}", several.join(" or ")),
    }
}
