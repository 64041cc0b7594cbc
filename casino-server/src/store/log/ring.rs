//! Core: where in a file of a fixed length the next frame goes, and which frames still have to stay.
//!
//! Frames lie one after the other; one that would pass the end goes to the beginning, if there is room again. Whoever
//! reads them looks for the next frame after the last, and then at the beginning.

use std::{collections::VecDeque, ops::Range};

/// The places in a file that wraps around.
#[derive(Debug)]
pub(super) struct Ring {
    length: u64,
    /// After the frame placed last.
    next: u64,
    /// The frames that have to stay, oldest first.
    kept: VecDeque<Range<u64>>,
}

impl Ring {
    /// A ring of `length` bytes with nothing in it that has to stay.
    pub(super) fn new(length: u64) -> Self {
        Self {
            length,
            next: 0,
            kept: VecDeque::new(),
        }
    }

    /// A place for a frame of `bytes`, which has to stay from now on; `None` while there is no room.
    pub(super) fn place(&mut self, bytes: u64) -> Option<Range<u64>> {
        let fits = |from: u64, end: u64| {
            let place = from..from.checked_add(bytes)?;
            (place.end <= end).then_some(place)
        };
        let place = match self.kept.front() {
            // What has to stay is one piece: from the first kept to the next, or around the end.
            Some(oldest) if self.next <= oldest.start => fits(self.next, oldest.start),
            Some(oldest) => fits(self.next, self.length).or_else(|| fits(0, oldest.start)),
            None => fits(self.next, self.length).or_else(|| fits(0, self.length)),
        }?;
        self.next = place.end;
        self.kept.push_back(place.clone());
        Some(place)
    }

    /// The `frames` oldest need not stay any more.
    pub(super) fn release(&mut self, frames: usize) {
        self.kept.drain(..frames.min(self.kept.len()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_lie_one_after_the_other_and_wrap_around_what_is_released() {
        let mut ring = Ring::new(100);
        assert_eq!(ring.place(60), Some(0..60));
        assert_eq!(ring.place(60), None);
        assert_eq!(ring.place(40), Some(60..100), "up to the last byte");
        assert_eq!(ring.place(1), None);
        ring.release(1);
        assert_eq!(ring.place(50), Some(0..50));
        assert_eq!(ring.place(11), None);
        assert_eq!(ring.place(10), Some(50..60));
        assert_eq!(ring.place(1), None, "full to the last byte");
        ring.release(3);
        assert_eq!(ring.place(101), None, "longer than the ring");
        assert_eq!(ring.place(100), Some(0..100));
    }

    proptest! {
        #[test]
        fn no_frame_lies_on_one_that_has_to_stay(
            steps in prop::collection::vec((1_u64..50, 0_usize..3), 1..200),
        ) {
            let mut ring = Ring::new(128);
            let mut kept: VecDeque<Range<u64>> = VecDeque::new();
            let mut after = 0;
            for (bytes, released) in steps {
                if let Some(place) = ring.place(bytes) {
                    prop_assert_eq!(place.end - place.start, bytes);
                    prop_assert!(place.end <= 128);
                    prop_assert!(place.start == after || place.start == 0, "where a reader looks for it");
                    prop_assert!(kept.iter().all(|other| place.end <= other.start || other.end <= place.start));
                    after = place.end;
                    kept.push_back(place);
                } else {
                    prop_assert!(!kept.is_empty(), "there is room in an empty ring");
                }
                ring.release(released);
                kept.drain(..released.min(kept.len()));
            }
        }
    }
}
