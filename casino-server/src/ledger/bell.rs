//! Bells: how those who wait for a batch are woken, many at once.
//!
//! To wake a task of another runtime costs a system call; so the flusher rings one bell a runtime, and the bell wakes
//! its tasks from inside.

use std::{
    convert::Infallible,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::Waker,
};

use tokio::sync::Notify;

use super::fate::Sequence;

/// The bells of all runtimes.
#[derive(Debug, Default)]
pub(super) struct Bells(Mutex<Vec<Weak<Bell>>>);

impl Bells {
    /// A new one, which rings with the others for as long as it is kept.
    pub(super) fn hang(&self) -> Arc<Bell> {
        let bell = Arc::new(Bell::default());
        let mut bells = self.lock();
        bells.retain(|bell| bell.strong_count() > 0);
        bells.push(Arc::downgrade(&bell));
        bell
    }

    /// Says, from any thread, that more is settled.
    pub(super) fn ring(&self) {
        for bell in self.lock().iter().filter_map(Weak::upgrade) {
            bell.ring();
        }
    }

    /// The list is whole whatever happened to a thread that held it.
    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Bell>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who waits for which batch, in one runtime.
#[derive(Debug, Default)]
pub(super) struct Bell {
    waiting: Mutex<Vec<(Sequence, Waker)>>,
    rung: Notify,
    nudged: Notify,
}

impl Bell {
    /// Has `waker` woken once `batch` is settled. Whoever asks looks at the batch's fate once more after it.
    pub(super) fn wait(&self, batch: Sequence, waker: &Waker) {
        self.waiting().push((batch, waker.clone()));
    }

    /// Says, from any thread, that more is settled.
    pub(super) fn ring(&self) {
        self.rung.notify_one();
    }

    /// Says, from inside, that the flusher is to be told of a batch once those tasks have run that are ready to.
    pub(super) fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Wakes those who wait, whenever it is rung; `settled` says up to which batch. Does `tell` after a nudge.
    pub(super) async fn listen(&self, settled: impl Fn() -> Sequence, tell: impl Fn()) -> Infallible {
        loop {
            tokio::select! {
                () = self.rung.notified() => self.wake_up_to(settled()),
                () = self.nudged.notified() => tell(),
            }
        }
    }

    /// Wakes those who wait for a batch up to `settled`.
    pub(super) fn wake_up_to(&self, settled: Sequence) {
        let all = mem::take(&mut *self.waiting());
        let (ready, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|(batch, _)| *batch <= settled);
        if !later.is_empty() {
            self.waiting().extend(later);
        }
        for (_, waker) in ready {
            waker.wake();
        }
    }

    /// The list is whole whatever happened to a thread that held it.
    fn waiting(&self) -> MutexGuard<'_, Vec<(Sequence, Waker)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
