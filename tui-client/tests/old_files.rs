//! A recording, a configuration and a key file written by commit 5fedfd6 are still read.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use awesomestock::app::Event;
use awesomestock::app::commands::action::Action;
use awesomestock::app::overlay::screen::ClickAction;
use awesomestock::storage::recording::read;
use awesomestock::ui::screens::summary::summary;
use support::Home;

fn old_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/old_files")
        .join(name)
}

#[test]
fn an_old_recording_ends_with_the_same_summary() {
    let recording = read(&old_file("session.jsonl")).unwrap();
    let lines: Vec<String> = summary(&recording.end())
        .iter()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "AwesomeStock anna @ solo",
            "played 14 s",
            "trades 3; sale: 1 at 10, no gain",
            "P&L = 0 tokens, 0.0 %; buy and hold 0.0 %",
            "wallet 450 tokens, 5 stocks: 50 tokens at 10",
        ]
    );
}

/// Up to format 4, each part of a frame was an event of its own.
#[test]
fn the_frames_of_an_old_recording_are_replayed() {
    let recording = read(&old_file("session.jsonl")).unwrap();
    let changes = recording.events.iter().filter_map(|(_, event)| match event {
        Event::Rendered(change) => Some(change),
        _ => None,
    });
    let reaches: Vec<usize> = changes.clone().filter_map(|change| change.reach).collect();
    let buttons: Vec<usize> = changes
        .clone()
        .filter_map(|change| change.buttons.as_ref().map(Vec::len))
        .collect();
    let widths: Vec<u16> = changes
        .clone()
        .filter_map(|change| change.hit_map.as_ref().map(|hit_map| hit_map.area.width))
        .collect();
    assert_eq!(reaches, [23, 0]);
    assert_eq!(buttons, [14, 2, 14, 1, 14, 5, 12]);
    assert_eq!(widths, [68, 67, 51]);
    assert_eq!(changes.count(), 12, "one part each");
    let end = recording.end();
    assert_eq!((end.screen.reach, end.screen.visible), (0, 0));
    assert_eq!(end.chart.hit_map.area.width, 51);
    assert_eq!(end.screen.clicked(62, 15), Some(ClickAction::Act(Action::Buy)));
}

#[test]
fn an_old_configuration_is_still_valid() {
    let home = Home::new();
    fs::copy(old_file("config.toml"), home.config_file()).unwrap();
    let text = home.output_lines(&[], "gamble\nstop\nexit\n").join("\n");
    assert!(text.contains("AwesomeStock - current stock price: 37"), "{text}");
    let trades = home.game(["trades", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8(trades.stdout).unwrap().trim(), "[]");
    assert_eq!(
        fs::read_to_string(home.path().join("data/awesomestock/player"))
            .unwrap()
            .trim(),
        "bert"
    );
}

#[test]
fn an_old_key_file_still_has_its_keys() {
    let home = Home::new();
    let keys = home.config_file().with_file_name("keys");
    fs::create_dir_all(&keys).unwrap();
    let file = keys.join("keys.toml");
    fs::copy(old_file("keys.toml"), &file).unwrap();
    // Key files must be private.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    for (player, key) in [
        ("ann", "mt0eLoxHbueknXGLFJGo9j3L5CBvPjhHtbjvqdyGKD4"),
        ("bob", "zn_tTWrjg3Y_L_PxlgZpJ9dJ9cGYOogvoThtR1DCN0o"),
    ] {
        let command = [
            "key",
            "export",
            "--casino",
            "http://localhost:17171",
            "--user",
            player,
        ];
        let output = home.game(command).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), key);
    }
}
