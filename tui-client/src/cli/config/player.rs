//! The player name: its rule, its default, and the file with the last name.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::Result;
use awesomestock_proto::player::{self, MAX_NAME_CHARS};

use super::option_error;
use crate::storage::read_bounded;

/// File in the data folder with the last name.
const FILE_NAME: &str = "player";

/// Largest file that is read: the longest name and a line end.
const MAX_FILE_BYTES: u64 = 256;

/// Name if the system's user name has no valid character.
const DEFAULT_NAME: &str = "player";

/// Checks a name: 1 to 32 letters, digits and `_ - .`. Names that were valid under an older rule pass too, as
/// the server decides.
pub fn is_player_name(name: &str) -> bool {
    player::normalize(name).is_ok() || player::check_stored(name).is_ok()
}

/// Returns the given name, the last name, or the system's user name made valid.
pub(super) fn choose(given: Option<&str>, data_dir: &Path, system_user: Option<&str>) -> Result<String> {
    match given {
        Some(name) if is_player_name(name) => Ok(name.to_owned()),
        Some(name) => Err(option_error(
            "user",
            "must be 1 to 32 letters, digits or _ - .",
            name,
        )),
        None => Ok(recall(data_dir).unwrap_or_else(|| sanitize_name(system_user.unwrap_or_default()))),
    }
}

fn sanitize_name(name: &str) -> String {
    let kept: String = name
        .chars()
        .filter(|char| player::normalize(char.encode_utf8(&mut [0; 4])).is_ok())
        .take(MAX_NAME_CHARS)
        .collect();
    if kept.is_empty() {
        DEFAULT_NAME.to_owned()
    } else {
        kept
    }
}

/// Returns the last name, if it is still valid.
fn recall(data_dir: &Path) -> Option<String> {
    let file = File::open(data_dir.join(FILE_NAME)).ok()?;
    let text = read_bounded(file, MAX_FILE_BYTES).ok()?;
    let name = text.trim_end();
    is_player_name(name).then(|| name.to_owned())
}

/// Stores the name for the next game. Fails if the data folder cannot be created or written.
pub fn remember_player(data_dir: &Path, name: &str) -> io::Result<()> {
    fs::create_dir_all(data_dir)?;
    fs::write(data_dir.join(FILE_NAME), format!("{name}\n"))
}

/// Returns whether a game on the screen was played with the data folder.
pub fn has_played(data_dir: &Path) -> bool {
    data_dir.join(FILE_NAME).exists()
}
