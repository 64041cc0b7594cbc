//! Frames as the bytes that a terminal would receive.

use std::io;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::frames::Frame;

/// A terminal in memory: what it shows decides what has to be written.
#[derive(Debug)]
pub(crate) struct AnsiScreen {
    shown: Buffer,
    cursor: Option<Position>,
}

impl AnsiScreen {
    /// Returns the screen, and the text that opens it.
    pub(crate) fn enter(columns: u16, rows: u16) -> io::Result<(Self, String)> {
        // The theme handles NO_COLOR, which must not change the output.
        crossterm::style::force_color_output(true);
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, Hide)?;
        let screen = Self {
            shown: Buffer::empty(Rect::new(0, 0, columns, rows)),
            cursor: None,
        };
        Ok((screen, text(bytes)?))
    }

    /// Returns whether `frame` looks like the last one.
    pub(crate) fn shows(&self, frame: &Frame) -> bool {
        self.shown == frame.buffer && self.cursor == frame.cursor
    }

    pub(crate) fn area(&self) -> Rect {
        self.shown.area
    }

    /// Returns the text that turns the last frame into `frame`, which may have another size.
    pub(crate) fn update(&mut self, frame: &Frame) -> io::Result<String> {
        let mut bytes = Vec::new();
        if self.area() != frame.buffer.area {
            queue!(bytes, Clear(ClearType::All))?;
            self.shown = Buffer::empty(frame.buffer.area);
        }
        let mut backend = CrosstermBackend::new(&mut bytes);
        backend.draw(self.shown.diff_iter(&frame.buffer))?;
        match (frame.cursor, self.cursor) {
            (Some(Position { x, y }), _) => queue!(bytes, MoveTo(x, y), Show)?,
            (None, Some(_)) => queue!(bytes, Hide)?,
            (None, None) => {}
        }
        self.shown.clone_from(&frame.buffer);
        self.cursor = frame.cursor;
        text(bytes)
    }

    /// Returns the text that closes the screen and prints `lines`, as the game does.
    pub(crate) fn leave(self, lines: &[String]) -> io::Result<String> {
        let mut bytes = Vec::new();
        queue!(bytes, LeaveAlternateScreen, Show)?;
        let lines = lines.iter().flat_map(|line| [line.as_str(), "\r\n"]);
        Ok(text(bytes)? + &lines.collect::<String>())
    }
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(io::Error::other)
}
