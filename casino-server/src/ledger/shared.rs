//! The open batch and all that is in memory, under one lock, with what became of the batches before.
//!
//! The lock is held for a few decisions at a time, and never over a read or a write.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use futures_util::{FutureExt, future};
use tokio::sync::oneshot;

use super::{
    LedgerError,
    bell::{Bell, Bells},
    books::{Asker, Order, Verdict},
    draft::{Draft, Taken},
    fate::{Fates, Sequence},
    meter::{Gauges, Meter},
    receipts::Receipts,
};
use crate::{
    allowance::Rate,
    clock::Clock,
    identity::{Claim, KeyHash, PlayerName},
    market::{Market, Tick},
    quantity::UnixMillis,
    reader::Reader,
    receipt::{Filed, Submission},
    record::Record,
    store::StoreError,
};

/// What all ways to the ledger share with its flusher.
#[derive(Debug)]
pub(super) struct Shared {
    open: Mutex<Open>,
    /// Tells the flusher that there is a batch, or that the ledger closes.
    work: Condvar,
    fates: Fates,
    bells: Bells,
    reader: Reader,
    clock: Clock,
    meter: Meter,
}

#[derive(Debug)]
struct Open {
    draft: Draft,
    /// Requests are taken.
    taking: bool,
    /// The flusher waits to be told of work.
    flusher_waits: bool,
    /// The accounts that are being read, each by one task.
    loading: HashMap<PlayerName, Loading>,
}

/// The reading of an account, for all who wait for it.
pub(super) type Loading = future::Shared<oneshot::Receiver<Result<(), LedgerError>>>;

/// Why the deciding of orders stopped.
pub(super) enum Stopped {
    /// None is left.
    Done,
    /// The account of the next one is not in memory.
    Missing(Loading),
    /// The batch is full.
    Full(Sequence),
}

impl Shared {
    pub(super) fn new(draft: Draft, reader: Reader, clock: impl Into<Clock>) -> Self {
        Self {
            open: Mutex::new(Open {
                draft,
                taking: true,
                flusher_waits: false,
                loading: HashMap::new(),
            }),
            work: Condvar::new(),
            fates: Fates::default(),
            bells: Bells::default(),
            reader,
            clock: clock.into(),
            meter: Meter::default(),
        }
    }

    /// How many commands of one player are decided in a second.
    pub(super) fn set_rate(&self, rate: Rate) {
        self.lock().draft.set_rate(rate);
    }

    /// What is counted once a batch.
    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// What can be seen now. It takes the lock, as one decision does.
    pub(super) fn gauges(&self) -> Gauges {
        let open = self.lock();
        let waiting = open.draft.entries();
        let refused = open.draft.refused();
        drop(open);
        self.meter.gauges(waiting, refused)
    }

    /// A bell for the tasks of one runtime.
    pub(super) fn bell(&self) -> Arc<Bell> {
        self.bells.hang()
    }

    /// What became of the batches.
    pub(super) fn fates(&self) -> &Fates {
        &self.fates
    }

    /// Decides `order` and then `orders`, in one hold of the lock; `order` is left at the first that still waits. Says
    /// also whether the flusher waits to be told of the batch.
    pub(super) fn decide<'a>(
        self: &Arc<Self>,
        asker: &mut Asker,
        order: &mut &'a mut Order,
        orders: &mut impl Iterator<Item = &'a mut Order>,
    ) -> (Stopped, bool) {
        let mut open = self.lock();
        let at = self.clock.now();
        let stopped = loop {
            if let Order::Asked(player, submission) = &**order {
                match self.decide_one(&mut open, asker, (player, *submission), at) {
                    Ok(verdict) => **order = Order::Decided(verdict),
                    Err(stopped) => break stopped,
                }
            }
            match orders.next() {
                Some(next) => *order = next,
                None => break Stopped::Done,
            }
        };
        (stopped, open.flusher_waits && !open.draft.is_empty())
    }

    /// Tells the flusher that there is a batch, if it waits for one.
    pub(super) fn tell_of_batch(&self) {
        self.tell_flusher(self.lock());
    }

    fn decide_one(
        self: &Arc<Self>,
        open: &mut Open,
        asker: &mut Asker,
        (player, submission): (&PlayerName, Submission),
        at: UnixMillis,
    ) -> Result<Verdict, Stopped> {
        if !open.taking {
            return Ok(Verdict::undecided(submission, LedgerError::Stopping));
        }
        if open.draft.is_full() {
            return Err(Stopped::Full(open.draft.sequence()));
        }
        match asker.decide(&mut open.draft, (player, submission), at) {
            Some(decided) => Ok(Verdict::of(&decided)),
            None => Err(Stopped::Missing(self.load(open, player))),
        }
    }

    /// Has the player's account read, if it is not being read already.
    ///
    /// By one task at a time: nobody can change an account that is not in memory, so what the task reads is true until
    /// it has put it there.
    fn load(self: &Arc<Self>, open: &mut Open, player: &PlayerName) -> Loading {
        if let Some(loading) = open.loading.get(player) {
            return loading.clone();
        }
        let (told, loaded) = oneshot::channel();
        let loading = loaded.shared();
        open.loading.insert(player.clone(), loading.clone());
        let (shared, player) = (Arc::clone(self), player.clone());
        tokio::spawn(async move {
            let read = shared.reader.record(player.clone()).await;
            // Nobody waits for it any more when their streams have gone.
            let _ = told.send(shared.take_in(player, read));
        });
        loading
    }

    /// Takes in an account that has been read.
    pub(super) fn take_in(
        &self,
        player: PlayerName,
        read: Result<Option<(Record, Vec<Filed>)>, StoreError>,
    ) -> Result<(), LedgerError> {
        let mut open = self.lock();
        open.loading.remove(&player);
        let read = read.map_err(|error| {
            let error_in_full = &error as &dyn std::error::Error;
            tracing::error!(error = error_in_full, "an account could not be read");
            LedgerError::from(&error)
        })?;
        let stored = read.map(|(record, filed)| (record, Receipts::on_disk(filed)));
        open.draft
            .put(player, stored, self.fates.settled())
            .ok_or_else(|| LedgerError::not_executed("has run out of keys for accounts"))
    }

    pub(super) fn tick(&self) -> Result<(Tick, Sequence), LedgerError> {
        let mut open = self.lock();
        if !open.taking {
            return Err(LedgerError::Stopping);
        }
        let tick = open.draft.tick(self.clock.now());
        let tick = tick.ok_or_else(|| LedgerError::not_executed("has run out of ticks"))?;
        let batch = open.draft.sequence();
        self.tell_flusher(open);
        Ok((tick, batch))
    }

    pub(super) fn claim(&self, player: PlayerName, key: KeyHash) -> Result<Sequence, LedgerError> {
        let mut open = self.lock();
        if !open.taking {
            return Err(LedgerError::Stopping);
        }
        let at = self.clock.now();
        open.draft.claim(Claim { player, key, at });
        let batch = open.draft.sequence();
        self.tell_flusher(open);
        Ok(batch)
    }

    fn tell_flusher(&self, mut open: MutexGuard<'_, Open>) {
        let tell = open.flusher_waits && (!open.draft.is_empty() || !open.taking);
        if tell {
            open.flusher_waits = false;
        }
        drop(open);
        if tell {
            self.work.notify_one();
        }
    }

    /// Waits for a batch; `None` when the ledger has been closed and everything is taken.
    pub(super) fn next_batch(&self) -> Option<Taken> {
        let mut open = self.lock();
        loop {
            if let Some(taken) = self.take(&mut open) {
                return Some(taken);
            }
            if !open.taking {
                return None;
            }
            open.flusher_waits = true;
            open = self.work.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The price as it was decided.
    #[cfg(test)]
    pub(super) fn price(&self) -> crate::quantity::Price {
        self.lock().draft.price()
    }

    /// The batch as it is, unless it is empty.
    #[cfg(test)]
    pub(super) fn batch_if_any(&self) -> Option<Taken> {
        self.take(&mut self.lock())
    }

    /// The batch as it is, unless it is empty; then there is time to make room.
    fn take(&self, open: &mut Open) -> Option<Taken> {
        if open.draft.is_empty() {
            return None;
        }
        let taken = open.draft.take();
        self.meter.taken(&taken.batch);
        open.draft.trim(self.fates.settled());
        Some(taken)
    }

    /// The batch is on disk, and what it moved is announced.
    pub(super) fn succeed(&self, batch: Sequence) {
        self.meter.settled();
        self.fates.succeed(batch);
        self.bells.ring();
    }

    /// The batch is not on disk: nor will be what was decided on top of it.
    pub(super) fn fail(&self, batch: Sequence, market: Market, error: &LedgerError) {
        let mut open = self.lock();
        let last = open.draft.roll_back(market);
        self.meter.failed();
        self.fates.fail(batch, last, error);
        drop(open);
        self.bells.ring();
    }

    /// Takes no more requests; what was decided is still committed.
    pub(super) fn close(&self) {
        let mut open = self.lock();
        open.taking = false;
        self.tell_flusher(open);
    }

    /// Nothing is settled any more. Whoever waits hears so.
    pub(super) fn end(&self) {
        self.lock().taking = false;
        self.fates.end();
        self.bells.ring();
    }

    /// Decisions are made whole or not at all, so the books are sound whatever happened to a thread that held them.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
