//! The log file: preallocated, so that a commit changes only data.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use super::header::WalHeader;
use crate::config::environment::{Disk, Environment};

/// One page at a time: some systems rewrite all pages that were written together when one of them changes.
const FILL: [u8; 1 << 12] = [0; 1 << 12];

#[derive(Debug)]
pub(super) struct WalFile {
    file: File,
    pub(super) disk: Arc<dyn Disk>,
    /// Current file offset.
    offset: u64,
}

impl WalFile {
    /// Opens the log at `path` and preallocates it durably.
    pub(super) fn open(path: &Path, environment: &Environment) -> io::Result<Self> {
        let length = environment.log_bytes;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        let mut length_so_far = file.seek(SeekFrom::End(0))?;
        if length_so_far < length {
            while length_so_far < length {
                let missing = usize::try_from(length.saturating_sub(length_so_far)).unwrap_or(usize::MAX);
                let fill = FILL.get(..missing).unwrap_or(&FILL);
                file.write_all(fill)?;
                length_so_far = length_so_far.saturating_add(u64::try_from(fill.len()).unwrap_or(length));
            }
            file.sync_all()?;
            sync_folder(path)?;
        }
        Ok(Self {
            file,
            disk: Arc::clone(&environment.disk),
            offset: length_so_far,
        })
    }

    /// Writes and syncs the header.
    pub(super) fn write_header(&mut self, header: WalHeader) -> io::Result<()> {
        self.write(0, &header.to_bytes())
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Writes and syncs `frame` at `position`.
    pub(super) fn write(&mut self, offset: u64, frame: &[u8]) -> io::Result<()> {
        if self.offset != offset {
            self.file.seek(SeekFrom::Start(offset))?;
        }
        self.disk.write(&mut self.file, frame)?;
        self.offset = offset.saturating_add(u64::try_from(frame.len()).unwrap_or(u64::MAX));
        self.disk.sync(&self.file)
    }
}

/// Makes the directory entry of a new file durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::wal::frame::{self, FrameId};
    use crate::store::wal::recovery::after;
    use crate::store::{Batch, WalPosition};
    use crate::testkit::values;

    const LENGTH: u64 = 200_000;

    fn open(path: &Path) -> WalFile {
        let environment = Environment {
            log_bytes: LENGTH,
            ..Environment::default()
        };
        WalFile::open(path, &environment).unwrap()
    }

    fn batch(number: i64) -> Batch {
        let tick = values::tick(number, 1, number);
        Batch {
            ticks: vec![tick; 10],
            ..Batch::default()
        }
    }

    fn recovered(path: &Path, position: WalPosition) -> Vec<Batch> {
        after(&std::fs::read(path).unwrap(), position).unwrap()
    }

    fn write(log: &mut WalFile, offset: u64, id: FrameId) -> u64 {
        let mut bytes = Vec::new();
        frame::write(id, &batch(id.batch.cast_signed()), &mut bytes).unwrap();
        log.write(offset, &bytes).unwrap();
        offset + u64::try_from(bytes.len()).unwrap()
    }

    #[test]
    fn the_file_keeps_its_initial_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for _ in 0..2 {
            let mut log = open(&path);
            assert_eq!(std::fs::metadata(&path).unwrap().len(), LENGTH);
            log.write(0, b"abc").unwrap();
        }
    }

    #[test]
    fn frames_after_the_position_are_found_also_around_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = open(&path);
        let id = |batch| FrameId { epoch: 1, batch };
        let offset = write(&mut log, LENGTH - 500, id(1));
        let offset = write(&mut log, offset, id(2));
        write(&mut log, 0, id(3));
        // Neither follows: one is older, one is of another epoch.
        write(&mut log, 1_000, id(2));
        write(&mut log, offset, FrameId { epoch: 0, batch: 4 });
        let position = WalPosition {
            epoch: 1,
            batch: 0,
            offset: LENGTH - 500,
            closed: None,
        };
        assert_eq!(recovered(&path, position), [batch(1), batch(2), batch(3)]);
        assert_eq!(recovered(&path, WalPosition { epoch: 2, ..position }), []);
        assert_eq!(
            recovered(
                &path,
                WalPosition {
                    batch: 3,
                    offset: 700,
                    ..position
                }
            ),
            []
        );
    }

    #[test]
    fn a_torn_frame_ends_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = open(&path);
        let second = write(&mut log, 0, FrameId { epoch: 1, batch: 1 });
        let end = write(&mut log, second, FrameId { epoch: 1, batch: 2 });
        let position = WalPosition {
            epoch: 1,
            batch: 0,
            offset: 0,
            closed: None,
        };
        let mut whole = Vec::new();
        frame::write(FrameId { epoch: 1, batch: 2 }, &batch(2), &mut whole).unwrap();
        for cut in second + 1..end {
            let other = whole[usize::try_from(cut - second).unwrap()] ^ 0x55;
            log.write(cut, &[other]).unwrap();
            assert_eq!(recovered(&path, position), [batch(1)], "{cut}");
            write(&mut log, second, FrameId { epoch: 1, batch: 2 });
        }
        OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(second + 30)
            .unwrap();
        assert_eq!(recovered(&path, position), [batch(1)], "the file was cut");
    }
}
