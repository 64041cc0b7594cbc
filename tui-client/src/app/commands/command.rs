//! Typed commands of the palette and plain mode: `buy 2`, `buyTokens 100`, `payment-statement`.

use std::fmt;

use awesomestock_proto::text::thousands;
use awesomestock_proto::values::Trigger;

use crate::app::portfolio::money::Side;
use crate::app::portfolio::order::{Condition, Terms};
use crate::app::portfolio::quantity::Quantity;

/// A parsed command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    BuyTokens(i32),
    Withdraw(i32),
    Balance,
    Payments,
    Trades,
    Statement,
    Leaderboard,
    Gamble,
    /// Side, stocks, terms. A typed one has a count; that of the ticket may be computed when it is sent.
    Order(Side, Quantity, Terms),
    AlertAbove(i32),
    AlertBelow(i32),
    AlertsOff,
    Stop,
    Tour,
    Help,
    Exit,
}

#[derive(Debug, Clone, Copy)]
enum Arity {
    NoArgument(Command),
    Amount(&'static str, fn(i32) -> Command),
}

/// A row of the command table.
#[derive(Debug, Clone, Copy)]
pub struct CommandSpec {
    /// Primary name.
    pub name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    /// Help text.
    pub help: &'static str,
    form: Arity,
}

impl CommandSpec {
    /// Returns the name of the argument, if any.
    pub fn amount(&self) -> Option<&'static str> {
        match self.form {
            Arity::NoArgument(_) => None,
            Arity::Amount(name, _) => Some(name),
        }
    }

    /// Returns the usage: `buyTokens DOLLARS`.
    pub(crate) fn usage(&self) -> String {
        match self.amount() {
            None => self.name.to_owned(),
            Some(amount) => format!("{} {amount}", self.name),
        }
    }

    /// Returns all names, the primary one first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// Returns the command, with the smallest amount if it has one.
    pub(crate) fn example(&self) -> Command {
        match self.form {
            Arity::NoArgument(command) => command,
            Arity::Amount(_, command) => command(1),
        }
    }

    fn is(&self, typed: &str) -> bool {
        self.names().any(|name| name.eq_ignore_ascii_case(typed))
    }
}

/// All commands, in the order of the help.
#[rustfmt::skip] // one row a line
pub const COMMANDS: &[CommandSpec] = &[
    amount("buyTokens", &["buy-tokens"], "DOLLARS", Command::BuyTokens, "buy tokens: 5 per dollar"),
    amount("withdraw", &[], "TOKENS", Command::Withdraw, "convert tokens to dollars: a multiple of 5"),
    spec("balance", &[], Command::Balance, "your token balance"),
    spec("payments", &[], Command::Payments, "your payments, oldest first"),
    spec("trades", &[], Command::Trades, "your trades"),
    spec("paymentStatement", &["payment-statement", "statement"], Command::Statement, "your statement"),
    spec("leaderboard", &["tape", "players"], Command::Leaderboard,
        "the leaderboard; the full screen also shows players online and recent trades"),
    spec("gamble", &[], Command::Gamble, "join the table: see prices and trade"),
    amount("buy", &[], "STOCKS", |count| now(Side::Buy, count, None),
        "buy stocks now; buy 10 @ 14: at 14 or less"),
    amount("sell", &[], "STOCKS", |count| now(Side::Sell, count, None),
        "sell stocks now; sell 10 @ 14: at 14 or more"),
    amount("alertAbove", &["alert-above"], PRICE, Command::AlertAbove, "alert when the price is this or more"),
    amount("alertBelow", &["alert-below"], PRICE, Command::AlertBelow, "alert when the price is this or less"),
    spec("alertsOff", &["alerts-off"], Command::AlertsOff, "remove all alerts"),
    spec("stop", &[], Command::Stop, "leave the table"),
    spec("tour", &[], Command::Tour, "a tour of the screen: seven keys to try"),
    spec("help", &["?"], Command::Help, "list the commands"),
    spec("exit", &["quit", "q"], Command::Exit, "quit the game; your wallet is saved"),
];

const fn spec(
    name: &'static str,
    aliases: &'static [&'static str],
    command: Command,
    help: &'static str,
) -> CommandSpec {
    CommandSpec {
        name,
        aliases,
        help,
        form: Arity::NoArgument(command),
    }
}

const fn amount(
    name: &'static str,
    aliases: &'static [&'static str],
    amount: &'static str,
    command: fn(i32) -> Command,
    help: &'static str,
) -> CommandSpec {
    CommandSpec {
        name,
        aliases,
        help,
        form: Arity::Amount(amount, command),
    }
}

/// A parse error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandError {
    Empty,
    Unknown(String),
    /// Missing argument: command and argument name.
    AmountMissing(&'static str, &'static str),
    /// Too many words; holds the usage.
    TooMuch(String),
    /// Not a whole number from 1 to 2147483647: argument name and value.
    BadAmount(&'static str, String),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "type a command, or help"),
            Self::Unknown(word) => write!(f, "unknown command {word:?}; help lists the commands"),
            Self::AmountMissing(word, amount) => {
                let what = if *amount == PRICE { "a price" } else { "an amount" };
                write!(f, "{word} needs {what}: {word} {amount}")
            }
            Self::TooMuch(usage) => write!(f, "too many words; usage: {usage}"),
            Self::BadAmount(amount, typed) => {
                write!(
                    f,
                    "{amount} must be a whole number from 1 to {}, not {typed:?}",
                    thousands(i32::MAX)
                )
            }
        }
    }
}

impl std::error::Error for CommandError {}

/// Parses a line. Fails if the line is empty, the command unknown, or the argument missing, out of range or followed by
/// other words.
pub(crate) fn parse(line: &str) -> Result<Command, CommandError> {
    let typed = line.split_whitespace().next().ok_or(CommandError::Empty)?;
    let word = COMMANDS
        .iter()
        .find(|word| word.is(typed))
        .ok_or_else(|| CommandError::Unknown(ellipsize(typed)))?;
    let (line, limit) = match line.split_once('@') {
        Some((line, limit)) if takes_limit(word) => (line, Some(parse_limit(limit.trim())?)),
        _ => (line, None),
    };
    let mut words = line.split_whitespace().skip(1);
    let command = match word.form {
        Arity::NoArgument(command) => command,
        Arity::Amount(name, command) => {
            let amount = words.next().ok_or(CommandError::AmountMissing(word.name, name))?;
            command(parse_amount(name, amount)?)
        }
    };
    let command = match (words.next(), command) {
        (None, Command::Order(side, count, _)) => match limit {
            Some((price, true)) => rest(side, count, Trigger::Limit, price),
            limit => Command::Order(side, count, Terms::immediate(limit.map(|(price, _)| price))),
        },
        (None, command) => command,
        (Some(stop), Command::Order(side, count, _)) if limit.is_none() && is(stop, STOP) => {
            let price = words.next().ok_or(CommandError::AmountMissing(STOP, PRICE))?;
            rest(side, count, Trigger::Stop, parse_amount(PRICE, price)?)
        }
        (Some(_), _) => return Err(CommandError::TooMuch(full_usage(word))),
    };
    match words.next() {
        None => Ok(command),
        Some(_) => Err(CommandError::TooMuch(full_usage(word))),
    }
}

/// Name of the argument after `@` and `stop`.
const PRICE: &str = "PRICE";

const STOP: &str = "stop";

const REST: &str = "rest";

/// Returns an order that does not rest.
fn now(side: Side, count: i32, limit: Option<i32>) -> Command {
    Command::Order(side, Quantity::Count(count), Terms::immediate(limit))
}

/// Returns an order that rests.
fn rest(side: Side, count: Quantity, trigger: Trigger, price: i32) -> Command {
    Command::Order(side, count, Terms::Rest(Condition { trigger, price }))
}

/// Parses a price that `rest` may follow.
fn parse_limit(typed: &str) -> Result<(i32, bool), CommandError> {
    let (price, rests) = match typed.rsplit_once(char::is_whitespace) {
        Some((price, last)) if is(last, REST) => (price.trim_end(), true),
        _ => (typed, false),
    };
    if price.is_empty() || is(price, REST) {
        return Err(CommandError::AmountMissing("@", PRICE));
    }
    Ok((parse_amount(PRICE, price)?, rests))
}

fn is(typed: &str, word: &str) -> bool {
    typed.eq_ignore_ascii_case(word)
}

/// Returns the usage with the terms of an order.
fn full_usage(word: &CommandSpec) -> String {
    let terms = if takes_limit(word) {
        " [@ PRICE [rest] | stop PRICE]"
    } else {
        ""
    };
    format!("{}{terms}", word.usage())
}

fn takes_limit(word: &CommandSpec) -> bool {
    matches!(word.form, Arity::Amount(_, command) if matches!(command(1), Command::Order(..)))
}

fn parse_amount(name: &'static str, typed: &str) -> Result<i32, CommandError> {
    let bad = || CommandError::BadAmount(name, ellipsize(typed));
    if !typed.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    typed.parse().ok().filter(|amount| *amount >= 1).ok_or_else(bad)
}

/// Shortens user input for an error message.
pub(super) fn ellipsize(typed: &str) -> String {
    typed.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_what_is_missing_or_too_much() {
        for (line, expected) in [
            ("buy", "buy needs an amount: buy STOCKS"),
            ("buy @ 14", "buy needs an amount: buy STOCKS"),
            ("buy 10 @", "@ needs a price: @ PRICE"),
            ("sell 10 @ rest", "@ needs a price: @ PRICE"),
            ("buy 10 stop", "stop needs a price: stop PRICE"),
            ("alertAbove", "alertAbove needs a price: alertAbove PRICE"),
            (
                "buy 1 rest",
                "too many words; usage: buy STOCKS [@ PRICE [rest] | stop PRICE]",
            ),
            (
                "sell 1 stop 2 rest",
                "too many words; usage: sell STOCKS [@ PRICE [rest] | stop PRICE]",
            ),
            ("withdraw 10 @ 14", "too many words; usage: withdraw TOKENS"),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn an_order_may_have_a_limit_or_a_stop_and_nothing_else() {
        let resting = |side, trigger| Some(rest(side, Quantity::Count(10), trigger, 14));
        let limited = |side| Some(now(side, 10, Some(14)));
        for (line, expected) in [
            ("buy 10 @ 14", limited(Side::Buy)),
            ("buy 10 @14", limited(Side::Buy)),
            ("SELL 10@14", limited(Side::Sell)),
            ("buy 10", Some(now(Side::Buy, 10, None))),
            ("buy 10 @", None),
            ("buy @ 14", None),
            ("buy 10 @ 0", None),
            ("buy 10 @ -1", None),
            ("buy 10 @ 14 15", None),
            ("buy 10 @ 14 @ 15", None),
            ("buy 10 14", None),
            ("buy 10 @ 14 rest", resting(Side::Buy, Trigger::Limit)),
            ("sell 10@14 REST", resting(Side::Sell, Trigger::Limit)),
            ("sell 10 stop 14", resting(Side::Sell, Trigger::Stop)),
            ("BUY 10 STOP 14", resting(Side::Buy, Trigger::Stop)),
            ("buy 10 rest", None),
            ("buy 10 @ rest", None),
            ("buy 10 @ 14 rest now", None),
            ("buy 10 stop", None),
            ("buy 10 stop 0", None),
            ("buy 10 stop 14 rest", None),
            ("buy 10 stop 14 @ 14", None),
            ("withdraw 10 stop 14", None),
            ("withdraw 10 @ 14", None),
            ("stop @ 14", None),
        ] {
            assert_eq!(parse(line).ok(), expected, "{line:?}");
        }
    }
}
