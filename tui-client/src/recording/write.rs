//! The writer of a recording.
//!
//! Owns the open file. Each event is one write, so that what was recorded is there whatever ends the game. A recording
//! never stops a game: it stops itself, and says why afterwards.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use serde::Serialize;

use super::{End, Entry, FORMAT, FirstLine, Header, MAX_BYTES, Mark, What};
use crate::app::{Event, money::UnixMs};

/// Bytes kept free for the line that says that the recording is full.
const END_BYTES: u64 = 128;

/// Only its owner reads what somebody did.
const MODE: u32 = 0o600;

/// Writes what happens into a file, up to a bound.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    written_bytes: u64,
    max_bytes: u64,
    /// In words, why nothing more is recorded.
    stopped: Option<String>,
}

impl Recorder {
    /// Makes the file, which must not be there yet.
    ///
    /// # Errors
    ///
    /// When it is there, or cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::bounded(path, MAX_BYTES)
    }

    fn bounded(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(path)?;
        Ok(Self {
            file,
            written_bytes: 0,
            max_bytes,
            stopped: None,
        })
    }

    /// Writes what is recorded. Once, before the first event.
    pub fn start(&mut self, header: &Header) {
        let mark = Mark { format: FORMAT };
        self.write(header.at, &FirstLine { mark, header });
    }

    /// Writes something that happened at `at`.
    pub fn note(&mut self, at: UnixMs, event: &Event) {
        let what = What::Event(event);
        self.write(at, &Entry { at, what });
    }

    /// In words, why the recording is not of the whole session; `None` if it is.
    #[must_use]
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    fn write(&mut self, at: UnixMs, line: &impl Serialize) {
        if self.stopped.is_some() {
            return;
        }
        match self.try_write(line) {
            Ok(true) => {}
            Ok(false) => self.end_full(at),
            Err(error) => self.stop(error.to_string()),
        }
    }

    /// Whether there was room for the line.
    fn try_write(&mut self, line: &impl Serialize) -> io::Result<bool> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let after = self.written_bytes.saturating_add(length);
        if after.saturating_add(END_BYTES) > self.max_bytes {
            return Ok(false);
        }
        self.file.write_all(&bytes)?;
        self.written_bytes = after;
        Ok(true)
    }

    fn end_full(&mut self, at: UnixMs) {
        let what: What<&Event> = What::End(End::Full);
        let written = serde_json::to_vec(&Entry { at, what })
            .map_err(io::Error::from)
            .and_then(|mut bytes| {
                bytes.push(b'\n');
                self.file.write_all(&bytes)
            });
        self.stop(match written {
            Ok(()) => format!("it has reached its bound of {} bytes", self.max_bytes),
            Err(error) => error.to_string(),
        });
    }

    fn stop(&mut self, why: String) {
        tracing::warn!(%why, "the recording stops");
        self.stopped = Some(why);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt};

    use super::*;
    use crate::{
        app::{Seat, Settings},
        recording::read,
    };

    fn header() -> Header {
        Header {
            version: "test".to_owned(),
            seat: Seat {
                player: "ann".to_owned(),
                table: "solo".to_owned(),
            },
            settings: Settings::default(),
            columns: 80,
            rows: 24,
            at: UnixMs(1),
        }
    }

    #[test]
    fn at_its_bound_it_stops_and_what_it_has_can_be_played() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full");
        let mut recorder = Recorder::bounded(&path, 1_000).unwrap();
        recorder.start(&header());
        for moment in 0..1_000 {
            recorder.note(UnixMs(moment), &Event::Woken);
        }
        assert_eq!(recorder.stopped(), Some("it has reached its bound of 1000 bytes"));
        assert!(fs::metadata(&path).unwrap().len() <= 1_000);
        let tape = read(&path).unwrap();
        assert!(
            tape.cut_off && (5..100).contains(&tape.events.len()),
            "{}",
            tape.events.len()
        );
    }

    #[test]
    fn a_file_that_is_there_is_left_alone_and_a_new_one_is_the_players_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session");
        Recorder::create(&path).unwrap().start(&header());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let error = Recorder::create(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(read(&path).unwrap().events.is_empty());
    }
}
