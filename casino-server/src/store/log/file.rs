//! The log's file: of a fixed length, written beforehand, so that a commit changes bytes and nothing else of it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

use super::{
    LogError,
    frame::{self, HEADER, Stamp},
};
use crate::{
    store::{Batch, Mark},
    surroundings::{Disk, Surroundings},
};

/// Bytes that are written at once to give the file its length: a page. Of pages that were written together some systems
/// write all again when one has changed, and a small commit would pay for that.
const FILL: [u8; 1 << 12] = [0; 1 << 12];

/// An open log.
#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    disk: Arc<dyn Disk>,
    /// Where the next write goes without being told.
    position: u64,
}

impl LogFile {
    /// Opens the log at `path`, and gives it its length: what is missing is written and on disk when this returns, so
    /// that no commit has to wait for it.
    pub(super) fn open(path: &Path, surroundings: &Surroundings) -> io::Result<Self> {
        let length = surroundings.log_bytes;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        let mut written = file.seek(SeekFrom::End(0))?;
        if written < length {
            while written < length {
                let rest = usize::try_from(length.saturating_sub(written)).unwrap_or(usize::MAX);
                let fill = FILL.get(..rest.min(FILL.len())).unwrap_or(&FILL);
                file.write_all(fill)?;
                written = written.saturating_add(u64::try_from(fill.len()).unwrap_or(length));
            }
            file.sync_all()?;
            sync_folder(path)?;
        }
        Ok(Self {
            file,
            disk: Arc::clone(&surroundings.disk),
            position: written,
        })
    }

    /// Opens the log at `path` to read it; it has to be there.
    pub(super) fn look(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            disk: Surroundings::default().disk,
            position: 0,
        })
    }

    /// Writes `frame` from `position` on; it is on disk when this returns `Ok`.
    pub(super) fn write(&mut self, position: u64, frame: &[u8]) -> io::Result<()> {
        if self.position != position {
            self.file.seek(SeekFrom::Start(position))?;
        }
        self.disk.write(&mut self.file, frame)?;
        self.position = position.saturating_add(u64::try_from(frame.len()).unwrap_or(u64::MAX));
        self.disk.sync(&self.file)
    }

    /// The batches that were written after `mark`, in their order: up to one that is not whole, which nobody was told
    /// of.
    pub(super) fn after(&mut self, mark: Mark) -> Result<Vec<Batch>, LogError> {
        let mut batches = Vec::new();
        let (mut stamp, mut position) = (
            Stamp {
                epoch: mark.epoch,
                batch: mark.batch,
            },
            mark.position,
        );
        loop {
            stamp.batch = stamp.batch.saturating_add(1);
            let next = match self.read(position, stamp)? {
                Some(read) => Some(read),
                None => self.read(0, stamp)?,
            };
            let Some((batch, end)) = next else {
                return Ok(batches);
            };
            batches.push(batch);
            position = end;
        }
    }

    /// The batch of `stamp` and where it ends, if it lies whole at `position`.
    fn read(&mut self, position: u64, stamp: Stamp) -> Result<Option<(Batch, u64)>, LogError> {
        self.file.seek(SeekFrom::Start(position))?;
        let mut bytes = Vec::new();
        if !self.read_on(HEADER, &mut bytes)? {
            return Ok(None);
        }
        let Some(header) = frame::header(&bytes, stamp) else {
            return Ok(None);
        };
        if !self.read_on(header.length, &mut bytes)? {
            return Ok(None);
        }
        let end = position.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let batch = frame::read(header, &bytes)?;
        Ok(batch.map(|batch| (batch, end)))
    }

    /// Reads so many `more` bytes; says whether they were there.
    fn read_on(&mut self, more: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        self.position = u64::MAX;
        let limit = u64::try_from(more).unwrap_or(u64::MAX);
        Ok((&self.file).take(limit).read_to_end(bytes)? == more)
    }
}

/// Has the folder's entry of a new file on disk too.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Elsewhere a folder is no file, and its entries are the system's business.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        market::Tick,
        quantity::{Price, UnixMillis},
    };

    const LENGTH: u64 = 200_000;

    fn open(path: &Path) -> LogFile {
        let surroundings = Surroundings {
            log_bytes: LENGTH,
            ..Surroundings::default()
        };
        LogFile::open(path, &surroundings).unwrap()
    }

    fn batch(number: i64) -> Batch {
        let tick = Tick {
            number,
            price: Price::MIN,
            at: UnixMillis(number),
        };
        Batch {
            ticks: vec![tick; 10],
            ..Batch::default()
        }
    }

    fn write(log: &mut LogFile, position: u64, stamp: Stamp) -> u64 {
        let mut bytes = Vec::new();
        frame::write(stamp, &batch(stamp.batch.cast_signed()), &mut bytes).unwrap();
        log.write(position, &bytes).unwrap();
        position + u64::try_from(bytes.len()).unwrap()
    }

    #[test]
    fn it_has_its_length_from_the_beginning_and_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for _ in 0..2 {
            let mut log = open(&path);
            assert_eq!(std::fs::metadata(&path).unwrap().len(), LENGTH);
            log.write(0, b"abc").unwrap();
        }
    }

    #[test]
    fn what_was_written_after_the_mark_is_found_around_the_end_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(&folder.path().join("log"));
        let stamp = |batch| Stamp { epoch: 1, batch };
        let position = write(&mut log, LENGTH - 500, stamp(1));
        let position = write(&mut log, position, stamp(2));
        write(&mut log, 0, stamp(3));
        // Older, and left of an earlier time: they do not follow.
        write(&mut log, 1_000, stamp(2));
        write(&mut log, position, Stamp { epoch: 0, batch: 4 });
        let mark = Mark {
            epoch: 1,
            batch: 0,
            position: LENGTH - 500,
        };
        assert_eq!(log.after(mark).unwrap(), [batch(1), batch(2), batch(3)]);
        assert_eq!(log.after(Mark { epoch: 2, ..mark }).unwrap(), []);
        assert_eq!(
            log.after(Mark {
                batch: 3,
                position: 700,
                ..mark
            })
            .unwrap(),
            []
        );
    }

    #[test]
    fn a_batch_that_was_not_written_whole_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = open(&path);
        let second = write(&mut log, 0, Stamp { epoch: 1, batch: 1 });
        let end = write(&mut log, second, Stamp { epoch: 1, batch: 2 });
        let mark = Mark {
            epoch: 1,
            batch: 0,
            position: 0,
        };
        let mut whole = Vec::new();
        frame::write(Stamp { epoch: 1, batch: 2 }, &batch(2), &mut whole).unwrap();
        for cut in second + 1..end {
            let other = whole[usize::try_from(cut - second).unwrap()] ^ 0x55;
            log.write(cut, &[other]).unwrap();
            assert_eq!(log.after(mark).unwrap(), [batch(1)], "{cut}");
            write(&mut log, second, Stamp { epoch: 1, batch: 2 });
        }
        OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(second + 30)
            .unwrap();
        assert_eq!(log.after(mark).unwrap(), [batch(1)], "the file was cut");
    }
}
