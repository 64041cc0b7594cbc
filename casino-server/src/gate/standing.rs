//! What is known of a name while somebody acts for it: one value for all seats, runtimes and calls.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard as SyncMutexGuard, OnceLock, PoisonError},
};

use tokio::sync::{Mutex as AsyncMutex, MutexGuard, OnceCell};

use crate::{
    identity::{KeyHash, PlayerName},
    reader::Reader,
    store::StoreError,
};

/// Names that are remembered before those that nobody uses are forgotten.
const NAMES_MAX: usize = 64 * 1024;

/// Whose name it is.
///
/// A standing gets an owner once and keeps it, so whoever holds it sees a claim at once and without a lock. A name that is
/// released meanwhile gets another standing, and whoever holds the old one goes on by it.
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
        let mut names = self.lock();
        if let Some(standing) = names.standings.get(player) {
            return Arc::clone(standing);
        }
        names.make_room();
        let standing = Arc::<Standing>::default();
        names.standings.insert(player.clone(), Arc::clone(&standing));
        standing
    }

    /// The names that anybody acts for; of others is forgotten what is known.
    pub(super) fn names(&self) -> Vec<PlayerName> {
        let mut names = self.lock();
        names
            .standings
            .retain(|_, standing| Arc::strong_count(standing) > 1);
        names.standings.keys().cloned().collect()
    }

    /// Reads again whose name it is, if anything is known of it.
    pub(super) async fn look_again(&self, player: &PlayerName, reader: &Reader) -> Result<(), StoreError> {
        let Some(standing) = self.lock().standings.get(player).map(Arc::clone) else {
            return Ok(());
        };
        let owner = reader.owner(player.clone()).await?;
        match (standing.owner(), owner) {
            (None, Some(owner)) => standing.belongs_to(owner),
            (Some(known), owner) if owner.as_ref() != Some(known) => {
                self.lock().standings.remove(player);
            }
            _ => {}
        }
        Ok(())
    }

    /// What is in it is whole whatever happened to a thread that held it.
    fn lock(&self) -> SyncMutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
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
