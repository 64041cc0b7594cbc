//! Reads the configuration file; errors include the line.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use awesomestock_proto::command_line::shown_path;
use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::keys::{self, KeyError};
use crate::app::commands::keymap::Keymap;
use crate::cli::args::Options;
use crate::storage::read_bounded;

pub(super) const FILE_NAME: &str = "config.toml";

/// Table of key bindings, which exists in the file only.
const KEYS: &str = "keys";

/// Largest accepted file, far more than all options with comments.
const MAX_BYTES: u64 = 64 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) options: Options,
    pub(crate) keys: Keymap,
}

/// Reads the file, which may be missing if it is the default one.
pub(super) fn read(path: &Path, is_default: bool) -> Result<Content> {
    let text = match File::open(path).and_then(|file| read_bounded(file, MAX_BYTES)) {
        Err(error) if is_default && error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.with_context(|| format!("cannot read the configuration file {}", shown_path(path)))?,
    };
    parse(&text)
        .map_err(|KeyError { at, why }| anyhow!("{} line {}: {why}", path.display(), line_of(&text, at)))
}

pub(crate) fn parse(text: &str) -> Result<Content, KeyError> {
    let misplaced = |error: toml::de::Error| KeyError {
        at: error.span().map_or(0, |span| span.start),
        why: expected_type(error.message()),
    };
    let mut table = DeTable::parse(text).map_err(misplaced)?;
    let keys = match table.get_mut().remove(KEYS) {
        None => Keymap::default(),
        Some(value) => keys::read(&value, |at| line_of(text, at))?,
    };
    let options = Options::deserialize(Deserializer::from(table)).map_err(misplaced)?;
    Ok(Content { options, keys })
}

/// Returns the expected type alone: the value of another type may be a secret in the wrong place.
fn expected_type(message: &str) -> String {
    let found = message.strip_prefix("invalid type: ");
    match found.and_then(|found| found.rsplit_once(", expected ")) {
        Some((_, "i64")) => "expected a whole number".to_owned(),
        Some((_, expected)) => format!("expected {expected}"),
        None => message.to_owned(),
    }
}

/// Returns the line number of byte `at`, from 1.
fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().iter().take(at);
    before.filter(|byte| **byte == b'\n').count().saturating_add(1)
}
