//! The only clock of the client.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::app::portfolio::money::UnixMillis;

struct LastReading {
    moment: UnixMillis,
    wall: UnixMillis,
    steady: Instant,
}

static LAST: Mutex<Option<LastReading>> = Mutex::new(None);

/// Returns the wall-clock time. It never goes back: after the wall clock was set back, time continues from the last
/// reading, so that an age is never too small and a missing price becomes stale.
pub(crate) fn now() -> UnixMillis {
    let wall = UnixMillis(jiff::Timestamp::now().as_millisecond());
    let steady = Instant::now();
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let moment = match &*last {
        None => wall,
        Some(last) => {
            let passed = steady.duration_since(last.steady);
            last.moment
                .plus_ms(passed_ms(wall.0.saturating_sub(last.wall.0), passed))
        }
    };
    *last = Some(LastReading { moment, wall, steady });
    moment
}

/// Returns the wall-clock time in microseconds since the Unix epoch, UTC. It may go back.
pub(crate) fn unix_micros() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// Returns the longer of the times by two clocks: the wall clock may have been set back, and the steady clock stands
/// still while the machine sleeps.
fn passed_ms(wall_ms: i64, steady: Duration) -> i64 {
    wall_ms.max(i64::try_from(steady.as_millis()).unwrap_or(i64::MAX))
}

/// Returns the time from `now` to `moment`; zero if it has passed.
pub(super) fn until(moment: UnixMillis, now: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(moment.since_ms(now)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_advances_when_the_wall_clock_is_set_back() {
        let second = Duration::from_secs(1);
        for (wall_ms, steady, expected) in [
            (1_000, second, 1_000),
            (-3_600_000, second, 1_000),
            (28_800_000, second, 28_800_000),
            (0, Duration::ZERO, 0),
        ] {
            assert_eq!(passed_ms(wall_ms, steady), expected, "{wall_ms} {steady:?}");
        }
    }
}
