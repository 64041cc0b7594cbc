//! The frames of a recording, and the times at which the output shows them. No clock is read.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::app::AppState;
use crate::app::replay::{Recording, Replay};
use crate::ui::Renderer;
use crate::ui::frame_limiter::FrameLimiter;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Time since the start of the recording.
    pub(crate) at: Duration,
    pub(crate) buffer: Buffer,
    pub(crate) cursor: Option<Position>,
}

/// Plays a recording and draws it after changes, at most once in an interval of the recording. A frame that looks like
/// the one before is left out.
pub(crate) struct Frames<'a> {
    replay: Replay,
    view: &'a Renderer,
    area: Rect,
    limiter: FrameLimiter<Duration>,
    now: Duration,
    shown: Option<Frame>,
}

impl<'a> Frames<'a> {
    /// Returns the frames of `recording` on a screen of this size in columns and rows.
    pub(crate) fn new(
        recording: Recording,
        view: &'a Renderer,
        size: (u16, u16),
        interval: Duration,
    ) -> Self {
        let (columns, rows) = size;
        Self {
            replay: Replay::new(recording, 1),
            view,
            area: Rect::new(0, 0, columns, rows),
            limiter: FrameLimiter::with_interval(interval),
            now: Duration::ZERO,
            shown: None,
        }
    }

    pub(crate) fn state(&self) -> &AppState {
        self.replay.state()
    }

    /// Returns the length of the recording. The last frame may be later, by less than the interval.
    pub(crate) fn length(&self) -> Duration {
        millis(self.replay.position().length_ms)
    }

    /// Returns the screen at `at`; `None` after the end of the recording.
    pub(crate) fn still(&mut self, at: Duration) -> Option<Frame> {
        let ms = i64::try_from(at.as_millis()).ok()?;
        if at > self.length() {
            return None;
        }
        self.replay.play_to(ms);
        self.now = at;
        Some(self.draw())
    }

    /// Advances to the time of the next frame; `None` after the last one. Events at that time come first, as in the game.
    fn advance(&mut self) -> Option<Duration> {
        loop {
            let frame = self.limiter.next_frame(self.now).map(|due| due.max(self.now));
            let event_ms = self.replay.next_event_ms();
            let event = event_ms.map(millis);
            match frame.filter(|frame| event.is_none_or(|event| *frame < event)) {
                Some(frame) => {
                    self.now = frame;
                    self.limiter.mark_drawn(frame);
                    return Some(frame);
                }
                None => {
                    self.replay.play_to(event_ms?);
                    self.now = event?;
                    self.limiter.mark_changed();
                }
            }
        }
    }

    fn draw(&self) -> Frame {
        let mut buffer = Buffer::empty(self.area);
        let cursor = self.view.draw_to(self.replay.state(), &mut buffer).cursor;
        Frame {
            at: self.now,
            buffer,
            cursor,
        }
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        loop {
            self.advance()?;
            let frame = self.draw();
            let is_shown = |shown: &Frame| shown.buffer == frame.buffer && shown.cursor == frame.cursor;
            if !self.shown.as_ref().is_some_and(is_shown) {
                self.shown = Some(frame.clone());
                return Some(frame);
            }
        }
    }
}

/// Converts times of the recording to times of the output: pauses are shortened first, then all is sped up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tempo {
    idle: Option<Duration>,
    speed: u32,
    last: Duration,
    played: Duration,
}

impl Tempo {
    /// `idle` is the longest pause between two frames, in the time of the recording. `speed` is at least 1.
    pub(crate) fn new(idle: Option<Duration>, speed: u32) -> Self {
        Self {
            idle,
            speed: speed.max(1),
            last: Duration::ZERO,
            played: Duration::ZERO,
        }
    }

    /// Returns the time of the output for `at`. Times must be passed in order.
    pub(crate) fn output_time(&mut self, at: Duration) -> Duration {
        let pause = at.saturating_sub(self.last);
        self.played += self.idle.map_or(pause, |idle| pause.min(idle));
        self.last = at.max(self.last);
        self.played / self.speed
    }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_shortened_before_time_is_divided() {
        let ms = Duration::from_millis;
        let mut tempo = Tempo::new(Some(ms(1_500)), 2);
        let times = [0, 400, 10_400, 10_500].map(|at| tempo.output_time(ms(at)));
        assert_eq!(times, [ms(0), ms(200), ms(950), ms(1_000)]);
        let mut tempo = Tempo::new(None, 1);
        assert_eq!(tempo.output_time(ms(90_000)), ms(90_000));
    }
}
