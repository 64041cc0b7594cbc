//! The player's own account. During a round, the casino sends the wallet of the round in its place.

use super::{Wallet, WalletState};

/// The last known wallet of the own account, and whether the wallets that arrive are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct OwnAccount {
    wallet: Option<Wallet>,
    is_in_round: bool,
    /// The account has changed, and its wallet has not arrived yet.
    is_wallet_due: bool,
    /// Orders that were sent before the change and are not answered. They count to the account before.
    in_flight: usize,
    was_in_round: bool,
}

/// What is known about an answered order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrderAccount {
    /// The order was one of a round.
    pub(crate) is_in_round: bool,
    /// The order was sent before the account changed.
    pub(crate) is_earlier: bool,
}

impl OwnAccount {
    /// Returns true if the known wallet is that of the own account.
    pub(crate) fn is_in_use(&self) -> bool {
        !self.is_in_round && !self.is_wallet_due
    }

    /// Returns the newest wallet of the own account.
    pub(crate) fn wallet(&self, known: &WalletState) -> Option<Wallet> {
        match self.is_in_use() {
            true => known.wallet().copied(),
            false => self.wallet,
        }
    }

    pub(crate) fn keep(&mut self, known: &WalletState) {
        self.wallet = self.wallet(known);
    }

    /// Restores the wallet, if a later one was not the own one.
    pub(crate) fn restore(&mut self, wallet: Option<Wallet>) {
        self.wallet = wallet;
    }

    /// Starts the account of a round, or returns to the own one. `in_flight`: orders without an answer.
    pub(crate) fn change(&mut self, is_in_round: bool, is_wallet_due: bool, in_flight: usize) {
        *self = Self {
            wallet: self.wallet,
            is_in_round,
            is_wallet_due,
            in_flight,
            was_in_round: self.is_in_round,
        };
    }

    /// Records that the wallet of the account in use has arrived.
    pub(crate) fn wallet_received(&mut self) {
        self.is_wallet_due = false;
    }

    /// Returns the account of the oldest of `waiting` orders, which is answered.
    pub(crate) fn answered(&mut self, waiting: usize) -> OrderAccount {
        let in_flight = self.in_flight.min(waiting);
        self.in_flight = in_flight.saturating_sub(1);
        let is_earlier = in_flight > 0;
        OrderAccount {
            is_in_round: if is_earlier {
                self.was_in_round
            } else {
                self.is_in_round
            },
            is_earlier,
        }
    }
}
