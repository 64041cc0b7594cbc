//! What plain mode says: answers, results and prices in words, one line each.
//!
//! Owns the phrases. Text from the casino in them is made harmless where it is printed.

use std::fmt::Display;

use awesomestock_proto::STOCK_NAME;
use jiff::Timestamp;

use crate::{
    app::{
        command,
        company::{Leaderboard, Standing},
        event::{Answer, Call, OrderResult, StreamEvent, TradeRow},
        money::{Side, UnixMs},
        overlay::PaymentRow,
        wallet::Wallet,
    },
    client::{Failure, SeatEnd},
};

/// What is said of an alert: here every price is told anyway.
pub(super) const ALERTS_NEED_A_SCREEN: &str = "alerts are for the screen: here every price is told";

/// What is said where `trades` does not tell all of them.
const OLDER_TRADES: &str = "there are older trades; awesomestock trades tells them all";
/// A leaderboard without anybody.
pub(crate) const NOBODY_RANKED: &str = "nobody is ranked yet";

/// A line over the bound.
pub(super) const LINE_TOO_LONG: &str = "the line is too long";
/// `gamble` at the table.
pub(super) const ALREADY_SEATED: &str = "you are at the table already; stop leaves it";
/// A command for the table, away from it.
pub(super) const NOT_SEATED: &str = "you are not at the table; gamble sits down";
/// An order the stream did not take.
pub(super) const ORDER_NOT_SENT: &str = "the table is lost; gamble sits down again";
/// An order without an answer.
pub(super) const ORDER_UNANSWERED: &str =
    "no answer came, so you have left the table; balance tells what became of the order";
/// `stop`, done.
pub(super) const LEFT: &str = "you have left the table";

/// The answer to a call, a line each.
pub(crate) fn answer(answer: &Answer) -> Vec<String> {
    let line = match answer {
        Answer::TokensBought { dollars, tokens } => format!(
            "bought {} for {}",
            amount(*tokens, "token"),
            amount(*dollars, "dollar")
        ),
        Answer::Withdrawn { tokens, dollars } => format!(
            "withdrew {}: {} paid out",
            amount(*tokens, "token"),
            amount(*dollars, "dollar")
        ),
        Answer::Wallet(held) => wallet(held),
        Answer::Tokens(tokens) => amount(*tokens, "token"),
        Answer::Payments(rows) if rows.is_empty() => "no payments yet".to_owned(),
        Answer::Payments(rows) => return rows.iter().map(payment).collect(),
        Answer::Statement(text) => return text.lines().map(str::to_owned).collect(),
        Answer::TradePage { rows, .. } if rows.is_empty() => "no trades yet".to_owned(),
        Answer::TradePage { rows, more, .. } => {
            let older = more.then(|| OLDER_TRADES.to_owned());
            let rows = rows.iter().map(|(number, row)| trade(*number, row));
            return older.into_iter().chain(rows).collect();
        }
        Answer::Leaderboard(leaderboard) => return standings(leaderboard),
        // No word of plain mode asks for these.
        Answer::History { .. } | Answer::Candles { .. } | Answer::Trades(_) => return Vec::new(),
    };
    vec![line]
}

/// Who owns most, a line each, and at the end the player's own place if it is not among them.
pub(crate) fn standings(leaderboard: &Leaderboard) -> Vec<String> {
    if leaderboard.top.is_empty() {
        return vec![NOBODY_RANKED.to_owned()];
    }
    leaderboard.rows().map(standing).collect()
}

/// A place on the leaderboard.
pub(crate) fn standing(standing: &Standing) -> String {
    let house = if standing.player.house { " (house)" } else { "" };
    format!(
        "{}. {}{house}: {}, {} and {}",
        standing.rank,
        standing.player.name,
        amount(standing.equity, "token"),
        amount(standing.tokens, "token"),
        amount(standing.stocks, "stock"),
    )
}

/// Why an order has no result, and what that leaves open.
pub(crate) fn order_failure(failure: &Failure) -> String {
    match failure {
        Failure::Refused(why) | Failure::NotSent(why) => why.clone(),
        Failure::Unanswered(why) => format!("{why}; balance tells what became of the order"),
    }
}

/// Why a call failed, and what that leaves open.
pub(crate) fn failure(call: Call, failure: &Failure) -> String {
    match (call, failure) {
        (Call::BuyTokens(_) | Call::Withdraw(_), Failure::Unanswered(why)) => {
            format!("{why}; payments tells whether it was done")
        }
        (Call::BuyTokens(_) | Call::Withdraw(_), Failure::NotSent(why)) => {
            format!("{why}; nothing was paid")
        }
        (_, failure) => failure.to_string(),
    }
}

/// What the table says; nothing where it is not meant for the player.
pub(crate) fn stream_event(event: &StreamEvent) -> Option<String> {
    match event {
        StreamEvent::Price { price, .. } => Some(format!("{STOCK_NAME} - current stock price: {price}")),
        StreamEvent::Result(result) => Some(order_result(result)),
        StreamEvent::Joined { .. }
        | StreamEvent::At(_)
        | StreamEvent::Wallet(_)
        | StreamEvent::Tells(_)
        | StreamEvent::Tape(_)
        | StreamEvent::Players(_)
        | StreamEvent::Leaderboard(_)
        | StreamEvent::Lost(_)
        | StreamEvent::Barred(_) => None,
    }
}

/// The casino's message; to that of a trade, which has no figures, the figures.
pub(crate) fn order_result(result: &OrderResult) -> String {
    let mut line = result.message.clone();
    if result.executed {
        if let Some(price) = result.price {
            line.push_str(&format!(" at {}", amount(price, "token")));
        }
        if let Some(held) = &result.wallet {
            line.push_str(&format!("; you have {}", wallet(held)));
        }
    }
    line
}

/// Why the seat is gone.
pub(super) fn seat_end(end: &SeatEnd) -> String {
    match end {
        SeatEnd::Closed => "the casino has closed the table; gamble sits down again".to_owned(),
        SeatEnd::Lost(why) => format!("the table is lost: {why}; gamble sits down again"),
        SeatEnd::Refused(why) => format!("the casino has taken the seat away: {why}"),
    }
}

/// The words, a line each.
pub(super) fn help() -> impl Iterator<Item = String> {
    let width = command::WORDS
        .iter()
        .map(|word| word.usage().len())
        .max()
        .unwrap_or(0);
    command::WORDS
        .iter()
        .map(move |word| format!("{:width$}  {}", word.usage(), word.help))
}

fn wallet(wallet: &Wallet) -> String {
    format!(
        "{} and {}",
        amount(wallet.tokens, "token"),
        amount(wallet.stocks, "stock")
    )
}

/// A payment: its number, its dollars and when it was made.
pub(crate) fn payment(row: &PaymentRow) -> String {
    let at = row
        .at
        .and_then(moment)
        .map(|at| format!(", {at}"))
        .unwrap_or_default();
    format!("payment {}: {}{at}", row.number, amount(row.dollars, "dollar"))
}

/// A trade: its number, what it was and when it was made.
pub(crate) fn trade(number: i64, row: &TradeRow) -> String {
    let done = match row.side {
        Side::Buy => "bought",
        Side::Sell => "sold",
    };
    let at = moment(row.at).map(|at| format!(", {at}")).unwrap_or_default();
    format!(
        "trade {number}: {done} {} at {}: {}{at}",
        amount(row.count, "stock"),
        amount(row.price, "token"),
        amount(row.total(), "token")
    )
}

fn moment(at: UnixMs) -> Option<String> {
    let at = Timestamp::from_millisecond(at.0).ok()?;
    Some(at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn amount(count: impl Display + Copy + Into<i64>, thing: &str) -> String {
    let plural = if matches!(count.into(), -1 | 1) { "" } else { "s" };
    format!("{count} {thing}{plural}")
}
