//! Bells: how those who wait for a batch are woken, many at once.
//!
//! To wake a task of another runtime costs a system call; so the flusher rings one bell a runtime, and the bell wakes
//! its tasks from inside.

use std::{
    convert::Infallible,
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

    /// Says, from any thread, that more is settled. A runtime in which nobody waits is not woken for it: to wake its
    /// thread would hold up who comes after it.
    pub(super) fn ring(&self) {
        if !self.waiting().is_empty() {
            self.rung.notify_one();
        }
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
        // In one hold of the lock: a ring in between would find nobody.
        let ready: Vec<_> = self
            .waiting()
            .extract_if(.., |(batch, _)| *batch <= settled)
            .collect();
        for (_, waker) in ready {
            waker.wake();
        }
    }

    /// The list is whole whatever happened to a thread that held it.
    fn waiting(&self) -> MutexGuard<'_, Vec<(Sequence, Waker)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        pin::pin,
        sync::atomic::{AtomicUsize, Ordering},
        task::{Context, Wake},
    };

    use super::*;

    /// Counts how often it is woken.
    #[derive(Debug, Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn counted() -> (Arc<Woken>, Waker) {
        let woken = Arc::new(Woken::default());
        (Arc::clone(&woken), Waker::from(woken))
    }

    fn times(woken: &Woken) -> usize {
        woken.0.load(Ordering::SeqCst)
    }

    #[test]
    fn it_wakes_those_whose_batch_is_settled_and_a_runtime_only_for_them() {
        let bells = Bells::default();
        let (bell, idle) = (bells.hang(), bells.hang());
        let settled = Cell::new(Sequence::NONE);
        let listen = |bell: Arc<Bell>| {
            let settled = &settled;
            async move { bell.listen(|| settled.get(), || ()).await }
        };
        let (mut listens, mut idles) = (pin!(listen(Arc::clone(&bell))), pin!(listen(idle)));
        let ((thread, thread_waker), (other, other_waker)) = (counted(), counted());
        let mut poll = || listens.as_mut().poll(&mut Context::from_waker(&thread_waker));
        assert!(poll().is_pending());
        assert!(
            idles
                .as_mut()
                .poll(&mut Context::from_waker(&other_waker))
                .is_pending()
        );

        let (earlier, later) = (Sequence::NONE.next(), Sequence::NONE.next().next());
        let ((first, first_waker), (second, second_waker)) = (counted(), counted());
        bell.wait(earlier, &first_waker);
        bell.wait(later, &second_waker);
        for (batch, rung, expected) in [(earlier, 1, (1, 0)), (later, 2, (1, 1))] {
            settled.set(batch);
            bells.ring();
            assert_eq!(times(&thread), rung);
            assert!(poll().is_pending());
            assert_eq!((times(&first), times(&second)), expected, "{batch:?}");
        }
        bells.ring();
        assert_eq!((times(&thread), times(&other)), (2, 0), "nobody waits");
    }
}
