//! Texts of plain mode and the one-shot commands. The casino's texts in them are sanitized on printing.

use awesomestock_proto::STOCK_NAME;
use awesomestock_proto::text::{pluralize, thousands};
use jiff::Timestamp;

use crate::app::commands::command::{self, Command, CommandSpec};
use crate::app::commands::request::Request;
use crate::app::event::{OrderResult, Response, StreamEvent};
use crate::app::lobby::round::{ReceivedRound, RoundPhase};
use crate::app::lobby::{Headline, Leaderboard, Standing};
use crate::app::overlay::PaymentRow;
use crate::app::portfolio::money::{Side, UnixMillis};
use crate::app::portfolio::open_orders::{EndReason, RestingOrder};
use crate::app::portfolio::rows::NumberedTrade;
use crate::app::portfolio::wallet::Wallet;
use crate::cli::config::zone;
use crate::client::{Order, OrderAnswer, RequestError, SessionEnd};
use crate::ui::text::format;

pub(crate) const NO_ORDER_ID: &str = "cancel needs the ID of an order, which orders prints: cancel ID";
pub(crate) const NO_ORDERS: &str = "no open orders, and none that have ended";
pub(crate) const NOBODY_RANKED: &str = "no ranked players yet";

pub(crate) const LINE_TOO_LONG: &str = "the line is too long";
pub(crate) const ALREADY_JOINED: &str = "you are already at the table; stop leaves it";
pub(crate) const NOT_JOINED: &str = "you are not at the table; gamble joins it";
pub(crate) const ORDER_NOT_SENT: &str = "connection lost; gamble rejoins";
pub(crate) const ORDER_UNANSWERED: &str =
    "no answer, so you left the table; balance shows whether the order was executed";
pub(crate) const LEFT: &str = "you left the table";

pub(crate) fn answer(answer: &Response) -> Vec<String> {
    let line = match answer {
        Response::TokensBought { dollars, tokens } => format!(
            "bought {} for {}",
            pluralize(*tokens, "token"),
            pluralize(*dollars, "dollar")
        ),
        Response::Withdrawn { tokens, dollars } => format!(
            "withdrew {}: {} paid out",
            pluralize(*tokens, "token"),
            pluralize(*dollars, "dollar")
        ),
        Response::Wallet(held) => wallet(held),
        Response::Tokens(tokens) => pluralize(*tokens, "token"),
        Response::Payments(rows) if rows.is_empty() => "no payments yet".to_owned(),
        Response::Payments(rows) => return rows.iter().map(payment).collect(),
        Response::Statement(text) => return text.lines().map(str::to_owned).collect(),
        Response::TradePage { rows, .. } if rows.is_empty() => "no trades yet".to_owned(),
        Response::TradePage { rows, more, .. } => {
            let older =
                more.then(|| "there are older trades; `awesomestock trades` lists them all".to_owned());
            let rows = rows.iter().map(trade);
            return older.into_iter().chain(rows).collect();
        }
        Response::Leaderboard(leaderboard) => return standings(leaderboard),
        Response::Orders { open, ended } if open.is_empty() && ended.is_empty() => NO_ORDERS.to_owned(),
        Response::Orders { open, ended } => return open.iter().chain(ended).map(resting_order).collect(),
        Response::Cancelled { order, .. } => resting_order(order),
        // Not requested in plain mode.
        Response::History { .. } | Response::Candles { .. } | Response::Trades(_) => return Vec::new(),
    };
    vec![line]
}

/// Formats the leaderboard; the player's own row is last unless it is in the list.
pub(crate) fn standings(leaderboard: &Leaderboard) -> Vec<String> {
    if leaderboard.top.is_empty() {
        return vec![NOBODY_RANKED.to_owned()];
    }
    let rows = leaderboard.rows().map(standing);
    rows.chain(not_ranked(leaderboard).map(str::to_owned)).collect()
}

/// Returns why the player has no rank. An earlier casino does not send the reason.
pub(crate) fn not_ranked(leaderboard: &Leaderboard) -> Option<&'static str> {
    let by_profit = leaderboard
        .top
        .iter()
        .any(|standing| standing.performance.is_some());
    (by_profit && leaderboard.own.is_none()).then_some("you are not ranked: no trade yet")
}

pub(crate) fn standing(standing: &Standing) -> String {
    let house = if standing.player.house { " (house)" } else { "" };
    let performance = standing.performance.map(|performance| {
        let percent = performance.return_permille().map(|permille| permille.to_string());
        let percent = percent.map(|percent| format!(" ({percent})")).unwrap_or_default();
        format!("{}{percent}, ", format::signed(performance.profit))
    });
    format!(
        "{}. {}{house}: {}equity {}, {} and {}",
        thousands(standing.rank),
        standing.player.name,
        performance.unwrap_or_default(),
        pluralize(standing.equity, "token"),
        pluralize(standing.tokens, "token"),
        pluralize(standing.stocks, "stock"),
    )
}

pub(crate) fn order_failure(failure: &RequestError) -> String {
    match failure {
        RequestError::Rejected(why) | RequestError::NotSent(why) => why.clone(),
        RequestError::Unanswered(why) => format!("{why}; balance shows whether the order was executed"),
    }
}

pub(crate) fn failure(call: Request, failure: &RequestError) -> String {
    match (call, failure) {
        (Request::BuyTokens(_) | Request::Withdraw(_), RequestError::Unanswered(why)) => {
            format!("{why}; payments shows whether it was made")
        }
        (Request::BuyTokens(_) | Request::Withdraw(_), RequestError::NotSent(why)) => {
            format!("{why}; nothing was paid")
        }
        (_, failure) => failure.to_string(),
    }
}

/// Formats an event of the stream; `None` if it is not shown.
pub(crate) fn stream_event(event: &StreamEvent) -> Option<String> {
    match event {
        StreamEvent::Price { price, .. } => Some(format!("{STOCK_NAME} - current stock price: {price}")),
        StreamEvent::News(news) => Some(headline(news, None)),
        StreamEvent::Result(result) => Some(order_result(result)),
        StreamEvent::Accepted { order, .. }
        | StreamEvent::OrderPlaced { order, .. }
        | StreamEvent::OrderEnded { order, .. } => Some(resting_order(order)),
        StreamEvent::Opened { .. }
        | StreamEvent::Endpoint(_)
        | StreamEvent::Wallet(_)
        | StreamEvent::Capabilities(_)
        | StreamEvent::Tape(_)
        | StreamEvent::Players(_)
        | StreamEvent::Leaderboard(_)
        // Formatted by `round`, which needs more facts.
        | StreamEvent::Round(_)
        | StreamEvent::Closed(_)
        | StreamEvent::Rejected(_) => None,
    }
}

/// Formats a headline, with its age if it was published before `tick`, the tick of the last price.
pub(crate) fn headline(headline: &Headline, tick: Option<i64>) -> String {
    let age = tick.map_or(0, |tick| tick.saturating_sub(headline.tick));
    let age = (age > 0).then(|| format!(" ({} ago)", pluralize(age, "tick")));
    format!(
        "{STOCK_NAME} - news: {}{}",
        headline.text,
        age.unwrap_or_default()
    )
}

/// Formats the round, its podium, the player's rank below it, and the announcement; `None` if all are empty.
pub(crate) fn round(received: &ReceivedRound) -> Option<String> {
    let round = &received.round;
    let mut text = round.text(round.left_ms);
    if round.phase == RoundPhase::Ended {
        text = text.map(|text| format!("{text}: {}", podium(received)));
    }
    let said = Some(round.announcement.clone()).filter(|said| !said.is_empty());
    let text: Vec<String> = text.into_iter().chain(said).collect();
    (!text.is_empty()).then(|| format!("{STOCK_NAME} - {}", text.join("; ")))
}

fn podium(received: &ReceivedRound) -> String {
    let place = |standing: &Standing| {
        let profit = standing.performance.map_or(0, |performance| performance.profit);
        let (rank, name) = (thousands(standing.rank), &standing.player.name);
        format!("{rank}. {name} {}", format::signed(profit))
    };
    let places: Vec<String> = received.round.podium.iter().map(place).collect();
    match (places.is_empty(), received.below()) {
        (true, _) => "nobody has traded".to_owned(),
        (false, None) => places.join(", "),
        (false, Some(own)) => format!("{}; your rank: {}", places.join(", "), thousands(own.rank)),
    }
}

/// Formats a result: the casino's message, with price and wallet of a trade.
pub(crate) fn order_result(result: &OrderResult) -> String {
    let mut line = result.message.clone();
    if result.executed {
        if let Some(price) = result.price {
            line.push_str(&format!(" at {}", pluralize(price, "token")));
        }
        if let Some(held) = &result.wallet {
            line.push_str(&format!("; you have {}", wallet(held)));
        }
    }
    line
}

/// Formats a resting order: its state and its terms; while it is open, also the prices that execute it, and its ID.
pub(crate) fn resting_order(order: &RestingOrder) -> String {
    let up_to = if order.up_to { "up to " } else { "" };
    let terms = format!(
        "{} {up_to}{} {}",
        order.side.word(),
        thousands(order.count),
        order.condition
    );
    match order.end.as_ref().map(|end| &end.reason) {
        None => {
            let prices = order.condition.prices(order.side);
            let id = order.id;
            format!("order rests: {terms}, until the price is {prices} or you cancel it; its ID is {id}")
        }
        Some(EndReason::Filled(trade)) => {
            format!("order filled: {terms}, at {}", pluralize(trade.price, "token"))
        }
        Some(EndReason::Cancelled) => format!("order cancelled: {terms}"),
        Some(EndReason::Rejected(why)) => format!("order rejected: {terms}: {why}"),
    }
}

/// Formats the answer to `order`, also to a resting order that was executed at once.
pub(crate) fn order_answer(order: &Order, answer: &OrderAnswer) -> String {
    match answer {
        OrderAnswer::Result(result) => result_of(order, result),
        OrderAnswer::Accepted(order) => resting_order(order),
    }
}

pub(crate) fn result_of(order: &Order, result: &OrderResult) -> String {
    match order.terms.condition().filter(|_| result.executed) {
        Some(condition) => {
            let result = order_result(result);
            format!("order does not rest, as the price already meets {condition}: {result}")
        }
        None => order_result(result),
    }
}

pub(crate) fn session_end(end: &SessionEnd) -> String {
    match end {
        SessionEnd::Closed => "the casino closed the table; gamble rejoins".to_owned(),
        SessionEnd::Lost(why) => format!("connection lost: {why}; gamble rejoins"),
        SessionEnd::Rejected(why) => format!("the casino ended the session: {why}"),
    }
}

/// Commands about resting orders, with what they do. On the screen, keys do the same.
const ORDER_COMMANDS: [(&str, &str); 4] = [
    (
        "buy 10 @ 14 rest",
        "limit order that rests until the price is 14 or less",
    ),
    (
        "sell 10 stop 14",
        "stop order that rests until the price is 14 or less",
    ),
    (
        "orders",
        "your open orders with their IDs, and how earlier ones ended",
    ),
    ("cancel ID", "cancel an open order"),
];

/// Returns the answer to a command that only the full screen executes.
pub(crate) fn needs_a_screen(command: Command) -> Option<&'static str> {
    match command {
        Command::AlertAbove(_) | Command::AlertBelow(_) | Command::AlertsOff => {
            Some("alerts need the full screen: plain mode prints every price")
        }
        Command::Tour => Some("the tour needs the full screen; help lists the commands"),
        _ => None,
    }
}

pub(crate) fn help() -> impl Iterator<Item = String> {
    let works_here = |word: &&CommandSpec| needs_a_screen(word.example()).is_none();
    let words = command::COMMANDS.iter().filter(works_here);
    let text = words.map(|word| (word.usage(), word.help));
    let orders = ORDER_COMMANDS.map(|(usage, help)| (usage.to_owned(), help));
    let rows: Vec<(String, &str)> = text.chain(orders).collect();
    let width = rows.iter().map(|(usage, _)| usage.len()).max().unwrap_or(0);
    rows.into_iter()
        .map(move |(usage, help)| format!("{usage:width$}  {help}"))
}

fn wallet(wallet: &Wallet) -> String {
    format!(
        "{} and {}",
        pluralize(wallet.tokens, "token"),
        pluralize(wallet.stocks, "stock")
    )
}

pub(crate) fn payment(row: &PaymentRow) -> String {
    let (number, dollars) = (thousands(row.number), pluralize(row.dollars, "dollar"));
    format!("payment {number}: {dollars}{}", time(row.at))
}

pub(crate) fn trade((number, row): &NumberedTrade) -> String {
    let verb = match row.side {
        Side::Buy => "bought",
        Side::Sell => "sold",
    };
    format!(
        "trade {}: {verb} {} at {}: {}{}",
        thousands(*number),
        pluralize(row.count, "stock"),
        pluralize(row.price, "token"),
        pluralize(row.total(), "token"),
        time(Some(row.at))
    )
}

/// Formats a comma and a time in the local zone, with the name of the zone.
fn time(at: Option<UnixMillis>) -> String {
    let at = at.and_then(|at| Timestamp::from_millisecond(at.0).ok());
    at.map_or_else(String::new, |at| {
        format!(", {}", zone::text(at, &zone::local_zone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::lobby::round::Round;
    use crate::app::lobby::{Performance, Player};

    #[test]
    fn an_old_headline_has_its_age() {
        let news = Headline {
            text: "Profits double".to_owned(),
            tick: 24,
        };
        for (tick, line) in [
            (None, "AwesomeStock - news: Profits double"),
            (Some(23), "AwesomeStock - news: Profits double"),
            (Some(24), "AwesomeStock - news: Profits double"),
            (Some(25), "AwesomeStock - news: Profits double (1 tick ago)"),
            (Some(36), "AwesomeStock - news: Profits double (12 ticks ago)"),
        ] {
            assert_eq!(headline(&news, tick), line);
        }
    }

    #[test]
    fn each_change_of_a_round_is_a_line() {
        let place = |rank, name: &str, profit| Standing {
            rank,
            player: Player {
                name: name.to_owned(),
                house: false,
            },
            equity: 0,
            tokens: 0,
            stocks: 0,
            performance: Some(Performance {
                profit,
                dollars_in: 100,
            }),
        };
        let podium = vec![place(1, "bob", 53), place(2, "ann", -7)];
        for (phase, announcement, podium, line) in [
            (RoundPhase::Never, "", vec![], None),
            (RoundPhase::Never, "at nine", vec![], Some("at nine")),
            (RoundPhase::Running, "", vec![], Some("round 2: 1:05 left")),
            (
                RoundPhase::Running,
                "hurry",
                vec![],
                Some("round 2: 1:05 left; hurry"),
            ),
            (
                RoundPhase::Paused,
                "",
                vec![],
                Some("round 2 is paused, 1:05 left"),
            ),
            (
                RoundPhase::Ended,
                "",
                vec![],
                Some("round 2 is over: nobody has traded"),
            ),
            (
                RoundPhase::Ended,
                "",
                podium,
                Some("round 2 is over: 1. bob +53, 2. ann -7; your rank: 7"),
            ),
        ] {
            let received = ReceivedRound {
                round: Round {
                    number: 2,
                    phase,
                    left_ms: 65_000,
                    announcement: announcement.to_owned(),
                    stake: 100,
                    podium,
                },
                at: UnixMillis(0),
                own: Some(place(7, "cid", -40)),
                ended: None,
            };
            let line = line.map(|line| format!("AwesomeStock - {line}"));
            assert_eq!(round(&received), line);
        }
    }

    #[test]
    fn a_player_without_a_rank_is_told_why() {
        let standing = |name: &str, performance| Standing {
            rank: 1,
            player: Player {
                name: name.to_owned(),
                house: false,
            },
            equity: 540,
            tokens: 540,
            stocks: 0,
            performance,
        };
        let performance = Performance {
            profit: 40,
            dollars_in: 100,
        };
        let bob = standing("bob", Some(performance));
        let board = |top: &[&Standing], own: Option<&Standing>| Leaderboard {
            top: top.iter().map(|standing| (*standing).clone()).collect(),
            own: own.cloned(),
            ranked: 1,
        };
        let line = "1. bob: +40 (+8.0 %), equity 540 tokens, 540 tokens and 0 stocks";
        let earlier = standing("bob", None);
        for (leaderboard, lines) in [
            (board(&[], None), vec![NOBODY_RANKED]),
            (board(&[&bob], Some(&bob)), vec![line]),
            (
                board(&[&bob], None),
                vec![line, "you are not ranked: no trade yet"],
            ),
            (
                board(&[&earlier], None),
                vec!["1. bob: equity 540 tokens, 540 tokens and 0 stocks"],
            ),
        ] {
            assert_eq!(standings(&leaderboard), lines);
        }
    }
}
