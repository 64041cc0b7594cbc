//! Rate-limited logging of repeated failures.

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::lock;

const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Selects which failures are logged: the first, then one a minute, and the recovery. Clients can cause alternating
/// failures and recoveries, so these are limited too.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    failing: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Time of the last logged failure.
    last_logged: Option<Instant>,
    /// A failure was logged since the last success.
    is_logged: bool,
    /// Failures not logged.
    unlogged: u64,
}

impl Outage {
    /// Logs `error` as `message`, unless a failure was logged within a minute.
    pub(crate) fn log_failure(&self, error: &(dyn Error + 'static), message: &str) {
        if let Some(more) = self.failed() {
            tracing::error!(error, more_failed = more, "{message}");
        }
    }

    /// Logs a recovery as `message`, if the failure was logged.
    pub(crate) fn log_success(&self, message: &str) {
        if let Some(more) = self.worked() {
            tracing::info!(more_failed = more, "{message}");
        }
    }

    /// Counts a failure. Returns the number of earlier unlogged failures if this one should be logged.
    pub(crate) fn failed(&self) -> Option<u64> {
        let mut state = lock(&self.state);
        self.failing.store(true, Ordering::Relaxed);
        if state
            .last_logged
            .is_some_and(|last_logged| last_logged.elapsed() < LOG_INTERVAL)
        {
            state.unlogged = state.unlogged.saturating_add(1);
            return None;
        }
        state.last_logged = Some(Instant::now());
        state.is_logged = true;
        Some(std::mem::take(&mut state.unlogged))
    }

    /// Notes a success. Returns the number of unlogged failures if the recovery should be logged.
    pub(crate) fn worked(&self) -> Option<u64> {
        // Fast path.
        if !self.failing.load(Ordering::Relaxed) {
            return None;
        }
        let mut state = lock(&self.state);
        self.failing.store(false, Ordering::Relaxed);
        let was_logged = std::mem::take(&mut state.is_logged);
        was_logged.then(|| std::mem::take(&mut state.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_logged_at_its_start_once_a_minute_and_at_its_end() {
        let outage = Outage::default();
        assert_eq!(outage.worked(), None, "it always did");
        assert_eq!(outage.failed(), Some(0));
        assert_eq!((0..1_000).find_map(|_| outage.failed()), None);
        advance(LOG_INTERVAL).await;
        assert_eq!((outage.failed(), outage.failed()), (Some(1_000), None));
        assert_eq!((outage.worked(), outage.worked()), (Some(1), None));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_between_successes_do_not_fill_the_log() {
        let outage = Outage::default();
        let lines = (0..6_000)
            .map(|_| usize::from(outage.failed().is_some()) + usize::from(outage.worked().is_some()));
        assert_eq!(lines.sum::<usize>(), 2);
        advance(LOG_INTERVAL).await;
        assert_eq!(outage.failed(), Some(5_999), "and none is lost");
    }
}
