//! Types of rows, their fields in words, and a sentence that explains each.

mod orders;

use std::borrow::Cow;

use awesomestock_proto::casino::{
    self, Action, ActionResult, ActionType, GambleInfo, GambleType, Headline, Leaderboard, Players, Standing,
    StockInfo, Tape, TimeInForce, Trade, Wallet,
};
use awesomestock_proto::text::{self, pluralize, thousands};
use awesomestock_proto::{auth, capabilities};
use prost::Message;

use self::orders::{ACCEPTED_SENTENCE, ORDER_ENDED_SENTENCE, order_text, order_update};
use super::{Headers, MAX_MESSAGE_BYTES, MessageBytes, WireFrame, WireRow};
use crate::app::lobby::Performance;
use crate::app::portfolio::order::is_executed;

/// Most characters of a text in a row.
const MAX_CHARS: usize = 200;

/// Most names in a row.
const MAX_NAMES: usize = 5;

/// Name of the trailer with the status code.
const STATUS: &str = "grpc-status";

/// The type of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    Request,
    Response {
        has_features: bool,
    },
    Order,
    /// A price; `is_first` in its stream.
    Price {
        is_first: bool,
    },
    Result {
        is_executed: bool,
    },
    /// The result of an order that was accepted to rest.
    Accepted,
    /// The end of an order that rested.
    OrderEnded,
    Wallet,
    /// Trades of all players.
    Tape,
    Players,
    Leaderboard,
    News,
    Round,
    /// A message that this version cannot read.
    Unknown,
    /// The end of the request.
    HalfClose,
    Trailers {
        is_ok: bool,
    },
    /// A lost connection.
    Broken,
    /// A reset by the game.
    Reset,
}

impl RowKind {
    /// Returns the name: that of the protocol, if it has one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request | Self::Response { .. } => "HEADERS",
            Self::Order => "Action",
            Self::Price { .. } => "STOCK_INFO",
            Self::Result { .. } | Self::Accepted => "ACTION_RESULT",
            Self::OrderEnded => "ORDER",
            Self::Wallet => "WALLET",
            Self::Tape => "TAPE",
            Self::Players => "PLAYERS",
            Self::Leaderboard => "LEADERBOARD",
            Self::News => "NEWS",
            Self::Round => "ROUND",
            Self::Unknown => "unknown",
            Self::HalfClose => "END_STREAM",
            Self::Trailers { .. } => "TRAILERS",
            Self::Broken => "lost",
            Self::Reset => "RST_STREAM",
        }
    }

    pub fn is_alarming(self) -> bool {
        matches!(
            self,
            Self::Result { is_executed: false }
                | Self::Trailers { is_ok: false }
                | Self::Broken
                | Self::Unknown
        )
    }
}

/// Returns type, fields in words, and the request ID of an order.
pub(super) fn describe(frame: &WireFrame) -> (RowKind, String, Option<[u8; 16]>) {
    let (kind, text) = match frame {
        WireFrame::Request(headers) => (RowKind::Request, headers_text(headers)),
        WireFrame::Response(headers) => {
            let has_features = headers.iter().any(|(name, _)| name == capabilities::HEADER);
            (RowKind::Response { has_features }, headers_text(headers))
        }
        WireFrame::Sent(message) => return sent(message),
        WireFrame::Received(message) => received(message),
        WireFrame::HalfClosed => (
            RowKind::HalfClose,
            "half-close: the game sends no more orders".to_owned(),
        ),
        WireFrame::Ended(headers) => {
            let is_ok = headers.iter().any(|(name, value)| name == STATUS && value == "0");
            (RowKind::Trailers { is_ok }, status_text(headers))
        }
        WireFrame::Broken(why) => (RowKind::Broken, format!("no status: {}", cut(why))),
        WireFrame::Reset => (RowKind::Reset, "the game reset the stream".to_owned()),
    };
    (kind, text, None)
}

/// Names what matters first: features and authorization.
fn headers_text(headers: &Headers) -> String {
    let rank = |name: &str| match name {
        capabilities::HEADER => 0,
        auth::AUTHORIZATION => 1,
        name if name.starts_with(':') => 3,
        _ => 2,
    };
    let mut sorted: Vec<&(String, String)> = headers.iter().collect();
    sorted.sort_by_key(|(name, _)| rank(name));
    let text: Vec<String> = sorted
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    cut(&text.join("; ")).into_owned()
}

/// Returns the status by its name, then all trailers.
fn status_text(headers: &Headers) -> String {
    let code = headers.iter().find(|(name, _)| name == STATUS);
    let code = code.and_then(|(_, code)| code.parse::<i32>().ok());
    let name = code.map_or("no status", code_name);
    format!("{name}; {}", headers_text(headers))
}

/// Returns the name of a gRPC status code.
fn code_name(code: i32) -> &'static str {
    match code {
        0 => "OK",
        1 => "CANCELLED",
        2 => "UNKNOWN",
        3 => "INVALID_ARGUMENT",
        4 => "DEADLINE_EXCEEDED",
        5 => "NOT_FOUND",
        6 => "ALREADY_EXISTS",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        9 => "FAILED_PRECONDITION",
        10 => "ABORTED",
        11 => "OUT_OF_RANGE",
        12 => "UNIMPLEMENTED",
        13 => "INTERNAL",
        14 => "UNAVAILABLE",
        15 => "DATA_LOSS",
        16 => "UNAUTHENTICATED",
        _ => "unknown status",
    }
}

fn sent(message: &MessageBytes) -> (RowKind, String, Option<[u8; 16]>) {
    let action = match decode::<Action>(message) {
        Ok(action) => action,
        Err(why) => return (RowKind::Order, why, None),
    };
    let side = side(action.r#type);
    let up_to = if action.up_to { "up to " } else { "" };
    let mut text = format!("{side} {up_to}{}", thousands(action.stocks_count));
    if action.limit_price != 0 {
        text.push_str(&format!(" limit {}", thousands(action.limit_price)));
    }
    if action.stop_price != 0 {
        text.push_str(&format!(" stop {}", thousands(action.stop_price)));
    }
    if action.time_in_force == i32::from(TimeInForce::UntilCancelled) {
        text.push_str(" until cancelled");
    }
    (RowKind::Order, text, action.id.try_into().ok())
}

fn received(message: &MessageBytes) -> (RowKind, String) {
    let info = match decode::<GambleInfo>(message) {
        Ok(info) => info,
        Err(why) => return (RowKind::Unknown, why),
    };
    let price = |stock: &StockInfo| match stock.tick {
        0 => format!("price {}", thousands(stock.price)),
        tick => format!("price {}, tick {}", thousands(stock.price), thousands(tick)),
    };
    let news = |news: &Headline| format!("tick {}: {}", thousands(news.tick), cut(&news.text));
    let (kind, text) = match GambleType::try_from(info.r#type) {
        Err(_) => return (RowKind::Unknown, format!("type {}", info.r#type)),
        Ok(GambleType::ActionResult) => return result(&info.result.unwrap_or_default()),
        Ok(GambleType::StockInfo) => {
            let kind = RowKind::Price { is_first: false };
            (kind, info.info.as_ref().map(price))
        }
        Ok(GambleType::Wallet) => (RowKind::Wallet, info.wallet.as_ref().map(wallet)),
        Ok(GambleType::Tape) => (RowKind::Tape, info.tape.as_ref().map(tape)),
        Ok(GambleType::Players) => (RowKind::Players, info.players.as_ref().map(players)),
        Ok(GambleType::Leaderboard) => (RowKind::Leaderboard, info.leaderboard.as_ref().map(leaderboard)),
        Ok(GambleType::News) => (RowKind::News, info.news.as_ref().map(news)),
        Ok(GambleType::Round) => (RowKind::Round, info.round.as_ref().map(round)),
        Ok(GambleType::Order) => (RowKind::OrderEnded, info.order.as_ref().map(order_update)),
    };
    (kind, text.unwrap_or_else(|| "the field is not set".to_owned()))
}

fn players(players: &Players) -> String {
    let names = players.online.iter().map(|player| player.name.as_str());
    format!("{} online: {}", thousands(players.seated), joined(names))
}

fn leaderboard(board: &Leaderboard) -> String {
    let own = board.own.as_ref().map_or(String::new(), |own| {
        let ranked = thousands(board.ranked);
        format!("you {} of {ranked}{}, ", thousands(own.rank), return_of(own))
    });
    let name = |row: &Standing| Some(format!("{}{}", row.player.as_ref()?.name, return_of(row)));
    format!("{own}top: {}", joined(board.top.iter().filter_map(name)))
}

fn result(result: &ActionResult) -> (RowKind, String) {
    let is_executed = is_executed(result);
    let (kind, text) = match (&result.order, is_executed, &result.trade) {
        (Some(order), ..) => (RowKind::Accepted, format!("accepted: {}", order_text(order))),
        (None, true, Some(trade)) => (
            RowKind::Result { is_executed },
            format!("executed: {}", trade_text(trade)),
        ),
        (None, true, None) => (RowKind::Result { is_executed }, "executed".to_owned()),
        (None, false, _) => (
            RowKind::Result { is_executed },
            format!("rejected: {}", cut(&result.msg)),
        ),
    };
    (kind, text + &wallet_after(result.wallet.as_ref()))
}

/// Returns the wallet after a change, to be appended to the change; empty if it is not sent.
fn wallet_after(held: Option<&Wallet>) -> String {
    held.map_or_else(String::new, |held| format!("; {}", wallet(held)))
}

fn round(round: &casino::Round) -> String {
    let said = match round.announcement.as_str() {
        "" => String::new(),
        said => format!(", says: {}", cut(said)),
    };
    let (number, left) = (thousands(round.number), thousands(round.left_ms));
    format!("{} {number}, {left} ms left{said}", round.state().as_str_name())
}

fn wallet(wallet: &Wallet) -> String {
    let stocks = pluralize(wallet.stocks, "stock");
    format!("{}, {stocks}", pluralize(wallet.tokens, "token"))
}

fn tape(tape: &Tape) -> String {
    let trades = pluralize(tape.rows.len(), "trade");
    let last = tape.rows.last().map(|row| (&row.player, &row.trade));
    match last {
        Some((Some(player), Some(trade))) => {
            format!("{trades}, last: {} {}", cut(&player.name), trade_text(trade))
        }
        _ => trades,
    }
}

fn trade_text(trade: &Trade) -> String {
    let (count, price) = (thousands(trade.stocks_count), thousands(trade.price));
    format!("{} {count} at {price}", side(trade.r#type))
}

fn side(kind: i32) -> &'static str {
    ActionType::try_from(kind).map_or("unknown type", |kind| kind.as_str_name())
}

/// Returns the return of a player in brackets, if the casino sends the profit.
fn return_of(standing: &Standing) -> String {
    let performance = Performance {
        profit: standing.profit,
        dollars_in: standing.dollars_in,
    };
    let permille = performance.return_permille();
    permille.map_or_else(String::new, |permille| format!(" ({permille})"))
}

fn joined(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut names = names.peekable();
    let first: Vec<String> = names
        .by_ref()
        .take(MAX_NAMES)
        .map(|name| cut(name.as_ref()).into_owned())
        .collect();
    let more = if names.peek().is_some() { ", …" } else { "" };
    format!("{}{more}", first.join(", "))
}

fn decode<M: Message + Default>(message: &MessageBytes) -> Result<M, String> {
    if message.length > message.kept.len() {
        return Err(format!(
            "longer than {} bytes: not decoded",
            thousands(MAX_MESSAGE_BYTES)
        ));
    }
    M::decode(message.kept.as_slice()).map_err(|error| format!("cannot be decoded: {error}"))
}

fn cut(text: &str) -> Cow<'_, str> {
    text::cut(text, MAX_CHARS)
}

impl WireRow {
    /// Returns a sentence about the row.
    pub fn sentence(&self) -> &'static str {
        let is_repeated = self.order.is_some_and(|order| order.is_repeated);
        match self.kind {
            RowKind::Request => {
                "The game opens the stream with one HTTP/2 request: its headers list the features that the game \
                 supports, and contain the player's key, which is not shown."
            }
            RowKind::Response { has_features: true } => {
                "The casino accepts before any message, and its headers list the features that it will use on this \
                 stream."
            }
            RowKind::Response { has_features: false } => {
                "The headers list no features: this casino uses the first version of the protocol, with prices and \
                 results only."
            }
            RowKind::Order if is_repeated => {
                "The same order again, because its result was lost: a casino that knows request IDs executes it once \
                 and repeats the first answer."
            }
            RowKind::Order => {
                "The game may send an order at any time, without waiting for the result of the one before; the ID \
                 makes it safe to send it again."
            }
            RowKind::Price { is_first: true } => {
                "The current price comes first, so a new player does not wait for the next tick."
            }
            RowKind::Price { is_first: false } => {
                "Sent without a request: the casino may send at any time, and sends a price at each tick."
            }
            RowKind::Result { is_executed } => result_sentence(is_executed, self.order.is_some()),
            RowKind::Accepted => ACCEPTED_SENTENCE,
            RowKind::OrderEnded => ORDER_ENDED_SENTENCE,
            RowKind::Wallet => {
                "Sent without a request, once when the session opens: the wallet as it is on the casino's disk."
            }
            RowKind::Tape => {
                "Sent without a request: trades of all players, in one message if there are several."
            }
            RowKind::Players => "Sent without a request: the players online, at most once a second.",
            RowKind::Leaderboard => {
                "Sent without a request: the ranking. The player's own rank is the last field, so the rest is \
                 encoded once for all players."
            }
            RowKind::News => "Sent without a request: a headline, which moves the price unless it is false.",
            RowKind::Round => {
                "Sent without a request: the state of the round, after a change. The wallet of the round follows."
            }
            RowKind::Unknown => {
                "This version cannot read the message and ignores it; unknown fields and types let old programs and \
                 new ones work together."
            }
            RowKind::HalfClose => {
                "The game closes its half of the stream: it sends nothing more, but keeps reading, and the casino still \
                 answers all orders."
            }
            RowKind::Trailers { is_ok: true } => {
                "The status comes last, after all messages, in trailers: only now is it certain that nothing is \
                 missing."
            }
            RowKind::Trailers { is_ok: false } => {
                "The casino ends the stream with an error; the code says whether the game may try again."
            }
            RowKind::Broken => {
                "The connection was lost without a status, so orders without a result may have been executed or not."
            }
            RowKind::Reset => {
                "The game resets the stream: neither side sends anything more, and there is no status."
            }
        }
    }
}

fn result_sentence(is_executed: bool, has_order: bool) -> &'static str {
    match (is_executed, has_order) {
        (_, false) => "The row of its order is no longer kept.",
        (true, true) => {
            "The answer to the oldest unanswered order: each order gets exactly one result, in the order of sending. \
             The trade is on disk."
        }
        (false, true) => {
            "The answer to the oldest unanswered order: a rejection is a message like any other. The stream goes on, \
             and nothing has changed."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaderboard_has_the_returns_of_its_players() {
        let row = |rank, name: &str, profit, dollars_in| Standing {
            rank,
            player: Some(casino::Player {
                name: name.to_owned(),
                ..casino::Player::default()
            }),
            profit,
            dollars_in,
            ..Standing::default()
        };
        let (bob, ann) = (row(1, "bob", 40, 100), row(2, "ann", -7, 100));
        // Of an earlier casino, which does not send the profit.
        let earlier = row(3, "cid", 0, 0);
        let board = Leaderboard {
            top: vec![bob, ann.clone(), earlier],
            own: Some(ann),
            ranked: 3,
            ..Leaderboard::default()
        };
        let message = GambleInfo {
            r#type: GambleType::Leaderboard.into(),
            leaderboard: Some(board),
            ..GambleInfo::default()
        };
        assert_eq!(
            received(&MessageBytes::new(&message.encode_to_vec())).1,
            "you 2 of 3 (-1.4 %), top: bob (+8.0 %), ann (-1.4 %), cid"
        );
    }
}
