//! The player's trades on the chart.

use std::collections::VecDeque;

use crate::app::portfolio::rows::TradeRow;

/// Most trades marked.
pub const MAX_MARKERS: usize = 1_000;

/// Marked trades, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TradeMarkers {
    trades: VecDeque<TradeRow>,
}

impl TradeMarkers {
    /// Returns the trades, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &TradeRow> + ExactSizeIterator {
        self.trades.iter()
    }

    /// Adds a trade and removes the oldest if there are too many.
    pub fn push(&mut self, trade: TradeRow) {
        self.trades.push_back(trade);
        if self.trades.len() > MAX_MARKERS {
            self.trades.pop_front();
        }
    }

    /// Inserts earlier trades, given oldest first. Without room, the oldest are dropped.
    pub fn take_earlier(&mut self, trades: &[TradeRow]) {
        let room = MAX_MARKERS.saturating_sub(self.trades.len());
        for trade in trades.iter().rev().take(room) {
            self.trades.push_front(*trade);
        }
    }
}
