//! What is in the log and not yet in the engine behind it: who adds to it, who takes from it, and who waits for whom.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::ring::Ring;
use crate::store::{Batch, CommitError, StoreError};

/// How long a batch may wait for others, to be taken over with them.
const GATHER: Duration = Duration::from_millis(50);

/// How long the engine is left alone after it refused.
const RETRY: Duration = Duration::from_secs(1);

/// What the log, the filler and the readers share.
#[derive(Debug)]
pub(super) struct Backlog {
    state: Mutex<State>,
    /// Tells the filler that there is enough to take over, or that the log closes.
    work: Condvar,
    /// Tells the log that there is room again, or will be none.
    room: Condvar,
    /// Bytes that are enough to take over at once.
    enough: u64,
}

#[derive(Debug)]
struct State {
    ring: Ring,
    /// What waits to be taken over, oldest first.
    waiting: VecDeque<Waiting>,
    /// The bytes of it.
    bytes: u64,
    closing: bool,
    health: Health,
}

impl State {
    /// There is enough to take over at once. An engine that refuses is left alone, however much there is.
    fn hurries(&self, enough: u64) -> bool {
        matches!(self.health, Health::Well) && self.bytes >= enough
    }
}

/// A batch that waits to be taken over.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) number: u64,
    /// Where its frame lies.
    pub(super) place: Range<u64>,
    pub(super) batch: Arc<Batch>,
}

/// How the engine does.
#[derive(Debug)]
enum Health {
    Well,
    /// It refused, and what it was given is still to be taken over.
    Refusing(String),
    /// It does not know what it holds. The log does, for the next opening.
    Lost,
}

impl Backlog {
    /// Nothing yet, in a log of `length` bytes.
    pub(super) fn new(length: u64) -> Self {
        Self {
            state: Mutex::new(State {
                ring: Ring::new(length),
                waiting: VecDeque::new(),
                bytes: 0,
                closing: false,
                health: Health::Well,
            }),
            work: Condvar::new(),
            room: Condvar::new(),
            enough: length / 8,
        }
    }

    /// A place for a frame of `bytes`. Waits for one as long as the engine goes on taking over.
    pub(super) fn place(&self, bytes: u64) -> Result<Range<u64>, CommitError> {
        let mut state = self.lock();
        loop {
            match &state.health {
                Health::Lost => return Err(CommitError::Unknown(unusable())),
                Health::Well | Health::Refusing(_) => {}
            }
            if let Some(place) = state.ring.place(bytes) {
                return Ok(place);
            }
            if let Health::Refusing(why) = &state.health {
                let source = format!("its log is full, and {why}");
                return Err(CommitError::NotWritten(StoreError::new(
                    "write the ledger",
                    source,
                )));
            }
            if state.waiting.is_empty() {
                let source = format!("a batch takes {bytes} bytes, more than its log holds");
                return Err(CommitError::NotWritten(StoreError::new(
                    "write the ledger",
                    source,
                )));
            }
            self.work.notify_one();
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The batch is on disk: readers see it from now on.
    pub(super) fn push(&self, waiting: Waiting) {
        let mut state = self.lock();
        let is_first = state.waiting.is_empty();
        let before = state.bytes;
        state.bytes = before.saturating_add(waiting.place.end.saturating_sub(waiting.place.start));
        let is_enough = before < self.enough && state.bytes >= self.enough;
        state.waiting.push_back(waiting);
        drop(state);
        if is_first || is_enough {
            self.work.notify_one();
        }
    }

    /// The batches on disk that the engine has not taken over, oldest first.
    pub(super) fn waiting(&self) -> Vec<Waiting> {
        self.lock().waiting.iter().cloned().collect()
    }

    /// Waits for something to take over, and a little longer for more. `None` when the log has been closed and nothing
    /// is left.
    pub(super) fn next(&self) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closing {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let pause = match state.health {
            Health::Refusing(_) => RETRY,
            Health::Well | Health::Lost => GATHER,
        };
        let waits = |state: &mut State| !state.closing && !state.hurries(self.enough);
        let waited = self.work.wait_timeout_while(state, pause, waits);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Some(state.waiting.iter().cloned().collect())
    }

    /// The engine has taken over the `batches` oldest.
    pub(super) fn taken_over(&self, batches: usize) {
        let mut state = self.lock();
        let batches = batches.min(state.waiting.len());
        let taken: Vec<_> = state.waiting.drain(..batches).collect();
        state.ring.release(batches);
        for Waiting { place, .. } in &taken {
            let bytes = place.end.saturating_sub(place.start);
            state.bytes = state.bytes.saturating_sub(bytes);
        }
        state.health = Health::Well;
        drop(state);
        // Freed without the lock: there may be very many trades in it.
        drop(taken);
        self.room.notify_one();
    }

    /// The engine refused, and kept nothing. Says whether it is asked again.
    pub(super) fn refused(&self, error: &StoreError) -> bool {
        let mut state = self.lock();
        state.health = Health::Refusing(format!("the casino {error}: {}", error.source));
        self.room.notify_one();
        !state.closing
    }

    /// The engine does not know what it holds, or is gone.
    pub(super) fn lost(&self) {
        self.lock().health = Health::Lost;
        self.room.notify_one();
    }

    /// Has everything taken over, without waiting for more.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }

    /// A change is made whole or not at all, so the state is sound whatever happened to a thread that held it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unusable() -> StoreError {
    StoreError::new(
        "write the ledger",
        "its file is in doubt until it is opened again",
    )
}
