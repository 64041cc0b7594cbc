//! The board: the newest message of each feed, and those who watch for it, in each runtime.
//!
//! Only those who asked for a feed of the company are here: news of it wakes nobody else.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::Context,
};

use prost::bytes::Bytes;
use tokio::sync::Notify;

use super::inbox::TapeWatched;
use crate::{
    feeds::CompanyFeeds,
    identity::PlayerName,
    watching::Watching,
    wire::{PreparedRanking, Said},
};

/// What is posted.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) tape: Slot<Bytes>,
    pub(super) players: Slot<Bytes>,
    pub(super) leaderboard: Slot<PreparedRanking>,
    galleries: Mutex<Vec<Weak<Gallery>>>,
}

/// The newest message of a feed.
#[derive(Debug)]
pub(super) struct Slot<T> {
    /// Counts the messages; 0 before the first.
    count: AtomicU64,
    newest: Mutex<Option<T>>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            newest: Mutex::new(None),
        }
    }
}

impl<T: Clone> Slot<T> {
    /// Posts `message` in the place of the one before.
    pub(super) fn put(&self, message: T) {
        *lock(&self.newest) = Some(message);
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// The newest message, if it came after the one that was `heard`, which it takes the place of.
    fn after(&self, heard: &mut u64) -> Option<T> {
        let count = self.count.load(Ordering::Acquire);
        if count == *heard {
            return None;
        }
        // Counted before it is read: a message that is put in between is heard again, never missed.
        *heard = count;
        lock(&self.newest).clone()
    }

    fn is_after(&self, heard: u64) -> bool {
        self.count.load(Ordering::Acquire) != heard
    }
}

impl Board {
    /// Those who watch in one runtime.
    pub(super) fn gallery(self: &Arc<Self>) -> Arc<Gallery> {
        let gallery = Arc::new(Gallery {
            board: Arc::clone(self),
            rung: Notify::new(),
            watching: Mutex::default(),
        });
        let mut galleries = lock(&self.galleries);
        galleries.retain(|gallery| gallery.strong_count() > 0);
        galleries.push(Arc::downgrade(&gallery));
        gallery
    }

    /// Says that something was posted.
    pub(super) fn ring(&self) {
        for gallery in lock(&self.galleries).iter().filter_map(Weak::upgrade) {
            gallery.rung.notify_one();
        }
    }
}

/// Those who watch the board in one runtime.
#[derive(Debug)]
pub(crate) struct Gallery {
    board: Arc<Board>,
    rung: Notify,
    watching: Mutex<Watching>,
}

impl Gallery {
    /// Wakes those who watch when something is posted; to be polled in their runtime.
    pub(crate) async fn listen(&self) -> Infallible {
        loop {
            self.rung.notified().await;
            lock(&self.watching).wake();
        }
    }

    /// One who is told of `feeds`, and of the place of `player`; the tape is kept while `watched` is.
    pub(super) fn neighbour(
        self: &Arc<Self>,
        feeds: CompanyFeeds,
        player: Option<PlayerName>,
        watched: Option<TapeWatched>,
    ) -> Neighbour {
        Neighbour {
            gallery: Arc::clone(self),
            feeds,
            player,
            _watched: watched,
            heard: Heard::default(),
            place: None,
        }
    }
}

/// A seat that is told of the others.
#[derive(Debug)]
pub(crate) struct Neighbour {
    gallery: Arc<Gallery>,
    feeds: CompanyFeeds,
    /// Whose place on the leaderboard is told.
    player: Option<PlayerName>,
    _watched: Option<TapeWatched>,
    heard: Heard,
    place: Option<usize>,
}

/// The last message of each feed that was told.
#[derive(Debug, Default)]
struct Heard {
    tape: u64,
    players: u64,
    leaderboard: u64,
}

impl Neighbour {
    /// The newest message of one of the feeds, if there is any that was not told.
    pub(crate) fn news(&mut self) -> Option<Said> {
        let (board, heard) = (&self.gallery.board, &mut self.heard);
        if self.feeds.tape
            && let Some(tape) = board.tape.after(&mut heard.tape)
        {
            return Some(Said::Prepared(tape));
        }
        if self.feeds.players
            && let Some(players) = board.players.after(&mut heard.players)
        {
            return Some(Said::Prepared(players));
        }
        if !self.feeds.leaderboard {
            return None;
        }
        let ranking = board.leaderboard.after(&mut heard.leaderboard)?;
        Some(ranking.to(self.player.as_ref()))
    }

    /// Has the task of `cx` woken when something is posted. Says whether there is news by now, which wakes nobody any
    /// more.
    pub(crate) fn wait(&mut self, cx: &Context<'_>) -> bool {
        lock(&self.gallery.watching).wait(&mut self.place, cx.waker());
        let (board, feeds, heard) = (&self.gallery.board, self.feeds, &self.heard);
        feeds.tape && board.tape.is_after(heard.tape)
            || feeds.players && board.players.is_after(heard.players)
            || feeds.leaderboard && board.leaderboard.is_after(heard.leaderboard)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let gone = lock(&self.gallery.watching).leave(&mut self.place);
        // Outside the lock: it may be the last that holds its task.
        drop(gone);
    }
}

/// What these locks hold is whole whatever happened to a thread that held one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
