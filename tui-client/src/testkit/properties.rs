//! Property tests of the checks, with mutated valid inputs, and the seeds of the fuzz targets.

use awesomestock_proto::casino::{
    ActionResult, Candle, Candles, GambleInfo, Leaderboard, Player, Players, PriceHistory, PricePoint,
    Standing, StockInfo, Tape, TapeRow, Trade, Trades, Wallet,
};
use proptest::prelude::*;
use prost::Message;

use self::hostile_text::hostile_texts;
use self::inputs::{check_seeds, mutated};

#[path = "../../../proto/tests/support/hostile_text.rs"]
mod hostile_text;
#[path = "../../../proto/tests/support/inputs.rs"]
mod inputs;

/// Returns short texts.
fn short_text() -> impl Strategy<Value = String> {
    let hostile: Vec<String> = hostile_texts()
        .into_iter()
        .filter(|text| text.len() < 100)
        .collect();
    prop_oneof![
        Just("operation executed successfully".to_owned()),
        prop::sample::select(hostile),
        ".{0,30}",
    ]
}

fn number() -> impl Strategy<Value = i32> {
    prop_oneof![8 => 0..2_000, 1 => any::<i32>(), 1 => prop::sample::select(vec![i32::MIN, -1, i32::MAX])]
}

fn tick() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0_i64..400, 1 => any::<i64>(), 1 => prop::sample::select(vec![i64::MIN, -1, i64::MAX])]
}

fn wallet() -> impl Strategy<Value = Wallet> {
    (number(), number(), any::<i32>(), tick()).prop_map(|(tokens, stocks, cost, version)| Wallet {
        tokens,
        stocks,
        cost_basis: i64::from(cost),
        version,
        ..Wallet::default()
    })
}

fn trade() -> impl Strategy<Value = Trade> {
    (tick(), 0..3, number(), number(), tick()).prop_map(|(number, kind, stocks_count, price, tick)| Trade {
        number,
        r#type: kind,
        stocks_count,
        price,
        tick,
        at_unix_ms: tick.saturating_mul(1_000),
    })
}

fn standing() -> impl Strategy<Value = Standing> {
    (number(), short_text(), any::<bool>(), number()).prop_map(|(rank, name, house, equity)| Standing {
        rank,
        player: Some(Player { name, house }),
        equity: i64::from(equity),
        ..Standing::default()
    })
}

/// Returns messages of the stream.
fn message() -> impl Strategy<Value = GambleInfo> {
    let price = (number(), tick(), tick()).prop_map(|(price, tick, interval_ms)| {
        GambleInfo::from(StockInfo {
            price,
            tick,
            at_unix_ms: 1_795_356_202_000,
            interval_ms,
            ..StockInfo::default()
        })
    });
    let result = (short_text(), 0..4, trade(), prop::option::of(wallet())).prop_map(
        |(msg, outcome, trade, wallet)| {
            let result = ActionResult {
                msg,
                outcome,
                trade: Some(trade),
                wallet,
                ..ActionResult::default()
            };
            GambleInfo::from(result)
        },
    );
    let wallet = wallet().prop_map(GambleInfo::from);
    let tape = (short_text(), trade(), tick()).prop_map(|(name, trade, trades)| {
        let row = TapeRow {
            player: Some(Player { name, house: false }),
            trade: Some(trade),
        };
        GambleInfo::from(Tape {
            rows: vec![row.clone(), row],
            trades,
        })
    });
    let players = (short_text(), number(), number()).prop_map(|(name, seated, unnamed)| {
        let online = vec![Player { name, house: true }];
        GambleInfo::from(Players {
            seated,
            online,
            unnamed,
        })
    });
    let leaderboard = (standing(), standing(), number()).prop_map(|(first, own, ranked)| {
        GambleInfo::from(Leaderboard {
            top: vec![first],
            own: Some(own),
            ranked,
            ..Leaderboard::default()
        })
    });
    prop_oneof![4 => price, 4 => result, 2 => wallet, 1 => tape, 1 => players, 1 => leaderboard]
}

fn sent(step: u8, piece: &[u8]) -> Vec<u8> {
    let piece = piece.get(..255).unwrap_or(piece);
    let length = u8::try_from(piece.len()).unwrap_or(u8::MAX);
    [&[step, length], piece].concat()
}

/// Returns answers to calls.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let point = (tick(), number()).prop_map(|(tick, price)| PricePoint {
        tick,
        price,
        at_unix_ms: 1,
    });
    let candle = (tick(), number(), number()).prop_map(|(first_tick, price, ticks_count)| Candle {
        first_tick,
        ticks_count,
        open: price,
        high: price,
        low: price,
        close: price,
        ..Candle::default()
    });
    let points = (prop::collection::vec(point, 0..8), any::<bool>());
    let candles = (prop::collection::vec(candle, 0..6), any::<bool>());
    let trades = (prop::collection::vec(trade(), 0..8), any::<bool>());
    let list = prop_oneof![
        wallet().prop_map(|wallet| sent(14, &wallet.encode_to_vec())),
        (15_u8..17, trades)
            .prop_map(|(step, (trades, more))| sent(step, &Trades { trades, more }.encode_to_vec())),
        points.prop_map(|(points, more)| sent(17, &PriceHistory { points, more }.encode_to_vec())),
        candles.prop_map(|(candles, more)| sent(18, &Candles { candles, more }.encode_to_vec())),
        standing().prop_map(|own| {
            let leaderboard = Leaderboard {
                top: vec![own.clone()],
                own: Some(own),
                ..Leaderboard::default()
            };
            sent(21, &leaderboard.encode_to_vec())
        }),
    ];
    let statement = short_text().prop_map(|text| sent(20, text.as_bytes()));
    let failed =
        (any::<u8>(), short_text()).prop_map(|(code, text)| sent(13, &[&[code], text.as_bytes()].concat()));
    prop_oneof![4 => list, 1 => statement, 1 => failed]
}

fn session() -> impl Strategy<Value = Vec<u8>> {
    let letters: Vec<u8> = b"0123456789bstwmpSTW?:qGnNlLeEyc/+- $%k"
        .iter()
        .copied()
        .chain(1..13)
        .collect();
    let step = prop_oneof![
        6 => message().prop_map(|message| sent(0, &message.encode_to_vec())),
        3 => answer(),
        1 => prop::sample::select(vec![6_u8, 7]).prop_map(|step| sent(step, &[])),
        1 => short_text().prop_map(|text| sent(8, text.as_bytes())),
        5 => prop::sample::select(letters).prop_map(|letter| sent(9, &[letter])),
        1 => short_text().prop_map(|text| sent(12, text.as_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..4).prop_map(|millis| sent(22, &millis)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(columns, rows)| sent(23, &[columns, rows])),
    ];
    (any::<u8>(), prop::collection::vec(step, 0..60)).prop_map(|(granted, steps)| {
        // Most sessions begin with a session and a price.
        let joined = [sent(6, &[]), sent(7, &[])].concat();
        [vec![granted], joined, steps.concat()].concat()
    })
}

/// Concatenates up to `most` of `pieces`.
fn joined(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        9 => prop::sample::select(pieces).prop_map(str::to_owned),
        1 => ".{0,12}",
    ];
    prop::collection::vec(piece, 0..most).prop_map(|pieces| pieces.concat().into_bytes())
}

const WORDS: &[&str] = &[
    "buy",
    "sell",
    "BUY",
    "buyTokens",
    "buy-tokens",
    "withdraw",
    "alertAbove",
    "stop",
    "help",
    "quit",
    " ",
    " ",
    "1",
    "10",
    "0",
    "-1",
    "2147483647",
    "2147483648",
    "@",
    "@ 14",
    "\t",
    "\n",
    "٣",
    "\u{202e}",
];

const LETTERS: &[&str] = &[
    "0",
    "1",
    "5",
    "9",
    ".",
    "k",
    "@",
    "%",
    "$",
    "m",
    "\u{8}",
    "\n",
    ">",
    "<",
    "2147483647",
    "100%",
    "x",
    "٣",
];

const LINES: &[&str] = &[
    "[keys]\n",
    "buy = \"f1\"\n",
    "sell = [\"alt-s\", \"ctrl-x\"]\n",
    "quit = []\n",
    "buy = \"s\"\n",
    "percent = [\"%\"]\n",
    "user = \"anna\"\n",
    "user = \"a b\"\n",
    "tick = \"200ms\"\n",
    "tick = \"1y\"\n",
    "initial-price = 10\n",
    "initial-price = -1\n",
    "seed = 7\n",
    "house = 300\n",
    "casino = \"http://localhost:10000\"\n",
    "theme = \"mono\"\n",
    "plain = true\n",
    "no-splash = false\n",
    "unknown = 1\n",
    "# a comment\n",
    "= \"\"",
    "[[",
];

const RECORDED: &[&str] = &[
    "{\"awesomestock-recording\":4,\"version\":\"0.1.0\",\"seat\":{\"player\":\"ann\",\"table\":\"solo\"},\
     \"settings\":{\"keys\":{},\"splash\":false},\"columns\":100,\"rows\":30,\"at\":1795356202000}\n",
    "{\"at\":1795356202040,\"event\":{\"Stream\":{\"Joined\":{\"extended\":true,\"ids\":true}}}}\n",
    "{\"at\":1795356202041,\"event\":{\"Stream\":{\"Price\":{\"tick\":1,\"price\":10,\"at\":null,\"interval_ms\":1000}}}}\n",
    "{\"at\":1795356203041,\"event\":{\"Stream\":{\"Lost\":\"gone \\u001b[2J\"}}}\n",
    "{\"at\":1795356204041,\"event\":{\"Resized\":[80,24]}}\n",
    "{\"at\":1795356204041,\"event\":{\"Answered\":{\"Statement\":\"PAID \\u202e\\n\\tIN\"}}}\n",
    "{\"at\":1795356204042,\"event\":\"Woken\"}\n",
    "{\"at\":1795356204042,\"event\":{\"Reach\":3}}\n",
    "{\"at\":1795356261000,\"end\":\"Full\"}\n",
];

/// Returns recordings with a valid header.
fn recorded() -> impl Strategy<Value = Vec<u8>> {
    let first = RECORDED.first().copied().unwrap_or_default();
    joined(RECORDED.get(1..).unwrap_or_default(), 12).prop_map(move |rest| [first.as_bytes(), &rest].concat())
}

#[test]
fn the_seeds_of_the_fuzz_targets_pass() {
    check_seeds(
        env!("CARGO_MANIFEST_DIR"),
        &[
            ("session", super::session),
            ("palette", super::palette),
            ("ticket", super::ticket),
            ("config", super::config),
            ("recording", super::recording),
        ],
    );
}

proptest! {
    #[test]
    fn the_game_keeps_its_invariants_for_any_server_messages(input in mutated(session())) {
        super::session(&input);
    }

    #[test]
    fn palette_amounts_are_within_bounds(input in mutated(joined(WORDS, 8))) {
        super::palette(&input);
    }

    #[test]
    fn ticket_quantities_are_within_bounds(input in mutated(joined(LETTERS, 20))) {
        super::ticket(&input);
    }

    #[test]
    fn a_configuration_is_rejected_or_within_bounds(input in mutated(joined(LINES, 8))) {
        super::config(&input);
    }

    #[test]
    fn a_recording_is_rejected_or_plays_to_its_end(input in mutated(recorded())) {
        super::recording(&input);
    }
}
