//! Core: what a statement takes, and how it reads.
//!
//! Owns the rules of a statement: one player, whole dollars other than 0, sums that fit, a bounded number of payments,
//! and its text. Payments come one by one and the text is made at the end, because columns are as wide as the widest
//! of their cells. Of a long history the newest payments are listed one by one, and those before them are brought
//! forward as sums, as banks do: so a statement takes bounded memory, and every total counts every payment. It knows no
//! stream, no clock and no message of the wire.

mod dollars;
mod player;
mod table;

use std::collections::VecDeque;

use jiff::Timestamp;

pub use dollars::Dollars;
pub use player::{MAX_NAME_CHARACTERS, NameError, PlayerName};
use table::{Align, COLUMNS, Table};

/// No line of a statement of up to ten million payments is wider than this, in terminal columns. Of those that a casino
/// sends none comes near: it takes numbers of 19 digits.
///
/// The lines of the table are ASCII: without its `\n`, none of them is longer than this in bytes either.
pub const MAX_LINE_COLUMNS: usize = 81;

/// Payments that a statement lists one by one: the newest ones. A message of so many lines is within the 4 MiB that
/// gRPC clients, those of tonic and Go among them, take unless told otherwise.
pub const LISTED_MAX: usize = 50_000;

const TITLE: &str = "AwesomeStock payment statement";
const HEADINGS: [&str; COLUMNS] = ["NUMBER", "DATE (UTC)", "DOLLARS", "BALANCE"];
const ALIGNMENT: [Align; COLUMNS] = [Align::Right, Align::Left, Align::Right, Align::Right];

/// How a reader is to understand the signs.
const LEGEND: &str = "\
Dollars: - was paid in by the player, + was paid out to the player.
Balance: paid out less paid in; below 0, more went in than came out.
";

/// How a reader is to understand what is brought forward.
const FORWARD_LEGEND: &str = "\
Older payments are brought forward as sums; the totals count every payment.
";

/// Lines for what is brought forward.
const FORWARD_LINES: usize = 4;

/// A payment as a sender states it; nothing about it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The player's name, if the sender gave one.
    pub player: Option<String>,
    /// Dollars: negative = paid in by the player, positive = paid out to the player.
    pub amount: i32,
    /// Position among the player's payments, 1 for the first; 0 where the sender does not number.
    pub number: i64,
    /// When it was recorded, in milliseconds since the Unix epoch, UTC; 0 where the sender does not date.
    pub created_unix_ms: i64,
}

/// Why a payment cannot go into a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payment {position}: {reason}")]
pub struct Refusal {
    /// The payment's place in the order sent, 1 for the first.
    pub position: usize,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a payment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It has no user.
    #[error("user is missing; every payment names its player")]
    NoUser,
    /// Its user's name is none.
    #[error("user.id {0}")]
    Name(#[from] NameError),
    /// Its user is not the one of the payments before.
    #[error("user.id is not the player of payment 1; a statement is of one player")]
    OtherPlayer,
    /// It moves nothing.
    #[error("amount is 0; it must be below 0 (paid in) or above 0 (paid out)")]
    ZeroAmount,
    /// It has an impossible number.
    #[error("number is {0}; it must be at least 1, or 0 from a sender that does not number payments")]
    Number(i64),
    /// The statement is full.
    #[error("one too many: the bound is {max} in one statement")]
    TooMany {
        /// How many payments the statement takes.
        max: usize,
    },
    /// The sums no longer fit.
    #[error("amount brings a total past 64 bits")]
    TotalTooLarge,
}

/// One player's payments, on the way to being a statement.
///
/// ```
/// use payments_server::statement::{Payment, Statement};
///
/// let mut statement = Statement::new(100);
/// statement.push(Payment { player: Some("ann".to_owned()), amount: -20, number: 1, created_unix_ms: 0 })?;
/// assert!(statement.render().contains("FINAL BALANCE"));
/// # Ok::<(), payments_server::statement::Refusal>(())
/// ```
#[derive(Debug, Clone)]
pub struct Statement {
    max_payments: usize,
    listed_max: usize,
    /// Known from the first payment on.
    player: Option<PlayerName>,
    /// The newest payments, at most `listed_max`.
    rows: VecDeque<Row>,
    forward: Forward,
    totals: Totals,
}

/// The payments before the rows, as what is left of them.
#[derive(Debug, Clone, Copy, Default)]
struct Forward {
    payments: usize,
    totals: Totals,
}

/// A payment that was taken in. Small, because there may be a million of them.
#[derive(Debug, Clone, Copy)]
struct Row {
    number: i64,
    created_unix_ms: i64,
    /// The balance after the payment.
    balance: Dollars,
    amount: i32,
}

/// The sums over all rows.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    /// Never above 0.
    paid_in: Dollars,
    /// Never below 0.
    paid_out: Dollars,
    balance: Dollars,
}

impl Totals {
    /// The sums with `amount` among them, or nothing where one does not fit.
    fn with(self, amount: i32) -> Option<Self> {
        let amount = Dollars::from(amount);
        let (paid_in, paid_out) = if amount < Dollars::ZERO {
            (self.paid_in.checked_add(amount)?, self.paid_out)
        } else {
            (self.paid_in, self.paid_out.checked_add(amount)?)
        };
        let balance = self.balance.checked_add(amount)?;
        Some(Self {
            paid_in,
            paid_out,
            balance,
        })
    }
}

impl Statement {
    /// A statement without payments, that takes `max_payments` of them and lists the newest [`LISTED_MAX`].
    #[must_use]
    pub fn new(max_payments: usize) -> Self {
        Self::listing(LISTED_MAX, max_payments)
    }

    /// A statement without payments, that takes `max_payments` of them and lists the newest `listed_max`.
    #[must_use]
    pub fn listing(listed_max: usize, max_payments: usize) -> Self {
        Self {
            max_payments,
            listed_max,
            player: None,
            rows: VecDeque::new(),
            forward: Forward::default(),
            totals: Totals::default(),
        }
    }

    /// How many payments were taken in.
    #[must_use]
    pub fn payments(&self) -> usize {
        self.rows.len().saturating_add(self.forward.payments)
    }

    /// How many of them are listed one by one. The others are held as sums alone.
    #[must_use]
    pub fn listed(&self) -> usize {
        self.rows.len()
    }

    /// Takes in the next payment, older ones before newer ones.
    ///
    /// # Errors
    ///
    /// When the payment breaks a rule of the statement, as [`Reason`] lists them. The statement is then as it was.
    pub fn push(&mut self, payment: Payment) -> Result<(), Refusal> {
        let position = self.payments().saturating_add(1);
        self.take(payment, position)
            .map_err(|reason| Refusal { position, reason })
    }

    fn take(&mut self, payment: Payment, position: usize) -> Result<(), Reason> {
        if self.payments() >= self.max_payments {
            return Err(Reason::TooMany {
                max: self.max_payments,
            });
        }
        let newcomer = self.identify(payment.player)?;
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
        if self.rows.len() > self.listed_max {
            self.bring_forward();
        }
        if newcomer.is_some() {
            self.player = newcomer;
        }
        Ok(())
    }

    /// Brings the oldest row forward.
    fn bring_forward(&mut self) {
        let Some(oldest) = self.rows.pop_front() else {
            return;
        };
        // It fits: the sums over all payments do.
        if let Some(totals) = self.forward.totals.with(oldest.amount) {
            self.forward.totals = totals;
        }
        self.forward.payments = self.forward.payments.saturating_add(1);
    }

    /// Checks whose payment it is: the player's name if it is the first, nothing if it is known already.
    fn identify(&self, player: Option<String>) -> Result<Option<PlayerName>, Reason> {
        let name = PlayerName::parse(player.ok_or(Reason::NoUser)?)?;
        match &self.player {
            None => Ok(Some(name)),
            Some(known) if *known == name => Ok(None),
            Some(_) => Err(Reason::OtherPlayer),
        }
    }

    /// The statement's text: lines of at most [`MAX_LINE_COLUMNS`], each ended by `\n`.
    ///
    /// Without payments it says so; it then names no player, because only payments do.
    #[must_use]
    pub fn render(&self) -> String {
        match &self.player {
            None => self.render_empty(),
            Some(player) => self.render_payments(player),
        }
    }

    fn render_empty(&self) -> String {
        let mut text = format!("{TITLE}\n\nNo payments.\n\n");
        for (label, amount) in self.summary() {
            text.push_str(&format!("{label:13}  {amount}\n"));
        }
        text
    }

    fn render_payments(&self, player: &PlayerName) -> String {
        let summary = self.summary();
        let forward = self.forward.summary();
        let mut table = Table::new(ALIGNMENT);
        table.fit(&HEADINGS);
        for cells in self.rows.iter().map(Row::cells) {
            table.fit(&cells);
        }
        for (_, amount) in &summary {
            table.fit_summary(&amount.to_string());
        }
        for (_, value) in forward.iter().flatten() {
            table.fit_summary(value);
        }

        // The player stands alone on a line: letters that run from right to left cannot reorder a figure there.
        let heading = format!("{TITLE}\nPlayer: {}\n\n", player.harmless());
        let others = summary.len().saturating_add(FORWARD_LINES).saturating_add(4);
        let lines = self.rows.len().saturating_add(others);
        let capacity = lines
            .saturating_mul(table.line_bytes())
            .saturating_add(heading.len())
            .saturating_add(LEGEND.len())
            .saturating_add(FORWARD_LEGEND.len());
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
        for (label, amount) in &summary {
            table.summary(&mut text, label, &amount.to_string());
        }
        text.push('\n');
        text.push_str(LEGEND);
        if forward.is_some() {
            text.push_str(FORWARD_LEGEND);
        }
        text
    }

    fn summary(&self) -> [(&'static str, Dollars); 3] {
        [
            ("PAID IN", self.totals.paid_in),
            ("PAID OUT", self.totals.paid_out),
            ("FINAL BALANCE", self.totals.balance),
        ]
    }
}

impl Forward {
    /// Its lines; none where every payment is listed.
    fn summary(&self) -> Option<[(&'static str, String); FORWARD_LINES]> {
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

/// A moment as `2026-01-31 23:59:59`, UTC; `-` for none, and in words where no four digits hold the year.
fn date(unix_ms: i64) -> String {
    if unix_ms == 0 {
        return "-".to_owned();
    }
    Timestamp::from_millisecond(unix_ms)
        .ok()
        .map(|moment| jiff::tz::Offset::UTC.to_datetime(moment))
        .filter(|moment| moment.year() >= 0)
        .map_or_else(
            || "out of range".to_owned(),
            |moment| moment.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        )
}
