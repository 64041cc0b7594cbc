use std::fs;

use super::proof::{MAX_FILE_BYTES, Proof};
use super::*;
use crate::app::portfolio::money::UnixMillis;
use crate::app::portfolio::rows::TradeRow;

pub(crate) fn day() -> Challenge {
    "daily 2026-11-29".parse().unwrap()
}

fn price_at(tick: usize) -> i32 {
    day().prices().nth(tick).unwrap()
}

pub(crate) fn row(tick: i64, side: Side, count: i32) -> TradeRow {
    TradeRow {
        tick,
        at: UnixMillis(0),
        side,
        count,
        price: price_at(usize::try_from(tick).unwrap()),
    }
}

/// A game of four trades.
pub(crate) fn game() -> Proof {
    let trades = vec![
        row(2, Side::Buy, 3),
        row(40, Side::Buy, 1),
        row(40, Side::Sell, 2),
        row(60, Side::Sell, 1),
    ];
    Proof::new(day(), "ann", trades).unwrap()
}

#[test]
fn a_day_has_the_same_prices_everywhere() {
    let first: Vec<i32> = day().prices().take(8).collect();
    assert_eq!(first, PRICES);
    // A duel on the date is another market.
    let duel: Challenge = "duel 20261129".parse().unwrap();
    assert_ne!(duel.prices().take(8).collect::<Vec<_>>(), PRICES);
    let next: Challenge = "daily 2026-11-30".parse().unwrap();
    assert_ne!(next.prices().take(8).collect::<Vec<_>>(), PRICES);
}

#[test]
fn the_seeds_of_days_are_for_no_duel() {
    for seed in [
        day().options().seed.unwrap(),
        0x6461_696c << 32,
        (0x6461_696d << 32) - 1,
    ] {
        let why = format!("duel {seed}").parse::<Challenge>().unwrap_err();
        assert!(
            why.starts_with("challenge: the seed of a duel must not be from 72331783"),
            "{why}"
        );
        assert!(why.ends_with("would be known beforehand"), "{why}");
    }
    for seed in [(0x6461_696c << 32) - 1, 0x6461_696d_u64 << 32] {
        assert_eq!(format!("duel {seed}").parse(), Ok(Challenge::Duel(seed)));
    }
}

const PRICES: [i32; 8] = [50, 47, 47, 45, 43, 41, 41, 41];

/// A change of a file.
type Change = fn(&mut Proof);

/// Changes, and the start of the error.
const CHANGES: &[(&str, Change, &str)] = &[
    (
        "price",
        |proof| proof.trades[1].price += 1,
        "trade 2 is invalid: the price of tick 40 is",
    ),
    (
        "count",
        |proof| proof.trades[0].count = 2,
        "trade 1 is invalid: it leaves",
    ),
    (
        "large count",
        |proof| proof.trades[0].count = 1_000,
        "trade 1 is invalid: it costs",
    ),
    (
        "count of 0",
        |proof| proof.trades[0].count = 0,
        "trade 1 is invalid: its count is 0",
    ),
    (
        "negative count",
        |proof| proof.trades[0].count = -3,
        "trade 1 is invalid: its count is -3",
    ),
    (
        "side",
        |proof| proof.trades[0].side = Side::Sell,
        "trade 1 is invalid: it sells 3 stocks, but there are 0",
    ),
    (
        "tick",
        |proof| proof.trades[3].tick = 59,
        "trade 4 is invalid: the price of tick 59 is",
    ),
    (
        "early tick",
        |proof| proof.trades[3].tick = 3,
        "trade 4 is invalid: tick 3 is earlier than that of the previous trade",
    ),
    (
        "late tick",
        |proof| proof.trades[3].tick = 121,
        "trade 4 is invalid: tick 121 is after the last one, 120",
    ),
    (
        "negative tick",
        |proof| proof.trades[0].tick = -1,
        "trade 1 is invalid: tick -1 is earlier",
    ),
    (
        "order",
        |proof| proof.trades.swap(0, 3),
        "trade 1 is invalid: it sells 1 stock, but there are 0",
    ),
    (
        "order of ticks",
        |proof| proof.trades.swap(0, 1),
        "trade 1 is invalid: it leaves",
    ),
    (
        "tokens",
        |proof| proof.trades[2].tokens += 1,
        "trade 3 is invalid: it leaves",
    ),
    (
        "missing trade",
        |proof| _ = proof.trades.remove(2),
        "trade 3 is invalid: it leaves",
    ),
    (
        "missing last trade",
        |proof| _ = proof.trades.pop(),
        "equity: the trades end with",
    ),
    (
        "equity",
        |proof| proof.equity = proof.equity.map(|equity| equity + 1),
        "equity: the trades end with",
    ),
    (
        "missing equity",
        |proof| proof.equity = None,
        "equity: that of a finished game is missing",
    ),
    (
        "date",
        |proof| proof.challenge = "daily 2026-11-28".parse().unwrap(),
        "trade 1 is invalid: the price of tick 2 is",
    ),
];

#[test]
fn a_changed_file_is_refused_by_name() {
    for (name, tamper, expected) in CHANGES {
        let mut proof = game();
        tamper(&mut proof);
        let why = proof.verify().unwrap_err();
        assert!(why.starts_with(expected), "{name}: {why}");
    }
}

#[test]
fn a_file_may_have_a_byte_order_mark_but_no_more_than_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("game.json");
    let text = serde_json::to_string(&game()).unwrap();
    fs::write(&path, format!("\u{feff}{text}")).unwrap();
    assert_eq!(Proof::read(&path).unwrap(), game());
    let too_long = MAX_FILE_BYTES + 1;
    fs::File::create(&path).unwrap().set_len(too_long).unwrap();
    let why = format!("{:#}", Proof::read(&path).unwrap_err());
    assert!(why.ends_with("must have at most 16777216 bytes"), "{why}");
}

#[test]
fn a_file_with_other_fields_or_names_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("game.json");
    let text = serde_json::to_string(&game()).unwrap();
    for (from, to) in [
        ("\"player\"", "\"luck\":1,\"player\""),
        ("daily 2026-11-29", "daily 2026-11-31"),
        ("daily 2026-11-29", "duel x"),
        ("\"count\":3", "\"count\":3000000000"),
    ] {
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let why = format!("{:#}", Proof::read(&path).unwrap_err());
        assert!(why.contains("is not a challenge file"), "{why}");
    }
}

#[test]
fn trades_after_the_last_tick_do_not_count() {
    let late = TradeRow {
        tick: TICKS + 1,
        ..row(119, Side::Buy, 1)
    };
    let proof = Proof::new(day(), "ann", vec![row(119, Side::Buy, 1), late]).unwrap();
    assert_eq!(proof.verify().unwrap().trades, 1);
}
