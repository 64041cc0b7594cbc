//! Detects a request stream whose receiver stopped reading.

use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::sleep;

/// Checks per timeout.
const CHECKS: u32 = 6;

/// Waits until the counter `sent` does not change for `timeout`. Returns false if the counter is dropped before.
pub(crate) async fn stalled(sent: Weak<AtomicU64>, timeout: Duration) -> bool {
    let interval = timeout.checked_div(CHECKS).unwrap_or_default();
    let (mut last, mut unchanged) = (0, 0_u32);
    while unchanged < CHECKS {
        sleep(interval).await;
        let Some(sent) = sent.upgrade() else {
            return false;
        };
        let now = sent.load(Ordering::Relaxed);
        unchanged = if now == last {
            unchanged.saturating_add(1)
        } else {
            0
        };
        last = now;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_slow_stream_is_not_stalled_and_a_stopped_one_is() {
        let sent = Arc::new(AtomicU64::new(0));
        let check = tokio::spawn(stalled(Arc::downgrade(&sent), TIMEOUT));
        for _ in 0..10 {
            sleep(TIMEOUT * 4 / 5).await;
            sent.fetch_add(1, Ordering::Relaxed);
        }
        assert!(!check.is_finished());
        assert!(check.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn an_ended_stream_is_not_stalled() {
        let sent = Arc::new(AtomicU64::new(0));
        let check = tokio::spawn(stalled(Arc::downgrade(&sent), TIMEOUT));
        drop(sent);
        assert!(!check.await.unwrap());
    }
}
