//! The player's name: which names there are, and which one is meant where none is given.
//!
//! Owns the rule for names and the small file that remembers the last one.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use color_eyre::eyre::Result;

use super::bad;

/// The file in the data folder that holds the last name used.
const FILE_NAME: &str = "player";

/// Characters a name may have.
const MAX_NAME_CHARS: usize = 32;

/// Bytes of the file that are read: a name of the longest letters, and its line end.
const MAX_FILE_BYTES: u64 = 256;

/// The name where the system has none that will do.
const NOBODY: &str = "player";

/// Whether the rules take `name`: 1 to 32 letters, digits and `_ - .`.
#[must_use]
pub fn is_player_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && name.chars().all(is_name_char)
}

fn is_name_char(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-' | '.')
}

/// The name that was given, else the last one used, else the system user's, made valid.
pub(super) fn choose(given: Option<&str>, data_dir: &Path, system_user: Option<&str>) -> Result<String> {
    match given {
        Some(name) if is_player_name(name) => Ok(name.to_owned()),
        Some(name) => Err(bad("user", "must be 1 to 32 letters, digits or _ - .", name)),
        None => Ok(recall(data_dir).unwrap_or_else(|| made_valid(system_user.unwrap_or_default()))),
    }
}

/// `name` without what the rules do not take.
fn made_valid(name: &str) -> String {
    let kept: String = name
        .chars()
        .filter(|char| is_name_char(*char))
        .take(MAX_NAME_CHARS)
        .collect();
    if kept.is_empty() { NOBODY.to_owned() } else { kept }
}

/// The last name used, if one was remembered and the rules still take it.
fn recall(data_dir: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(data_dir.join(FILE_NAME))
        .ok()?
        .take(MAX_FILE_BYTES)
        .read_to_string(&mut text)
        .ok()?;
    let name = text.trim_end();
    is_player_name(name).then(|| name.to_owned())
}

/// Remembers the name for the next game.
///
/// # Errors
///
/// When the data folder cannot be made or written to.
pub fn remember_player(data_dir: &Path, name: &str) -> io::Result<()> {
    fs::create_dir_all(data_dir)?;
    fs::write(data_dir.join(FILE_NAME), format!("{name}\n"))
}
