//! The state of the Gamble stream: open, stale, or waiting to reconnect.

use std::mem::{self, Discriminant};

use super::commands::request::Request;
use crate::app::portfolio::money::UnixMillis;

/// Delay before the first reconnect, in milliseconds.
const FIRST_RETRY_MS: i64 = 250;

/// Longest delay between two attempts, in milliseconds.
const LONGEST_RETRY_MS: i64 = 10_000;

/// Time after which an open stream counts as established, in milliseconds.
const ESTABLISHED_MS: i64 = 1_000;

/// Tick intervals without a price after which it is overdue, plus the slack.
const OVERDUE_INTERVALS: i64 = 2;

/// Slack before a price is overdue, in milliseconds: for short tick intervals and busy machines.
const OVERDUE_SLACK_MS: i64 = 2_000;

/// Resolution of the displayed age of the last message, in milliseconds: each step redraws the screen.
const AGE_STEP_MS: i64 = 5_000;

/// Resolution from [`LONG_AGE_MS`] on, in milliseconds.
const LONG_AGE_STEP_MS: i64 = 60_000;

const LONG_AGE_MS: i64 = 120_000;

/// Calls whose latency is measured at once.
const MAX_TIMED_CALLS: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenConnection {
    /// The casino sends ticks, wallet and outcome.
    pub extended: bool,
    /// The casino deduplicates orders by request ID.
    pub ids: bool,
    /// Time of opening.
    pub since: UnixMillis,
    /// Time of the last message, or of opening.
    pub(crate) last_message: UnixMillis,
    /// Time of the last price, or of opening.
    pub(crate) last_price: UnixMillis,
    /// Latency of the last answer, in milliseconds.
    pub latency_ms: Option<i64>,
    /// Pending calls and their start.
    pending: Vec<(Discriminant<Request>, UnixMillis)>,
}

impl OpenConnection {
    /// Returns a stream opened at `now`.
    pub fn new(extended: bool, now: UnixMillis) -> Self {
        Self {
            extended,
            ids: false,
            since: now,
            last_message: now,
            last_price: now,
            latency_ms: None,
            pending: Vec::new(),
        }
    }

    /// Returns the displayed age of the last message in milliseconds; `None` below the first step.
    pub fn shown_age_ms(&self, now: UnixMillis) -> Option<i64> {
        let age_ms = now.since_ms(self.last_message);
        let whole = age_ms.checked_sub(age_ms.checked_rem(age_step_ms(age_ms))?)?;
        (whole > 0).then_some(whole)
    }

    /// Returns the time at which the displayed age changes next.
    fn next_age(&self, now: UnixMillis) -> UnixMillis {
        let step = age_step_ms(now.since_ms(self.last_message));
        let shown_ms = self.shown_age_ms(now).unwrap_or(0);
        self.last_message.plus_ms(shown_ms.saturating_add(step))
    }

    pub(super) fn record_call(&mut self, call: Request, now: UnixMillis) {
        if self.pending.len() < MAX_TIMED_CALLS {
            self.pending.push((mem::discriminant(&call), now));
        }
    }

    pub(super) fn record_answer(&mut self, call: Request, now: UnixMillis) {
        if let Some(since) = self.end_call(call) {
            self.record_latency(since, now);
        }
    }

    /// Ends the oldest call of this kind, and returns when it began.
    pub(super) fn end_call(&mut self, call: Request) -> Option<UnixMillis> {
        let kind = mem::discriminant(&call);
        let index = self.pending.iter().position(|(pending, _)| *pending == kind)?;
        Some(self.pending.remove(index).1)
    }

    pub(super) fn record_latency(&mut self, since: UnixMillis, now: UnixMillis) {
        self.latency_ms = Some(now.since_ms(since));
    }
}

fn age_step_ms(age_ms: i64) -> i64 {
    if age_ms < LONG_AGE_MS {
        AGE_STEP_MS
    } else {
        LONG_AGE_STEP_MS
    }
}

/// The Gamble stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// An attempt is in progress.
    Connecting {
        /// 1 for the first.
        attempt: u32,
    },
    Open(OpenConnection),
    /// Waiting for the next attempt.
    Backoff {
        /// The next attempt.
        attempt: u32,
        retry_at: UnixMillis,
        /// Reason of the loss.
        why: String,
    },
    /// The casino rejected the player; nothing is retried automatically.
    Rejected {
        why: String,
    },
    /// The player left.
    Disconnected,
}

/// The connection as the player sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionStatus {
    /// The first attempt is in progress.
    Connecting,
    /// Prices arrive.
    Live,
    /// The stream is open, but a price is overdue.
    Stale {
        /// Age of the last price in milliseconds.
        age_ms: i64,
    },
    /// The stream is lost; orders are not sent until it is open again.
    Reconnecting {
        /// The current or next attempt.
        attempt: u32,
        /// Milliseconds until the attempt; 0 while it is in progress.
        retry_in_ms: i64,
    },
    Rejected,
    /// The player left.
    Disconnected,
}

impl Connection {
    /// Returns the status at `now`. `interval_ms`: time between two ticks, if known.
    pub fn status(&self, now: UnixMillis, interval_ms: Option<i64>) -> ConnectionStatus {
        match self {
            Self::Disconnected => ConnectionStatus::Disconnected,
            Self::Rejected { .. } => ConnectionStatus::Rejected,
            Self::Connecting { attempt: 0 | 1 } => ConnectionStatus::Connecting,
            Self::Connecting { attempt } => ConnectionStatus::Reconnecting {
                attempt: *attempt,
                retry_in_ms: 0,
            },
            Self::Backoff {
                attempt, retry_at, ..
            } => ConnectionStatus::Reconnecting {
                attempt: *attempt,
                retry_in_ms: retry_at.since_ms(now),
            },
            Self::Open(live) => {
                let age_ms = now.since_ms(live.last_price);
                match interval_ms {
                    Some(interval) if age_ms >= overdue_after_ms(interval) => {
                        ConnectionStatus::Stale { age_ms }
                    }
                    Some(_) | None => ConnectionStatus::Live,
                }
            }
        }
    }

    pub(super) fn is_established(&self, now: UnixMillis) -> bool {
        self.live()
            .is_some_and(|live| now.since_ms(live.since) >= ESTABLISHED_MS)
    }

    /// Returns the stream if it is open.
    pub fn live(&self) -> Option<&OpenConnection> {
        match self {
            Self::Open(live) => Some(live),
            _ => None,
        }
    }

    pub(super) fn live_mut(&mut self) -> Option<&mut OpenConnection> {
        match self {
            Self::Open(live) => Some(live),
            _ => None,
        }
    }

    /// Returns the number of the next attempt.
    pub(crate) fn next_attempt(&self) -> u32 {
        match self {
            Self::Connecting { attempt } | Self::Backoff { attempt, .. } => attempt.saturating_add(1),
            Self::Open(_) | Self::Rejected { .. } | Self::Disconnected => 1,
        }
    }

    /// Returns the time at which the next price is due. `began`: start of the last tick by the server's clock. It counts
    /// only for the first price of a stream, which may be old; later ones arrive as their tick begins.
    pub(super) fn next_price(&self, began: UnixMillis, interval_ms: i64) -> Option<UnixMillis> {
        let live = self.live()?;
        let received = live.last_price;
        let began = match received.since_ms(live.since) < ESTABLISHED_MS {
            true => began
                .max(received.plus_ms(interval_ms.saturating_neg()))
                .min(received),
            false => received,
        };
        Some(began.plus_ms(interval_ms))
    }

    /// Returns the time at which the status or a displayed duration changes next.
    pub fn next_change(&self, now: UnixMillis, interval_ms: Option<i64>) -> Option<UnixMillis> {
        match self {
            Self::Connecting { .. } | Self::Rejected { .. } | Self::Disconnected => None,
            Self::Backoff { retry_at, .. } => {
                let left_ms = retry_at.since_ms(now);
                (left_ms > 0).then(|| next_second(now, left_ms))
            }
            Self::Open(live) => {
                let next_age = live.next_age(now);
                let Some(interval) = interval_ms else {
                    return Some(next_age);
                };
                let age_ms = now.since_ms(live.last_price);
                let overdue = overdue_after_ms(interval);
                if age_ms < overdue {
                    return Some(next_age.min(live.last_price.plus_ms(overdue)));
                }
                let next_second = (age_ms / 1000).saturating_add(1).saturating_mul(1000);
                Some(live.last_price.plus_ms(next_second))
            }
        }
    }
}

/// Returns the time at which a countdown of `left_ms`, in whole seconds, changes next.
pub(super) fn next_second(now: UnixMillis, left_ms: i64) -> UnixMillis {
    let rest = left_ms.checked_rem(1000).filter(|rest| *rest > 0);
    now.plus_ms(rest.unwrap_or(1000))
}

/// Returns the delay in milliseconds before attempt `attempt`, from 1: exponential backoff, shortened by up to half by
/// `jitter`.
pub fn retry_after_ms(attempt: u32, jitter: u64) -> i64 {
    let doublings = attempt.saturating_sub(1).min(16);
    let full = FIRST_RETRY_MS
        .saturating_mul(1_i64 << doublings)
        .min(LONGEST_RETRY_MS);
    let half = (full / 2).unsigned_abs();
    full.saturating_sub_unsigned(jitter.checked_rem(half).unwrap_or(0))
}

fn overdue_after_ms(interval_ms: i64) -> i64 {
    interval_ms
        .saturating_mul(OVERDUE_INTERVALS)
        .saturating_add(OVERDUE_SLACK_MS)
}
