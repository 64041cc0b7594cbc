//! What one call, and all calls together, may cost.
//!
//! Owns the defaults and the bounds of the limits, and why they are what they are. It knows nothing of how they are
//! enforced.

use std::{ops::RangeInclusive, time::Duration};

/// What one call, and all calls together, may cost.
///
/// `Limits::default()` suits a casino and the clients of the contract as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Payments one statement takes; one more ends its call with `RESOURCE_EXHAUSTED`.
    pub max_payments: usize,
    /// Statements that may be open at once; one more is answered `UNAVAILABLE`. It bounds the memory of the server:
    /// an open statement holds 32 bytes a payment.
    pub max_open: usize,
    /// How long a sender may take from one payment to the next, and to the half-close; past it the call ends with
    /// `DEADLINE_EXCEEDED`.
    pub idle: Duration,
}

impl Limits {
    /// By default 50,000 payments: gRPC clients, those of tonic and Go among them, refuse a message of more than
    /// 4 MiB unless told otherwise, and a line of a statement is 81 bytes at most.
    pub const DEFAULT_MAX_PAYMENTS: usize = 50_000;

    /// What [`max_payments`](Self::max_payments) may be set to. With the upper bound a statement is 81 MB at most,
    /// which only a receiver takes that was told to; its figures still fit 80 columns.
    pub const MAX_PAYMENTS: RangeInclusive<usize> = 1..=1_000_000;

    /// By default 256 open statements: 400 MB if each were of 50,000 payments.
    pub const DEFAULT_MAX_OPEN: usize = 256;

    /// What [`max_open`](Self::max_open) may be set to.
    pub const MAX_OPEN: RangeInclusive<usize> = 1..=100_000;

    /// By default 10 s: a casino reads payments from its disk, and no disk is silent for so long.
    pub const DEFAULT_IDLE: Duration = Duration::from_secs(10);

    /// What [`idle`](Self::idle) may be set to.
    pub const IDLE: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60 * 60);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_payments: Self::DEFAULT_MAX_PAYMENTS,
            max_open: Self::DEFAULT_MAX_OPEN,
            idle: Self::DEFAULT_IDLE,
        }
    }
}
