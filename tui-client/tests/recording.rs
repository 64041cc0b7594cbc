//! Sessions recorded by the real binary and played again by it; and files that are no recordings.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use awesomestock::{storage::recording::read, ui::screens::summary::summary};
use support::{
    GAME, Home,
    pty::{self, Terminal},
};

const ENTER: &str = "\r";

/// A recording of nothing but its first line.
const HEADER: &str = r#"{"awesomestock-recording":4,"version":"test","seat":{"player":"ann","table":"solo"},"columns":80,"rows":24,"at":1000}"#;

fn terminal(home: &Home, arguments: &[&str]) -> Terminal {
    Terminal::open(pty::game(home, arguments), 120, 36)
}

/// As the tests' terminal tells lines.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_recorded_game_is_played_again_to_the_same_end() {
    let home = Home::new();
    let file = home.path().join("session.jsonl");
    let file = file.to_str().unwrap();
    let mut game = terminal(&home, &["--user", "anna", "--tick", "1h", "--record", file]);
    game.see("● live");
    game.type_keys(&format!("t100{ENTER}"));
    game.see("tokens 500");
    game.type_keys("4b");
    game.see("✓ BUY 4 at 10");
    game.type_keys("1s");
    game.see("✓ SELL 1 at 10");
    game.resize(100, 30);
    game.see("anna @ solo");
    game.type_keys("q");
    let (ended, left) = game.end();
    assert!(ended.success());

    let tape = read(Path::new(file)).unwrap();
    let words: Vec<String> = summary(&tape.end()).iter().map(|line| squeezed(line)).collect();
    let told: Vec<&str> = left.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(words, told);
    assert_eq!((tape.size, tape.end().screen.size), ((120, 36), (100, 30)));

    let mut replay = terminal(&home, &["replay", file, "--speed", "1000"]);
    for text in [
        "REPLAY end",
        "✓ BUY 4 at 10",
        "✓ SELL 1 at 10",
        "tokens 470",
        "anna @ solo",
    ] {
        replay.see(text);
    }
    replay.type_keys(" \u{1b}[H");
    replay.see("REPLAY || 0:00");
    // What was bought is shown, and not bought again: there is no casino.
    replay.type_keys("b\u{1b}[F");
    replay.see("tokens 470");
    replay.type_keys("q");
    assert!(replay.end().0.success());
}

#[test]
fn what_is_pasted_where_nothing_is_typed_is_not_recorded() {
    let home = Home::new();
    let file = home.path().join("session.jsonl");
    let mut game = terminal(
        &home,
        &[
            "--user",
            "anna",
            "--tick",
            "1h",
            "--record",
            file.to_str().unwrap(),
        ],
    );
    game.see("● live");
    game.type_keys("\u{1b}[200~my-password\u{1b}[201~:\u{1b}[200~balance\u{1b}[201~");
    game.see("balance");
    game.type_keys(ENTER);
    game.see("balance: 0 tokens");
    game.type_keys("q");
    assert!(game.end().0.success());
    let written = fs::read_to_string(&file).unwrap();
    assert!(!written.contains("my-password") && written.contains(r#"{"Paste":"balance"}"#));
    assert!(summary(&read(&file).unwrap().end())[0].contains("anna @ solo"));
}

#[test]
fn a_recording_is_made_of_a_screen_and_into_a_new_file_only() {
    let home = Home::new();
    let there = home.path().join("there");
    fs::write(&there, "somebody's").unwrap();
    let there = there.to_str().unwrap();
    let game = terminal(&home, &["--user", "anna", "--record", there]);
    let (ended, left) = game.end();
    assert_eq!(ended.exit_code(), 1);
    assert!(left.contains("record: cannot create the file"), "{left}");
    assert_eq!(fs::read_to_string(there).unwrap(), "somebody's");

    let plain = home.game(["--record", "new"]).output().unwrap();
    assert_eq!(plain.status.code(), Some(1));
    let beside_a_command = home.game(["--record", "new", "price"]).output().unwrap();
    assert_eq!(beside_a_command.status.code(), Some(2));
    // In the environment it is meant for the games.
    let command = home
        .game(["price"])
        .env("AWESOMESTOCK_RECORD", there)
        .output()
        .unwrap();
    assert_eq!(command.status.code(), Some(0));
}

/// What stands in a file, and why it is refused.
fn no_recordings() -> Vec<(&'static str, String, &'static str)> {
    let woken = r#"{"at":1001,"event":"Woken"}"#;
    let full = r#"{"at":1002,"end":"Full"}"#;
    let newer = HEADER.replace(":4,", ":5,");
    let half = HEADER.replace(r#","rows":24"#, "");
    let line = "line 1: not an AwesomeStock recording";
    vec![
        ("empty", String::new(), line),
        ("text", "hello\nworld\n".to_owned(), line),
        (
            "a cast",
            "{\"version\":2,\"width\":100,\"height\":30}\n".to_owned(),
            line,
        ),
        ("bytes", "\u{0}\u{7f}\u{1b}[2J\n".to_owned(), line),
        ("a header cut off", HEADER.to_owned(), line),
        ("newer", format!("{newer}\n"), "line 1: recorded in format 5"),
        (
            "half a header",
            format!("{half}\n"),
            "line 1 is damaged: missing field `rows`",
        ),
        (
            "no JSON",
            format!("{HEADER}\n{woken}\n{{\"at\":\n"),
            "line 3 is damaged",
        ),
        (
            "an empty line",
            format!("{HEADER}\n\n{woken}\n"),
            "line 2 is damaged",
        ),
        (
            "an unknown event",
            format!("{HEADER}\n{{\"at\":1,\"event\":\"Hacked\"}}\n"),
            "line 2 is damaged: unknown variant",
        ),
        (
            "no time",
            format!("{HEADER}\n{{\"event\":\"Woken\"}}\n"),
            "line 2 is damaged: missing field `at`",
        ),
        (
            "a number too large",
            format!("{HEADER}\n{{\"at\":1,\"event\":{{\"Resized\":[70000,1]}}}}\n"),
            "line 2 is damaged",
        ),
        (
            "cut off",
            format!("{HEADER}\n{woken}"),
            "line 2 is damaged: it is incomplete",
        ),
        (
            "after the end",
            format!("{HEADER}\n{full}\n{woken}\n"),
            "line 3 is damaged: unexpected line after the end",
        ),
    ]
}

#[test]
fn what_is_no_recording_is_refused_with_its_line() {
    let home = Home::new();
    let path = home.path().join("session");
    for (name, text, why) in no_recordings() {
        fs::write(&path, text).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(why), "{name}: {error}");
        let output = home.game(["replay", path.to_str().unwrap()]).output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {complaint}");
        assert!(complaint.contains(why), "{name}: {complaint}");
    }
}

#[test]
fn a_file_past_the_bound_is_refused_and_so_is_none() {
    let home = Home::new();
    let path = home.path().join("session");
    let woken = "{\"at\":1001,\"event\":\"Woken\"}\n".repeat(650_000);
    fs::write(&path, format!("{HEADER}\n{woken}")).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("larger than 16777216 bytes"), "{error}");
    assert!(
        read(&home.path().join("none"))
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
}

#[test]
fn a_replay_needs_a_terminal_and_a_speed_that_is_one() {
    let home = Home::new();
    let path = home.path().join("session");
    fs::write(&path, format!("{HEADER}\n")).unwrap();
    let path = path.to_str().unwrap();
    let output = home.game(["replay", path]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("needs a terminal")
    );
    for speed in ["0", "-1", "1001", "fast"] {
        let output = home.game(["replay", path, "--speed", speed]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{speed}");
    }
}

#[test]
fn ctrl_z_does_not_stop_a_replay_and_a_signal_ends_it() {
    let home = Home::new();
    let path = home.path().join("session");
    fs::write(
        &path,
        format!("{HEADER}\n{{\"at\":3601000,\"event\":\"Woken\"}}\n"),
    )
    .unwrap();
    let mut replay = Terminal::open(
        pty::command(&home, GAME, &["replay", path.to_str().unwrap()]),
        80,
        24,
    );
    replay.see("REPLAY > 0:00 of 60:00 x1");
    replay.type_keys("\u{1a}++");
    replay.see("of 60:00 x4");
    replay.signal(rustix::process::Signal::TERM);
    assert_eq!(replay.end().0.signal(), Some("Terminated"));
}
