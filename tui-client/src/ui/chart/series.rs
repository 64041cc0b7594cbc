//! Reduces the price history to the columns of a chart.

use crate::app::chart::{ChartKind, ChartView};
use crate::app::prices::{Candle, PriceHistory};

/// Most ticks per column with automatic zoom; with more, the chart scrolls.
const MAX_TICKS_PER_COLUMN: usize = 2;

/// Ticks per candle; automatic zoom uses the first.
const CANDLES: [usize; 9] = [5, 10, 15, 30, 60, 120, 300, 600, 1_200];

/// Fewest slots: a new chart grows from the left until it fills them.
const MIN_SLOTS: usize = 30;

/// Empty columns for missing ticks.
const GAP_COLUMNS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// Position in the chart; 0 is the oldest.
    pub(super) slot: usize,
    pub(super) candle: Candle,
    /// Whether ticks are missing before this column.
    pub(super) after_gap: bool,
}

impl Column {
    fn prepend(&mut self, older: &Candle) {
        self.candle = Candle {
            first_tick: older.first_tick,
            open: older.open,
            low: self.candle.low.min(older.low),
            high: self.candle.high.max(older.high),
            since: older.since,
            ..self.candle
        };
    }
}

/// Price columns and the number of slots; those after the last column are free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series {
    /// Oldest first.
    pub(super) columns: Vec<Column>,
    pub(super) slots: usize,
    /// Fewest and most ticks per column; they differ where old prices are stored as candles.
    pub(super) shared: (i64, i64),
}

impl Series {
    pub(super) fn column_of(&self, tick: i64) -> Option<&Column> {
        let ends_before = |column: &Column| column.candle.last_tick < tick;
        let column = self.columns.get(self.columns.partition_point(ends_before));
        column.filter(|column| column.candle.first_tick <= tick)
    }

    pub(super) fn price_range(&self) -> Option<(i32, i32)> {
        let low = self.columns.iter().map(|column| column.candle.low).min()?;
        let high = self.columns.iter().map(|column| column.candle.high).max()?;
        Some((low, high))
    }
}

/// Returns the ticks per column so that the zoomed range, or else all `prices`, fit in `room` columns.
fn ticks_per_column(kind: ChartKind, view: &ChartView, prices: usize, room: usize) -> usize {
    let count = view.zoom.unwrap_or(prices);
    let fitting = count.div_ceil(room.max(1));
    match (kind, view.interval, view.zoom) {
        // The visible range is cut to the columns that fit.
        (ChartKind::Candles, Some(interval), _) => interval,
        (ChartKind::Candles, None, None) => CANDLES[0],
        (ChartKind::Candles, None, Some(_)) => {
            let mut candles = CANDLES.into_iter();
            candles.find(|ticks| *ticks >= fitting).unwrap_or(fitting)
        }
        (_, _, None) => fitting.clamp(1, MAX_TICKS_PER_COLUMN),
        (_, _, Some(_)) => fitting.max(1),
    }
}

/// Returns the visible prices in at most `room` slots.
///
/// While the chart follows the market, most ticks only extend it on the right: a new chart has spare slots,
/// and a full one scrolls by an eighth of its width. This keeps terminal output small. Columns are aligned to
/// tick numbers, so that their prices do not change when the chart scrolls. A stored candle is never
/// split: with a chosen interval, a column has as many as fit, at least one.
pub(super) fn series(market: &PriceHistory, view: &ChartView, kind: ChartKind, room: usize) -> Series {
    let shared = ticks_per_column(kind, view, market.kept(), room);
    // Candles are narrow: show more of them rather than leave wide gaps.
    let least = if kind == ChartKind::Candles { room / 2 } else { 1 };
    let room = view
        .zoom
        .map_or(room, |count| count.div_ceil(shared).max(least).min(room));
    let shared = i64::try_from(shared).unwrap_or(i64::MAX);
    let by_ticks = kind == ChartKind::Candles && view.interval.is_some();
    let visible = view
        .right
        .map_or(market.kept(), |tick| market.index_of(tick).saturating_add(1));
    let mut columns: Vec<Column> = Vec::with_capacity(room);
    // Slots from the newest to the oldest column.
    let mut used = 0;
    let mut key = None;
    let mut full = false;
    let mut spans: Option<(i64, i64)> = None;
    let newest_first = (0..visible.min(market.kept())).rev();
    for candle in newest_first.filter_map(|index| market.at(index)) {
        // Compares lower bounds, as a division per candle costs more.
        if key.is_some_and(|key: i64| candle.first_tick >= key) {
            if let Some(column) = columns.last_mut() {
                column.prepend(&candle);
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
        let needed = used + if gap { GAP_COLUMNS + 1 } else { 1 };
        if needed > room {
            full = true;
            break;
        }
        if let Some(column) = columns.last_mut() {
            column.after_gap = gap;
        }
        columns.push(Column {
            slot: needed,
            candle,
            after_gap: false,
        });
        used = needed;
        key = Some(key_of(candle.first_tick));
        let span = span.max(ticks);
        let (least, most) = spans.unwrap_or((span, span));
        spans = Some((least.min(span), most.max(span)));
    }
    if full && view.right.is_none() {
        let newest = market.last().map_or(0, |last| last.tick.div_euclid(shared));
        used = used.min(room.saturating_sub(free_slots(newest, room)));
    }
    let slots = if full { room } else { reserve(used, room) };
    Series {
        columns: left_to_right(columns, used),
        slots,
        shared: spans.unwrap_or((shared, shared)),
    }
}

/// Returns the columns in the last `used` slots, counted from the left now.
fn left_to_right(mut columns: Vec<Column>, used: usize) -> Vec<Column> {
    columns.retain(|column| column.slot <= used);
    columns.reverse();
    for column in &mut columns {
        column.slot = used - column.slot;
    }
    columns
}

/// Returns the slots of a growing chart: a quarter more than `used`, in steps.
fn reserve(used: usize, room: usize) -> usize {
    let mut slots = MIN_SLOTS;
    while slots < used {
        slots += slots / 4;
    }
    slots.min(room.max(1))
}

/// Returns the free slots of a full chart: an eighth after scrolling, 0 just before.
fn free_slots(newest: i64, room: usize) -> usize {
    let step = i64::try_from(room / 8).unwrap_or(i64::MAX).max(1);
    usize::try_from(step - 1 - newest.rem_euclid(step)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::portfolio::money::UnixMillis;

    fn market(points: &[(i64, i32)]) -> PriceHistory {
        let mut market = PriceHistory::default();
        for (tick, price) in points {
            market.push(Some(*tick), *price, UnixMillis(*tick), None);
        }
        market
    }

    fn series(market: &PriceHistory, room: usize) -> Series {
        super::series(market, &ChartView::default(), ChartKind::Area, room)
    }

    fn shown(market: &PriceHistory, room: usize) -> Vec<(usize, i32, i32, bool)> {
        series(market, room)
            .columns
            .iter()
            .map(
                |Column {
                     slot,
                     candle,
                     after_gap,
                 }| (*slot, candle.low, candle.high, *after_gap),
            )
            .collect()
    }

    #[test]
    fn no_prices_or_no_room_give_no_columns() {
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
    fn shared_columns_keep_the_lowest_and_highest_price() {
        let market = market(&[(0, 10), (1, 30), (2, 5), (3, 7), (4, 8)]);
        assert_eq!(
            shown(&market, 3),
            [(0, 10, 30, false), (1, 5, 7, false), (2, 8, 8, false)]
        );
        let shared = series(&market, 3).columns;
        assert_eq!((shared[0].candle.open, shared[0].candle.close), (10, 30));
    }

    #[test]
    fn the_oldest_prices_are_dropped_without_room() {
        let points: Vec<_> = (0..100).map(|tick| (tick, 1)).collect();
        let series = series(&market(&points), 10);
        assert_eq!((series.columns.len(), series.slots), (10, 10));
        assert_eq!(
            series.columns.last().map(|column| column.candle.until),
            Some(UnixMillis(99))
        );
    }

    #[test]
    fn most_ticks_do_not_move_existing_columns() {
        let room = 80;
        let mut market = market(&[]);
        let (mut moved, mut before) = (0, series(&market, room));
        for tick in 0..400 {
            market.push(Some(tick), 10, UnixMillis(0), None);
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
    fn a_growing_chart_has_spare_slots() {
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
