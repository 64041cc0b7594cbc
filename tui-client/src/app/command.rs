//! The words of the game, for the palette and for plain mode: `buy 2`, `buyTokens 100`, `payment-statement`.
//!
//! Owns the words and the bounds of their amounts. What a command does is decided by those who run it.

use std::fmt;

use super::money::Side;

/// A line of words, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Tokens for so many dollars.
    BuyTokens(i32),
    /// Dollars for so many tokens.
    Withdraw(i32),
    /// The token balance.
    Balance,
    /// The list of payments.
    Payments,
    /// The trades.
    Trades,
    /// The statement.
    Statement,
    /// Who owns most; on the screen, all that is known of the others.
    Leaderboard,
    /// Sit down at the table.
    Gamble,
    /// Buy so many stocks.
    Buy(i32),
    /// Sell so many stocks.
    Sell(i32),
    /// Buy or sell so many stocks, at a limit or better.
    Limited(Side, i32, i32),
    /// Tell when the price is this or more.
    AlertAbove(i32),
    /// Tell when the price is this or less.
    AlertBelow(i32),
    /// Remove all alerts.
    AlertsOff,
    /// Leave the table.
    Stop,
    /// The words.
    Help,
    /// Leave the game.
    Exit,
}

/// How a word is completed to a command.
#[derive(Debug, Clone, Copy)]
enum Form {
    Alone(Command),
    Amount(&'static str, fn(i32) -> Command),
}

/// A word and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// As it is written first.
    pub name: &'static str,
    /// Other ways to write it.
    pub aliases: &'static [&'static str],
    /// A sentence for the help.
    pub help: &'static str,
    form: Form,
}

impl Word {
    /// The name of the amount the word takes.
    #[must_use]
    pub fn amount(&self) -> Option<&'static str> {
        match self.form {
            Form::Alone(_) => None,
            Form::Amount(name, _) => Some(name),
        }
    }

    /// As one types it: `buyTokens DOLLARS`.
    #[must_use]
    pub fn usage(&self) -> String {
        match self.amount() {
            None => self.name.to_owned(),
            Some(amount) => format!("{} {amount}", self.name),
        }
    }

    /// All ways to write it, the first one first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    fn is(&self, typed: &str) -> bool {
        self.names().any(|name| name.eq_ignore_ascii_case(typed))
    }
}

/// All words, in the order of the help.
pub const WORDS: &[Word] = &[
    amount(
        "buyTokens",
        &["buy-tokens"],
        "DOLLARS",
        Command::BuyTokens,
        "buy tokens: 5 a dollar",
    ),
    amount(
        "withdraw",
        &[],
        "TOKENS",
        Command::Withdraw,
        "turn tokens into dollars: a multiple of 5",
    ),
    alone("balance", &[], Command::Balance, "the tokens you have"),
    alone("payments", &[], Command::Payments, "your payments, oldest first"),
    alone("trades", &[], Command::Trades, "your trades"),
    alone(
        "paymentStatement",
        &["payment-statement", "statement"],
        Command::Statement,
        "your statement",
    ),
    alone(
        "leaderboard",
        &["tape", "players"],
        Command::Leaderboard,
        "who owns most, and on the screen what the others do",
    ),
    alone(
        "gamble",
        &[],
        Command::Gamble,
        "sit down: prices come, and you can trade",
    ),
    amount(
        "buy",
        &[],
        "STOCKS",
        Command::Buy,
        "buy stocks at the price in force; buy 10 @ 14: only at 14 or below",
    ),
    amount(
        "sell",
        &[],
        "STOCKS",
        Command::Sell,
        "sell stocks at the price in force; sell 10 @ 14: only at 14 or above",
    ),
    amount(
        "alertAbove",
        &["alert-above"],
        "PRICE",
        Command::AlertAbove,
        "tell me when the price is this or more",
    ),
    amount(
        "alertBelow",
        &["alert-below"],
        "PRICE",
        Command::AlertBelow,
        "tell me when the price is this or less",
    ),
    alone(
        "alertsOff",
        &["alerts-off"],
        Command::AlertsOff,
        "remove all alerts",
    ),
    alone("stop", &[], Command::Stop, "leave the table"),
    alone("help", &["?"], Command::Help, "these words"),
    alone(
        "exit",
        &["quit", "q"],
        Command::Exit,
        "leave the game; the wallet is kept",
    ),
];

const fn alone(
    name: &'static str,
    aliases: &'static [&'static str],
    command: Command,
    help: &'static str,
) -> Word {
    Word {
        name,
        aliases,
        help,
        form: Form::Alone(command),
    }
}

const fn amount(
    name: &'static str,
    aliases: &'static [&'static str],
    amount: &'static str,
    command: fn(i32) -> Command,
    help: &'static str,
) -> Word {
    Word {
        name,
        aliases,
        help,
        form: Form::Amount(amount, command),
    }
}

/// Why a line is no command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// There is nothing in it.
    Empty,
    /// No word is called so.
    Unknown(String),
    /// The word takes an amount.
    AmountMissing(&'static str, &'static str),
    /// The word takes nothing, or one amount only.
    TooMuch(String),
    /// The amount is no whole number from 1 to 2147483647.
    BadAmount(&'static str, String),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "type a command, or help"),
            Self::Unknown(word) => write!(f, "there is no command {word:?}; help lists them"),
            Self::AmountMissing(word, amount) => write!(f, "{word} takes an amount: {word} {amount}"),
            Self::TooMuch(usage) => write!(f, "too many words; write: {usage}"),
            Self::BadAmount(amount, typed) => {
                write!(
                    f,
                    "{amount} is a whole number from 1 to {}, not {typed:?}",
                    i32::MAX
                )
            }
        }
    }
}

impl std::error::Error for CommandError {}

/// Understands a line.
///
/// # Errors
///
/// When it is empty, holds an unknown word, too many words, or an amount that is missing or out of bounds.
pub fn parse(line: &str) -> Result<Command, CommandError> {
    let typed = line.split_whitespace().next().ok_or(CommandError::Empty)?;
    let word = WORDS
        .iter()
        .find(|word| word.is(typed))
        .ok_or_else(|| CommandError::Unknown(shortened(typed)))?;
    let (line, limit) = match line.split_once('@') {
        Some((line, limit)) if takes_limit(word) => (line, Some(parse_amount("PRICE", limit.trim())?)),
        _ => (line, None),
    };
    let mut words = line.split_whitespace().skip(1);
    let command = match word.form {
        Form::Alone(command) => command,
        Form::Amount(name, command) => {
            let amount = words.next().ok_or(CommandError::AmountMissing(word.name, name))?;
            command(parse_amount(name, amount)?)
        }
    };
    match words.next() {
        None => Ok(limit.map_or(command, |limit| command.limited(limit))),
        Some(_) => Err(CommandError::TooMuch(word.usage())),
    }
}

/// Whether `@ PRICE` may follow.
fn takes_limit(word: &Word) -> bool {
    matches!(word.form, Form::Amount(_, command) if command(1).limited(1) != command(1))
}

impl Command {
    /// The same order at `limit` or better; what is no order stays as it is.
    fn limited(self, limit: i32) -> Self {
        match self {
            Self::Buy(count) => Self::Limited(Side::Buy, count, limit),
            Self::Sell(count) => Self::Limited(Side::Sell, count, limit),
            other => other,
        }
    }
}

fn parse_amount(name: &'static str, typed: &str) -> Result<i32, CommandError> {
    let bad = || CommandError::BadAmount(name, shortened(typed));
    if !typed.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    typed.parse().ok().filter(|amount| *amount >= 1).ok_or_else(bad)
}

/// What was typed, short enough for a line of error.
fn shortened(typed: &str) -> String {
    typed.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_may_have_a_limit_and_nothing_else() {
        let limited = |side| Some(Command::Limited(side, 10, 14));
        for (line, expected) in [
            ("buy 10 @ 14", limited(Side::Buy)),
            ("buy 10 @14", limited(Side::Buy)),
            ("SELL 10@14", limited(Side::Sell)),
            ("buy 10", Some(Command::Buy(10))),
            ("buy 10 @", None),
            ("buy @ 14", None),
            ("buy 10 @ 0", None),
            ("buy 10 @ -1", None),
            ("buy 10 @ 14 15", None),
            ("buy 10 @ 14 @ 15", None),
            ("buy 10 14", None),
            ("withdraw 10 @ 14", None),
            ("stop @ 14", None),
        ] {
            assert_eq!(parse(line).ok(), expected, "{line:?}");
        }
    }
}
