//! Limits of one call and of all calls, with their defaults and bounds.

use std::ops::RangeInclusive;
use std::time::Duration;

use awesomestock_proto::server::ConnectionLimits;

/// Limits of one call and of all calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most payments in a statement; one more ends the call with `RESOURCE_EXHAUSTED`.
    pub max_payments: usize,
    /// Most open statements, until their response is read; one more call gets `UNAVAILABLE`. Limits memory:
    /// an open statement uses at most 2 MB, and 6 MB while it is rendered.
    pub max_open: usize,
    /// Longest wait for the next payment or the half-close; then the call ends with `DEADLINE_EXCEEDED`.
    pub idle: Duration,
    /// Longest time for all payments; then the call ends with `DEADLINE_EXCEEDED`.
    pub max_time: Duration,
    /// Limits of connections.
    pub connections: ConnectionLimits,
}

impl Limits {
    /// Bounds of [`max_payments`](Self::max_payments). The numbers of the largest statement still fit their
    /// columns.
    pub const MAX_PAYMENTS: RangeInclusive<usize> = 1..=10_000_000;

    /// Bounds of [`max_open`](Self::max_open).
    pub const MAX_OPEN: RangeInclusive<usize> = 1..=100_000;

    /// Bounds of [`idle`](Self::idle).
    pub const IDLE: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60 * 60);

    /// Bounds of [`max_time`](Self::max_time).
    pub const MAX_TIME: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60 * 60);

    /// Most bytes of unread statements per connection: a casino uses one connection for all of its
    /// statements.
    pub(crate) const UNREAD: usize = 128 * 1024 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_payments: 10_000_000,
            // 500 MB if each has the largest number of listed payments.
            max_open: 256,
            // A casino reads payments from its disk, which is never silent for so long.
            idle: Duration::from_secs(10),
            // Several times what ten million payments need.
            max_time: Duration::from_secs(5 * 60),
            connections: ConnectionLimits {
                unread: Self::UNREAD,
                ..ConnectionLimits::default()
            },
        }
    }
}
