//! What is new at the table, until the one task takes it out: bounded, and put in without waiting.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

use super::{
    standings::{Heard, Wealth},
    tape::Window,
};
use crate::{account::Account, identity::PlayerName, market::Tick, store::Batch};

/// What is new. Its locks are held for as long as a batch is looked through, and by whoever takes it out for a swap.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Seats that watch the tape.
    tape_watchers: AtomicUsize,
    tape: Mutex<Window>,
    /// The leaderboard has been asked for.
    ranking: AtomicBool,
    standings: Mutex<Heard>,
    seats_changed: AtomicBool,
    filled: Notify,
    outbox: Outbox,
}

/// The trades here that casinos which share the ledger are told of.
#[derive(Debug, Default)]
struct Outbox {
    /// Somebody watches the tape at another.
    is_watched: AtomicBool,
    window: Mutex<Window>,
    filled: Notify,
}

/// The flusher's end: tells of what is on disk. One without an inbox tells nobody.
#[derive(Debug, Default)]
pub(crate) struct Witness(Option<Arc<Inbox>>);

/// One who watches the tape, until it is dropped.
#[derive(Debug)]
pub(super) struct TapeWatched(Arc<Inbox>);

impl Witness {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Self(Some(inbox))
    }

    /// Tells of a batch that has been committed.
    pub(crate) fn saw(&self, batch: &Batch) {
        let Some(inbox) = &self.0 else { return };
        let mut told = false;
        if !batch.trades.is_empty() && inbox.tape_watchers.load(Ordering::Acquire) > 0 {
            lock(&inbox.tape).add(&batch.trades, &batch.records);
            told = true;
        }
        if !batch.trades.is_empty() && inbox.outbox.is_watched.load(Ordering::Acquire) {
            lock(&inbox.outbox.window).add(&batch.trades, &batch.records);
            inbox.outbox.filled.notify_one();
        }
        if inbox.ranking.load(Ordering::Acquire) {
            let mut standings = lock(&inbox.standings);
            for (player, record) in &batch.records {
                standings.changed(player, Wealth::of(&record.account));
            }
            told = true;
        }
        if told {
            inbox.filled.notify_one();
        }
        if let Some(tick) = batch.ticks.last() {
            self.heard(*tick);
        }
    }

    /// Tells of the tick in force.
    pub(crate) fn heard(&self, tick: Tick) {
        let Some(inbox) = &self.0 else { return };
        if inbox.ranking.load(Ordering::Acquire) {
            lock(&inbox.standings).ticked(tick);
            inbox.filled.notify_one();
        }
    }
}

impl Inbox {
    /// Waits until there is something.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Has the tape kept for as long as what it gives is kept.
    pub(super) fn watch_tape(self: &Arc<Self>) -> TapeWatched {
        self.tape_watchers.fetch_add(1, Ordering::AcqRel);
        TapeWatched(Arc::clone(self))
    }

    /// Has wallets kept from now on.
    pub(super) fn start_ranking(&self) {
        self.ranking.store(true, Ordering::Release);
    }

    /// Tells of an account as it is on disk.
    pub(super) fn rank(&self, player: &PlayerName, account: &Account) {
        lock(&self.standings).changed(player, Wealth::of(account));
        self.filled.notify_one();
    }

    /// Whether the leaderboard has been asked for.
    pub(super) fn is_ranking(&self) -> bool {
        self.ranking.load(Ordering::Acquire)
    }

    /// Tells of those who own most, at all casinos.
    pub(super) fn hear_richest(&self, richest: &[(PlayerName, Account)]) {
        lock(&self.standings).whole(richest);
        self.filled.notify_one();
    }

    /// Whether anybody here watches the tape.
    pub(super) fn is_tape_watched(&self) -> bool {
        self.tape_watchers.load(Ordering::Acquire) > 0
    }

    /// Takes in trades at other casinos.
    pub(super) fn hear_tape(&self, windows: impl Iterator<Item = Window>) {
        if !self.is_tape_watched() {
            return;
        }
        windows.for_each(|window| lock(&self.tape).hear(window));
        self.filled.notify_one();
    }

    /// Has the trades here kept for others while they `watch`.
    pub(super) fn tell_others(&self, watch: bool) {
        self.outbox.is_watched.store(watch, Ordering::Release);
    }

    /// Waits until there are trades for others.
    pub(super) async fn outbox_filled(&self) {
        self.outbox.filled.notified().await;
    }

    /// The trades for others, if there are any.
    pub(super) fn take_outbox(&self) -> Option<Window> {
        lock(&self.outbox.window).take_new()
    }

    /// Tells that somebody came or left.
    pub(super) fn seats_changed(&self) {
        if !self.seats_changed.swap(true, Ordering::AcqRel) {
            self.filled.notify_one();
        }
    }

    /// Whether somebody came or left since this was last asked.
    pub(super) fn take_changed_seats(&self) -> bool {
        self.seats_changed.swap(false, Ordering::AcqRel)
    }

    /// The tape's rows, if there are any.
    pub(super) fn take_tape(&self) -> Option<Window> {
        lock(&self.tape).take()
    }

    /// The news for the leaderboard.
    pub(super) fn take_standings(&self) -> Heard {
        mem::take(&mut *lock(&self.standings))
    }
}

impl Drop for TapeWatched {
    fn drop(&mut self) {
        self.0.tape_watchers.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What is in it is whole whatever happened to a thread that held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
