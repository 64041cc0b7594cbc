//! Prices in a row, kept as what became of the price over them.
//!
//! Owns how one price is a candle, how one grows, and which of two that overlap stays. It knows no bound on their number.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{PricePoint, UnixMs};

/// Ticks of a candle that is made of prices the client has no room for.
const FOLDED_TICKS: i64 = 60;

/// Prices in a row, at least one. Prices are tokens for one stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    /// The number of its first tick.
    pub first_tick: i64,
    /// The number of its last tick, at least that of the first.
    pub last_tick: i64,
    /// The price of its first tick.
    pub open: i32,
    /// The highest price.
    pub high: i32,
    /// The lowest price.
    pub low: i32,
    /// The price of its last tick.
    pub close: i32,
    /// When its first tick came into force.
    pub since: UnixMs,
    /// When its last tick came into force.
    pub until: UnixMs,
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
    /// How many ticks it holds, at least 1.
    #[must_use]
    pub fn ticks(&self) -> i64 {
        self.last_tick.saturating_sub(self.first_tick).saturating_add(1)
    }

    /// The price of its last tick.
    #[must_use]
    pub fn end(&self) -> PricePoint {
        PricePoint {
            tick: self.last_tick,
            price: self.close,
            at: self.until,
        }
    }

    /// Whether every tick of `other` is one of this.
    fn covers(&self, other: &Self) -> bool {
        self.first_tick <= other.first_tick && other.last_tick <= self.last_tick
    }

    /// Takes the price of the tick after its last one, if there is still room for it.
    fn grow(&mut self, PricePoint { tick, price, at }: PricePoint) -> bool {
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

/// Puts `candle` in its place among others that do not overlap. Of those that do, the longest stays: a casino makes long
/// ones of short ones as they grow older.
pub(super) fn insert(candles: &mut VecDeque<Candle>, candle: Candle) {
    let first = candles.partition_point(|kept| kept.last_tick < candle.first_tick);
    let past = candles.partition_point(|kept| kept.first_tick <= candle.last_tick);
    let mut overlapped = candles.range(first..past.max(first));
    if overlapped.all(|kept| candle.covers(kept) && kept.ticks() < candle.ticks()) {
        candles.drain(first..past.max(first));
        candles.insert(first, candle);
    }
}

/// Puts a price that is newer than all candles behind them: into the newest one, or as the first of another.
pub(super) fn fold(candles: &mut VecDeque<Candle>, point: PricePoint) {
    let grown = candles.back_mut().is_some_and(|newest| newest.grow(point));
    if !grown {
        candles.push_back(point.into());
    }
}
