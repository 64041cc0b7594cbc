//! How the player looks at the prices: the kind of chart, the stretch of time in sight, the crosshair.
//!
//! Owns what keys and mouse do to that. It draws nothing: where prices stand on the screen, who draws them tells as a
//! [`Sight`].
//!
//! ```text
//! oldest price kept                           in sight                    newest
//! |----------------------------|=====================+=======|-----------------|
//!                              |                     |       |
//!                              `- zoom: so many -----|-------' right: the last one, or live
//!                                                    `- crosshair
//! ```

mod marks;
mod past;
mod sight;

pub use marks::{MAX_MARKS, Mark, Marks};
pub use sight::{Area, Place, Sight};

use serde::{Deserialize, Serialize};

use super::{event::Call, market::Market};
use past::Past;

/// Prices in sight, from close to far; where the past is kept as candles, so many candles.
pub const ZOOMS: &[usize] = &[20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/// Ticks of a candle that can be chosen.
pub const INTERVALS: &[usize] = &[5, 15, 60];

/// The part of what is in sight that one step of panning moves it by: a quarter.
const PAN_PART: usize = 4;

/// How prices are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Kind {
    /// A line, and the area under it.
    #[default]
    Area,
    /// A line alone.
    Line,
    /// Candlesticks: of so many ticks each, the first, the last, the lowest and the highest price.
    Candles,
    /// Bars of block letters.
    Bars,
}

impl Kind {
    /// All of them, in the order in which one key goes through them.
    pub const ALL: [Self; 4] = [Self::Area, Self::Line, Self::Candles, Self::Bars];

    /// The kind after this one; after the last one, the first.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Area => Self::Line,
            Self::Line => Self::Candles,
            Self::Candles => Self::Bars,
            Self::Bars => Self::Area,
        }
    }
}

/// The tick whose price is read off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crosshair {
    /// The tick.
    pub tick: i64,
    /// It stays where it is when the mouse goes elsewhere.
    pub pinned: bool,
}

/// How the player looks at the prices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChartView {
    /// How they are drawn; `None`: as suits the room.
    pub kind: Option<Kind>,
    /// Ticks of a candle, one of [`INTERVALS`]; `None`: as many as suit the room.
    pub interval: Option<usize>,
    /// Prices in sight; `None`: as many as suit the room.
    pub zoom: Option<usize>,
    /// The tick at the right end; `None`: the newest one, also when the next one comes.
    pub right: Option<i64>,
    /// What is read off.
    pub crosshair: Option<Crosshair>,
    /// The scale is in percent of the first price in sight.
    pub percent: bool,
    /// The player's own trades.
    pub marks: Marks,
    /// Where the prices stand on the screen; empty before the first frame.
    pub sight: Sight,
    /// How far back the casino has been asked.
    past: Past,
}

impl ChartView {
    /// The next kind.
    pub fn next_kind(&mut self) {
        self.kind = Some(self.kind.unwrap_or(self.sight.kind).next());
    }

    /// Candles of the next interval, and after the last one of as many ticks as suit the room. Where no candles are in
    /// sight, candles.
    pub fn next_interval(&mut self) {
        if self.sight.kind != Kind::Candles {
            self.kind = Some(Kind::Candles);
            return;
        }
        let now = self.interval.unwrap_or(0);
        self.interval = INTERVALS.iter().copied().find(|ticks| *ticks > now);
    }

    /// Fewer prices in sight, each with more room.
    pub fn zoom_in(&mut self, market: &Market) {
        let now = self.in_sight(market);
        if let Some(closer) = ZOOMS.iter().rev().find(|count| **count < now) {
            self.zoom = Some(*closer);
        }
    }

    /// More prices in sight, until all that are kept are.
    pub fn zoom_out(&mut self, market: &Market) {
        let now = self.in_sight(market);
        let kept = market.kept();
        if let Some(farther) = ZOOMS.iter().find(|count| **count > now).filter(|_| now < kept) {
            self.zoom = Some(*farther);
            self.put_right(self.right_index(market), self.in_sight(market), market);
        }
    }

    /// Towards the oldest price: the crosshair where there is one, else what is in sight, by so many prices (`None`:
    /// as many as suit it).
    pub fn left(&mut self, by: Option<usize>, market: &Market) {
        match self.crosshair {
            Some(crosshair) => self.read_off(self.sight.before(crosshair.tick, market), market),
            None => {
                let by = by.unwrap_or_else(|| self.step(market));
                self.go_to(self.right_index(market).saturating_sub(by), market);
            }
        }
    }

    /// Towards the newest price: as [`left`](Self::left), the other way.
    pub fn right(&mut self, by: Option<usize>, market: &Market) {
        match self.crosshair {
            Some(crosshair) => self.read_off(self.sight.after(crosshair.tick, market), market),
            None => {
                let by = by.unwrap_or_else(|| self.step(market));
                self.go_to(self.right_index(market).saturating_add(by), market);
            }
        }
    }

    /// To the oldest prices kept.
    pub fn to_oldest(&mut self, market: &Market) {
        self.go_to(0, market);
        if let Some((crosshair, oldest)) = self.crosshair.as_mut().zip(market.at(0)) {
            crosshair.tick = oldest.last_tick;
        }
    }

    /// To the newest prices, and on with them; where they are in sight already, back to as many as suit the room.
    pub fn to_newest(&mut self, market: &Market) {
        if self.right.is_none() {
            self.zoom = None;
        }
        self.right = None;
        if let Some((crosshair, newest)) = self.crosshair.as_mut().zip(market.last()) {
            crosshair.tick = newest.tick;
        }
    }

    /// A crosshair on the newest price in sight; away with it where there is one.
    pub fn toggle_crosshair(&mut self, market: &Market) {
        let newest = self
            .sight
            .places
            .last()
            .map(|place| place.tick)
            .or_else(|| market.last().map(|last| last.tick));
        self.crosshair = match self.crosshair {
            Some(Crosshair { pinned: true, .. }) => None,
            Some(Crosshair { tick, .. }) => Some(Crosshair { tick, pinned: true }),
            None => newest.map(|tick| Crosshair { tick, pinned: true }),
        };
    }

    /// The mouse is over a cell of the screen: the crosshair follows it over the chart, unless it is pinned.
    pub fn hover(&mut self, column: u16, row: u16) {
        if self.crosshair.is_some_and(|crosshair| crosshair.pinned) {
            return;
        }
        let tick = self.sight.tick_at(column, row);
        self.crosshair = tick.map(|tick| Crosshair { tick, pinned: false });
    }

    /// A cell of the screen is clicked: over the chart the crosshair is pinned there, or let go where it was.
    pub fn click(&mut self, column: u16, row: u16) {
        let Some(tick) = self.sight.tick_at(column, row) else {
            return;
        };
        let here = Some(Crosshair { tick, pinned: true });
        self.crosshair = if self.crosshair == here { None } else { here };
    }

    /// The call for what is before the oldest tick kept, if that is wanted and has not been asked for: what is in sight
    /// begins with it, and there is room for more.
    pub(super) fn wants_older(&mut self, market: &Market) -> Option<Call> {
        let oldest = market.oldest_tick().filter(|_| market.has_room())?;
        let all_in_sight = self.right_index(market) < self.drawn(market);
        let looks_back = self.right.is_some() || self.zoom.is_some_and(|zoom| zoom > market.kept());
        if all_in_sight && looks_back {
            self.past.ask(oldest)
        } else {
            None
        }
    }

    /// Whether a page of what is before the tick `before` is awaited.
    pub(super) fn awaits_older(&self, before: i64) -> bool {
        self.past.awaits(before)
    }

    /// The page that was awaited is in `market`; `more`: there are older ones of its form. What is to be asked at once.
    pub(super) fn older_told(&mut self, market: &Market, more: bool) -> Option<Call> {
        self.past.told(market.oldest_tick()?, more)
    }

    /// There are no older prices than those of `market` that are told one by one.
    pub(super) fn prices_end(&mut self) {
        self.past.prices_end();
    }

    /// Older prices could not be had; unless `for_good`, they may be asked for again.
    pub(super) fn older_failed(&mut self, for_good: bool) {
        self.past.failed(for_good);
    }

    /// Another market's prices follow: nothing of this one is looked at any more.
    pub fn forget_market(&mut self) {
        self.right = None;
        self.crosshair = None;
        self.past = Past::default();
        self.marks.clear();
    }

    /// How many prices are in sight.
    pub(super) fn in_sight(&self, market: &Market) -> usize {
        self.zoom
            .unwrap_or_else(|| self.sight.prices(market))
            .min(market.kept())
    }

    /// How many prices there is room for: where a candle's interval is chosen, fewer than are wanted. The last frame says
    /// so, unless it followed the market and kept places free.
    fn drawn(&self, market: &Market) -> usize {
        let wanted = self.in_sight(market);
        self.right
            .map_or(wanted, |_| wanted.min(self.sight.prices(market)))
    }

    fn step(&self, market: &Market) -> usize {
        self.drawn(market).checked_div(PAN_PART).unwrap_or(0).max(1)
    }

    /// The index of the price at the right end.
    fn right_index(&self, market: &Market) -> usize {
        let newest = market.kept().saturating_sub(1);
        self.right
            .map_or(newest, |tick| market.index_of(tick).min(newest))
    }

    /// Puts the price number `index` at the right end; not so far to the left that room would stay empty.
    fn go_to(&mut self, index: usize, market: &Market) {
        self.put_right(index, self.drawn(market), market);
    }

    /// [`go_to`](Self::go_to) where there is room for so many prices.
    fn put_right(&mut self, index: usize, room: usize, market: &Market) {
        let newest = market.kept().saturating_sub(1);
        let index = index.max(room.saturating_sub(1));
        self.right = if index < newest {
            market.at(index).map(|candle| candle.last_tick)
        } else {
            None
        };
    }

    /// Puts the crosshair on a tick, and the tick in sight.
    fn read_off(&mut self, tick: Option<i64>, market: &Market) {
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
