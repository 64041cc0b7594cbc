//! Converts between wire messages and domain types. Fields that a client did not request stay unset, so that an old client
//! receives the old messages byte for byte.

use std::sync::LazyLock;

use awesomestock_proto::{
    EXECUTED_MESSAGE,
    capabilities::USER_HEADER,
    casino::{
        self, Action, ActionOutcome, ActionResult, ActionType, Candles, GambleInfo, GambleType, PriceHistory,
        PricePoint, Trades, Wallet,
    },
    frame::GambleFrame,
    player::InvalidName,
    types,
};
use prost::{Message, bytes::Bytes};
use tonic::metadata::MetadataMap;

use crate::{
    domain::{
        account::Account,
        candles::Candle,
        market::Tick,
        money::{Price, Stocks},
        order::{
            Command, Decision, LedgerEntry, Payment, Side, Trade,
            request::{InvalidRequestId, OrderRequest, RequestId},
        },
        player::{LegacyNames, PlayerName},
    },
    feed::{capabilities::Capabilities, lobby::encode::trade},
    store::Page,
};

/// Why an action is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidAction {
    #[error("user: {0}")]
    Name(#[from] InvalidName),
    #[error("type: {given} is not an action type: 0 is BUY, 1 is SELL")]
    Type { given: i32 },
    #[error(transparent)]
    Id(#[from] InvalidRequestId),
    #[error("limit_price: {given} is below 0; 0 is no limit")]
    Limit { given: i32 },
}

pub(crate) fn parse_player(
    names: &LegacyNames,
    user: Option<&types::User>,
) -> Result<PlayerName, InvalidName> {
    names.parse(&user.ok_or(InvalidName::Missing)?.id)
}

/// Parses the player of a session.
pub(crate) fn session_player(names: &LegacyNames, metadata: &MetadataMap) -> Result<PlayerName, InvalidName> {
    let name = metadata.get_bin(USER_HEADER).ok_or(InvalidName::Missing)?;
    let bytes = name.to_bytes().map_err(|_| InvalidName::NotText)?;
    names.parse(std::str::from_utf8(&bytes).map_err(|_| InvalidName::NotText)?)
}

/// Converts an action. `known` caches the last player of the stream, whose name is not validated again.
pub(crate) fn parse_action(
    action: &Action,
    known: &mut Option<PlayerName>,
    names: &LegacyNames,
) -> Result<(PlayerName, OrderRequest), InvalidAction> {
    let named = action.user.as_ref();
    let player = match known {
        Some(known) if named.is_some_and(|user| user.id == known.as_str()) => known.clone(),
        _ => known.insert(parse_player(names, named)?).clone(),
    };
    let count = Stocks(action.stocks_count);
    let side = match ActionType::try_from(action.r#type) {
        Ok(action) => Side::from(action),
        Err(_) => return Err(InvalidAction::Type { given: action.r#type }),
    };
    let limit = match (action.limit_price, Price::new(action.limit_price)) {
        (0, _) => None,
        (_, Some(limit)) => Some(limit),
        (given, None) => return Err(InvalidAction::Limit { given }),
    };
    let command = if action.up_to {
        Command::UpTo(side, count, limit)
    } else {
        Command::order(side, count, limit)
    };
    let id = RequestId::new(&action.id)?;
    Ok((player, OrderRequest { command, id }))
}

/// Returns the wallet that opens a session.
pub(crate) fn initial_wallet(account: &Account) -> GambleFrame {
    let info = GambleInfo {
        r#type: GambleType::Wallet.into(),
        wallet: Some(wallet(account)),
        ..GambleInfo::default()
    };
    info.into()
}

pub(crate) fn order_result(decision: &Decision, capabilities: Capabilities) -> GambleFrame {
    if decision.result.is_ok() && !capabilities.wallet {
        return executed();
    }
    let msg = match &decision.result {
        Ok(_) => EXECUTED_MESSAGE.to_owned(),
        Err(rejection) => rejection.to_string(),
    };
    let mut result = ActionResult {
        msg,
        ..ActionResult::default()
    };
    if capabilities.wallet {
        result.set_outcome(match decision.result {
            Ok(_) => ActionOutcome::OutcomeExecuted,
            Err(_) => ActionOutcome::OutcomeRefused,
        });
        if let Ok(LedgerEntry::Trade(executed)) = &decision.result {
            result.trade = Some(trade(executed));
        }
        result.wallet = Some(wallet(&decision.account));
    }
    answer(result).into()
}

/// The result of an executed action for a client of the first contract: always the same bytes.
fn executed() -> GambleFrame {
    static EXECUTED: LazyLock<&[u8]> = LazyLock::new(|| {
        let result = ActionResult {
            msg: EXECUTED_MESSAGE.to_owned(),
            ..ActionResult::default()
        };
        answer(result).encode_to_vec().leak()
    });
    GambleFrame::Encoded(Bytes::from_static(&EXECUTED))
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
    answer(result).into()
}

fn answer(result: ActionResult) -> GambleInfo {
    GambleInfo {
        r#type: GambleType::ActionResult.into(),
        result: Some(result),
        ..GambleInfo::default()
    }
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
    }
}

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
}
