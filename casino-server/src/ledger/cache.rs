//! The records of players who have been active of late, in bounded memory.

use std::{collections::HashMap, mem};

use crate::{identity::PlayerName, record::Record};

/// Records in one generation.
const GENERATION_MAX: usize = 32 * 1024;

/// Two generations of records: when the young one is full it becomes the old one, and the old one is forgotten.
///
/// So at most two generations are held, what was used within the last one is always there, and no bookkeeping is done
/// on a hit but a move between two maps. It holds committed records only.
#[derive(Debug)]
pub(super) struct Cache {
    young: HashMap<PlayerName, Record>,
    old: HashMap<PlayerName, Record>,
    generation_max: usize,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self::with_generations_of(GENERATION_MAX)
    }

    fn with_generations_of(generation_max: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            generation_max,
        }
    }

    /// The player's record, if it is held; it then stays for another generation.
    pub(super) fn get(&mut self, player: &PlayerName) -> Option<Record> {
        if let Some(record) = self.young.get(player) {
            return Some(*record);
        }
        let (player, record) = self.old.remove_entry(player)?;
        self.put(player, record);
        Some(record)
    }

    /// Holds `record`, in place of the player's earlier one.
    pub(super) fn put(&mut self, player: PlayerName, record: Record) {
        if self.young.len() >= self.generation_max && !self.young.contains_key(&player) {
            self.old = mem::take(&mut self.young);
        }
        self.old.remove(&player);
        self.young.insert(player, record);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::AccountId;

    fn player(number: i64) -> PlayerName {
        PlayerName::new(&format!("p{number}")).unwrap()
    }

    fn record(number: i64) -> Record {
        Record::new(AccountId(number))
    }

    #[test]
    fn what_is_used_stays_and_what_is_not_is_forgotten() {
        let mut cache = Cache::with_generations_of(4);
        for number in 0..100 {
            cache.put(player(number), record(number));
            assert_eq!(cache.get(&player(0)), Some(record(0)), "used all the time");
            assert_eq!(cache.get(&player(number)), Some(record(number)), "used just now");
            assert!(cache.young.len() + cache.old.len() <= 8, "bounded");
        }
        assert_eq!(cache.get(&player(50)), None);
    }

    #[test]
    fn a_newer_record_replaces_an_older_one_in_either_generation() {
        let mut cache = Cache::with_generations_of(2);
        cache.put(player(1), record(1));
        cache.put(player(2), record(2));
        cache.put(player(3), record(3));
        cache.put(player(1), record(10));
        assert_eq!(cache.get(&player(1)), Some(record(10)));
        cache.put(player(4), record(4));
        assert_eq!(cache.get(&player(1)), Some(record(10)));
        cache.clear();
        assert_eq!(cache.get(&player(1)), None);
    }
}
