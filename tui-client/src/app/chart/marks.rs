//! The player's own trades, by the tick whose price they were made at: what is marked on the chart.
//!
//! Owns the kept marks and their bound. It knows nothing of wallets.

use std::collections::VecDeque;

use crate::app::money::Side;

/// Marks kept; the oldest make room.
pub const MAX_MARKS: usize = 1_000;

/// A trade, where it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The tick whose price it was.
    pub tick: i64,
    /// Buy or sell.
    pub side: Side,
    /// Stocks.
    pub count: i32,
    /// Tokens for one stock.
    pub price: i32,
}

/// The kept marks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    marks: VecDeque<Mark>,
}

impl Marks {
    /// The kept marks, as they came.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Mark> + ExactSizeIterator {
        self.marks.iter()
    }

    /// Adds the newest trade.
    pub fn push(&mut self, mark: Mark) {
        self.marks.push_back(mark);
        if self.marks.len() > MAX_MARKS {
            self.marks.pop_front();
        }
    }

    /// Puts earlier trades, oldest first, before all that are kept; where there is no room, the oldest are left out.
    pub fn take_earlier(&mut self, marks: impl DoubleEndedIterator<Item = Mark>) {
        let room = MAX_MARKS.saturating_sub(self.marks.len());
        for mark in marks.rev().take(room) {
            self.marks.push_front(mark);
        }
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.marks.clear();
    }
}
