//! Converts between wire messages and domain types. Fields that a client did not request stay unset, so that an old client
//! receives the old messages byte for byte.

use std::sync::LazyLock;

use awesomestock_proto::capabilities::{Capabilities, ORDERS_SEEN_HEADER, USER_HEADER};
use awesomestock_proto::casino::{
    self, Action, ActionOutcome, ActionResult, ActionType, Candles, GambleInfo, OrderUpdate, PriceHistory,
    PricePoint, TimeInForce, Trades, Wallet,
};
use awesomestock_proto::frame::GambleFrame;
use awesomestock_proto::player::InvalidName;
use awesomestock_proto::values::Trigger;
use awesomestock_proto::{ACCEPTED_MESSAGE, CANCELLED_MESSAGE, EXECUTED_MESSAGE, types};
use prost::Message;
use tonic::metadata::MetadataMap;

use crate::domain::account::Account;
use crate::domain::candles::Candle;
use crate::domain::market::Tick;
use crate::domain::money::{Price, Stocks};
use crate::domain::order::request::{InvalidRequestId, OrderRequest, RequestId};
use crate::domain::order::resting::{OrderPosting, OrderState, RestingTerms};
use crate::domain::order::{Command, Decision, LedgerEntry, Payment, Side, Trade};
use crate::domain::player::{LegacyNames, PlayerName};
use crate::domain::round::round_of;
use crate::feed::lobby::encode::trade;
use crate::store::Page;

/// Why a request is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidRequest {
    #[error("user: {0}")]
    Name(#[from] InvalidName),
    #[error("type: {given} is not an action type: 0 is BUY, 1 is SELL")]
    Type { given: i32 },
    #[error(transparent)]
    Id(#[from] InvalidRequestId),
    #[error("limit_price: {given} is below 0; 0 is no limit")]
    Limit { given: i32 },
    #[error("stop_price: {given} is below 0; 0 is no stop")]
    Stop { given: i32 },
    #[error("time_in_force: {given} is not one: 0 is IMMEDIATE, 1 is UNTIL_CANCELLED")]
    TimeInForce { given: i32 },
    #[error("stop_price: only an order until cancelled has one")]
    ImmediateStop,
    #[error("limit_price, stop_price: an order until cancelled needs one of them")]
    Trigger,
    #[error("round: {given} is below 0; 0 is the player's own account")]
    Round { given: i64 },
    #[error("{ORDERS_SEEN_HEADER}: expected a number from 0 to {}", i64::MAX)]
    OrdersSeen,
}

pub(crate) fn parse_player(
    names: &LegacyNames,
    user: Option<&types::User>,
) -> Result<PlayerName, InvalidName> {
    names.parse(&user.ok_or(InvalidName::Missing)?.id)
}

pub(crate) fn session_player(names: &LegacyNames, metadata: &MetadataMap) -> Result<PlayerName, InvalidName> {
    let name = metadata.get_bin(USER_HEADER).ok_or(InvalidName::Missing)?;
    let bytes = name.to_bytes().map_err(|_| InvalidName::NotText)?;
    names.parse(std::str::from_utf8(&bytes).map_err(|_| InvalidName::NotText)?)
}

/// Parses the number of the last end of an order that the client has seen; 0 if it has seen none.
pub(crate) fn orders_seen(metadata: &MetadataMap) -> Result<i64, InvalidRequest> {
    let Some(value) = metadata.get(ORDERS_SEEN_HEADER) else {
        return Ok(0);
    };
    let number = value.to_str().ok().and_then(|number| number.parse().ok());
    number.filter(|seen| *seen >= 0).ok_or(InvalidRequest::OrdersSeen)
}

/// Converts an action. `known` caches the last player of the stream, whose name is not validated again.
#[inline]
pub(crate) fn parse_action(
    action: &Action,
    known: &mut Option<PlayerName>,
    names: &LegacyNames,
) -> Result<(PlayerName, OrderRequest), InvalidRequest> {
    let named = action.user.as_ref();
    let player = match known {
        Some(known) if named.is_some_and(|user| user.id == known.as_str()) => known.clone(),
        _ => known.insert(parse_player(names, named)?).clone(),
    };
    let count = Stocks(action.stocks_count);
    let given = action.r#type;
    let side = ActionType::try_from(given).map_err(|_| InvalidRequest::Type { given })?;
    let side = Side::from(side);
    let limit = optional_price(action.limit_price).map_err(|given| InvalidRequest::Limit { given })?;
    let stop = optional_price(action.stop_price).map_err(|given| InvalidRequest::Stop { given })?;
    let given = action.time_in_force;
    let time_in_force = TimeInForce::try_from(given).map_err(|_| InvalidRequest::TimeInForce { given })?;
    let rest = |trigger, price| {
        Command::Rest(RestingTerms {
            side,
            count,
            trigger,
            price,
            up_to: action.up_to,
        })
    };
    let command = match (time_in_force, limit, stop) {
        (TimeInForce::Immediate, _, Some(_)) => return Err(InvalidRequest::ImmediateStop),
        (TimeInForce::Immediate, limit, None) if action.up_to => Command::UpTo(side, count, limit),
        (TimeInForce::Immediate, limit, None) => Command::order(side, count, limit),
        (TimeInForce::UntilCancelled, Some(limit), None) => rest(Trigger::Limit, limit),
        (TimeInForce::UntilCancelled, None, Some(stop)) => rest(Trigger::Stop, stop),
        (TimeInForce::UntilCancelled, ..) => return Err(InvalidRequest::Trigger),
    };
    Ok((player, parse_request(command, &action.id, action.round)?))
}

/// Parses the ID of a request and the round that it is meant for.
#[inline]
pub(crate) fn parse_request(
    command: Command,
    id: &[u8],
    round: Option<i64>,
) -> Result<OrderRequest, InvalidRequest> {
    let id = RequestId::new(id)?;
    match round {
        Some(given @ ..0) => Err(InvalidRequest::Round { given }),
        round => Ok(OrderRequest { command, id, round }),
    }
}

/// Returns `None` for 0, and the given price as an error if it is below.
fn optional_price(given: i32) -> Result<Option<Price>, i32> {
    match given {
        0 => Ok(None),
        given => Price::new(given).map(Some).ok_or(given),
    }
}

pub(crate) fn wallet_update(account: &Account, capabilities: Capabilities) -> GambleFrame {
    GambleInfo::from(wallet(account, capabilities)).into()
}

/// Returns the result of an action. `present` is the state of the order that it placed, if that was read.
pub(crate) fn order_result(
    decision: &Decision,
    present: Option<&OrderPosting>,
    capabilities: Capabilities,
) -> GambleFrame {
    if matches!(decision.result, Ok(LedgerEntry::Trade(_))) && !capabilities.wallet {
        return executed();
    }
    let present = present.filter(|_| decision.result == Ok(LedgerEntry::Accepted));
    let state = present.map(|posting| posting.order.state);
    let (outcome, msg) = outcome(decision, state);
    let mut result = ActionResult {
        msg,
        order: present.map(order),
        ..ActionResult::default()
    };
    if capabilities.wallet {
        result.set_outcome(outcome);
        result.trade = match (&decision.result, state) {
            (Ok(LedgerEntry::Trade(executed)), _) => Some(trade(executed)),
            (_, Some(OrderState::Filled(filled))) => Some(trade(&filled)),
            _ => None,
        };
        result.wallet = Some(wallet(&decision.account, capabilities));
    }
    GambleInfo::from(result).into()
}

fn outcome(decision: &Decision, present: Option<OrderState>) -> (ActionOutcome, String) {
    match (decision.result, present) {
        (Err(rejection), _) | (Ok(_), Some(OrderState::Rejected(rejection, _))) => {
            (ActionOutcome::OutcomeRefused, rejection.to_string())
        }
        (Ok(LedgerEntry::Cancelled), _) | (Ok(_), Some(OrderState::Cancelled(_))) => {
            (ActionOutcome::OutcomeCancelled, CANCELLED_MESSAGE.to_owned())
        }
        (Ok(LedgerEntry::Accepted), None | Some(OrderState::Open)) => {
            (ActionOutcome::OutcomeAccepted, ACCEPTED_MESSAGE.to_owned())
        }
        (Ok(_), _) => (ActionOutcome::OutcomeExecuted, EXECUTED_MESSAGE.to_owned()),
    }
}

/// Returns the message about an order that was placed or has ended; with the wallet, if the client requested it.
pub(crate) fn order_update(
    posting: &OrderPosting,
    account: &Account,
    capabilities: Capabilities,
) -> GambleFrame {
    let update = OrderUpdate {
        order: Some(order(posting)),
        wallet: capabilities.wallet.then(|| wallet(account, capabilities)),
    };
    GambleInfo::from(update).into()
}

pub(crate) fn order(posting: &OrderPosting) -> casino::Order {
    let resting = &posting.order;
    let terms = resting.terms;
    let price = |trigger| match terms.trigger == trigger {
        true => terms.price.get(),
        false => 0,
    };
    let mut order = casino::Order {
        id: resting.id.0.to_vec(),
        r#type: ActionType::from(terms.side).into(),
        stocks_count: terms.count.0,
        limit_price: price(Trigger::Limit),
        stop_price: price(Trigger::Stop),
        up_to: terms.up_to,
        placed_unix_ms: resting.placed_at.0,
        end_number: posting.ended.unwrap_or(0),
        ended_unix_ms: resting.ended_at().map_or(0, |at| at.0),
        ..casino::Order::default()
    };
    let state = match resting.state {
        OrderState::Open => casino::OrderState::OrderOpen,
        OrderState::Filled(filled) => {
            order.trade = Some(trade(&filled));
            casino::OrderState::OrderFilled
        }
        OrderState::Cancelled(_) => casino::OrderState::OrderCancelled,
        OrderState::Rejected(rejection, _) => {
            order.msg = rejection.to_string();
            casino::OrderState::OrderRefused
        }
    };
    order.set_state(state);
    order
}

/// The result of an executed action for a client of the first contract: always the same bytes.
fn executed() -> GambleFrame {
    static EXECUTED: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let result = ActionResult {
            msg: EXECUTED_MESSAGE.to_owned(),
            ..ActionResult::default()
        };
        GambleInfo::from(result).encode_to_vec()
    });
    GambleFrame::Constant(&EXECUTED)
}

/// Returns the result of an action that did not reach the ledger.
pub(crate) fn rejected(why: &impl std::fmt::Display, capabilities: Capabilities) -> GambleFrame {
    let mut result = ActionResult {
        msg: why.to_string(),
        ..ActionResult::default()
    };
    if capabilities.wallet {
        result.set_outcome(ActionOutcome::OutcomeRefused);
    }
    GambleInfo::from(result).into()
}

pub(crate) fn payment(player: &PlayerName, payment: Payment) -> types::Payment {
    types::Payment {
        user: Some(types::User {
            id: player.as_str().to_owned(),
        }),
        amount: payment.amount,
        number: payment.number,
        created_unix_ms: payment.at.0,
        id: Vec::new(),
        round: None,
    }
}

pub(crate) fn wallet(account: &Account, capabilities: Capabilities) -> Wallet {
    Wallet {
        round: capabilities.accounts.then(|| round_of(account)),
        tokens: account.tokens.0,
        stocks: account.stocks.0,
        cost_basis: account.cost_basis,
        realised_pnl: account.realised_pnl,
        dollars_in: account.dollars_in,
        dollars_out: account.dollars_out,
        version: account.version,
    }
}

pub(crate) fn trades(page: &Page<Trade>) -> Trades {
    Trades {
        trades: page.entries.iter().map(trade).collect(),
        more: page.more,
    }
}

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

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataValue;

    use super::*;

    #[test]
    fn the_player_of_a_session_is_any_utf_8_name() {
        let player = |bytes: &[u8]| {
            let mut metadata = MetadataMap::new();
            metadata.insert_bin(USER_HEADER, MetadataValue::from_bytes(bytes));
            session_player(&LegacyNames::default(), &metadata)
        };
        assert_eq!(player("Ægir".as_bytes()).unwrap().as_str(), "Ægir");
        assert_eq!(player(b"\xff"), Err(InvalidName::NotText));
        assert_eq!(player(b""), Err(InvalidName::Missing));
        assert_eq!(
            session_player(&LegacyNames::default(), &MetadataMap::new()),
            Err(InvalidName::Missing)
        );
    }

    #[test]
    fn the_last_end_seen_is_a_number() {
        let seen = |value: Option<&str>| {
            let mut metadata = MetadataMap::new();
            if let Some(value) = value {
                metadata.insert(ORDERS_SEEN_HEADER, value.parse().unwrap());
            }
            orders_seen(&metadata)
        };
        assert_eq!(seen(None), Ok(0));
        assert_eq!(seen(Some("17")), Ok(17));
        for value in ["", "-1", "x", "9223372036854775808"] {
            assert_eq!(
                seen(Some(value)).unwrap_err().to_string(),
                "awesomestock-orders-seen: expected a number from 0 to 9223372036854775807"
            );
        }
    }
}
