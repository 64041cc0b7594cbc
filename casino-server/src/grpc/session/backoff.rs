//! Backoff of rate-limited sessions, so that a flood of rejected actions does not slow down other players.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

const BACKOFF_MIN_MS: u64 = 50;

/// Successive backoffs differ by 1 ms up to this spread, so that sessions do not resume all at once.
const BACKOFF_SPREAD_MS: u64 = 100;

static BACKOFFS: AtomicU64 = AtomicU64::new(0);

/// Returns a sleep of 50 to 149 ms.
pub(crate) fn backoff() -> Sleep {
    let count = BACKOFFS.fetch_add(1, Ordering::Relaxed);
    let spread = count.checked_rem(BACKOFF_SPREAD_MS).unwrap_or_default();
    sleep(Duration::from_millis(BACKOFF_MIN_MS.saturating_add(spread)))
}
