//! Temporary folders of games that were killed.

use std::fs::{self, File};
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Removes the folders `PREFIX`, process ID, and perhaps `-` and more, in `folder`, whose process is gone and whose files
/// are not locked. A folder that cannot be removed only takes space.
pub(crate) fn remove_leftovers(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(prefix));
        let id = rest.and_then(|rest| rest.split('-').next()?.parse().ok());
        let is_gone = |id| test_kill_process(id) == Err(Errno::SRCH);
        if id.and_then(Pid::from_raw).is_some_and(is_gone) && !is_in_use(&entry.path()) {
            tracing::info!(folder = %entry.path().display(), "removing the folder of a killed game");
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns whether a file in the folder is locked, for example by a process in another container.
pub(crate) fn is_in_use(folder: &Path) -> bool {
    let mut files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.any(|file| File::open(file.path()).is_ok_and(|file| file.try_lock().is_err()))
}

#[cfg(test)]
mod tests {
    use std::process::{self, Command};

    use super::*;

    #[test]
    fn only_folders_of_processes_that_are_gone_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("true").spawn().unwrap();
        let gone = child.id();
        child.wait().unwrap();
        let make = |name: String| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("solo.db"), "ledger").unwrap();
            path
        };
        let own = make(format!("game-{}", process::id()));
        let [left, named] = [make(format!("game-{gone}")), make(format!("game-{gone}-Ab1"))];
        let locked = make(format!("game-{gone}-x"));
        let other = make("game-kept".to_owned());
        let lock = File::open(locked.join("solo.db")).unwrap();
        lock.lock().unwrap();
        remove_leftovers(folder.path(), "game-");
        assert_eq!([&left, &named].map(|path| path.exists()), [false; 2]);
        assert_eq!([&own, &locked, &other].map(|path| path.exists()), [true; 3]);
        drop(lock);
        remove_leftovers(folder.path(), "game-");
        assert!(!locked.exists());
        remove_leftovers(&other.join("missing"), "game-");
    }
}
