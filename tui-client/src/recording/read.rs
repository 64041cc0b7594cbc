//! The reader of a recording: what is no recording, or a damaged one, is refused with its line.
//!
//! Owns those refusals. A line is believed as a whole or not at all.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use serde::de::DeserializeOwned;

use super::{FORMAT, Header, MAX_BYTES, Mark, OwnEntry, What};
use crate::app::replay::Tape;

/// Why a file cannot be played.
#[derive(Debug)]
pub enum Unreadable {
    /// It could not be read.
    Io(io::Error),
    /// It has more bytes than a recording may have.
    TooLarge,
    /// It does not begin as a recording does.
    Foreign,
    /// It is of a format that this version does not know.
    Newer(u32),
    /// This line makes no sense; in words, why.
    Damaged(usize, String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot be read: {error}"),
            Self::TooLarge => write!(f, "has more than the {MAX_BYTES} bytes of a recording"),
            Self::Foreign => write!(f, "line 1: this is no recording of AwesomeStock"),
            Self::Newer(format) => write!(
                f,
                "line 1: recorded in format {format}, and this version plays format {FORMAT}"
            ),
            Self::Damaged(line, why) => write!(f, "line {line} is damaged: {why}"),
        }
    }
}

impl std::error::Error for Unreadable {}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads the recording in a file.
///
/// # Errors
///
/// When the file cannot be read, is something else, is of another version, or is damaged.
pub fn read(path: &Path) -> Result<Tape, Unreadable> {
    read_from(File::open(path)?)
}

/// Reads a recording.
///
/// # Errors
///
/// As [`read`].
pub fn read_from(input: impl Read) -> Result<Tape, Unreadable> {
    let mut input = BufReader::new(input.take(MAX_BYTES.saturating_add(1)));
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    let header = header_of(&line)?;
    let mut tape = Tape {
        seat: header.seat,
        settings: header.settings,
        size: (header.columns, header.rows),
        start: header.at,
        events: Vec::new(),
        cut_off: false,
    };
    let mut number: usize = 1;
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        number = number.saturating_add(1);
        if input.get_ref().limit() == 0 {
            return Err(Unreadable::TooLarge);
        }
        if tape.cut_off {
            return Err(Unreadable::Damaged(number, "it comes after the end".to_owned()));
        }
        let entry: OwnEntry = parse(&line).map_err(|why| Unreadable::Damaged(number, why))?;
        match entry.what {
            What::Event(event) => tape.events.push((entry.at, event)),
            What::End(_) => tape.cut_off = true,
        }
    }
    Ok(tape)
}

fn header_of(line: &[u8]) -> Result<Header, Unreadable> {
    let mark: Mark = parse(line).map_err(|_| Unreadable::Foreign)?;
    if mark.format != FORMAT {
        return Err(Unreadable::Newer(mark.format));
    }
    parse(line).map_err(|why| Unreadable::Damaged(1, why))
}

/// A line that ends as a line does: a file that was cut in the middle of one is not whole.
fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    let text = line.strip_suffix(b"\n").ok_or("it has no end")?;
    serde_json::from_slice(text).map_err(|error| error.to_string())
}
