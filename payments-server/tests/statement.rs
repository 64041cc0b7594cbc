//! The statement: accepted and rejected payments, whole rendered texts, and properties of any payments.

use std::borrow::Cow;

use awesomestock_proto::player::{InvalidName, normalize};
use awesomestock_proto::types::{Payment, User};
use payments_server::Limits;
use payments_server::statement::{Dollars, InvalidPayment, MAX_LINE_COLUMNS, MAX_LISTED, Reason, Statement};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

/// Default message limit of a gRPC client.
const CLIENTS_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

fn payment(player: &str, amount: i32, number: i64, created_unix_ms: i64) -> Payment {
    Payment {
        user: Some(User {
            id: player.to_owned(),
        }),
        amount,
        number,
        created_unix_ms,
        ..Payment::default()
    }
}

fn statement_of(payments: &[Payment]) -> Statement {
    let mut statement = Statement::new(payments.len());
    for payment in payments {
        statement.push(payment.clone()).unwrap();
    }
    statement
}

#[test]
fn a_statement_is_rendered() {
    let statement = statement_of(&[
        payment("ann", -100, 1, 1_795_369_311_000),
        payment("ann", -1_250, 2, 1_795_369_999_999),
        payment("ann", 60, 3, 1_795_455_711_000),
    ]);
    assert_eq!(
        statement.render(),
        "\
AwesomeStock payment statement
Player: ann

NUMBER  DATE (UTC)           DOLLARS  BALANCE
------  -------------------  -------  -------
     1  2026-11-22 17:41:51     -100     -100
     2  2026-11-22 17:53:19   -1,250   -1,350
     3  2026-11-23 17:41:51      +60   -1,290
------  -------------------  -------  -------
PAID IN                                -1,350
PAID OUT                                  +60
FINAL BALANCE                          -1,290

Dollars: - was paid in by the player, + was paid out to the player.
Balance: paid out less paid in; below 0, more went in than came out.
"
    );
}

#[test]
fn payments_without_numbers_and_dates_are_numbered() {
    let statement = statement_of(&[
        payment("株太郎", -10, 0, 0),
        payment("株太郎", 10, 0, 0),
        payment("株太郎", 5, 0, 0),
    ]);
    assert_eq!(
        statement.render(),
        "\
AwesomeStock payment statement
Player: 株太郎

NUMBER  DATE (UTC)  DOLLARS  BALANCE
------  ----------  -------  -------
     1  -               -10      -10
     2  -               +10        0
     3  -                +5       +5
------  ----------  -------  -------
PAID IN                          -10
PAID OUT                         +15
FINAL BALANCE                     +5

Dollars: - was paid in by the player, + was paid out to the player.
Balance: paid out less paid in; below 0, more went in than came out.
"
    );
}

#[test]
fn older_payments_of_a_long_history_are_carried_forward_as_sums() {
    let mut statement = Statement::with_max_listed(2, 100);
    for (number, amount) in (1..).zip([-100, -1_250, 60, -5, 7]) {
        let bought = payment("ann", amount, number, 1_795_369_311_000);
        statement.push(bought).unwrap();
    }
    assert_eq!(
        statement.render(),
        "\
AwesomeStock payment statement
Player: ann

NUMBER  DATE (UTC)           DOLLARS  BALANCE
------  -------------------  -------  -------
OLDER PAYMENTS                              3
OF THEM PAID IN                        -1,350
OF THEM PAID OUT                          +60
BALANCE BROUGHT FORWARD                -1,290
------  -------------------  -------  -------
     4  2026-11-22 17:41:51       -5   -1,295
     5  2026-11-22 17:41:51       +7   -1,288
------  -------------------  -------  -------
PAID IN                                -1,355
PAID OUT                                  +67
FINAL BALANCE                          -1,288

Dollars: - was paid in by the player, + was paid out to the player.
Balance: paid out less paid in; below 0, more went in than came out.
Older payments are brought forward as sums; the totals count every payment.
"
    );
}

#[test]
fn an_empty_statement_is_rendered() {
    assert_eq!(
        Statement::new(1).render(),
        "\
AwesomeStock payment statement

No payments.

PAID IN        0
PAID OUT       0
FINAL BALANCE  0
"
    );
}

#[test]
fn the_largest_values_stay_aligned() {
    let statement = statement_of(&[
        payment("ann", i32::MIN, i64::MAX, i64::MAX),
        payment("ann", i32::MIN, 0, i64::MIN),
        payment("ann", i32::MAX, 1, -1),
        payment("ann", i32::MIN, 7, 253_402_207_200_000),
    ]);
    assert_eq!(
        statement.render(),
        "\
AwesomeStock payment statement
Player: ann

             NUMBER  DATE (UTC)                  DOLLARS         BALANCE
-------------------  -------------------  --------------  --------------
9223372036854775807  out of range         -2,147,483,648  -2,147,483,648
                  2  out of range         -2,147,483,648  -4,294,967,296
                  1  1969-12-31 23:59:59  +2,147,483,647  -2,147,483,649
                  7  9999-12-30 22:00:00  -2,147,483,648  -4,294,967,297
-------------------  -------------------  --------------  --------------
PAID IN                                                   -6,442,450,944
PAID OUT                                                  +2,147,483,647
FINAL BALANCE                                             -4,294,967,297

Dollars: - was paid in by the player, + was paid out to the player.
Balance: paid out less paid in; below 0, more went in than came out.
"
    );
}

#[test]
fn an_invalid_payment_is_rejected_with_its_field_and_changes_nothing() {
    let anonymous = Payment {
        user: None,
        ..payment("", -1, 0, 0)
    };
    let name = Reason::Name;
    let (char, position) = ('\u{1b}', 1);
    for (bad, reason, message) in [
        (
            anonymous,
            Reason::NoUser,
            "user is missing; every payment must have its player",
        ),
        (
            payment("", -1, 0, 0),
            name(InvalidName::Missing),
            "user.id: a name is needed, 1 to 32 characters",
        ),
        (
            payment(&"x".repeat(33), -1, 0, 0),
            name(InvalidName::TooLong { chars: 33 }),
            "user.id: a name has 1 to 32 characters, this one has 33",
        ),
        (
            payment("\u{1b}[2J", -1, 0, 0),
            name(InvalidName::BadChar { char, position }),
            "user.id: a name has letters, digits and _ - . only; character 1 is U+001B",
        ),
        (
            payment("bob", -1, 0, 0),
            Reason::OtherPlayer,
            "user.id is not the player of payment 1; a statement has one player",
        ),
        (
            payment("Ann", -1, 0, 0),
            Reason::OtherPlayer,
            "user.id is not the player of payment 1; a statement has one player",
        ),
        (
            payment("ann", 0, 0, 0),
            Reason::ZeroAmount,
            "amount is 0; must be below 0 (paid in) or above 0 (paid out)",
        ),
        (
            payment("ann", -1, -1, 0),
            Reason::Number(-1),
            "number is -1; must be at least 1, or 0 if payments are not numbered",
        ),
    ] {
        let mut statement = Statement::new(2);
        statement.push(payment("ann", -5, 0, 0)).unwrap();
        let before = statement.render();
        let rejection = statement.push(bad).unwrap_err();
        assert_eq!(rejection.to_string(), format!("payment 2: {message}"));
        assert_eq!(rejection, InvalidPayment { position: 2, reason });
        assert_eq!(statement.render(), before, "{message}");
        assert_eq!(statement.payments(), 1, "{message}");
    }
}

#[test]
fn a_rejected_first_payment_does_not_set_the_player() {
    let mut statement = Statement::new(2);
    statement.push(payment("ann", 0, 0, 0)).unwrap_err();
    statement.push(payment("bob", -1, 0, 0)).unwrap();
    assert!(statement.render().contains("Player: bob\n"));
}

#[test]
fn a_payment_over_the_limit_is_rejected() {
    let mut statement = Statement::new(2);
    statement.push(payment("ann", -1, 0, 0)).unwrap();
    statement.push(payment("ann", -1, 0, 0)).unwrap();
    let rejection = statement.push(payment("ann", -1, 0, 0)).unwrap_err();
    assert_eq!(
        rejection.to_string(),
        "payment 3: too many: the limit is 2 in one statement"
    );
}

#[test]
fn the_longest_list_fits_the_default_message_limit() {
    let text = largest_statement(MAX_LISTED + 1).render();
    // The field's tag and its length are at most 6 bytes.
    assert!(text.len() + 6 < CLIENTS_MESSAGE_BYTES);
}

#[test]
fn lines_of_the_largest_statement_are_short() {
    let payments = 1_000;
    let longest = largest_statement(payments)
        .render()
        .lines()
        .map(str::len)
        .max()
        .unwrap();
    // More payments widen only the balance column.
    let balance = |payments: usize| {
        Dollars::from(i64::from(i32::MIN) * i64::try_from(payments).unwrap())
            .to_string()
            .len()
    };
    let widened = balance(*Limits::MAX_PAYMENTS.end()) - balance(payments);
    assert_eq!(longest + widened, MAX_LINE_COLUMNS);
}

/// A statement whose cells are as wide as possible.
fn largest_statement(payments: usize) -> Statement {
    let mut statement = Statement::new(payments);
    for _ in 0..payments {
        statement.push(payment("ann", i32::MIN, i64::MAX, -1)).unwrap();
    }
    statement
}

fn amounts() -> impl Strategy<Value = i32> {
    prop_oneof![
        4 => -1_000..1_000_i32,
        2 => any::<i32>(),
        1 => prop::sample::select(vec![i32::MIN, -1, 1, i32::MAX]),
    ]
    .prop_map(|amount| if amount == 0 { 1 } else { amount })
}

fn timestamps() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 1_700_000_000_000..1_900_000_000_000_i64, any::<i64>()]
}

/// Valid names of narrow, wide, composed and right-to-left letters.
fn names() -> impl Strategy<Value = String> {
    let letters: Vec<char> = "abcXYZ059_-.éßЖ株価가नीאبǆ𝒳𠮷".chars().collect();
    prop_oneof![
        3 => prop::collection::vec(prop::sample::select(letters), 1..=32)
            .prop_map(|letters| letters.into_iter().collect::<String>()),
        1 => prop::collection::vec(
            any::<char>().prop_map(|c| if c.is_alphanumeric() { c } else { '_' }),
            1..=32
        )
        .prop_map(|letters| letters.into_iter().collect::<String>()),
    ]
    .prop_filter_map("not a name", |name| normalize(&name).ok().map(Cow::into_owned))
}

prop_compose! {
    fn histories()(
        name in names(),
        rows in prop::collection::vec((amounts(), prop_oneof![Just(0), 1..=i64::MAX], timestamps()), 1..60),
    ) -> Vec<Payment> {
        rows.into_iter()
            .map(|(amount, number, time)| payment(&name, amount, number, time))
            .collect()
    }
}

/// The lines of the table, including the header and the summary.
fn table_lines(text: &str) -> Vec<&str> {
    text.lines().skip(3).take_while(|line| !line.is_empty()).collect()
}

fn last_cell(line: &str) -> &str {
    line.rsplit(' ').next().unwrap()
}

proptest! {
    #[test]
    fn totals_and_balances_add_up(payments in histories()) {
        let text = statement_of(&payments).render();
        let lines = table_lines(&text);
        prop_assert_eq!(lines.len(), payments.len() + 6);

        let mut balance = 0_i64;
        for (line, payment) in lines[2..].iter().zip(&payments) {
            balance += i64::from(payment.amount);
            let cells: Vec<&str> = line.split_whitespace().rev().take(2).collect();
            prop_assert_eq!(cells[0], Dollars::from(balance).to_string());
            prop_assert_eq!(cells[1], Dollars::from(payment.amount).to_string());
        }
        let sum = |of: fn(&i64) -> bool| -> i64 {
            payments.iter().map(|payment| i64::from(payment.amount)).filter(of).sum()
        };
        let summary = &lines[lines.len() - 3..];
        for (line, label, amount) in [
            (summary[0], "PAID IN ", sum(|amount| *amount < 0)),
            (summary[1], "PAID OUT ", sum(|amount| *amount > 0)),
            (summary[2], "FINAL BALANCE ", balance),
        ] {
            prop_assert!(line.starts_with(label));
            prop_assert_eq!(last_cell(line), Dollars::from(amount).to_string());
        }
    }

    #[test]
    fn columns_are_aligned_and_without_control_characters(payments in histories()) {
        let text = statement_of(&payments).render();
        let lines = table_lines(&text);
        for line in &lines {
            prop_assert_eq!(line.width(), lines[0].width(), "{}", line);
        }
        for line in text.lines() {
            prop_assert!(line.width() <= MAX_LINE_COLUMNS, "{} columns: {}", line.width(), line);
        }
        prop_assert!(text.ends_with('\n'));
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert!(!text.lines().any(|line| line.ends_with(' ')));
    }

    #[test]
    fn a_statement_with_few_listed_rows_has_the_same_totals(
        payments in histories(),
        max_listed in 0..20_usize,
    ) {
        let mut bounded = Statement::with_max_listed(max_listed, payments.len());
        for payment in &payments {
            bounded.push(payment.clone()).unwrap();
            prop_assert!(bounded.listed() <= max_listed);
        }
        prop_assert_eq!(bounded.payments(), payments.len());
        let (whole, text) = (statement_of(&payments).render(), bounded.render());
        let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let tail = |text: &str| -> Vec<Vec<String>> {
            // The listed rows and, between two rules, the summary.
            table_lines(text).iter().rev().take(max_listed.min(payments.len()) + 4)
                .filter(|line| !line.starts_with('-'))
                .map(|line| cells(line)).collect()
        };
        prop_assert_eq!(tail(&text), tail(&whole));
        // The carried balance is the one before the first listed row.
        if payments.len() > max_listed {
            let older = payments.len() - max_listed;
            let forward: i64 = payments[..older].iter().map(|payment| i64::from(payment.amount)).sum();
            let line = text.lines().find(|line| line.starts_with("BALANCE BROUGHT FORWARD")).unwrap();
            prop_assert_eq!(last_cell(line), Dollars::from(forward).to_string());
            let line = text.lines().find(|line| line.starts_with("OLDER PAYMENTS")).unwrap();
            prop_assert_eq!(last_cell(line), older.to_string());
        } else {
            prop_assert_eq!(text, whole);
        }
    }

    #[test]
    fn any_payment_is_accepted_or_rejected_without_effect(
        payments in prop::collection::vec(
            (prop::option::of(any::<String>()), any::<i32>(), any::<i64>(), any::<i64>()),
            0..8,
        ),
        max_payments in 0..8_usize,
    ) {
        let mut statement = Statement::new(max_payments);
        for (player, amount, number, created_unix_ms) in payments {
            let before = statement.render();
            let accepted = statement.payments();
            let user = player.map(|id| User { id });
            let pushed = statement.push(Payment { user, amount, number, created_unix_ms, ..Payment::default() });
            match pushed {
                Ok(()) => prop_assert_eq!(statement.payments(), accepted + 1),
                Err(_) => prop_assert_eq!(statement.render(), before),
            }
            prop_assert!(statement.payments() <= max_payments);
            let text = statement.render();
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
