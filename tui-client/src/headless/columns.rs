//! Columns of the one-shot commands. Scripts depend on them: only append.

use awesomestock_proto::STOCK_NAME;

use crate::app::event::{OrderResult, StreamEvent};
use crate::app::lobby::Standing;
use crate::app::overlay::csv::{Cell, ColumnSet};
pub(crate) use crate::app::overlay::csv::{PAYMENTS, TRADES, payment, trade};
use crate::app::portfolio::money::{Permille, Side};
use crate::app::portfolio::open_orders::{EndReason, RestingOrder};
use crate::app::portfolio::wallet::Wallet;

pub(crate) const PRICE: ColumnSet = &["stock", "price", "tick", "at"];
pub(crate) const WALLET: ColumnSet = &[
    "player",
    "tokens",
    "stocks",
    "cost_basis",
    "realised_pnl",
    "dollars_in",
    "dollars_out",
];
pub(crate) const ORDER: ColumnSet = &["side", "count", "price", "at", "tokens", "stocks", "message"];
pub(crate) const RESTING: ColumnSet = &[
    "id",
    "side",
    "count",
    "up_to",
    "trigger",
    "trigger_price",
    "placed",
    "state",
    "ended",
    "price",
    "message",
];
pub(crate) const EXCHANGE: ColumnSet = &["dollars", "tokens"];
pub(crate) const LEADERBOARD: ColumnSet = &[
    "rank",
    "player",
    "house",
    "equity",
    "tokens",
    "stocks",
    "profit",
    "dollars_in",
    "return_permille",
];
pub(crate) const STATEMENT: ColumnSet = &["player", "statement"];

pub(crate) fn price(event: &StreamEvent) -> Vec<Cell> {
    let StreamEvent::Price { tick, price, at, .. } = event else {
        return Vec::new();
    };
    vec![text(STOCK_NAME), number(*price), (*tick).into(), (*at).into()]
}

pub(crate) fn wallet(player: &str, wallet: &Wallet) -> Vec<Cell> {
    vec![
        text(player),
        number(wallet.tokens),
        number(wallet.stocks),
        number(wallet.cost_basis),
        number(wallet.realised_pnl),
        number(wallet.dollars_in),
        number(wallet.dollars_out),
    ]
}

/// The wallet of a casino that sends only the token balance.
pub(crate) fn tokens_only(player: &str, tokens: i32) -> Vec<Cell> {
    vec![text(player), number(tokens)]
}

pub(crate) fn order(side: Side, count: i32, result: &OrderResult) -> Vec<Cell> {
    let wallet = result.wallet.as_ref();
    vec![
        text(side.word()),
        number(count),
        result.price.map(i64::from).into(),
        result.at.into(),
        wallet.map(|wallet| i64::from(wallet.tokens)).into(),
        wallet.map(|wallet| i64::from(wallet.stocks)).into(),
        text(&result.message),
    ]
}

pub(crate) fn resting(order: &RestingOrder) -> Vec<Cell> {
    let reason = order.end.as_ref().map(|end| &end.reason);
    let (state, price, message) = match reason {
        None => ("open", None, ""),
        Some(EndReason::Filled(trade)) => ("filled", Some(i64::from(trade.price)), ""),
        Some(EndReason::Cancelled) => ("cancelled", None, ""),
        Some(EndReason::Rejected(why)) => ("rejected", None, why.as_str()),
    };
    vec![
        text(&order.id.to_string()),
        text(order.side.word()),
        number(order.count),
        number(i64::from(order.up_to)),
        text(order.condition.trigger.word()),
        number(order.condition.price),
        Some(order.placed).into(),
        text(state),
        order.end.as_ref().map(|end| end.at).into(),
        price.into(),
        text(message),
    ]
}

pub(crate) fn exchange(dollars: i32, tokens: i32) -> Vec<Cell> {
    vec![number(dollars), number(tokens)]
}

pub(crate) fn standing(standing: &Standing) -> Vec<Cell> {
    let performance = standing.performance;
    let permille = performance.and_then(|performance| performance.return_permille());
    vec![
        number(standing.rank),
        text(&standing.player.name),
        number(i64::from(standing.player.house)),
        number(standing.equity),
        number(standing.tokens),
        number(standing.stocks),
        performance.map(|performance| performance.profit).into(),
        performance.map(|performance| performance.dollars_in).into(),
        permille.map(|Permille(permille)| permille).into(),
    ]
}

pub(crate) fn statement(player: &str, statement: &str) -> Vec<Cell> {
    vec![text(player), text(statement)]
}

fn number(number: impl Into<i64>) -> Cell {
    Cell::Number(number.into())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}
