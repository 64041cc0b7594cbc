//! Between the wire's messages and the core's values, both ways.
//!
//! Wire types end here: nothing of the core has heard of them. What a client did not ask for is left unset, so that
//! an old client receives the old messages byte for byte.

mod company;

use std::{sync::LazyLock, time::Duration};

use awesomestock_proto::{
    EXECUTED_MESSAGE, STOCK_NAME,
    casino::{
        self, Action, ActionOutcome, ActionResult, ActionType, Candles, GambleInfo, GambleType, PriceHistory,
        PricePoint, StockInfo, Trades, Wallet,
    },
    types,
};
use prost::{
    EncodeError, Message,
    bytes::{BufMut, Bytes},
};

pub(crate) use self::company::{
    PreparedRanking, leaderboard, prepared_players, prepared_ranking, prepared_tape,
};
use crate::{
    account::Account,
    feeds::Feeds,
    history::Candle,
    identity::{NameError, PlayerName},
    market::Tick,
    quantity::{Price, Stocks},
    receipt::{BadId, RequestId, Submission},
    record::{Command, Decision, Entry, Payment, Side, Trade},
    store::Page,
};

/// Why an action cannot be put to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadAction {
    /// It names nobody.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A type that the contract does not have.
    #[error("type: {given} is no type of action; 0 is BUY, 1 is SELL")]
    Type {
        /// What was sent.
        given: i32,
    },
    /// An id that is none.
    #[error(transparent)]
    Id(#[from] BadId),
    /// A limit that no price can have.
    #[error("limit_price: {given} is below 0; 0 is no limit")]
    Limit {
        /// What was sent.
        given: i32,
    },
}

/// A request about a player.
pub(crate) trait NamesPlayer {
    /// Who it is about, if it says so.
    fn user(&self) -> Option<&types::User>;
}

impl NamesPlayer for types::User {
    fn user(&self) -> Option<&types::User> {
        Some(self)
    }
}

impl NamesPlayer for types::Payment {
    fn user(&self) -> Option<&types::User> {
        self.user.as_ref()
    }
}

impl NamesPlayer for casino::WithdrawRequest {
    fn user(&self) -> Option<&types::User> {
        self.user.as_ref()
    }
}

impl NamesPlayer for casino::TradesRequest {
    fn user(&self) -> Option<&types::User> {
        self.user.as_ref()
    }
}

/// The player that a request names.
pub(crate) fn player(user: Option<&types::User>) -> Result<PlayerName, NameError> {
    PlayerName::new(&user.ok_or(NameError::Missing)?.id)
}

/// The player and the command of an action, with its id. `known` is who acted last on this stream: a name is looked at character by
/// character only when it is another.
pub(crate) fn command(
    action: &Action,
    known: &mut Option<PlayerName>,
) -> Result<(PlayerName, Submission), BadAction> {
    let named = action.user.as_ref();
    let player = match known {
        Some(known) if named.is_some_and(|user| user.id == known.as_str()) => known.clone(),
        _ => known.insert(player(named)?).clone(),
    };
    let count = Stocks(action.stocks_count);
    let side = match ActionType::try_from(action.r#type) {
        Ok(ActionType::Buy) => Side::Buy,
        Ok(ActionType::Sell) => Side::Sell,
        Err(_) => return Err(BadAction::Type { given: action.r#type }),
    };
    let command = match (action.limit_price, Price::new(action.limit_price), side) {
        (0, _, Side::Buy) => Command::Buy(count),
        (0, _, Side::Sell) => Command::Sell(count),
        (_, Some(limit), side) => Command::Limited(side, count, limit),
        (given, None, _) => return Err(BadAction::Limit { given }),
    };
    let id = RequestId::new(&action.id)?;
    Ok((player, Submission { command, id }))
}

/// A message to a seat.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// As it is.
    Info(Box<GambleInfo>),
    /// Encoded before, for everybody.
    Prepared(Bytes),
    /// That an action was executed, to a client that asked for no more.
    Executed,
    /// A leaderboard encoded before, and the place of who is told.
    Leaderboard(Bytes, Option<Box<casino::Standing>>),
}

impl Said {
    /// Writes the message's bytes into `buffer`.
    pub(crate) fn encode(&self, buffer: &mut impl BufMut) -> Result<(), EncodeError> {
        static EXECUTED: LazyLock<Vec<u8>> = LazyLock::new(|| executed().encode_to_vec());
        match self {
            Self::Info(info) => return info.encode(buffer),
            Self::Prepared(bytes) => buffer.put_slice(bytes),
            Self::Executed => buffer.put_slice(&EXECUTED),
            Self::Leaderboard(body, own) => company::encode_leaderboard(body, own.as_deref(), buffer),
        }
        Ok(())
    }
}

impl From<GambleInfo> for Said {
    fn from(info: GambleInfo) -> Self {
        Self::Info(Box::new(info))
    }
}

/// A price, encoded once for everybody.
#[derive(Debug, Clone)]
pub(crate) struct PreparedPrice {
    plain: Bytes,
    with_tick: Bytes,
}

impl PreparedPrice {
    /// The price as a client with these feeds is told of it.
    pub(crate) fn to(self, feeds: Feeds) -> Said {
        Said::Prepared(if feeds.ticks { self.with_tick } else { self.plain })
    }
}

/// The price of `tick`, ready to be said.
pub(crate) fn prepared_price(tick: Tick, interval: Duration) -> PreparedPrice {
    let encoded = |ticks| {
        let feeds = Feeds {
            ticks,
            ..Feeds::default()
        };
        Bytes::from(price(tick, interval, feeds).encode_to_vec())
    };
    PreparedPrice {
        plain: encoded(false),
        with_tick: encoded(true),
    }
}

/// A price, as a seat is told of it.
fn price(tick: Tick, interval: Duration, feeds: Feeds) -> GambleInfo {
    let mut info = StockInfo {
        name: STOCK_NAME.to_owned(),
        price: tick.price.get(),
        ..StockInfo::default()
    };
    if feeds.ticks {
        info.tick = tick.number;
        info.at_unix_ms = tick.at.0;
        info.interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
    }
    GambleInfo {
        r#type: GambleType::StockInfo.into(),
        info: Some(info),
        ..GambleInfo::default()
    }
}

/// A wallet, as a seat is told of it on joining.
pub(crate) fn joining_wallet(account: &Account) -> Said {
    let info = GambleInfo {
        r#type: GambleType::Wallet.into(),
        wallet: Some(wallet(account)),
        ..GambleInfo::default()
    };
    info.into()
}

/// The answer to an action that the ledger has decided.
pub(crate) fn decided(decision: &Decision, feeds: Feeds) -> Said {
    if decision.result.is_ok() && !feeds.wallet {
        return Said::Executed;
    }
    let msg = match &decision.result {
        Ok(_) => EXECUTED_MESSAGE.to_owned(),
        Err(refusal) => refusal.to_string(),
    };
    let mut result = ActionResult {
        msg,
        ..ActionResult::default()
    };
    if feeds.wallet {
        result.set_outcome(match decision.result {
            Ok(_) => ActionOutcome::OutcomeExecuted,
            Err(_) => ActionOutcome::OutcomeRefused,
        });
        if let Ok(Entry::Trade(executed)) = &decision.result {
            result.trade = Some(trade(executed));
        }
        result.wallet = Some(wallet(&decision.account));
    }
    answer(result).into()
}

/// The answer to an executed action, as an old client gets it.
fn executed() -> GambleInfo {
    answer(ActionResult {
        msg: EXECUTED_MESSAGE.to_owned(),
        ..ActionResult::default()
    })
}

/// The answer to an action that never came to a decision; nothing has changed.
pub(crate) fn refused(why: &impl std::fmt::Display, feeds: Feeds) -> Said {
    let mut result = ActionResult {
        msg: why.to_string(),
        ..ActionResult::default()
    };
    if feeds.wallet {
        result.set_outcome(ActionOutcome::OutcomeRefused);
    }
    answer(result).into()
}

fn answer(result: ActionResult) -> GambleInfo {
    GambleInfo {
        r#type: GambleType::ActionResult.into(),
        result: Some(result),
        ..GambleInfo::default()
    }
}

/// A payment of `player`.
pub(crate) fn payment(player: &PlayerName, payment: Payment) -> types::Payment {
    types::Payment {
        user: Some(types::User {
            id: player.as_str().to_owned(),
        }),
        amount: payment.amount,
        number: payment.number,
        created_unix_ms: payment.at.0,
        id: Vec::new(),
    }
}

/// A wallet.
pub(crate) fn wallet(account: &Account) -> Wallet {
    Wallet {
        tokens: account.tokens.0,
        stocks: account.stocks.0,
        cost_basis: account.cost_basis,
        realised_pnl: account.realised_pnl,
        dollars_in: account.dollars_in,
        dollars_out: account.dollars_out,
        version: account.version,
    }
}

/// A page of trades.
pub(crate) fn trades(page: &Page<Trade>) -> Trades {
    Trades {
        trades: page.entries.iter().map(trade).collect(),
        more: page.more,
    }
}

/// A page of prices.
pub(crate) fn prices(page: &Page<Tick>) -> PriceHistory {
    let point = |tick: &Tick| PricePoint {
        tick: tick.number,
        price: tick.price.get(),
        at_unix_ms: tick.at.0,
    };
    PriceHistory {
        points: page.entries.iter().map(point).collect(),
        more: page.more,
    }
}

/// A page of candles.
pub(crate) fn candles(page: &Page<Candle>) -> Candles {
    let candle = |candle: &Candle| casino::Candle {
        first_tick: candle.first,
        ticks_count: i32::try_from(candle.ticks).unwrap_or(i32::MAX),
        open: candle.open.get(),
        high: candle.high.get(),
        low: candle.low.get(),
        close: candle.close.get(),
        since_unix_ms: candle.since.0,
        until_unix_ms: candle.until.0,
    };
    Candles {
        candles: page.entries.iter().map(candle).collect(),
        more: page.more,
    }
}

fn trade(trade: &Trade) -> casino::Trade {
    let r#type = match trade.side {
        Side::Buy => ActionType::Buy,
        Side::Sell => ActionType::Sell,
    };
    casino::Trade {
        number: trade.number,
        r#type: r#type.into(),
        stocks_count: trade.count.0,
        price: trade.price.get(),
        tick: trade.tick,
        at_unix_ms: trade.at.0,
    }
}
