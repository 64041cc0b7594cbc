//! Files of the player: keys, recordings, casts, log, progress.

pub mod asciicast;
pub(crate) mod keyring;
pub(crate) mod leftovers;
pub mod live_cast;
pub mod log_file;
pub(crate) mod progress;
pub mod recording;
pub(crate) mod replace;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A file of limited length, written in whole lines: a write that fails is undone.
#[derive(Debug)]
pub(crate) struct BoundedFile {
    file: File,
    written_bytes: u64,
    max_bytes: u64,
}

impl BoundedFile {
    /// Creates a file that the player alone can read. Fails if it exists.
    pub(crate) fn create(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        Ok(Self {
            file: options.write(true).create_new(true).mode(0o600).open(path)?,
            written_bytes: 0,
            max_bytes,
        })
    }

    /// Returns the length after `more` bytes, or an error if that is too long.
    fn length_with(&self, more: usize) -> io::Result<u64> {
        let after = u64::try_from(more)
            .ok()
            .and_then(|more| self.written_bytes.checked_add(more));
        let limit = self.max_bytes;
        let full = || io::Error::other(format!("it has reached its limit of {limit} bytes"));
        after.filter(|after| *after <= limit).ok_or_else(full)
    }
}

impl Write for BoundedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let after = self.length_with(bytes.len())?;
        if let Err(error) = self.file.write_all(bytes) {
            // The first error is the one to report.
            let _ = self.file.set_len(self.written_bytes);
            return Err(error);
        }
        self.written_bytes = after;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a text, which must have at most `max_bytes`.
pub(crate) fn read_bounded(source: impl Read, max_bytes: u64) -> io::Result<String> {
    let mut source = source.take(max_bytes.saturating_add(1));
    let text = io::read_to_string(&mut source);
    // Checked first: a text that is cut in a character is not UTF-8.
    if source.limit() == 0 {
        let rule = format!("must have at most {max_bytes} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, rule));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_a_length_and_is_utf_8() {
        assert_eq!(read_bounded("株a".as_bytes(), 4).unwrap(), "株a");
        for (source, limit, kind) in [
            ("株a".as_bytes(), 3, io::ErrorKind::FileTooLarge),
            // The limit is inside a character.
            ("a株".as_bytes(), 2, io::ErrorKind::FileTooLarge),
            (b"a\xff", 2, io::ErrorKind::InvalidData),
        ] {
            assert_eq!(read_bounded(source, limit).unwrap_err().kind(), kind);
        }
    }
}
