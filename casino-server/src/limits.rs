//! What those who connect may cost the casino.

use std::num::NonZero;

use awesomestock_proto::serving::ConnectionLimits;

/// What those who connect may cost the casino, all together and each.
///
/// `Limits::default()` suits a casino that is open to anybody: no game as people play it meets a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections. A seat whose client reads nothing for as long as a connection may is closed too, with UNAVAILABLE,
    /// and if it is not even told that, its connection with it.
    pub connections: ConnectionLimits,
    /// Seats that one player may have; one more is answered `RESOURCE_EXHAUSTED`. Who only watches and names nobody is no
    /// player.
    pub seats_a_player: usize,
    /// Actions, deposits and withdrawals of one player in a second; what is more is refused in words. `None`: any number.
    pub actions_a_second: Option<NonZero<u32>>,
}

impl Limits {
    /// Seats of one player, by default: far more than there are screens on a desk.
    pub const SEATS_A_PLAYER: usize = 100;

    /// Actions of one player in a second, by default: more than one seat can send that waits for its answers now and
    /// then, and a part of what the ledger takes.
    pub const ACTIONS_A_SECOND: u32 = 100_000;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: ConnectionLimits::default(),
            seats_a_player: Self::SEATS_A_PLAYER,
            actions_a_second: NonZero::new(Self::ACTIONS_A_SECOND),
        }
    }
}
