//! The wakers of those who watch something, each in a place of its own for as long as it watches.

use std::task::Waker;

/// Those who watch.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Watching {
    /// Has `waker` woken from now on, in the place it has or in one that it is given.
    pub(crate) fn wait(&mut self, place: &mut Option<usize>, waker: &Waker) {
        let index = *place.get_or_insert_with(|| {
            self.free.pop().unwrap_or_else(|| {
                self.wakers.push(None);
                self.wakers.len().saturating_sub(1)
            })
        });
        if let Some(woken) = self.wakers.get_mut(index)
            && !woken.as_ref().is_some_and(|woken| woken.will_wake(waker))
        {
            *woken = Some(waker.clone());
        }
    }

    /// Gives the place up. The waker that was there may be the last that holds its task: to be dropped without a lock.
    pub(crate) fn leave(&mut self, place: &mut Option<usize>) -> Option<Waker> {
        let index = place.take()?;
        self.free.push(index);
        self.wakers.get_mut(index).and_then(Option::take)
    }

    /// Wakes all.
    pub(crate) fn wake(&self) {
        for waker in self.wakers.iter().flatten() {
            waker.wake_by_ref();
        }
    }

    /// How many places there are, taken or free.
    #[cfg(test)]
    pub(crate) fn places(&self) -> usize {
        self.wakers.len()
    }
}
