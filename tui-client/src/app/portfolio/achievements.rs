//! Achievements of a solo game: rules over one of the player's trades and the prices before it. Each is earned once.

use serde::{Deserialize, Serialize};

use super::money::Side;
use super::wallet::Wallet;
use crate::app::prices::PriceHistory;

/// Time over which a price is the highest or the lowest.
const HOUR_MS: i64 = 3_600_000;

/// Fewest prices of which one can be the highest or the lowest.
const MIN_PRICES: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Achievement {
    FirstProfit,
    HourHigh,
    HourLow,
    Doubled,
    Thousand,
    ThreeInARow,
    Turnaround,
    AllIn,
}

/// An executed order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    pub(crate) side: Side,
    pub(crate) count: i32,
    /// Tokens for one stock.
    pub(crate) price: i32,
    pub(crate) before: Option<Wallet>,
    pub(crate) after: Wallet,
    /// Gains in a row before it, or losses as a negative number.
    pub(crate) streak: i32,
}

impl Fill {
    /// Returns the gain of a sale against its average cost, or the negative loss. `None` for a buy, and without the wallet
    /// before it: that of a call may include later trades.
    pub(crate) fn gain(&self) -> Option<i64> {
        let before = self.before.filter(|before| before.version < self.after.version)?;
        let gain = self.after.realised_pnl.checked_sub(before.realised_pnl);
        gain.filter(|_| self.side == Side::Sell)
    }

    fn gains(&self, tokens: i64) -> bool {
        self.gain().is_some_and(|gain| gain >= tokens)
    }

    /// Returns the tokens exchanged.
    fn total(&self) -> i64 {
        i64::from(self.count).saturating_mul(i64::from(self.price))
    }
}

#[derive(Debug, Clone, Copy)]
pub struct AchievementSpec {
    pub achievement: Achievement,
    /// Name on the screen.
    pub name: &'static str,
    /// What earns it.
    pub help: &'static str,
    pub(crate) is_earned: fn(&Fill, &PriceHistory) -> bool,
}

const fn row(
    achievement: Achievement,
    name: &'static str,
    help: &'static str,
    is_earned: fn(&Fill, &PriceHistory) -> bool,
) -> AchievementSpec {
    AchievementSpec {
        achievement,
        name,
        help,
        is_earned,
    }
}

#[rustfmt::skip] // one row a line
pub const ACHIEVEMENTS: &[AchievementSpec] = &[
    row(Achievement::FirstProfit, "first profit", "sell above your average cost", |fill, _| fill.gains(1)),
    row(Achievement::HourHigh, "sold at the high of the hour", "of 60 prices or more", |fill, market| {
        fill.side == Side::Sell && hour_range(market).is_some_and(|(_, high)| fill.price >= high)
    }),
    row(Achievement::HourLow, "bought at the low of the hour", "of 60 prices or more", |fill, market| {
        fill.side == Side::Buy && hour_range(market).is_some_and(|(low, _)| fill.price <= low)
    }),
    // The gain is at least the cost, which is the rest.
    row(Achievement::Doubled, "doubled", "sell at twice your average cost", |fill, _| {
        fill.gains(fill.total().saturating_sub(fill.gain().unwrap_or(0)))
    }),
    row(Achievement::Thousand, "a thousand", "gain 1,000 tokens with one sale", |fill, _| fill.gains(1_000)),
    row(Achievement::ThreeInARow, "three in a row", "gain with three sales in a row", |fill, _| {
        fill.gains(1) && fill.streak >= 2
    }),
    row(Achievement::Turnaround, "turnaround", "gain after three losses in a row", |fill, _| {
        fill.gains(1) && fill.streak <= -3
    }),
    row(Achievement::AllIn, "all in", "buy ten stocks or more, with no token left for another", |fill, _| {
        fill.side == Side::Buy && fill.count >= 10 && fill.after.tokens < fill.price
    }),
];

/// Returns the lowest and the highest price of the last hour; `None` if they are equal or there are too few prices.
fn hour_range(market: &PriceHistory) -> Option<(i32, i32)> {
    let since = market.last()?.at.plus_ms(HOUR_MS.saturating_neg());
    let in_hour = market.prices().rev().take_while(|point| point.at >= since);
    let prices: Vec<i32> = in_hour.map(|point| point.price).collect();
    let (low, high) = (*prices.iter().min()?, *prices.iter().max()?);
    (prices.len() >= MIN_PRICES && low < high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::portfolio::money::UnixMillis;

    /// `count` prices of a minute each, from 20 up to 25, and the one before them.
    fn market(first: i32, count: i64) -> PriceHistory {
        let mut market = PriceHistory::default();
        market.push(Some(0), first, UnixMillis(-60_000), None);
        for tick in 1..=count {
            let price = 20 + i32::try_from(tick % 6).unwrap();
            market.push(Some(tick), price, UnixMillis((tick - 1) * 60_000), None);
        }
        market
    }

    fn sale(count: i32, price: i32, gain: i64, streak: i32) -> Fill {
        let before = Wallet::default();
        Fill {
            side: Side::Sell,
            count,
            price,
            before: Some(before),
            after: Wallet {
                realised_pnl: gain,
                version: 1,
                ..before
            },
            streak,
        }
    }

    fn buy(count: i32, price: i32, tokens: i32) -> Fill {
        let mut buy = sale(count, price, 0, 0);
        buy.side = Side::Buy;
        buy.after.tokens = tokens;
        buy
    }

    #[test]
    fn each_rule_is_earned_by_one_trade_and_just_missed_by_another() {
        let cases = [
            (Achievement::FirstProfit, sale(1, 11, 1, 0), sale(1, 11, 0, 0)),
            (Achievement::HourHigh, sale(1, 25, 0, 0), sale(1, 24, 0, 0)),
            (Achievement::HourLow, buy(1, 20, 500), buy(1, 21, 500)),
            (Achievement::Doubled, sale(2, 20, 20, 0), sale(2, 20, 19, 0)),
            (
                Achievement::Thousand,
                sale(1, 3_000, 1_000, 0),
                sale(1, 3_000, 999, 0),
            ),
            (Achievement::ThreeInARow, sale(1, 11, 1, 2), sale(1, 11, 1, 1)),
            (Achievement::Turnaround, sale(1, 11, 1, -3), sale(1, 11, 1, -2)),
            (Achievement::AllIn, buy(10, 22, 21), buy(10, 22, 22)),
        ];
        let market = market(20, 61);
        for (row, (achievement, earns, misses)) in ACHIEVEMENTS.iter().zip(cases) {
            assert_eq!(row.achievement, achievement);
            assert!((row.is_earned)(&earns, &market), "{achievement:?}: {earns:?}");
            assert!(!(row.is_earned)(&misses, &market), "{achievement:?}: {misses:?}");
        }
        assert_eq!(ACHIEVEMENTS.len(), cases.len());
    }

    #[test]
    fn a_gain_is_that_of_a_sale_between_two_known_wallets() {
        let known = sale(1, 11, 7, 0);
        let unknown = Fill {
            before: None,
            ..known
        };
        let overtaken = Fill {
            before: Some(known.after),
            ..known
        };
        for (fill, gain) in [
            (known, Some(7)),
            (unknown, None),
            (overtaken, None),
            (buy(1, 11, 5), None),
        ] {
            assert_eq!(fill.gain(), gain, "{fill:?}");
        }
    }

    #[test]
    fn the_hour_needs_prices_and_ends() {
        for (first, count, range) in [
            (20, 59, Some((20, 25))),
            (20, 58, None),
            // The price before the hour does not count.
            (99, 61, Some((20, 25))),
            (99, 60, Some((20, 99))),
        ] {
            assert_eq!(hour_range(&market(first, count)), range, "{first} {count}");
        }
        let mut constant = PriceHistory::default();
        for tick in 0..100 {
            constant.push(Some(tick), 7, UnixMillis(tick * 1_000), None);
        }
        assert_eq!(hour_range(&constant), None);
    }
}
