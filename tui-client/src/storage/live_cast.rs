//! An asciicast that is written during a game. Each frame is one write of one line, so that a game that is killed leaves a
//! file that plays up to its last frame.

use std::io;
use std::path::Path;
use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::BoundedFile;
use super::asciicast::{CastFormat, CastHeader, CastWriter};
use crate::app::AppState;
use crate::ui::cast::ansi::AnsiScreen;
use crate::ui::cast::frames::Frame;
use crate::ui::cast::title;
use crate::ui::{self, Renderer};

/// Largest file, in bytes: hours of play.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Writes an asciicast of the running game. On failure, only this stops.
#[derive(Debug)]
pub struct LiveCast {
    writer: CastWriter<BoundedFile>,
    began: Instant,
    /// `None` before the first frame.
    screen: Option<AnsiScreen>,
    stopped: Option<String>,
}

impl LiveCast {
    /// Creates the file. Fails if it exists or cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::bounded(path, MAX_BYTES)
    }

    fn bounded(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let out = BoundedFile::create(path, max_bytes)?;
        Ok(Self {
            writer: CastWriter::new(out, CastFormat::V2),
            began: Instant::now(),
            screen: None,
            stopped: None,
        })
    }

    /// Writes the screen of `state`.
    pub(crate) fn draw(&mut self, view: &Renderer, state: &AppState) {
        self.run(|cast| cast.write_frame(view, state));
    }

    /// Closes the screen and writes the summary of the game.
    pub(crate) fn finish(&mut self, state: &AppState) {
        self.run(|cast| {
            let Some(screen) = cast.screen.take() else {
                return Ok(());
            };
            let text = screen.leave(&ui::summary(state))?;
            cast.writer.write(cast.began.elapsed(), &text)
        });
    }

    /// Returns the reason why the asciicast is incomplete, if it is.
    pub(crate) fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    fn run(&mut self, write: impl FnOnce(&mut Self) -> io::Result<()>) {
        if self.stopped.is_none()
            && let Err(error) = write(self)
        {
            self.stopped = Some(error.to_string());
        }
    }

    fn write_frame(&mut self, view: &Renderer, state: &AppState) -> io::Result<()> {
        let (columns, rows) = state.screen.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        let cursor = view.draw_to(state, &mut buffer).cursor;
        let at = self.began.elapsed();
        let frame = Frame { at, buffer, cursor };
        let screen = match &mut self.screen {
            Some(screen) => screen,
            None => {
                self.writer.write_header(CastHeader {
                    columns,
                    rows,
                    start: state.now,
                    title: &title(&state.session.info),
                })?;
                let (screen, opening) = AnsiScreen::enter(columns, rows)?;
                self.writer.write(at, &opening)?;
                self.screen.insert(screen)
            }
        };
        if screen.shows(&frame) {
            return Ok(());
        }
        if screen.area() != frame.buffer.area {
            self.writer.write_resize(at, columns, rows)?;
        }
        self.writer.write(at, &screen.update(&frame)?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::tz::TimeZone;
    use serde_json::Value;

    use super::*;
    use crate::app::portfolio::money::UnixMillis;
    use crate::app::{Event, SessionInfo, update};
    use crate::ui::{Markers, Theme};

    fn game() -> (Renderer, AppState) {
        let view = Renderer {
            theme: Theme::default(),
            markers: Markers::default(),
            zone: TimeZone::UTC,
        };
        let info = SessionInfo::new("ann", "solo");
        (
            view,
            AppState::new(info, (80, 24), UnixMillis(1_795_356_202_500)).0,
        )
    }

    /// The lines, each of which must be complete.
    fn lines(path: &Path) -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n'));
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn every_frame_is_in_the_file_at_once_and_a_new_size_is_an_event() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("game.cast");
        let (view, mut state) = game();
        let mut cast = LiveCast::create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 0, "no size is known yet");
        cast.draw(&view, &state);
        assert_eq!(lines(&path)[0]["width"], 80);
        let mut emulator = vt100::Parser::default();
        let shown = |emulator: &mut vt100::Parser, lines: &[Value]| {
            for line in lines.iter().filter(|line| line[1] == "o") {
                emulator.process(line[2].as_str().unwrap().as_bytes());
            }
            emulator.screen().contents()
        };
        assert!(shown(&mut emulator, &lines(&path)[1..]).contains("ann @ solo"));
        let before = lines(&path).len();
        update(&mut state, UnixMillis(1_795_356_203_000), Event::Resized(40, 12));
        cast.draw(&view, &state);
        let after = lines(&path);
        assert_eq!(
            (&after[before][1], &after[before][2]),
            (&"r".into(), &"40x12".into())
        );
        cast.finish(&state);
        assert_eq!(cast.stopped(), None);
        assert!(shown(&mut emulator, &lines(&path)[before..]).contains("played"));
        assert!(LiveCast::create(&path).is_err(), "a file is never replaced");
    }

    #[test]
    fn a_full_file_ends_with_a_whole_line_and_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("game.cast");
        let (view, mut state) = game();
        let mut cast = LiveCast::bounded(&path, 4_000).unwrap();
        for columns in 0..40 {
            update(
                &mut state,
                UnixMillis(1_795_356_203_000),
                Event::Resized(80 + columns, 24),
            );
            cast.draw(&view, &state);
        }
        assert_eq!(cast.stopped(), Some("it has reached its limit of 4000 bytes"));
        assert!(lines(&path).len() > 1);
    }
}
