//! What those who connect may cost the casino.

use awesomestock_proto::serving::ConnectionLimits;

/// What those who connect may cost the casino, all together and each.
///
/// `Limits::default()` suits a casino that is open to anybody: no game as people play it meets a bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Connections. A seat whose client reads nothing for as long as a connection may is closed too, with UNAVAILABLE,
    /// and if it is not even told that, its connection with it.
    pub connections: ConnectionLimits,
}
