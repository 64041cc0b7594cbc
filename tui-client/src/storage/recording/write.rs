//! Writes recordings. Each event is one write, so it survives a crash. On failure only recording stopped.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::{End, FORMAT, FormatTag, Header, MAX_BYTES, Preamble, Record, RecordBody};
use crate::app::Event;
use crate::app::portfolio::money::UnixMillis;
use crate::storage::BoundedFile;

/// Space reserved for the last line of a full recording, in bytes.
const END_BYTES: usize = 128;

#[derive(Debug)]
pub struct Recorder {
    file: BoundedFile,
    stopped: Option<String>,
}

impl Recorder {
    /// Creates the file. Fails if it exists or cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::bounded(path, MAX_BYTES)
    }

    fn bounded(path: &Path, max_bytes: u64) -> io::Result<Self> {
        Ok(Self {
            file: BoundedFile::create(path, max_bytes)?,
            stopped: None,
        })
    }

    /// Writes the header, before the first event.
    pub fn start(&mut self, header: &Header) {
        let tag = FormatTag { format: FORMAT };
        self.write(header.at, &Preamble { tag, header });
    }

    /// Writes an event that happened at `at`.
    pub fn record(&mut self, at: UnixMillis, event: &Event) {
        let body = RecordBody::Event(event);
        self.write(at, &Record { at, body });
    }

    /// Returns the reason why the recording is incomplete, if it is.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    fn write(&mut self, at: UnixMillis, line: &impl Serialize) {
        if self.stopped.is_some() {
            return;
        }
        if let Err(error) = self.try_write(at, line) {
            let why = error.to_string();
            tracing::warn!(%why, "recording stopped");
            self.stopped = Some(why);
        }
    }

    fn try_write(&mut self, at: UnixMillis, line: &impl Serialize) -> io::Result<()> {
        let line = to_line(line)?;
        if let Err(full) = self.file.length_with(line.len().saturating_add(END_BYTES)) {
            let body: RecordBody<&Event> = RecordBody::End(End::Full);
            self.file.write_all(&to_line(&Record { at, body })?)?;
            return Err(full);
        }
        self.file.write_all(&line)
    }
}

fn to_line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::app::{SessionInfo, Settings};
    use crate::storage::recording::read;

    fn header() -> Header {
        Header {
            version: "test".to_owned(),
            info: SessionInfo::new("ann", "solo"),
            settings: Settings::default(),
            columns: 80,
            rows: 24,
            at: UnixMillis(1),
        }
    }

    #[test]
    fn a_full_recording_stops_and_stays_playable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full");
        let mut recorder = Recorder::bounded(&path, 1_000).unwrap();
        recorder.start(&header());
        for moment in 0..1_000 {
            recorder.record(UnixMillis(moment), &Event::Timer);
        }
        assert_eq!(recorder.stopped(), Some("it has reached its limit of 1000 bytes"));
        assert!(fs::metadata(&path).unwrap().len() <= 1_000);
        let recording = read(&path).unwrap();
        assert!(
            recording.cut_off && (5..100).contains(&recording.events.len()),
            "{}",
            recording.events.len()
        );
    }

    #[test]
    fn a_full_disk_stops_the_recording_with_a_reason() {
        let mut recorder = Recorder {
            file: BoundedFile {
                file: OpenOptions::new().write(true).open("/dev/full").unwrap(),
                written_bytes: 0,
                max_bytes: MAX_BYTES,
            },
            stopped: None,
        };
        recorder.start(&header());
        assert!(recorder.stopped().unwrap().contains("No space left"));
    }

    #[test]
    fn an_existing_file_is_unchanged_and_a_new_one_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session");
        Recorder::create(&path).unwrap().start(&header());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let error = Recorder::create(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(read(&path).unwrap().events.is_empty());
    }
}
