//! The wire events of a recording: its events and effects, encoded again. What this version does not know, and headers,
//! are not in a recording.

use std::collections::VecDeque;

use awesomestock_proto::capabilities::{self, LobbyFeeds};
use awesomestock_proto::casino::{
    self, ActionOutcome, ActionResult, ActionType, GambleInfo, OrderState, StockInfo, Tape,
};
use awesomestock_proto::values::Trigger;
use awesomestock_proto::{ACCEPTED_MESSAGE, CANCELLED_MESSAGE, EXECUTED_MESSAGE, STOCK_NAME};
use prost::Message;
use uuid::Uuid;

use crate::app::event::{CLOSED_IN_ORDER, OrderResult, StreamEvent};
use crate::app::lobby::round::{Round, RoundPhase};
use crate::app::lobby::{Capabilities, Leaderboard, Player, Players, Standing, TapeUpdate};
use crate::app::portfolio::money::Side;
use crate::app::portfolio::open_orders::{EndReason, RestingOrder};
use crate::app::portfolio::order::ClientOrderId;
use crate::app::portfolio::rows::TradeRow;
use crate::app::portfolio::wallet::Wallet;
use crate::app::wire::{Headers, MessageBytes, WireFrame};
use crate::app::{Effect, Event};

/// Note in place of headers that are not recorded.
const NOT_RECORDED: &str = "(not in a recording)";

/// What a stream is known to have, for the fields that the casino sets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Encoder {
    extended: bool,
    ids: bool,
    is_open: bool,
    /// Sides of the orders without a result, oldest first: a recorded result does not have it.
    open_sides: VecDeque<Side>,
}

impl Encoder {
    /// Returns the frame that caused an event.
    pub(crate) fn received(&mut self, event: &Event) -> Option<WireFrame> {
        let Event::Stream(event) = event else {
            return None;
        };
        if let StreamEvent::Closed(_) | StreamEvent::Rejected(_) = event {
            self.is_open = false;
        }
        Some(match event {
            StreamEvent::Opened { extended, ids } => {
                (self.extended, self.ids, self.is_open) = (*extended, *ids, true);
                return None;
            }
            // It follows the event `Opened`, and completes the features.
            StreamEvent::Capabilities(capabilities) => WireFrame::Response(self.response(*capabilities)),
            StreamEvent::Endpoint(_) => return None,
            StreamEvent::Closed(why) if why == CLOSED_IN_ORDER => {
                WireFrame::Ended(vec![("grpc-status".to_owned(), "0".to_owned())])
            }
            StreamEvent::Closed(why) | StreamEvent::Rejected(why) => WireFrame::Broken(why.clone()),
            StreamEvent::Price {
                tick,
                price,
                at,
                interval_ms,
            } => message(StockInfo {
                name: STOCK_NAME.to_owned(),
                price: *price,
                tick: tick.unwrap_or(0),
                at_unix_ms: at.map_or(0, |at| at.0),
                interval_ms: interval_ms.unwrap_or(0),
            }),
            StreamEvent::Wallet(held) => message(wallet(held)),
            StreamEvent::Tape(update) => message(tape(update)),
            StreamEvent::Players(online) => message(players(online)),
            StreamEvent::Leaderboard(board) => message(leaderboard(board)),
            StreamEvent::News(headline) => message(casino::Headline {
                text: headline.text.clone(),
                tick: headline.tick,
            }),
            StreamEvent::Round(shown) => message(round(shown)),
            StreamEvent::Accepted { order, wallet } => {
                self.open_sides.pop_front();
                message(accepted(order, wallet.as_ref()))
            }
            StreamEvent::OrderPlaced { order, wallet } | StreamEvent::OrderEnded { order, wallet } => {
                message(casino::OrderUpdate {
                    order: Some(resting_order(order)),
                    wallet: wallet.as_ref().map(self::wallet),
                })
            }
            StreamEvent::Result(result) => message(self.result(result)),
        })
    }

    /// Returns the frame that an effect causes.
    pub(crate) fn sent(&mut self, player: &str, effect: &Effect) -> Option<WireFrame> {
        match effect {
            Effect::Connect { .. } => {
                self.open_sides.clear();
                Some(WireFrame::Request(vec![
                    (":path".to_owned(), "/casino.Casino/Gamble".to_owned()),
                    (capabilities::HEADER.to_owned(), NOT_RECORDED.to_owned()),
                ]))
            }
            Effect::Send(order) => {
                self.open_sides.push_back(order.side);
                let action = order.with_id(request_id(order.id)).action(player);
                Some(WireFrame::Sent(MessageBytes::new(&action.encode_to_vec())))
            }
            Effect::Leave => {
                self.is_open = false;
                Some(WireFrame::HalfClosed)
            }
            Effect::Quit => self.is_open.then_some(WireFrame::HalfClosed),
            _ => None,
        }
    }

    /// Returns the response headers that can be derived from the events.
    fn response(&self, granted: Capabilities) -> Headers {
        let granted = capabilities::Capabilities {
            ticks: self.extended,
            wallet: self.extended,
            limits: granted.limits,
            ids: self.ids,
            up_to: granted.up_to,
            orders: granted.orders,
            accounts: granted.accounts,
            lobby: LobbyFeeds {
                tape: granted.tape,
                players: granted.players,
                leaderboard: granted.leaderboard,
                news: granted.news,
                rounds: granted.rounds,
            },
        };
        match granted.names() {
            names if names.is_empty() => Headers::new(),
            names => vec![(capabilities::HEADER.to_owned(), names)],
        }
    }

    fn result(&mut self, result: &OrderResult) -> ActionResult {
        let side = self.open_sides.pop_front();
        let outcome = match (self.extended, result.executed) {
            (false, _) => ActionOutcome::OutcomeUnspecified,
            (true, true) => ActionOutcome::OutcomeExecuted,
            (true, false) => ActionOutcome::OutcomeRefused,
        };
        let trade = result.price.map(|price| casino::Trade {
            r#type: side.map_or(0, |side| ActionType::from(side).into()),
            stocks_count: result.count.unwrap_or(0),
            price,
            tick: result.tick.unwrap_or(0),
            at_unix_ms: result.at.map_or(0, |at| at.0),
            ..casino::Trade::default()
        });
        ActionResult {
            msg: match result.executed {
                true => EXECUTED_MESSAGE.to_owned(),
                false => result.message.clone(),
            },
            outcome: outcome.into(),
            trade,
            wallet: result.wallet.as_ref().map(wallet),
            ..ActionResult::default()
        }
    }
}

fn message(content: impl Into<GambleInfo>) -> WireFrame {
    let info: GambleInfo = content.into();
    WireFrame::Received(MessageBytes::new(&info.encode_to_vec()))
}

/// Returns an ID of the usual length. The random part of the recorded one is unknown.
fn request_id(order_id: ClientOrderId) -> Uuid {
    let time = u128::try_from(order_id.at.0).unwrap_or(0) << 80;
    Uuid::from_u128(time | 7 << 76 | 2 << 62 | u128::from(order_id.number))
}

fn wallet(held: &Wallet) -> casino::Wallet {
    casino::Wallet {
        tokens: held.tokens,
        stocks: held.stocks,
        cost_basis: held.cost_basis,
        realised_pnl: held.realised_pnl,
        dollars_in: held.dollars_in,
        dollars_out: held.dollars_out,
        version: held.version,
        round: held.round,
    }
}

fn round(round: &Round) -> casino::Round {
    let state = match round.phase {
        RoundPhase::Never => casino::RoundState::RoundNone,
        RoundPhase::Running => casino::RoundState::RoundRunning,
        RoundPhase::Paused => casino::RoundState::RoundPaused,
        RoundPhase::Ended => casino::RoundState::RoundEnded,
    };
    let place = |standing: &Standing| casino::RoundResult {
        place: standing.rank,
        player: Some(player(&standing.player)),
        profit: standing.performance.map_or(0, |performance| performance.profit),
        trades: 1,
    };
    casino::Round {
        number: round.number,
        state: state.into(),
        left_ms: round.left_ms,
        announcement: round.announcement.clone(),
        stake: round.stake,
        podium: round.podium.iter().map(place).collect(),
        warning: String::new(),
    }
}

/// Returns the result of an order that was accepted to rest, or the same one repeated later.
fn accepted(order: &RestingOrder, held: Option<&Wallet>) -> ActionResult {
    let wire = resting_order(order);
    let (outcome, msg) = match order.end.as_ref().map(|end| &end.reason) {
        None => (ActionOutcome::OutcomeAccepted, ACCEPTED_MESSAGE),
        Some(EndReason::Filled(_)) => (ActionOutcome::OutcomeExecuted, EXECUTED_MESSAGE),
        Some(EndReason::Cancelled) => (ActionOutcome::OutcomeCancelled, CANCELLED_MESSAGE),
        Some(EndReason::Rejected(why)) => (ActionOutcome::OutcomeRefused, why.as_str()),
    };
    ActionResult {
        msg: msg.to_owned(),
        outcome: outcome.into(),
        trade: wire.trade,
        wallet: held.map(wallet),
        order: Some(wire),
    }
}

fn resting_order(order: &RestingOrder) -> casino::Order {
    let price_of = |trigger: Trigger| match order.condition.trigger == trigger {
        true => order.condition.price,
        false => 0,
    };
    let (state, row, msg) = match order.end.as_ref().map(|end| &end.reason) {
        None => (OrderState::OrderOpen, None, ""),
        Some(EndReason::Filled(row)) => (OrderState::OrderFilled, Some(row), ""),
        Some(EndReason::Cancelled) => (OrderState::OrderCancelled, None, ""),
        Some(EndReason::Rejected(why)) => (OrderState::OrderRefused, None, why.as_str()),
    };
    casino::Order {
        id: order.id.into_bytes().to_vec(),
        r#type: ActionType::from(order.side).into(),
        stocks_count: order.count,
        limit_price: price_of(Trigger::Limit),
        stop_price: price_of(Trigger::Stop),
        up_to: order.up_to,
        state: state.into(),
        placed_unix_ms: order.placed.0,
        end_number: order.end.as_ref().map_or(0, |end| end.number),
        ended_unix_ms: order.end.as_ref().map_or(0, |end| end.at.0),
        trade: row.map(trade),
        msg: msg.to_owned(),
        cancelled_by_call: None,
    }
}

fn tape(update: &TapeUpdate) -> Tape {
    let rows = update.rows.iter().map(|row| casino::TapeRow {
        player: Some(player(&row.player)),
        trade: Some(trade(&row.trade)),
    });
    Tape {
        rows: rows.collect(),
        trades: update.trades,
    }
}

fn trade(row: &TradeRow) -> casino::Trade {
    casino::Trade {
        r#type: ActionType::from(row.side).into(),
        stocks_count: row.count,
        price: row.price,
        tick: row.tick,
        at_unix_ms: row.at.0,
        ..casino::Trade::default()
    }
}

fn player(player: &Player) -> casino::Player {
    casino::Player {
        name: player.name.clone(),
        house: player.house,
    }
}

fn players(players: &Players) -> casino::Players {
    casino::Players {
        seated: players.seated,
        online: players.online.iter().map(player).collect(),
        unnamed: players.unnamed,
    }
}

fn leaderboard(board: &Leaderboard) -> casino::Leaderboard {
    casino::Leaderboard {
        top: board.top.iter().map(standing).collect(),
        ranked: board.ranked,
        own: board.own.as_ref().map(standing),
        ..casino::Leaderboard::default()
    }
}

fn standing(row: &Standing) -> casino::Standing {
    casino::Standing {
        rank: row.rank,
        player: Some(player(&row.player)),
        equity: row.equity,
        tokens: row.tokens,
        stocks: row.stocks,
        profit: row.performance.map_or(0, |performance| performance.profit),
        dollars_in: row.performance.map_or(0, |performance| performance.dollars_in),
    }
}
