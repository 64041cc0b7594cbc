//! Typed commands of the palette and plain mode: `buy 2`, `buyTokens 100`, `payment-statement`.

use awesomestock_proto::text::thousands;
use awesomestock_proto::values::Trigger;

use self::Arity::{Amount, NoArgument};
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
    pub help: &'static str,
    form: Arity,
}

impl CommandSpec {
    /// Returns the name of the argument, if any.
    pub fn amount(&self) -> Option<&'static str> {
        match self.form {
            NoArgument(_) => None,
            Amount(name, _) => Some(name),
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
            NoArgument(command) => command,
            Amount(_, command) => command(1),
        }
    }

    /// Returns true if it has this name, ignoring case.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.names().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// All commands, in the order of the help.
#[rustfmt::skip] // one row a line
pub const COMMANDS: &[CommandSpec] = &[
    row("buyTokens", &["buy-tokens"], Amount("DOLLARS", Command::BuyTokens), "buy tokens: 5 per dollar"),
    row("withdraw", &[], Amount("TOKENS", Command::Withdraw), "convert tokens to dollars: a multiple of 5"),
    row("balance", &[], NoArgument(Command::Balance), "your token balance"),
    row("payments", &[], NoArgument(Command::Payments), "your payments, oldest first"),
    row("trades", &[], NoArgument(Command::Trades), "your trades"),
    row("paymentStatement", &["payment-statement", "statement"], NoArgument(Command::Statement), "your statement"),
    row("leaderboard", &["tape", "players"], NoArgument(Command::Leaderboard),
        "the leaderboard; the full screen also shows players online and recent trades"),
    row("gamble", &[], NoArgument(Command::Gamble), "join the table: see prices and trade"),
    row("buy", &[], Amount("STOCKS", |count| now(Side::Buy, count)),
        "buy stocks now; buy 10 @ 14: at 14 or less"),
    row("sell", &[], Amount("STOCKS", |count| now(Side::Sell, count)),
        "sell stocks now; sell 10 @ 14: at 14 or more"),
    row("alertAbove", &["alert-above"], Amount(PRICE, Command::AlertAbove), "alert when the price is this or more"),
    row("alertBelow", &["alert-below"], Amount(PRICE, Command::AlertBelow), "alert when the price is this or less"),
    row("alertsOff", &["alerts-off"], NoArgument(Command::AlertsOff), "remove all alerts"),
    row("stop", &[], NoArgument(Command::Stop), "leave the table"),
    row("tour", &[], NoArgument(Command::Tour), "a tour of the screen: seven keys to try"),
    row("help", &["?"], NoArgument(Command::Help), "list the commands"),
    row("exit", &["quit", "q"], NoArgument(Command::Exit), "quit the game; your wallet is saved"),
];

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    form: Arity,
    help: &'static str,
) -> CommandSpec {
    CommandSpec {
        name,
        aliases,
        help,
        form,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("type a command, or help")]
    Empty,
    #[error("unknown command {0:?}; help lists the commands")]
    Unknown(String),
    /// Missing argument: command and argument name.
    #[error("{0} needs {what}: {0} {1}", what = if *.1 == PRICE { "a price" } else { "an amount" })]
    AmountMissing(&'static str, &'static str),
    /// Too many words; holds the usage.
    #[error("too many words; usage: {0}")]
    TooMuch(String),
    /// Not a whole number from 1 to 2147483647: argument name and value.
    #[error("{0} must be a whole number from 1 to {max}, not {1:?}", max = thousands(i32::MAX))]
    BadAmount(&'static str, String),
}

/// Parses a line. Fails if the line is empty, the command unknown, or the argument missing, out of range or followed by
/// other words.
pub(crate) fn parse(line: &str) -> Result<Command, CommandError> {
    let typed = line.split_whitespace().next().ok_or(CommandError::Empty)?;
    let word = COMMANDS
        .iter()
        .find(|word| word.is(typed))
        .ok_or_else(|| CommandError::Unknown(ellipsize(typed)))?;
    let (line, mut terms) = match line.split_once('@') {
        Some((line, limit)) if takes_terms(word) => (line, Some(parse_limit(limit.trim())?)),
        _ => (line, None),
    };
    let mut words = line.split_whitespace().skip(1).peekable();
    let command = match word.form {
        NoArgument(command) => command,
        Amount(name, command) => {
            let amount = words.next().ok_or(CommandError::AmountMissing(word.name, name))?;
            command(parse_amount(name, amount)?)
        }
    };
    if terms.is_none() && takes_terms(word) && words.next_if(|typed| is(typed, STOP)).is_some() {
        let price = words.next().ok_or(CommandError::AmountMissing(STOP, PRICE))?;
        let (trigger, price) = (Trigger::Stop, parse_amount(PRICE, price)?);
        terms = Some(Terms::Rest(Condition { trigger, price }));
    }
    if words.next().is_some() {
        return Err(CommandError::TooMuch(full_usage(word)));
    }
    Ok(match (command, terms) {
        (Command::Order(side, count, _), Some(terms)) => Command::Order(side, count, terms),
        (command, _) => command,
    })
}

/// Name of the argument after `@` and `stop`.
const PRICE: &str = "PRICE";

const STOP: &str = "stop";

const REST: &str = "rest";

fn now(side: Side, count: i32) -> Command {
    Command::Order(side, Quantity::Count(count), Terms::Market)
}

/// Parses the price after `@`, which `rest` may follow.
fn parse_limit(typed: &str) -> Result<Terms, CommandError> {
    let (price, rests) = match typed.rsplit_once(char::is_whitespace) {
        Some((price, last)) if is(last, REST) => (price.trim_end(), true),
        _ => (typed, false),
    };
    if price.is_empty() || is(price, REST) {
        return Err(CommandError::AmountMissing("@", PRICE));
    }
    let (trigger, price) = (Trigger::Limit, parse_amount(PRICE, price)?);
    Ok(match rests {
        true => Terms::Rest(Condition { trigger, price }),
        false => Terms::Limit(price),
    })
}

fn is(typed: &str, word: &str) -> bool {
    typed.eq_ignore_ascii_case(word)
}

/// Returns the usage with the terms of an order.
fn full_usage(word: &CommandSpec) -> String {
    let terms = if takes_terms(word) {
        " [@ PRICE [rest] | stop PRICE]"
    } else {
        ""
    };
    format!("{}{terms}", word.usage())
}

fn takes_terms(word: &CommandSpec) -> bool {
    matches!(word.form, Amount(_, command) if matches!(command(1), Command::Order(..)))
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
        let order = |side, terms| Some(Command::Order(side, Quantity::Count(10), terms));
        let resting = |side, trigger| order(side, Terms::Rest(Condition { trigger, price: 14 }));
        let limited = |side| order(side, Terms::Limit(14));
        for (line, expected) in [
            ("buy 10 @ 14", limited(Side::Buy)),
            ("buy 10 @14", limited(Side::Buy)),
            ("SELL 10@14", limited(Side::Sell)),
            ("buy 10", Some(now(Side::Buy, 10))),
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
