//! Replay bar: position and keys, in place of the footer. ASCII only.
//!
//! ```text
//! REPLAY > 0:12 of 1:30 x4   space pause  arrows seek  ., step  +- speed  W wire  r reducer  q quit
//! ```

use ratatui::Frame;
use ratatui::layout::Constraint::{Fill, Length};
use ratatui::layout::Layout;
use ratatui::widgets::{Clear, Paragraph};

use crate::app::replay::{Position, Replay};
use crate::ui::{FrameInfo, Renderer, text};

/// The keys, as many as there is room for.
const KEYS: [&str; 5] = [
    "   space pause  arrows seek  ., step  +- speed  W wire  q quit",
    "  space pause  arrows seek  ., step  W wire  q quit",
    "  space arrows ., +- W q",
    "  ., W q",
    "",
];

/// The same while the wire pane is open.
const PANE_KEYS: [&str; 5] = [
    "   space pause  arrows seek  ., step  +- speed  W wire  r reducer  q quit",
    "  space pause  ., step  W wire  r reducer  q quit",
    "  space arrows ., +- W r q",
    "  ., W r q",
    "",
];

impl Renderer {
    /// Draws the replayed state and the replay bar.
    pub fn draw_replay(&self, replay: &Replay, frame: &mut Frame<'_>) -> FrameInfo {
        let frame_info = self.draw(replay.state(), frame);
        let [_, strip] = frame.area().layout(&Layout::vertical([Fill(1), Length(1)]));
        let text = bar_text(replay, usize::from(strip.width));
        frame.render_widget(Clear, strip);
        frame.render_widget(Paragraph::new(text).style(self.theme.alarm), strip);
        frame_info
    }
}

fn bar_text(replay: &Replay, columns: usize) -> String {
    let place = place(replay.position());
    let keys = match replay.state().wire.view.is_open {
        true => PANE_KEYS,
        false => KEYS,
    };
    let candidates = keys.map(|keys| format!(" {place}{keys}"));
    text::fit(&candidates, columns).into_owned()
}

fn place(position: Position) -> String {
    let sign = match (position.is_over, position.cut_off, position.is_paused) {
        (true, true, _) => "end of recording,",
        (true, false, _) => "end",
        (false, _, true) => "||",
        (false, _, false) => ">",
    };
    let (at, length) = (minutes(position.at_ms), minutes(position.length_ms));
    format!("REPLAY {sign} {at} of {length} x{}", position.speed)
}

/// Formats as `1:05`, `75:00`.
fn minutes(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::portfolio::money::UnixMillis;
    use crate::app::replay::Recording;
    use crate::app::{SessionInfo, Settings};
    use crate::ui::text::width;

    #[test]
    fn the_keys_of_the_wire_are_named_where_there_is_room() {
        let recording = Recording {
            info: SessionInfo::new("ann", "solo"),
            settings: Settings::default(),
            size: (80, 24),
            start: UnixMillis(0),
            events: Vec::new(),
            cut_off: false,
            is_torn: false,
        };
        let mut replay = Replay::new(recording, 1);
        for (columns, keys) in [
            (100, "+- speed  W wire  q"),
            (80, "., step  W wire  q"),
            (54, "., +- W q"),
            (38, "., W q"),
        ] {
            let text = bar_text(&replay, columns);
            assert!(text.contains(keys) && !text.contains(" r "), "{text}");
        }
        replay.open_wire();
        for (columns, keys) in [
            (100, "W wire  r reducer"),
            (80, "W wire  r reducer"),
            (54, "., +- W r q"),
            (38, "., W r q"),
        ] {
            let text = bar_text(&replay, columns);
            assert!(text.contains(keys) && width(&text) <= columns, "{text}");
        }
    }

    #[test]
    fn the_replay_bar_shows_the_position() {
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
                "REPLAY end of recording, 0:12 of 75:00 x4",
            ),
        ];
        for (position, text) in cases {
            assert_eq!(place(position), text);
        }
    }
}
