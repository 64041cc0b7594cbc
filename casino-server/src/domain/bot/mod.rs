//! Bots: built-in players that trade by a fixed strategy.
//!
//! Decisions depend only on the market's seed, the tick and the bot, so a restart repeats them.

#[cfg(test)]
mod tests;

use rand::Rng;

use crate::domain::account::Account;
use crate::domain::market::{BOTS, PriceModel, rng};
use crate::domain::money::{Dollars, Price, Stocks, Tokens};
use crate::domain::order::{Command, Side};
use crate::domain::player::PlayerName;

/// Prices that a bot looks back on.
pub(crate) const MEMORY: usize = 16;

/// Smallest deposit of a bot that can neither buy nor sell.
const TOP_UP: Dollars = Dollars(40);

/// Largest deposit, in dollars.
const TOP_UP_MAX: i32 = 10_000;

/// On the market `classic`, a bot with this balance or more makes no deposit, whatever the price.
const TOP_UP_BELOW: Tokens = Tokens(200);

const ORDER_MAX: i32 = 50;

const NAMES: [&str; 20] = [
    "Ada", "Bo", "Cleo", "Dag", "Eda", "Fay", "Gil", "Hal", "Ivy", "Jo", "Kit", "Lou", "Mia", "Ned", "Oda",
    "Pip", "Rex", "Sue", "Tia", "Uwe",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    /// Buys when the price is above that of this number of ticks ago, and sells below it.
    Momentum(usize),
    /// Buys below the mean of the recent prices and sells above it, if the difference is more than this percentage.
    Contrarian(i64),
    /// Trades at random.
    Noise,
    /// Sometimes buys when the price is not above the mean, and sells at twice the cost.
    LongTerm,
}

impl Strategy {
    /// Returns the strategies of the bots of a market, which repeat in this order.
    fn for_model(model: PriceModel) -> &'static [Self] {
        match model {
            PriceModel::Classic => &[
                Self::Momentum(3),
                Self::Contrarian(10),
                Self::Noise,
                Self::LongTerm,
            ],
            PriceModel::Moods | PriceModel::News => &[Self::Momentum(8), Self::Contrarian(5), Self::Noise],
        }
    }

    /// Returns the side to trade. The newest price is last.
    fn decide(self, prices: &[Price], account: &Account, random: u64) -> Option<Side> {
        let price = prices.last()?;
        match self {
            Self::Momentum(ticks) => {
                let before = prices.iter().rev().nth(ticks)?;
                let side = if price > before { Side::Buy } else { Side::Sell };
                (price != before).then_some(side)
            }
            Self::Contrarian(percent) => {
                let (price, mean) = (per_mille(*price), per_mille_mean(prices)?);
                let margin = mean.saturating_mul(percent).checked_div(100)?;
                if price < mean.saturating_sub(margin) {
                    Some(Side::Buy)
                } else {
                    (price > mean.saturating_add(margin)).then_some(Side::Sell)
                }
            }
            Self::Noise => match random % 5 {
                0 | 1 => Some(Side::Buy),
                2 => Some(Side::Sell),
                _ => None,
            },
            Self::LongTerm => {
                let worth = price.times(account.stocks);
                if account.stocks.0 > 0 && worth >= account.cost_basis.saturating_mul(2) {
                    return Some(Side::Sell);
                }
                let cheap = per_mille(*price) <= per_mille_mean(prices)?;
                (cheap && random.is_multiple_of(4)).then_some(Side::Buy)
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bot {
    pub(crate) name: PlayerName,
    model: PriceModel,
    strategy: Strategy,
    number: u8,
}

/// Returns the first `count` bots, at most 20, with alternating strategies that fit the market.
pub(crate) fn bots(count: u8, model: PriceModel) -> Vec<Bot> {
    let named = NAMES.iter().zip(Strategy::for_model(model).iter().cycle());
    (0..count)
        .zip(named)
        .map(|(number, (name, strategy))| Bot {
            name: PlayerName::bot(name),
            model,
            strategy: *strategy,
            number,
        })
        .collect()
}

impl Bot {
    /// Returns the bot's command at tick `number`. The newest price is last.
    ///
    /// Orders are limited to the last price seen.
    pub(crate) fn decide(
        &self,
        seed: u64,
        number: i64,
        prices: &[Price],
        account: &Account,
    ) -> Option<Command> {
        let price = *prices.last()?;
        let affords = account.tokens.wide() >= i64::from(price.get());
        if !affords && account.stocks.0 == 0 {
            return self.top_up(account.tokens, price).map(Command::Deposit);
        }
        let random = rng(seed, [BOTS, self.number], number).next_u64();
        let side = self.strategy.decide(prices, account, random)?;
        let (is_able, count) = match side {
            Side::Buy => (
                affords,
                account.tokens.0.checked_div(4)?.checked_div(price.get())?,
            ),
            Side::Sell => (account.stocks.0 > 0, account.stocks.0.checked_div(3)?),
        };
        is_able.then_some(Command::Limited(side, Stocks(count.clamp(1, ORDER_MAX)), price))
    }

    /// Returns the deposit of a bot that owns `tokens` and no stocks.
    fn top_up(&self, tokens: Tokens, price: Price) -> Option<Dollars> {
        match self.model {
            PriceModel::Classic => (tokens < TOP_UP_BELOW).then_some(TOP_UP),
            PriceModel::Moods | PriceModel::News => Some(Dollars(price.get().clamp(TOP_UP.0, TOP_UP_MAX))),
        }
    }
}

fn per_mille(price: Price) -> i64 {
    i64::from(price.get()).saturating_mul(1_000)
}

/// Returns the mean in thousandths of a token, rounded down; `None` without prices.
fn per_mille_mean(prices: &[Price]) -> Option<i64> {
    let sum = prices
        .iter()
        .fold(0_i64, |sum, price| sum.saturating_add(per_mille(*price)));
    sum.checked_div(i64::try_from(prices.len()).ok()?)
}
