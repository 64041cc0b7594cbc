//! The chart: the price over time, as large as there is room for.
//!
//! Owns what of the prices is shown and how: the price axis on the right as traders have it, the last price tagged,
//! the average cost as a line of its own, high and low and the player's own trades marked, times below. The prices are
//! the market's, and how they are looked at is the state's.
//!
//! ```text
//! ╭ Price ────────────────────── ▲ +12 +48.0 % in 2 min ╮    small: without axes
//! │           high 51                                   │      ▂▃▅▆▇█▇▆▅▃▂▁▂▃▄▅▆▇
//! │            ⢀⠔⠢⡀   ▼                              50 │
//! │ ⠒⠒ ⠒⠒ ⠒⠒ ⢠⠃⠒⠒ ⠘⡄ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒  avg 42.50 │
//! │ ⠁⠁⠁⠁⠁⠁⢀⠎⠁⠁⠁⠁⠁⠘⢄⡠⠊⠉⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁ [▲ 37] │
//! │ ⠤⠔⠒⠉⠁     ▲                                      30 │
//! │ 14:01:02            14:02:02               14:03:02 │
//! ╰─────────────────────────────────────────────────────╯
//! ```

mod axis;
mod bars;
mod candles;
mod cross;
mod dots;
mod marks;
mod plot;
mod scale;
mod series;

use std::borrow::Cow;

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Style,
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
    chart::{Area, Kind, Place, Sight},
    market::PricePoint,
    money::{Centitokens, Permille},
    wallet::Wallet,
};
use axis::Figures;
use dots::Ink;
use plot::Across;
use scale::Scale;
use series::Series;

/// Rows from which a chart has axes.
const MIN_CHART_ROWS: u16 = 6;

/// Rows that the words about a lost stream may cover.
const BANNER_ROWS: usize = 4;

/// Draws the chart; gives back where its prices stand.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) -> Sight {
    let status = Status::of(view, state);
    let framed = desk.size != Size::Small;
    let inner = if framed {
        // The axis comes up to the border: its labels bring their own space.
        let inner = desk.chart.inner(Margin::new(2, 1));
        Rect {
            width: inner.width.saturating_add(1),
            ..inner
        }
    } else {
        desk.chart.inner(Margin::new(1, 0))
    };
    let picture = state
        .market
        .last()
        .and_then(|last| Picture::of(view, state, &status, inner, last));
    if framed {
        let title = title(state, picture.as_ref());
        // Corners, and the spaces around the title.
        let taken = text::width(&title).saturating_add(6);
        let room = usize::from(desk.chart.width).saturating_sub(taken);
        let readout = picture.as_ref().and_then(|picture| picture.readout(room));
        let aside = readout.or_else(|| picture.as_ref().and_then(Picture::moved));
        panel::framed(view, &title, aside, desk.chart, buf);
    }
    match &picture {
        None => waiting(view, state, &status, inner, buf),
        Some(picture) => {
            picture.paint(buf);
            if !framed && let Some(readout) = picture.readout(usize::from(inner.width)) {
                panel::over(view, readout, panel::row(inner, 0), buf);
            }
        }
    }
    banner(view, state, inner, buf);
    picture.map_or_else(Sight::default, |picture| picture.sight())
}

/// The panel's name, and what of the prices it shows where that is not the usual.
fn title(state: &AppState, picture: Option<&Picture<'_>>) -> Cow<'static, str> {
    let candles = picture.filter(|picture| picture.kind == Kind::Candles);
    let ticks = candles.map(|picture| {
        let auto = if state.chart.interval.is_some() {
            ""
        } else {
            " (auto)"
        };
        match picture.series.shared {
            (least, most) if least == most => format!(", {most} ticks a candle{auto}"),
            (least, most) => format!(", {least} to {most} ticks a candle"),
        }
    });
    let back = if state.chart.right.is_some() {
        ", back in time"
    } else {
        ""
    };
    match ticks {
        None if back.is_empty() => Cow::Borrowed("Price"),
        ticks => Cow::Owned(format!("Price{}{back}", ticks.unwrap_or_default())),
    }
}

/// Before the first price.
fn waiting(view: &View, state: &AppState, status: &Status, area: Rect, buf: &mut Buffer) {
    let mut lines = vec![panel::styled("Waiting for the first price", view.theme.strong)];
    if status.in_force {
        let table = text::harmless(&state.session.seat.table);
        lines.push(panel::styled(format!("seated at {table}"), view.theme.dim));
    } else {
        lines.push(status.line(usize::from(area.width)));
    }
    panel::centred(lines, area, buf);
}

/// Why there is no stream, over the top of the chart: in a few rows, where one does not take it.
fn banner(view: &View, state: &AppState, area: Rect, buf: &mut Buffer) {
    let Some((what, why)) = status::loss(state).filter(|_| area.height >= 3) else {
        return;
    };
    let why = text::harmless(why);
    let columns = usize::from(area.width).saturating_sub(2);
    let long = format!("{what}: {why}");
    let rows = usize::from(area.height / 2).min(BANNER_ROWS);
    let short = [&long, &*why]
        .into_iter()
        .find(|words| text::width(words) <= columns);
    let mut lines = short.map_or_else(|| text::wrap(&long, columns, 0), |words| vec![words.to_owned()]);
    if lines.len() > rows {
        lines.truncate(rows);
        if let Some(last) = lines.last_mut() {
            *last = text::truncate(&format!("{last} …"), columns).into_owned();
        }
    }
    for (line, row) in lines.iter().zip(0..) {
        let words = panel::styled(format!(" {line} "), view.theme.alarm);
        panel::over(view, words, panel::row(area, row), buf);
    }
}

/// The prices in sight, and all that has to be known to paint them.
struct Picture<'a> {
    view: &'a View,
    state: &'a AppState,
    status: &'a Status,
    kind: Kind,
    /// Where the prices are painted.
    plot: Rect,
    /// Columns of the price axis right of it; without axes, none.
    gutter: u16,
    series: Series,
    scale: Scale,
    across: Across,
}

impl<'a> Picture<'a> {
    /// The picture in `area`; `None` without prices.
    fn of(
        view: &'a View,
        state: &'a AppState,
        status: &'a Status,
        area: Rect,
        last: PricePoint,
    ) -> Option<Self> {
        let axes = area.height >= MIN_CHART_ROWS;
        let usual = if axes { Kind::Area } else { Kind::Bars };
        let kind = state.chart.kind.unwrap_or(usual);
        let (per_column, per_row) = match kind {
            Kind::Area | Kind::Line => view.markers.dots(),
            Kind::Candles => (1, 2),
            Kind::Bars => (1, bars::STEPS),
        };
        let room = |width: u16| match kind {
            Kind::Candles => width.div_ceil(2),
            Kind::Area | Kind::Line | Kind::Bars => width.saturating_mul(per_column),
        };
        let series = |width: u16| series::series(&state.market, &state.chart, kind, usize::from(room(width)));
        let mut plot = area;
        let mut gutter = 0;
        if axes {
            let seen = series(area.width);
            gutter = axis::columns(&seen, state, last).min(area.width / 2);
            plot.width = area.width.saturating_sub(gutter);
            plot.height = area.height.saturating_sub(1);
        }
        let series = series(plot.width);
        let (low, high) = series.extremes()?;
        let scale = if axes {
            Scale::new(low, high, plot.height, per_row)
        } else {
            Scale::tight(low, high, plot.height, per_row)
        };
        let across = match kind {
            Kind::Area | Kind::Line => Across::Spread {
                slots: series.slots,
                dots: room(plot.width),
                per_cell: per_column,
            },
            Kind::Candles | Kind::Bars => Across::Pitch(pitch(kind, plot.width, series.slots)),
        };
        Some(Self {
            view,
            state,
            status,
            kind,
            plot,
            gutter,
            series,
            scale,
            across,
        })
    }

    /// Paints prices, axes, marks and what is read off, the later ones over the earlier ones.
    fn paint(&self, buf: &mut Buffer) {
        self.lines_behind(buf);
        self.draw_crosshair_line(buf);
        let (plot, theme) = (self.plot, &self.view.theme);
        let colors = &theme.chart;
        let columns = &self.series.columns;
        match self.kind {
            Kind::Area | Kind::Line => {
                let line = plot::trace(columns, &self.across, |price| self.scale.dot(price));
                plot::line(&line, self.line_style(), self.view.markers, plot, buf);
            }
            Kind::Candles => {
                let styles = if self.status.in_force {
                    (colors.up, colors.down)
                } else {
                    (colors.old, colors.old)
                };
                candles::draw(
                    columns,
                    &self.across,
                    &self.scale,
                    styles,
                    self.view.markers,
                    plot,
                    buf,
                );
            }
            Kind::Bars => bars::draw(columns, &self.across, &self.scale, self.line_style(), plot, buf),
        }
        if self.gutter > 0 {
            self.draw_axes(buf);
        }
        self.draw_marks(buf);
        self.draw_crosshair(buf);
    }

    /// What lies behind the prices: the area under the line, the level of the last price, the average cost.
    fn lines_behind(&self, buf: &mut Buffer) {
        let (plot, markers) = (self.plot, self.view.markers);
        let colors = &self.view.theme.chart;
        let columns = &self.series.columns;
        if self.kind == Kind::Area && columns.len() > 1 {
            let line = plot::trace(columns, &self.across, |price| self.scale.dot(price));
            plot::fill(&line, colors.fill, markers, plot, buf);
        }
        if self.gutter == 0 {
            return;
        }
        let down = markers.dots().1;
        // The rows of the lines behind are those of the scale, whatever the prices are painted with.
        let dot = |price: Centitokens| {
            let dot = self.scale.dot_of_hundredths(price);
            dot.saturating_mul(usize::from(down))
                .checked_div(usize::from(self.scale.per_row()))
                .unwrap_or(0)
        };
        let last = self.last();
        if self.scale.shows(last) {
            plot::row(dot(last), Ink::Level, colors.level, markers, plot, buf);
        }
        if let Some(average) = self.average().filter(|average| self.scale.shows(*average)) {
            plot::row(dot(average), Ink::Average, colors.average, markers, plot, buf);
        }
    }

    /// The style of a line that shows all the prices in sight.
    fn line_style(&self) -> Style {
        let colors = &self.view.theme.chart;
        let ends = self.series.columns.first().zip(self.series.columns.last());
        let rises = ends.is_none_or(|(first, last)| last.last >= first.first);
        match (self.status.in_force, rises) {
            (false, _) => colors.old,
            (true, true) => colors.up,
            (true, false) => colors.down,
        }
    }

    /// The price in force, in hundredths.
    fn last(&self) -> Centitokens {
        hundredths(self.state.market.last().map_or(1, |last| last.price))
    }

    fn average(&self) -> Option<Centitokens> {
        self.state.holdings.wallet().and_then(Wallet::average_cost)
    }

    fn figures(&self) -> Figures {
        Figures::of(&self.series, self.state)
    }

    /// The move over all that is in sight.
    fn moved(&self) -> Option<Line<'static>> {
        let columns = &self.series.columns;
        let (first, last) = (columns.first()?, columns.last()?);
        let ms = last.at.since_ms(first.since_at);
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
        let style = if self.status.in_force {
            self.view.theme.moved(by)
        } else {
            self.view.theme.dim
        };
        Some(panel::styled(words, style))
    }

    /// Where the prices stand.
    fn sight(&self) -> Sight {
        let Rect { x, y, width, height } = self.plot;
        let places = self.series.columns.iter().map(|column| Place {
            column: x.saturating_add(self.across.cell(column)),
            tick: column.tick,
        });
        Sight {
            kind: self.kind,
            area: Area { x, y, width, height },
            first: self.series.columns.first().map_or(0, |column| column.since),
            places: places.collect(),
        }
    }
}

/// Cells from one candle or bar to the next, so that `slots` of them fill `width`.
fn pitch(kind: Kind, width: u16, slots: usize) -> u16 {
    let slots = u16::try_from(slots.max(1)).unwrap_or(u16::MAX);
    let least = if kind == Kind::Candles { 2 } else { 1 };
    width.checked_div(slots).unwrap_or(least).max(least)
}

/// A price in hundredths, as averages are.
fn hundredths(price: i32) -> Centitokens {
    Centitokens(i64::from(price).saturating_mul(100))
}
