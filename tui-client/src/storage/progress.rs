//! What a player has seen and earned, by the files in the data folder.

use std::{fs, io, path::Path};

/// Returns whether nobody has played with the data folder: it is missing or empty. Every game leaves a file there.
pub(crate) fn is_unused(data_dir: &Path) -> bool {
    match fs::read_dir(data_dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
