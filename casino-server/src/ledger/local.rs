//! In-memory state of a single-server ledger, under one lock that is never held during I/O.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::batch::{OpenBatch, SealedBatch};
use super::idempotency::RecentRequests;
use super::metrics::LedgerGauges;
use super::order::{AccountLoad, Blocked, LedgerOrder, Submitter};
use super::watermark::{BatchId, CommitProgress};
use super::{ChangedRound, LedgerError};
use crate::config::clock::Clock;
use crate::domain::credential::{Claim, KeyHash};
use crate::domain::market::{Market, Tick};
use crate::domain::money::UnixMillis;
use crate::domain::order::AccountRecord;
use crate::domain::order::request::StoredAnswer;
use crate::domain::order::resting::DueOrder;
use crate::domain::player::PlayerName;
use crate::domain::round::{Round, RoundCommand};
use crate::store::reader::StoreReader;
use crate::store::{StoreError, lock};

/// State shared between handles and the committer.
#[derive(Debug)]
pub(crate) struct LocalLedger {
    state: Mutex<LocalState>,
    /// Wakes the committer.
    work: Condvar,
    pub(super) progress: CommitProgress,
    reader: StoreReader,
    clock: Clock,
}

#[derive(Debug)]
struct LocalState {
    batch: OpenBatch,
    accepting: bool,
    /// The committer waits on `work`.
    committer_waits: bool,
    /// Accounts being loaded, each by one task.
    loading: HashMap<PlayerName, AccountLoad>,
}

impl LocalLedger {
    pub(crate) fn new(batch: OpenBatch, reader: StoreReader, clock: impl Into<Clock>) -> Self {
        Self {
            state: Mutex::new(LocalState {
                batch,
                accepting: true,
                committer_waits: false,
                loading: HashMap::new(),
            }),
            work: Condvar::new(),
            progress: CommitProgress::default(),
            reader,
            clock: clock.into(),
        }
    }

    #[cfg(test)]
    pub(crate) fn set_rate(&self, rate: crate::domain::rate_limit::Rate) {
        lock(&self.state).batch.set_rate(rate);
    }

    pub(super) fn gauges(&self) -> LedgerGauges {
        let state = lock(&self.state);
        let waiting = state.batch.entries();
        let rejected = state.batch.rejected;
        drop(state);
        self.progress.metrics.gauges(waiting, rejected)
    }

    /// Decides `order` and then `orders`; stops with `order` at the first one that must wait. Also returns whether
    /// the committer should be notified.
    pub(super) fn decide<'a>(
        self: &Arc<Self>,
        submitter: &mut Submitter,
        order: &mut &'a mut LedgerOrder,
        orders: &mut impl Iterator<Item = &'a mut LedgerOrder>,
    ) -> (Blocked, bool) {
        let mut state = lock(&self.state);
        let at = self.clock.now();
        let blocked = loop {
            match &**order {
                LedgerOrder::Decided(_) => {}
                LedgerOrder::Queued(..) if !state.accepting => order.fail(LedgerError::Stopping),
                LedgerOrder::Queued(..) if state.batch.is_full() => {
                    break Blocked::BatchFull(state.batch.sequence());
                }
                LedgerOrder::Queued(player, request) => {
                    let slot = submitter.slot(&state.batch, player);
                    match slot.and_then(|slot| state.batch.decide(slot, request, at)) {
                        Some(decided) => **order = LedgerOrder::Decided(decided.into()),
                        None => {
                            let account = state.batch.account_to_load(player);
                            break Blocked::AccountNotLoaded(self.load(&mut state, &account));
                        }
                    }
                }
            }
            match orders.next() {
                Some(next) => *order = next,
                None => break Blocked::None,
            }
        };
        (blocked, state.committer_waits && !state.batch.is_empty())
    }

    /// Loads an account, unless it is being loaded. One task per account: an account that is not cached cannot
    /// change, so the result is current when it is inserted.
    fn load(self: &Arc<Self>, state: &mut LocalState, player: &PlayerName) -> AccountLoad {
        if let Some(loading) = state.loading.get(player) {
            return loading.clone();
        }
        let (reply, loaded) = oneshot::channel();
        let loading = loaded.shared();
        state.loading.insert(player.clone(), loading.clone());
        let (ledger, player) = (Arc::clone(self), player.clone());
        tokio::spawn(async move {
            let read = ledger.reader.account_record(player.clone()).await;
            // The receivers are gone when their streams have closed.
            let _ = reply.send(ledger.insert_loaded(player, read));
        });
        loading
    }

    pub(super) fn insert_loaded(
        &self,
        player: PlayerName,
        read: Result<Option<(AccountRecord, Vec<StoredAnswer>)>, StoreError>,
    ) -> Result<(), LedgerError> {
        let mut state = lock(&self.state);
        state.loading.remove(&player);
        // The reader has logged the error.
        let stored = read?.map(|(record, stored)| (record, RecentRequests::from_store(stored)));
        state
            .batch
            .insert(player, stored, self.progress.resolved())
            .ok_or_else(|| LedgerError::not_executed("has no account IDs left"))
    }

    /// Locks the state, unless the ledger is closed.
    fn accepting(&self) -> Result<MutexGuard<'_, LocalState>, LedgerError> {
        let state = lock(&self.state);
        match state.accepting {
            true => Ok(state),
            false => Err(LedgerError::Stopping),
        }
    }

    /// Calls `change` with the open batch and the time. Also returns the batch to wait for.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut OpenBatch, UnixMillis) -> T,
    ) -> Result<(T, BatchId), LedgerError> {
        let mut state = self.accepting()?;
        let changed = change(&mut state.batch, self.clock.now());
        let batch = state.batch.sequence();
        drop(state);
        self.notify_committer();
        Ok((changed, batch))
    }

    pub(super) fn tick(&self) -> Result<(Tick, BatchId), LedgerError> {
        let (tick, batch) = self.change(OpenBatch::tick)?;
        let tick = tick.ok_or_else(|| LedgerError::not_executed("has no tick numbers left"))?;
        Ok((tick, batch))
    }

    pub(super) fn due(&self, after: i64, max: usize) -> Result<Vec<DueOrder>, LedgerError> {
        Ok(self.accepting()?.batch.due(after, max))
    }

    pub(super) fn claim(&self, player: PlayerName, key: KeyHash) -> Result<BatchId, LedgerError> {
        let ((), batch) = self.change(|batch, at| batch.claim(Claim { player, key, at }))?;
        Ok(batch)
    }

    /// Also returns the batch to wait for, if the round has changed.
    pub(super) fn change_round(
        &self,
        command: &RoundCommand,
    ) -> Result<(ChangedRound, BatchId), LedgerError> {
        self.change(|batch, at| batch.change_round(command, at))
    }

    /// Wakes the committer, if it has something to do.
    pub(super) fn notify_committer(&self) {
        let mut state = lock(&self.state);
        let notify = state.committer_waits && (!state.batch.is_empty() || !state.accepting);
        if notify {
            state.committer_waits = false;
        }
        drop(state);
        if notify {
            self.work.notify_one();
        }
    }

    /// Returns `None` when the ledger is closed and everything is taken.
    pub(super) fn next_batch(&self) -> Option<SealedBatch> {
        let mut state = lock(&self.state);
        while state.batch.is_empty() {
            if !state.accepting {
                return None;
            }
            state.committer_waits = true;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let sealed = state.batch.seal();
        self.progress.metrics.sealed(&sealed.batch);
        state.batch.evict(self.progress.resolved());
        Some(sealed)
    }

    #[cfg(test)]
    pub(crate) fn price(&self) -> crate::domain::money::Price {
        lock(&self.state).batch.price()
    }

    #[cfg(test)]
    pub(crate) fn batch_if_any(&self) -> Option<SealedBatch> {
        if lock(&self.state).batch.is_empty() {
            return None;
        }
        self.next_batch()
    }

    /// Discards the batch and everything decided on top of it.
    pub(super) fn rolled_back(&self, batch: BatchId, market: Market, round: Arc<Round>, error: &LedgerError) {
        let mut state = lock(&self.state);
        let last = state.batch.roll_back(batch, market, round);
        self.progress.fail(batch, last, error);
    }

    /// Rejects new orders; decided ones are still committed.
    pub(crate) fn close(&self) {
        lock(&self.state).accepting = false;
        self.notify_committer();
    }

    /// Ends all waiting.
    pub(crate) fn shut_down(&self) {
        lock(&self.state).accepting = false;
        self.progress.close();
    }
}
