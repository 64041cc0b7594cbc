//! Cache of recently used account records.

use std::collections::HashMap;
use std::mem;
use std::num::NonZero;

use super::idempotency::{CachedAnswer, RecentRequests};
use super::watermark::BatchId;
use crate::domain::account::{Account, Rejection};
use crate::domain::money::UnixMillis;
use crate::domain::order::AccountRecord;
use crate::domain::order::request::{AnsweredRequest, RequestId, StoredAnswer};
use crate::domain::player::PlayerName;
use crate::domain::rate_limit::{Rate, TokenBucket};
use crate::domain::round::Round;

/// Far more than one batch can change, so there is always one to evict.
const ACCOUNTS_MAX: usize = 64 * 1024;

/// Answers cached for all accounts together: about 100 MB.
const ANSWERS_MAX: usize = 512 * 1024;

/// Slots inspected per eviction of answers.
const EVICTION_SCAN: usize = 1024;

/// Position of a cached record. A reused slot has another key, so a stale one never finds another player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    index: usize,
    key: u64,
}

#[derive(Debug)]
pub(super) struct CachedAccount {
    name: PlayerName,
    key: u64,
    used: bool,
    /// As decided, committed or not.
    pub(super) record: AccountRecord,
    /// The last batch that changed it.
    pub(super) changed_in: BatchId,
    pub(super) bucket: TokenBucket,
    answers: Option<Box<RecentRequests>>,
}

impl CachedAccount {
    pub(super) fn answer(&self, id: RequestId) -> Option<&CachedAnswer> {
        self.answers.as_ref()?.get(id)
    }

    /// Records a change in `batch`. Returns whether it is the first one there.
    pub(super) fn change_in(&mut self, batch: BatchId) -> bool {
        mem::replace(&mut self.changed_in, batch) != batch
    }

    /// Returns the account with its version for clients during `round`.
    pub(super) fn versioned(&self, round: &Round) -> Account {
        round.versioned(&self.name, self.record.account)
    }

    fn answers(&self) -> usize {
        self.answers.as_ref().map_or(0, |answers| answers.len())
    }
}

/// Accounts changed by an open batch stay; others are evicted by the clock algorithm.
#[derive(Debug)]
pub(super) struct AccountCache {
    accounts: Vec<CachedAccount>,
    by_name: HashMap<PlayerName, usize>,
    clock: usize,
    last_key: u64,
    capacity: usize,
    rate: Rate,
    /// Number of answers in all accounts.
    answers: usize,
    max_answers: usize,
}

impl AccountCache {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            accounts: Vec::new(),
            by_name: HashMap::new(),
            clock: 0,
            last_key: 0,
            capacity: ACCOUNTS_MAX,
            rate,
            answers: 0,
            max_answers: ANSWERS_MAX,
        }
    }

    pub(super) fn lookup(&self, player: &PlayerName) -> Option<Slot> {
        let index = *self.by_name.get(player)?;
        let key = self.accounts.get(index)?.key;
        Some(Slot { index, key })
    }

    pub(super) fn contains(&self, slot: Slot) -> bool {
        let cached = self.accounts.get(slot.index);
        cached.is_some_and(|cached| cached.key == slot.key)
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut CachedAccount> {
        let cached = self.accounts.get_mut(slot.index)?;
        if cached.key != slot.key {
            return None;
        }
        cached.used = true;
        Some(cached)
    }

    #[cfg(test)]
    pub(super) fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// Checks whether the rate limit allows a command at `at`. The slot must be valid.
    pub(super) fn check_rate(&mut self, slot: Slot, at: UnixMillis) -> Result<(), Rejection> {
        let rate = self.rate;
        let per_second = rate.map_or(0, NonZero::get);
        let cached = self.get_mut(slot).ok_or(Rejection::LedgerFull)?;
        let allowed = cached.bucket.try_take(rate, at);
        allowed.then_some(()).ok_or(Rejection::RateLimited { per_second })
    }

    pub(super) fn entry(&self, slot: Slot) -> Option<(PlayerName, AccountRecord)> {
        let cached = self.accounts.get(slot.index)?;
        (cached.key == slot.key).then(|| (cached.name.clone(), cached.record))
    }

    /// Caches an answer that is committed with `batch`.
    pub(super) fn remember(
        &mut self,
        slot: Slot,
        answer: AnsweredRequest,
        batch: BatchId,
    ) -> Option<StoredAnswer> {
        let cached = self.accounts.get_mut(slot.index)?;
        if cached.key != slot.key {
            return None;
        }
        let before = cached.answers();
        let number = cached.answers.get_or_insert_default().insert(answer, batch);
        let more = cached.answers().saturating_sub(before);
        self.answers = self.answers.saturating_add(more);
        Some(StoredAnswer {
            account: cached.record.id,
            number,
            answer,
        })
    }

    /// Caches a stored record and its answers. Accounts changed up to the batch `resolved` may be evicted.
    pub(super) fn insert(
        &mut self,
        player: PlayerName,
        record: AccountRecord,
        answers: RecentRequests,
        resolved: BatchId,
    ) {
        self.last_key = self.last_key.wrapping_add(1);
        let cached = CachedAccount {
            name: player.clone(),
            key: self.last_key,
            used: false,
            record,
            changed_in: BatchId::NONE,
            bucket: TokenBucket::FULL,
            answers: (!answers.is_empty()).then(|| Box::new(answers)),
        };
        self.answers = self.answers.saturating_add(cached.answers());
        let is_full = self.accounts.len() >= self.capacity;
        let victim = is_full.then(|| self.evictable(resolved)).flatten();
        let index = match victim.and_then(|index| Some((index, self.accounts.get_mut(index)?))) {
            Some((index, old)) => {
                self.by_name.remove(&old.name);
                self.answers = self.answers.saturating_sub(old.answers());
                *old = cached;
                index
            }
            None => {
                self.accounts.push(cached);
                self.accounts.len().saturating_sub(1)
            }
        };
        self.by_name.insert(player, index);
    }

    pub(super) fn clear(&mut self) {
        self.accounts.clear();
        self.by_name.clear();
        self.answers = 0;
    }

    /// Evicts idle accounts with answers while there are too many answers. Accounts changed after the batch
    /// `resolved` stay. Moves slots, so no [`entry`](Self::entry) may be pending.
    pub(super) fn evict(&mut self, resolved: BatchId) {
        for _ in 0..EVICTION_SCAN {
            if self.answers <= self.max_answers {
                return;
            }
            let index = self.clock_hand();
            let Some(cached) = self.accounts.get_mut(index) else {
                return;
            };
            if cached.changed_in > resolved || cached.used || cached.answers() == 0 {
                cached.used = false;
                continue;
            }
            let evicted = self.accounts.swap_remove(index);
            self.by_name.remove(&evicted.name);
            self.answers = self.answers.saturating_sub(evicted.answers());
            if let Some(moved) = self.accounts.get(index) {
                self.by_name.insert(moved.name.clone(), index);
            }
        }
    }

    fn clock_hand(&mut self) -> usize {
        let index = if self.clock < self.accounts.len() {
            self.clock
        } else {
            0
        };
        self.clock = index.saturating_add(1);
        index
    }

    /// Returns a committed record that was not used since the clock hand passed it.
    fn evictable(&mut self, resolved: BatchId) -> Option<usize> {
        let rounds = self.accounts.len().saturating_mul(2);
        for _ in 0..rounds {
            let index = self.clock_hand();
            let cached = self.accounts.get_mut(index)?;
            if cached.changed_in <= resolved && !cached.used {
                return Some(index);
            }
            cached.used = false;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Stocks;
    use crate::domain::order::{AccountId, Command, Decision};
    use crate::testkit::values;

    fn player(number: i64) -> PlayerName {
        values::player(&format!("p{number}"))
    }

    fn record(number: i64) -> AccountRecord {
        AccountRecord::new(AccountId(number))
    }

    impl AccountCache {
        fn with_capacity(capacity: usize, max_answers: usize) -> Self {
            Self {
                capacity,
                max_answers,
                ..Self::new(None)
            }
        }

        fn add(&mut self, number: i64, resolved: BatchId) {
            self.insert(
                player(number),
                record(number),
                RecentRequests::default(),
                resolved,
            );
        }

        fn get(&mut self, number: i64) -> Option<AccountRecord> {
            let slot = self.lookup(&player(number))?;
            Some(self.get_mut(slot)?.record)
        }
    }

    #[test]
    fn used_accounts_stay_and_idle_ones_are_evicted() {
        let mut accounts = AccountCache::with_capacity(8, 100);
        for number in 0..100 {
            accounts.add(number, BatchId::NONE);
            assert_eq!(accounts.get(0), Some(record(0)), "used all the time");
            assert!(accounts.lookup(&player(number)).is_some(), "put just now");
            assert!(
                accounts.accounts.len() <= 8 && accounts.by_name.len() <= 8,
                "bounded"
            );
        }
        assert_eq!(accounts.get(50), None);
    }

    #[test]
    fn accounts_of_an_uncommitted_batch_stay() {
        let mut accounts = AccountCache::with_capacity(4, 100);
        accounts.add(0, BatchId::NONE);
        let slot = accounts.lookup(&player(0)).unwrap();
        accounts.get_mut(slot).unwrap().changed_in = BatchId::NONE.next();
        for number in 1..50 {
            accounts.add(number, BatchId::NONE);
        }
        assert!(accounts.get_mut(slot).is_some());
        for number in 50..60 {
            accounts.add(number, BatchId::NONE.next());
        }
        assert!(accounts.get_mut(slot).is_none(), "committed");
    }

    fn answer(number: i64) -> AnsweredRequest {
        AnsweredRequest {
            id: RequestId(i128::from(number).to_be_bytes()),
            command: Command::Buy(Stocks(1)),
            decision: Decision {
                result: Err(Rejection::LedgerFull),
                account: Account::default(),
            },
        }
    }

    #[test]
    fn answers_of_idle_accounts_are_evicted_first() {
        let mut accounts = AccountCache::with_capacity(100, 50);
        for number in 0..20 {
            accounts.add(number, BatchId::NONE);
            let slot = accounts.lookup(&player(number)).unwrap();
            for nth in 0..10 {
                accounts
                    .remember(slot, answer(number * 10 + nth), BatchId::NONE)
                    .unwrap();
            }
            accounts.evict(BatchId::NONE);
            assert!(accounts.get(0).is_some(), "used all the time");
            assert!(accounts.answers <= 50, "{}", accounts.answers);
            let total: usize = accounts.accounts.iter().map(CachedAccount::answers).sum();
            assert_eq!(accounts.answers, total);
        }
        for (index, cached) in accounts.accounts.iter().enumerate() {
            assert_eq!(accounts.by_name.get(&cached.name), Some(&index));
        }
        assert_eq!(accounts.by_name.len(), accounts.accounts.len());
    }

    #[test]
    fn answers_of_an_uncommitted_batch_stay() {
        let mut accounts = AccountCache::with_capacity(100, 0);
        accounts.add(1, BatchId::NONE);
        let slot = accounts.lookup(&player(1)).unwrap();
        let batch = BatchId::NONE.next();
        accounts.get_mut(slot).unwrap().changed_in = batch;
        let stored = accounts.remember(slot, answer(7), batch).unwrap();
        assert_eq!((stored.account, stored.number), (AccountId(1), 1));
        accounts.evict(BatchId::NONE);
        let found = accounts.get_mut(slot).unwrap().answer(answer(7).id).unwrap();
        assert_eq!(found.commits_with, batch);
        accounts.evict(batch);
        assert!(accounts.lookup(&player(1)).is_none() && accounts.answers == 0);
    }

    #[test]
    fn a_stale_slot_never_finds_another_player() {
        let mut accounts = AccountCache::with_capacity(1, 100);
        accounts.add(1, BatchId::NONE);
        let first = accounts.lookup(&player(1)).unwrap();
        accounts.add(2, BatchId::NONE);
        assert!(accounts.get_mut(first).is_none() && accounts.entry(first).is_none());
        let second = accounts.lookup(&player(2)).unwrap();
        assert_eq!(accounts.entry(second), Some((player(2), record(2))));
        accounts.clear();
        accounts.add(3, BatchId::NONE);
        assert!(accounts.get_mut(second).is_none() && accounts.lookup(&player(2)).is_none());
    }
}
