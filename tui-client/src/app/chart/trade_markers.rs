//! Chart markers of the player's trades.

use std::collections::VecDeque;

use crate::app::portfolio::money::Side;

/// Most markers kept.
pub const MAX_MARKERS: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TradeMarker {
    /// Tick of the price.
    pub tick: i64,
    /// Buy or sell.
    pub side: Side,
    /// Stocks.
    pub count: i32,
    /// Tokens for one stock.
    pub price: i32,
}

/// Markers, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TradeMarkers {
    markers: VecDeque<TradeMarker>,
}

impl TradeMarkers {
    /// Returns the markers, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &TradeMarker> + ExactSizeIterator {
        self.markers.iter()
    }

    /// Adds a marker and removes the oldest if there are too many.
    pub fn push(&mut self, marker: TradeMarker) {
        self.markers.push_back(marker);
        if self.markers.len() > MAX_MARKERS {
            self.markers.pop_front();
        }
    }

    /// Inserts earlier markers, given oldest first. Without room, the oldest are dropped.
    pub fn take_earlier(&mut self, markers: impl DoubleEndedIterator<Item = TradeMarker>) {
        let room = MAX_MARKERS.saturating_sub(self.markers.len());
        for marker in markers.rev().take(room) {
            self.markers.push_front(marker);
        }
    }

    /// Removes all markers.
    pub fn clear(&mut self) {
        self.markers.clear();
    }
}
