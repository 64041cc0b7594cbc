//! What is known of a name while somebody acts for it: one value for all seats, runtimes and calls.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tokio::sync::{Mutex as AsyncMutex, MutexGuard, OnceCell};

use crate::{
    identity::{KeyHash, PlayerName},
    store::StoreError,
};

/// Names that are remembered before those that nobody uses are forgotten.
const NAMES_MAX: usize = 64 * 1024;

/// Whose name it is.
///
/// A name gets an owner once and keeps it as long as the casino runs, so whoever holds a standing sees a claim at once
/// and without a lock.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    read: OnceCell<()>,
    owner: OnceLock<KeyHash>,
    claiming: AsyncMutex<()>,
}

impl Standing {
    /// The key that the name belongs to; `None` while it is nobody's.
    pub(crate) fn owner(&self) -> Option<&KeyHash> {
        self.owner.get()
    }

    /// Reads from the disk whose name it is, unless somebody has done so.
    pub(super) async fn read_once(
        &self,
        read: impl AsyncFnOnce() -> Result<Option<KeyHash>, StoreError>,
    ) -> Result<(), StoreError> {
        let read = async || {
            if let Some(owner) = read().await? {
                self.belongs_to(owner);
            }
            Ok(())
        };
        self.read.get_or_try_init(read).await.map(drop)
    }

    /// Waits until nobody else claims the name.
    pub(super) async fn claiming(&self) -> MutexGuard<'_, ()> {
        self.claiming.lock().await
    }

    /// The name belongs to `key`, and that is on disk.
    pub(super) fn belongs_to(&self, key: KeyHash) {
        // Of several who hear of a claim at another casino, each says so.
        if self.owner() != Some(&key) && self.owner.set(key).is_err() {
            tracing::error!("a name was claimed that had an owner");
        }
    }
}

/// The standings of the names in use, and of some that were of late.
#[derive(Debug)]
pub(crate) struct Register {
    names: Mutex<Names>,
}

#[derive(Debug)]
struct Names {
    standings: HashMap<PlayerName, Arc<Standing>>,
    /// When there are so many, those that nobody uses are forgotten.
    full_at: usize,
    most: usize,
}

impl Default for Register {
    fn default() -> Self {
        Self::at_most(NAMES_MAX)
    }
}

impl Register {
    fn at_most(most: usize) -> Self {
        Self {
            names: Mutex::new(Names {
                standings: HashMap::new(),
                full_at: most,
                most,
            }),
        }
    }

    /// The standing of `player`: the same for all as long as anybody holds it.
    pub(crate) fn standing(&self, player: &PlayerName) -> Arc<Standing> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(standing) = names.standings.get(player) {
            return Arc::clone(standing);
        }
        names.make_room();
        let standing = Arc::<Standing>::default();
        names.standings.insert(player.clone(), Arc::clone(&standing));
        standing
    }

    #[cfg(test)]
    pub(super) fn put_unclaimed(&self, player: &PlayerName) {
        let standing = self.standing(player);
        standing.read.set(()).unwrap();
    }
}

impl Names {
    /// Forgets what nobody holds; it is on disk. What is held stays, and is bounded by those who hold it.
    fn make_room(&mut self) {
        if self.standings.len() < self.full_at {
            return;
        }
        self.standings
            .retain(|_, standing| Arc::strong_count(standing) > 1);
        // So that looking for what can go costs little for each name that comes.
        self.full_at = self.standings.len().saturating_mul(2).max(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn player(number: usize) -> PlayerName {
        PlayerName::new(&format!("p{number}")).unwrap()
    }

    #[test]
    fn what_is_held_stays_the_same_and_the_rest_is_bounded() {
        let register = Register::at_most(8);
        let held: Vec<_> = (0..20).map(|number| register.standing(&player(number))).collect();
        for number in 20..1_000 {
            register.standing(&player(number));
            assert!(register.names.lock().unwrap().standings.len() <= 40);
        }
        for (number, standing) in held.iter().enumerate() {
            assert!(Arc::ptr_eq(standing, &register.standing(&player(number))));
        }
    }
}
