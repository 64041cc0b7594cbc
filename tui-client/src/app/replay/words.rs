//! Values of the state, events and effects in plain words.

use awesomestock_proto::text::{pluralize, thousands};

use crate::app::chart::ChartKind;
use crate::app::commands::request::Request;
use crate::app::connection::Connection;
use crate::app::event::OrderResult;
use crate::app::lobby::{Player, Standing, TapeLine};
use crate::app::overlay::Overlay;
use crate::app::portfolio::alerts::ToastKind;
use crate::app::portfolio::money::Side;
use crate::app::portfolio::order::Terms;
use crate::app::portfolio::order_log::{ActionStatus, LogEntry, LoggedAction};
use crate::app::portfolio::quantity::Quantity;
use crate::app::portfolio::rows::TradeRow;
use crate::app::portfolio::wallet::Wallet;

pub(super) fn connection(connection: &Connection) -> String {
    match connection {
        Connection::Connecting { attempt } => format!("connecting, attempt {}", thousands(*attempt)),
        Connection::Open(_) => "open".to_owned(),
        Connection::Backoff { attempt, why, .. } => {
            format!("lost: {why}; attempt {} follows", thousands(*attempt))
        }
        Connection::Rejected { why } => format!("rejected: {why}"),
        Connection::Disconnected => "left".to_owned(),
    }
}

/// `BUY 5 limit 95`.
pub(super) fn order(side: Side, count: i32, terms: Terms) -> String {
    let terms = match terms {
        Terms::Market => String::new(),
        Terms::Limit(price) => format!(" limit {}", thousands(price)),
        Terms::Rest(condition) => format!(" {condition} until cancelled"),
    };
    format!("{} {}{terms}", side.word().to_uppercase(), thousands(count))
}

pub(super) fn log_entry(entry: &LogEntry) -> String {
    let status = match &entry.status {
        ActionStatus::Pending => "sent".to_owned(),
        ActionStatus::Traded { price: Some(price) } => format!("executed at {}", thousands(*price)),
        ActionStatus::Traded { price: None } => "executed".to_owned(),
        ActionStatus::Done(text) => text.clone(),
        ActionStatus::Rejected(why) => format!("rejected: {why}"),
        ActionStatus::NotSent(why) => format!("not sent: {why}"),
        ActionStatus::Unanswered => "no answer".to_owned(),
    };
    let action = match entry.action {
        LoggedAction::Order(side, count, terms) => order(side, count, terms),
        LoggedAction::BuyTokens(dollars) => format!("deposit of {} $", thousands(dollars)),
        LoggedAction::Withdraw(tokens) => format!("withdrawal of {}", pluralize(tokens, "token")),
        LoggedAction::Cancel(ref order) => format!("cancellation of {order}"),
        LoggedAction::Notice => return status,
    };
    format!("{action}, {status}")
}

pub(super) fn quantity(quantity: Quantity) -> String {
    match quantity {
        Quantity::Count(count) => thousands(count),
        Quantity::Max => "the maximum".to_owned(),
        Quantity::Share(percent) => format!("{percent} %"),
        Quantity::Worth(dollars) => format!("for {} $", thousands(dollars)),
    }
}

pub(super) fn tape_line(line: &TapeLine) -> String {
    match line {
        TapeLine::Trade(row) => format!("{}: {}", row.player.name, trade(&row.trade)),
        TapeLine::Skipped(trades) => format!("{} not sent", pluralize(*trades, "trade")),
    }
}

/// `BUY 5 at 95`.
pub(super) fn trade(row: &TradeRow) -> String {
    let order = order(row.side, row.count, Terms::Market);
    format!("{order} at {}", thousands(row.price))
}

pub(super) fn chart_kind(kind: ChartKind) -> &'static str {
    match kind {
        ChartKind::Area => "area",
        ChartKind::Line => "line",
        ChartKind::Candles => "candles",
        ChartKind::Bars => "bars",
    }
}

pub(super) fn toast(kind: &ToastKind) -> String {
    match kind {
        ToastKind::Reached(alert, price) => format!("price {} (alert: {alert})", thousands(*price)),
        ToastKind::Info(text) => text.clone(),
        ToastKind::Moving(_, what) => format!("moving {what}"),
    }
}

pub(super) fn window(overlay: &Overlay) -> &'static str {
    match overlay {
        Overlay::Splash { .. } => "start",
        Overlay::Help { .. } => "help",
        Overlay::Lobby { .. } => "lobby",
        Overlay::Podium { .. } => "podium",
        Overlay::Orders { .. } => "orders",
        Overlay::Payments(_) => "payments",
        Overlay::Trades(_) => "trades",
        Overlay::Statement(_) => "statement",
        Overlay::Palette(_) => "command line",
        Overlay::Amount(_) => "amount",
        Overlay::WireRow { .. } => "row of the wire pane",
        Overlay::Confirm(_) => "confirmation",
    }
}

pub(super) fn wallet(wallet: &Wallet) -> String {
    let stocks = pluralize(wallet.stocks, "stock");
    format!("{}, {stocks}", pluralize(wallet.tokens, "token"))
}

pub(super) fn result(result: &OrderResult) -> String {
    let stocks = |count| format!(" {}", pluralize(count, "stock"));
    let parts = match result.executed {
        true => [
            Some("executed".to_owned()),
            result.count.map(stocks),
            result.price.map(|price| format!(" at {}", thousands(price))),
        ],
        false => [Some(format!("rejected: {}", result.message)), None, None],
    };
    let wallet = result.wallet.as_ref().map(wallet);
    let wallet = wallet.map(|held| format!("; wallet: {held}"));
    parts.into_iter().flatten().chain(wallet).collect()
}

pub(super) fn players<'a>(players: impl IntoIterator<Item = &'a Player>) -> String {
    let names: Vec<&str> = players.into_iter().map(|player| player.name.as_str()).collect();
    names.join(", ")
}

pub(super) fn standings<'a>(standings: impl IntoIterator<Item = &'a Standing>) -> String {
    let place = |row: &Standing| format!("{}. {}", thousands(row.rank), row.player.name);
    let places: Vec<String> = standings.into_iter().map(place).collect();
    places.join(", ")
}

pub(super) fn request(request: Request) -> &'static str {
    match request {
        Request::BuyTokens(_) => "deposit",
        Request::Withdraw(_) => "withdrawal",
        Request::Holdings => "wallet",
        Request::Payments => "payments",
        Request::Statement => "statement",
        Request::History { .. } => "prices",
        Request::Candles { .. } => "candles",
        Request::Trades => "trades",
        Request::TradePage { .. } => "list of trades",
        Request::Leaderboard => "leaderboard",
        Request::Orders => "orders",
        Request::CancelOrder(_) => "cancellation",
    }
}
