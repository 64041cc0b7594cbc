//! When to draw: only after something has changed, and at most so many times a second.
//!
//! Owns the rate. It reads no clock: moments come in.

use std::time::{Duration, Instant};

/// Time between two frames: 30 a second.
const FRAME_INTERVAL: Duration = Duration::from_millis(33);

/// What was drawn when, and whether that is still true.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    changed: bool,
    last_frame: Option<Instant>,
}

impl Pace {
    /// Nothing has been drawn yet.
    pub(super) fn new() -> Self {
        Self {
            changed: true,
            last_frame: None,
        }
    }

    /// What is shown may not be true any more.
    pub(super) fn note_change(&mut self) {
        self.changed = true;
    }

    /// A frame is being drawn at `now`.
    pub(super) fn note_frame(&mut self, now: Instant) {
        self.changed = false;
        self.last_frame = Some(now);
    }

    /// When the next frame is to be drawn; `None` while nothing has changed. A moment that is past means now.
    pub(super) fn next_frame(&self, now: Instant) -> Option<Instant> {
        let earliest = self.last_frame.map_or(now, |last| last + FRAME_INTERVAL);
        self.changed.then_some(earliest)
    }

    /// A frame is to be drawn now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next_frame(now).is_some_and(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_is_due_at_once() {
        assert!(Pace::new().is_due(Instant::now()));
    }

    #[test]
    fn nothing_is_drawn_while_nothing_changes() {
        let start = Instant::now();
        let mut pace = Pace::new();
        pace.note_frame(start);
        assert_eq!(pace.next_frame(start + Duration::from_secs(3600)), None);
    }

    #[test]
    fn changes_wait_for_the_next_frame_and_share_it() {
        let start = Instant::now();
        let mut pace = Pace::new();
        pace.note_frame(start);
        pace.note_change();
        pace.note_change();
        assert!(!pace.is_due(start + FRAME_INTERVAL / 2));
        assert_eq!(pace.next_frame(start), Some(start + FRAME_INTERVAL));
        assert!(pace.is_due(start + FRAME_INTERVAL));
        pace.note_frame(start + FRAME_INTERVAL);
        assert!(!pace.is_due(start + FRAME_INTERVAL * 2));
    }

    #[test]
    fn a_change_after_a_quiet_time_is_drawn_at_once() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut pace = Pace::new();
        pace.note_frame(start);
        pace.note_change();
        assert!(pace.is_due(later));
    }
}
