//! Checks of a statement for the fuzz target and the property tests. Each takes bytes and panics on a violation.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a check fails by a panic"
)]

use awesomestock_proto::text::sanitize;
use awesomestock_proto::types;
use prost::Message;
use tonic::Status;
use unicode_width::UnicodeWidthStr;

use crate::statement::{Dollars, MAX_LINE_COLUMNS, Statement};

#[cfg(test)]
mod properties;

/// Sums of the accepted payments.
#[derive(Debug, Default)]
struct Sums {
    paid_in: i64,
    paid_out: i64,
}

/// Checks the statement of the payments in `data`: one byte is the most listed payments, one the most payments; each
/// payment follows after one byte with its length.
///
/// # Panics
///
/// A total is wrong, a line is too wide, or a text could harm a terminal.
pub fn statement(data: &[u8]) {
    let [max_listed, max_payments, payments @ ..] = data else {
        return;
    };
    let (max_listed, max_payments) = (usize::from(*max_listed), usize::from(*max_payments));
    let mut statement = Statement::with_max_listed(max_listed, max_payments);
    let mut sums = Sums::default();
    let mut rest = payments;
    while let Some((length, behind)) = rest.split_first() {
        let (message, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        if let Ok(payment) = types::Payment::decode(message) {
            push(&mut statement, payment, &mut sums);
        }
    }
    assert!(statement.payments() <= max_payments && statement.listed() <= max_listed);
    check_text(&statement.render(), &statement, &sums);
}

fn push(statement: &mut Statement, payment: types::Payment, sums: &mut Sums) {
    let (accepted, amount) = (statement.payments(), i64::from(payment.amount));
    match statement.push(payment) {
        Ok(()) => {
            assert_eq!(statement.payments(), accepted + 1);
            sums.paid_in += amount.min(0);
            sums.paid_out += amount.max(0);
        }
        Err(invalid) => {
            assert_eq!((statement.payments(), invalid.position), (accepted, accepted + 1));
            let status = Status::from(invalid);
            assert!(!status.message().contains(sanitize::is_unsafe), "{status:?}");
        }
    }
}

fn check_text(text: &str, statement: &Statement, sums: &Sums) {
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        assert!(line.width() <= MAX_LINE_COLUMNS, "{line:?}");
        assert!(!line.contains(sanitize::is_unsafe), "{line:?}");
    }
    let numbers = |line: &&str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    assert_eq!(text.lines().filter(numbers).count(), statement.listed());
    for (label, amount) in [
        ("PAID IN", sums.paid_in),
        ("PAID OUT", sums.paid_out),
        ("FINAL BALANCE", sums.paid_in + sums.paid_out),
    ] {
        let line = text.lines().rfind(|line| line.starts_with(label));
        let printed = line.and_then(|line| line.rsplit(' ').next());
        assert_eq!(
            printed,
            Some(Dollars::from(amount).to_string().as_str()),
            "{text}"
        );
    }
}
