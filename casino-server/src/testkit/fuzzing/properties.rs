//! Properties on stable Rust: mostly valid inputs with some bytes changed, and random bytes.

use awesomestock_proto::casino::{
    Action, CandlesRequest, PriceHistoryRequest, TradesRequest, WithdrawRequest,
};
use awesomestock_proto::types::{Payment, User};
use proptest::prelude::*;
use prost::Message;

use self::hostile_text::hostile_texts;
use self::inputs::{check_seeds, mutated};

#[path = "../../../../proto/tests/support/hostile_text.rs"]
mod hostile_text;
#[path = "../../../../proto/tests/support/inputs.rs"]
mod inputs;

/// Mostly small numbers, some at the bounds, some anywhere.
fn number() -> impl Strategy<Value = i32> {
    prop_oneof![
        8 => -2..2_000,
        1 => prop::sample::select(vec![i32::MIN, i32::MAX, i32::MAX - 1, 429_496_729]),
        1 => any::<i32>(),
    ]
}

fn user() -> impl Strategy<Value = Option<User>> {
    let name = prop_oneof![
        8 => prop::sample::select(vec!["ann", "bob", "株太郎"]).prop_map(str::to_owned),
        1 => ".{0,40}",
        1 => prop::sample::select(hostile_texts()).prop_map(|text| text.chars().take(60).collect::<String>()),
        1 => Just(String::new()),
    ];
    prop_oneof![9 => name.prop_map(|id| Some(User { id })), 1 => Just(None)]
}

fn id() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => Just(Vec::new()),
        4 => (0_u8..8).prop_map(|id| vec![id; 16]),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

/// The account that a request is meant for.
fn round() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        6 => Just(None),
        3 => Just(Some(0)),
        1 => any::<i64>().prop_map(Some),
    ]
}

fn step() -> impl Strategy<Value = Vec<u8>> {
    let sent = |step: u8, message: Vec<u8>| {
        let length = u8::try_from(message.len()).unwrap_or(u8::MAX);
        [&[step, length], message.as_slice()].concat()
    };
    let payment = (user(), number(), id(), round()).prop_map(|(user, amount, id, round)| Payment {
        user,
        amount,
        id,
        round,
        ..Payment::default()
    });
    let withdrawal =
        (user(), number(), id(), round()).prop_map(|(user, number, id, round)| WithdrawRequest {
            user,
            tokens_cnt: if number % 3 == 0 { number } else { number / 5 * 5 },
            id,
            round,
        });
    let limit = prop_oneof![6 => Just(0), 2 => 1..30, 1 => any::<i32>()];
    let stop = prop_oneof![6 => Just(0), 2 => 1..30, 1 => any::<i32>()];
    let rests = prop_oneof![6 => Just(0), 3 => Just(1), 1 => any::<i32>()];
    let prices = (limit, stop, rests);
    let action = (user(), -1..4, number(), prices, (id(), round()), any::<bool>()).prop_map(
        |(user, kind, stocks_count, (limit_price, stop_price, time_in_force), (id, round), up_to)| Action {
            user,
            r#type: kind,
            stocks_count,
            limit_price,
            id,
            up_to,
            time_in_force,
            stop_price,
            round,
        },
    );
    let pages = (user(), any::<i64>(), number()).prop_map(move |(user, before, limit)| {
        let trades = TradesRequest {
            user,
            before_number: before,
            limit,
        };
        let prices = PriceHistoryRequest {
            before_tick: before,
            limit,
        };
        let candles = CandlesRequest {
            before_tick: before,
            limit,
        };
        let rest = [prices.encode_to_vec(), candles.encode_to_vec()];
        let rest = rest.map(|message| sent(0, message)[1..].to_vec());
        [sent(15, trades.encode_to_vec()), rest.concat()].concat()
    });
    prop_oneof![
        4 => payment.prop_map(move |message| sent(1, message.encode_to_vec())),
        2 => withdrawal.prop_map(move |message| sent(4, message.encode_to_vec())),
        8 => action.prop_map(move |message| sent(7, message.encode_to_vec())),
        1 => pages,
        3 => prop::sample::select(vec![12_u8, 13, 14]).prop_map(|step| vec![step]),
    ]
}

fn game() -> impl Strategy<Value = Vec<u8>> {
    let rate = prop_oneof![4 => Just(0_u8), 1 => 1_u8..9];
    (rate, prop::collection::vec(step(), 0..80))
        .prop_map(|(rate, steps)| [vec![rate], steps.concat()].concat())
}

fn headers() -> impl Strategy<Value = Vec<u8>> {
    const KEY: &str = "Bearer AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let value = prop::sample::select(vec![
        "\0ticks,wallet, tape",
        "\0limits,ids,up-to,players,leaderboard,futures",
        "\u{1}YW5u",
        "\u{1}w4ZnaXI",
        "\u{1}/w",
        "\u{2}Bearer 0123456789abcdef",
    ]);
    let line = prop_oneof![
        4 => value.prop_map(str::to_owned),
        2 => Just(format!("\u{2}{KEY}")),
        1 => ".{0,60}",
    ];
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.join("\n").into_bytes())
}

#[test]
fn the_seeds_of_the_fuzz_targets_pass() {
    check_seeds(
        env!("CARGO_MANIFEST_DIR"),
        &[
            ("requests", super::requests),
            ("metadata", super::metadata),
            ("payments_answers", super::payments_answers),
        ],
    );
}

proptest! {
    #[test]
    fn the_ledger_balances_after_any_messages(input in mutated(game())) {
        super::requests(&input);
    }

    #[test]
    fn metadata_never_grants_more_than_requested(input in mutated(headers())) {
        super::metadata(&input);
    }

    #[test]
    fn a_payments_server_message_never_reaches_the_player(code in any::<u8>(), text in any::<Vec<u8>>()) {
        super::payments_answers(&[&[code], text.as_slice()].concat());
    }
}
