//! Core: why a command is refused, as data with the figures, and in words.

use serde::{Deserialize, Serialize};

use crate::quantity::{Dollars, Price, Stocks, TOKENS_PER_DOLLAR, Tokens};

/// Why a command is refused. Nothing has changed then.
///
/// Receipts keep it on disk: variants are added at the end, and keep what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Refusal {
    /// A deposit below one dollar.
    #[error("amount: {} is below 1", dollars.0)]
    AmountTooSmall {
        /// What was to be paid in.
        dollars: Dollars,
    },
    /// A withdrawal below one token.
    #[error("tokens_cnt: {} is below 1", tokens.0)]
    WithdrawalTooSmall {
        /// What was to be withdrawn.
        tokens: Tokens,
    },
    /// A withdrawal that comes to no whole dollars.
    #[error(
        "tokens_cnt: {} is no multiple of {TOKENS_PER_DOLLAR}; the nearest: {}",
        tokens.0,
        in_words(*below, *above)
    )]
    NotAMultiple {
        /// What was to be withdrawn.
        tokens: Tokens,
        /// The nearest amount below that could be asked for.
        below: Option<Tokens>,
        /// The nearest amount above that could be asked for.
        above: Option<Tokens>,
    },
    /// A withdrawal of more than the balance.
    #[error("withdrawing {tokens} takes more than you have: {have}")]
    WithdrawalTooLarge {
        /// What was to be withdrawn.
        tokens: Tokens,
        /// The balance.
        have: Tokens,
    },
    /// An action of less than one stock.
    #[error("stocks_count: {} is below 1", count.0)]
    CountTooSmall {
        /// How many were to be traded.
        count: Stocks,
    },
    /// A buy at a price that is too high for the player.
    #[error("buying at {price} is above your limit of {limit}")]
    AboveLimit {
        /// The price in force.
        price: Price,
        /// The highest price that the player takes.
        limit: Price,
    },
    /// A sell at a price that is too low for the player.
    #[error("selling at {price} is below your limit of {limit}")]
    BelowLimit {
        /// The price in force.
        price: Price,
        /// The lowest price that the player takes.
        limit: Price,
    },
    /// A buy that costs more than the balance.
    #[error("buying {count} at {price} costs {cost} tokens, you have {have}")]
    TooDear {
        /// How many were to be bought.
        count: Stocks,
        /// The price in force.
        price: Price,
        /// What they cost, in tokens.
        cost: i64,
        /// The balance.
        have: Tokens,
    },
    /// A sell of more than the holding.
    #[error("selling {count} takes more than you have: {have}")]
    TooFewStocks {
        /// How many were to be sold.
        count: Stocks,
        /// The holding.
        have: Stocks,
    },
    /// More tokens than a balance holds.
    #[error("a balance of {have} cannot take {more} more: it holds {} at most", i32::MAX)]
    BalanceFull {
        /// What was to be added, in tokens.
        more: i64,
        /// The balance.
        have: Tokens,
    },
    /// More stocks than a holding holds.
    #[error("a holding of {have} cannot take {} more: it holds {} at most", count.0, i32::MAX)]
    HoldingFull {
        /// How many were to be bought.
        count: Stocks,
        /// The holding.
        have: Stocks,
    },
    /// More commands than one player may have decided in a second.
    #[error("too fast: more than {a_second} a second; wait a little")]
    TooFast {
        /// How many may be decided.
        a_second: u32,
    },
    /// A sum over the account's whole life no longer fits.
    #[error("the sums of this account do not fit the books any more")]
    BooksFull,
    /// An id that was given to another request before.
    #[error("id: it was sent before with another request, and stands for that one")]
    IdTaken,
}

impl Refusal {
    /// A withdrawal that comes to no whole dollars, with the nearest amounts that do.
    pub(super) fn not_a_multiple(tokens: Tokens) -> Self {
        let over = tokens.0.checked_rem(TOKENS_PER_DOLLAR).unwrap_or(0);
        let below = tokens.0.checked_sub(over);
        let above = below.and_then(|below| below.checked_add(TOKENS_PER_DOLLAR));
        Self::NotAMultiple {
            tokens,
            below: below.filter(|below| *below > 0).map(Tokens),
            above: above.map(Tokens),
        }
    }

    /// Whether the command could never be executed, or only not now.
    pub(crate) fn kind(self) -> RefusalKind {
        match self {
            Self::AmountTooSmall { .. }
            | Self::WithdrawalTooSmall { .. }
            | Self::NotAMultiple { .. }
            | Self::CountTooSmall { .. }
            | Self::IdTaken => RefusalKind::Invalid,
            Self::WithdrawalTooLarge { .. }
            | Self::AboveLimit { .. }
            | Self::BelowLimit { .. }
            | Self::TooDear { .. }
            | Self::TooFewStocks { .. }
            | Self::BalanceFull { .. }
            | Self::HoldingFull { .. }
            | Self::TooFast { .. }
            | Self::BooksFull => RefusalKind::Unmet,
        }
    }
}

/// The two sorts of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    /// The command makes no sense for any account.
    Invalid,
    /// The command makes sense, but not for this account as it is.
    Unmet,
}

/// The nearest amounts, as far as there are any.
fn in_words(below: Option<Tokens>, above: Option<Tokens>) -> String {
    match (below, above) {
        (Some(below), Some(above)) => format!("{} or {}", below.0, above.0),
        (Some(only), None) | (None, Some(only)) => only.0.to_string(),
        (None, None) => "none".to_owned(),
    }
}
