//! Allocation of frames in a file of fixed length.
//!
//! Frames are adjacent; one that does not fit before the end goes to the start. Readers look for the next frame in
//! the same way.

use std::ops::Range;

#[derive(Debug)]
pub(super) struct RingAllocator {
    space: Range<u64>,
    /// End of the last frame.
    next: u64,
}

impl RingAllocator {
    pub(super) fn new(space: Range<u64>) -> Self {
        Self {
            next: space.start,
            space,
        }
    }

    /// Reserves space for a frame; `None` while the ring is full. `oldest` is the start of the oldest frame in use.
    pub(super) fn reserve(&mut self, bytes: u64, oldest: Option<u64>) -> Option<Range<u64>> {
        let fits = |from: u64, end: u64| {
            let frame = from..from.checked_add(bytes)?;
            (frame.end <= end).then_some(frame)
        };
        let frame = match oldest {
            // The used space is contiguous, possibly around the end.
            Some(oldest) if self.next <= oldest => fits(self.next, oldest),
            _ => fits(self.next, self.space.end)
                .or_else(|| fits(self.space.start, oldest.unwrap_or(self.space.end))),
        }?;
        self.next = frame.end;
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_are_adjacent_and_wrap_into_released_space() {
        let mut ring = RingAllocator::new(0..100);
        assert_eq!(ring.reserve(60, None), Some(0..60));
        assert_eq!(ring.reserve(60, Some(0)), None);
        assert_eq!(ring.reserve(40, Some(0)), Some(60..100), "up to the last byte");
        assert_eq!(ring.reserve(1, Some(0)), None);
        assert_eq!(ring.reserve(50, Some(60)), Some(0..50));
        assert_eq!(ring.reserve(11, Some(60)), None);
        assert_eq!(ring.reserve(10, Some(60)), Some(50..60));
        assert_eq!(ring.reserve(1, Some(60)), None, "full to the last byte");
        assert_eq!(ring.reserve(101, None), None, "longer than the ring");
        assert_eq!(ring.reserve(100, None), Some(0..100));
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
                if let Some(frame) = ring.reserve(bytes, used.front().map(|oldest| oldest.start)) {
                    prop_assert_eq!(frame.end - frame.start, bytes);
                    prop_assert!(frame.end <= 128);
                    prop_assert!(frame.start == after || frame.start == 0, "where a reader looks for it");
                    prop_assert!(used.iter().all(|other| frame.end <= other.start || other.end <= frame.start));
                    after = frame.end;
                    used.push_back(frame);
                } else {
                    prop_assert!(!used.is_empty(), "there is room in an empty ring");
                }
                used.drain(..released.min(used.len()));
            }
        }
    }
}
