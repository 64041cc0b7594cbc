//! Notifications of the other servers.

use std::collections::{HashSet, VecDeque};
use std::mem;
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::domain::player::PlayerName;
use crate::store::lock;

/// Maximum number of names kept. Above it, all names count as changed.
const NAMES_MAX: usize = 1_024;

/// Maximum number of trades kept; the oldest is dropped.
const TRADES_MAX: usize = 64;

/// Received notifications. After a lost connection any may be missing.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    ticks: Notify,
    claims: Notify,
    claimed: Mutex<ChangedNames>,
    tape: Notify,
    trades: Mutex<VecDeque<String>>,
    accounts: Notify,
    changed: Mutex<ChangedNames>,
}

/// Names whose claim, account or orders have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChangedNames {
    Some(HashSet<PlayerName>),
    /// Possibly any name.
    Any,
}

impl Default for ChangedNames {
    fn default() -> Self {
        Self::Some(HashSet::new())
    }
}

impl Notifications {
    pub(super) fn add_tick(&self) {
        self.ticks.notify_one();
    }

    pub(super) fn add_claim(&self, player: &str) {
        lock(&self.claimed).add(PlayerName::from_stored(player).ok());
        self.claims.notify_one();
    }

    pub(super) fn add_changed_account(&self, player: &str) {
        lock(&self.changed).add(PlayerName::from_stored(player).ok());
        self.accounts.notify_one();
    }

    pub(super) fn add_trades(&self, payload: String) {
        let mut trades = lock(&self.trades);
        if trades.len() >= TRADES_MAX {
            trades.pop_front();
        }
        trades.push_back(payload);
        drop(trades);
        self.tape.notify_one();
    }

    /// Marks everything as possibly missed.
    pub(super) fn resync(&self) {
        *lock(&self.claimed) = ChangedNames::Any;
        self.claims.notify_one();
        *lock(&self.changed) = ChangedNames::Any;
        self.accounts.notify_one();
        self.ticks.notify_one();
    }

    /// Waits until there may be a new tick.
    pub(crate) async fn tick(&self) {
        self.ticks.notified().await;
    }

    /// Waits for changed claims.
    pub(crate) async fn claims(&self) -> ChangedNames {
        changed(&self.claims, &self.claimed).await
    }

    /// Waits for payments, and for orders that were placed or have ended. Returns their players.
    pub(crate) async fn changed_accounts(&self) -> ChangedNames {
        changed(&self.accounts, &self.changed).await
    }

    /// Waits for trades of other servers.
    pub(crate) async fn tape(&self) -> Vec<String> {
        loop {
            self.tape.notified().await;
            let payload: Vec<_> = lock(&self.trades).drain(..).collect();
            if !payload.is_empty() {
                return payload;
            }
        }
    }
}

/// Waits for changed names and takes them.
async fn changed(notify: &Notify, names: &Mutex<ChangedNames>) -> ChangedNames {
    loop {
        notify.notified().await;
        let changed = mem::take(&mut *lock(names));
        if changed != ChangedNames::default() {
            return changed;
        }
    }
}

impl ChangedNames {
    /// Adds a name; an invalid one stands for any.
    fn add(&mut self, player: Option<PlayerName>) {
        match (&mut *self, player) {
            (Self::Some(names), Some(player)) if names.len() < NAMES_MAX => {
                names.insert(player);
            }
            _ => *self = Self::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn changed_names_are_bounded_and_a_lost_connection_changes_any() {
        let notifications = Notifications::default();
        assert_eq!(notifications.claims().now_or_never(), None);
        for name in ["ann", "bob", "ann"] {
            notifications.add_claim(name);
        }
        let names = ["ann", "bob"].map(|name| PlayerName::new(name).unwrap());
        assert_eq!(
            notifications.claims().now_or_never(),
            Some(ChangedNames::Some(HashSet::from(names)))
        );
        assert_eq!(notifications.claims().now_or_never(), None);
        for number in 0..=NAMES_MAX {
            notifications.add_claim(&format!("p{number}"));
        }
        assert_eq!(notifications.claims().now_or_never(), Some(ChangedNames::Any));
        assert_eq!(notifications.tick().now_or_never(), None);
        notifications.resync();
        assert_eq!(notifications.claims().now_or_never(), Some(ChangedNames::Any));
        assert_eq!(notifications.tick().now_or_never(), Some(()));
    }
}
