//! The clock: the one place that reads the time of day. Everything else is given it.

use std::time::SystemTime;

use crate::quantity::UnixMillis;

/// Tells the time; a function, so that a test can tell another.
pub(crate) type Clock = fn() -> UnixMillis;

/// The machine's time of day. Before 1970 it is 1970.
#[allow(clippy::disallowed_methods)] // The clock module is where it may be called.
pub(crate) fn time_of_day() -> UnixMillis {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
