//! The round of the casino: a game with a start, an end and a winner.

use awesomestock_proto::text::thousands;
use serde::{Deserialize, Serialize};

use super::{Leaderboard, Standing};
use crate::app::portfolio::money::UnixMillis;

/// Time for which the end of a round is shown, in milliseconds.
const ENDED_MS: i64 = 60_000;

/// The newest round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// From 1; 0: there has been none.
    pub number: i64,
    pub phase: RoundPhase,
    /// Time left, in milliseconds, when the message was sent.
    pub left_ms: i64,
    /// What the operator says; empty if nothing.
    pub announcement: String,
    /// Dollars that each player begins with.
    pub stake: i32,
    /// The best players, after the end.
    pub podium: Vec<Standing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoundPhase {
    /// There has been no round.
    Never,
    Running,
    Paused,
    Ended,
}

/// The round, and the time at which it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRound {
    pub round: Round,
    pub at: UnixMillis,
    /// The player's rank in the round, as last received before its end.
    pub own: Option<Standing>,
    /// The time at which this game has seen the round end.
    pub ended: Option<UnixMillis>,
}

impl Round {
    pub fn is_open(&self) -> bool {
        matches!(self.phase, RoundPhase::Running | RoundPhase::Paused)
    }

    /// Returns what the round does, with the time left; `None` if there is none.
    pub fn text(&self, left_ms: i64) -> Option<String> {
        let number = thousands(self.number);
        let left = clock(left_ms);
        match self.phase {
            RoundPhase::Never => None,
            RoundPhase::Running => Some(format!("round {number}: {left} left")),
            RoundPhase::Paused => Some(format!("round {number} is paused, {left} left")),
            RoundPhase::Ended => Some(format!("round {number} is over")),
        }
    }
}

impl ReceivedRound {
    /// Keeps the player's rank. Around the start and the end of a round, a leaderboard may be that of the players' own
    /// accounts: in a round, exactly the stake was paid in.
    pub(super) fn keep_own(&mut self, leaderboard: &Leaderboard) {
        let paid_in = |own: &&Standing| own.performance.map(|performance| performance.dollars_in);
        let stake = i64::from(self.round.stake);
        if let Some(own) = leaderboard.own.as_ref().filter(|own| paid_in(own) == Some(stake)) {
            self.own = Some(own.clone());
        }
    }

    /// Returns the player's last known rank if it is below the podium.
    pub fn below(&self) -> Option<&Standing> {
        let podium = &self.round.podium;
        let is_below = |own: &&Standing| !podium.iter().any(|place| place.player == own.player);
        self.own.as_ref().filter(is_below)
    }

    /// Returns what the round does at `now`; `None` if there is none, or its end is not news.
    pub fn text(&self, now: UnixMillis) -> Option<String> {
        let is_news = self.end_shown_until().is_some_and(|until| now < until);
        match self.round.phase {
            RoundPhase::Ended if !is_news => None,
            _ => self.round.text(self.left_ms(now)),
        }
    }

    /// Returns the time up to which the end of the round is shown.
    pub(crate) fn end_shown_until(&self) -> Option<UnixMillis> {
        self.ended.map(|ended| ended.plus_ms(ENDED_MS))
    }

    pub fn left_ms(&self, now: UnixMillis) -> i64 {
        let passed = match self.round.phase {
            RoundPhase::Running => now.since_ms(self.at),
            RoundPhase::Never | RoundPhase::Paused | RoundPhase::Ended => 0,
        };
        self.round.left_ms.saturating_sub(passed).max(0)
    }
}

/// Formats as `9:59` or `1:09:59`, rounded up.
fn clock(ms: i64) -> String {
    let seconds = ms.max(0).saturating_add(999) / 1000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        hours => format!("{}:{minutes:02}:{seconds:02}", thousands(hours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_a_clock() {
        for (ms, text) in [
            (-5, "0:00"),
            (1, "0:01"),
            (59_001, "1:00"),
            (599_000, "9:59"),
            (3_600_000, "1:00:00"),
            (i64::MAX, "2,562,047,788,015:12:55"),
        ] {
            assert_eq!(clock(ms), text, "{ms}");
        }
    }
}
