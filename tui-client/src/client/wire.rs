//! From the messages of the contract to the words of the game, and back.
//!
//! Owns the checks on what a server sends: a price below 1, a wallet below zero, an unknown number, a part that is not
//! there never reach the game.

use awesomestock_proto::{
    EXECUTED_MESSAGE,
    casino::{self, Action, ActionOutcome, ActionResult, ActionType, GambleInfo, GambleType, StockInfo},
    feeds, types,
};
use tonic::metadata::MetadataMap;

use super::{Order, company, failure::shortened};
use crate::app::{
    company::Told,
    event::{OrderResult, StreamEvent, TradeRow},
    market::{Candle, PricePoint},
    money::{Side, UnixMs},
    overlay::PaymentRow,
    wallet::Wallet,
};

/// What a casino tells beyond the old contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Feeds {
    /// Tick, time and interval with each price.
    pub(super) ticks: bool,
    /// The wallet on joining and, with outcome and trade, in each result.
    pub(super) wallet: bool,
    /// What it tells of the others.
    pub(super) others: Told,
    /// Nothing more, but what carries the same id is executed once.
    pub(super) ids: bool,
}

impl Feeds {
    /// What the response's metadata says will be sent.
    pub(super) fn granted(metadata: &MetadataMap) -> Self {
        let named = |feed: &str| {
            let values = metadata.get_all(feeds::KEY);
            let mut lists = values.iter().filter_map(|value| value.to_str().ok());
            lists.any(|list| list.split(',').any(|name| name.trim() == feed))
        };
        Self {
            ticks: named(feeds::TICKS),
            wallet: named(feeds::WALLET),
            others: Told {
                tape: named(feeds::TAPE),
                players: named(feeds::PLAYERS),
                leaderboard: named(feeds::LEADERBOARD),
                limits: named(feeds::LIMITS),
            },
            ids: named(feeds::IDS),
        }
    }
}

/// An order of `player`, as it is sent.
pub(super) fn action(player: &str, order: Order) -> Action {
    let kind = match order.side {
        Side::Buy => ActionType::Buy,
        Side::Sell => ActionType::Sell,
    };
    Action {
        user: Some(types::User {
            id: player.to_owned(),
        }),
        r#type: kind.into(),
        stocks_count: order.count,
        limit_price: order.limit.unwrap_or(0),
        id: order.id.into_bytes().to_vec(),
    }
}

/// What a message of the table tells; `None` where it means nothing here.
pub(super) fn stream_event(info: GambleInfo, granted: Feeds) -> Option<StreamEvent> {
    match GambleType::try_from(info.r#type).ok()? {
        GambleType::StockInfo => price(&info.info?, granted),
        // An answer without a body still answers an order: passed over, it would shift all that follow.
        GambleType::ActionResult => Some(StreamEvent::Result(order_result(
            &info.result.unwrap_or_default(),
        ))),
        GambleType::Wallet => wallet(&info.wallet?).map(StreamEvent::Wallet),
        GambleType::Tape => Some(StreamEvent::Tape(company::tape(&info.tape?))),
        GambleType::Players => Some(StreamEvent::Players(company::players(&info.players?))),
        GambleType::Leaderboard => {
            let told = company::leaderboard(&info.leaderboard?);
            Some(StreamEvent::Leaderboard(told))
        }
    }
}

fn price(stock: &StockInfo, granted: Feeds) -> Option<StreamEvent> {
    let told = granted.ticks;
    (stock.price >= 1).then(|| StreamEvent::Price {
        tick: told.then_some(stock.tick).filter(|tick| *tick >= 0),
        price: stock.price,
        at: moment(stock.at_unix_ms).filter(|_| told),
        interval_ms: Some(stock.interval_ms).filter(|ms| told && *ms > 0),
    })
}

fn order_result(result: &ActionResult) -> OrderResult {
    let executed = match ActionOutcome::try_from(result.outcome) {
        Ok(ActionOutcome::OutcomeExecuted) => true,
        Ok(ActionOutcome::OutcomeRefused) => false,
        Ok(ActionOutcome::OutcomeUnspecified) | Err(_) => result.msg == EXECUTED_MESSAGE,
    };
    let message = match result.msg.trim() {
        "" => "the casino answered without words".to_owned(),
        words => shortened(words),
    };
    let trade = result.trade.as_ref().filter(|trade| trade.price >= 1);
    OrderResult {
        executed,
        message,
        price: trade.map(|trade| trade.price),
        tick: trade.map(|trade| trade.tick).filter(|tick| *tick >= 0),
        at: trade.and_then(|trade| moment(trade.at_unix_ms)),
        wallet: result.wallet.as_ref().and_then(wallet),
    }
}

/// A wallet; `None` where it holds less than nothing.
pub(super) fn wallet(wire: &casino::Wallet) -> Option<Wallet> {
    let sound = wire.tokens >= 0 && wire.stocks >= 0 && wire.cost_basis >= 0;
    sound.then_some(Wallet {
        tokens: wire.tokens,
        stocks: wire.stocks,
        cost_basis: wire.cost_basis,
        realised_pnl: wire.realised_pnl,
        dollars_in: wire.dollars_in,
        dollars_out: wire.dollars_out,
        version: wire.version,
    })
}

/// A payment, the `position`th of its list.
pub(super) fn payment_row(payment: &types::Payment, position: i64) -> PaymentRow {
    PaymentRow {
        number: if payment.number > 0 {
            payment.number
        } else {
            position
        },
        at: moment(payment.created_unix_ms),
        dollars: payment.amount,
    }
}

/// A price of the history; `None` where it cannot be one.
pub(super) fn price_point(point: &casino::PricePoint) -> Option<PricePoint> {
    (point.price >= 1 && point.tick >= 0).then_some(PricePoint {
        tick: point.tick,
        price: point.price,
        at: UnixMs(point.at_unix_ms),
    })
}

/// A candle of the history; `None` where it cannot be one.
pub(super) fn candle(wire: &casino::Candle) -> Option<Candle> {
    let last_tick = wire
        .first_tick
        .checked_add(i64::from(wire.ticks_count).checked_sub(1)?)?;
    let told = wire.first_tick >= 0 && last_tick >= wire.first_tick && wire.low >= 1;
    let inside = |price: i32| (wire.low..=wire.high).contains(&price);
    (told && inside(wire.open) && inside(wire.close)).then_some(Candle {
        first_tick: wire.first_tick,
        last_tick,
        open: wire.open,
        high: wire.high,
        low: wire.low,
        close: wire.close,
        since: UnixMs(wire.since_unix_ms),
        until: UnixMs(wire.until_unix_ms),
    })
}

/// A trade; `None` where it cannot be one.
pub(super) fn trade_row(trade: &casino::Trade) -> Option<TradeRow> {
    let side = match ActionType::try_from(trade.r#type).ok()? {
        ActionType::Buy => Side::Buy,
        ActionType::Sell => Side::Sell,
    };
    (trade.price >= 1 && trade.stocks_count >= 1 && trade.tick >= 0).then_some(TradeRow {
        tick: trade.tick,
        at: UnixMs(trade.at_unix_ms),
        side,
        count: trade.stocks_count,
        price: trade.price,
    })
}

/// A moment, where the sender tells one.
fn moment(unix_ms: i64) -> Option<UnixMs> {
    (unix_ms > 0).then_some(UnixMs(unix_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Feeds = Feeds {
        ticks: true,
        wallet: true,
        others: Told {
            tape: true,
            players: true,
            leaderboard: true,
            limits: true,
        },
        ids: true,
    };

    fn told(kind: i32) -> GambleInfo {
        GambleInfo {
            r#type: kind,
            ..GambleInfo::default()
        }
    }

    fn told_price(price: i32, tick: i64) -> GambleInfo {
        GambleInfo {
            info: Some(StockInfo {
                price,
                tick,
                at_unix_ms: 5,
                interval_ms: -1,
                ..StockInfo::default()
            }),
            ..told(GambleType::StockInfo.into())
        }
    }

    fn result_of(result: ActionResult) -> OrderResult {
        let info = GambleInfo {
            result: Some(result),
            ..told(GambleType::ActionResult.into())
        };
        match stream_event(info, ALL) {
            Some(StreamEvent::Result(result)) => result,
            other => panic!("a result is a result, not {other:?}"),
        }
    }

    #[test]
    fn what_means_nothing_is_passed_over() {
        let cases = [
            told(17),
            told(-1),
            told(GambleType::StockInfo.into()),
            told(GambleType::Wallet.into()),
            told_price(0, 1),
            told_price(-3, 1),
        ];
        for info in cases {
            let shown = format!("{info:?}");
            assert!(stream_event(info, ALL).is_none(), "{shown}");
        }
    }

    #[test]
    fn only_what_was_granted_is_believed() {
        let price = |granted, tick| match stream_event(told_price(7, tick), granted) {
            Some(StreamEvent::Price {
                tick,
                price: 7,
                at,
                interval_ms: None,
            }) => (tick, at),
            other => panic!("a price is a price, not {other:?}"),
        };
        assert_eq!(price(ALL, 0), (Some(0), Some(UnixMs(5))));
        assert_eq!(price(ALL, -1), (None, Some(UnixMs(5))));
        assert_eq!(price(Feeds::default(), 9), (None, None));
    }

    #[test]
    fn an_answer_always_answers() {
        let empty = stream_event(told(GambleType::ActionResult.into()), ALL);
        let Some(StreamEvent::Result(empty)) = empty else {
            panic!("an order has its answer");
        };
        assert!(!empty.executed && !empty.message.is_empty());
        let cases = [
            (0, EXECUTED_MESSAGE, true),
            (0, "not enough tokens", false),
            (99, EXECUTED_MESSAGE, true),
            (ActionOutcome::OutcomeExecuted.into(), "done", true),
            (ActionOutcome::OutcomeRefused.into(), EXECUTED_MESSAGE, false),
        ];
        for (outcome, msg, executed) in cases {
            let result = result_of(ActionResult {
                msg: msg.to_owned(),
                outcome,
                ..ActionResult::default()
            });
            assert_eq!(result.executed, executed, "{outcome} {msg}");
        }
    }

    #[test]
    fn figures_that_cannot_be_are_left_out_of_an_answer() {
        let result = result_of(ActionResult {
            msg: "x".repeat(1_000_000),
            trade: Some(casino::Trade::default()),
            wallet: Some(casino::Wallet {
                tokens: -1,
                ..casino::Wallet::default()
            }),
            ..ActionResult::default()
        });
        assert_eq!((result.price, result.at, result.wallet), (None, None, None));
        assert!(result.message.chars().count() < 1000);
    }

    #[test]
    fn lists_are_told_without_what_cannot_be() {
        let trade = |kind, count, price| casino::Trade {
            r#type: kind,
            stocks_count: count,
            price,
            ..casino::Trade::default()
        };
        assert!(trade_row(&trade(1, 1, 1)).is_some());
        for (kind, count, price) in [(2, 1, 1), (0, 0, 1), (0, 1, 0)] {
            assert!(trade_row(&trade(kind, count, price)).is_none());
        }
        let point = |tick, price| casino::PricePoint {
            tick,
            price,
            at_unix_ms: 1,
        };
        assert!(price_point(&point(0, 1)).is_some());
        assert!(price_point(&point(-1, 1)).is_none() && price_point(&point(1, 0)).is_none());
    }

    #[test]
    fn payments_without_a_number_are_counted() {
        let payment = |number| types::Payment {
            amount: -3,
            number,
            ..types::Payment::default()
        };
        assert_eq!(payment_row(&payment(0), 4).number, 4);
        assert_eq!(payment_row(&payment(9), 4).number, 9);
    }

    #[test]
    fn feeds_are_read_from_lists_of_names() {
        for (named, granted) in [
            ("ticks,wallet,ids,tape,players,leaderboard,limits", ALL),
            (" leaderboard,wallet ,limits, tape, ticks,players,ids", ALL),
            (
                "ticks,tape,players,leaderboard,limits,ids",
                Feeds { wallet: false, ..ALL },
            ),
            (
                "ticks,wallet,tape,players,leaderboard,limits",
                Feeds { ids: false, ..ALL },
            ),
            ("tickswallet", Feeds::default()),
        ] {
            let mut metadata = MetadataMap::new();
            metadata.insert(feeds::KEY, named.parse().unwrap());
            assert_eq!(Feeds::granted(&metadata), granted, "{named}");
        }
        assert_eq!(Feeds::granted(&MetadataMap::new()), Feeds::default());
    }
}
