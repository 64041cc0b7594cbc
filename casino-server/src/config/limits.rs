//! Limits on clients.

use std::num::NonZero;

use awesomestock_proto::server::ConnectionLimits;

/// Limits on clients, in total and per player. The defaults suit a public casino: normal play never reaches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connection limits. Their stall timeout also closes a session whose client reads nothing, with UNAVAILABLE, and
    /// the connection if that status cannot be sent either.
    pub connections: ConnectionLimits,
    /// Maximum sessions per player; one more is answered `RESOURCE_EXHAUSTED`. Anonymous sessions are not counted.
    pub sessions_per_player: usize,
    /// Maximum actions, deposits and withdrawals per player and second; `None`: no limit.
    pub actions_per_second: Option<NonZero<u32>>,
}

impl Limits {
    /// Default maximum of sessions per player.
    pub const SESSIONS_PER_PLAYER: usize = 100;

    /// Default maximum of actions per player and second: more than one session can usually send, and a fraction of what
    /// the ledger executes.
    pub const ACTIONS_PER_SECOND: u32 = 100_000;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: ConnectionLimits::default(),
            sessions_per_player: Self::SESSIONS_PER_PLAYER,
            actions_per_second: NonZero::new(Self::ACTIONS_PER_SECOND),
        }
    }
}
