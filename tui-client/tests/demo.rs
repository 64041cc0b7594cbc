//! The recorded demonstration in assets/: it can be played, has its size, and shows what it is there to show.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fs, num::NonZeroU16, path::Path};

use serde_json::Value;

const COLUMNS: u16 = 120;
const ROWS: u16 = 36;

/// Bytes that a page with the demonstration may cost its reader.
const MAX_BYTES: usize = 600_000;

/// Seconds that a viewer has for it.
const MAX_SECONDS: f64 = 60.0;

/// What is to be seen, in this order.
const SCENES: &[&str] = &[
    "any key begins",
    "● live",
    "Nothing done yet",
    "Leaderboard",
    "Tape",
    "Buy tokens",
    "✓ TOKENS 100 $",
    "✓ BUY 10 ",
    "average cost",
    "is above 25",
    "✗ BUY 5 @ 25",
    "✓ BUY 5 @ 45",
    "◆",
    "ticks a candle",
    "alertBelow",
    "alert: price",
    "✓ SELL 15",
    "The others",
    "✓ WITHDRAW 500",
    "FINAL BALANCE",
];

/// The header, and each write with its moment.
fn cast() -> (Value, Vec<(f64, String)>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo.cast");
    let text = fs::read_to_string(path).unwrap();
    assert!(text.len() <= MAX_BYTES, "{} bytes", text.len());
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    let header = lines.next().unwrap();
    let mut writes = Vec::new();
    for line in lines {
        match line[1].as_str().unwrap() {
            "o" => writes.push((line[0].as_f64().unwrap(), line[2].as_str().unwrap().to_owned())),
            // Newer versions of the format tell how it ended.
            "x" => assert_eq!(line[2], "0"),
            other => panic!("a demonstration has no events {other:?}"),
        }
    }
    (header, writes)
}

#[test]
fn the_demonstration_can_be_played_at_its_size_in_a_minute() {
    let (header, writes) = cast();
    assert_eq!(
        (&header["version"], &header["width"], &header["height"]),
        (&2.into(), &COLUMNS.into(), &ROWS.into())
    );
    assert!(header["idle_time_limit"].as_f64().unwrap() <= 2.0, "{header}");
    assert!(writes.is_sorted_by(|(earlier, _), (later, _)| earlier <= later));
    let (seconds, _) = writes.last().unwrap();
    assert!((15.0..MAX_SECONDS).contains(seconds), "{seconds} s");
    let all: String = writes.iter().map(|(_, written)| written.as_str()).collect();
    for private in ["/home/", "/root/", "/tmp/"] {
        assert!(
            !all.contains(private) && !header.to_string().contains(private),
            "{private}"
        );
    }
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
    assert_eq!(scenes.next(), None, "never seen, or not in this order");
    let screen = emulator.screen();
    assert!(
        !screen.alternate_screen() && !screen.hide_cursor(),
        "the terminal is not given back"
    );
    let left = screen.contents();
    for line in [
        "AwesomeStock  ann @ solo",
        "played",
        "trades",
        "P&L           ▲ +",
        "wallet",
    ] {
        assert!(left.contains(line), "{line}: {left}");
    }
    assert!(!left.contains("awesomestock: "), "it failed: {left}");
}
