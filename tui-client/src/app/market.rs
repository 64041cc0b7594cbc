//! The prices the client has seen, oldest first, and what a trader reads from them.
//!
//! Owns the kept prices and their bounds. It knows nothing of players, and nothing of how a chart is drawn.
//!
//! ```text
//! oldest                                                   in force
//! |== candles ==|=====|=====| - - gap - - |.|.|.| prices |.|.|
//! ```
//!
//! Every tick is in one place only: the candles are all older than the prices that are kept one by one, and none overlap.

mod candle;

pub use candle::Candle;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::money::{Permille, UnixMs};

/// Prices kept one by one: as many as a casino of ours keeps so, 2.4 MB. What is older becomes candles of 60 ticks.
pub const MAX_PRICES: usize = 100_000;

/// Candles kept: more than a casino of ours makes of a year of seconds, 6.7 MB. The oldest make room.
pub const MAX_CANDLES: usize = 120_000;

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
    /// All of them before the oldest of `prices`.
    candles: VecDeque<Candle>,
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
    /// The prices that are kept one by one, oldest first, with rising tick numbers (a jump of more than 1 is a gap).
    pub fn prices(&self) -> impl DoubleEndedIterator<Item = PricePoint> + ExactSizeIterator + '_ {
        self.prices.iter().copied()
    }

    /// How many candles are kept, each price that is kept by itself counted as one of a single tick.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.candles.len().saturating_add(self.prices.len())
    }

    /// The kept candle number `index`, 0 for the oldest; a price that is kept by itself is one of a single tick.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<Candle> {
        match index.checked_sub(self.candles.len()) {
            None => self.candles.get(index).copied(),
            Some(index) => self.prices.get(index).copied().map(Candle::from),
        }
    }

    /// The number of the first kept candle that does not end before `tick`; past the last one where all do.
    #[must_use]
    pub fn index_of(&self, tick: i64) -> usize {
        let candle = self.candles.partition_point(|candle| candle.last_tick < tick);
        if candle < self.candles.len() {
            return candle;
        }
        let price = self.prices.partition_point(|point| point.tick < tick);
        candle.saturating_add(price)
    }

    /// The oldest tick kept.
    #[must_use]
    pub fn oldest_tick(&self) -> Option<i64> {
        self.at(0).map(|oldest| oldest.first_tick)
    }

    /// Whether older prices could be kept too.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.candles.len() < MAX_CANDLES
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
    /// joining a table repeats the price in force, or one before it, at a casino that has not heard of the newest yet.
    /// A lower one that is not known so is another market's: the kept prices are forgotten, and what is given back is
    /// `true`.
    pub fn take(&mut self, tick: Option<i64>, price: i32, at: UnixMs, interval_ms: Option<i64>) -> bool {
        self.interval_ms = interval_ms.filter(|ms| *ms > 0).or(self.interval_ms);
        let last_tick = self.last().map(|last| last.tick);
        let tick = tick.unwrap_or_else(|| last_tick.map_or(0, |last| last.saturating_add(1)));
        if last_tick == Some(tick) || self.knows(tick, price) {
            return false;
        }
        let another = last_tick.is_some_and(|last| last > tick);
        if another {
            self.candles.clear();
            self.prices.clear();
        }
        self.prices.push_back(PricePoint { tick, price, at });
        self.keep_bounds();
        another
    }

    /// Whether the price of `tick` is kept, and is `price`.
    fn knows(&self, tick: i64, price: i32) -> bool {
        let kept = self.prices.binary_search_by_key(&tick, |point| point.tick).ok();
        kept.and_then(|index| self.prices.get(index))
            .is_some_and(|point| point.price == price)
    }

    /// Takes a page of history: what is not known yet is put in its place, before the kept prices or in a gap between
    /// them. What a candle tells already is passed over.
    pub fn take_history(&mut self, page: &[PricePoint]) {
        let newest = self.last().map(|last| last.tick);
        let told = self.candles.back().map(|candle| candle.last_tick);
        // A page that is newer than the stream's last price would make the price in force an old one's successor.
        let paged = page
            .iter()
            .filter(|point| newest.is_none_or(|newest| point.tick < newest))
            .filter(|point| told.is_none_or(|told| point.tick > told));
        let mut merged: Vec<PricePoint> = self.prices.drain(..).chain(paged.copied()).collect();
        merged.sort_by_key(|point| point.tick);
        merged.dedup_by_key(|point| point.tick);
        self.prices = merged.into();
        self.keep_bounds();
    }

    /// Takes a page of candles of the older past. Where they reach into the kept prices, they stand for them: a casino
    /// may have made a candle of some since it told them.
    pub fn take_candles(&mut self, page: &[Candle]) {
        let Some(newest) = self.last().map(|last| last.tick) else {
            return;
        };
        for candle in page.iter().rev().filter(|candle| candle.last_tick < newest) {
            candle::insert(&mut self.candles, *candle);
        }
        if let Some(told) = self.candles.back().map(|candle| candle.last_tick) {
            let first = self.prices.partition_point(|point| point.tick <= told);
            self.prices.drain(..first);
        }
        self.keep_bounds();
    }

    fn keep_bounds(&mut self) {
        while self.prices.len() > MAX_PRICES {
            if let Some(oldest) = self.prices.pop_front() {
                candle::fold(&mut self.candles, oldest);
            }
        }
        let surplus = self.candles.len().saturating_sub(MAX_CANDLES);
        self.candles.drain(..surplus);
    }
}
