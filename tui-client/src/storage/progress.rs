//! The player's achievements, and the ends of orders that were shown, in files of the data folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::replace::replace_file;
use crate::app::portfolio::achievements::Achievement;
use crate::app::portfolio::open_orders::SeenEnd;

/// File in the data folder with the achievements, one a line.
const FILE_NAME: &str = "achievements";

/// File in the data folder with the newest end of a resting order that was shown, a line for each player and casino.
const ORDERS_FILE: &str = "orders-shown";

/// Largest file that is read: many times all achievements.
const MAX_FILE_BYTES: u64 = 64 * 1024;

pub(crate) fn achievements(data_dir: &Path) -> Vec<Achievement> {
    rows(&data_dir.join(FILE_NAME))
}

/// Returns the rows of a file, none without a readable file. Lines of a newer version are ignored.
fn rows<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let mut text = String::new();
    let file = File::open(path);
    let _ = file.and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
    let lines = text.lines();
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

pub(crate) fn add_achievement(data_dir: &Path, earned: Achievement) -> io::Result<()> {
    let mut line = serde_json::to_vec(&earned)?;
    line.push(b'\n');
    let path = data_dir.join(FILE_NAME);
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(&line)
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ShownRow {
    casino: String,
    player: String,
    #[serde(flatten)]
    end: SeenEnd,
}

/// The newest end of a resting order that a player has been shown at a casino.
#[derive(Debug)]
pub struct OrdersShown {
    path: PathBuf,
    casino: String,
    player: String,
    end: Option<SeenEnd>,
}

impl OrdersShown {
    pub(crate) fn read(data_dir: &Path, casino: &str, player: &str) -> Self {
        let mut shown = Self {
            path: data_dir.join(ORDERS_FILE),
            casino: casino.to_owned(),
            player: player.to_owned(),
            end: None,
        };
        let rows = rows(&shown.path);
        shown.end = rows.into_iter().find(|row| shown.is_row(row)).map(|row| row.end);
        shown
    }

    /// Returns the end; `None` before the first game.
    pub(crate) fn end(&self) -> Option<SeenEnd> {
        self.end
    }

    /// Writes it if it has changed. Without a writable data folder, it is kept for this game only.
    pub(crate) fn keep(&mut self, end: SeenEnd) {
        if self.end.replace(end) == Some(end) {
            return;
        }
        let mut rows = rows(&self.path);
        rows.retain(|row| !self.is_row(row));
        rows.push(ShownRow {
            casino: self.casino.clone(),
            player: self.player.clone(),
            end,
        });
        let written = replace_file(&self.path, |out| {
            rows.iter().try_for_each(|row| {
                serde_json::to_writer(&mut *out, row)?;
                writeln!(out)
            })
        });
        if let Err(error) = written {
            tracing::warn!(%error, "cannot store which orders were shown");
        }
    }

    fn is_row(&self, row: &ShownRow) -> bool {
        row.casino == self.casino && row.player == self.player
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::app::portfolio::money::UnixMillis;

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

    #[test]
    fn the_end_shown_is_kept_for_each_player_and_casino() {
        let folder = tempfile::tempdir().unwrap();
        let read = |casino: &str, player: &str| OrdersShown::read(folder.path(), casino, player);
        let end = |number| SeenEnd {
            number,
            at: UnixMillis(number * 1_000),
        };
        assert_eq!(read("solo", "ann").end(), None);
        for (casino, player, number) in [("solo", "ann", 1), ("solo", "bob", 2), ("localhost:1", "ann", 3)] {
            read(casino, player).keep(end(number));
        }
        read("solo", "ann").keep(end(7));
        for (casino, player, number) in [("solo", "ann", 7), ("solo", "bob", 2), ("localhost:1", "ann", 3)] {
            assert_eq!(read(casino, player).end(), Some(end(number)), "{player} {casino}");
        }
        let path = folder.path().join(ORDERS_FILE);
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        read("solo", "bob").keep(end(2));
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
        // Not writable: kept for the game.
        let mut lost = OrdersShown::read(&folder.path().join("missing"), "solo", "ann");
        lost.keep(end(1));
        assert_eq!(lost.end(), Some(end(1)));
    }
}
