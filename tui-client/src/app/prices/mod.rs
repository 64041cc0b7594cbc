//! Prices received, oldest first.
//!
//! ```text
//! oldest                                                   current
//! |== candles ==|=====|=====| - - gap - - |.|.|.| prices |.|.|
//! ```
//!
//! All candles are older than the single prices, and no two ranges overlap.

pub(crate) mod backfill;
mod candle;

use std::collections::VecDeque;

pub use candle::Candle;
use serde::{Deserialize, Serialize};

use crate::app::portfolio::money::{Permille, UnixMillis};

/// Most single prices kept: as many as our casino keeps, 2.4 MB. Older ones become candles of 60 ticks.
pub const MAX_PRICES: usize = 100_000;

/// Most candles kept: more than a year of seconds at our casino, 6.7 MB.
pub const MAX_CANDLES: usize = 120_000;

/// A price with its tick and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricePoint {
    /// Tick number; counted by the client if the casino sends none.
    pub tick: i64,
    /// Tokens for one stock.
    pub price: i32,
    /// Start of the tick.
    pub at: UnixMillis,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceHistory {
    /// All before the oldest of `prices`.
    candles: VecDeque<Candle>,
    prices: VecDeque<PricePoint>,
    interval_ms: Option<i64>,
    /// The first price that was pushed.
    opening: Option<PricePoint>,
}

/// A price change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Tokens: positive = up.
    pub tokens: i64,
    /// Relative to the earlier price.
    pub permille: Option<Permille>,
}

impl Change {
    fn between(before: PricePoint, last: PricePoint) -> Self {
        let tokens = i64::from(last.price).saturating_sub(i64::from(before.price));
        Self {
            tokens,
            permille: Permille::from_change(tokens, i64::from(before.price)),
        }
    }
}

impl PriceHistory {
    /// Returns the single prices, oldest first. Ticks increase; a step of more than 1 is a gap.
    pub fn prices(&self) -> impl DoubleEndedIterator<Item = PricePoint> + ExactSizeIterator + '_ {
        self.prices.iter().copied()
    }

    /// Returns the number of candles, counting each single price as one.
    pub fn kept(&self) -> usize {
        self.candles.len().saturating_add(self.prices.len())
    }

    /// Returns the candle at `index`, from 0 for the oldest. A single price is a candle of one tick.
    pub fn at(&self, index: usize) -> Option<Candle> {
        match index.checked_sub(self.candles.len()) {
            None => self.candles.get(index).copied(),
            Some(index) => self.prices.get(index).copied().map(Candle::from),
        }
    }

    /// Returns the index of the first candle that ends at or after `tick`, or [`kept`](Self::kept).
    pub fn index_of(&self, tick: i64) -> usize {
        let candle = self.candles.partition_point(|candle| candle.last_tick < tick);
        if candle < self.candles.len() {
            return candle;
        }
        let price = self.prices.partition_point(|point| point.tick < tick);
        candle.saturating_add(price)
    }

    pub fn oldest_tick(&self) -> Option<i64> {
        self.at(0).map(|oldest| oldest.first_tick)
    }

    /// Returns true if older prices can still be added.
    pub fn has_room(&self) -> bool {
        self.candles.len() < MAX_CANDLES
    }

    /// Returns the current price.
    pub fn last(&self) -> Option<PricePoint> {
        self.prices.back().copied()
    }

    /// Returns the tokens for one stock now.
    pub fn price(&self) -> Option<i32> {
        self.last().map(|last| last.price)
    }

    /// Returns the time between two ticks in milliseconds, if known.
    pub fn interval_ms(&self) -> Option<i64> {
        self.interval_ms
    }

    /// Returns the last price change; `None` before the second price.
    pub fn change(&self) -> Option<Change> {
        let mut newest_first = self.prices.iter().rev();
        let (last, before) = (newest_first.next()?, newest_first.next()?);
        Some(Change::between(*before, *last))
    }

    /// Returns the change since the first price of this market that the stream has sent, and the time of that price.
    pub fn since_opening(&self) -> Option<(Change, UnixMillis)> {
        let (last, opening) = self.last().zip(self.opening)?;
        Some((Change::between(opening, last), opening.at))
    }

    /// Adds a price from the stream. A known tick is ignored: opening repeats the current price, or an older one if the
    /// casino lags. A lower unknown tick belongs to another market: clears the history and returns true.
    pub fn push(&mut self, tick: Option<i64>, price: i32, at: UnixMillis, interval_ms: Option<i64>) -> bool {
        self.interval_ms = interval_ms.filter(|ms| *ms > 0).or(self.interval_ms);
        let last_tick = self.last().map(|last| last.tick);
        let tick = tick.unwrap_or_else(|| last_tick.map_or(0, |last| last.saturating_add(1)));
        if last_tick == Some(tick) || self.contains(tick, price) {
            return false;
        }
        let another = last_tick.is_some_and(|last| last > tick);
        if another {
            self.candles.clear();
            self.prices.clear();
            self.opening = None;
        }
        let point = PricePoint { tick, price, at };
        self.opening.get_or_insert(point);
        self.prices.push_back(point);
        self.trim();
        another
    }

    fn contains(&self, tick: i64, price: i32) -> bool {
        let kept = self.prices.binary_search_by_key(&tick, |point| point.tick).ok();
        kept.and_then(|index| self.prices.get(index))
            .is_some_and(|point| point.price == price)
    }

    /// Merges a page of single prices. Those covered by candles are ignored.
    pub fn insert_page(&mut self, page: &[PricePoint]) {
        let newest = self.last().map(|last| last.tick);
        let newest_candle = self.candles.back().map(|candle| candle.last_tick);
        // Prices newer than the current one must not replace it.
        let new = page
            .iter()
            .filter(|point| newest.is_none_or(|newest| point.tick < newest))
            .filter(|point| newest_candle.is_none_or(|newest| point.tick > newest));
        let mut merged: Vec<PricePoint> = self.prices.drain(..).chain(new.copied()).collect();
        merged.sort_by_key(|point| point.tick);
        merged.dedup_by_key(|point| point.tick);
        self.prices = merged.into();
        self.trim();
    }

    /// Merges a page of older candles. They replace single prices that the casino has merged into candles meanwhile.
    pub fn insert_candles(&mut self, page: &[Candle]) {
        let Some(newest) = self.last().map(|last| last.tick) else {
            return;
        };
        for candle in page.iter().rev().filter(|candle| candle.last_tick < newest) {
            candle::insert(&mut self.candles, *candle);
        }
        if let Some(last) = self.candles.back().map(|candle| candle.last_tick) {
            let first = self.prices.partition_point(|point| point.tick <= last);
            self.prices.drain(..first);
        }
        self.trim();
    }

    fn trim(&mut self) {
        while self.prices.len() > MAX_PRICES {
            if let Some(oldest) = self.prices.pop_front() {
                candle::append(&mut self.candles, oldest);
            }
        }
        let surplus = self.candles.len().saturating_sub(MAX_CANDLES);
        self.candles.drain(..surplus);
    }
}
