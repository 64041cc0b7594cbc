//! What the player owns, as the casino told it, and its worth at a price.
//!
//! Owns the reckoning of value, profit and loss. It never guesses: what the casino does not tell is not there.

use serde::{Deserialize, Serialize};

use super::money::{Centitokens, Permille};

/// A wallet. Amounts are tokens unless they say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wallet {
    /// Tokens.
    pub tokens: i32,
    /// Stocks.
    pub stocks: i32,
    /// What the stocks held now cost, by average cost.
    pub cost_basis: i64,
    /// Profit, or negative loss, of everything sold so far.
    pub realised_pnl: i64,
    /// Dollars paid in so far.
    pub dollars_in: i64,
    /// Dollars paid out so far.
    pub dollars_out: i64,
    /// Counts the changes: of two wallets the higher one is newer.
    pub version: i64,
}

impl Wallet {
    /// What the stocks are worth at `price`.
    #[must_use]
    pub fn value(&self, price: i32) -> i64 {
        i64::from(self.stocks).saturating_mul(i64::from(price))
    }

    /// Tokens and the value of the stocks.
    #[must_use]
    pub fn equity(&self, price: i32) -> i64 {
        i64::from(self.tokens).saturating_add(self.value(price))
    }

    /// Profit, or negative loss, that selling everything at `price` would realise.
    #[must_use]
    pub fn unrealised_pnl(&self, price: i32) -> i64 {
        self.value(price).saturating_sub(self.cost_basis)
    }

    /// [`unrealised_pnl`](Self::unrealised_pnl) of the cost basis; `None` without stocks.
    #[must_use]
    pub fn unrealised_permille(&self, price: i32) -> Option<Permille> {
        Permille::of(self.unrealised_pnl(price), self.cost_basis)
    }

    /// What one stock held now cost on average; `None` without stocks.
    #[must_use]
    pub fn average_cost(&self) -> Option<Centitokens> {
        let hundredths = self.cost_basis.checked_mul(100)?;
        hundredths.checked_div(i64::from(self.stocks)).map(Centitokens)
    }
}

/// What the client knows of the wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Holdings {
    /// Nothing has come yet.
    #[default]
    Unknown,
    /// The casino speaks the old contract only: it tells tokens, and neither stocks nor costs.
    TokensOnly(i32),
    /// All of it.
    Known(Wallet),
}

impl Holdings {
    /// Tokens, where known.
    #[must_use]
    pub fn tokens(&self) -> Option<i32> {
        match self {
            Self::Unknown => None,
            Self::TokensOnly(tokens) => Some(*tokens),
            Self::Known(wallet) => Some(wallet.tokens),
        }
    }

    /// The whole wallet, where known.
    #[must_use]
    pub fn wallet(&self) -> Option<&Wallet> {
        match self {
            Self::Known(wallet) => Some(wallet),
            Self::Unknown | Self::TokensOnly(_) => None,
        }
    }

    /// Takes a wallet that came on the stream or by a call, unless a newer one is known: the two ways overtake
    /// each other.
    pub fn take(&mut self, wallet: Wallet) {
        if self.wallet().is_none_or(|known| known.version <= wallet.version) {
            *self = Self::Known(wallet);
        }
    }

    /// Takes the wallet that is told on joining, whatever was known before: the table may be another one now.
    pub fn replace(&mut self, wallet: Wallet) {
        *self = Self::Known(wallet);
    }

    /// Takes a token balance from a casino that tells no more. A wallet that is known is that of a casino that was there
    /// before.
    pub fn take_tokens(&mut self, tokens: i32) {
        *self = Self::TokensOnly(tokens);
    }
}
