//! Core: how many commands a player may have decided in a second, so that nobody takes the ledger from the others.
//!
//! Casinos that share a ledger keep what a player has left beside the account, and count time by the one clock of their
//! database: so it is the same second wherever the player asks.

use std::num::NonZero;

use crate::quantity::UnixMillis;

/// What one command takes, in the unit in which an allowance is kept: then every millisecond gives back a whole number.
const COMMAND: u64 = 1_000;

/// Commands a second that one player may have decided; `None`: any number.
pub(crate) type Rate = Option<NonZero<u32>>;

/// What a player has left: a second's worth at most, given back as time goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    left: u64,
    at: UnixMillis,
}

impl Allowance {
    /// All of it.
    pub(crate) const FULL: Self = Self {
        left: u64::MAX,
        at: UnixMillis(i64::MIN),
    };

    /// What is left, in thousandths of a command, and since when nothing was given back: as a table keeps it.
    pub(crate) fn to_kept(self) -> (i64, UnixMillis) {
        (i64::try_from(self.left).unwrap_or(i64::MAX), self.at)
    }

    /// What was [kept](Self::to_kept).
    pub(crate) fn from_kept((left, at): (i64, UnixMillis)) -> Self {
        Self {
            left: u64::try_from(left).unwrap_or(0),
            at,
        }
    }

    /// Takes one command at `at`, if `rate` still allows it. A clock that goes back gives nothing, and takes nothing.
    pub(crate) fn take(&mut self, rate: Rate, at: UnixMillis) -> bool {
        let Some(rate) = rate else { return true };
        if at != self.at {
            let rate = u64::from(rate.get());
            let elapsed = u64::try_from(at.0.saturating_sub(self.at.0)).unwrap_or(0);
            let given = elapsed.saturating_mul(rate);
            let most = rate.saturating_mul(COMMAND);
            *self = Self {
                left: self.left.saturating_add(given).min(most),
                at,
            };
        }
        match self.left.checked_sub(COMMAND) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(allowance: &mut Allowance, rate: u32, tries: u32, at: i64) -> u32 {
        let rate = NonZero::new(rate);
        let takes = (0..tries).filter(|_| allowance.take(rate, UnixMillis(at)));
        u32::try_from(takes.count()).unwrap()
    }

    #[test]
    fn a_second_has_so_many_and_what_is_not_used_is_not_saved_up() {
        let mut allowance = Allowance::FULL;
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
    fn slow_rates_lose_nothing_between_two_milliseconds() {
        let mut allowance = Allowance::FULL;
        assert_eq!(taken(&mut allowance, 1, 10, 0), 1);
        let sum: u32 = (1..=10_000).map(|at| taken(&mut allowance, 1, 1, at)).sum();
        assert_eq!(sum, 10);
    }

    #[test]
    fn what_is_kept_between_two_commands_is_the_same() {
        let mut allowance = Allowance::FULL;
        let mut at = 0;
        for tries in [0, 30, 80, 5, 0, 200] {
            let mut kept = Allowance::from_kept(allowance.to_kept());
            let rest = (
                taken(&mut allowance, 100, tries, at),
                taken(&mut kept, 100, tries, at),
            );
            assert_eq!(rest.0, rest.1, "at {at}");
            at += 70;
        }
        assert_eq!(Allowance::from_kept((-1, UnixMillis(0))).left, 0);
    }

    #[test]
    fn without_a_rate_there_is_no_bound() {
        let mut allowance = Allowance::FULL;
        assert_eq!(taken(&mut allowance, 0, 1_000_000, 0), 1_000_000);
    }

    proptest! {
        #[test]
        fn never_more_than_a_burst_and_the_rate(
            rate in 1..1_000_u32,
            steps in prop::collection::vec((0..3_000_i64, 0..2_000_u32), 1..50),
        ) {
            let mut allowance = Allowance::FULL;
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
