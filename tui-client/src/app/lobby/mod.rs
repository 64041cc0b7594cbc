//! The lobby: recent trades, players online, leaderboard, headline and round; and the capabilities of the casino.

pub mod round;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use self::round::{ReceivedRound, Round, RoundPhase};
use super::portfolio::money::{Permille, TOKENS_PER_DOLLAR, UnixMillis};
use super::portfolio::rows::TradeRow;

/// Lines of the tape kept: several screens.
pub(crate) const MAX_TAPE_LINES: usize = 200;

/// Optional feeds and order types that a casino supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Capabilities {
    /// Recent trades of all players.
    pub tape: bool,
    pub players: bool,
    pub leaderboard: bool,
    /// Limit orders; other casinos would ignore the limit.
    #[serde(default)]
    pub limits: bool,
    /// Orders of up to a count; other casinos would trade exactly the count.
    #[serde(default)]
    pub up_to: bool,
    /// Headlines; only on a market that has them.
    #[serde(default)]
    pub news: bool,
    /// Resting orders; other casinos would execute them at once.
    #[serde(default)]
    pub orders: bool,
    #[serde(default)]
    pub rounds: bool,
    /// Orders name their account; other casinos execute them on the account in use.
    #[serde(default)]
    pub accounts: bool,
}

/// A headline, which may be false.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headline {
    /// A line of text.
    pub text: String,
    /// The tick at which it was published.
    pub tick: i64,
}

/// A player in a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Player {
    pub name: String,
    /// A bot of the casino.
    pub house: bool,
}

/// A trade of any player.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeRow {
    pub player: Player,
    pub trade: TradeRow,
}

/// The newest trades.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeUpdate {
    /// Oldest first.
    pub rows: Vec<TapeRow>,
    /// Total number of trades at the casino, with those that were not sent.
    pub trades: i64,
}

/// Players online.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Players {
    /// Number of players online.
    pub seated: i32,
    /// Some of them.
    pub online: Vec<Player>,
    /// Sessions that have not named their player yet.
    pub unnamed: i32,
}

/// One row of the leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// 1 for the highest profit; equal profits share a rank.
    pub rank: i32,
    pub player: Player,
    /// Tokens plus the value of the stocks, in tokens.
    pub equity: i64,
    pub tokens: i32,
    pub stocks: i32,
    /// `None`: an earlier casino, which ranks by equity.
    #[serde(default)]
    pub performance: Option<Performance>,
}

/// A player's success, apart from what was paid in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performance {
    /// Tokens won, or negative if lost.
    pub profit: i64,
    /// Dollars paid in.
    pub dollars_in: i64,
}

impl Performance {
    /// Returns the profit relative to the tokens that were paid for.
    pub fn return_permille(&self) -> Option<Permille> {
        let tokens = self.dollars_in.saturating_mul(TOKENS_PER_DOLLAR);
        Permille::from_change(self.profit, tokens)
    }
}

/// Ranking by profit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Leaderboard {
    /// The highest ranks.
    pub top: Vec<Standing>,
    /// The player's own rank.
    pub own: Option<Standing>,
    /// Number of ranked players.
    pub ranked: i32,
}

impl Leaderboard {
    /// Returns the top rows, then the player's own unless it is among them.
    pub fn rows(&self) -> impl Iterator<Item = &Standing> {
        let among = |own: &&Standing| !self.top.iter().any(|standing| standing.player == own.player);
        self.top.iter().chain(self.own.iter().filter(among))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TapeLine {
    Trade(TapeRow),
    /// Number of trades that were not sent.
    Skipped(i64),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lobby {
    /// The casino's capabilities; all `false` until they are received.
    pub capabilities: Capabilities,
    pub players: Players,
    pub leaderboard: Leaderboard,
    /// The newest one.
    pub headline: Option<Headline>,
    /// The newest one; `None` until it is received.
    pub round: Option<ReceivedRound>,
    /// Oldest first, at most [`MAX_TAPE_LINES`].
    tape: VecDeque<TapeLine>,
    trades: Option<i64>,
}

impl Lobby {
    /// Starts a session. Trades made in between are not shown as skipped.
    pub(super) fn reset(&mut self, capabilities: Capabilities) {
        self.capabilities = capabilities;
        self.players = Players::default();
        self.leaderboard = Leaderboard::default();
        self.headline = None;
        if !capabilities.rounds {
            self.round = None;
        }
    }

    /// Returns the round if the screen shows it at `now`.
    pub fn shown_round(&self, now: UnixMillis) -> Option<&ReceivedRound> {
        let shown = |received: &&ReceivedRound| {
            received.text(now).is_some() || !received.round.announcement.is_empty()
        };
        self.round.as_ref().filter(shown)
    }

    /// Returns true if a round is open: running or paused.
    pub fn is_in_round(&self) -> bool {
        self.open_round().is_some()
    }

    /// Returns the number of the open round, which has an account of its own.
    pub(crate) fn open_round(&self) -> Option<i64> {
        let open = self.round.as_ref().filter(|received| received.round.is_open());
        open.map(|received| received.round.number)
    }

    /// Shows the ranks. During a round, the own one is kept for the podium.
    pub(crate) fn rank(&mut self, leaderboard: Leaderboard) {
        if let Some(received) = self.round.as_mut().filter(|received| received.round.is_open()) {
            received.keep_own(&leaderboard);
        }
        self.leaderboard = leaderboard;
    }

    /// Replaces the round. Returns the one before.
    pub(crate) fn set_round(&mut self, round: Round, at: UnixMillis) -> Option<ReceivedRound> {
        let before = self.round.as_ref();
        let same = before.filter(|before| before.round.number == round.number);
        let ended = match before {
            Some(before) if before.round.is_open() => Some(at),
            _ => same.and_then(|before| before.ended),
        };
        let ended = ended.filter(|_| round.phase == RoundPhase::Ended);
        let mut own = same.and_then(|before| before.own.clone());
        if let Some(own) = &mut own {
            // The last places may have changed since.
            let places = i32::try_from(round.podium.len()).unwrap_or(i32::MAX);
            own.rank = own.rank.max(places.saturating_add(1));
        }
        self.round.replace(ReceivedRound {
            round,
            at,
            own,
            ended,
        })
    }

    /// Returns the tape, oldest first.
    pub fn tape(&self) -> impl DoubleEndedIterator<Item = &TapeLine> + ExactSizeIterator {
        self.tape.iter()
    }

    /// Adds an update. A repeated one, as sent on opening, has an unchanged count and is ignored.
    pub(super) fn apply(&mut self, update: TapeUpdate) {
        let before = self.trades.replace(update.trades);
        if before == Some(update.trades) {
            return;
        }
        let received = i64::try_from(update.rows.len()).unwrap_or(i64::MAX);
        for row in update.rows {
            self.push(TapeLine::Trade(row));
        }
        let grown = before.map_or(0, |before| update.trades.saturating_sub(before));
        let skipped = grown.saturating_sub(received);
        if skipped > 0 {
            self.push(TapeLine::Skipped(skipped));
        }
    }

    fn push(&mut self, line: TapeLine) {
        if let (TapeLine::Skipped(more), Some(TapeLine::Skipped(last))) = (&line, self.tape.back_mut()) {
            *last = last.saturating_add(*more);
            return;
        }
        if self.tape.len() >= MAX_TAPE_LINES {
            self.tape.pop_front();
        }
        self.tape.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::portfolio::money::Side;

    fn update(rows: usize, trades: i64) -> TapeUpdate {
        let row = TapeRow {
            player: Player {
                name: "bob".to_owned(),
                house: false,
            },
            trade: TradeRow {
                tick: 1,
                at: UnixMillis(0),
                side: Side::Buy,
                count: 1,
                price: 10,
            },
        };
        TapeUpdate {
            rows: vec![row; rows],
            trades,
        }
    }

    fn shape(lobby: &Lobby) -> String {
        let line = |line: &TapeLine| match line {
            TapeLine::Trade(_) => "t".to_owned(),
            TapeLine::Skipped(more) => format!("+{more}"),
        };
        lobby.tape().map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn skipped_trades_are_counted_and_repeated_updates_are_ignored() {
        let mut lobby = Lobby::default();
        for (rows, trades, expected) in [
            (2, 90, "t t"),
            (2, 90, "t t"),
            (1, 91, "t t t"),
            (1, 100, "t t t t +8"),
            (0, 105, "t t t t +13"),
            // A restarted casino counts from 1.
            (1, 1, "t t t t +13 t"),
        ] {
            lobby.apply(update(rows, trades));
            assert_eq!(shape(&lobby), expected);
        }
    }

    #[test]
    fn the_tape_is_bounded() {
        let mut lobby = Lobby::default();
        for count in 1..100 {
            lobby.apply(update(20, count * 50));
        }
        assert_eq!(lobby.tape().len(), MAX_TAPE_LINES);
    }
}
