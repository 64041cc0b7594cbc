//! The prices, reduced to the columns a chart has room for.
//!
//! Owns which prices are in sight, which of them share a column, and where there is a gap. Pure; it knows nothing of
//! rows, cells or colours.

use crate::app::{
    chart::{ChartView, Kind},
    market::{Candle, Market},
    money::UnixMs,
};

/// Most ticks that share a column while nobody chose how many are in sight: past it, the chart scrolls.
const MAX_TICKS_PER_COLUMN: usize = 2;

/// Ticks of a candle; the first one while nobody chose how many are in sight.
const CANDLES: &[usize] = &[5, 10, 15, 30, 60, 120, 300, 600, 1_200];

/// Fewest places: a young chart grows from the left until it fills them.
const MIN_SLOTS: usize = 30;

/// Columns that are left empty where ticks are missing.
const GAP_COLUMNS: usize = 4;

/// The prices of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// Its place, 0 for the oldest.
    pub(super) slot: usize,
    /// Its first price.
    pub(super) first: i32,
    /// Its last price.
    pub(super) last: i32,
    /// Its lowest price.
    pub(super) low: i32,
    /// Its highest price.
    pub(super) high: i32,
    /// The tick of its first price.
    pub(super) since: i64,
    /// The tick of its last price.
    pub(super) tick: i64,
    /// When its first price came into force.
    pub(super) since_at: UnixMs,
    /// When its last price came into force.
    pub(super) at: UnixMs,
    /// Ticks are missing before it.
    pub(super) after_gap: bool,
}

impl Column {
    fn of(candle: &Candle) -> Self {
        Self {
            slot: 0,
            first: candle.open,
            last: candle.close,
            low: candle.low,
            high: candle.high,
            since: candle.first_tick,
            tick: candle.last_tick,
            since_at: candle.since,
            at: candle.until,
            after_gap: false,
        }
    }

    /// Takes prices that came before the others of this column.
    fn take_earlier(&mut self, candle: &Candle) {
        self.first = candle.open;
        self.low = self.low.min(candle.low);
        self.high = self.high.max(candle.high);
        self.since = candle.first_tick;
        self.since_at = candle.since;
    }
}

/// Prices in columns, and the places there are for them: those after the last column are still free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series {
    /// Oldest first.
    pub(super) columns: Vec<Column>,
    /// Places, more than the last column's.
    pub(super) slots: usize,
    /// Ticks that share a column: the fewest and the most, where part of what is in sight is kept as candles.
    pub(super) shared: (i64, i64),
}

impl Series {
    /// The column that a tick is in.
    pub(super) fn column_of(&self, tick: i64) -> Option<&Column> {
        let index = self.columns.partition_point(|column| column.tick < tick);
        self.columns.get(index).filter(|column| column.since <= tick)
    }

    /// The lowest and the highest price of all columns.
    pub(super) fn extremes(&self) -> Option<(i32, i32)> {
        let low = self.columns.iter().map(|column| column.low).min()?;
        let high = self.columns.iter().map(|column| column.high).max()?;
        Some((low, high))
    }
}

/// How many ticks share a column, and how many columns there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    shared: usize,
    room: usize,
}

impl Plan {
    fn of(kind: Kind, view: &ChartView, prices: usize, room: usize) -> Self {
        let zoom = view.zoom;
        let fits = |shared: usize, count: usize| count.div_ceil(shared) <= room;
        let shared = match (kind, zoom) {
            // Where the chosen interval has no room for all that is in sight, the oldest are out of it.
            (Kind::Candles, _) if view.interval.is_some() => view.interval.unwrap_or(1),
            (Kind::Candles, None) => CANDLES.first().copied().unwrap_or(1),
            (Kind::Candles, Some(count)) => CANDLES
                .iter()
                .copied()
                .find(|shared| fits(*shared, count))
                .unwrap_or_else(|| count.div_ceil(room.max(1))),
            (_, None) => prices.div_ceil(room.max(1)).clamp(1, MAX_TICKS_PER_COLUMN),
            (_, Some(count)) => count.div_ceil(room.max(1)).max(1),
        };
        // Candles are slim: where few are wanted, more of them rather than wide gaps.
        let least = if kind == Kind::Candles { room / 2 } else { 1 };
        let room = zoom.map_or(room, |count| count.div_ceil(shared).max(least).min(room));
        Self { shared, room }
    }
}

/// The prices that are in sight, in at most `room` places.
///
/// While the chart follows the market, most ticks only add to the right of what is there: a young chart has places in
/// reserve, and a full one scrolls by an eighth of its width at once. So little is written to the terminal, and the eye
/// keeps its place. Prices share a column by their tick number, so that a column keeps its prices while the chart
/// scrolls.
///
/// Of the part that is kept as candles, none is taken apart: as many of them share a column as prices do elsewhere, or,
/// where an interval is chosen, as many as fit in it, one at least.
pub(super) fn series(market: &Market, view: &ChartView, kind: Kind, room: usize) -> Series {
    let Plan { shared, room } = Plan::of(kind, view, market.kept(), room);
    let shared = i64::try_from(shared).unwrap_or(i64::MAX);
    let by_ticks = kind == Kind::Candles && view.interval.is_some();
    let in_sight = view
        .right
        .map_or(market.kept(), |tick| market.index_of(tick).saturating_add(1));
    let mut columns: Vec<Column> = Vec::with_capacity(room);
    let mut used = 0_usize;
    let mut key = None;
    let mut full = false;
    let mut spans: Option<(i64, i64)> = None;
    for candle in (0..in_sight.min(market.kept()))
        .rev()
        .filter_map(|index| market.at(index))
    {
        // The key's lower bound rather than its number: a comparison is cheaper than a division.
        if key.is_some_and(|key: i64| candle.first_tick >= key) {
            if let Some(column) = columns.last_mut() {
                column.take_earlier(&candle);
            }
            continue;
        }
        let ticks = candle.ticks();
        let span = if by_ticks {
            shared
        } else {
            shared.saturating_mul(ticks)
        }
        .max(1);
        let key_of = |tick: i64| tick.saturating_sub(tick.rem_euclid(span));
        let last_key = key_of(candle.last_tick);
        let gap = key.is_some_and(|key: i64| key.saturating_sub(last_key) > span);
        let needed = used.saturating_add(if gap { GAP_COLUMNS.saturating_add(1) } else { 1 });
        if needed > room {
            full = true;
            break;
        }
        if let Some(column) = columns.last_mut() {
            column.after_gap = gap;
        }
        columns.push(Column::of(&candle));
        used = needed;
        key = Some(key_of(candle.first_tick));
        let span = span.max(ticks);
        spans = spans.map_or(Some((span, span)), |(least, most)| {
            Some((least.min(span), most.max(span)))
        });
    }
    columns.reverse();
    number(&mut columns);
    let slots = match (full, view.right) {
        (false, _) => reserve(used, room),
        (true, Some(_)) => room,
        (true, None) => {
            let newest = market.last().map_or(0, |last| last.tick.div_euclid(shared));
            scroll(&mut columns, used, room.saturating_sub(free_places(newest, room)));
            room
        }
    };
    Series {
        columns,
        slots,
        shared: spans.unwrap_or((shared, shared)),
    }
}

/// Places for a chart of `used` columns that grows: a quarter more now and then.
fn reserve(used: usize, room: usize) -> usize {
    let mut slots = MIN_SLOTS;
    while slots < used {
        slots = slots.saturating_add(slots / 4);
    }
    slots.min(room.max(1))
}

/// Places that a full chart keeps free: none just before it scrolls, an eighth just after.
fn free_places(newest: i64, room: usize) -> usize {
    let step = i64::try_from(room / 8).unwrap_or(i64::MAX).max(1);
    let free = step.saturating_sub(1).saturating_sub(newest.rem_euclid(step));
    usize::try_from(free).unwrap_or(0)
}

/// Drops the oldest of the columns that use `used` places, until `room` suffices.
fn scroll(columns: &mut Vec<Column>, used: usize, room: usize) {
    let gone = used.saturating_sub(room);
    columns.retain(|column| column.slot >= gone);
    for column in columns {
        column.slot = column.slot.saturating_sub(gone);
    }
}

/// Gives each column its place.
fn number(columns: &mut [Column]) {
    let mut next = 0_usize;
    for (index, column) in columns.iter_mut().enumerate() {
        if index == 0 {
            column.after_gap = false;
        } else if column.after_gap {
            next = next.saturating_add(GAP_COLUMNS);
        }
        column.slot = next;
        next = next.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(points: &[(i64, i32)]) -> Market {
        let mut market = Market::default();
        for (tick, price) in points {
            market.take(Some(*tick), *price, UnixMs(*tick), None);
        }
        market
    }

    fn series(market: &Market, room: usize) -> Series {
        super::series(market, &ChartView::default(), Kind::Area, room)
    }

    fn shown(market: &Market, room: usize) -> Vec<(usize, i32, i32, bool)> {
        series(market, room)
            .columns
            .iter()
            .map(|column| (column.slot, column.low, column.high, column.after_gap))
            .collect()
    }

    #[test]
    fn no_prices_are_no_columns() {
        assert_eq!(shown(&market(&[]), 10), []);
        assert_eq!(shown(&market(&[(1, 5)]), 0), []);
    }

    #[test]
    fn few_prices_have_a_column_each() {
        let market = market(&[(7, 10), (8, 12), (9, 11)]);
        assert_eq!(
            shown(&market, 3),
            [(0, 10, 10, false), (1, 12, 12, false), (2, 11, 11, false)]
        );
    }

    #[test]
    fn many_prices_share_columns_and_keep_their_extremes() {
        let market = market(&[(0, 10), (1, 30), (2, 5), (3, 7), (4, 8)]);
        assert_eq!(
            shown(&market, 3),
            [(0, 10, 30, false), (1, 5, 7, false), (2, 8, 8, false)]
        );
        let shared = series(&market, 3).columns;
        assert_eq!((shared[0].first, shared[0].last), (10, 30));
    }

    #[test]
    fn the_oldest_are_left_out_when_there_is_no_room() {
        let points: Vec<_> = (0..100).map(|tick| (tick, 1)).collect();
        let series = series(&market(&points), 10);
        assert_eq!((series.columns.len(), series.slots), (10, 10));
        assert_eq!(series.columns.last().map(|column| column.at), Some(UnixMs(99)));
    }

    #[test]
    fn most_ticks_move_nothing() {
        let room = 80;
        let mut market = market(&[]);
        let (mut moved, mut before) = (0, series(&market, room));
        for tick in 0..400 {
            market.take(Some(tick), 10, UnixMs(0), None);
            let after = series(&market, room);
            let kept = before
                .columns
                .iter()
                .zip(&after.columns)
                .all(|(a, b)| a.slot == b.slot);
            moved +=
                u32::from(!kept || before.slots != after.slots || before.columns.len() > after.columns.len());
            assert!(after.columns.last().is_some_and(|last| last.slot < after.slots));
            before = after;
        }
        assert!(moved < 30, "{moved}");
    }

    #[test]
    fn a_young_chart_has_places_in_reserve() {
        let slots = [0, 1, 30, 31, 37, 38, 79, 80].map(|used| reserve(used, 80));
        assert_eq!(slots, [30, 30, 30, 37, 37, 46, 80, 80]);
        assert_eq!(reserve(5, 0), 1);
    }

    #[test]
    fn missing_ticks_leave_a_gap_of_fixed_width() {
        let market = market(&[(1, 10), (2, 11), (5_000, 12)]);
        assert_eq!(
            shown(&market, 20),
            [(0, 10, 10, false), (1, 11, 11, false), (6, 12, 12, true)]
        );
        assert_eq!(shown(&market, 3), [(0, 12, 12, false)]);
    }
}
