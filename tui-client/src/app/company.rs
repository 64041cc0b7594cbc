//! The others at the table: the tape of their trades, who is seated, who owns most.
//!
//! Owns how much of it is kept, and that what a casino does not tell is not taken for nothing having happened.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::event::TradeRow;

/// Lines of the tape that are kept: what the highest screen shows, several times over.
pub const MAX_TAPE_LINES: usize = 200;

/// What a casino tells of the others, and whether it keeps to the limit of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Told {
    /// Trades of everybody.
    pub tape: bool,
    /// Who is seated.
    pub players: bool,
    /// Who owns most.
    pub leaderboard: bool,
    /// An order may have a limit. Otherwise the casino would pass over it.
    #[serde(default)]
    pub limits: bool,
}

/// Somebody at the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Player {
    /// The name, as the casino tells it.
    pub name: String,
    /// The casino itself plays it.
    pub house: bool,
}

/// A trade of anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeRow {
    /// Whose.
    pub player: Player,
    /// The trade.
    pub trade: TradeRow,
}

/// Some of the newest trades.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeNews {
    /// Oldest first.
    pub rows: Vec<TapeRow>,
    /// The casino's count of all trades, those left out included.
    pub trades: i64,
}

/// Who is seated.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Players {
    /// How many players.
    pub seated: i32,
    /// Some of them.
    pub online: Vec<Player>,
    /// Seats of which nobody said whose they are.
    pub unnamed: i32,
}

/// A player's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// 1 for the highest equity; those of the same equity share a place.
    pub rank: i32,
    /// Who.
    pub player: Player,
    /// Tokens and stocks at the price, in tokens.
    pub equity: i64,
    /// Tokens.
    pub tokens: i32,
    /// Stocks.
    pub stocks: i32,
}

/// Who owns most.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Leaderboard {
    /// The first ones.
    pub top: Vec<Standing>,
    /// The player's own place, if they have one.
    pub own: Option<Standing>,
    /// How many are ranked.
    pub ranked: i32,
}

impl Leaderboard {
    /// The first ones, and after them the player's own place if it is not among them.
    pub fn rows(&self) -> impl Iterator<Item = &Standing> {
        let among = |own: &&Standing| !self.top.iter().any(|standing| standing.player == own.player);
        self.top.iter().chain(self.own.iter().filter(among))
    }
}

/// A line of the tape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TapeLine {
    /// A trade.
    Trade(TapeRow),
    /// So many trades that the casino did not tell one by one.
    LeftOut(i64),
}

/// The others, as far as the casino tells of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Company {
    /// What the casino tells; all of it `false` before it has said so.
    pub told: Told,
    /// Who is seated.
    pub players: Players,
    /// Who owns most.
    pub leaderboard: Leaderboard,
    /// Oldest first, at most [`MAX_TAPE_LINES`].
    tape: VecDeque<TapeLine>,
    /// The casino's count of trades, as it was told last.
    trades: Option<i64>,
}

impl Company {
    /// A seat is taken at a casino that tells so much. Trades made meanwhile are not counted as left out.
    pub(super) fn join(&mut self, told: Told) {
        self.told = told;
        self.players = Players::default();
        self.leaderboard = Leaderboard::default();
    }

    /// The tape, oldest first.
    pub fn tape(&self) -> impl DoubleEndedIterator<Item = &TapeLine> + ExactSizeIterator {
        self.tape.iter()
    }

    /// Takes what the tape tells. On joining, the newest message is told again: it is known by its count.
    pub(super) fn take(&mut self, news: TapeNews) {
        let before = self.trades.replace(news.trades);
        if before == Some(news.trades) {
            return;
        }
        let told = i64::try_from(news.rows.len()).unwrap_or(i64::MAX);
        for row in news.rows {
            self.push(TapeLine::Trade(row));
        }
        let grown = before.map(|before| news.trades.saturating_sub(before));
        if let Some(left_out) = grown
            .map(|grown| grown.saturating_sub(told))
            .filter(|more| *more > 0)
        {
            self.push(TapeLine::LeftOut(left_out));
        }
    }

    fn push(&mut self, line: TapeLine) {
        if let (TapeLine::LeftOut(more), Some(TapeLine::LeftOut(last))) = (&line, self.tape.back_mut()) {
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
    use crate::app::money::{Side, UnixMs};

    fn news(rows: usize, trades: i64) -> TapeNews {
        let row = TapeRow {
            player: Player {
                name: "bob".to_owned(),
                house: false,
            },
            trade: TradeRow {
                tick: 1,
                at: UnixMs(0),
                side: Side::Buy,
                count: 1,
                price: 10,
            },
        };
        TapeNews {
            rows: vec![row; rows],
            trades,
        }
    }

    fn shape(company: &Company) -> String {
        let line = |line: &TapeLine| match line {
            TapeLine::Trade(_) => "t".to_owned(),
            TapeLine::LeftOut(more) => format!("+{more}"),
        };
        company.tape().map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_left_out_is_counted_and_what_is_told_again_is_not() {
        let mut company = Company::default();
        for (rows, trades, expected) in [
            (2, 90, "t t"),
            (2, 90, "t t"),
            (1, 91, "t t t"),
            (1, 100, "t t t t +8"),
            (0, 105, "t t t t +13"),
            // A casino that was started again counts from the beginning.
            (1, 1, "t t t t +13 t"),
        ] {
            company.take(news(rows, trades));
            assert_eq!(shape(&company), expected);
        }
    }

    #[test]
    fn the_tape_is_bounded() {
        let mut company = Company::default();
        for count in 1..100 {
            company.take(news(20, count * 50));
        }
        assert_eq!(company.tape().len(), MAX_TAPE_LINES);
    }
}
