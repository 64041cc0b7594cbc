//! The daily challenge and duels: the same market for everybody, and a list of trades that proves the result.

pub(crate) mod proof;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod trade_file;

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use awesomestock_proto::text::{pluralize, thousands};
use casino_server::{PriceModel, market_prices};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::SoloOptions;
use crate::app::portfolio::money::{Side, TOKENS_PER_DOLLAR};

/// The last tick of a game.
pub(crate) const TICKS: i64 = 120;

/// The deposit that a game is played with, in dollars.
pub(crate) const DOLLARS: i32 = 100;
pub(crate) const INITIAL_PRICE: i32 = 50;

/// Seeds of the daily games, which a date is added to.
const DAILY_SEEDS: RangeInclusive<u64> = 0x6461_696c << 32..=(0x6461_696d << 32) - 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Challenge {
    /// The market of a day, in UTC.
    Daily(Date),
    /// The market of a seed.
    Duel(u64),
}

impl Challenge {
    pub fn today() -> Self {
        Self::Daily(Timestamp::now().to_zoned_datetime(TimeZone::UTC).date())
    }

    /// Returns the challenge of the day before; `None` for a duel.
    pub(crate) fn day_before(self) -> Option<Self> {
        match self {
            Self::Daily(date) => date.yesterday().ok().map(Self::Daily),
            Self::Duel(_) => None,
        }
    }

    /// The seed of a day is its date as a number, such as 20261129, in a range that no other game may use.
    fn seed(self) -> u64 {
        match self {
            Self::Daily(date) => {
                let [year, month, day] = [i64::from(date.year()), date.month().into(), date.day().into()];
                DAILY_SEEDS.start() + (year * 10_000 + month * 100 + day).unsigned_abs()
            }
            Self::Duel(seed) => seed,
        }
    }

    pub(crate) fn options(self) -> SoloOptions {
        SoloOptions {
            tick: Duration::from_secs(1),
            initial_price: Some(INITIAL_PRICE),
            seed: Some(self.seed()),
            market: Some(PriceModel::Moods),
            house: 3,
        }
    }

    pub(crate) fn prices(self) -> impl Iterator<Item = i32> {
        market_prices(PriceModel::Moods, self.seed(), INITIAL_PRICE)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daily(date) => write!(f, "daily {date}"),
            Self::Duel(seed) => write!(f, "duel {seed}"),
        }
    }
}

impl From<Challenge> for String {
    fn from(challenge: Challenge) -> Self {
        challenge.to_string()
    }
}

impl FromStr for Challenge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = match text.split_once(' ') {
            Some(("daily", date)) => date.parse().ok().map(Self::Daily),
            Some(("duel", seed)) => seed.parse().ok().map(Self::Duel),
            Some(_) | None => None,
        };
        let challenge = parsed
            .filter(|challenge: &Self| challenge.to_string() == text)
            .ok_or_else(|| {
                format!("challenge: must be \"daily YYYY-MM-DD\" or \"duel SEED\", not {text:?}")
            })?;
        if let Self::Duel(seed) = challenge {
            check_free_seed(seed).map_err(|rule| format!("challenge: the seed of a duel {rule}"))?;
        }
        Ok(challenge)
    }
}

impl TryFrom<String> for Challenge {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Checks that the seed of a game is not that of a day, which could then be played beforehand.
pub(crate) fn check_free_seed(seed: u64) -> Result<(), String> {
    if DAILY_SEEDS.contains(&seed) {
        let (first, last) = DAILY_SEEDS.into_inner();
        return Err(format!(
            "must not be from {first} to {last}: the daily games have these seeds, and would be known beforehand"
        ));
    }
    Ok(())
}

/// Tokens and stocks in a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) tokens: i64,
    stocks: i64,
}

impl Balance {
    pub(crate) fn new() -> Self {
        Self {
            tokens: i64::from(DOLLARS) * TOKENS_PER_DOLLAR,
            stocks: 0,
        }
    }

    /// Applies a trade, or returns why it is impossible.
    pub(crate) fn trade(self, side: Side, count: i32, price: i32) -> Result<Self, String> {
        if count < 1 {
            return Err(format!("its count is {count}"));
        }
        let cost = i64::from(price).saturating_mul(count.into());
        let (paid, received) = match side {
            Side::Buy => (cost, i64::from(count)),
            Side::Sell => (-cost, -i64::from(count)),
        };
        let not_negative = |left: &i64| *left >= 0;
        let tokens = self.tokens.checked_sub(paid).filter(not_negative);
        let stocks = self.stocks.checked_add(received).filter(not_negative);
        let but_has = |left| format!("but there are {}", thousands(left));
        let too_dear = || format!("it costs {}, {}", pluralize(cost, "token"), but_has(self.tokens));
        let too_many = || format!("it sells {}, {}", pluralize(count, "stock"), but_has(self.stocks));
        Ok(Self {
            tokens: tokens.ok_or_else(too_dear)?,
            stocks: stocks.ok_or_else(too_many)?,
        })
    }

    pub(crate) fn equity(self, price: i32) -> i64 {
        self.tokens
            .saturating_add(self.stocks.saturating_mul(price.into()))
    }
}
