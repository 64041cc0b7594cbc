//! The asciicast formats, versions 2 and 3: lines of JSON, a header and events.
//!
//! ```text
//! {"version":2,"width":80,"height":24,"timestamp":1795356202,"title":".."}    {"version":3,"term":{"cols":80,..},..}
//! [1.250,"o","text"]    time since the start                                  [0.250,"o","text"]    since the event before
//! ```

use std::io::{self, Write};
use std::time::Duration;

use clap::ValueEnum;

use crate::app::portfolio::money::UnixMillis;

/// Terminal type of all asciicasts: the colors and sequences that the renderer uses.
const TERM: &str = "xterm-256color";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum CastFormat {
    /// Each event has the time since the start.
    #[default]
    V2,
    /// Each event has the time since the event before.
    V3,
}

/// Facts about the whole asciicast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CastHeader<'a> {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    /// Start of the recorded session.
    pub(crate) start: UnixMillis,
    pub(crate) title: &'a str,
}

#[derive(Debug)]
pub(crate) struct CastWriter<W> {
    out: W,
    format: CastFormat,
    last_ms: u128,
}

impl<W: Write> CastWriter<W> {
    pub(crate) fn new(out: W, format: CastFormat) -> Self {
        Self {
            out,
            format,
            last_ms: 0,
        }
    }

    /// Writes the first line.
    pub(crate) fn write_header(&mut self, header: CastHeader<'_>) -> io::Result<()> {
        let CastHeader {
            columns, rows, title, ..
        } = header;
        let (title, timestamp) = (serde_json::to_string(title)?, header.start.0.div_euclid(1000));
        let line = match self.format {
            CastFormat::V2 => format!(
                r#"{{"version":2,"width":{columns},"height":{rows},"timestamp":{timestamp},"title":{title},"env":{{"TERM":"{TERM}"}}}}"#
            ),
            CastFormat::V3 => format!(
                r#"{{"version":3,"term":{{"cols":{columns},"rows":{rows},"type":"{TERM}"}},"timestamp":{timestamp},"title":{title}}}"#
            ),
        };
        self.out.write_all(format!("{line}\n").as_bytes())
    }

    /// Writes what the terminal receives at `at` from the start.
    pub(crate) fn write(&mut self, at: Duration, text: &str) -> io::Result<()> {
        self.write_event(at, "o", text)
    }

    pub(crate) fn write_resize(&mut self, at: Duration, columns: u16, rows: u16) -> io::Result<()> {
        self.write_event(at, "r", &format!("{columns}x{rows}"))
    }

    /// Writes an event at once. Intervals are differences of whole milliseconds, so that they add up exactly.
    fn write_event(&mut self, at: Duration, code: &str, text: &str) -> io::Result<()> {
        let at_ms = at.as_millis().max(self.last_ms);
        let ms = match self.format {
            CastFormat::V2 => at_ms,
            CastFormat::V3 => at_ms - self.last_ms,
        };
        self.last_ms = at_ms;
        let mut line = format!("[{}.{:03},\"{code}\",", ms / 1000, ms % 1000).into_bytes();
        serde_json::to_writer(&mut line, text)?;
        line.extend(b"]\n");
        self.out.write_all(&line)
    }
}
