//! Everything that can happen to the game, in the game's own words.

use crossterm::event::{KeyEvent, MouseEvent};
use serde::{Deserialize, Serialize};

use super::{
    chart::{Mark, Sight},
    company::{Leaderboard, Players, TapeNews, Told},
    market::{Candle, PricePoint},
    money::{Side, UnixMs},
    overlay::PaymentRow,
    screen::Button,
    wallet::Wallet,
};

/// Something that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// A key was pressed, held or released.
    Key(KeyEvent),
    /// The mouse was moved, clicked or wheeled.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resized(u16, u16),
    /// What was drawn on top can be scrolled down by this many lines.
    Reach(usize),
    /// What was drawn to be clicked is there.
    Buttons(Vec<Button>),
    /// What was drawn as the chart stands there.
    Sight(Sight),
    /// Something came of the Gamble stream.
    Stream(StreamEvent),
    /// A call was answered.
    Answered(Answer),
    /// A call failed.
    Failed(Call, Failure),
    /// An export was written, to this path; or in words why not.
    Exported(Result<String, String>),
    /// A moment that [`AppState::next_wake`](super::AppState::next_wake) named has come.
    Woken,
    /// The process was told to end.
    ToldToStop,
}

/// Something that came of the Gamble stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum StreamEvent {
    /// It is open. `extended`: the casino tells more than the old contract.
    Joined {
        /// The casino tells ticks, wallet and outcome.
        extended: bool,
        /// The casino executes what carries the same id once: what has no answer may be sent again.
        ids: bool,
    },
    /// It is open at this address, where the casino has several.
    At(String),
    /// A price.
    Price {
        /// The casino's number for it, where it tells.
        tick: Option<i64>,
        /// Tokens for one stock.
        price: i32,
        /// When it came into force, where the casino tells.
        at: Option<UnixMs>,
        /// Time between two ticks in milliseconds, where the casino tells.
        interval_ms: Option<i64>,
    },
    /// The wallet, on joining.
    Wallet(Wallet),
    /// On joining: the casino tells so much of the others.
    Tells(Told),
    /// Trades of everybody.
    Tape(TapeNews),
    /// Who is seated.
    Players(Players),
    /// Who owns most.
    Leaderboard(Leaderboard),
    /// The answer to the oldest order without one.
    Result(OrderResult),
    /// It could not be opened, or has ended; in words, why.
    Lost(String),
    /// The casino refuses this player the seat, and would refuse it again; in words, why.
    Barred(String),
}

/// The answer to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderResult {
    /// It is a trade now.
    pub executed: bool,
    /// In the casino's words.
    pub message: String,
    /// Tokens for one stock, where the casino tells.
    pub price: Option<i32>,
    /// The tick whose price it was, where the casino tells.
    pub tick: Option<i64>,
    /// When it was executed, where the casino tells.
    pub at: Option<UnixMs>,
    /// The wallet afterwards, where the casino tells.
    pub wallet: Option<Wallet>,
}

/// A call to the casino beside the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// Tokens for so many dollars.
    BuyTokens(i32),
    /// Dollars for so many tokens.
    Withdraw(i32),
    /// The wallet; from a casino of the old contract, the token balance.
    Holdings,
    /// The player's payments.
    Payments,
    /// The player's statement.
    Statement,
    /// A page of the market's prices.
    History {
        /// Only those of lower ticks; `None`: the newest ones.
        before: Option<i64>,
    },
    /// A page of the older part of the market's prices.
    Candles {
        /// Only those that begin with lower ticks.
        before: i64,
    },
    /// The newest page of the player's trades, for log and chart.
    Trades,
    /// A page of the player's trades, to be read.
    TradePage {
        /// Only those of lower numbers; `None`: the newest ones.
        before: Option<i64>,
    },
    /// Who owns most.
    Leaderboard,
}

/// Why there is no answer to a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The casino refused it, and nothing has changed; in words, why.
    Refused(String),
    /// The casino was not asked, and nothing has changed; in words, why.
    NotSent(String),
    /// The casino could not be reached or did not answer: whether it was done is not known; in words, why.
    Unanswered(String),
}

impl Failure {
    /// The words alone.
    #[must_use]
    pub fn into_words(self) -> String {
        match self {
            Self::Refused(why) | Self::NotSent(why) | Self::Unanswered(why) => why,
        }
    }
}

/// The answer to a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// So many tokens were bought for so many dollars.
    TokensBought {
        /// Dollars.
        dollars: i32,
        /// Tokens.
        tokens: i32,
    },
    /// So many dollars were paid out for so many tokens.
    Withdrawn {
        /// Tokens.
        tokens: i32,
        /// Dollars.
        dollars: i32,
    },
    /// The wallet.
    Wallet(Wallet),
    /// The tokens, from a casino that tells no more.
    Tokens(i32),
    /// The payments, oldest first.
    Payments(Vec<PaymentRow>),
    /// The statement.
    Statement(String),
    /// A page of prices.
    History {
        /// Below which tick; `None`: the newest page.
        before: Option<i64>,
        /// Oldest first.
        prices: Vec<PricePoint>,
        /// There are older ones that are told one by one.
        more: bool,
    },
    /// A page of candles.
    Candles {
        /// Which begin below which tick.
        before: i64,
        /// Oldest first.
        candles: Vec<Candle>,
        /// There are older ones.
        more: bool,
    },
    /// Trades, oldest first.
    Trades(Vec<TradeRow>),
    /// A page of trades.
    TradePage {
        /// Below which number; `None`: the newest page.
        before: Option<i64>,
        /// Oldest first.
        rows: Vec<NumberedTrade>,
        /// There are older ones.
        more: bool,
    },
    /// Who owns most.
    Leaderboard(Leaderboard),
}

impl Answer {
    /// The kind of call that is answered so, whatever else it says.
    pub(super) fn call(&self) -> Call {
        match self {
            Self::TokensBought { dollars, .. } => Call::BuyTokens(*dollars),
            Self::Withdrawn { tokens, .. } => Call::Withdraw(*tokens),
            Self::Wallet(_) | Self::Tokens(_) => Call::Holdings,
            Self::Payments(_) => Call::Payments,
            Self::Statement(_) => Call::Statement,
            Self::History { before, .. } => Call::History { before: *before },
            Self::Candles { before, .. } => Call::Candles { before: *before },
            Self::Trades(_) => Call::Trades,
            Self::TradePage { before, .. } => Call::TradePage { before: *before },
            Self::Leaderboard(_) => Call::Leaderboard,
        }
    }
}

/// A trade, and its position among the player's trades: 1 for the first.
pub type NumberedTrade = (i64, TradeRow);

/// One trade of the player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeRow {
    /// The tick whose price it was.
    pub tick: i64,
    /// When it was executed.
    pub at: UnixMs,
    /// Buy or sell.
    pub side: Side,
    /// Stocks.
    pub count: i32,
    /// Tokens for one stock.
    pub price: i32,
}

impl TradeRow {
    /// Tokens paid or got.
    #[must_use]
    pub fn total(&self) -> i64 {
        i64::from(self.count).saturating_mul(i64::from(self.price))
    }

    /// Tokens by which it changed the wallet: paid, negative, or got.
    #[must_use]
    pub fn tokens(&self) -> i64 {
        match self.side {
            Side::Buy => self.total().saturating_neg(),
            Side::Sell => self.total(),
        }
    }

    /// The trade as it is marked on the chart.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            tick: self.tick,
            side: self.side,
            count: self.count,
            price: self.price,
        }
    }
}
