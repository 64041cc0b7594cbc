//! The checks with generated payments, with some bytes changed, and with arbitrary bytes.

use awesomestock_proto::types::{Payment, User};
use proptest::prelude::*;
use prost::Message;

use self::hostile_text::hostile_texts;
use self::inputs::{check_seeds, mutated};

#[path = "../../../proto/tests/support/hostile_text.rs"]
mod hostile_text;
#[path = "../../../proto/tests/support/inputs.rs"]
mod inputs;

fn payment() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![9 => Just("株_ann".to_owned()), 1 => any::<String>(),
        1 => prop::sample::select(hostile_texts()).prop_map(|text| text.chars().take(60).collect::<String>())];
    let amount = prop_oneof![8 => -2_000..2_000_i32, 1 => any::<i32>(), 1 => Just(i32::MIN)];
    let number = prop_oneof![4 => Just(0_i64), 4 => 1_i64..1_000, 1 => any::<i64>()];
    let moment = prop_oneof![Just(0), 1_700_000_000_000..1_900_000_000_000_i64, any::<i64>()];
    (name, amount, number, moment).prop_map(|(id, amount, number, created_unix_ms)| {
        let payment = Payment {
            user: Some(User { id }),
            amount,
            number,
            created_unix_ms,
            id: Vec::new(),
            round: None,
        };
        let message = payment.encode_to_vec();
        let length = u8::try_from(message.len()).unwrap_or(u8::MAX);
        [&[length], message.as_slice()].concat()
    })
}

fn history() -> impl Strategy<Value = Vec<u8>> {
    let bound = || prop_oneof![Just(u8::MAX), 0_u8..9];
    (bound(), bound(), prop::collection::vec(payment(), 0..40))
        .prop_map(|(listed, most, payments)| [vec![listed, most], payments.concat()].concat())
}

#[test]
fn the_seeds_of_the_fuzz_targets_pass() {
    check_seeds(env!("CARGO_MANIFEST_DIR"), &[("statement", super::statement)]);
}

proptest! {
    #[test]
    fn totals_are_right_and_texts_are_safe_for_any_payments(input in mutated(history())) {
        super::statement(&input);
    }
}
