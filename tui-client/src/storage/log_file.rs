//! The log file. At its size limit it replaces the previous one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use awesomestock_proto::command_line;
use etcetera::BaseStrategy;
use tracing_subscriber::EnvFilter;

/// Log filter in the syntax of `tracing_subscriber`, such as `debug` or `awesomestock=trace,h2=warn`.
const FILTER_VARIABLE: &str = "AWESOMESTOCK_LOG";

const FILE_NAME: &str = "awesomestock.log";

/// Size at which the log is rotated, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Returns the filter of `AWESOMESTOCK_LOG`; the default is `info`. Fails if it is invalid.
pub fn filter() -> Result<EnvFilter, String> {
    command_line::log_filter_of(FILTER_VARIABLE, "awesomestock")
}

/// Starts logging to `$XDG_STATE_HOME/awesomestock/awesomestock.log`. Fails if the file cannot be opened. The game runs
/// without a log then.
pub fn start(filter: EnvFilter) -> io::Result<()> {
    let log = RotatingLog::open(path()?)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(log))
        .try_init()
        .map_err(io::Error::other)
}

/// Returns the path of the log. Fails if there is no home directory.
pub fn path() -> io::Result<PathBuf> {
    let folders = etcetera::choose_base_strategy().map_err(io::Error::other)?;
    let state_dir = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Ok(state_dir.join("awesomestock").join(FILE_NAME))
}

#[derive(Debug)]
struct RotatingLog {
    path: PathBuf,
    file: File,
    written_bytes: u64,
}

impl RotatingLog {
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

    fn rotate(&mut self) -> io::Result<()> {
        fs::rename(&self.path, self.path.with_extension("old.log"))?;
        self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.written_bytes = 0;
        Ok(())
    }
}

impl Write for RotatingLog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.written_bytes >= MAX_FILE_BYTES {
            self.rotate()?;
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
    fn a_full_file_is_rotated_and_the_previous_one_removed() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = RotatingLog::open(dir.path().join(FILE_NAME)).unwrap();
        let line = vec![b'x'; 64 * 1024];
        for _ in 0..100 {
            log.write_all(&line).unwrap();
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
