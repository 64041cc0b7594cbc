//! The prices the client has seen, oldest first, and what a trader reads from them.
//!
//! Owns the kept prices and their bound. It knows nothing of players, and nothing of how a chart is drawn.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::money::{Permille, UnixMs};

/// Prices kept. Older ones are dropped: far more than any screen is wide.
pub const MAX_PRICES: usize = 10_000;

/// A price and when it came into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricePoint {
    /// The casino's number for this move of the price; numbered by the client where the casino does not tell.
    pub tick: i64,
    /// Tokens for one stock.
    pub price: i32,
    /// When it came into force.
    pub at: UnixMs,
}

/// The market as the client knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Market {
    prices: VecDeque<PricePoint>,
    interval_ms: Option<i64>,
}

/// The move from one price to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Tokens: positive = up.
    pub tokens: i64,
    /// The same, of the earlier price.
    pub permille: Option<Permille>,
}

impl Market {
    /// The kept prices, oldest first, with rising tick numbers (a jump of more than 1 is a gap).
    pub fn prices(&self) -> impl DoubleEndedIterator<Item = PricePoint> + ExactSizeIterator + '_ {
        self.prices.iter().copied()
    }

    /// The kept price number `index`, 0 for the oldest.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<PricePoint> {
        self.prices.get(index).copied()
    }

    /// The number of the first kept price that is not before `tick`; past the last one where all are.
    #[must_use]
    pub fn index_of(&self, tick: i64) -> usize {
        self.prices.partition_point(|point| point.tick < tick)
    }

    /// Whether older prices could be kept too.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.prices.len() < MAX_PRICES
    }

    /// The price in force, if any has been seen.
    #[must_use]
    pub fn last(&self) -> Option<PricePoint> {
        self.prices.back().copied()
    }

    /// Time between two ticks in milliseconds, where the casino tells it.
    #[must_use]
    pub fn interval_ms(&self) -> Option<i64> {
        self.interval_ms
    }

    /// The last move of the price; `None` before the second price.
    #[must_use]
    pub fn change(&self) -> Option<Change> {
        let mut newest_first = self.prices.iter().rev();
        let (last, before) = (newest_first.next()?, newest_first.next()?);
        let tokens = i64::from(last.price).saturating_sub(i64::from(before.price));
        Some(Change {
            tokens,
            permille: Permille::of(tokens, i64::from(before.price)),
        })
    }

    /// Takes a price that came on the stream.
    ///
    /// `tick` and `interval_ms` are there where the casino tells them. A tick that is already known is passed over:
    /// joining a table repeats the price in force. A lower one is another market's: the kept prices are forgotten, and
    /// what is given back is `true`.
    pub fn take(&mut self, tick: Option<i64>, price: i32, at: UnixMs, interval_ms: Option<i64>) -> bool {
        self.interval_ms = interval_ms.filter(|ms| *ms > 0).or(self.interval_ms);
        let last_tick = self.last().map(|last| last.tick);
        let tick = tick.unwrap_or_else(|| last_tick.map_or(0, |last| last.saturating_add(1)));
        if last_tick == Some(tick) {
            return false;
        }
        let another = last_tick.is_some_and(|last| last > tick);
        if another {
            self.prices.clear();
        }
        self.prices.push_back(PricePoint { tick, price, at });
        if self.prices.len() > MAX_PRICES {
            self.prices.pop_front();
        }
        another
    }

    /// Takes a page of history, oldest first: what is not known yet is put in its place, before the kept prices or
    /// in a gap between them.
    pub fn take_history(&mut self, page: &[PricePoint]) {
        let newest = self.last().map(|last| last.tick);
        let kept = self.prices.drain(..).map(|point| (point.tick, point));
        // A page that is newer than the stream's last price would make the price in force an old one's successor.
        let paged = page
            .iter()
            .filter(|point| newest.is_none_or(|newest| point.tick < newest));
        let merged: BTreeMap<i64, PricePoint> = paged.map(|point| (point.tick, *point)).chain(kept).collect();
        let surplus = merged.len().saturating_sub(MAX_PRICES);
        self.prices = merged.into_values().skip(surplus).collect();
    }
}
