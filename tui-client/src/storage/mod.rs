//! Files of the player: keys, recordings, log, progress.

pub(crate) mod keyring;
pub(crate) mod leftovers;
pub mod log_file;
pub(crate) mod progress;
pub mod recording;
pub(crate) mod replace;

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Creates a file that the player alone can read. Fails if it exists.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}
