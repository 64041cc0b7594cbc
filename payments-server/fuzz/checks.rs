//! What always holds of a statement, whatever payments come: one copy of the checks, for the fuzz target and for the
//! properties that the tests try on stable.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a check fails by a panic"
)]

use awesomestock_proto::{text, types};
use prost::Message;
use tonic::Status;
use unicode_width::UnicodeWidthStr;

use crate::{
    service,
    statement::{Dollars, MAX_LINE_COLUMNS, Statement},
};

#[cfg(test)]
#[path = "properties.rs"]
mod properties;

/// The sums of what was taken in.
#[derive(Debug, Default)]
struct Sums {
    paid_in: i64,
    paid_out: i64,
}

/// Takes `data` for payments: two bytes are how many are listed and how many are taken, and then comes each payment, its
/// length before it in one byte.
///
/// # Panics
///
/// When a total is wrong, a line is too wide, or a text acts on who reads it.
pub fn statement(data: &[u8]) {
    let [listed_max, max_payments, payments @ ..] = data else {
        return;
    };
    let (listed_max, max_payments) = (usize::from(*listed_max), usize::from(*max_payments));
    let mut statement = Statement::listing(listed_max, max_payments);
    let mut sums = Sums::default();
    let mut rest = payments;
    while let Some((length, behind)) = rest.split_first() {
        let (message, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        if let Ok(payment) = types::Payment::decode(message) {
            push(&mut statement, payment, &mut sums);
        }
    }
    assert!(statement.payments() <= max_payments && statement.listed() <= listed_max);
    check_text(&statement.render(), &statement, &sums);
}

/// Takes one payment in, if it is one.
fn push(statement: &mut Statement, payment: types::Payment, sums: &mut Sums) {
    let (taken, amount) = (statement.payments(), i64::from(payment.amount));
    match statement.push(service::from_wire(payment)) {
        Ok(()) => {
            assert_eq!(statement.payments(), taken + 1);
            sums.paid_in += amount.min(0);
            sums.paid_out += amount.max(0);
        }
        Err(refusal) => {
            assert_eq!((statement.payments(), refusal.position), (taken, taken + 1));
            let status = Status::from(refusal);
            assert!(!status.message().contains(text::acts), "{status:?}");
        }
    }
}

fn check_text(text: &str, statement: &Statement, sums: &Sums) {
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        assert!(line.width() <= MAX_LINE_COLUMNS, "{line:?}");
        assert!(!line.contains(text::acts), "{line:?}");
    }
    let numbers = |line: &&str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    assert_eq!(text.lines().filter(numbers).count(), statement.listed());
    for (label, amount) in [
        ("PAID IN", sums.paid_in),
        ("PAID OUT", sums.paid_out),
        ("FINAL BALANCE", sums.paid_in + sums.paid_out),
    ] {
        let line = text.lines().rfind(|line| line.starts_with(label));
        let told = line.and_then(|line| line.rsplit(' ').next());
        assert_eq!(told, Some(Dollars::from(amount).to_string().as_str()), "{text}");
    }
}
