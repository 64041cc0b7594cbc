//! An in-memory store with injected failures.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::domain::account::Account;
use crate::domain::candles::Candle;
use crate::domain::credential::KeyHash;
use crate::domain::market::Tick;
use crate::domain::order::request::{RequestId, StoredAnswer};
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountId, AccountRecord, Payment, Trade};
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::store::{Batch, CommitError, Page, PageRequest, StartState, Store, StoreError, StoreReads};

#[derive(Debug, Default)]
pub(crate) struct FakeStoreScript {
    /// Errors of the next commits.
    pub(crate) failures: Mutex<VecDeque<CommitError>>,
    pub(crate) batches: Mutex<Vec<Batch>>,
    pub(crate) records: Mutex<HashMap<PlayerName, AccountRecord>>,
    pub(crate) owners: Mutex<HashMap<PlayerName, KeyHash>>,
    /// Number of accounts loaded for the ledger.
    pub(crate) read: AtomicUsize,
    pub(crate) unreadable: AtomicBool,
    pub(crate) closed: AtomicBool,
}

#[derive(Debug, Clone)]
pub(crate) struct FakeStore(pub(crate) Arc<FakeStoreScript>);

pub(crate) fn disk(message: &'static str) -> StoreError {
    StoreError::new("write the ledger", message)
}

impl FakeStore {
    /// Returns the orders of `player` in their last state, by number.
    fn orders(&self, player: &PlayerName) -> BTreeMap<i64, OrderPosting> {
        let account = self.0.records.lock().unwrap().get(player).map(|record| record.id);
        let batches = self.0.batches.lock().unwrap();
        let orders = batches.iter().flat_map(|batch| &batch.orders);
        orders
            .filter(|posting| Some(posting.account) == account)
            .map(|posting| (posting.number, *posting))
            .collect()
    }
}

impl Store for FakeStore {
    fn take_start(&mut self) -> StartState {
        StartState::default()
    }

    fn commit(&mut self, batch: &Arc<Batch>) -> Result<(), CommitError> {
        if let Some(failure) = self.0.failures.lock().unwrap().pop_front() {
            return Err(failure);
        }
        let mut records = self.0.records.lock().unwrap();
        records.extend(batch.records.iter().cloned());
        let claims = batch.claims.iter();
        let mut owners = self.0.owners.lock().unwrap();
        owners.extend(claims.map(|claim| (claim.player.clone(), claim.key)));
        self.0.batches.lock().unwrap().push(Batch::clone(batch));
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.0.closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

impl StoreReads for FakeStore {
    fn account_record(&self, player: &PlayerName) -> Result<Option<AccountRecord>, StoreError> {
        self.0.read.fetch_add(1, Ordering::SeqCst);
        if self.0.unreadable.load(Ordering::SeqCst) {
            return Err(StoreError::new("read the accounts", "bad sector"));
        }
        Ok(self.0.records.lock().unwrap().get(player).copied())
    }

    fn account(&self, player: &PlayerName) -> Result<Account, StoreError> {
        let records = self.0.records.lock().unwrap();
        Ok(records
            .get(player)
            .map(|record| record.account)
            .unwrap_or_default())
    }

    fn claim_owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError> {
        if self.0.unreadable.load(Ordering::SeqCst) {
            return Err(StoreError::new("read the claims", "bad sector"));
        }
        Ok(self.0.owners.lock().unwrap().get(player).copied())
    }

    fn names_beyond_ascii(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    fn answers(&self, account: AccountId) -> Result<Vec<StoredAnswer>, StoreError> {
        let batches = self.0.batches.lock().unwrap();
        let answer = batches.iter().flat_map(|batch| &batch.answers);
        Ok(answer
            .filter(|answer| answer.account == account)
            .copied()
            .collect())
    }

    fn payments(&self, _: &PlayerName, _: i64, _: u32) -> Result<Vec<Payment>, StoreError> {
        Ok(Vec::new())
    }

    fn trades(&self, _: &PlayerName, _: PageRequest) -> Result<Page<Trade>, StoreError> {
        Err(StoreError::new("read the trades", "they are not kept"))
    }

    fn open_orders(&self, player: &PlayerName) -> Result<Vec<OrderPosting>, StoreError> {
        let postings = self.orders(player);
        Ok(postings
            .into_values()
            .filter(|posting| posting.ended.is_none())
            .collect())
    }

    fn ended_orders(&self, player: &PlayerName, page: PageRequest) -> Result<Page<OrderPosting>, StoreError> {
        let postings = self.orders(player).into_values();
        let mut ended: Vec<_> = postings
            .filter(|posting| {
                posting
                    .ended
                    .is_some_and(|ended| page.before.is_none_or(|before| ended < before))
            })
            .collect();
        ended.sort_by_key(|posting| posting.ended);
        let limit = usize::try_from(page.limit).unwrap();
        let more = ended.len() > limit;
        let entries = ended.split_off(ended.len().saturating_sub(limit));
        Ok(Page { entries, more })
    }

    fn orders_ended_after(
        &self,
        player: &PlayerName,
        after: i64,
        limit: u32,
    ) -> Result<Vec<OrderPosting>, StoreError> {
        let postings = self.orders(player).into_values();
        let mut ended: Vec<_> = postings.filter(|posting| posting.ended > Some(after)).collect();
        ended.sort_by_key(|posting| posting.ended);
        ended.truncate(usize::try_from(limit).unwrap());
        Ok(ended)
    }

    fn order(&self, player: &PlayerName, id: RequestId) -> Result<Option<OrderPosting>, StoreError> {
        let mut postings = self.orders(player).into_values();
        Ok(postings.rfind(|posting| posting.order.id == id))
    }

    fn round(&self, number: i64) -> Result<Option<Round>, StoreError> {
        let batches = self.0.batches.lock().unwrap();
        let mut rounds = batches.iter().flat_map(|batch| &batch.rounds);
        Ok(rounds.rfind(|round| round.number == number).cloned())
    }

    fn accounts_in_round(&self, number: i64) -> Result<Vec<(PlayerName, AccountRecord)>, StoreError> {
        let records = self.0.records.lock().unwrap();
        let records = records.iter().map(|(player, record)| (player.clone(), *record));
        Ok(records
            .filter(|(player, _)| player.round().is_some_and(|(round, _)| round == number))
            .collect())
    }

    fn ticks(&self, _: PageRequest) -> Result<Page<Tick>, StoreError> {
        Err(StoreError::new("read the prices", "they are not kept"))
    }

    fn candles(&self, _: PageRequest) -> Result<Page<Candle>, StoreError> {
        Err(StoreError::new("read the candles", "they are not kept"))
    }

    fn close(&self) {}
}
