//! What is told of everybody, as messages: prepared once, and given to each seat as it is or with its own place.

use std::sync::Arc;

use awesomestock_proto::casino::{self, GambleInfo, GambleType, Leaderboard, Players, Tape};
use prost::{
    Message,
    bytes::{BufMut, Bytes},
    encoding::{WireType, encode_key, encode_varint, message},
};

use super::{Said, trade};
use crate::{
    company::{Ranking, Row, Seated, Standing, Window},
    identity::PlayerName,
};

/// Players on a leaderboard.
const TOP_MAX: usize = 20;

/// The field of a `GambleInfo` that says what it is.
const TYPE_FIELD: u32 = 1;
/// The field of a `GambleInfo` that holds a leaderboard.
const LEADERBOARD_FIELD: u32 = 7;
/// The field of a `Leaderboard` that holds the place of the player who is told.
const OWN_FIELD: u32 = 5;

/// The tape, encoded once for everybody.
pub(crate) fn prepared_tape(window: &Window) -> Bytes {
    let row = |row: &Row| casino::TapeRow {
        player: Some(player(&row.player)),
        trade: Some(trade(&row.trade)),
    };
    let info = GambleInfo {
        r#type: GambleType::Tape.into(),
        tape: Some(Tape {
            rows: window.rows.iter().map(row).collect(),
            trades: window.trades,
        }),
        ..GambleInfo::default()
    };
    info.encode_to_vec().into()
}

/// Who is seated, encoded once for everybody.
pub(crate) fn prepared_players(seated: &Seated) -> Bytes {
    let info = GambleInfo {
        r#type: GambleType::Players.into(),
        players: Some(Players {
            seated: count(seated.players),
            online: seated.online.iter().map(player).collect(),
            unnamed: count(seated.unnamed),
        }),
        ..GambleInfo::default()
    };
    info.encode_to_vec().into()
}

/// A leaderboard, encoded once for everybody but for each one's own place.
#[derive(Debug, Clone)]
pub(crate) struct PreparedRanking {
    ranking: Arc<Ranking>,
    /// The `Leaderboard` without anybody's own place.
    body: Bytes,
}

/// The ranking, ready to be said.
pub(crate) fn prepared_ranking(ranking: Arc<Ranking>) -> PreparedRanking {
    let body = leaderboard(&ranking, None).encode_to_vec().into();
    PreparedRanking { ranking, body }
}

impl PreparedRanking {
    /// The leaderboard as `asking` is told of it.
    pub(crate) fn to(&self, asking: Option<&PlayerName>) -> Said {
        let own = asking.and_then(|asking| self.ranking.of(asking));
        Said::Leaderboard(self.body.clone(), own.map(|own| Box::new(standing(own))))
    }
}

/// Writes a leaderboard's `body` and the place of who is told: the same bytes as if both were encoded together.
pub(super) fn encode_leaderboard(body: &Bytes, own: Option<&casino::Standing>, buffer: &mut impl BufMut) {
    encode_key(TYPE_FIELD, WireType::Varint, buffer);
    encode_varint(u64::from(GambleType::Leaderboard as u8), buffer);
    let own_len = own.map_or(0, |own| message::encoded_len(OWN_FIELD, own));
    let len = body.len().saturating_add(own_len);
    encode_key(LEADERBOARD_FIELD, WireType::LengthDelimited, buffer);
    encode_varint(u64::try_from(len).unwrap_or(u64::MAX), buffer);
    buffer.put_slice(body);
    if let Some(own) = own {
        message::encode(OWN_FIELD, own, buffer);
    }
}

/// The leaderboard, with the place of who asks.
pub(crate) fn leaderboard(ranking: &Ranking, asking: Option<&PlayerName>) -> Leaderboard {
    Leaderboard {
        top: ranking.top(TOP_MAX).iter().map(standing).collect(),
        own: asking.and_then(|asking| ranking.of(asking)).map(standing),
        ranked: count(ranking.len()),
        tick: ranking.tick.number,
        price: ranking.tick.price.get(),
    }
}

fn standing(standing: &Standing) -> casino::Standing {
    casino::Standing {
        rank: count(standing.rank),
        player: Some(player(&standing.player)),
        equity: standing.equity,
        tokens: standing.tokens.0,
        stocks: standing.stocks.0,
    }
}

fn player(name: &PlayerName) -> casino::Player {
    casino::Player {
        name: name.as_str().to_owned(),
        house: name.is_house(),
    }
}

fn count(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}
