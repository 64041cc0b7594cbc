//! The market: one stock whose price moves with each tick. A tick's randomness depends only on the seed and its
//! number.

mod news;

use std::array;
use std::str::FromStr;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

pub(crate) use self::news::Headline;
use crate::domain::money::{Price, UnixMillis};

/// How the price moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PriceModel {
    /// Each tick adds and subtracts a random amount in [1, 15); the price stays at 1 or above.
    #[default]
    Classic,
    /// The market is calm, rises, falls or panics for a while, as the seed decides.
    Moods,
    /// Headlines move the price a tick after they are published; some are false.
    News,
}

impl PriceModel {
    pub(crate) const ALL: [Self; 3] = [Self::Classic, Self::Moods, Self::News];

    /// The name used by `--market` and stored in the ledger.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Moods => "moods",
            Self::News => "news",
        }
    }

    /// The first price of a new market by default, in tokens. On `moods` and `news` moves are shares of the price, which
    /// at a low price are mostly lost by rounding.
    #[must_use]
    pub fn initial_price(self) -> i32 {
        match self {
            Self::Classic => 10,
            Self::Moods | Self::News => 100,
        }
    }

    /// Returns the price of tick `number` from the one before.
    fn next(self, seed: u64, number: i64, price: Price) -> Price {
        let mut rng = rng(seed, MOVES, number);
        let moved = match self {
            Self::Classic => {
                let up = classic_move(&mut rng);
                let down = classic_move(&mut rng);
                price.get().saturating_add(up).saturating_sub(down)
            }
            Self::Moods => Mood::at(seed, number).drift(price).apply(price, &mut rng),
            Self::News => news::drift(seed, number, price).apply(price, &mut rng),
        };
        Price::new(moved).unwrap_or(Price::MIN)
    }
}

/// Returns the prices of a market from tick 0 on: they follow from its model, its seed and its first price.
///
/// ```
/// use casino_server::{PriceModel, market_prices};
///
/// let prices: Vec<i32> = market_prices(PriceModel::Classic, 7, 10).take(4).collect();
/// assert_eq!(prices, [10, 19, 19, 15]);
/// ```
pub fn market_prices(model: PriceModel, seed: u64, initial_price: i32) -> impl Iterator<Item = i32> {
    let first = Price::new(initial_price).unwrap_or(Price::MIN);
    let ticks = (1..).scan(first, move |price, number| {
        *price = model.next(seed, number, *price);
        Some(*price)
    });
    std::iter::once(first).chain(ticks).map(Price::get)
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
#[error("no such market; there are: classic, moods, news")]
pub struct UnknownModel;

/// Returns a whole number in [1, 15).
///
/// Uses the remainder, so that a seed gives the same game with every version of `rand`. The bias is below 1e-18.
fn classic_move(rng: &mut impl Rng) -> i32 {
    below(rng, 14).saturating_add(1)
}

/// Returns a whole number in [0, `bound`).
fn below(rng: &mut impl Rng, bound: u64) -> i32 {
    let random = rng.next_u64().checked_rem(bound).unwrap_or(0);
    i32::try_from(random).unwrap_or(0)
}

/// Ticks of a phase, which has one mood; a panic is over after a quarter of it.
const PHASE_TICKS: i64 = 48;

/// Moves are at least those at this price, so that a low price moves too.
const SCALE_MIN: i32 = 50;

/// Above this price a market tends to fall, and below [`LOW`] to rise.
const HIGH: i32 = 1_000;
const LOW: i32 = 20;

/// The mood of the market `moods` at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Calm,
    Rise,
    Fall,
    Panic,
}

impl Mood {
    fn at(seed: u64, number: i64) -> Self {
        let tick = number.saturating_sub(1);
        match rng(seed, MOODS, tick.div_euclid(PHASE_TICKS)).next_u64() % 10 {
            0..=2 => Self::Calm,
            3..=5 => Self::Rise,
            6..=8 => Self::Fall,
            _ if tick.rem_euclid(PHASE_TICKS) < PHASE_TICKS / 4 => Self::Panic,
            _ => Self::Calm,
        }
    }

    /// Returns the move from `price`. Above [`HIGH`] rises become falls, and below [`LOW`] falls become rises.
    fn drift(self, price: Price) -> Drift {
        let (mean, deviation) = match self {
            Self::Calm => (0, 25),
            Self::Rise | Self::Fall | Self::Panic if price.get() < LOW => (12, 25),
            Self::Fall => (-12, 25),
            Self::Rise if price.get() > HIGH => (-12, 25),
            Self::Rise => (12, 25),
            Self::Panic => (-40, 45),
        };
        Drift { mean, deviation }
    }
}

/// A move in thousandths of the price: its mean and the largest deviation from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Drift {
    mean: i32,
    deviation: i32,
}

impl Drift {
    /// Returns the price after a move from `price`; it may be below 1.
    fn apply(self, price: Price, rng: &mut impl Rng) -> i32 {
        let spread = u64::from(self.deviation.unsigned_abs())
            .saturating_mul(2)
            .saturating_add(1);
        let lowest = self.mean.saturating_sub(self.deviation);
        let per_mille = lowest.saturating_add(below(rng, spread));
        let exact = i64::from(price.get().max(SCALE_MIN)).saturating_mul(per_mille.into());
        // Rounded at random, so that small moves do not vanish.
        let rounding = i64::from(below(rng, 1_000));
        let moved = exact.saturating_add(rounding).div_euclid(1_000);
        price.get().saturating_add(i32::try_from(moved).unwrap_or(0))
    }
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
        let price = self.model.next(self.seed, number, self.current.price);
        let current = Tick { number, price, at };
        Some(Self { current, ..self })
    }

    pub(crate) fn has_news(&self) -> bool {
        self.model == PriceModel::News
    }

    /// Returns the newest headline at the current tick; `None` before the first.
    pub(crate) fn headline(&self) -> Option<Headline> {
        let newest = || Headline::newest(self.seed, self.current.number);
        self.has_news().then(newest).flatten()
    }
}

/// Purposes of random numbers, so that those of one are independent of the others.
const MOVES: [u8; 2] = [0, 0];
/// That of each bot has its number as second byte.
pub(super) const BOTS: u8 = 1;
const MOODS: [u8; 2] = [2, 0];
const HEADLINE_ORDER: [u8; 2] = [3, 0];
const HEADLINE_EFFECTS: [u8; 2] = [4, 0];

/// `ChaCha8` with seed and purpose as key and a number as stream: the output is fixed by the cipher, not by the
/// library.
pub(super) fn rng(seed: u64, purpose: [u8; 2], number: i64) -> ChaCha8Rng {
    let mut parts = seed.to_le_bytes().into_iter().chain(purpose);
    let key = array::from_fn(|_| parts.next().unwrap_or(0));
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(number.cast_unsigned());
    rng
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn market(seed: u64, price: i32) -> Market {
        market_of(PriceModel::Classic, seed, price)
    }

    fn market_of(model: PriceModel, seed: u64, price: i32) -> Market {
        Market::new(model, seed, Price::new(price).unwrap(), UnixMillis(0))
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
        assert_eq!(prices(market_of(PriceModel::Moods, 7, 100), 12), MOODS_OF_SEED_7);
    }

    const MOODS_OF_SEED_7: [i32; 13] = [100, 100, 102, 104, 106, 107, 105, 105, 105, 106, 106, 108, 106];
    const GAME_OF_SEED_7: [i32; 13] = [10, 19, 19, 15, 10, 14, 21, 21, 30, 33, 40, 41, 52];

    /// The sum is that of commit 5fedfd6: FNV-1a over the prices of ticks 1 to 100 of each seed, from price 10.
    #[test]
    fn classic_prices_of_a_thousand_seeds_never_change() {
        let prices =
            (1..=1_000).flat_map(|seed| market_prices(PriceModel::Classic, seed, 10).skip(1).take(100));
        let sum = prices.fold(0xcbf2_9ce4_8422_2325_u64, |sum, price| {
            (sum ^ u64::from(price.unsigned_abs())).wrapping_mul(0x0000_0100_0000_01b3)
        });
        assert_eq!(sum, 0x847e_984c_7f8b_72e7);
    }

    #[test]
    fn a_restarted_market_continues_unchanged() {
        for model in PriceModel::ALL {
            let whole = prices(market_of(model, 3, 10), 200);
            for ticks in [0, 1, 20, 77, 199] {
                let mut stopped = market_of(model, 3, 10);
                for at in 1..=i64::try_from(ticks).unwrap() {
                    stopped = stopped.next(UnixMillis(at)).unwrap();
                }
                let restarted = Market {
                    model,
                    seed: 3,
                    current: stopped.current,
                };
                assert_eq!(prices(restarted, 200 - ticks), whole[ticks..], "{model:?}");
            }
        }
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
        let mut rng = rng(1, MOVES, 1);
        let moves: Vec<i32> = (0..2_000).map(|_| classic_move(&mut rng)).collect();
        assert_eq!(moves.iter().min(), Some(&1));
        assert_eq!(moves.iter().max(), Some(&14));
    }

    #[test]
    fn a_mood_lasts_and_every_mood_occurs() {
        let moods: Vec<Mood> = (1..=400 * PHASE_TICKS)
            .map(|number| Mood::at(1, number))
            .collect();
        for mood in [Mood::Calm, Mood::Rise, Mood::Fall, Mood::Panic] {
            assert!(moods.contains(&mood), "{mood:?}");
        }
        let phase = usize::try_from(PHASE_TICKS).unwrap();
        let calm = moods
            .chunks(phase)
            .filter(|phase| phase.contains(&Mood::Calm))
            .count();
        assert!(
            (100..250).contains(&calm),
            "{calm} of 400 phases are calm or recover from a panic"
        );
        let mixed = |phase: &&[Mood]| phase.iter().any(|mood| *mood != phase[0]);
        assert!(
            moods
                .chunks(phase)
                .filter(mixed)
                .all(|phase| phase[0] == Mood::Panic)
        );
    }

    #[test]
    fn the_price_stays_in_a_readable_range() {
        for (seed, model) in
            (0..5).flat_map(|seed| [PriceModel::Moods, PriceModel::News].map(|model| (seed, model)))
        {
            let prices = prices(market_of(model, seed, 10), 4_000);
            let above = prices.iter().filter(|price| **price > 3 * HIGH).count();
            assert!(
                above == 0,
                "{model:?}, seed {seed}: {above} prices of 4,000 are far above {HIGH}"
            );
            assert!(prices.iter().max() > Some(&100), "{model:?}, seed {seed}");
        }
    }

    /// The strategy that the manual describes: own the stock while it costs more than 8 ticks ago.
    fn earns_by_momentum(model: PriceModel, seed: u64) -> bool {
        const START: i64 = 1_000_000_000;
        let prices = prices(market_of(model, seed, 50), 600);
        let mut equity = START;
        for (number, pair) in prices.windows(2).enumerate().skip(8) {
            if pair[0] > prices[number - 8] {
                equity = equity * i64::from(pair[1]) / i64::from(pair[0]);
            }
        }
        equity > START
    }

    #[test]
    fn following_the_trend_earns_on_moods() {
        let earns = (0..100)
            .filter(|seed| earns_by_momentum(PriceModel::Moods, *seed))
            .count();
        assert!(earns >= 90, "with {earns} of 100 seeds");
    }

    #[test]
    fn models_have_names() {
        assert_eq!("classic".parse(), Ok(PriceModel::Classic));
        assert_eq!(PriceModel::Classic.name(), "classic");
        assert_eq!("Classic".parse::<PriceModel>(), Err(UnknownModel));
        assert_eq!("moods".parse(), Ok(PriceModel::Moods));
        assert_eq!("news".parse(), Ok(PriceModel::News));
        assert_eq!(
            UnknownModel.to_string(),
            "no such market; there are: classic, moods, news"
        );
    }

    proptest! {
        #[test]
        fn moods_and_news_never_leave_the_range(seed: u64, from in 1..=i32::MAX, number in 0..1_000_000_i64) {
            for (model, per_mille) in [(PriceModel::Moods, 85), (PriceModel::News, 48)] {
                let mut market = market_of(model, seed, from);
                market.current.number = number;
                let to = market.next(UnixMillis(0)).unwrap().current.price.get();
                let most = i64::from(from.max(SCALE_MIN)) * per_mille / 1_000 + 1;
                prop_assert!(to >= 1 && (i64::from(to) - i64::from(from)).abs() <= most, "{from} -> {to}");
            }
        }

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
