//! What a casino is opened with, and the bounds of it.

use std::{path::PathBuf, time::Duration};

use crate::{address::Address, limits::Limits, market::Model, quantity::Price};

/// The shortest time between two ticks.
pub const TICK_MIN: Duration = Duration::from_millis(10);
/// The longest time between two ticks.
pub const TICK_MAX: Duration = Duration::from_secs(60 * 60);
/// Time between two ticks of a shared table.
pub const TICK_DEFAULT: Duration = Duration::from_secs(10);
/// The price at which a market opens.
pub const INITIAL_PRICE_DEFAULT: i32 = 10;
/// The most house players a table has.
pub const HOUSE_MAX: u8 = 20;

/// What a casino is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the ledger is kept.
    pub store: Address,
    /// Time between two ticks, from [`TICK_MIN`] to [`TICK_MAX`].
    pub tick: Duration,
    /// The price of a market that has no history yet, in tokens for one stock, at least 1.
    pub initial_price: i32,
    /// The market's seed; by default the one the ledger keeps, or in a new ledger a random one. Another seed than the
    /// ledger's takes its place: the price goes on from where it is, and moves by the new one.
    pub seed: Option<u64>,
    /// How the price moves.
    pub model: Model,
    /// How many house players sit at the table, at most [`HOUSE_MAX`].
    pub house: u8,
    /// What those who connect may cost.
    pub limits: Limits,
    /// Nobody acts for a name without a key, also where the name is nobody's yet.
    pub require_key: bool,
}

impl Options {
    /// The options of a shared table on the ledger in the SQLite file at `store`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let solo = casino_server::Options {
    ///     tick: Duration::from_secs(1),
    ///     ..casino_server::Options::new("casino.db")
    /// };
    /// assert_eq!(solo.initial_price, 10);
    /// ```
    #[must_use]
    pub fn new(store: impl Into<PathBuf>) -> Self {
        Self {
            store: Address::Sqlite(store.into()),
            tick: TICK_DEFAULT,
            initial_price: INITIAL_PRICE_DEFAULT,
            seed: None,
            model: Model::default(),
            house: 0,
            limits: Limits::default(),
            require_key: false,
        }
    }
}

/// An option that is out of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutOfBounds {
    /// Time between two ticks.
    #[error("tick: {given:?} is not between {TICK_MIN:?} and 1h")]
    Tick {
        /// What was given.
        given: Duration,
    },
    /// The price at which the market opens.
    #[error("initial price: {given} is below {}", Price::MIN.get())]
    InitialPrice {
        /// What was given.
        given: i32,
    },
    /// House players at the table.
    #[error("house: {given} is above {HOUSE_MAX}")]
    House {
        /// What was given.
        given: u8,
    },
}

/// `given` as the time between two ticks.
///
/// # Errors
///
/// Below [`TICK_MIN`] or above [`TICK_MAX`].
pub fn checked_tick(given: Duration) -> Result<Duration, OutOfBounds> {
    if (TICK_MIN..=TICK_MAX).contains(&given) {
        Ok(given)
    } else {
        Err(OutOfBounds::Tick { given })
    }
}

/// `given` as the price at which a market opens.
///
/// # Errors
///
/// Below 1.
pub(crate) fn checked_initial_price(given: i32) -> Result<Price, OutOfBounds> {
    Price::new(given).ok_or(OutOfBounds::InitialPrice { given })
}

/// `given` as the number of house players.
///
/// # Errors
///
/// Above [`HOUSE_MAX`].
pub(crate) fn checked_house(given: u8) -> Result<u8, OutOfBounds> {
    (given <= HOUSE_MAX)
        .then_some(given)
        .ok_or(OutOfBounds::House { given })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_bounds() {
        for (millis, allowed) in [
            (0, false),
            (9, false),
            (10, true),
            (3_600_000, true),
            (3_600_001, false),
        ] {
            let given = Duration::from_millis(millis);
            assert_eq!(checked_tick(given).is_ok(), allowed, "{given:?}");
        }
        assert_eq!(
            checked_tick(Duration::from_millis(1)).unwrap_err().to_string(),
            "tick: 1ms is not between 10ms and 1h"
        );
    }

    #[test]
    fn the_house_has_a_bound() {
        assert_eq!(checked_house(20), Ok(20));
        assert_eq!(
            checked_house(21).unwrap_err().to_string(),
            "house: 21 is above 20"
        );
    }

    #[test]
    fn initial_prices_have_bounds() {
        for (given, allowed) in [(i32::MIN, false), (0, false), (1, true), (i32::MAX, true)] {
            assert_eq!(checked_initial_price(given).is_ok(), allowed, "{given}");
        }
        assert_eq!(
            checked_initial_price(0).unwrap_err().to_string(),
            "initial price: 0 is below 1"
        );
    }
}
