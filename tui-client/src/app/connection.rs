//! How it stands between the client and the table: live, stale, or on the way back.
//!
//! Owns when to try again. It opens nothing: the shell does, when an effect says so.

use super::money::UnixMs;

/// Wait before the first try to reconnect, in milliseconds.
const FIRST_RETRY_MS: i64 = 250;

/// Longest wait between two tries, in milliseconds.
const LONGEST_RETRY_MS: i64 = 10_000;

/// A price is overdue when this many tenths of a tick interval have passed without one.
const OVERDUE_TENTHS: i64 = 25;

/// Slack in milliseconds before a price is overdue, for tables that tick fast.
const OVERDUE_SLACK_MS: i64 = 500;

/// The stream to the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// A try is under way.
    Connecting {
        /// 1 for the first.
        attempt: u32,
    },
    /// The stream is open.
    Live {
        /// When the last message came; when it was opened, before the first.
        last_message: UnixMs,
        /// The casino tells more than the old contract.
        extended: bool,
    },
    /// The stream was lost, or could not be opened.
    Waiting {
        /// The try that comes next.
        attempt: u32,
        /// When it comes.
        retry_at: UnixMs,
        /// In words, why.
        why: String,
    },
    /// The player left the table.
    Left,
}

/// What the connection means for the player now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// The first try is under way.
    Connecting,
    /// Prices come.
    Live,
    /// The stream is open, and a price is overdue.
    Stale {
        /// Age of the last message in milliseconds.
        age_ms: i64,
    },
    /// The stream is lost; orders are refused until it is back.
    Reconnecting {
        /// The try that is under way or comes next.
        attempt: u32,
        /// Milliseconds until it comes; 0 while it is under way.
        retry_in_ms: i64,
    },
    /// The player left the table; no prices come.
    Left,
}

impl Connection {
    /// What the connection means now. `interval_ms`: time between two ticks, where known.
    #[must_use]
    pub fn liveness(&self, now: UnixMs, interval_ms: Option<i64>) -> Liveness {
        match self {
            Self::Left => Liveness::Left,
            Self::Connecting { attempt: 0 | 1 } => Liveness::Connecting,
            Self::Connecting { attempt } => Liveness::Reconnecting {
                attempt: *attempt,
                retry_in_ms: 0,
            },
            Self::Waiting {
                attempt, retry_at, ..
            } => Liveness::Reconnecting {
                attempt: *attempt,
                retry_in_ms: retry_at.since_ms(now),
            },
            Self::Live { last_message, .. } => {
                let age_ms = now.since_ms(*last_message);
                match interval_ms {
                    Some(interval) if age_ms >= overdue_after_ms(interval) => Liveness::Stale { age_ms },
                    Some(_) | None => Liveness::Live,
                }
            }
        }
    }

    /// Orders can be sent.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }

    /// The attempt after this one.
    #[must_use]
    pub fn next_attempt(&self) -> u32 {
        match self {
            Self::Connecting { attempt } | Self::Waiting { attempt, .. } => attempt.saturating_add(1),
            Self::Live { .. } | Self::Left => 1,
        }
    }

    /// When the picture changes by itself next: a price becomes overdue, an age or a countdown moves on.
    #[must_use]
    pub fn next_change(&self, now: UnixMs, interval_ms: Option<i64>) -> Option<UnixMs> {
        match self {
            Self::Connecting { .. } | Self::Left => None,
            Self::Waiting { retry_at, .. } => {
                let left_ms = retry_at.since_ms(now);
                (left_ms > 0).then(|| now.plus_ms(left_ms.checked_rem(1000).map_or(1000, |rest| rest.max(1))))
            }
            Self::Live { last_message, .. } => {
                let age_ms = now.since_ms(*last_message);
                let overdue = overdue_after_ms(interval_ms?);
                let next_second = age_ms.checked_div(1000)?.saturating_add(1).saturating_mul(1000);
                Some(last_message.plus_ms(if age_ms < overdue { overdue } else { next_second }))
            }
        }
    }
}

/// Milliseconds to wait before try `attempt` (1 = the first try after a loss): exponential, with up to a half taken
/// off by `jitter`, so that a table full of players does not come back all at once.
#[must_use]
pub fn retry_after_ms(attempt: u32, jitter: u64) -> i64 {
    let doublings = attempt.saturating_sub(1).min(16);
    let full = FIRST_RETRY_MS
        .saturating_mul(1_i64 << doublings)
        .min(LONGEST_RETRY_MS);
    let half = full.checked_div(2).unwrap_or(0);
    let off = u64::try_from(half)
        .ok()
        .and_then(|half| jitter.checked_rem(half))
        .unwrap_or(0);
    full.saturating_sub(i64::try_from(off).unwrap_or(0))
}

fn overdue_after_ms(interval_ms: i64) -> i64 {
    interval_ms
        .saturating_mul(OVERDUE_TENTHS)
        .checked_div(10)
        .unwrap_or(interval_ms)
        .saturating_add(OVERDUE_SLACK_MS)
}
