//! Checks the configuration file: any input is rejected with a position, or is in bounds and writes back unchanged.

#![allow(clippy::expect_used, clippy::panic, reason = "a check fails by a panic")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::app::commands::key::Key;
use crate::cli::args::Options;
use crate::cli::config::file::{self, Content};
use crate::cli::config::{Config, ServerChoice, UserEnvironment, is_player_name};
use crate::ui::Markers;

/// Parses `data` as a configuration file.
///
/// # Panics
///
/// If a value out of bounds is accepted, or a value changes when written and read again.
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
    let around = UserEnvironment {
        config_dir: nowhere.to_owned(),
        data_dir: nowhere.to_owned(),
        system_user: None,
        no_color: false,
        dumb: false,
        markers: Markers::default(),
    };
    // The data directory is not read here.
    let options = Options {
        data_dir: None,
        ..content.options
    };
    match Config::check(&options, &around) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(config) => {
            assert!(is_player_name(&config.player), "{:?}", config.player);
            if let ServerChoice::Solo(rules) = config.server {
                assert!(casino_server::TICK.contains(&rules.tick));
                assert!(rules.initial_price.is_none_or(|price| price >= 1));
                assert!(rules.house <= casino_server::BOTS_MAX);
            }
        }
    }
}

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
