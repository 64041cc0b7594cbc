//! What a player has earned, in a file of the data folder.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use crate::app::portfolio::achievements::Achievement;

/// File in the data folder with the achievements, one a line.
const FILE_NAME: &str = "achievements";

/// Largest file that is read: many times all achievements.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Returns the achievements of earlier games. Lines of a newer version are ignored.
pub(crate) fn achievements(data_dir: &Path) -> Vec<Achievement> {
    let mut text = String::new();
    let file = File::open(data_dir.join(FILE_NAME));
    // Without a readable file there are none.
    let _ = file.and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
    let lines = text.lines();
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Adds an achievement to the file.
pub(crate) fn add_achievement(data_dir: &Path, earned: Achievement) -> io::Result<()> {
    let mut line = serde_json::to_vec(&earned)?;
    line.push(b'\n');
    let path = data_dir.join(FILE_NAME);
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(&line)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn achievements_are_kept_in_order_beside_unknown_lines() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(achievements(folder.path()), []);
        let path = folder.path().join(FILE_NAME);
        add_achievement(folder.path(), Achievement::AllIn).unwrap();
        assert_eq!(achievements(folder.path()), [Achievement::AllIn]);
        fs::write(&path, "\"all-in\"\n\"of-a-newer-version\"\ntorn\n").unwrap();
        add_achievement(folder.path(), Achievement::Doubled).unwrap();
        assert_eq!(
            achievements(folder.path()),
            [Achievement::AllIn, Achievement::Doubled]
        );
        assert!(fs::read_to_string(&path).unwrap().contains("newer"));
        assert!(add_achievement(&folder.path().join("missing"), Achievement::AllIn).is_err());
    }
}
