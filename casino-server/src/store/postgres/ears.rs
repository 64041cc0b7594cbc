//! What a session that listens has heard, until somebody looks after it.

use std::{
    collections::{HashSet, VecDeque},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::identity::PlayerName;

/// Names that wait; when there are more, any may have changed.
const NAMES_MAX: usize = 1_024;

/// Words on trades that wait; of more the oldest are dropped: they are a sample anyway.
const TRADES_MAX: usize = 64;

/// What `LISTEN` is told to hear.
pub(super) const LISTEN: &str =
    "LISTEN awesomestock_ticks; LISTEN awesomestock_claims; LISTEN awesomestock_tape";

/// What was heard. A session that ends may have missed anything.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    ticks: Notify,
    claims: Notify,
    claimed: Mutex<Claimed>,
    tape: Notify,
    trades: Mutex<VecDeque<String>>,
}

/// Whose names have been claimed or released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// Of these.
    Of(HashSet<PlayerName>),
    /// Perhaps of any.
    Any,
}

impl Default for Claimed {
    fn default() -> Self {
        Self::Of(HashSet::new())
    }
}

impl Ears {
    /// Hears a notification.
    pub(super) fn hear(&self, channel: &str, payload: &str) {
        match channel {
            "awesomestock_ticks" => self.ticks.notify_one(),
            "awesomestock_claims" => {
                self.claimed().hear(PlayerName::new(payload).ok());
                self.claims.notify_one();
            }
            "awesomestock_tape" => {
                let mut trades = lock(&self.trades);
                if trades.len() >= TRADES_MAX {
                    trades.pop_front();
                }
                trades.push_back(payload.to_owned());
                drop(trades);
                self.tape.notify_one();
            }
            _ => {}
        }
    }

    /// Whatever was said may have been missed.
    pub(super) fn miss(&self) {
        *self.claimed() = Claimed::Any;
        self.claims.notify_one();
        self.ticks.notify_one();
    }

    /// Waits until there may be a new tick.
    pub(crate) async fn tick(&self) {
        self.ticks.notified().await;
    }

    /// Waits until names have been claimed or released.
    pub(crate) async fn claims(&self) -> Claimed {
        loop {
            self.claims.notified().await;
            let claimed = mem::take(&mut *self.claimed());
            if claimed != Claimed::default() {
                return claimed;
            }
        }
    }

    /// Waits until casinos have told of their trades.
    pub(crate) async fn tape(&self) -> Vec<String> {
        loop {
            self.tape.notified().await;
            let said: Vec<_> = lock(&self.trades).drain(..).collect();
            if !said.is_empty() {
                return said;
            }
        }
    }

    fn claimed(&self) -> MutexGuard<'_, Claimed> {
        lock(&self.claimed)
    }
}

/// What these locks hold is whole whatever happened to a thread that held one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Claimed {
    /// Adds a name; what is none may stand for any.
    fn hear(&mut self, player: Option<PlayerName>) {
        match (&mut *self, player) {
            (Self::Of(names), Some(player)) if names.len() < NAMES_MAX => {
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
    fn names_gather_up_to_a_bound_and_a_lost_session_may_have_missed_any() {
        let ears = Ears::default();
        assert_eq!(ears.claims().now_or_never(), None);
        for name in ["ann", "bob", "ann"] {
            ears.hear("awesomestock_claims", name);
        }
        let names = ["ann", "bob"].map(|name| PlayerName::new(name).unwrap());
        assert_eq!(
            ears.claims().now_or_never(),
            Some(Claimed::Of(HashSet::from(names)))
        );
        assert_eq!(ears.claims().now_or_never(), None);
        for number in 0..=NAMES_MAX {
            ears.hear("awesomestock_claims", &format!("p{number}"));
        }
        assert_eq!(ears.claims().now_or_never(), Some(Claimed::Any));
        assert_eq!(ears.tick().now_or_never(), None);
        ears.miss();
        assert_eq!(ears.claims().now_or_never(), Some(Claimed::Any));
        assert_eq!(ears.tick().now_or_never(), Some(()));
    }
}
