//! The configuration file, whatever is in it: refused with a line that it has, or within bounds and written as it is
//! read.

#![allow(clippy::expect_used, clippy::panic, reason = "a check fails by a panic")]

use std::{collections::BTreeMap, path::Path};

use super::{
    Config, MAX_HOUSE, Surroundings, TICK_BOUNDS, Table,
    file::{self, Content},
    is_player_name,
};
use crate::{app::key::Key, cli::Options, ui::Markers};

/// Reads `data` as a configuration file.
///
/// # Panics
///
/// When a value out of bounds is taken, or what is read cannot be written and read again.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let content = match file::parse(&text) {
        Ok(content) => content,
        Err(misplaced) => {
            assert!(
                misplaced.at <= text.len() && !misplaced.why.is_empty(),
                "{misplaced:?}"
            );
            return;
        }
    };
    check_written(&content);
    let nowhere = Path::new("/nonexistent/awesomestock");
    let around = Surroundings {
        config_dir: nowhere.to_owned(),
        data_dir: nowhere.to_owned(),
        system_user: None,
        no_colour: false,
        markers: Markers::default(),
    };
    // A folder to read the last player's name from is not asked for here.
    let options = Options {
        data_dir: None,
        ..content.options
    };
    match Config::check(&options, &around) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(config) => {
            assert!(is_player_name(&config.player), "{:?}", config.player);
            if let Table::Solo(rules) = config.table {
                assert!((TICK_BOUNDS.0..=TICK_BOUNDS.1).contains(&rules.tick));
                assert!(rules.initial_price >= 1 && rules.house <= MAX_HOUSE);
            }
        }
    }
}

/// Written as a file and read again, it says the same.
fn check_written(content: &Content) {
    let mut table = toml::Table::try_from(&content.options).expect("options are a table");
    let keys: BTreeMap<String, Vec<Key>> = content.keys.clone().into();
    let keys = toml::Table::try_from(keys).expect("keys are a table");
    table.insert("keys".to_owned(), keys.into());
    let written = table.to_string();
    let again = file::parse(&written).unwrap_or_else(|why| panic!("{why:?}: {written}"));
    assert_eq!(again.keys, content.keys, "{written}");
    let again = toml::Table::try_from(&again.options).expect("options are a table");
    table.remove("keys");
    assert_eq!(again, table, "{written}");
}
