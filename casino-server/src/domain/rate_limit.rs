//! Rate limit of one player's commands. A cluster stores the bucket beside the account and uses the database's
//! clock.

use std::num::NonZero;

use crate::domain::money::UnixMillis;

/// Cost of one command. In thousandths, so that each millisecond refills a whole number.
const COST: u64 = 1_000;

/// Commands per second; `None`: unlimited.
pub(crate) type Rate = Option<NonZero<u32>>;

/// Holds at most the commands of one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenBucket {
    left: u64,
    at: UnixMillis,
}

impl TokenBucket {
    pub(crate) const FULL: Self = Self {
        left: u64::MAX,
        at: UnixMillis(i64::MIN),
    };

    /// Returns the thousandths of a command left and the time of the last refill.
    pub(crate) fn to_row(self) -> (i64, UnixMillis) {
        (i64::try_from(self.left).unwrap_or(i64::MAX), self.at)
    }

    pub(crate) fn from_row(left: i64, at: UnixMillis) -> Self {
        Self {
            left: u64::try_from(left).unwrap_or(0),
            at,
        }
    }

    /// Takes one command, if `rate` allows it. A clock that goes back changes nothing.
    pub(crate) fn try_take(&mut self, rate: Rate, at: UnixMillis) -> bool {
        let Some(rate) = rate else { return true };
        if at != self.at {
            let rate = u64::from(rate.get());
            let elapsed = u64::try_from(at.0.saturating_sub(self.at.0)).unwrap_or(0);
            let given = elapsed.saturating_mul(rate);
            let most = rate.saturating_mul(COST);
            *self = Self {
                left: self.left.saturating_add(given).min(most),
                at,
            };
        }
        let left = self.left.checked_sub(COST);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(allowance: &mut TokenBucket, rate: u32, tries: u32, at: i64) -> u32 {
        let rate = NonZero::new(rate);
        let takes = (0..tries).filter(|_| allowance.try_take(rate, UnixMillis(at)));
        u32::try_from(takes.count()).unwrap()
    }

    #[test]
    fn the_bucket_refills_with_time_up_to_one_second() {
        let mut allowance = TokenBucket::FULL;
        for (at, tries, expected) in [
            (1_000, 1_000, 100),
            (1_000, 1, 0),
            (1_009, 10, 0),
            (1_010, 10, 1),
            (1_110, 100, 10),
            (99_000, 1_000, 100),
            (1_000, 10, 0),
            (1_020, 10, 2),
            (i64::MAX, 1_000, 100),
            (i64::MIN, 10, 0),
        ] {
            assert_eq!(taken(&mut allowance, 100, tries, at), expected, "at {at}");
        }
    }

    #[test]
    fn a_slow_rate_keeps_fractions_between_milliseconds() {
        let mut allowance = TokenBucket::FULL;
        assert_eq!(taken(&mut allowance, 1, 10, 0), 1);
        let sum: u32 = (1..=10_000).map(|at| taken(&mut allowance, 1, 1, at)).sum();
        assert_eq!(sum, 10);
    }

    #[test]
    fn a_stored_bucket_continues_unchanged() {
        let mut allowance = TokenBucket::FULL;
        let mut at = 0;
        for tries in [0, 30, 80, 5, 0, 200] {
            let (left, since) = allowance.to_row();
            let mut stored = TokenBucket::from_row(left, since);
            let expected = taken(&mut allowance, 100, tries, at);
            assert_eq!(taken(&mut stored, 100, tries, at), expected, "at {at}");
            at += 70;
        }
        assert_eq!(TokenBucket::from_row(-1, UnixMillis(0)).left, 0);
    }

    #[test]
    fn without_a_rate_commands_are_unlimited() {
        let mut allowance = TokenBucket::FULL;
        assert_eq!(taken(&mut allowance, 0, 1_000_000, 0), 1_000_000);
    }

    proptest! {
        #[test]
        fn never_more_than_one_burst_plus_the_rate(
            rate in 1..1_000_u32,
            steps in prop::collection::vec((0..3_000_i64, 0..2_000_u32), 1..50),
        ) {
            let mut allowance = TokenBucket::FULL;
            let (mut at, mut all) = (0, 0_u64);
            for (wait, tries) in steps {
                at += wait;
                all += u64::from(taken(&mut allowance, rate, tries, at));
                let most = u64::from(rate) * (1_000 + u64::try_from(at).unwrap()) / 1_000;
                prop_assert!(all <= most, "{} of {}", all, most);
            }
        }
    }
}
