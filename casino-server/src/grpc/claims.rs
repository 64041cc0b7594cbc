//! Cache of name claims, shared by all sessions and calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as AsyncMutex, OnceCell, SetOnce};

use crate::domain::credential::KeyHash;
use crate::domain::player::PlayerName;
use crate::store::reader::StoreReader;
use crate::store::{StoreError, lock};

/// Number of cached names above which unused ones are evicted.
const CAPACITY: usize = 64 * 1024;

/// The owner of a name.
///
/// An entry gets an owner at most once, so all holders see a claim at once and without a lock. After a release the name gets
/// a new entry; holders of the old one keep its owner.
#[derive(Debug, Default)]
pub(crate) struct ClaimEntry {
    loaded: OnceCell<()>,
    owner: SetOnce<KeyHash>,
    /// Serializes claims of the name.
    pub(crate) claim_lock: AsyncMutex<()>,
}

impl ClaimEntry {
    /// Returns the key of the owner; `None` if the name is unclaimed.
    pub(crate) fn owner(&self) -> Option<&KeyHash> {
        self.owner.get()
    }

    /// Loads the owner of `player` on the first call.
    pub(crate) async fn load_once(
        &self,
        player: &PlayerName,
        reader: &StoreReader,
    ) -> Result<(), StoreError> {
        let load = async || {
            if let Some(owner) = reader.claim_owner(player.clone()).await? {
                self.set_owner(owner);
            }
            Ok(())
        };
        self.loaded.get_or_try_init(load).await.map(drop)
    }

    /// Waits until the name is claimed.
    pub(crate) async fn claimed(self: Arc<Self>) {
        self.owner.wait().await;
    }

    /// Sets the owner after the claim is committed. Does nothing if an owner is set: a release replaces the entry.
    pub(crate) fn set_owner(&self, key: KeyHash) {
        let _ = self.owner.set(key);
    }
}

/// The entries of names that are in use or were recently.
#[derive(Debug, Default)]
pub(crate) struct ClaimCache(Mutex<CachedNames>);

#[derive(Debug, Default)]
struct CachedNames {
    entries: HashMap<PlayerName, Arc<ClaimEntry>>,
    /// Number of entries at which unused ones are evicted; at least [`CAPACITY`] after the first entry.
    evict_at: usize,
}

impl ClaimCache {
    /// Returns the entry of `player`, which is shared while it is in use.
    pub(crate) fn entry(&self, player: &PlayerName) -> Arc<ClaimEntry> {
        let mut names = lock(&self.0);
        if let Some(entry) = names.entries.get(player) {
            return Arc::clone(entry);
        }
        if names.entries.len() >= names.evict_at {
            names.evict_unused();
            // Doubling bounds the cost of the scan per new name.
            names.evict_at = names.entries.len().saturating_mul(2).max(CAPACITY);
        }
        let entry = Arc::<ClaimEntry>::default();
        names.entries.insert(player.clone(), Arc::clone(&entry));
        entry
    }

    /// Evicts unused entries and returns the names of the others.
    pub(crate) fn names(&self) -> Vec<PlayerName> {
        let mut names = lock(&self.0);
        names.evict_unused();
        names.entries.keys().cloned().collect()
    }

    /// Reloads the owner of a cached name.
    pub(crate) async fn refresh(&self, player: &PlayerName, reader: &StoreReader) -> Result<(), StoreError> {
        let Some(entry) = lock(&self.0).entries.get(player).map(Arc::clone) else {
            return Ok(());
        };
        let owner = reader.claim_owner(player.clone()).await?;
        match (entry.owner(), owner) {
            (None, Some(owner)) => entry.set_owner(owner),
            (Some(known), owner) if owner.as_ref() != Some(known) => {
                lock(&self.0).entries.remove(player);
            }
            _ => {}
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn put_unclaimed(&self, player: &PlayerName) {
        self.entry(player).loaded.set(()).unwrap();
    }
}

impl CachedNames {
    fn evict_unused(&mut self) {
        self.entries.retain(|_, entry| Arc::strong_count(entry) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::values;

    fn player(number: usize) -> PlayerName {
        values::player(&format!("p{number}"))
    }

    #[test]
    fn used_entries_are_kept_and_unused_ones_evicted() {
        let cache = ClaimCache::default();
        let count = CAPACITY + 20;
        let used: Vec<_> = (0..count).map(|number| cache.entry(&player(number))).collect();
        for number in count..4 * count {
            cache.entry(&player(number));
            assert!(lock(&cache.0).entries.len() <= 2 * count);
        }
        for (number, entry) in used.iter().enumerate() {
            assert!(Arc::ptr_eq(entry, &cache.entry(&player(number))));
        }
    }
}
