//! Core: the records of players who have been active of late, in bounded memory.

use std::{collections::HashMap, num::NonZero};

use super::{
    fate::Sequence,
    receipts::{Kept, Receipts},
};
use crate::{
    account::Refusal,
    allowance::{Allowance, Rate},
    identity::PlayerName,
    quantity::UnixMillis,
    receipt::{Filed, Receipt, RequestId},
    record::Record,
};

/// Records held at most. Far more than one batch can change, so that there is always one to forget.
const ACCOUNTS_MAX: usize = 64 * 1024;

/// Receipts of all accounts held together, before those that have not been used for a while make room: some 100 MB.
const RECEIPTS_MAX: usize = 512 * 1024;

/// Places looked at for one that makes room, each time there are too many receipts.
const ROOM_LOOKS: usize = 1024;

/// Where a player's record was found, for whoever asks again: no name is looked up twice.
///
/// It never leads to another player: a place that was given to another has another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    index: usize,
    key: u64,
}

/// A record in memory.
#[derive(Debug)]
pub(super) struct Held {
    name: PlayerName,
    key: u64,
    used: bool,
    /// The record as it has been decided, on disk or not.
    pub(super) record: Record,
    /// The last batch that changed it; with that batch the record is on disk, or has never been.
    pub(super) changed_in: Sequence,
    /// What the player may still ask for.
    pub(super) allowance: Allowance,
    /// What the player's requests with ids were answered; `None` for one who sent none.
    receipts: Option<Box<Receipts>>,
}

impl Held {
    /// What `id` was answered, if it was asked before.
    pub(super) fn receipt(&self, id: RequestId) -> Option<Kept> {
        self.receipts.as_ref()?.of(id)
    }

    fn receipts(&self) -> usize {
        self.receipts.as_ref().map_or(0, |receipts| receipts.len())
    }
}

/// The records. One that waits for its batch stays; of the others those that have not been used for a while make room.
#[derive(Debug)]
pub(super) struct Accounts {
    held: Vec<Held>,
    by_name: HashMap<PlayerName, usize>,
    /// Where the search for one to forget goes on.
    hand: usize,
    last_key: u64,
    most: usize,
    rate: Rate,
    /// Receipts held.
    receipts: usize,
    most_receipts: usize,
}

impl Accounts {
    /// None yet.
    pub(super) fn new() -> Self {
        Self::at_most(ACCOUNTS_MAX, RECEIPTS_MAX)
    }

    fn at_most(most: usize, most_receipts: usize) -> Self {
        Self {
            held: Vec::new(),
            by_name: HashMap::new(),
            hand: 0,
            last_key: 0,
            most,
            rate: None,
            receipts: 0,
            most_receipts,
        }
    }

    /// Where the player's record is, if it is held.
    pub(super) fn find(&self, player: &PlayerName) -> Option<Place> {
        let index = *self.by_name.get(player)?;
        let key = self.held.get(index)?.key;
        Some(Place { index, key })
    }

    /// The record at `place`, if it is still there.
    pub(super) fn at(&mut self, place: Place) -> Option<&mut Held> {
        let held = self.held.get_mut(place.index)?;
        if held.key != place.key {
            return None;
        }
        held.used = true;
        Some(held)
    }

    /// How many commands of one player are decided in a second.
    pub(super) fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// The record at `place`, if it is still there, and whether its player may have a command decided at `at`.
    pub(super) fn allow(&mut self, place: Place, at: UnixMillis) -> Option<(&mut Held, Result<(), Refusal>)> {
        let rate = self.rate;
        let held = self.at(place)?;
        let allowed = if held.allowance.take(rate, at) {
            Ok(())
        } else {
            Err(Refusal::TooFast {
                a_second: rate.map_or(0, NonZero::get),
            })
        };
        Some((held, allowed))
    }

    /// The name and the record at `place`, if it is still there.
    pub(super) fn named(&self, place: Place) -> Option<(PlayerName, Record)> {
        let held = self.held.get(place.index)?;
        (held.key == place.key).then(|| (held.name.clone(), held.record))
    }

    /// Keeps `receipt` for the account at `place`, if it is still there; it is settled with `batch`.
    pub(super) fn file(&mut self, place: Place, receipt: Receipt, batch: Sequence) -> Option<Filed> {
        let held = self.held.get_mut(place.index)?;
        if held.key != place.key {
            return None;
        }
        let before = held.receipts();
        let number = held.receipts.get_or_insert_default().add(receipt, batch);
        let more = held.receipts().saturating_sub(before);
        self.receipts = self.receipts.saturating_add(more);
        Some(Filed {
            account: held.record.id,
            number,
            receipt,
        })
    }

    /// Holds `record` and its receipts as they are on disk. What was changed up to the batch `settled` may make room for
    /// it.
    pub(super) fn put(
        &mut self,
        player: PlayerName,
        (record, receipts): (Record, Receipts),
        settled: Sequence,
    ) {
        self.last_key = self.last_key.wrapping_add(1);
        let held = Held {
            name: player.clone(),
            key: self.last_key,
            used: false,
            record,
            changed_in: Sequence::NONE,
            allowance: Allowance::FULL,
            receipts: (!receipts.are_none()).then(|| Box::new(receipts)),
        };
        self.receipts = self.receipts.saturating_add(held.receipts());
        let room = if self.held.len() < self.most {
            None
        } else {
            self.forgettable(settled)
        };
        let index = match room.and_then(|index| Some((index, self.held.get_mut(index)?))) {
            Some((index, old)) => {
                self.by_name.remove(&old.name);
                self.receipts = self.receipts.saturating_sub(old.receipts());
                *old = held;
                index
            }
            None => {
                self.held.push(held);
                self.held.len().saturating_sub(1)
            }
        };
        self.by_name.insert(player, index);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.by_name.clear();
        self.receipts = 0;
    }

    /// Forgets some of those with receipts, while there are more of these than may be; what was changed after the batch
    /// `settled` stays. No place may wait to be [named](Self::named).
    pub(super) fn trim(&mut self, settled: Sequence) {
        for _ in 0..ROOM_LOOKS {
            if self.receipts <= self.most_receipts {
                return;
            }
            let index = self.next_of_hand();
            let Some(held) = self.held.get_mut(index) else {
                return;
            };
            if held.changed_in > settled || held.used || held.receipts() == 0 {
                held.used = false;
                continue;
            }
            let forgotten = self.held.swap_remove(index);
            self.by_name.remove(&forgotten.name);
            self.receipts = self.receipts.saturating_sub(forgotten.receipts());
            if let Some(moved) = self.held.get(index) {
                self.by_name.insert(moved.name.clone(), index);
            }
        }
    }

    /// Where the search for one to forget looks next.
    fn next_of_hand(&mut self) -> usize {
        let index = if self.hand < self.held.len() { self.hand } else { 0 };
        self.hand = index.saturating_add(1);
        index
    }

    /// A record that is on disk as it is held, and has not been used since the hand last came by.
    fn forgettable(&mut self, settled: Sequence) -> Option<usize> {
        let rounds = self.held.len().saturating_mul(2);
        for _ in 0..rounds {
            let index = self.next_of_hand();
            let held = self.held.get_mut(index)?;
            if held.changed_in <= settled && !held.used {
                return Some(index);
            }
            held.used = false;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{Account, Refusal},
        quantity::Stocks,
        record::{AccountId, Command, Decision},
    };

    fn player(number: i64) -> PlayerName {
        PlayerName::new(&format!("p{number}")).unwrap()
    }

    fn record(number: i64) -> Record {
        Record::new(AccountId(number))
    }

    fn record_of(number: i64) -> (Record, Receipts) {
        (record(number), Receipts::default())
    }

    impl Accounts {
        fn get(&mut self, number: i64) -> Option<Record> {
            let place = self.find(&player(number))?;
            Some(self.at(place)?.record)
        }
    }

    #[test]
    fn what_is_used_stays_and_what_is_not_makes_room() {
        let mut accounts = Accounts::at_most(8, 100);
        for number in 0..100 {
            accounts.put(player(number), record_of(number), Sequence::NONE);
            assert_eq!(accounts.get(0), Some(record(0)), "used all the time");
            assert!(accounts.find(&player(number)).is_some(), "put just now");
            assert!(accounts.held.len() <= 8 && accounts.by_name.len() <= 8, "bounded");
        }
        assert_eq!(accounts.get(50), None);
    }

    #[test]
    fn what_waits_for_its_batch_stays() {
        let mut accounts = Accounts::at_most(4, 100);
        accounts.put(player(0), record_of(0), Sequence::NONE);
        let place = accounts.find(&player(0)).unwrap();
        accounts.at(place).unwrap().changed_in = Sequence::NONE.next();
        for number in 1..50 {
            accounts.put(player(number), record_of(number), Sequence::NONE);
        }
        assert!(accounts.at(place).is_some());
        for number in 50..60 {
            accounts.put(player(number), record_of(number), Sequence::NONE.next());
        }
        assert!(accounts.at(place).is_none(), "settled by now");
    }

    fn receipt(number: i64) -> Receipt {
        Receipt {
            id: RequestId(i128::from(number).to_be_bytes()),
            command: Command::Buy(Stocks(1)),
            decision: Decision {
                result: Err(Refusal::BooksFull),
                account: Account::default(),
            },
        }
    }

    #[test]
    fn of_too_many_receipts_those_of_who_is_idle_make_room() {
        let mut accounts = Accounts::at_most(100, 50);
        for number in 0..20 {
            accounts.put(player(number), record_of(number), Sequence::NONE);
            let place = accounts.find(&player(number)).unwrap();
            for nth in 0..10 {
                accounts
                    .file(place, receipt(number * 10 + nth), Sequence::NONE)
                    .unwrap();
            }
            accounts.trim(Sequence::NONE);
            assert!(accounts.get(0).is_some(), "used all the time");
            assert!(accounts.receipts <= 50, "{}", accounts.receipts);
            let held: usize = accounts.held.iter().map(Held::receipts).sum();
            assert_eq!(accounts.receipts, held);
        }
        for (index, held) in accounts.held.iter().enumerate() {
            assert_eq!(accounts.by_name.get(&held.name), Some(&index));
        }
        assert_eq!(accounts.by_name.len(), accounts.held.len());
    }

    #[test]
    fn receipts_that_wait_for_their_batch_stay() {
        let mut accounts = Accounts::at_most(100, 0);
        accounts.put(player(1), record_of(1), Sequence::NONE);
        let place = accounts.find(&player(1)).unwrap();
        let batch = Sequence::NONE.next();
        accounts.at(place).unwrap().changed_in = batch;
        let filed = accounts.file(place, receipt(7), batch).unwrap();
        assert_eq!((filed.account, filed.number), (AccountId(1), 1));
        accounts.trim(Sequence::NONE);
        let kept = accounts.at(place).unwrap().receipt(receipt(7).id).unwrap();
        assert_eq!(kept.settled_with, batch);
        accounts.trim(batch);
        assert!(accounts.find(&player(1)).is_none() && accounts.receipts == 0);
    }

    #[test]
    fn a_place_never_leads_to_another_player() {
        let mut accounts = Accounts::at_most(1, 100);
        accounts.put(player(1), record_of(1), Sequence::NONE);
        let first = accounts.find(&player(1)).unwrap();
        accounts.put(player(2), record_of(2), Sequence::NONE);
        assert!(accounts.at(first).is_none() && accounts.named(first).is_none());
        let second = accounts.find(&player(2)).unwrap();
        assert_eq!(accounts.named(second), Some((player(2), record(2))));
        accounts.clear();
        accounts.put(player(3), record_of(3), Sequence::NONE);
        assert!(accounts.at(second).is_none() && accounts.find(&player(2)).is_none());
    }
}
