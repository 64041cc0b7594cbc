//! A store in memory that works, refuses and breaks as a test says.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::{Batch, CommitError, Numbers, Page, PageRequest, Reads, Store, StoreError};
use crate::{
    account::Account,
    history::Candle,
    identity::{KeyHash, PlayerName},
    market::Tick,
    receipt::Filed,
    record::{AccountId, Payment, Record, Trade},
};

/// What a scripted store will do, and what it has been through.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// What the next commits end with; then they work.
    pub(crate) failures: Mutex<VecDeque<CommitError>>,
    /// What was committed.
    pub(crate) batches: Mutex<Vec<Batch>>,
    /// The records committed.
    pub(crate) records: Mutex<HashMap<PlayerName, Record>>,
    /// Whose names they are.
    pub(crate) owners: Mutex<HashMap<PlayerName, KeyHash>>,
    /// How many accounts were read for the ledger.
    pub(crate) read: AtomicUsize,
    /// Accounts cannot be loaded.
    pub(crate) unreadable: AtomicBool,
    /// It was closed in order.
    pub(crate) closed: AtomicBool,
}

/// A store that does as its script says.
#[derive(Debug, Clone)]
pub(crate) struct Scripted(pub(crate) Arc<Script>);

/// What a disk says of a write.
pub(crate) fn disk(says: &'static str) -> StoreError {
    StoreError::new("write the ledger", says)
}

impl Store for Scripted {
    fn numbers(&mut self) -> Result<Numbers, StoreError> {
        Ok(Numbers::default())
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

impl Reads for Scripted {
    fn record(&self, player: &PlayerName) -> Result<Option<Record>, StoreError> {
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

    fn owner(&self, player: &PlayerName) -> Result<Option<KeyHash>, StoreError> {
        if self.0.unreadable.load(Ordering::SeqCst) {
            return Err(StoreError::new("read the claims", "bad sector"));
        }
        Ok(self.0.owners.lock().unwrap().get(player).copied())
    }

    fn receipts(&self, account: AccountId) -> Result<Vec<Filed>, StoreError> {
        let batches = self.0.batches.lock().unwrap();
        let filed = batches.iter().flat_map(|batch| &batch.receipts);
        Ok(filed.filter(|filed| filed.account == account).copied().collect())
    }

    fn payments(&self, _: &PlayerName, _: i64, _: u32) -> Result<Vec<Payment>, StoreError> {
        Ok(Vec::new())
    }

    fn trades(&self, _: &PlayerName, _: PageRequest) -> Result<Page<Trade>, StoreError> {
        Err(StoreError::new("read the trades", "they are not kept"))
    }

    fn ticks(&self, _: PageRequest) -> Result<Page<Tick>, StoreError> {
        Err(StoreError::new("read the prices", "they are not kept"))
    }

    fn candles(&self, _: PageRequest) -> Result<Page<Candle>, StoreError> {
        Err(StoreError::new("read the candles", "they are not kept"))
    }

    fn close(&self) {}
}
