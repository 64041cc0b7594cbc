//! What a player has seen and earned, by the files in the data folder.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use crate::app::portfolio::achievements::Achievement;

/// File in the data folder with the achievements, one a line.
const FILE_NAME: &str = "achievements";

/// Largest file that is read: many times all achievements.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Returns whether nobody has played with the data folder: it is missing or empty. Every game leaves a file there.
pub(crate) fn is_unused(data_dir: &Path) -> bool {
    match fs::read_dir(data_dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Returns the achievements of earlier games. Lines of a newer version are ignored.
pub(crate) fn achievements(data_dir: &Path) -> Vec<Achievement> {
    let mut text = String::new();
    let file = File::open(data_dir.join(FILE_NAME));
    // Without a readable file there are none.
    let _ = file.and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
    let lines = text.lines();
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Adds achievements to the file.
pub(crate) fn add_achievements(data_dir: &Path, earned: &[Achievement]) -> io::Result<()> {
    if earned.is_empty() {
        return Ok(());
    }
    let mut lines = Vec::new();
    for achievement in earned {
        serde_json::to_writer(&mut lines, achievement)?;
        lines.push(b'\n');
    }
    let path = data_dir.join(FILE_NAME);
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn achievements_are_kept_in_order_beside_unknown_lines() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(achievements(folder.path()), []);
        add_achievements(folder.path(), &[]).unwrap();
        assert!(is_unused(folder.path()), "nothing to keep, no file");
        add_achievements(folder.path(), &[Achievement::AllIn]).unwrap();
        let path = folder.path().join(FILE_NAME);
        fs::write(&path, "\"all-in\"\n\"of-a-newer-version\"\ntorn\n").unwrap();
        add_achievements(folder.path(), &[Achievement::Doubled]).unwrap();
        assert_eq!(
            achievements(folder.path()),
            [Achievement::AllIn, Achievement::Doubled]
        );
        assert!(fs::read_to_string(&path).unwrap().contains("newer"));
        assert!(add_achievements(&folder.path().join("missing"), &[Achievement::AllIn]).is_err());
    }

    #[test]
    fn only_a_missing_or_empty_folder_is_unused() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("data");
        assert!(is_unused(&folder));
        fs::create_dir(&folder).unwrap();
        assert!(is_unused(&folder));
        let file = folder.join("solo.db");
        fs::write(&file, "").unwrap();
        assert!(!is_unused(&folder));
        assert!(!is_unused(&file), "not a folder");
    }
}
