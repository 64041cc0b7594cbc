//! What time it is: the one place of the client that asks.

use std::time::Duration;

use crate::app::money::UnixMs;

/// The moment by the wall clock.
pub(super) fn now() -> UnixMs {
    UnixMs(jiff::Timestamp::now().as_millisecond())
}

/// The time from `now` to `moment`; none where it is past.
pub(super) fn until(moment: UnixMs, now: UnixMs) -> Duration {
    Duration::from_millis(u64::try_from(moment.since_ms(now)).unwrap_or(0))
}
