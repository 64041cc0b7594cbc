//! The market: one stock whose price moves with each tick. A tick's randomness depends only on the seed and its
//! number.

use std::str::FromStr;

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};
use serde::{Deserialize, Serialize};

use crate::domain::money::{Price, UnixMillis};

/// How the price moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PriceModel {
    /// Each tick adds and subtracts a random amount in [1, 15); the price stays at 1 or above.
    #[default]
    Classic,
}

impl PriceModel {
    const ALL: [Self; 1] = [Self::Classic];

    /// The name used by `--market` and stored in the ledger.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
        }
    }

    fn next(self, price: Price, rng: &mut impl Rng) -> Price {
        match self {
            Self::Classic => {
                let up = classic_move(rng);
                let down = classic_move(rng);
                let moved = price.get().saturating_add(up).saturating_sub(down);
                Price::new(moved).unwrap_or(Price::MIN)
            }
        }
    }
}

impl FromStr for PriceModel {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        Self::ALL
            .into_iter()
            .find(|model| model.name() == name)
            .ok_or(UnknownModel)
    }
}

/// An unknown model name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such market; there is: classic")]
pub struct UnknownModel;

/// Returns a whole number in [1, 15).
///
/// Uses the remainder, so that a seed gives the same game with every version of `rand`. The bias is below 1e-18.
fn classic_move(rng: &mut impl Rng) -> i32 {
    const CHOICES: u64 = 14;
    let choice = i32::try_from(rng.next_u64() % CHOICES).unwrap_or(0);
    choice.saturating_add(1)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tick {
    /// 0 is the opening price.
    pub(crate) number: i64,
    pub(crate) price: Price,
    pub(crate) at: UnixMillis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Market {
    pub(crate) model: PriceModel,
    pub(crate) seed: u64,
    pub(crate) current: Tick,
}

impl Market {
    pub(crate) fn new(model: PriceModel, seed: u64, price: Price, at: UnixMillis) -> Self {
        let current = Tick { number: 0, price, at };
        Self { model, seed, current }
    }

    /// Returns the market after its next tick, `None` when the tick numbers are used up.
    pub(crate) fn next(self, at: UnixMillis) -> Option<Self> {
        let number = self.current.number.checked_add(1)?;
        let price = self
            .model
            .next(self.current.price, &mut rng_for_tick(self.seed, number));
        let current = Tick { number, price, at };
        Some(Self { current, ..self })
    }
}

/// `ChaCha8` with the seed as key and the tick as stream: the output is fixed by the cipher, not by the library.
fn rng_for_tick(seed: u64, number: i64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (byte, of_seed) in key.iter_mut().zip(seed.to_le_bytes()) {
        *byte = of_seed;
    }
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(number.cast_unsigned());
    rng
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn market(seed: u64, price: i32) -> Market {
        Market::new(
            PriceModel::Classic,
            seed,
            Price::new(price).unwrap(),
            UnixMillis(0),
        )
    }

    fn prices(mut market: Market, ticks: usize) -> Vec<i32> {
        let mut prices = vec![market.current.price.get()];
        for at in (1..).take(ticks) {
            market = market.next(UnixMillis(at)).unwrap();
            prices.push(market.current.price.get());
        }
        prices
    }

    /// Recorded games must replay the same in later versions.
    #[test]
    fn a_seed_determines_the_prices() {
        assert_eq!(prices(market(7, 10), 12), GAME_OF_SEED_7);
        assert_ne!(prices(market(8, 10), 12), GAME_OF_SEED_7);
    }

    const GAME_OF_SEED_7: [i32; 13] = [10, 19, 19, 15, 10, 14, 21, 21, 30, 33, 40, 41, 52];

    #[test]
    fn a_restarted_market_continues_unchanged() {
        let whole = prices(market(3, 10), 40);
        let mut stopped = market(3, 10);
        for at in 1..=20 {
            stopped = stopped.next(UnixMillis(at)).unwrap();
        }
        let restarted = Market {
            model: PriceModel::Classic,
            seed: 3,
            current: stopped.current,
        };
        assert_eq!(prices(restarted, 20), whole[20..]);
    }

    #[test]
    fn a_tick_has_a_number_and_a_time() {
        let next = market(1, 10).next(UnixMillis(77)).unwrap();
        assert_eq!((next.current.number, next.current.at), (1, UnixMillis(77)));
    }

    #[test]
    fn ticks_run_out_without_a_panic() {
        let mut last = market(1, 10);
        last.current.number = i64::MAX;
        assert_eq!(last.next(UnixMillis(0)), None);
    }

    #[test]
    fn both_ends_of_a_move_occur() {
        let mut rng = rng_for_tick(1, 1);
        let moves: Vec<i32> = (0..2_000).map(|_| classic_move(&mut rng)).collect();
        assert_eq!(moves.iter().min(), Some(&1));
        assert_eq!(moves.iter().max(), Some(&14));
    }

    #[test]
    fn models_have_names() {
        assert_eq!("classic".parse(), Ok(PriceModel::Classic));
        assert_eq!(PriceModel::Classic.name(), "classic");
        assert_eq!("Classic".parse::<PriceModel>(), Err(UnknownModel));
        assert_eq!(UnknownModel.to_string(), "no such market; there is: classic");
    }

    proptest! {
        #[test]
        fn a_move_is_small_and_never_leaves_the_range(seed: u64, from in 1..=i32::MAX, number in 0..1_000_000_i64) {
            let mut market = market(seed, from);
            market.current.number = number;
            let to = market.next(UnixMillis(0)).unwrap().current.price.get();
            prop_assert!(to >= 1);
            let moved = i64::from(to) - i64::from(from);
            prop_assert!(moved.abs() <= 13 || (from > i32::MAX - 14 && moved < 0), "{from} -> {to}");
        }
    }
}
