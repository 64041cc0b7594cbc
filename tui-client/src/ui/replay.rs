//! The strip of a replay: where it is and what keys it has, on the last row, in the footer's place.
//!
//! Owns its words. A game that is only shown must not look like one that is played. ASCII, so that every terminal shows it.
//!
//! ```text
//! REPLAY > 0:12 of 1:30 x4   space pause  arrows seek  +- speed  q quit
//! ```

use ratatui::{Frame, layout::Rect, text::Line, widgets::Widget};

use super::{View, text};
use crate::app::replay::{Position, Replay};

/// The keys, from the wordiest on.
const KEYS: [&str; 3] = [
    "   space pause  arrows seek  +- speed  q quit",
    "   space arrows +- q",
    "",
];

impl View {
    /// Draws the game as it stood then, and the strip.
    pub fn draw_replay(&self, replay: &Replay, frame: &mut Frame<'_>) {
        self.draw(replay.state(), frame);
        let area = frame.area();
        let strip = Rect {
            y: area.bottom().saturating_sub(1),
            height: area.height.min(1),
            ..area
        };
        let columns = usize::from(strip.width);
        let place = place(replay.position());
        let candidates = KEYS.map(|keys| format!(" {place}{keys}"));
        let words = text::fit(&candidates.each_ref().map(String::as_str), columns);
        let padded = format!(
            "{words}{}",
            " ".repeat(columns.saturating_sub(text::width(&words)))
        );
        Line::styled(padded, self.theme.alarm).render(strip, frame.buffer_mut());
    }
}

fn place(position: Position) -> String {
    let sign = match position {
        Position {
            is_over: true,
            cut_off: true,
            ..
        } => "end, recorded no further,",
        Position { is_over: true, .. } => "end",
        Position { is_paused: true, .. } => "||",
        Position { .. } => ">",
    };
    format!(
        "REPLAY {sign} {} of {} x{}",
        minutes(position.at_ms),
        minutes(position.length_ms),
        position.speed
    )
}

/// `1:05`, `75:00`.
fn minutes(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_tells_where_it_is() {
        let start = Position {
            at_ms: 12_999,
            length_ms: 4_500_000,
            speed: 4,
            is_paused: false,
            is_over: false,
            cut_off: true,
        };
        let cases = [
            (start, "REPLAY > 0:12 of 75:00 x4"),
            (
                Position {
                    is_paused: true,
                    ..start
                },
                "REPLAY || 0:12 of 75:00 x4",
            ),
            (
                Position {
                    is_over: true,
                    cut_off: false,
                    ..start
                },
                "REPLAY end 0:12 of 75:00 x4",
            ),
            (
                Position {
                    is_over: true,
                    ..start
                },
                "REPLAY end, recorded no further, 0:12 of 75:00 x4",
            ),
        ];
        for (position, words) in cases {
            assert_eq!(place(position), words);
        }
    }
}
