//! Encodes lobby messages. Data that is the same for all sessions is encoded once.

use std::sync::Arc;

use awesomestock_proto::casino::{self, ActionType, GambleInfo, Leaderboard, Players, RoundState, Tape};
use awesomestock_proto::frame::{GambleFrame, SharedEncoding};
use prost::Message;

use crate::domain::market::Headline;
use crate::domain::money::UnixMillis;
use crate::domain::order::Trade;
use crate::domain::player::{OnlinePlayers, PlayerName};
use crate::domain::round::{Round, RoundPhase, RoundResult};
use crate::feed::lobby::{LeaderboardSnapshot, Rank, TapeRow, TradeBatch};

/// Players on a leaderboard.
const TOP_MAX: usize = 20;

fn encode(content: impl Into<GambleInfo>) -> SharedEncoding {
    let info: GambleInfo = content.into();
    Arc::new(info.encode_to_vec())
}

pub(crate) fn encode_tape(trades: &TradeBatch) -> SharedEncoding {
    let row = |row: &TapeRow| casino::TapeRow {
        player: Some(player(&row.player)),
        trade: Some(trade(&row.trade)),
    };
    encode(Tape {
        rows: trades.rows.iter().map(row).collect(),
        trades: trades.trades,
    })
}

pub(crate) fn encode_players(players: &OnlinePlayers) -> SharedEncoding {
    encode(Players {
        seated: count(players.players),
        online: players.online.iter().map(player).collect(),
        unnamed: count(players.unnamed),
    })
}

pub(crate) fn encode_headline(headline: Headline) -> SharedEncoding {
    encode(casino::Headline {
        text: headline.text.to_owned(),
        tick: headline.tick,
    })
}

/// Returns the message about a round that is sent at the time `at`.
pub(crate) fn round(round: &Round, podium: &[RoundResult], at: UnixMillis) -> casino::Round {
    let state = match round.phase {
        RoundPhase::Never => RoundState::RoundNone,
        RoundPhase::Running(_) => RoundState::RoundRunning,
        RoundPhase::Paused(_) => RoundState::RoundPaused,
        RoundPhase::Ended(_) => RoundState::RoundEnded,
    };
    casino::Round {
        number: round.number,
        state: state.into(),
        left_ms: round.left_ms(at),
        announcement: round.announcement.clone(),
        stake: round.stake.0,
        podium: podium.iter().map(round_result).collect(),
        warning: String::new(),
    }
}

pub(crate) fn round_result(result: &RoundResult) -> casino::RoundResult {
    casino::RoundResult {
        place: count(result.place),
        player: Some(player(&result.player)),
        profit: result.profit,
        trades: result.trades,
    }
}

/// Encodes the leaderboard without any player's own rank.
pub(crate) fn encode_top(snapshot: &LeaderboardSnapshot) -> SharedEncoding {
    encode(leaderboard(snapshot, None))
}

/// Returns the leaderboard for a session: `top`, and the rank of `player`.
pub(crate) fn leaderboard_update(
    top: SharedEncoding,
    snapshot: &LeaderboardSnapshot,
    player: Option<&PlayerName>,
) -> GambleFrame {
    let Some(own) = player.and_then(|player| snapshot.rank_of(player)) else {
        return GambleFrame::Encoded(top);
    };
    let own = Leaderboard {
        own: Some(standing(own)),
        ..Leaderboard::default()
    };
    let own = GambleInfo {
        leaderboard: Some(own),
        ..GambleInfo::default()
    };
    GambleFrame::Extended(Box::new((top, own)))
}

/// Returns the leaderboard's message, with the rank of `asking` if it is ranked.
pub(crate) fn leaderboard(snapshot: &LeaderboardSnapshot, asking: Option<&PlayerName>) -> Leaderboard {
    Leaderboard {
        top: snapshot.top(TOP_MAX).iter().map(standing).collect(),
        own: asking.and_then(|asking| snapshot.rank_of(asking)).map(standing),
        ranked: count(snapshot.len()),
        tick: snapshot.tick.number,
        price: snapshot.tick.price.get(),
    }
}

fn standing(rank: &Rank) -> casino::Standing {
    casino::Standing {
        rank: count(rank.rank),
        player: Some(player(&rank.player)),
        equity: rank.equity,
        tokens: rank.account.tokens.0,
        stocks: rank.account.stocks.0,
        profit: rank.profit,
        dollars_in: rank.account.dollars_in,
    }
}

fn player(name: &PlayerName) -> casino::Player {
    casino::Player {
        name: name.as_str().to_owned(),
        house: name.is_bot(),
    }
}

fn count(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

pub(crate) fn trade(trade: &Trade) -> casino::Trade {
    casino::Trade {
        number: trade.number,
        r#type: ActionType::from(trade.side).into(),
        stocks_count: trade.count.0,
        price: trade.price.get(),
        tick: trade.tick,
        at_unix_ms: trade.at.0,
    }
}
