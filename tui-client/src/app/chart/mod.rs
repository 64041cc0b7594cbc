//! The chart view: kind, visible range and crosshair. The renderer reports drawn positions as a [`HitMap`].
//!
//! ```text
//! oldest price                                visible range                newest
//! |----------------------------|=====================+=======|-----------------|
//!                              |                     |       |
//!                              `- zoom (prices) -----|-------' right: last tick, or live
//!                                                    `- crosshair
//! ```

mod hit_map;
mod trade_markers;

pub use hit_map::{Area, ColumnSlot, HitMap, OrderLabel};
use serde::{Deserialize, Serialize};
pub use trade_markers::{MAX_MARKERS, TradeMarkers};

use super::commands::request::Request;
use super::prices::PriceHistory;
use crate::app::prices::backfill::Backfill;

/// Zoom levels in visible prices; older prices count per candle.
pub(crate) const ZOOMS: &[usize] = &[20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/// Candle intervals in ticks.
pub(crate) const INTERVALS: &[usize] = &[5, 15, 60];

/// Part of the visible range that one step scrolls by: a quarter.
const PAN_PART: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ChartKind {
    /// A line with the area below.
    #[default]
    Area,
    Line,
    /// Candlesticks: open, high, low and close.
    Candles,
    /// Bars of block characters.
    Bars,
}

impl ChartKind {
    /// All kinds, in the order of the key.
    pub const ALL: [Self; 4] = [Self::Area, Self::Line, Self::Candles, Self::Bars];

    /// Returns the next kind, cyclically.
    pub fn next(self) -> Self {
        match self {
            Self::Area => Self::Line,
            Self::Line => Self::Candles,
            Self::Candles => Self::Bars,
            Self::Bars => Self::Area,
        }
    }
}

/// The inspected tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crosshair {
    pub tick: i64,
    /// Ignores mouse moves.
    pub pinned: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChartView {
    /// Chart kind; `None`: depends on the size.
    pub kind: Option<ChartKind>,
    /// Ticks of a candle, one of `INTERVALS`; `None`: depends on the size.
    pub interval: Option<usize>,
    /// Visible prices; `None`: depends on the size.
    pub zoom: Option<usize>,
    /// The rightmost tick; `None`: follows the newest.
    pub right: Option<i64>,
    pub crosshair: Option<Crosshair>,
    /// Scale in percent of the first visible price.
    pub percent: bool,
    pub markers: TradeMarkers,
    /// Chart positions of the last frame; empty before the first.
    pub hit_map: HitMap,
    pub(super) backfill: Backfill,
}

impl ChartView {
    pub(crate) fn next_kind(&mut self) {
        self.kind = Some(self.kind.unwrap_or(self.hit_map.kind).next());
    }

    /// Selects the next candle interval, ending with automatic. Other chart kinds switch to candles first.
    pub(crate) fn next_interval(&mut self) {
        if self.hit_map.kind != ChartKind::Candles {
            self.kind = Some(ChartKind::Candles);
            return;
        }
        let now = self.interval.unwrap_or(0);
        self.interval = INTERVALS.iter().copied().find(|ticks| *ticks > now);
    }

    pub(crate) fn zoom_in(&mut self, market: &PriceHistory) {
        let now = self.visible_range(market);
        if let Some(closer) = ZOOMS.iter().rev().find(|count| **count < now) {
            self.zoom = Some(*closer);
        }
    }

    /// Zooms out, until all prices are visible.
    pub(crate) fn zoom_out(&mut self, market: &PriceHistory) {
        let now = self.visible_range(market);
        let kept = market.kept();
        if let Some(farther) = ZOOMS.iter().find(|count| **count > now).filter(|_| now < kept) {
            self.zoom = Some(*farther);
            self.put_right(self.right_index(market), self.visible_range(market), market);
        }
    }

    /// Moves the crosshair if there is one, else scrolls by `by` prices (`None`: a part of the range).
    pub(crate) fn pan(&mut self, is_later: bool, by: Option<usize>, market: &PriceHistory) {
        if let Some(Crosshair { tick, .. }) = self.crosshair {
            return self.set_crosshair(self.hit_map.neighbour(tick, is_later, market), market);
        }
        let by = by.unwrap_or_else(|| self.step(market));
        let right = self.right_index(market);
        let index = match is_later {
            true => right.saturating_add(by),
            false => right.saturating_sub(by),
        };
        self.go_to(index, market);
    }

    pub(crate) fn scroll_to_start(&mut self, market: &PriceHistory) {
        self.go_to(0, market);
        if let Some((crosshair, oldest)) = self.crosshair.as_mut().zip(market.at(0)) {
            crosshair.tick = oldest.last_tick;
        }
    }

    /// Scrolls to the newest price and follows it. If it is followed already, resets the zoom.
    pub(crate) fn scroll_to_end(&mut self, market: &PriceHistory) {
        if self.right.is_none() {
            self.zoom = None;
        }
        self.right = None;
        if let Some((crosshair, newest)) = self.crosshair.as_mut().zip(market.last()) {
            crosshair.tick = newest.tick;
        }
    }

    /// Shows the crosshair at the newest visible price, pins it, or hides it.
    pub(crate) fn toggle_crosshair(&mut self, market: &PriceHistory) {
        let visible = self.hit_map.slots.last().map(|slot| slot.tick);
        let newest = visible.or(market.last().map(|last| last.tick));
        self.crosshair = match self.crosshair {
            Some(Crosshair { pinned: true, .. }) => None,
            Some(Crosshair { tick, .. }) => Some(Crosshair { tick, pinned: true }),
            None => newest.map(|tick| Crosshair { tick, pinned: true }),
        };
    }

    /// Moves the crosshair with the mouse unless it is pinned.
    pub(crate) fn hover(&mut self, column: u16, row: u16) {
        if self.crosshair.is_some_and(|crosshair| crosshair.pinned) {
            return;
        }
        let tick = self.hit_map.tick_at(column, row);
        self.crosshair = tick.map(|tick| Crosshair { tick, pinned: false });
    }

    /// Pins the crosshair at a cell, or hides it if it is there.
    pub fn click(&mut self, column: u16, row: u16) {
        let Some(tick) = self.hit_map.tick_at(column, row) else {
            return;
        };
        let here = Some(Crosshair { tick, pinned: true });
        self.crosshair = if self.crosshair == here { None } else { here };
    }

    /// Returns a request for older prices if the visible range starts at the oldest one and there is room for more.
    pub(super) fn request_older(&mut self, market: &PriceHistory) -> Option<Request> {
        let oldest = market.oldest_tick().filter(|_| market.has_room())?;
        let all_in_sight = self.right_index(market) < self.drawn(market);
        let looks_back = self.right.is_some() || self.zoom.is_some_and(|zoom| zoom > market.kept());
        if all_in_sight && looks_back {
            self.backfill.next_request(oldest)
        } else {
            None
        }
    }

    /// Resets the view for another market.
    pub fn reset(&mut self) {
        self.right = None;
        self.crosshair = None;
        self.backfill = Backfill::default();
        self.markers = TradeMarkers::default();
    }

    pub(super) fn visible_range(&self, market: &PriceHistory) -> usize {
        self.zoom
            .unwrap_or_else(|| self.hit_map.prices(market))
            .min(market.kept())
    }

    /// Returns the number of drawn prices: fewer than visible with a fixed candle interval. Uses the last frame unless
    /// it followed the newest price.
    fn drawn(&self, market: &PriceHistory) -> usize {
        let wanted = self.visible_range(market);
        self.right
            .map_or(wanted, |_| wanted.min(self.hit_map.prices(market)))
    }

    fn step(&self, market: &PriceHistory) -> usize {
        self.drawn(market).checked_div(PAN_PART).unwrap_or(0).max(1)
    }

    fn right_index(&self, market: &PriceHistory) -> usize {
        let newest = market.kept().saturating_sub(1);
        self.right
            .map_or(newest, |tick| market.index_of(tick).min(newest))
    }

    /// Scrolls so that price `index` is rightmost, without leaving empty space at the left.
    fn go_to(&mut self, index: usize, market: &PriceHistory) {
        self.put_right(index, self.drawn(market), market);
    }

    /// Like [`go_to`](Self::go_to), for a width of `room` prices.
    fn put_right(&mut self, index: usize, room: usize, market: &PriceHistory) {
        let newest = market.kept().saturating_sub(1);
        let index = index.max(room.saturating_sub(1));
        self.right = if index < newest {
            market.at(index).map(|candle| candle.last_tick)
        } else {
            None
        };
    }

    /// Moves the crosshair to a tick and scrolls to make it visible.
    fn set_crosshair(&mut self, tick: Option<i64>, market: &PriceHistory) {
        let Some(tick) = tick else {
            return;
        };
        self.crosshair = Some(Crosshair { tick, pinned: true });
        let index = market.index_of(tick);
        let right = self.right_index(market);
        if index > right {
            self.go_to(index, market);
        } else if index.saturating_add(self.drawn(market)) <= right {
            let right = index.saturating_add(self.drawn(market)).saturating_sub(1);
            self.go_to(right, market);
        }
    }
}
