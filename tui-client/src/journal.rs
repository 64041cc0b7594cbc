//! The log: a file, never the screen.
//!
//! Owns where it lies and how large it grows. Two files at most: when the newer one is full it takes the older one's
//! place.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    sync::Mutex,
};

use etcetera::BaseStrategy;
use tracing_subscriber::EnvFilter;

/// Which events are logged, as `tracing_subscriber` reads it: `debug`, `awesomestock=trace`.
const FILTER_VARIABLE: &str = "AWESOMESTOCK_LOG";

/// The newer file's name.
const FILE_NAME: &str = "awesomestock.log";

/// Bytes of one log file.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Starts the log in the user's state folder (`$XDG_STATE_HOME/awesomestock/awesomestock.log`).
///
/// # Errors
///
/// When the file cannot be opened. The game goes on without a log.
pub fn start() -> io::Result<()> {
    let journal = Journal::open(path()?)?;
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(journal))
        .try_init()
        .map_err(io::Error::other)
}

/// Where the log lies.
///
/// # Errors
///
/// When the user has no home folder.
pub fn path() -> io::Result<PathBuf> {
    let folders = etcetera::choose_base_strategy().map_err(io::Error::other)?;
    let state_dir = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Ok(state_dir.join("awesomestock").join(FILE_NAME))
}

/// A log file that makes room for itself.
#[derive(Debug)]
struct Journal {
    path: PathBuf,
    file: File,
    written_bytes: u64,
}

impl Journal {
    fn open(path: PathBuf) -> io::Result<Self> {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let written_bytes = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            written_bytes,
        })
    }

    fn make_room(&mut self) -> io::Result<()> {
        fs::rename(&self.path, self.path.with_extension("old.log"))?;
        self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.written_bytes = 0;
        Ok(())
    }
}

impl Write for Journal {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.written_bytes >= MAX_FILE_BYTES {
            self.make_room()?;
        }
        let written = self.file.write(line)?;
        self.written_bytes = self
            .written_bytes
            .saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_makes_room_and_the_one_before_it_goes() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path().join(FILE_NAME)).unwrap();
        let line = vec![b'x'; 64 * 1024];
        for _ in 0..100 {
            journal.write_all(&line).unwrap();
        }
        let sizes: Vec<u64> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        assert_eq!(sizes.len(), 2);
        assert!(
            sizes.iter().all(|size| (1..=MAX_FILE_BYTES).contains(size)),
            "{sizes:?}"
        );
    }
}
