//! What time it is: the one place of the client that asks.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::app::money::UnixMs;

/// The moment told last, with what both clocks said then.
struct Told {
    moment: UnixMs,
    wall: UnixMs,
    steady: Instant,
}

static TOLD: Mutex<Option<Told>> = Mutex::new(None);

/// The moment by the wall clock; where that is set back, time goes on from the moment told last. So an age is never
/// less than the time that has passed, and a price that does not come is seen to be old.
pub(super) fn now() -> UnixMs {
    let wall = UnixMs(jiff::Timestamp::now().as_millisecond());
    let steady = Instant::now();
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let moment = match &*told {
        None => wall,
        Some(told) => {
            let passed = steady.duration_since(told.steady);
            told.moment
                .plus_ms(passed_ms(wall.0.saturating_sub(told.wall.0), passed))
        }
    };
    *told = Some(Told { moment, wall, steady });
    moment
}

/// The time that has passed by two clocks: the longer one. The wall clock may have been set back; the steady one stands
/// still while the machine sleeps.
fn passed_ms(wall_ms: i64, steady: Duration) -> i64 {
    wall_ms.max(i64::try_from(steady.as_millis()).unwrap_or(i64::MAX))
}

/// The time from `now` to `moment`; none where it is past.
pub(super) fn until(moment: UnixMs, now: UnixMs) -> Duration {
    Duration::from_millis(u64::try_from(moment.since_ms(now)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_whatever_happens_to_the_wall_clock() {
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
