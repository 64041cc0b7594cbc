//! Limits the frame rate, and draws only after a change. The time is passed in.

use std::ops::Add;
use std::time::{Duration, Instant};

/// 30 frames a second.
pub(crate) const FRAME_INTERVAL: Duration = Duration::from_millis(33);

/// Limits frames on a clock of type `T`: an [`Instant`] on the screen, and the [`Duration`] since the start in a
/// recording.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameLimiter<T = Instant> {
    interval: Duration,
    changed: bool,
    last_frame: Option<T>,
}

impl<T: Copy + Ord + Add<Duration, Output = T>> FrameLimiter<T> {
    pub(crate) fn new() -> Self {
        Self::with_interval(FRAME_INTERVAL)
    }

    pub(crate) fn with_interval(interval: Duration) -> Self {
        Self {
            interval,
            changed: true,
            last_frame: None,
        }
    }

    pub(crate) fn mark_changed(&mut self) {
        self.changed = true;
    }

    pub(crate) fn mark_drawn(&mut self, now: T) {
        self.changed = false;
        self.last_frame = Some(now);
    }

    /// Returns the time of the next frame, which may have passed; `None` if nothing has changed.
    pub(crate) fn next_frame(&self, now: T) -> Option<T> {
        let earliest = self.last_frame.map_or(now, |last| last + self.interval);
        self.changed.then_some(earliest)
    }

    pub(crate) fn is_due(&self, now: T) -> bool {
        self.next_frame(now).is_some_and(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_is_due_at_once() {
        assert!(FrameLimiter::new().is_due(Instant::now()));
    }

    #[test]
    fn nothing_is_drawn_while_nothing_changes() {
        let start = Instant::now();
        let mut pace = FrameLimiter::new();
        pace.mark_drawn(start);
        assert_eq!(pace.next_frame(start + Duration::from_secs(3600)), None);
    }

    #[test]
    fn changes_wait_for_the_next_frame_and_share_it() {
        let start = Instant::now();
        let mut pace = FrameLimiter::new();
        pace.mark_drawn(start);
        pace.mark_changed();
        pace.mark_changed();
        assert!(!pace.is_due(start + FRAME_INTERVAL / 2));
        assert_eq!(pace.next_frame(start), Some(start + FRAME_INTERVAL));
        assert!(pace.is_due(start + FRAME_INTERVAL));
        pace.mark_drawn(start + FRAME_INTERVAL);
        assert!(!pace.is_due(start + FRAME_INTERVAL * 2));
    }

    #[test]
    fn a_change_after_a_pause_is_drawn_at_once() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut pace = FrameLimiter::new();
        pace.mark_drawn(start);
        pace.mark_changed();
        assert!(pace.is_due(later));
    }
}
