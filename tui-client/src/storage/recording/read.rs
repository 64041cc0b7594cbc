//! Reads recordings. Invalid files are rejected with the line number.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use super::{FORMAT, FormatTag, Header, MAX_BYTES, OLDEST_FORMAT, Record, RecordBody};
use crate::app::Event;
use crate::app::replay::Recording;

#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("cannot be read")]
    Io(#[from] io::Error),
    #[error("is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("line 1: not an AwesomeStock recording")]
    NotARecording,
    #[error("line 1: recorded in format {0}; this version supports formats {OLDEST_FORMAT} to {FORMAT}")]
    UnsupportedFormat(u32),
    /// An invalid line: its number and the reason.
    #[error("line {0} is damaged: {1}")]
    Damaged(usize, String),
}

/// Reads the recording in a file. Leaves out an incomplete last line: the game was killed, or the disk was full. Fails if
/// the file cannot be read, is not a recording, has another format, or is damaged.
pub fn read(path: &Path) -> Result<Recording, RecordingError> {
    read_from(File::open(path)?)
}

/// Reads a recording. Fails as [`read`].
pub(crate) fn read_from(input: impl Read) -> Result<Recording, RecordingError> {
    let mut input = BufReader::new(input.take(MAX_BYTES.saturating_add(1)));
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    let (format, header) = header_of(&line)?;
    let mut recording = Recording {
        info: header.info,
        settings: header.settings,
        size: (header.columns, header.rows),
        start: header.at,
        events: Vec::new(),
        cut_off: false,
        is_torn: false,
    };
    for number in 2.. {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if input.get_ref().limit() == 0 {
            return Err(RecordingError::TooLarge);
        }
        let damaged = |why| RecordingError::Damaged(number, why);
        if recording.cut_off {
            return Err(damaged("unexpected line after the end".to_owned()));
        }
        if !line.ends_with(b"\n") {
            (recording.cut_off, recording.is_torn) = (true, true);
            break;
        }
        let record = parse(&line).or_else(|why| match format {
            OLDEST_FORMAT => part_of_frame(&line).ok_or(why),
            _ => Err(why),
        });
        let record: Record<Event> = record.map_err(damaged)?;
        match record.body {
            RecordBody::Event(event) => recording.events.push((record.at, event)),
            RecordBody::End(_) => recording.cut_off = true,
        }
    }
    Ok(recording)
}

/// Returns the format and the header.
fn header_of(line: &[u8]) -> Result<(u32, Header), RecordingError> {
    let FormatTag { format } = parse(line).map_err(|_| RecordingError::NotARecording)?;
    if !(OLDEST_FORMAT..=FORMAT).contains(&format) {
        return Err(RecordingError::UnsupportedFormat(format));
    }
    let header = parse(line).map_err(|why| RecordingError::Damaged(1, why))?;
    Ok((format, header))
}

/// Parses a part of a frame as the change of a frame. `None` for another event.
fn part_of_frame(line: &[u8]) -> Option<Record<Event>> {
    let Record { at, body } = parse(line).ok()?;
    let RecordBody::Event(change) = body else {
        return None;
    };
    let body = RecordBody::Event(Event::Rendered(change));
    Some(Record { at, body })
}

/// Parses a complete line.
fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    let text = line.strip_suffix(b"\n").ok_or("it is incomplete")?;
    serde_json::from_slice(text).map_err(|error| error.to_string())
}
