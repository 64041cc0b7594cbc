//! Sessions recorded and replayed by the real binary, and invalid recordings.

mod support;

use std::fs;
use std::path::Path;

use awesomestock::app::Event;
use awesomestock::app::chart::HitMap;
use awesomestock::storage::recording::read;
use awesomestock::ui::screens::summary::summary;
use support::pty::{self, Terminal};
use support::{GAME, Home};

const ENTER: &str = "\r";

/// A recording that is only a header.
const HEADER: &str = r#"{"awesomestock-recording":5,"version":"test","seat":{"player":"ann","table":"solo"},"columns":80,"rows":24,"at":1000}"#;

fn terminal(home: &Home, arguments: &[&str]) -> Terminal {
    Terminal::open(pty::game(home, arguments), 120, 36)
}

/// Collapses blanks like the test terminal.
fn collapse_blanks(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_recorded_game_is_replayed_to_the_same_end() {
    let home = Home::new();
    let file = home.path().join("session.jsonl");
    let file = file.to_str().unwrap();
    let mut game = terminal(&home, &["--user", "anna", "--tick", "1h", "--record", file]);
    game.see("● live");
    game.buy_500_tokens();
    game.type_keys("4b");
    game.see("✓ BUY 4 at 10");
    game.type_keys("1s");
    game.see("✓ SELL 1 at 10");
    game.resize(100, 30);
    game.see("anna @ solo");
    let left = game.quit();

    let recording = read(Path::new(file)).unwrap();
    let text: Vec<String> = summary(&recording.end())
        .iter()
        .map(|line| collapse_blanks(line))
        .collect();
    let shown: Vec<&str> = left.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(text, shown);
    // Only what a frame has changed is recorded.
    let hit_maps: Vec<&HitMap> = recording
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Rendered(change) => change.hit_map.as_ref(),
            _ => None,
        })
        .collect();
    assert!(!hit_maps.is_empty() && hit_maps.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(
        (recording.size, recording.end().screen.size),
        ((120, 36), (100, 30))
    );

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
    // Keys show what was bought but trade nothing: a replay has no casino.
    replay.type_keys("b\u{1b}[F");
    replay.see("tokens 470");
    replay.quit();
}

#[test]
fn a_paste_outside_a_text_field_is_not_recorded() {
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
    game.quit();
    let written = fs::read_to_string(&file).unwrap();
    assert!(!written.contains("my-password") && written.contains(r#"{"Paste":"balance"}"#));
    assert!(summary(&read(&file).unwrap().end())[0].contains("anna @ solo"));
}

/// Plays the lines of an asciicast, each of which must be complete, and returns the last screen.
fn played(cast: &Path) -> String {
    let text = fs::read_to_string(cast).unwrap();
    assert!(text.ends_with('\n'));
    let mut emulator = vt100::Parser::default();
    emulator.screen_mut().set_size(pty::cells(36), pty::cells(120));
    for line in text.lines().skip(1) {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        emulator.process(event[2].as_str().unwrap().as_bytes());
    }
    collapse_blanks(&emulator.screen().contents())
}

#[test]
fn a_cast_is_written_during_the_game_and_survives_a_kill() {
    let home = Home::new();
    let [session, cast] = ["session.jsonl", "game.cast"].map(|name| home.path().join(name));
    let files = [
        "--record",
        session.to_str().unwrap(),
        "--cast",
        cast.to_str().unwrap(),
    ];
    let mut game = terminal(&home, &[&["--user", "anna", "--tick", "1h"], &files[..]].concat());
    game.see("● live");
    game.buy_500_tokens();
    game.type_keys("4b");
    game.see("✓ BUY 4 at 10");
    game.signal(rustix::process::Signal::KILL);
    drop(game);
    let shown = played(&cast);
    assert!(shown.contains("500 tokens"), "{shown}");
    assert!(!read(&session).unwrap().events.is_empty());

    fs::remove_file(&cast).unwrap();
    let game = terminal(
        &home,
        &["--user", "anna", "--tick", "1h", "--cast", cast.to_str().unwrap()],
    );
    game.see("tokens 460");
    game.quit();
    assert!(played(&cast).contains("played"));
}

#[test]
fn recordings_and_casts_need_a_screen_and_a_new_file() {
    let home = Home::new();
    let existing = home.path().join("there");
    fs::write(&existing, "original").unwrap();
    let existing = existing.to_str().unwrap();
    for option in ["--record", "--cast"] {
        let game = terminal(&home, &["--user", "anna", option, existing]);
        let (status, left) = game.end();
        assert_eq!(status.exit_code(), 1);
        let name = option.trim_start_matches('-');
        assert!(
            left.contains(&format!("{name}: cannot create the file")),
            "{left}"
        );
        assert_eq!(fs::read_to_string(existing).unwrap(), "original");

        let game = terminal(&home, &["--user", "anna", option, "-"]);
        let (status, left) = game.end();
        assert_eq!(status.exit_code(), 1);
        let error = format!("{name}: standard output shows the game; name a file");
        assert!(left.contains(&error), "{left}");

        let plain = home.game([option, "new"]).output().unwrap();
        assert_eq!(plain.status.code(), Some(1));
        let error = String::from_utf8(plain.stderr).unwrap();
        assert!(
            error.contains(&format!("leave out {option} or --plain")),
            "{error}"
        );
        let with_command = home.game([option, "new", "price"]).output().unwrap();
        assert_eq!(with_command.status.code(), Some(2));
    }
    // As a variable it is for games only, so other commands ignore it.
    let command = home
        .game(["price"])
        .env("AWESOMESTOCK_RECORD", existing)
        .output()
        .unwrap();
    assert_eq!(command.status.code(), Some(0));
}

/// Invalid recordings: a name, the content and the expected error.
fn invalid_recordings() -> Vec<(&'static str, String, &'static str)> {
    let woken = r#"{"at":1001,"event":"Woken"}"#;
    let full = r#"{"at":1002,"end":"Full"}"#;
    let [older, newer] = [3, 6].map(|format| HEADER.replace(":5,", &format!(":{format},")));
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
        (
            "older",
            format!("{older}\n"),
            "line 1: recorded in format 3; this version supports formats 4 to 5",
        ),
        ("newer", format!("{newer}\n"), "line 1: recorded in format 6"),
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
            "an event of format 4",
            format!("{HEADER}\n{{\"at\":1,\"event\":{{\"Reach\":3}}}}\n"),
            "line 2 is damaged: unknown variant `Reach`",
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
            "cut off in the middle",
            format!("{HEADER}\n{{\"at\":1001,\"ev\n{woken}\n"),
            "line 2 is damaged",
        ),
        (
            "after the end",
            format!("{HEADER}\n{full}\n{woken}\n"),
            "line 3 is damaged: unexpected line after the end",
        ),
    ]
}

#[test]
fn an_invalid_recording_is_rejected_with_its_line() {
    let home = Home::new();
    let path = home.path().join("session");
    for (name, text, expected) in invalid_recordings() {
        fs::write(&path, text).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
        let output = home.game(["replay", path.to_str().unwrap()]).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {stderr}");
        assert!(stderr.contains(expected), "{name}: {stderr}");
    }
}

#[test]
fn an_incomplete_last_line_is_left_out_and_the_rest_is_played() {
    let home = Home::new();
    let path = home.path().join("session");
    let woken = r#"{"at":1001,"event":"Woken"}"#;
    for cut in [1, 10, woken.len()] {
        fs::write(&path, format!("{HEADER}\n{woken}\n{}", &woken[..cut])).unwrap();
        let recording = read(&path).unwrap();
        assert_eq!((recording.events.len(), recording.is_torn), (1, true), "{cut}");
    }
    let replay = terminal(&home, &["replay", path.to_str().unwrap()]);
    replay.see("REPLAY end of recording");
    let left = replay.quit();
    assert!(left.contains("the last line is incomplete"), "{left}");
}

#[test]
fn a_missing_or_too_large_file_is_rejected() {
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
fn a_replay_needs_a_terminal_and_a_valid_speed() {
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

#[test]
fn a_recording_keeps_the_headlines() {
    let home = Home::new();
    let file = home.path().join("news.jsonl");
    let tells = r#"{"tape":true,"players":true,"leaderboard":true,"limits":true,"up_to":true,"news":true}"#;
    let news = r#"{"text":"AwesomeStock doubles its dividend","tick":5}"#;
    let event = |body: String| format!("{{\"at\":1001,\"event\":{{\"Stream\":{{{body}}}}}}}\n");
    let events = [
        event(format!("\"Tells\":{tells}")),
        event(format!("\"News\":{news}")),
    ];
    fs::write(&file, format!("{HEADER}\n{}", events.concat())).unwrap();
    let end = read(&file).unwrap().end();
    assert!(end.lobby.capabilities.news);
    assert_eq!(
        end.lobby.headline.unwrap().text,
        "AwesomeStock doubles its dividend"
    );
}
