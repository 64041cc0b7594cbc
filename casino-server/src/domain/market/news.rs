//! The market `news`: a headline moves the price from the next tick on, unless it is false.

use rand::Rng;

use super::{Drift, HEADLINE_EFFECTS, HEADLINE_ORDER, HIGH, LOW, below, rng};
use crate::domain::money::Price;

/// Ticks of a period, which has one headline and the whole of its effect.
const PERIOD_TICKS: i64 = 24;

/// Largest deviation from the mean move, in thousandths of the price.
const DEVIATION: i32 = 20;

/// Mean move without news from [`LOW`] to [`HIGH`], in thousandths: it keeps the price from sinking to the lower end.
const GROWTH: i32 = 1;

/// Mean move towards that range when the price is outside, in thousandths.
const RETURN: i32 = 8;

const GOOD: i32 = 1;
const BAD: i32 = -1;

/// Two sets, which take turns. Both have the signs in the same order: so the prices do not depend on the set.
const HEADLINES: [[(i32, &str); 24]; 2] = [FIRST, SECOND];

const FIRST: [(i32, &str); 24] = [
    (GOOD, "AwesomeStock beats its profit forecast by a third"),
    (GOOD, "AwesomeStock wins a ten-year order from the railways"),
    (GOOD, "Rumour: a rival wants to buy AwesomeStock at a premium"),
    (GOOD, "The new AwesomeStock gadget is sold out in four hours"),
    (GOOD, "Analysts raise AwesomeStock from hold to strong buy"),
    (GOOD, "AwesomeStock buys back a tenth of its own shares"),
    (GOOD, "Court clears AwesomeStock of all patent claims"),
    (GOOD, "AwesomeStock doubles its dividend"),
    (GOOD, "Famous investor takes 5 % of AwesomeStock"),
    (GOOD, "AwesomeStock halves the cost of its batteries"),
    (GOOD, "AwesomeStock joins the index of the 50 largest firms"),
    (GOOD, "AwesomeStock opens in Japan; the queue is a mile long"),
    (BAD, "AwesomeStock warns of lower profit this year"),
    (BAD, "Fire stops the main factory of AwesomeStock"),
    (BAD, "AwesomeStock recalls two million toasters"),
    (BAD, "Finance chief of AwesomeStock resigns overnight"),
    (BAD, "Regulator opens an inquiry into AwesomeStock's books"),
    (BAD, "AwesomeStock loses its largest customer to a rival"),
    (BAD, "Short seller calls AwesomeStock a house of cards"),
    (BAD, "Hackers publish the customer list of AwesomeStock"),
    (BAD, "AwesomeStock delays its new gadget by a year"),
    (BAD, "Strike at AwesomeStock enters its second week"),
    (BAD, "Founder of AwesomeStock sells half of his shares"),
    (BAD, "Bank says sell AwesomeStock: twice as dear as it should be"),
];

const SECOND: [(i32, &str); 24] = [
    (GOOD, "AwesomeStock sells its millionth umbrella with a radio"),
    (GOOD, "The army orders boots from AwesomeStock for five years"),
    (GOOD, "Rumour: AwesomeStock has found a buyer for its old mill"),
    (GOOD, "Queues at dawn for the new AwesomeStock bicycle"),
    (GOOD, "Two banks lift their price target for AwesomeStock"),
    (GOOD, "AwesomeStock pays back its last loan two years early"),
    (GOOD, "AwesomeStock wins the trial about its best known patent"),
    (GOOD, "AwesomeStock announces a special dividend"),
    (GOOD, "Pension fund doubles its stake in AwesomeStock"),
    (GOOD, "New ovens save AwesomeStock a third of its gas bill"),
    (GOOD, "AwesomeStock named supplier of the next winter games"),
    (GOOD, "AwesomeStock opens its hundredth shop, in Lisbon"),
    (BAD, "AwesomeStock withdraws its forecast for the year"),
    (BAD, "Flood closes the AwesomeStock warehouse for weeks"),
    (BAD, "AwesomeStock kettles recalled: the lids may jump"),
    (BAD, "Chief engineer of AwesomeStock joins a rival"),
    (BAD, "Tax office searches the headquarters of AwesomeStock"),
    (BAD, "AwesomeStock loses the railway order to a newcomer"),
    (BAD, "Fund bets a billion against AwesomeStock"),
    (BAD, "AwesomeStock tills down on the busiest day of the year"),
    (BAD, "AwesomeStock shelves its flying lamp after ten years"),
    (BAD, "Drivers of AwesomeStock vote for a strike"),
    (BAD, "Two directors of AwesomeStock sell all their shares"),
    (BAD, "Study: AwesomeStock is dear even for optimists"),
];

/// Number of periods in which each headline of a set appears once.
const ROUND: i64 = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Headline {
    pub(crate) text: &'static str,
    /// The tick at which it is published.
    pub(crate) tick: i64,
    /// Number of ticks with an effect, from the next one on.
    lasts: i64,
    /// Mean move in these ticks, in thousandths of the price. A false headline has 0, or the wrong sign.
    mean: i32,
}

impl Headline {
    /// Returns the newest headline at tick `number`; `None` before the first.
    pub(super) fn newest(seed: u64, number: i64) -> Option<Self> {
        let period = number.saturating_sub(1).div_euclid(PERIOD_TICKS);
        let periods = [period, period.saturating_sub(1)].into_iter();
        periods
            .filter(|period| *period >= 0)
            .map(|period| Self::of_period(seed, period))
            .find(|headline| headline.tick <= number)
    }

    fn of_period(seed: u64, period: i64) -> Self {
        let round = period.div_euclid(ROUND);
        let mut order = rng(seed, HEADLINE_ORDER, round);
        let [first, second] = HEADLINES;
        let set = if round % 2 == 0 { first } else { second };
        let mut shuffled = set.map(|(sign, text)| (order.next_u64(), sign, text));
        shuffled.sort_unstable();
        let index = usize::try_from(period.rem_euclid(ROUND)).unwrap_or(0);
        let (_, sign, text) = shuffled.get(index).copied().unwrap_or_default();
        let mut effects = rng(seed, HEADLINE_EFFECTS, period);
        let delay = i64::from(below(&mut effects, 8));
        let lasts = i64::from(below(&mut effects, 10)).saturating_add(6);
        let size = below(&mut effects, 13).saturating_add(8);
        let mean = match below(&mut effects, 10) {
            0..=5 => size.saturating_mul(sign),
            6 | 7 => 0,
            _ => size.saturating_mul(sign).saturating_neg(),
        };
        let first = period.saturating_mul(PERIOD_TICKS).saturating_add(1);
        Self {
            text,
            tick: first.saturating_add(delay),
            lasts,
            mean,
        }
    }
}

/// Returns the move to tick `number` from `price`.
pub(super) fn drift(seed: u64, number: i64, price: Price) -> Drift {
    let published = Headline::newest(seed, number.saturating_sub(1));
    let active = published.filter(|headline| number <= headline.tick.saturating_add(headline.lasts));
    let base = match price.get() {
        ..LOW => RETURN,
        LOW..=HIGH => GROWTH,
        _ => RETURN.saturating_neg(),
    };
    Drift {
        mean: active.map_or(0, |headline| headline.mean).saturating_add(base),
        deviation: DEVIATION,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::market::PriceModel;
    use crate::market_prices;

    /// Returns the headlines of the first `ticks` ticks.
    fn headlines(seed: u64, ticks: i64) -> Vec<Headline> {
        let mut all: Vec<_> = (0..=ticks)
            .filter_map(|number| Headline::newest(seed, number))
            .collect();
        all.dedup();
        all
    }

    fn sign(headline: &Headline) -> i32 {
        let template = HEADLINES
            .iter()
            .flatten()
            .find(|(_, text)| *text == headline.text);
        template.unwrap().0
    }

    #[test]
    fn headlines_are_short_and_each_appears_once_in_two_rounds() {
        for (_, text) in HEADLINES.iter().flatten() {
            assert!(
                text.len() <= 60 && text.is_ascii() && text.contains("AwesomeStock"),
                "{text}"
            );
        }
        let rounds = headlines(5, 2 * ROUND * PERIOD_TICKS);
        let texts: BTreeSet<_> = rounds.iter().map(|headline| headline.text).collect();
        assert_eq!((rounds.len(), texts.len()), (48, 48));
        assert_ne!(headlines(6, 2 * ROUND * PERIOD_TICKS), rounds);
    }

    /// The prices of a ledger are the same, whichever set is published.
    #[test]
    fn both_sets_move_the_prices_alike() {
        let signs = HEADLINES.map(|set| set.map(|(sign, _)| sign));
        assert_eq!(signs[0], signs[1]);
        assert_eq!(signs[0].iter().sum::<i32>(), 0);
    }

    /// Computed when there was only one set.
    #[test]
    fn prices_of_later_rounds_stay_the_same() {
        let last = 4 * ROUND * PERIOD_TICKS;
        let prices = market_prices(PriceModel::News, 7, 100).take(usize::try_from(last).unwrap());
        let digest = prices.fold(0_i64, |digest, price| {
            (digest * 31 + i64::from(price)) % 1_000_000_007
        });
        assert_eq!(digest, DIGEST_OF_SEED_7);
    }

    const DIGEST_OF_SEED_7: i64 = 797_466_621;

    /// Recorded games must replay the same in later versions.
    #[test]
    fn a_seed_determines_headlines_and_prices() {
        let first: Vec<_> = headlines(7, 60)
            .iter()
            .map(|headline| (headline.tick, headline.text))
            .collect();
        assert_eq!(first, FIRST_OF_SEED_7);
        let prices: Vec<_> = market_prices(PriceModel::News, 7, 100).take(13).collect();
        assert_eq!(prices, PRICES_OF_SEED_7);
    }

    const FIRST_OF_SEED_7: [(i64, &str); 3] = [
        (3, "Bank says sell AwesomeStock: twice as dear as it should be"),
        (28, "AwesomeStock warns of lower profit this year"),
        (50, "Analysts raise AwesomeStock from hold to strong buy"),
    ];
    const PRICES_OF_SEED_7: [i32; 13] = [100, 102, 104, 106, 108, 106, 108, 109, 108, 109, 110, 112, 110];

    #[test]
    fn true_and_false_headlines_are_published_before_their_effect() {
        let (mut followed, mut ignored, mut reversed) = (0, 0, 0);
        let hundred = Price::new(100).unwrap();
        for headline in (0..10).flat_map(|seed| {
            let check = |headline: Headline| {
                let mean = |after| drift(seed, headline.tick + after, hundred).mean - GROWTH;
                assert_eq!(mean(0), 0, "it works before the next tick: {headline:?}");
                assert!(
                    (1..=headline.lasts).all(|after| mean(after) == headline.mean),
                    "{headline:?}"
                );
                assert_eq!(mean(headline.lasts + 1), 0, "{headline:?}");
                headline
            };
            headlines(seed, 1_200).into_iter().map(check).collect::<Vec<_>>()
        }) {
            match headline.mean * sign(&headline) {
                0 => ignored += 1,
                1.. => followed += 1,
                _ => reversed += 1,
            }
        }
        assert!((250..350).contains(&followed), "{followed} of 500");
        assert!(
            (60..140).contains(&ignored) && (60..140).contains(&reversed),
            "{ignored}, {reversed}"
        );
    }

    /// The rule that the manual describes: own the stock for 12 ticks after good news.
    fn earns_by_reading(seed: u64) -> bool {
        const START: i64 = 1_000_000_000;
        let prices: Vec<_> = market_prices(PriceModel::News, seed, 100).take(601).collect();
        let mut equity = START;
        for (number, pair) in (0..).zip(prices.windows(2)) {
            let newest = Headline::newest(seed, number);
            if newest.is_some_and(|headline| sign(&headline) == GOOD && number < headline.tick + 12) {
                equity = equity * i64::from(pair[1]) / i64::from(pair[0]);
            }
        }
        equity > START
    }

    #[test]
    fn reading_the_headlines_earns_more_often_than_not() {
        let earns = (0..100).filter(|seed| earns_by_reading(*seed)).count();
        assert!(earns >= 90, "with {earns} of 100 seeds");
    }
}
