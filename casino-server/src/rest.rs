//! How long those rest who ask too fast: a refusal costs a flood nothing, and the others the time that it takes.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

/// How long nothing more is heard at least of one who asks too fast.
const REST_MIN_MS: u64 = 50;

/// By how many milliseconds at most it is longer, for one after the other: those who rest do not come back all at once,
/// but a few in each millisecond.
const REST_SPREAD_MS: u64 = 100;

/// How many rests there were.
static RESTS: AtomicU64 = AtomicU64::new(0);

/// The next rest, from now on.
pub(crate) fn rest() -> Sleep {
    let rests = RESTS.fetch_add(1, Ordering::Relaxed);
    let later = rests.checked_rem(REST_SPREAD_MS).unwrap_or_default();
    sleep(Duration::from_millis(REST_MIN_MS.saturating_add(later)))
}
