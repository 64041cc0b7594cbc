//! The clock: the one place that reads the time of day. Everything else is given it.

use std::{fmt, sync::Arc, time::SystemTime};

use crate::quantity::UnixMillis;

/// Tells the time of day. It may stand still, or jump back and forth: what is decided by it bears that.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> UnixMillis + Send + Sync>);

impl Clock {
    /// One that tells what `unix_millis` gives: milliseconds since the Unix epoch, UTC.
    #[must_use]
    pub fn new(unix_millis: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        (move || UnixMillis(unix_millis())).into()
    }

    /// What it tells now.
    pub(crate) fn now(&self) -> UnixMillis {
        (self.0)()
    }
}

impl Default for Clock {
    /// The machine's.
    fn default() -> Self {
        time_of_day.into()
    }
}

impl<F: Fn() -> UnixMillis + Send + Sync + 'static> From<F> for Clock {
    fn from(tells: F) -> Self {
        Self(Arc::new(tells))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// The machine's time of day. Before 1970 it is 1970.
#[allow(clippy::disallowed_methods)] // The clock module is where it may be called.
fn time_of_day() -> UnixMillis {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
