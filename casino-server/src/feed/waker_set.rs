//! A set of wakers with reusable slots.

use std::task::Waker;

#[derive(Debug, Default)]
pub(crate) struct WakerSet {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl WakerSet {
    /// Stores `waker` in `slot`, which is assigned on the first call.
    pub(crate) fn register(&mut self, slot: &mut Option<usize>, waker: &Waker) {
        let index = *slot.get_or_insert_with(|| {
            self.free.pop().unwrap_or_else(|| {
                self.wakers.push(None);
                self.wakers.len().saturating_sub(1)
            })
        });
        match self.wakers.get_mut(index) {
            Some(Some(stored)) => stored.clone_from(waker),
            Some(empty) => *empty = Some(waker.clone()),
            None => {}
        }
    }

    /// Frees `slot` and returns its waker. Drop it outside a lock: it may own the last reference to its task.
    pub(crate) fn remove(&mut self, slot: &mut Option<usize>) -> Option<Waker> {
        let index = slot.take()?;
        self.free.push(index);
        self.wakers.get_mut(index).and_then(Option::take)
    }

    pub(crate) fn wake_all(&self) {
        for waker in self.wakers.iter().flatten() {
            waker.wake_by_ref();
        }
    }

    /// Returns the number of used and free slots.
    #[cfg(test)]
    pub(crate) fn slots(&self) -> usize {
        self.wakers.len()
    }
}
