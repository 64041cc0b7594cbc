//! The chart: the price over time, as large as there is room for.
//!
//! Owns what of the prices is shown and how: the price axis on the right as traders have it, the last price tagged,
//! the average cost as a line of its own, high and low marked, times below. The prices are the market's.
//!
//! ```text
//! ╭ Price ────────────────────── ▲ +12 +48.0 % in 2 min ╮    small: a sparkline
//! │           high 51                                   │      ▂▃▅▆▇█▇▆▅▃▂▁▂▃▄▅▆▇
//! │            ⢀⠔⠢⡀                                   50 │
//! │ ⠒⠒ ⠒⠒ ⠒⠒ ⢠⠃⠒⠒ ⠘⡄ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒  avg 42.50 │
//! │ ⠈ ⠈ ⠈ ⢀⠎⠈ ⠈ ⠈ ⠘⢄⡠⠊⠉⠈ ⠈ ⠈ ⠈ ⠈ ⠈ ⠈ ⠈ ⠈ ⠈ ⠈ ⠈ ⠈ [▲ 37] │
//! │ ⠤⠔⠒⠉⠁                                            30 │
//! │ 14:01:02            14:02:02               14:03:02 │
//! ╰─────────────────────────────────────────────────────╯
//! ```

mod axis;
mod plot;
mod scale;
mod series;
mod spark;

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Color,
    text::Line,
};

use super::{
    View, format,
    layout::{Desk, Size},
    panel,
    status::{self, Status},
    text,
};
use crate::app::{
    AppState,
    money::{Centitokens, Permille},
    wallet::Wallet,
};
use axis::Axis;
use plot::{Across, DOTS_ACROSS, DOTS_DOWN, Picture};
use scale::Scale;
use series::{Column, Series};

/// Rows from which a chart with axes is drawn rather than a sparkline.
const MIN_CHART_ROWS: u16 = 6;

/// Draws the chart.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) {
    let status = Status::of(view, state);
    let inner = if desk.size == Size::Small {
        desk.chart.inner(Margin::new(1, 0))
    } else {
        let framed = panel::framed(view, "Price", aside(view, state, &status, desk), desk.chart, buf);
        // The axis comes up to the border: its labels bring their own space.
        Rect {
            width: framed.width.saturating_add(1),
            ..framed
        }
    };
    if state.market.last().is_none() {
        waiting(view, state, &status, inner, buf);
    } else if inner.height >= MIN_CHART_ROWS {
        with_axes(view, state, &status, inner, buf);
    } else {
        spark::draw(view, state, &status, inner, buf);
    }
    banner(view, state, inner, buf);
}

/// Before the first price.
fn waiting(view: &View, state: &AppState, status: &Status, area: Rect, buf: &mut Buffer) {
    let mut lines = vec![panel::styled("Waiting for the first price", view.theme.strong)];
    if status.in_force {
        let table = text::harmless(&state.seat.table);
        lines.push(panel::styled(format!("seated at {table}"), view.theme.dim));
    } else {
        lines.push(status.line(usize::from(area.width)));
    }
    panel::centred(lines, area, buf);
}

/// Why the stream is lost, over the top of the chart.
fn banner(view: &View, state: &AppState, area: Rect, buf: &mut Buffer) {
    let Some(why) = status::loss(state).filter(|_| area.height >= 3) else {
        return;
    };
    let why = text::harmless(why);
    let columns = usize::from(area.width).saturating_sub(2);
    let long = format!("connection lost: {why}");
    let words = text::fit(&[&long, &why], columns);
    let words = panel::styled(format!(" {words} "), view.theme.alarm);
    panel::over(view, words, panel::row(area, 0), buf);
}

/// The move over all that the chart shows.
fn aside(view: &View, state: &AppState, status: &Status, desk: &Desk) -> Option<Line<'static>> {
    let room = desk.chart.width.saturating_mul(DOTS_ACROSS).into();
    let columns = series::series(&state.market, room).columns;
    let (first, last) = (columns.first()?, columns.last()?);
    let ms = last.at.since_ms(first.at);
    if columns.len() < 3 || ms < 1000 {
        return None;
    }
    let by = i64::from(last.last).saturating_sub(i64::from(first.first));
    let (moved, percent) = format::moved(by, Permille::of(by, i64::from(first.first)));
    let span = format::age(ms);
    let words = if percent.is_empty() {
        format!(" {moved} in {span} ")
    } else {
        format!(" {moved}  {percent}  in {span} ")
    };
    let style = if status.in_force {
        view.theme.moved(by)
    } else {
        view.theme.dim
    };
    Some(panel::styled(words, style))
}

/// The chart with its axes.
fn with_axes(view: &View, state: &AppState, status: &Status, area: Rect, buf: &mut Buffer) {
    let average = state.holdings.wallet().and_then(Wallet::average_cost);
    let room = usize::from(area.width.saturating_mul(DOTS_ACROSS));
    let gutter = axis::columns(&series::series(&state.market, room).columns, average).min(area.width / 2);
    let plot = Rect {
        width: area.width.saturating_sub(gutter),
        height: area.height.saturating_sub(1),
        ..area
    };
    let dots_across = plot.width.saturating_mul(DOTS_ACROSS);
    let Series { columns, slots } = series::series(&state.market, usize::from(dots_across));
    let (Some(first), Some(last)) = (columns.first(), columns.last()) else {
        return;
    };
    let (low, high) = extremes(&columns, first);
    let scale = Scale::new(low, high, plot.height.saturating_mul(DOTS_DOWN));
    let across = Across::new(slots, dots_across);
    let average = average.map(|average| (average, scale.shows(average)));
    let colors = &view.theme.chart;
    let line_color = match (status.in_force, last.last >= first.first) {
        (false, _) => colors.old,
        (true, true) => colors.up,
        (true, false) => colors.down,
    };
    Picture {
        ground: view.theme.text.bg.unwrap_or(Color::Reset),
        line: (trace(&columns, &across, &scale), line_color),
        fill: colors.fill.filter(|_| columns.len() > 1),
        level: (scale.dot(last.last), colors.level),
        average: average
            .filter(|(_, shown)| *shown)
            .map(|(average, _)| (scale.dot_of_hundredths(average), colors.average)),
    }
    .paint(plot, buf);
    Axis {
        view,
        plot,
        gutter,
        scale: &scale,
        across: &across,
        columns: &columns,
    }
    .draw(status, state.market.change(), average, buf);
}

fn trace(columns: &[Column], across: &Across, scale: &Scale) -> Vec<(usize, usize)> {
    plot::trace(columns, across, |price| scale.dot(price))
}

/// The lowest and the highest price of all columns.
fn extremes(columns: &[Column], first: &Column) -> (i32, i32) {
    columns
        .iter()
        .fold((first.low, first.high), |(low, high), column| {
            (low.min(column.low), high.max(column.high))
        })
}

/// A price in hundredths, as averages are.
fn hundredths(price: i32) -> Centitokens {
    Centitokens(i64::from(price).saturating_mul(100))
}
