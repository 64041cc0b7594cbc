//! Events that reach the reducer, and the effects it returns.

use crossterm::event::{KeyEvent, MouseEvent};
use serde::{Deserialize, Serialize};

use super::chart::HitMap;
use super::lobby::round::Round;
use super::lobby::{Capabilities, Headline, Leaderboard, Players, TapeUpdate};
use super::overlay::PaymentRow;
use super::prices::{Candle, PricePoint};
pub use crate::app::commands::lab::Faults;
pub use crate::app::commands::request::Request;
use crate::app::overlay::screen::ClickTarget;
use crate::app::portfolio::achievements::Achievement;
use crate::app::portfolio::money::UnixMillis;
use crate::app::portfolio::open_orders::RestingOrder;
use crate::app::portfolio::order::{ClientOrderId, Order};
pub use crate::app::portfolio::rows::{NumberedTrade, TradeRow};
use crate::app::portfolio::wallet::Wallet;
use crate::app::wire::WireEvent;

/// An input of the reducer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A key press, repeat or release.
    Key(KeyEvent),
    /// A mouse move, click, drag or scroll.
    Mouse(MouseEvent),
    Paste(String),
    /// New terminal size: columns, rows.
    Resized(u16, u16),
    /// The frame that the player saw differs from the one before. Sent before the key or click that it matters for.
    Rendered(FrameChange),
    /// A message of the Gamble stream.
    Stream(StreamEvent),
    /// A call succeeded.
    Answered(Response),
    /// A call failed.
    Failed(Request, RequestError),
    /// An export finished: the file's path, or the error.
    Exported(Result<String, String>),
    /// A message for the player, such as a recording that has stopped.
    Notice(String),
    /// The time of [`AppState::next_wake`](super::AppState::next_wake) was reached.
    #[serde(rename = "Woken")]
    Timer,
    /// A part of the Gamble stream, for the wire pane. Not recorded: a replay encodes the messages again.
    #[serde(skip)]
    Wire(WireEvent),
    /// The process received a shutdown signal.
    #[serde(rename = "ToldToStop")]
    Shutdown,
}

/// The facts about a frame that are known only after drawing; `None`: as in the frame before. In recordings up to format 4,
/// each was an event of its own, with the name in `alias`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FrameChange {
    /// Highest scroll position of the top overlay, in lines.
    #[serde(alias = "Reach", skip_serializing_if = "Option::is_none")]
    pub reach: Option<usize>,
    /// Visible lines of the top overlay or the wire pane.
    #[serde(alias = "Page", skip_serializing_if = "Option::is_none")]
    pub visible: Option<usize>,
    #[serde(alias = "Buttons", skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Vec<ClickTarget>>,
    #[serde(alias = "Sight", skip_serializing_if = "Option::is_none")]
    pub hit_map: Option<HitMap>,
}

/// The reason of [`StreamEvent::Closed`] when the casino ended the stream with the status OK.
pub const CLOSED_IN_ORDER: &str = "the casino closed the table";

/// A message of the Gamble stream, or a change of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamEvent {
    #[serde(rename = "Joined")]
    Opened {
        /// The casino sends ticks, wallet and outcome.
        extended: bool,
        /// The casino deduplicates orders by request ID, so unanswered ones can be resent.
        ids: bool,
    },
    /// The stream is open at this address, one of several.
    #[serde(rename = "At")]
    Endpoint(String),
    Price {
        /// Tick number, if sent.
        tick: Option<i64>,
        /// Tokens for one stock.
        price: i32,
        /// Start of the tick, if sent.
        at: Option<UnixMillis>,
        /// Time between two ticks in milliseconds, if sent.
        interval_ms: Option<i64>,
    },
    /// The wallet, on opening.
    Wallet(Wallet),
    /// The lobby feeds that the casino supports, on opening.
    #[serde(rename = "Tells")]
    Capabilities(Capabilities),
    /// Recent trades of all players.
    Tape(TapeUpdate),
    Players(Players),
    Leaderboard(Leaderboard),
    News(Headline),
    Round(Round),
    /// The answer to the oldest pending order.
    Result(OrderResult),
    /// The answer to the oldest pending order: it was accepted to rest. A repeated answer has its current state.
    Accepted {
        order: RestingOrder,
        /// The wallet, if sent.
        wallet: Option<Wallet>,
    },
    /// An order that another session of the player has placed.
    OrderPlaced {
        order: RestingOrder,
        /// The wallet then or later, if sent.
        wallet: Option<Wallet>,
    },
    /// An order that rested has ended.
    OrderEnded {
        order: RestingOrder,
        /// The wallet then or later, if sent.
        wallet: Option<Wallet>,
    },
    /// The stream could not be opened or has ended, with the reason.
    #[serde(rename = "Lost")]
    Closed(String),
    /// The casino rejected the player for good, with the reason.
    #[serde(rename = "Barred")]
    Rejected(String),
}

/// The answer to an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrderResult {
    /// The order became a trade.
    pub executed: bool,
    /// The casino's message.
    pub message: String,
    /// Tokens for one stock, if sent.
    pub price: Option<i32>,
    /// Stocks traded, if sent.
    #[serde(default)]
    pub count: Option<i32>,
    /// Tick of the price, if sent.
    pub tick: Option<i64>,
    /// Execution time, if sent.
    pub at: Option<UnixMillis>,
    /// The wallet afterwards, if sent.
    pub wallet: Option<Wallet>,
}

/// A failed [`Request`], with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{0}")]
pub enum RequestError {
    /// The casino rejected it; nothing changed.
    #[serde(rename = "Refused")]
    Rejected(String),
    /// Nothing was sent; nothing changed.
    NotSent(String),
    /// No answer arrived; the outcome is unknown.
    Unanswered(String),
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    TokensBought {
        dollars: i32,
        tokens: i32,
    },
    Withdrawn {
        tokens: i32,
        dollars: i32,
    },
    Wallet(Wallet),
    /// The token balance of a casino without the wallet call.
    Tokens(i32),
    /// The payments, oldest first.
    Payments(Vec<PaymentRow>),
    Statement(String),
    History {
        /// As requested.
        before: Option<i64>,
        /// Oldest first.
        prices: Vec<PricePoint>,
        /// Older prices exist.
        more: bool,
    },
    Candles {
        /// As requested.
        before: i64,
        /// Oldest first.
        candles: Vec<Candle>,
        /// Older candles exist.
        more: bool,
    },
    /// Trades, oldest first.
    Trades(Vec<TradeRow>),
    TradePage {
        /// As requested.
        before: Option<i64>,
        /// Oldest first.
        rows: Vec<NumberedTrade>,
        /// Older trades exist.
        more: bool,
    },
    Leaderboard(Leaderboard),
    Orders {
        /// Oldest first.
        open: Vec<RestingOrder>,
        /// In the order in which they ended.
        ended: Vec<RestingOrder>,
    },
    /// The answer to a cancellation.
    Cancelled {
        /// The order as it ended. Flat, as in recordings of earlier versions, which had only the order.
        #[serde(flatten)]
        order: RestingOrder,
        /// Whether this call cancelled it; `None` from a casino that does not say so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_call: Option<bool>,
    },
}

impl Response {
    pub(super) fn call(&self) -> Request {
        match self {
            Self::TokensBought { dollars, .. } => Request::BuyTokens(*dollars),
            Self::Withdrawn { tokens, .. } => Request::Withdraw(*tokens),
            Self::Wallet(_) | Self::Tokens(_) => Request::Holdings,
            Self::Payments(_) => Request::Payments,
            Self::Statement(_) => Request::Statement,
            Self::History { before, .. } => Request::History { before: *before },
            Self::Candles { before, .. } => Request::Candles { before: *before },
            Self::Trades(_) => Request::Trades,
            Self::TradePage { before, .. } => Request::TradePage { before: *before },
            Self::Leaderboard(_) => Request::Leaderboard,
            Self::Orders { .. } => Request::Orders,
            Self::Cancelled { order, .. } => Request::CancelOrder(order.id),
        }
    }
}

/// Work for the runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Opens the Gamble stream.
    Connect {
        after_ms: i64,
    },
    /// Sends an order on the Gamble stream.
    Send(Order<ClientOrderId>),
    /// Reports every message of the stream as [`Event::Wire`] from now on.
    CollectWire,
    /// Half-closes the stream; pending orders are still answered.
    Leave,
    /// Makes a call; its answer or failure returns as an event.
    Call(Request),
    /// Copies text to the clipboard.
    Copy(String),
    /// Rings the terminal's bell, or asks for a desktop notification with this text.
    Ring(Option<String>),
    /// Writes text to a new file in the working directory; the result returns as an event.
    Export {
        file_name: String,
        text: String,
    },
    /// Stores a result at once, so that a killed game keeps it.
    Keep(Kept),
    /// Injects faults into the servers of the lab.
    Inject(Faults),
    /// Redraws the whole screen.
    Repaint,
    /// Restores the terminal and suspends the process.
    Suspend,
    Quit,
}

impl Effect {
    /// Returns true if the effect is an action of a player, or a call about one.
    pub(super) fn needs_player(&self) -> bool {
        match self {
            Self::Send(_) => true,
            Self::Call(request) => !matches!(request, Request::History { .. } | Request::Candles { .. }),
            _ => false,
        }
    }
}

/// A result that is stored at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Achievement(Achievement),
    /// A trade of a challenge, which proves its result.
    Trade(TradeRow),
}

/// Effects in order.
pub type Effects = Vec<Effect>;
