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
use crate::{account::Account, identity::PlayerName, store::Batch};

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
        if inbox.ranking.load(Ordering::Acquire) {
            let mut standings = lock(&inbox.standings);
            for (player, record) in &batch.records {
                standings.changed(player, Wealth::of(&record.account));
            }
            batch
                .ticks
                .last()
                .into_iter()
                .for_each(|tick| standings.ticked(*tick));
            told = true;
        }
        if told {
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
