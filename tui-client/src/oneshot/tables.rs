//! The figures of each one-shot command, as columns and cells.
//!
//! Owns the names of the columns: scripts depend on them, so they only ever grow in number, at the end.

use awesomestock_proto::STOCK_NAME;

use super::print::{Cell, Columns};
use crate::app::{
    company::Standing,
    event::{OrderResult, StreamEvent, TradeRow},
    money::Side,
    overlay::PaymentRow,
    wallet::Wallet,
};

/// `price`.
pub(super) const PRICE: Columns = &["stock", "price", "tick", "at"];
/// `balance`.
pub(super) const WALLET: Columns = &[
    "player",
    "tokens",
    "stocks",
    "cost_basis",
    "realised_pnl",
    "dollars_in",
    "dollars_out",
];
/// `buy` and `sell`.
pub(super) const ORDER: Columns = &["side", "count", "price", "at", "tokens", "stocks", "message"];
/// `buy-tokens` and `withdraw`.
pub(super) const EXCHANGE: Columns = &["dollars", "tokens"];
/// `trades`.
pub(super) const TRADES: Columns = &["number", "at", "side", "count", "price", "total"];
/// `payments`.
pub(super) const PAYMENTS: Columns = &["number", "at", "dollars"];
/// `leaderboard`.
pub(super) const LEADERBOARD: Columns = &["rank", "player", "house", "equity", "tokens", "stocks"];
/// `statement`.
pub(super) const STATEMENT: Columns = &["player", "statement"];

pub(super) fn price(event: &StreamEvent) -> Vec<Cell> {
    let StreamEvent::Price { tick, price, at, .. } = event else {
        return Vec::new();
    };
    vec![text(STOCK_NAME), number(*price), (*tick).into(), (*at).into()]
}

pub(super) fn wallet(player: &str, wallet: &Wallet) -> Vec<Cell> {
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

/// The wallet, as far as a casino of the old contract tells it.
pub(super) fn tokens_only(player: &str, tokens: i32) -> Vec<Cell> {
    vec![text(player), number(tokens)]
}

pub(super) fn order(ordered: Side, count: i32, result: &OrderResult) -> Vec<Cell> {
    let wallet = result.wallet.as_ref();
    vec![
        side(ordered),
        number(count),
        result.price.map(i64::from).into(),
        result.at.into(),
        wallet.map(|wallet| i64::from(wallet.tokens)).into(),
        wallet.map(|wallet| i64::from(wallet.stocks)).into(),
        text(&result.message),
    ]
}

pub(super) fn exchange(dollars: i32, tokens: i32) -> Vec<Cell> {
    vec![number(dollars), number(tokens)]
}

pub(super) fn trade(position: i64, row: &TradeRow) -> Vec<Cell> {
    vec![
        number(position),
        Some(row.at).into(),
        side(row.side),
        number(row.count),
        number(row.price),
        number(row.total()),
    ]
}

pub(super) fn payment(row: &PaymentRow) -> Vec<Cell> {
    vec![number(row.number), row.at.into(), number(row.dollars)]
}

pub(super) fn standing(standing: &Standing) -> Vec<Cell> {
    vec![
        number(standing.rank),
        text(&standing.player.name),
        number(i64::from(standing.player.house)),
        number(standing.equity),
        number(standing.tokens),
        number(standing.stocks),
    ]
}

pub(super) fn statement(player: &str, statement: &str) -> Vec<Cell> {
    vec![text(player), text(statement)]
}

fn side(side: Side) -> Cell {
    text(match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    })
}

fn number(number: impl Into<i64>) -> Cell {
    Cell::Number(number.into())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}
