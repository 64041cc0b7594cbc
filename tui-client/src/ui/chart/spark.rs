//! The small form of the chart: bars of block letters, a column a tick.
//!
//! Owns how prices become heights. The axis is left out; the header has the price.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    widgets::{Sparkline, Widget},
};

use super::series;
use crate::{
    app::AppState,
    ui::{View, status::Status},
};

/// Heights of one cell.
const STEPS: i64 = 8;

/// Draws the bars, newest on the right.
pub(super) fn draw(view: &View, state: &AppState, status: &Status, area: Rect, buf: &mut Buffer) {
    let columns = series::series(&state.market, usize::from(area.width)).columns;
    let (Some(low), Some(high), Some(first), Some(last)) = (
        columns.iter().map(|column| column.low).min(),
        columns.iter().map(|column| column.high).max(),
        columns.first(),
        columns.last(),
    ) else {
        return;
    };
    let colors = &view.theme.chart;
    let color = match (status.in_force, last.last >= first.first) {
        (false, _) => colors.old,
        (true, true) => colors.up,
        (true, false) => colors.down,
    };
    let most = i64::from(area.height).saturating_mul(STEPS);
    let mut bars: Vec<u64> = vec![0; columns.last().map_or(0, |last| last.slot.saturating_add(1))];
    for column in &columns {
        if let Some(bar) = bars.get_mut(column.slot) {
            *bar = height(column.last, low, high, most);
        }
    }
    Sparkline::default()
        .data(bars)
        .max(u64::try_from(most).unwrap_or(1))
        .style(Style::new().fg(color))
        .render(area, buf);
}

/// The height of a price between the lowest, which is 1, and the highest, which is `most`; half where they are one.
fn height(price: i32, low: i32, high: i32, most: i64) -> u64 {
    let above = i64::from(price).saturating_sub(i64::from(low));
    let span = i64::from(high).saturating_sub(i64::from(low));
    let height = above
        .saturating_mul(most.saturating_sub(1))
        .checked_div(span)
        .map_or(most / 2, |height| height.saturating_add(1));
    u64::try_from(height).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_fill_the_rows() {
        let cases = [
            (10, 10, 20, 24, 1),
            (20, 10, 20, 24, 24),
            (15, 10, 20, 24, 12),
            (7, 7, 7, 24, 12),
            (i32::MAX, 1, i32::MAX, 24, 24),
        ];
        for (price, low, high, most, shown) in cases {
            assert_eq!(
                height(price, low, high, most),
                shown,
                "{price} of {low} to {high}"
            );
        }
    }
}
