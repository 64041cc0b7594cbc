//! The configuration file.
//!
//! Owns where it lies and how its errors read. What its values may be is the parent's to say.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use color_eyre::eyre::{Result, WrapErr, eyre};
use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::keys::{self, Misplaced};
use crate::{app::keymap::Keymap, cli::Options};

/// The file's name in the configuration folder.
const FILE_NAME: &str = "config.toml";

/// The table that is for the file alone.
const KEYS: &str = "keys";

/// Bytes a configuration file may have: far more than all options with comments.
const MAX_BYTES: u64 = 64 * 1024;

/// The file at `given`, or the one in `config_dir`.
pub(super) fn path(given: Option<&Path>, config_dir: &Path) -> PathBuf {
    given.map_or_else(|| config_dir.join(FILE_NAME), Path::to_owned)
}

/// What a configuration file says.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// The options, as one layer of them.
    pub(super) options: Options,
    /// Which keys do what.
    pub(super) keys: Keymap,
}

/// Reads the file at `given`, or the one in `config_dir`, which need not exist; and says which one it was.
pub(super) fn read(given: Option<&Path>, config_dir: &Path) -> Result<(Content, PathBuf)> {
    let path = path(given, config_dir);
    let text = match read_bounded(&path) {
        Ok(text) => text,
        Err(error) if given.is_none() && error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error)
                .wrap_err_with(|| format!("cannot read the configuration file {}", path.display()));
        }
    };
    match parse(&text) {
        Ok(content) => Ok((content, path)),
        Err(Misplaced { at, why }) => Err(eyre!("{} line {}: {why}", path.display(), line_of(&text, at))),
    }
}

/// Understands the text of a configuration file.
pub(super) fn parse(text: &str) -> Result<Content, Misplaced> {
    let misplaced = |error: toml::de::Error| Misplaced {
        at: error.span().map_or(0, |span| span.start),
        why: error.message().to_owned(),
    };
    let mut table = DeTable::parse(text).map_err(misplaced)?;
    let keys = match table.get_mut().remove(KEYS) {
        None => Keymap::default(),
        Some(value) => keys::read(&value, |at| line_of(text, at))?,
    };
    let options = Options::deserialize(Deserializer::from(table)).map_err(misplaced)?;
    Ok(Content { options, keys })
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?
        .take(MAX_BYTES.saturating_add(1))
        .read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_BYTES) {
        Ok(text)
    } else {
        Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {MAX_BYTES} bytes"),
        ))
    }
}

/// The number of the line that holds byte `at`, 1 for the first.
fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().iter().take(at);
    before.filter(|byte| **byte == b'\n').count().saturating_add(1)
}
