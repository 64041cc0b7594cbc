//! Where the prices stand on the screen, as who drew them tells.
//!
//! Owns what a cell of the screen means: the tick under the mouse, and the neighbours of a tick that can be told apart.

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::app::market::Market;

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Area {
    /// Its first column.
    pub x: u16,
    /// Its first row.
    pub y: u16,
    /// Its columns.
    pub width: u16,
    /// Its rows.
    pub height: u16,
}

impl Area {
    /// Whether a cell lies in it.
    #[must_use]
    pub fn contains(&self, column: u16, row: u16) -> bool {
        let inside = |at: u16, first: u16, count: u16| at >= first && at < first.saturating_add(count);
        inside(column, self.x, self.width) && inside(row, self.y, self.height)
    }
}

/// A place on the chart: the prices up to a tick that share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The column of the screen.
    pub column: u16,
    /// The last tick of those that share the place.
    pub tick: i64,
}

/// Where the prices stand on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sight {
    /// How they are drawn.
    pub kind: Kind,
    /// Where they are drawn.
    pub area: Area,
    /// The first tick in sight.
    pub first: i64,
    /// From left to right; the ticks rise.
    pub places: Vec<Place>,
}

impl Sight {
    /// The tick of the place nearest to a cell; `None` off the chart.
    #[must_use]
    pub fn tick_at(&self, column: u16, row: u16) -> Option<i64> {
        if !self.area.contains(column, row) {
            return None;
        }
        let nearest = self
            .places
            .iter()
            .min_by_key(|place| place.column.abs_diff(column));
        nearest.map(|place| place.tick)
    }

    /// How many prices are in sight.
    pub(super) fn prices(&self, market: &Market) -> usize {
        let Some(last) = self.places.last() else {
            return market.kept();
        };
        let past = market.index_of(last.tick).saturating_add(1);
        past.saturating_sub(market.index_of(self.first))
    }

    /// The tick of the place before the one that `tick` is in; off the places, the tick before it.
    pub(super) fn before(&self, tick: i64, market: &Market) -> Option<i64> {
        let index = self.places.partition_point(|place| place.tick < tick);
        let place = index.checked_sub(1).and_then(|index| self.places.get(index));
        let older = || {
            market
                .at(market.index_of(tick).checked_sub(1)?)
                .map(|candle| candle.last_tick)
        };
        place.map(|place| place.tick).or_else(older)
    }

    /// The tick of the place after the one that `tick` is in; off the places, the tick after it.
    pub(super) fn after(&self, tick: i64, market: &Market) -> Option<i64> {
        let index = self.places.partition_point(|place| place.tick <= tick);
        let newer = || {
            let next = market.index_of(tick).saturating_add(1);
            market.at(next).map(|candle| candle.last_tick)
        };
        self.places.get(index).map(|place| place.tick).or_else(newer)
    }
}
