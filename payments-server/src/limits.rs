//! What one call, and all calls together, may cost.
//!
//! Owns the defaults and the bounds of the limits, and why they are what they are. It knows nothing of how they are
//! enforced.

use std::{ops::RangeInclusive, time::Duration};

use awesomestock_proto::serving::ConnectionLimits;

/// What one call, and all calls together, may cost.
///
/// `Limits::default()` suits a casino and the clients of the contract as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Payments one statement takes; one more ends its call with `RESOURCE_EXHAUSTED`.
    pub max_payments: usize,
    /// Statements that may be open at once; one more is answered `UNAVAILABLE`. It bounds the memory of the server:
    /// an open statement holds 2 MB at most, and while it is written 6.
    pub max_open: usize,
    /// How long a sender may take from one payment to the next, and to the half-close; past it the call ends with
    /// `DEADLINE_EXCEEDED`.
    pub idle: Duration,
    /// How long a sender may take for all of its payments; past it the call ends with `DEADLINE_EXCEEDED`.
    pub max_time: Duration,
    /// What connections may cost.
    pub connections: ConnectionLimits,
}

impl Limits {
    /// By default ten million payments, of which the newest are listed and the others summed up.
    pub const DEFAULT_MAX_PAYMENTS: usize = 10_000_000;

    /// What [`max_payments`](Self::max_payments) may be set to. The figures of the largest statement still have room in
    /// their columns.
    pub const MAX_PAYMENTS: RangeInclusive<usize> = 1..=10_000_000;

    /// By default 256 open statements: 500 MB if each were of as many payments as are listed.
    pub const DEFAULT_MAX_OPEN: usize = 256;

    /// What [`max_open`](Self::max_open) may be set to.
    pub const MAX_OPEN: RangeInclusive<usize> = 1..=100_000;

    /// By default 10 s: a casino reads payments from its disk, and no disk is silent for so long.
    pub const DEFAULT_IDLE: Duration = Duration::from_secs(10);

    /// What [`idle`](Self::idle) may be set to.
    pub const IDLE: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60 * 60);

    /// By default 5 minutes: time for ten million payments, several times over.
    pub const DEFAULT_MAX_TIME: Duration = Duration::from_secs(5 * 60);

    /// What [`max_time`](Self::max_time) may be set to.
    pub const MAX_TIME: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60 * 60);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_payments: Self::DEFAULT_MAX_PAYMENTS,
            max_open: Self::DEFAULT_MAX_OPEN,
            idle: Self::DEFAULT_IDLE,
            max_time: Self::DEFAULT_MAX_TIME,
            connections: ConnectionLimits::default(),
        }
    }
}
