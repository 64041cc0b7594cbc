//! The only place that reads the system clock; all other code receives a [`Clock`].

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::domain::money::UnixMillis;

/// A source of wall-clock time. It may stand still or jump in both directions, and callers must tolerate that.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> UnixMillis + Send + Sync>);

impl Clock {
    /// Creates a clock from a function that returns milliseconds since the Unix epoch.
    #[must_use]
    pub fn new(unix_millis: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        (move || UnixMillis(unix_millis())).into()
    }

    pub(crate) fn now(&self) -> UnixMillis {
        (self.0)()
    }
}

impl Default for Clock {
    /// Returns the system clock.
    fn default() -> Self {
        system_time.into()
    }
}

impl<F: Fn() -> UnixMillis + Send + Sync + 'static> From<F> for Clock {
    fn from(now: F) -> Self {
        Self(Arc::new(now))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// Returns the system time; times before 1970 become 1970.
#[allow(clippy::disallowed_methods)] // The only permitted call.
fn system_time() -> UnixMillis {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
