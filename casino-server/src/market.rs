//! Core: the market. One stock, one price, moved by ticks.
//!
//! Owns the price process. It knows no players, no clock and no source of chance: the randomness of a tick follows
//! from the market's seed and the tick's number alone, so a market that was stopped goes on as one that was not.

use std::str::FromStr;

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};
use serde::{Deserialize, Serialize};

use crate::quantity::{Price, UnixMillis};

/// How the price moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Model {
    /// Each tick goes up by a random amount in [1, 15) and down by another in [1, 15), and stays at 1 or above.
    #[default]
    Classic,
}

impl Model {
    /// Every model, for a message that lists them.
    const ALL: [Self; 1] = [Self::Classic];

    /// The name by which `--market` and the ledger know it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
        }
    }

    /// The price after `price`, by two draws from `chance`.
    fn next(self, price: Price, chance: &mut impl Rng) -> Price {
        match self {
            Self::Classic => {
                let up = classic_move(chance);
                let down = classic_move(chance);
                let moved = price.get().saturating_add(up).saturating_sub(down);
                Price::new(moved).unwrap_or(Price::MIN)
            }
        }
    }
}

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        Self::ALL
            .into_iter()
            .find(|model| model.name() == name)
            .ok_or(UnknownModel)
    }
}

/// A name that no [`Model`] has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such market; there is: classic")]
pub struct UnknownModel;

/// A whole number in [1, 15).
///
/// Taken as a remainder, so that a seed gives the same game whatever a library's sampling becomes; it favours the
/// lower numbers by less than one part in 10^18.
fn classic_move(chance: &mut impl Rng) -> i32 {
    const CHOICES: u64 = 14;
    let choice = i32::try_from(chance.next_u64() % CHOICES).unwrap_or(0);
    choice.saturating_add(1)
}

/// One move of the price, and the price since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tick {
    /// 0 is the price the market opened with; each move counts one up.
    pub(crate) number: i64,
    /// The price from this tick on.
    pub(crate) price: Price,
    /// When it came into force.
    pub(crate) at: UnixMillis,
}

/// A market: its model, its seed, and the price in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Market {
    /// How the price moves.
    pub(crate) model: Model,
    /// What all randomness of this market comes from.
    pub(crate) seed: u64,
    /// The tick in force.
    pub(crate) current: Tick,
}

impl Market {
    /// A market that opens at `price` with tick 0.
    pub(crate) fn open(model: Model, seed: u64, price: Price, at: UnixMillis) -> Self {
        let current = Tick { number: 0, price, at };
        Self { model, seed, current }
    }

    /// The market after its next tick, which comes into force at `at`.
    ///
    /// `None` when ticks have run out of numbers.
    pub(crate) fn ticked(self, at: UnixMillis) -> Option<Self> {
        let number = self.current.number.checked_add(1)?;
        let price = self
            .model
            .next(self.current.price, &mut chance_of(self.seed, number));
        let current = Tick { number, price, at };
        Some(Self { current, ..self })
    }
}

/// The randomness of tick `number` of the market with `seed`.
///
/// The seed is the key and the tick the stream of a `ChaCha8`: both are fixed by the cipher, not by this library.
fn chance_of(seed: u64, number: i64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (byte, of_seed) in key.iter_mut().zip(seed.to_le_bytes()) {
        *byte = of_seed;
    }
    let mut chance = ChaCha8Rng::from_seed(key);
    chance.set_stream(number.cast_unsigned());
    chance
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn market(seed: u64, price: i32) -> Market {
        Market::open(Model::Classic, seed, Price::new(price).unwrap(), UnixMillis(0))
    }

    fn prices(mut market: Market, ticks: usize) -> Vec<i32> {
        let mut prices = vec![market.current.price.get()];
        for at in (1..).take(ticks) {
            market = market.ticked(UnixMillis(at)).unwrap();
            prices.push(market.current.price.get());
        }
        prices
    }

    /// The game of seed 7. Written down, because a game that was recorded must play the same in a later version.
    #[test]
    fn a_seed_is_a_game() {
        assert_eq!(prices(market(7, 10), 12), GAME_OF_SEED_7);
        assert_ne!(prices(market(8, 10), 12), GAME_OF_SEED_7);
    }

    const GAME_OF_SEED_7: [i32; 13] = [10, 19, 19, 15, 10, 14, 21, 21, 30, 33, 40, 41, 52];

    #[test]
    fn a_restarted_market_goes_on_as_if_it_had_not_stopped() {
        let whole = prices(market(3, 10), 40);
        let mut stopped = market(3, 10);
        for at in 1..=20 {
            stopped = stopped.ticked(UnixMillis(at)).unwrap();
        }
        let restarted = Market {
            model: Model::Classic,
            seed: 3,
            current: stopped.current,
        };
        assert_eq!(prices(restarted, 20), whole[20..]);
    }

    #[test]
    fn a_tick_is_numbered_and_dated() {
        let next = market(1, 10).ticked(UnixMillis(77)).unwrap();
        assert_eq!((next.current.number, next.current.at), (1, UnixMillis(77)));
    }

    #[test]
    fn ticks_run_out_without_a_panic() {
        let mut last = market(1, 10);
        last.current.number = i64::MAX;
        assert_eq!(last.ticked(UnixMillis(0)), None);
    }

    #[test]
    fn both_ends_of_a_move_occur() {
        let mut chance = chance_of(1, 1);
        let moves: Vec<i32> = (0..2_000).map(|_| classic_move(&mut chance)).collect();
        assert_eq!(moves.iter().min(), Some(&1));
        assert_eq!(moves.iter().max(), Some(&14));
    }

    #[test]
    fn models_have_names() {
        assert_eq!("classic".parse(), Ok(Model::Classic));
        assert_eq!(Model::Classic.name(), "classic");
        assert_eq!("Classic".parse::<Model>(), Err(UnknownModel));
        assert_eq!(UnknownModel.to_string(), "no such market; there is: classic");
    }

    proptest! {
        #[test]
        fn a_move_is_small_and_never_leaves_the_range(seed: u64, from in 1..=i32::MAX, number in 0..1_000_000_i64) {
            let mut market = market(seed, from);
            market.current.number = number;
            let to = market.ticked(UnixMillis(0)).unwrap().current.price.get();
            prop_assert!(to >= 1);
            let moved = i64::from(to) - i64::from(from);
            prop_assert!(moved.abs() <= 13 || (from > i32::MAX - 14 && moved < 0), "{from} -> {to}");
        }
    }
}
