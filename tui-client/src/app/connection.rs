//! How it stands between the client and the table: live, stale, or on the way back.
//!
//! Owns when to try again, when a price is overdue, and how long answers take. It opens nothing: the shell does, when an
//! effect says so.

use std::mem::{self, Discriminant};

use super::{event::Call, money::UnixMs};

/// Wait before the first try to reconnect, in milliseconds.
const FIRST_RETRY_MS: i64 = 250;

/// Longest wait between two tries, in milliseconds.
const LONGEST_RETRY_MS: i64 = 10_000;

/// A stream that was open for so long, in milliseconds, was no mere try.
const SETTLED_MS: i64 = 1_000;

/// A price is overdue when so many tick intervals have passed without one, and the slack.
const OVERDUE_INTERVALS: i64 = 2;

/// Slack in milliseconds before a price is overdue: for tables that tick fast, and for busy machines.
const OVERDUE_SLACK_MS: i64 = 2_000;

/// The age of the last message is shown in steps of so many milliseconds: a second more or less means nothing, and each
/// step is a frame.
const AGE_STEP_MS: i64 = 5_000;

/// The same from [`LONG_AGE_MS`] on.
const LONG_AGE_STEP_MS: i64 = 60_000;

/// From here on an age is shown in minutes.
const LONG_AGE_MS: i64 = 120_000;

/// Calls whose answers are timed at once.
const MAX_TIMED_CALLS: usize = 16;

/// An open stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The casino tells more than the old contract.
    pub extended: bool,
    /// The casino executes what carries the same id once: what has no answer may be sent again.
    pub ids: bool,
    /// When it was opened.
    pub since: UnixMs,
    /// When the last message came; when it was opened, before the first.
    pub last_message: UnixMs,
    /// When the last price came; when it was opened, before the first.
    pub last_price: UnixMs,
    /// How long the last answer took, in milliseconds.
    pub latency_ms: Option<i64>,
    /// Calls that wait for their answer, and when they were made.
    asked: Vec<(Discriminant<Call>, UnixMs)>,
}

impl Live {
    /// A stream that opens at `now`.
    #[must_use]
    pub fn new(extended: bool, now: UnixMs) -> Self {
        Self {
            extended,
            ids: false,
            since: now,
            last_message: now,
            last_price: now,
            latency_ms: None,
            asked: Vec::new(),
        }
    }

    /// The age of the last message as it is shown, in milliseconds; `None` while it is too young to mean anything.
    #[must_use]
    pub fn shown_age_ms(&self, now: UnixMs) -> Option<i64> {
        let age_ms = now.since_ms(self.last_message);
        let whole = age_ms.checked_sub(age_ms.checked_rem(age_step_ms(age_ms))?)?;
        (whole > 0).then_some(whole)
    }

    /// When the shown age moves on.
    fn next_age(&self, now: UnixMs) -> UnixMs {
        let age_ms = now.since_ms(self.last_message).max(0);
        let step = age_step_ms(age_ms);
        let steps = age_ms.checked_div(step).unwrap_or(0).saturating_add(1);
        self.last_message.plus_ms(steps.saturating_mul(step))
    }

    /// A call is made at `now`.
    pub(super) fn note_call(&mut self, call: Call, now: UnixMs) {
        if self.asked.len() < MAX_TIMED_CALLS {
            self.asked.push((mem::discriminant(&call), now));
        }
    }

    /// The oldest call of this kind is answered at `now`.
    pub(super) fn note_answer(&mut self, call: Call, now: UnixMs) {
        let kind = mem::discriminant(&call);
        if let Some(index) = self.asked.iter().position(|(asked, _)| *asked == kind) {
            let (_, since) = self.asked.remove(index);
            self.note_latency(since, now);
        }
    }

    /// What was sent at `since` is answered at `now`.
    pub(super) fn note_latency(&mut self, since: UnixMs, now: UnixMs) {
        self.latency_ms = Some(now.since_ms(since).max(0));
    }
}

fn age_step_ms(age_ms: i64) -> i64 {
    if age_ms < LONG_AGE_MS {
        AGE_STEP_MS
    } else {
        LONG_AGE_STEP_MS
    }
}

/// The stream to the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// A try is under way.
    Connecting {
        /// 1 for the first.
        attempt: u32,
    },
    /// The stream is open.
    Live(Live),
    /// The stream was lost, or could not be opened.
    Waiting {
        /// The try that comes next.
        attempt: u32,
        /// When it comes.
        retry_at: UnixMs,
        /// In words, why.
        why: String,
    },
    /// The casino refused the seat, and would again: no further try comes by itself.
    Barred {
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
        /// Age of the last price in milliseconds.
        age_ms: i64,
    },
    /// The stream is lost; orders are refused until it is back.
    Reconnecting {
        /// The try that is under way or comes next.
        attempt: u32,
        /// Milliseconds until it comes; 0 while it is under way.
        retry_in_ms: i64,
    },
    /// The casino gives the player no seat; no prices come.
    Barred,
    /// The player left the table; no prices come.
    Left,
}

impl Connection {
    /// What the connection means now. `interval_ms`: time between two ticks, where known.
    #[must_use]
    pub fn liveness(&self, now: UnixMs, interval_ms: Option<i64>) -> Liveness {
        match self {
            Self::Left => Liveness::Left,
            Self::Barred { .. } => Liveness::Barred,
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
            Self::Live(live) => {
                let age_ms = now.since_ms(live.last_price);
                match interval_ms {
                    Some(interval) if age_ms >= overdue_after_ms(interval) => Liveness::Stale { age_ms },
                    Some(_) | None => Liveness::Live,
                }
            }
        }
    }

    /// The stream has been open for a while.
    pub(super) fn is_settled(&self, now: UnixMs) -> bool {
        self.live()
            .is_some_and(|live| now.since_ms(live.since) >= SETTLED_MS)
    }

    /// The stream, while it is open.
    #[must_use]
    pub fn live(&self) -> Option<&Live> {
        match self {
            Self::Live(live) => Some(live),
            Self::Connecting { .. } | Self::Waiting { .. } | Self::Barred { .. } | Self::Left => None,
        }
    }

    /// The stream, while it is open.
    pub(super) fn live_mut(&mut self) -> Option<&mut Live> {
        match self {
            Self::Live(live) => Some(live),
            Self::Connecting { .. } | Self::Waiting { .. } | Self::Barred { .. } | Self::Left => None,
        }
    }

    /// The attempt after this one.
    #[must_use]
    pub fn next_attempt(&self) -> u32 {
        match self {
            Self::Connecting { attempt } | Self::Waiting { attempt, .. } => attempt.saturating_add(1),
            Self::Live(_) | Self::Barred { .. } | Self::Left => 1,
        }
    }

    /// When the picture changes by itself next: a price becomes overdue, an age or a countdown moves on.
    #[must_use]
    pub fn next_change(&self, now: UnixMs, interval_ms: Option<i64>) -> Option<UnixMs> {
        match self {
            Self::Connecting { .. } | Self::Barred { .. } | Self::Left => None,
            Self::Waiting { retry_at, .. } => {
                let left_ms = retry_at.since_ms(now);
                (left_ms > 0).then(|| now.plus_ms(left_ms.checked_rem(1000).map_or(1000, |rest| rest.max(1))))
            }
            Self::Live(live) => {
                let next_age = live.next_age(now);
                let Some(interval) = interval_ms else {
                    return Some(next_age);
                };
                let age_ms = now.since_ms(live.last_price);
                let overdue = overdue_after_ms(interval);
                if age_ms < overdue {
                    return Some(next_age.min(live.last_price.plus_ms(overdue)));
                }
                let next_second = age_ms.checked_div(1000)?.saturating_add(1).saturating_mul(1000);
                Some(live.last_price.plus_ms(next_second))
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
        .saturating_mul(OVERDUE_INTERVALS)
        .saturating_add(OVERDUE_SLACK_MS)
}
