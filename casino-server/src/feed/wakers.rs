//! Wakes tasks from a task in their runtime: an update crosses threads once per runtime.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Waker};

use tokio::sync::Notify;

use crate::store::lock;

/// The groups of all runtimes.
#[derive(Debug, Default)]
pub(crate) struct WakerGroups(Mutex<Vec<Weak<WakerGroup>>>);

/// The wakers of the tasks of one runtime, in reusable slots.
#[derive(Debug, Default)]
pub(crate) struct WakerGroup {
    notify: Notify,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

/// A task's waker in its group, until it is dropped.
#[derive(Debug)]
pub(crate) struct RegisteredWaker {
    group: Arc<WakerGroup>,
    /// Set by the first registration.
    slot: Option<usize>,
}

impl WakerGroups {
    /// Creates the group of one runtime. A task there has to [run](WakerGroup::run) it, or to wake it when notified.
    pub(crate) fn group(&self) -> Arc<WakerGroup> {
        let group = Arc::<WakerGroup>::default();
        let mut groups = lock(&self.0);
        groups.retain(|group| group.strong_count() > 0);
        groups.push(Arc::downgrade(&group));
        group
    }

    /// Notifies all groups, from any thread.
    pub(crate) fn notify(&self) {
        for group in lock(&self.0).iter().filter_map(Weak::upgrade) {
            group.notify.notify_one();
        }
    }
}

impl WakerGroup {
    pub(crate) async fn notified(&self) {
        self.notify.notified().await;
    }

    pub(crate) fn wake_all(&self) {
        for waker in lock(&self.slots).wakers.iter().flatten() {
            waker.wake_by_ref();
        }
    }

    /// Wakes the tasks at each notification. Must run in their runtime.
    pub(crate) async fn run(&self) -> Infallible {
        loop {
            self.notified().await;
            self.wake_all();
        }
    }

    pub(crate) fn waker(self: &Arc<Self>) -> RegisteredWaker {
        RegisteredWaker {
            group: Arc::clone(self),
            slot: None,
        }
    }

    /// Returns the number of used and free slots.
    #[cfg(test)]
    pub(crate) fn slots(&self) -> usize {
        lock(&self.slots).wakers.len()
    }
}

impl RegisteredWaker {
    /// Registers the task of `cx` in place of the one before.
    pub(crate) fn register(&mut self, cx: &Context<'_>) {
        let mut slots = lock(&self.group.slots);
        let Slots { wakers, free } = &mut *slots;
        let index = *self.slot.get_or_insert_with(|| {
            free.pop().unwrap_or_else(|| {
                wakers.push(None);
                wakers.len().saturating_sub(1)
            })
        });
        match wakers.get_mut(index) {
            Some(Some(stored)) => stored.clone_from(cx.waker()),
            Some(empty) => *empty = Some(cx.waker().clone()),
            None => {}
        }
    }
}

impl Drop for RegisteredWaker {
    fn drop(&mut self) {
        let Some(index) = self.slot else { return };
        let mut slots = lock(&self.group.slots);
        slots.free.push(index);
        let waker = slots.wakers.get_mut(index).and_then(Option::take);
        drop(slots);
        // Outside the lock: it may own the last reference to its task.
        drop(waker);
    }
}
