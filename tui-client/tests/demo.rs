//! The demonstration in assets/: its files match the recorded session, and it has its size and scenes.

mod support;

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fs, thread};

use serde_json::Value;
use support::pty::{self, Terminal};
use support::{GAME, Home};

const COLUMNS: u16 = 120;
const ROWS: u16 = 36;

/// The files made from the session, and their largest sizes in bytes.
const FILES: &[(&str, usize)] = &[
    ("demo.cast", 600_000),
    ("desk.svg", 150_000),
    ("demo.svg", 650_000),
];

/// Largest size of the session in bytes.
const MAX_SESSION_BYTES: usize = 300_000;

/// Longest demonstration in seconds.
const MAX_SECONDS: f64 = 40.0;

/// Texts on the screen, in this order.
const SCENES: &[&str] = &[
    "press any key",
    "● live",
    "No activity yet",
    "Leaderboard",
    "Tape",
    "Buy tokens",
    "✓ TOKENS 100 $",
    "✓ BUY 10 ",
    "average cost",
    "price above limit",
    "✗ BUY 5 limit 25",
    "✓ BUY 5 limit 45",
    "LEADERBOARD",
    "ACTION_RESULT",
    "The network is cut",
    "reconnecting: attempt",
    "1 order waiting",
    "The game is connected again",
    "✓ SELL 16",
    "▲ +668",
];

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets").join(name)
}

#[test]
fn the_files_match_the_recorded_session() {
    let folder = Home::new();
    let output = Command::new("bash")
        .arg(asset("record-demo.sh"))
        .arg(folder.path())
        .env_clear()
        .envs(folder.variables())
        .env("GAME", GAME)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for (name, max_bytes) in FILES {
        let made = fs::read(folder.path().join(name)).unwrap();
        assert!(made.len() <= *max_bytes, "{name}: {} bytes", made.len());
        let is_same = fs::read(asset(name)).is_ok_and(|committed| committed == made);
        assert!(
            is_same,
            "assets/{name} does not match assets/demo.jsonl; look at it after `bash assets/record-demo.sh`"
        );
    }
}

/// Types assets/demo.keys into the real game. Run it to record the session again; then remake the files and look at them.
#[test]
#[ignore = "records assets/demo.jsonl"]
#[allow(clippy::disallowed_methods, reason = "a viewer needs time to read")]
fn record_the_session() {
    let (home, session) = (Home::new(), asset("demo.jsonl"));
    let _ = fs::remove_file(&session);
    let record = session.to_str().unwrap();
    let mut command = pty::game(
        &home,
        &[
            "lab", "--user", "ann", "--seed", "3", "--tick", "800ms", "--record", record,
        ],
    );
    command.env_remove("AWESOMESTOCK_NO_SPLASH");
    let mut game = Terminal::open(command, COLUMNS, ROWS);
    let script = fs::read_to_string(asset("demo.keys")).unwrap();
    for line in script.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once(' ').unwrap() {
            ("see", text) => game.see(text),
            ("wait", seconds) => thread::sleep(Duration::from_secs_f64(seconds.parse().unwrap())),
            ("type", keys) => game.type_keys(&keys.replace("\\r", "\r").replace("\\e", "\u{1b}")),
            _ => panic!("{line}"),
        }
    }
    assert!(game.end().0.success());
}

#[test]
fn the_session_is_small_and_names_no_folder() {
    let session = fs::read_to_string(asset("demo.jsonl")).unwrap();
    assert!(session.len() <= MAX_SESSION_BYTES, "{} bytes", session.len());
    for private in ["/home/", "/root/", "/tmp/"] {
        assert!(!session.contains(private), "{private}");
    }
}

#[test]
fn the_pictures_are_self_contained_and_can_stand_still() {
    for name in ["desk.svg", "demo.svg"] {
        let svg = fs::read_to_string(asset(name)).unwrap();
        for forbidden in ["<script", "href", "url(", "@import", "<image", "<foreignObject"] {
            assert!(!svg.contains(forbidden), "{name}: {forbidden}");
        }
        let moves = svg.contains("@keyframes");
        assert_eq!(moves, name == "demo.svg");
        assert_eq!(
            moves,
            svg.contains("@media(prefers-reduced-motion:no-preference)")
        );
    }
}

/// The header, and each write with its time.
fn cast() -> (Value, Vec<(f64, String)>) {
    let text = fs::read_to_string(asset("demo.cast")).unwrap();
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    let header = lines.next().unwrap();
    let mut writes = Vec::new();
    for line in lines {
        match line[1].as_str().unwrap() {
            "o" => writes.push((line[0].as_f64().unwrap(), line[2].as_str().unwrap().to_owned())),
            other => panic!("unexpected event {other:?}"),
        }
    }
    (header, writes)
}

#[test]
fn the_demonstration_can_be_played_at_its_size() {
    let (header, writes) = cast();
    assert_eq!(
        (&header["version"], &header["width"], &header["height"]),
        (&2.into(), &COLUMNS.into(), &ROWS.into())
    );
    assert!(writes.is_sorted_by(|(earlier, _), (later, _)| earlier <= later));
    let (seconds, _) = writes.last().unwrap();
    assert!((15.0..MAX_SECONDS).contains(seconds), "{seconds} s");
}

#[test]
fn the_demonstration_shows_a_game_from_its_first_price_to_its_summary() {
    let (_, writes) = cast();
    let mut emulator = vt100::Parser::default();
    let cells = |count: u16| NonZeroU16::new(count).unwrap();
    emulator.screen_mut().set_size(cells(ROWS), cells(COLUMNS));
    let mut scenes = SCENES.iter().peekable();
    for (_, written) in writes {
        emulator.process(written.as_bytes());
        let shown = emulator.screen().contents();
        while scenes.next_if(|scene| shown.contains(**scene)).is_some() {}
    }
    assert_eq!(scenes.next(), None, "missing or out of order");
    let screen = emulator.screen();
    assert!(
        !screen.alternate_screen() && !screen.hide_cursor(),
        "the terminal is not restored"
    );
    let remaining = screen.contents();
    for line in [
        "AwesomeStock  ann @ lab",
        "played",
        "trades",
        "P&L           ▲ +",
        "wallet",
    ] {
        assert!(remaining.contains(line), "{line}: {remaining}");
    }
    assert!(!remaining.contains("awesomestock: "), "it failed: {remaining}");
}
