//! Candles: ranges of ticks with open, high, low and close price.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{PricePoint, UnixMillis};

/// Ticks of a candle built by the client.
const FOLDED_TICKS: i64 = 60;

/// A range of ticks, at least one. Prices are tokens for one stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    pub first_tick: i64,
    pub last_tick: i64,
    /// Price of the first tick.
    pub open: i32,
    pub high: i32,
    pub low: i32,
    /// Price of the last tick.
    pub close: i32,
    /// Start of the first tick.
    pub since: UnixMillis,
    /// Start of the last tick.
    pub until: UnixMillis,
}

impl From<PricePoint> for Candle {
    fn from(PricePoint { tick, price, at }: PricePoint) -> Self {
        Self {
            first_tick: tick,
            last_tick: tick,
            open: price,
            high: price,
            low: price,
            close: price,
            since: at,
            until: at,
        }
    }
}

impl Candle {
    /// Returns the number of ticks, at least 1.
    pub fn ticks(&self) -> i64 {
        self.last_tick.saturating_sub(self.first_tick).saturating_add(1)
    }

    /// Returns the last price.
    pub fn end(&self) -> PricePoint {
        PricePoint {
            tick: self.last_tick,
            price: self.close,
            at: self.until,
        }
    }

    fn contains(&self, other: &Self) -> bool {
        self.first_tick <= other.first_tick && other.last_tick <= self.last_tick
    }

    /// Adds the next tick; returns false if it belongs to the next candle.
    fn extend(&mut self, PricePoint { tick, price, at }: PricePoint) -> bool {
        let begins_next = tick.rem_euclid(FOLDED_TICKS) == 0;
        if begins_next || self.last_tick.saturating_add(1) != tick || self.ticks() >= FOLDED_TICKS {
            return false;
        }
        self.last_tick = tick;
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
        self.until = at;
        true
    }
}

/// Inserts a candle in order. Of overlapping candles the longest stays: casinos merge candles as they age.
pub(super) fn insert(candles: &mut VecDeque<Candle>, candle: Candle) {
    let first = candles.partition_point(|kept| kept.last_tick < candle.first_tick);
    let past = candles.partition_point(|kept| kept.first_tick <= candle.last_tick);
    let mut overlapped = candles.range(first..past.max(first));
    if overlapped.all(|kept| candle.contains(kept) && kept.ticks() < candle.ticks()) {
        candles.drain(first..past.max(first));
        candles.insert(first, candle);
    }
}

/// Adds a price newer than all candles to the last one, or starts another.
pub(super) fn append(candles: &mut VecDeque<Candle>, point: PricePoint) {
    let grown = candles.back_mut().is_some_and(|newest| newest.extend(point));
    if !grown {
        candles.push_back(point.into());
    }
}
