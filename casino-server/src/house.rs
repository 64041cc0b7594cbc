//! Core: house players. Each has a habit, and decides by it from the prices seen and its own wallet.
//!
//! Owns who they are and what they do at a tick. They are players like any other: what they decide is a command, put
//! to the same ledger under the same rules, and moves no price. Pure: chance comes from the market's seed, the tick and
//! the player alone, so the same ticks make the same game, also after a restart. Who sits them down is [`seats`].

mod seats;

#[cfg(test)]
mod tests;

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

pub(crate) use self::seats::House;
use crate::{
    account::Account,
    identity::PlayerName,
    quantity::{Dollars, Price, Stocks, Tokens},
    record::{Command, Side},
};

/// Prices that a house player looks back on.
const MEMORY: usize = 16;

/// What a house player pays in when it can do nothing with what it has.
const STAKE: Dollars = Dollars(40);

/// One that has so many tokens pays nothing in, however high the price.
const ENOUGH: Tokens = Tokens(200);

/// Stocks of one order at most.
const ORDER_MAX: i32 = 50;

/// One for each seat that `--house` may fill.
const NAMES: [&str; 20] = [
    "Ada", "Bo", "Cleo", "Dag", "Eda", "Fay", "Gil", "Hal", "Ivy", "Jo", "Kit", "Lou", "Mia", "Ned", "Oda",
    "Pip", "Rex", "Sue", "Tia", "Uwe",
];

/// How a house player looks at the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Buys what rises and sells what falls.
    Momentum,
    /// Buys well below the mean of the last prices and sells well above it.
    Contrarian,
    /// Buys and sells as the dice fall.
    Noise,
    /// Buys now and then when the price is not high, and sells at twice what it paid.
    LongTerm,
}

impl Habit {
    const ALL: [Self; 4] = [Self::Momentum, Self::Contrarian, Self::Noise, Self::LongTerm];

    /// What one of this habit would do, with the newest of `prices` last.
    fn opinion(self, prices: &[Price], account: &Account, dice: u64) -> Option<Side> {
        let price = prices.last()?;
        match self {
            Self::Momentum => {
                let before = prices.iter().rev().nth(3)?;
                let side = if price > before { Side::Buy } else { Side::Sell };
                (price != before).then_some(side)
            }
            Self::Contrarian => {
                let (price, mean) = (per_mille(*price), per_mille_mean(prices)?);
                let margin = mean.checked_div(10)?;
                if price < mean.saturating_sub(margin) {
                    Some(Side::Buy)
                } else {
                    (price > mean.saturating_add(margin)).then_some(Side::Sell)
                }
            }
            Self::Noise => match dice % 5 {
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
                (cheap && dice.is_multiple_of(4)).then_some(Side::Buy)
            }
        }
    }
}

/// One of the house's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HousePlayer {
    name: PlayerName,
    habit: Habit,
    number: u8,
}

/// The first `count` of them, at most 20; the habits in turn.
fn players(count: u8) -> Vec<HousePlayer> {
    let named = NAMES.iter().zip(Habit::ALL.into_iter().cycle());
    (0..count)
        .zip(named)
        .map(|(number, (name, habit))| HousePlayer {
            name: PlayerName::of_house(name),
            habit,
            number,
        })
        .collect()
}

impl HousePlayer {
    /// What it does at tick `number`, when it has seen `prices`, the newest last, and owns `account`.
    ///
    /// It orders at the price it has seen or a better one, so that it never trades at one it has not.
    fn decide(&self, seed: u64, number: i64, prices: &[Price], account: &Account) -> Option<Command> {
        let price = *prices.last()?;
        let affords = account.tokens.wide() >= i64::from(price.get());
        if !affords && account.stocks.0 == 0 {
            return (account.tokens < ENOUGH).then_some(Command::Deposit(STAKE));
        }
        let side = self.habit.opinion(prices, account, self.dice(seed, number))?;
        let count = match side {
            Side::Buy if affords => {
                let quarter = account.tokens.0.checked_div(4)?.checked_div(price.get())?;
                quarter.clamp(1, ORDER_MAX)
            }
            Side::Buy => return None,
            Side::Sell if account.stocks.0 > 0 => account.stocks.0.checked_div(3)?.clamp(1, ORDER_MAX),
            Side::Sell => return None,
        };
        Some(Command::Limited(side, Stocks(count), price))
    }

    /// Its dice at a tick. Not the market's: what the house does cannot tell where the price goes.
    fn dice(&self, seed: u64, number: i64) -> u64 {
        const HOUSE: u8 = 1;
        let mut key = [0; 32];
        let parts = seed.to_le_bytes().into_iter().chain([HOUSE, self.number]);
        for (byte, part) in key.iter_mut().zip(parts) {
            *byte = part;
        }
        let mut dice = ChaCha8Rng::from_seed(key);
        dice.set_stream(number.cast_unsigned());
        dice.next_u64()
    }
}

/// A price in thousandths of a token.
fn per_mille(price: Price) -> i64 {
    i64::from(price.get()).saturating_mul(1_000)
}

/// The mean of prices in thousandths of a token, rounded down; `None` of no prices.
fn per_mille_mean(prices: &[Price]) -> Option<i64> {
    let sum = prices
        .iter()
        .fold(0_i64, |sum, price| sum.saturating_add(per_mille(*price)));
    sum.checked_div(i64::try_from(prices.len()).ok()?)
}
