//! Maps screen cells to ticks, as drawn in the last frame.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ChartKind;
use crate::app::prices::PriceHistory;

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

impl Area {
    pub fn contains(&self, column: u16, row: u16) -> bool {
        let inside = |at: u16, first: u16, count: u16| at >= first && at < first.saturating_add(count);
        inside(column, self.x, self.width) && inside(row, self.y, self.height)
    }
}

/// A drawn column or candle and its ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSlot {
    pub column: u16,
    /// The last tick drawn there.
    pub tick: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLabel {
    pub area: Area,
    pub id: Uuid,
}

/// Chart positions of the last frame.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HitMap {
    /// The chart kind drawn.
    pub kind: ChartKind,
    /// The area drawn.
    pub area: Area,
    /// The first visible tick.
    pub first: i64,
    /// Slots from left to right, with increasing ticks.
    #[serde(rename = "places")]
    pub slots: Vec<ColumnSlot>,
    /// The price in the middle of each row, from top to bottom; empty without labels of orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub row_prices: Vec<i32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<OrderLabel>,
}

impl HitMap {
    /// Returns the tick nearest to a cell; `None` outside the chart.
    pub fn tick_at(&self, column: u16, row: u16) -> Option<i64> {
        if !self.area.contains(column, row) {
            return None;
        }
        let nearest = self.slots.iter().min_by_key(|slot| slot.column.abs_diff(column));
        nearest.map(|slot| slot.tick)
    }

    /// Returns the order whose label is at a cell.
    pub(crate) fn order_at(&self, column: u16, row: u16) -> Option<Uuid> {
        let label = self.orders.iter().find(|label| label.area.contains(column, row));
        label.map(|label| label.id)
    }

    /// Returns the price at a row: above and below the chart, that of its edge.
    pub(crate) fn price_at(&self, row: u16) -> Option<i32> {
        let last = self.row_prices.len().checked_sub(1)?;
        let index = usize::from(row.saturating_sub(self.area.y)).min(last);
        self.row_prices.get(index).copied()
    }

    pub(super) fn prices(&self, market: &PriceHistory) -> usize {
        let Some(last) = self.slots.last() else {
            return market.kept();
        };
        let past = market.index_of(last.tick).saturating_add(1);
        past.saturating_sub(market.index_of(self.first))
    }

    /// Returns the tick of the next slot if `is_later`, or of the previous one. Without a visible one, that of the market.
    pub(super) fn neighbour(&self, tick: i64, is_later: bool, market: &PriceHistory) -> Option<i64> {
        let mut slots = self.slots.iter().map(|slot| slot.tick);
        let (visible, index) = match is_later {
            true => (
                slots.find(|slot| *slot > tick),
                market.index_of(tick).checked_add(1),
            ),
            false => (
                slots.rfind(|slot| *slot < tick),
                market.index_of(tick).checked_sub(1),
            ),
        };
        visible.or_else(|| market.at(index?).map(|candle| candle.last_tick))
    }
}
