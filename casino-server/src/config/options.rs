//! The options of a casino and their bounds.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::limits::Limits;
use crate::config::store_url::StoreUrl;
use crate::domain::market::PriceModel;
use crate::domain::money::{Dollars, Price};

/// Bounds of [`Options::tick`].
pub const TICK: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60 * 60);
/// Default of [`Options::tick`].
pub const TICK_DEFAULT: Duration = Duration::from_secs(10);
/// Maximum of [`Options::bots`].
pub const BOTS_MAX: u8 = 20;

/// Maximum of [`Options::stake`]: its tokens fit into a balance, with as many to win.
pub const STAKE_MAX: i32 = 100_000_000;

/// The options of a casino.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Location of the ledger.
    pub store: StoreUrl,
    /// Time between two ticks, within [`TICK`].
    pub tick: Duration,
    /// Opening price of a new market, in tokens per stock, at least 1; by default that of its price model.
    pub initial_price: Option<i32>,
    /// Seed of the market; by default the one stored in the ledger, or a random one for a new ledger. A different seed
    /// replaces the stored one: the price continues from its current value.
    pub seed: Option<u64>,
    /// The price model; by default the one stored in the ledger, or [`PriceModel::Classic`] for a new ledger. A
    /// different one replaces the stored one.
    pub model: Option<PriceModel>,
    /// Number of bots, at most [`BOTS_MAX`].
    pub bots: u8,
    /// Limits on clients.
    pub limits: Limits,
    /// Require a key for unclaimed names too.
    pub require_key: bool,
    /// Dollars that each new player, and each player of a round, begins with; at least 1.
    pub stake: Option<i32>,
}

impl Options {
    /// Returns the default options for the SQLite ledger at `store`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let solo = casino_server::Options {
    ///     tick: Duration::from_secs(1),
    ///     ..casino_server::Options::new("casino.db")
    /// };
    /// assert_eq!(solo.initial_price, None);
    /// ```
    #[must_use]
    pub fn new(store: impl Into<PathBuf>) -> Self {
        Self {
            store: StoreUrl::Sqlite(store.into()),
            tick: TICK_DEFAULT,
            initial_price: None,
            seed: None,
            model: None,
            bots: 0,
            limits: Limits::default(),
            require_key: false,
            stake: None,
        }
    }

    /// Returns the opening price of a new market. Fails if the given one is below 1.
    pub(crate) fn opening_price(&self) -> Result<Price, OptionError> {
        let by_model = || self.model.unwrap_or_default().initial_price();
        validate_initial_price(self.initial_price.unwrap_or_else(by_model))
    }
}

/// An option out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Time between two ticks.
    #[error("tick: {0:?} is not between 10ms and 1h")]
    Tick(Duration),
    /// Opening price.
    #[error("initial price: {0} is below {min}", min = Price::MIN.get())]
    InitialPrice(i32),
    /// Stake.
    #[error("stake: {0} is not between 1 and {STAKE_MAX}")]
    Stake(i32),
    /// Number of bots.
    #[error("house: {0} is above {BOTS_MAX}")]
    Bots(u8),
}

/// Returns `given` if it is a valid tick interval. Fails if it is not within [`TICK`].
pub fn validate_tick(given: Duration) -> Result<Duration, OptionError> {
    let valid = TICK.contains(&given).then_some(given);
    valid.ok_or(OptionError::Tick(given))
}

fn validate_initial_price(given: i32) -> Result<Price, OptionError> {
    Price::new(given).ok_or(OptionError::InitialPrice(given))
}

pub(crate) fn validate_stake(given: Option<i32>) -> Result<Option<Dollars>, OptionError> {
    let valid = |given| match (1..=STAKE_MAX).contains(&given) {
        true => Ok(Dollars(given)),
        false => Err(OptionError::Stake(given)),
    };
    given.map(valid).transpose()
}

pub(crate) fn validate_bots(given: u8) -> Result<u8, OptionError> {
    (given <= BOTS_MAX)
        .then_some(given)
        .ok_or(OptionError::Bots(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_intervals_have_bounds() {
        for (millis, allowed) in [
            (0, false),
            (9, false),
            (10, true),
            (3_600_000, true),
            (3_600_001, false),
        ] {
            let given = Duration::from_millis(millis);
            assert_eq!(validate_tick(given).is_ok(), allowed, "{given:?}");
        }
        assert_eq!(
            validate_tick(Duration::from_millis(1)).unwrap_err().to_string(),
            "tick: 1ms is not between 10ms and 1h"
        );
    }

    #[test]
    fn the_number_of_bots_has_a_bound() {
        assert_eq!(validate_bots(20), Ok(20));
        assert_eq!(
            validate_bots(21).unwrap_err().to_string(),
            "house: 21 is above 20"
        );
    }

    #[test]
    fn a_new_market_opens_at_the_given_price_or_that_of_its_model() {
        use PriceModel::{Classic, Moods, News};
        for (model, given, opening) in [
            (None, None, 10),
            (Some(Classic), None, 10),
            (Some(Moods), None, 100),
            (Some(News), None, 100),
            (Some(News), Some(7), 7),
            (None, Some(7), 7),
        ] {
            let options = Options {
                model,
                initial_price: given,
                ..Options::new("casino.db")
            };
            let price = options.opening_price().map(Price::get);
            assert_eq!(price, Ok(opening), "{model:?} {given:?}");
        }
    }

    #[test]
    fn the_stake_has_bounds() {
        assert_eq!(validate_stake(None), Ok(None));
        assert_eq!(validate_stake(Some(STAKE_MAX)), Ok(Some(Dollars(STAKE_MAX))));
        assert_eq!(
            validate_stake(Some(0)).unwrap_err().to_string(),
            "stake: 0 is not between 1 and 100000000"
        );
    }

    #[test]
    fn initial_prices_have_bounds() {
        for (given, allowed) in [(i32::MIN, false), (0, false), (1, true), (i32::MAX, true)] {
            assert_eq!(validate_initial_price(given).is_ok(), allowed, "{given}");
        }
        assert_eq!(
            validate_initial_price(0).unwrap_err().to_string(),
            "initial price: 0 is below 1"
        );
    }
}
