//! Converts between protobuf messages and the types of the game. Invalid values from a server are rejected or dropped.

mod orders;

pub(crate) use self::orders::resting_order;
use super::RequestError;
use super::error::{ellipsize, without_field};
use crate::app::event::{OrderResult, StreamEvent};
use crate::app::lobby::round::{Round, RoundPhase};
use crate::app::lobby::{
    Capabilities, Headline, Leaderboard, Performance, Player, Players, Standing, TapeRow, TapeUpdate,
};
use crate::app::overlay::PaymentRow;
use crate::app::portfolio::money::{TOKENS_PER_DOLLAR, UnixMillis};
use crate::app::portfolio::order::is_executed;
use crate::app::portfolio::rows::TradeRow;
use crate::app::portfolio::wallet::Wallet;
use crate::app::prices::{Candle, PricePoint};
use awesomestock_proto::casino::{
    self, ActionResult, ActionType, GambleInfo, GambleType, RoundState, StockInfo,
};
use awesomestock_proto::text::cut;
use awesomestock_proto::{capabilities, types};

/// Most entries read from a list, by the contract.
const LIST_MAX: usize = 20;

/// Most characters read from a name: the longest name and the prefix of bots.
const NAME_MAX_CHARS: usize = 33;

impl From<capabilities::Capabilities> for Capabilities {
    fn from(granted: capabilities::Capabilities) -> Self {
        Self {
            tape: granted.lobby.tape,
            players: granted.lobby.players,
            leaderboard: granted.lobby.leaderboard,
            limits: granted.limits,
            up_to: granted.up_to,
            news: granted.lobby.news,
            orders: granted.orders,
            rounds: granted.lobby.rounds,
            accounts: granted.accounts,
        }
    }
}

/// Converts a message of the stream; `None` if it is unknown or invalid.
pub(crate) fn stream_event(info: GambleInfo, granted: capabilities::Capabilities) -> Option<StreamEvent> {
    match GambleType::try_from(info.r#type).ok()? {
        GambleType::StockInfo => price(&info.info?, granted),
        // Results are matched to orders by position, so an empty one must not be dropped.
        GambleType::ActionResult => Some(action_result(&info.result.unwrap_or_default(), granted)),
        GambleType::Wallet => wallet(&info.wallet?).map(StreamEvent::Wallet),
        GambleType::Tape => Some(StreamEvent::Tape(tape(&info.tape?))),
        GambleType::Players => Some(StreamEvent::Players(players(&info.players?))),
        GambleType::Leaderboard => Some(StreamEvent::Leaderboard(leaderboard(&info.leaderboard?))),
        GambleType::News => headline(&info.news?).map(StreamEvent::News),
        GambleType::Round => round(&info.round?).filter(|_| granted.lobby.rounds),
        GambleType::Order => order_update(&info.order?).filter(|_| granted.orders),
    }
}

fn price(stock: &StockInfo, granted: capabilities::Capabilities) -> Option<StreamEvent> {
    let has_ticks = granted.ticks;
    (stock.price >= 1).then(|| StreamEvent::Price {
        tick: has_ticks.then_some(stock.tick).filter(|tick| *tick >= 0),
        price: stock.price,
        at: unix_millis(stock.at_unix_ms).filter(|_| has_ticks),
        interval_ms: Some(stock.interval_ms).filter(|ms| has_ticks && *ms > 0),
    })
}

fn order_update(update: &casino::OrderUpdate) -> Option<StreamEvent> {
    let order = resting_order(update.order.as_ref()?)?;
    let wallet = update.wallet.as_ref().and_then(wallet);
    Some(match order.end {
        Some(_) => StreamEvent::OrderEnded { order, wallet },
        None => StreamEvent::OrderPlaced { order, wallet },
    })
}

fn action_result(result: &ActionResult, granted: capabilities::Capabilities) -> StreamEvent {
    let wallet = result.wallet.as_ref().and_then(wallet);
    let order = result.order.as_ref().and_then(resting_order);
    if let Some(order) = order.filter(|_| granted.orders) {
        return StreamEvent::Accepted { order, wallet };
    }
    let message = match result.msg.trim() {
        "" => "the casino sent an empty message".to_owned(),
        text => ellipsize(without_field(text)),
    };
    let trade = result.trade.as_ref().filter(|trade| trade.price >= 1);
    StreamEvent::Result(OrderResult {
        executed: is_executed(result),
        message,
        price: trade.map(|trade| trade.price),
        count: trade.map(|trade| trade.stocks_count).filter(|count| *count >= 1),
        tick: trade.map(|trade| trade.tick).filter(|tick| *tick >= 0),
        at: trade.and_then(|trade| unix_millis(trade.at_unix_ms)),
        wallet,
    })
}

pub(crate) fn wallet(wire: &casino::Wallet) -> Option<Wallet> {
    let is_valid = wire.tokens >= 0
        && wire.stocks >= 0
        && wire.cost_basis >= 0
        && wire.dollars_in >= 0
        && wire.dollars_out >= 0
        && wire.version >= 0
        && wire.round.is_none_or(|round| round >= 0);
    is_valid.then_some(Wallet {
        tokens: wire.tokens,
        stocks: wire.stocks,
        cost_basis: wire.cost_basis,
        realised_pnl: wire.realised_pnl,
        dollars_in: wire.dollars_in,
        dollars_out: wire.dollars_out,
        version: wire.version,
        round: wire.round,
    })
}

pub(super) fn exchanged(dollars: i32, tokens: i32) -> Result<(), RequestError> {
    let due = i64::from(dollars).saturating_mul(TOKENS_PER_DOLLAR);
    match dollars >= 1 && due == i64::from(tokens) {
        true => Ok(()),
        false => Err(RequestError::invalid_response("an amount that was not requested")),
    }
}

pub(super) fn tokens(wire: &casino::Tokens) -> Result<i32, RequestError> {
    match wire.count {
        0.. => Ok(wire.count),
        _ => Err(RequestError::invalid_response("a balance below zero")),
    }
}

pub(crate) fn payment_row(payment: &types::Payment, position: i64) -> Result<PaymentRow, RequestError> {
    let tokens = i64::from(payment.amount)
        .saturating_mul(TOKENS_PER_DOLLAR)
        .saturating_abs();
    if tokens == 0 || tokens > i64::from(i32::MAX) {
        return Err(RequestError::invalid_response("a payment with an invalid amount"));
    }
    Ok(PaymentRow {
        number: if payment.number > 0 {
            payment.number
        } else {
            position
        },
        at: unix_millis(payment.created_unix_ms),
        dollars: payment.amount,
    })
}

pub(crate) fn price_point(point: &casino::PricePoint) -> Option<PricePoint> {
    (point.price >= 1 && point.tick >= 0).then_some(PricePoint {
        tick: point.tick,
        price: point.price,
        at: UnixMillis(point.at_unix_ms),
    })
}

pub(crate) fn candle(wire: &casino::Candle) -> Option<Candle> {
    let last_tick = wire
        .first_tick
        .checked_add(i64::from(wire.ticks_count).checked_sub(1)?)?;
    let is_valid = wire.first_tick >= 0 && last_tick >= wire.first_tick && wire.low >= 1;
    let inside = |price: i32| (wire.low..=wire.high).contains(&price);
    (is_valid && inside(wire.open) && inside(wire.close)).then_some(Candle {
        first_tick: wire.first_tick,
        last_tick,
        open: wire.open,
        high: wire.high,
        low: wire.low,
        close: wire.close,
        since: UnixMillis(wire.since_unix_ms),
        until: UnixMillis(wire.until_unix_ms),
    })
}

pub(crate) fn trade_row(trade: &casino::Trade) -> Option<TradeRow> {
    let side = ActionType::try_from(trade.r#type).ok()?.into();
    (trade.price >= 1 && trade.stocks_count >= 1 && trade.tick >= 0).then_some(TradeRow {
        tick: trade.tick,
        at: UnixMillis(trade.at_unix_ms),
        side,
        count: trade.stocks_count,
        price: trade.price,
    })
}

fn unix_millis(unix_ms: i64) -> Option<UnixMillis> {
    (unix_ms > 0).then_some(UnixMillis(unix_ms))
}

pub(super) fn tape(tape: &casino::Tape) -> TapeUpdate {
    let row = |row: &casino::TapeRow| {
        Some(TapeRow {
            player: player(row.player.as_ref()?),
            trade: trade_row(row.trade.as_ref()?)?,
        })
    };
    TapeUpdate {
        rows: tape.rows.iter().take(LIST_MAX).filter_map(row).collect(),
        trades: tape.trades,
    }
}

pub(super) fn players(players: &casino::Players) -> Players {
    Players {
        seated: players.seated.max(0),
        online: players.online.iter().take(LIST_MAX).map(player).collect(),
        unnamed: players.unnamed.max(0),
    }
}

pub(crate) fn leaderboard(leaderboard: &casino::Leaderboard) -> Leaderboard {
    Leaderboard {
        top: leaderboard
            .top
            .iter()
            .take(LIST_MAX)
            .filter_map(standing)
            .collect(),
        own: leaderboard.own.as_ref().and_then(standing),
        ranked: leaderboard.ranked.max(0),
    }
}

pub(super) fn headline(news: &casino::Headline) -> Option<Headline> {
    let text = news.text.trim();
    (news.tick >= 0 && !text.is_empty()).then(|| Headline {
        text: ellipsize(text),
        tick: news.tick,
    })
}

fn round(wire: &casino::Round) -> Option<StreamEvent> {
    let phase = match wire.state() {
        RoundState::RoundNone => RoundPhase::Never,
        RoundState::RoundRunning => RoundPhase::Running,
        RoundState::RoundPaused => RoundPhase::Paused,
        RoundState::RoundEnded => RoundPhase::Ended,
    };
    let has_stake = phase == RoundPhase::Never || wire.stake >= 1;
    let is_valid = wire.number >= 0 && wire.left_ms >= 0 && has_stake;
    is_valid.then(|| {
        let podium = wire.podium.iter().take(LIST_MAX);
        StreamEvent::Round(Round {
            number: wire.number,
            phase,
            left_ms: wire.left_ms,
            announcement: ellipsize(wire.announcement.trim()),
            stake: wire.stake,
            podium: podium.filter_map(|result| place(result, wire.stake)).collect(),
        })
    })
}

/// Returns a place on the podium of a round with this stake in dollars.
fn place(result: &casino::RoundResult, stake: i32) -> Option<Standing> {
    let tokens = i64::from(stake).saturating_mul(TOKENS_PER_DOLLAR);
    Some(Standing {
        rank: result.place,
        player: player(result.player.as_ref()?),
        equity: tokens.saturating_add(result.profit),
        tokens: 0,
        stocks: 0,
        performance: Some(Performance {
            profit: result.profit,
            dollars_in: i64::from(stake),
        }),
    })
    .filter(|standing| standing.rank >= 1)
}

fn standing(standing: &casino::Standing) -> Option<Standing> {
    let is_valid = standing.rank >= 1 && standing.equity >= 0 && standing.tokens >= 0 && standing.stocks >= 0;
    Some(Standing {
        rank: standing.rank,
        player: player(standing.player.as_ref()?),
        equity: standing.equity,
        tokens: standing.tokens,
        stocks: standing.stocks,
        performance: (standing.dollars_in > 0).then_some(Performance {
            profit: standing.profit,
            dollars_in: standing.dollars_in,
        }),
    })
    .filter(|_| is_valid)
}

fn player(player: &casino::Player) -> Player {
    Player {
        name: cut(&player.name, NAME_MAX_CHARS).into_owned(),
        house: player.house,
    }
}

#[cfg(test)]
mod tests {
    use awesomestock_proto::EXECUTED_MESSAGE;
    use awesomestock_proto::casino::ActionOutcome;

    use super::*;

    const ALL: capabilities::Capabilities = capabilities::Capabilities::ALL;

    fn message(kind: i32) -> GambleInfo {
        GambleInfo {
            r#type: kind,
            ..GambleInfo::default()
        }
    }

    fn price_message(price: i32, tick: i64) -> GambleInfo {
        GambleInfo::from(StockInfo {
            price,
            tick,
            at_unix_ms: 5,
            interval_ms: -1,
            ..StockInfo::default()
        })
    }

    fn result_of(result: ActionResult) -> OrderResult {
        match stream_event(result.into(), ALL) {
            Some(StreamEvent::Result(result)) => result,
            other => panic!("expected a result, got {other:?}"),
        }
    }

    #[test]
    fn unknown_and_invalid_messages_are_ignored() {
        let cases = [
            message(17),
            message(-1),
            message(GambleType::StockInfo.into()),
            message(GambleType::Wallet.into()),
            price_message(0, 1),
            price_message(-3, 1),
        ];
        for info in cases {
            let shown = format!("{info:?}");
            assert!(stream_event(info, ALL).is_none(), "{shown}");
        }
    }

    #[test]
    fn fields_that_were_not_granted_are_ignored() {
        let price = |granted, tick| match stream_event(price_message(7, tick), granted) {
            Some(StreamEvent::Price {
                tick,
                price: 7,
                at,
                interval_ms: None,
            }) => (tick, at),
            other => panic!("expected a price, got {other:?}"),
        };
        assert_eq!(price(ALL, 0), (Some(0), Some(UnixMillis(5))));
        assert_eq!(price(ALL, -1), (None, Some(UnixMillis(5))));
        assert_eq!(price(capabilities::Capabilities::default(), 9), (None, None));
    }

    #[test]
    fn every_result_answers_an_order() {
        let empty = stream_event(message(GambleType::ActionResult.into()), ALL);
        let Some(StreamEvent::Result(empty)) = empty else {
            panic!("expected a result");
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
    fn invalid_figures_are_left_out_of_a_result() {
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
    fn invalid_entries_are_left_out_of_lists() {
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
    fn invalid_amounts_are_errors() {
        for (dollars, tokens, is_valid) in [
            (1, 5, true),
            (429_496_729, 2_147_483_645, true),
            (1, i32::MIN, false),
            (1, 4, false),
            (1, -5, false),
            (0, 0, false),
            (-1, -5, false),
            (i32::MAX, i32::MAX, false),
        ] {
            assert_eq!(
                exchanged(dollars, tokens).is_ok(),
                is_valid,
                "{dollars} $, {tokens} tokens"
            );
        }
        for (count, is_valid) in [(0, true), (i32::MAX, true), (-1, false), (i32::MIN, false)] {
            assert_eq!(tokens(&casino::Tokens { count }).is_ok(), is_valid, "{count}");
        }
        for (amount, is_valid) in [
            (1, true),
            (-429_496_729, true),
            (0, false),
            (i32::MIN, false),
            (i32::MAX, false),
        ] {
            let payment = types::Payment {
                amount,
                ..types::Payment::default()
            };
            assert_eq!(payment_row(&payment, 1).is_ok(), is_valid, "{amount}");
        }
    }

    #[test]
    fn payments_without_a_number_are_counted() {
        let payment = |number| types::Payment {
            amount: -3,
            number,
            ..types::Payment::default()
        };
        assert_eq!(payment_row(&payment(0), 4).unwrap().number, 4);
        assert_eq!(payment_row(&payment(9), 4).unwrap().number, 9);
    }

    #[test]
    fn invalid_rows_are_dropped_and_lists_are_bounded() {
        let ann = casino::Player {
            name: "x".repeat(100),
            house: true,
        };
        let trade = casino::Trade {
            stocks_count: 1,
            price: 5,
            ..casino::Trade::default()
        };
        let row = |player: Option<&casino::Player>, price| casino::TapeRow {
            player: player.cloned(),
            trade: Some(casino::Trade { price, ..trade }),
        };
        let received = tape(&casino::Tape {
            rows: vec![row(Some(&ann), 5), row(None, 5), row(Some(&ann), 0)],
            trades: 3,
        });
        assert_eq!(received.rows.len(), 1);
        assert!(received.rows[0].player.name.ends_with('…') && received.rows[0].player.house);
        let many = casino::Players {
            seated: -1,
            online: vec![ann.clone(); 50],
            unnamed: -5,
        };
        let received = players(&many);
        assert_eq!(
            (received.seated, received.online.len(), received.unnamed),
            (0, LIST_MAX, 0)
        );
        let place = |rank, equity| casino::Standing {
            rank,
            equity,
            player: Some(ann.clone()),
            ..casino::Standing::default()
        };
        let received = leaderboard(&casino::Leaderboard {
            top: vec![place(1, 5), place(0, 5), place(2, -5)],
            own: Some(casino::Standing::default()),
            ranked: 9,
            ..casino::Leaderboard::default()
        });
        assert_eq!((received.top.len(), received.own, received.ranked), (1, None, 9));
        let news = |text: &str, tick| {
            let text = text.to_owned();
            headline(&casino::Headline { text, tick }).map(|headline| headline.text.chars().count())
        };
        assert_eq!(
            [news(" a rumour\n", 0), news("a rumour", -1), news(" ", 5)],
            [Some(8), None, None]
        );
        assert!(news(&"x".repeat(10_000), 5) < Some(500));
    }
}
