//! The statement: accepts one player's payments, and renders them as text.
//!
//! The text is rendered at the end, as column widths depend on all rows. Only the newest payments are listed;
//! older ones are carried forward as sums, so that memory is bounded and totals count every payment.

mod dollars;
mod table;

use std::collections::VecDeque;

use awesomestock_proto::player::{self, InvalidName};
use awesomestock_proto::text::sanitize::sanitize;
use awesomestock_proto::types::{Payment, User};
pub use dollars::Dollars;
use jiff::Timestamp;
use table::{COLUMNS, Table};

/// Widest line of a statement of up to ten million payments, in terminal columns. It needs numbers of 19
/// digits, which a casino does not send.
///
/// Table lines are ASCII, so this also limits their bytes, without `\n`.
pub const MAX_LINE_COLUMNS: usize = 81;

/// Most listed payments. A message with as many lines fits the default limit of 4 MiB of gRPC clients such as
/// tonic and Go.
pub const MAX_LISTED: usize = 50_000;

const TITLE: &str = "AwesomeStock payment statement";
const HEADINGS: [&str; COLUMNS] = ["NUMBER", "DATE (UTC)", "DOLLARS", "BALANCE"];

const LEGEND: &str = "\
Dollars: - was paid in by the player, + was paid out to the player.
Balance: paid out less paid in; below 0, more went in than came out.
";

const CARRIED_FORWARD_LEGEND: &str = "\
Older payments are brought forward as sums; the totals count every payment.
";

/// A payment that a statement rejects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payment {position}: {reason}")]
pub struct InvalidPayment {
    /// Position in the order sent, from 1.
    pub position: usize,
    /// The violated rule.
    pub reason: Reason,
}

/// The rule that a payment violates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The user is missing.
    #[error("user is missing; every payment must have its player")]
    NoUser,
    /// The player's name is invalid.
    #[error("user.id: {0}")]
    Name(#[from] InvalidName),
    /// The player differs from that of the first payment.
    #[error("user.id is not the player of payment 1; a statement has one player")]
    OtherPlayer,
    /// The amount is 0.
    #[error("amount is 0; must be below 0 (paid in) or above 0 (paid out)")]
    ZeroAmount,
    /// The number is negative.
    #[error("number is {0}; must be at least 1, or 0 if payments are not numbered")]
    Number(i64),
    /// The statement is full.
    #[error("too many: the limit is {max} in one statement")]
    TooMany {
        /// Most payments of the statement.
        max: usize,
    },
    /// A sum overflows.
    #[error("a total with this amount exceeds 64 bits")]
    TotalTooLarge,
}

/// One player's payments, from which the statement is rendered.
///
/// ```
/// use awesomestock_proto::types::{Payment, User};
/// use payments_server::statement::Statement;
///
/// let mut statement = Statement::new(100);
/// let user = Some(User { id: "ann".to_owned() });
/// statement.push(Payment { user, amount: -20, number: 1, ..Payment::default() })?;
/// assert!(statement.render().contains("FINAL BALANCE"));
/// # Ok::<(), payments_server::statement::InvalidPayment>(())
/// ```
#[derive(Debug, Clone)]
pub struct Statement {
    max_payments: usize,
    max_listed: usize,
    /// Normalized name, set by the first payment.
    player: Option<String>,
    /// The newest payments, at most `max_listed`.
    rows: VecDeque<Row>,
    forward: CarriedForward,
    totals: Totals,
}

/// Sums of the payments before the listed ones.
#[derive(Debug, Clone, Copy, Default)]
struct CarriedForward {
    payments: usize,
    totals: Totals,
}

/// An accepted payment. Kept small, as there are many.
#[derive(Debug, Clone, Copy)]
struct Row {
    number: i64,
    created_unix_ms: i64,
    balance: Dollars,
    amount: i32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    /// At most 0.
    paid_in: Dollars,
    /// At least 0.
    paid_out: Dollars,
    balance: Dollars,
}

impl Totals {
    /// Adds `amount`, or returns `None` if a sum overflows.
    fn with(mut self, amount: i32) -> Option<Self> {
        let amount = Dollars::from(amount);
        let paid = if amount < Dollars::ZERO {
            &mut self.paid_in
        } else {
            &mut self.paid_out
        };
        *paid = paid.checked_add(amount)?;
        self.balance = self.balance.checked_add(amount)?;
        Some(self)
    }

    fn summary(&self) -> [(&'static str, String); 3] {
        [
            ("PAID IN", self.paid_in.to_string()),
            ("PAID OUT", self.paid_out.to_string()),
            ("FINAL BALANCE", self.balance.to_string()),
        ]
    }
}

impl Statement {
    /// Creates a statement of at most `max_payments`, the newest [`MAX_LISTED`] of which are listed.
    #[must_use]
    pub fn new(max_payments: usize) -> Self {
        Self::with_max_listed(MAX_LISTED, max_payments)
    }

    /// Creates a statement of at most `max_payments`, the newest `max_listed` of which are listed.
    #[must_use]
    pub fn with_max_listed(max_listed: usize, max_payments: usize) -> Self {
        Self {
            max_payments,
            max_listed,
            player: None,
            rows: VecDeque::new(),
            forward: CarriedForward::default(),
            totals: Totals::default(),
        }
    }

    /// Returns the number of accepted payments.
    #[must_use]
    pub fn payments(&self) -> usize {
        self.rows.len().saturating_add(self.forward.payments)
    }

    /// Returns the number of listed payments; the others are kept as sums.
    #[must_use]
    pub fn listed(&self) -> usize {
        self.rows.len()
    }

    /// Adds the next payment; older payments come first.
    ///
    /// # Errors
    ///
    /// A payment that violates a rule, see [`Reason`]. The statement does not change.
    pub fn push(&mut self, payment: Payment) -> Result<(), InvalidPayment> {
        let position = self.payments().saturating_add(1);
        self.accept(payment, position)
            .map_err(|reason| InvalidPayment { position, reason })
    }

    fn accept(&mut self, payment: Payment, position: usize) -> Result<(), Reason> {
        if self.payments() >= self.max_payments {
            return Err(Reason::TooMany {
                max: self.max_payments,
            });
        }
        let new_player = self.check_player(payment.user)?;
        if payment.amount == 0 {
            return Err(Reason::ZeroAmount);
        }
        let number = match payment.number {
            0 => i64::try_from(position).unwrap_or(i64::MAX),
            1.. => payment.number,
            _ => return Err(Reason::Number(payment.number)),
        };
        let totals = self.totals.with(payment.amount).ok_or(Reason::TotalTooLarge)?;

        self.rows.push_back(Row {
            number,
            created_unix_ms: payment.created_unix_ms,
            balance: totals.balance,
            amount: payment.amount,
        });
        self.totals = totals;
        if self.rows.len() > self.max_listed {
            self.carry_forward();
        }
        if new_player.is_some() {
            self.player = new_player;
        }
        Ok(())
    }

    /// Moves the oldest row to the sums.
    fn carry_forward(&mut self) {
        let Some(oldest) = self.rows.pop_front() else {
            return;
        };
        // Cannot overflow, as the sums over all payments do not.
        if let Some(totals) = self.forward.totals.with(oldest.amount) {
            self.forward.totals = totals;
        }
        self.forward.payments = self.forward.payments.saturating_add(1);
    }

    /// Returns the name of a new player, or `None` if the player is known.
    fn check_player(&self, user: Option<User>) -> Result<Option<String>, Reason> {
        let user = user.ok_or(Reason::NoUser)?;
        let name = player::normalize(&user.id)?;
        match &self.player {
            None => Ok(Some(name.into_owned())),
            Some(known) if **known == name => Ok(None),
            Some(_) => Err(Reason::OtherPlayer),
        }
    }

    /// Renders the statement in lines of at most [`MAX_LINE_COLUMNS`], each ending with `\n`. Without payments there is no player name.
    #[must_use]
    pub fn render(&self) -> String {
        match &self.player {
            None => self.render_empty(),
            Some(player) => self.render_payments(player),
        }
    }

    fn render_empty(&self) -> String {
        let mut text = format!("{TITLE}\n\nNo payments.\n\n");
        for (label, value) in self.totals.summary() {
            text.push_str(&format!("{label:13}  {value}\n"));
        }
        text
    }

    fn render_payments(&self, player: &str) -> String {
        let summary = self.totals.summary();
        let forward = self.forward.summary();
        let mut table = Table::default();
        table.fit(&HEADINGS);
        for cells in self.rows.iter().map(Row::cells) {
            table.fit(&cells);
        }
        for (_, value) in summary.iter().chain(forward.iter().flatten()) {
            table.fit_summary(value);
        }

        // The name has its own line, so that right-to-left letters cannot reorder numbers.
        let heading = format!("{TITLE}\nPlayer: {}\n\n", sanitize(player));
        // The headings, three rules, an empty line, and the two summaries.
        let capacity = self
            .rows
            .len()
            .saturating_add(12)
            .saturating_mul(table.line_bytes())
            .saturating_add(heading.len())
            .saturating_add(LEGEND.len())
            .saturating_add(CARRIED_FORWARD_LEGEND.len());
        let mut text = String::with_capacity(capacity);
        text.push_str(&heading);
        table.line(&mut text, &HEADINGS);
        table.rule(&mut text);
        if let Some(forward) = &forward {
            for (label, value) in forward {
                table.summary(&mut text, label, value);
            }
            table.rule(&mut text);
        }
        for cells in self.rows.iter().map(Row::cells) {
            table.line(&mut text, &cells);
        }
        table.rule(&mut text);
        for (label, value) in &summary {
            table.summary(&mut text, label, value);
        }
        text.push('\n');
        text.push_str(LEGEND);
        if forward.is_some() {
            text.push_str(CARRIED_FORWARD_LEGEND);
        }
        text
    }
}

impl CarriedForward {
    /// Returns `None` if every payment is listed.
    fn summary(&self) -> Option<[(&'static str, String); 4]> {
        (self.payments > 0).then(|| {
            [
                ("OLDER PAYMENTS", self.payments.to_string()),
                ("OF THEM PAID IN", self.totals.paid_in.to_string()),
                ("OF THEM PAID OUT", self.totals.paid_out.to_string()),
                ("BALANCE BROUGHT FORWARD", self.totals.balance.to_string()),
            ]
        })
    }
}

impl Row {
    fn cells(&self) -> [String; COLUMNS] {
        [
            self.number.to_string(),
            date(self.created_unix_ms),
            Dollars::from(self.amount).to_string(),
            self.balance.to_string(),
        ]
    }
}

/// Formats as `2026-01-31 23:59:59`, UTC; `-` for 0, and `out of range` for years of more than four digits.
fn date(unix_ms: i64) -> String {
    if unix_ms == 0 {
        return "-".to_owned();
    }
    Timestamp::from_millisecond(unix_ms)
        .ok()
        .map(|time| jiff::tz::Offset::UTC.to_datetime(time))
        .filter(|time| time.year() >= 0)
        .map_or_else(
            || "out of range".to_owned(),
            |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        )
}
