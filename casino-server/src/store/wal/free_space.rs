//! Allocation of frames in a file of fixed length.
//!
//! Frames are adjacent; one that does not fit before the end goes to the start. Readers look for the next frame in
//! the same way.

use std::collections::VecDeque;
use std::ops::Range;

#[derive(Debug)]
pub(super) struct RingAllocator {
    space: Range<u64>,
    /// End of the last frame.
    next: u64,
    /// Frames in use, oldest first.
    used: VecDeque<Range<u64>>,
}

impl RingAllocator {
    pub(super) fn new(space: Range<u64>) -> Self {
        Self {
            next: space.start,
            space,
            used: VecDeque::new(),
        }
    }

    /// Reserves space for a frame; `None` while the ring is full.
    pub(super) fn reserve(&mut self, bytes: u64) -> Option<Range<u64>> {
        let fits = |from: u64, end: u64| {
            let frame = from..from.checked_add(bytes)?;
            (frame.end <= end).then_some(frame)
        };
        let frame = match self.used.front() {
            // The used space is contiguous, possibly around the end.
            Some(oldest) if self.next <= oldest.start => fits(self.next, oldest.start),
            Some(oldest) => fits(self.next, self.space.end).or_else(|| fits(self.space.start, oldest.start)),
            None => fits(self.next, self.space.end).or_else(|| fits(self.space.start, self.space.end)),
        }?;
        self.next = frame.end;
        self.used.push_back(frame.clone());
        Some(frame)
    }

    /// Releases the oldest frames.
    pub(super) fn release(&mut self, frames: usize) {
        self.used.drain(..frames.min(self.used.len()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_are_adjacent_and_wrap_into_released_space() {
        let mut ring = RingAllocator::new(0..100);
        assert_eq!(ring.reserve(60), Some(0..60));
        assert_eq!(ring.reserve(60), None);
        assert_eq!(ring.reserve(40), Some(60..100), "up to the last byte");
        assert_eq!(ring.reserve(1), None);
        ring.release(1);
        assert_eq!(ring.reserve(50), Some(0..50));
        assert_eq!(ring.reserve(11), None);
        assert_eq!(ring.reserve(10), Some(50..60));
        assert_eq!(ring.reserve(1), None, "full to the last byte");
        ring.release(3);
        assert_eq!(ring.reserve(101), None, "longer than the ring");
        assert_eq!(ring.reserve(100), Some(0..100));
    }

    proptest! {
        #[test]
        fn frames_in_use_never_overlap(
            steps in prop::collection::vec((1_u64..50, 0_usize..3), 1..200),
        ) {
            let mut ring = RingAllocator::new(0..128);
            let mut used: VecDeque<Range<u64>> = VecDeque::new();
            let mut after = 0;
            for (bytes, released) in steps {
                if let Some(frame) = ring.reserve(bytes) {
                    prop_assert_eq!(frame.end - frame.start, bytes);
                    prop_assert!(frame.end <= 128);
                    prop_assert!(frame.start == after || frame.start == 0, "where a reader looks for it");
                    prop_assert!(used.iter().all(|other| frame.end <= other.start || other.end <= frame.start));
                    after = frame.end;
                    used.push_back(frame);
                } else {
                    prop_assert!(!used.is_empty(), "there is room in an empty ring");
                }
                ring.release(released);
                used.drain(..released.min(used.len()));
            }
        }
    }
}
