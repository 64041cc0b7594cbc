//! The player's wallet, its value and its profit.

use serde::{Deserialize, Serialize};

use super::money::{Centitokens, Permille};
use crate::app::lobby::Performance;

/// A wallet. Amounts are in tokens unless named otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wallet {
    pub tokens: i32,
    pub stocks: i32,
    /// Cost of the stocks held, by average cost.
    pub cost_basis: i64,
    /// Realised profit, or negative loss.
    pub realised_pnl: i64,
    pub dollars_in: i64,
    pub dollars_out: i64,
    /// Increases with each change: the higher version is newer.
    pub version: i64,
    /// The number of the round whose account it is; 0: the own account. `None`: an earlier casino.
    #[serde(default)]
    pub round: Option<i64>,
}

impl Wallet {
    /// Returns true if it is that of the player's own account. An earlier casino does not say so.
    pub(crate) fn is_own(&self) -> bool {
        self.round.unwrap_or(0) == 0
    }

    pub fn value(&self, price: i32) -> i64 {
        i64::from(self.stocks).saturating_mul(i64::from(price))
    }

    /// Returns tokens plus the value of the stocks.
    pub fn equity(&self, price: i32) -> i64 {
        i64::from(self.tokens).saturating_add(self.value(price))
    }

    /// Returns the unrealised profit, or negative loss.
    pub fn unrealised_pnl(&self, price: i32) -> i64 {
        self.value(price).saturating_sub(self.cost_basis)
    }

    /// Returns the realised and unrealised profit, and the dollars paid in.
    pub fn performance(&self, price: i32) -> Performance {
        Performance {
            profit: self.realised_pnl.saturating_add(self.unrealised_pnl(price)),
            dollars_in: self.dollars_in,
        }
    }

    /// Returns the unrealised profit relative to the cost basis; `None` without stocks.
    pub fn unrealised_permille(&self, price: i32) -> Option<Permille> {
        Permille::from_change(self.unrealised_pnl(price), self.cost_basis)
    }

    /// Returns the average cost of one stock; `None` without stocks.
    pub fn average_cost(&self) -> Option<Centitokens> {
        let hundredths = self.cost_basis.checked_mul(100)?;
        hundredths.checked_div(i64::from(self.stocks)).map(Centitokens)
    }
}

/// The known part of the wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WalletState {
    /// Nothing received yet.
    #[default]
    Unknown,
    /// The casino sends only the token balance.
    TokensOnly(i32),
    Known(Wallet),
}

impl WalletState {
    pub fn tokens(&self) -> Option<i32> {
        match self {
            Self::Unknown => None,
            Self::TokensOnly(tokens) => Some(*tokens),
            Self::Known(wallet) => Some(wallet.tokens),
        }
    }

    pub fn wallet(&self) -> Option<&Wallet> {
        match self {
            Self::Known(wallet) => Some(wallet),
            Self::Unknown | Self::TokensOnly(_) => None,
        }
    }

    /// Applies a wallet, if one was sent, unless a newer one is known: stream and calls may overtake each other.
    pub(crate) fn apply(&mut self, wallet: Option<Wallet>) {
        let known = self.wallet().map(|known| known.version);
        if let Some(wallet) = wallet.filter(|wallet| known.is_none_or(|known| known <= wallet.version)) {
            *self = Self::Known(wallet);
        }
    }
}
