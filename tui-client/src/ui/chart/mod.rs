//! The price chart: price axis on the right, times below, last price, average cost, resting orders, high, low and own
//! trades.
//! It uses all the room that the layout leaves.
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
mod crosshair;
mod dot_grid;
mod line;
mod orders;
mod scale;
mod series;
mod trade_markers;

use axis::PriceFormat;
use dot_grid::Layer;
use line::ColumnSpacing;
use orders::OrderTag;
use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Text};
use ratatui::widgets::Widget;
use scale::Scale;
use series::Series;

use super::layout::{LayoutSize, MainLayout};
use super::{Renderer, text};
use crate::app::AppState;
use crate::app::chart::{ChartKind, ColumnSlot, HitMap};
use crate::app::portfolio::money::{Centitokens, Permille};
use crate::app::portfolio::wallet::Wallet;
use crate::app::prices::PricePoint;
use crate::ui::overlay::tour;
use crate::ui::panels::connection::{self, Status};
use crate::ui::panels::toast::{self, PlacedLine};
use crate::ui::text::format;
use crate::ui::widgets::panel;

/// Fewest rows for a chart with axes.
const MIN_CHART_ROWS: u16 = 6;

/// Most rows of the connection-lost message.
const BANNER_ROWS: usize = 4;

/// Draws the chart with toasts and tour over it, and returns the positions of its prices.
pub(super) fn draw(view: &Renderer, state: &AppState, layout: &MainLayout, buf: &mut Buffer) -> HitMap {
    let framed = layout.size != LayoutSize::Small;
    let mut inner = layout.chart.inner(Margin::new(1, u16::from(framed)));
    if framed {
        // On the right, the labels of the axis bring their own padding.
        inner.x += 1;
        inner.width = inner.width.saturating_sub(1);
    }
    let mut chart = ChartFrame::new(view, state, inner);
    let bubble = tour::bubble(state, layout);
    let bubble_area = bubble.as_ref().map(|bubble| bubble.area);
    let mut messages = banner(state, inner);
    let tags = chart.iter().flat_map(|chart| &chart.orders).map(|tag| tag.area);
    let banner_areas = messages.iter().map(|line| line.area);
    let taken: Vec<Rect> = tags.chain(banner_areas).chain(bubble_area).collect();
    messages.extend(toast::place(state, layout, &taken));
    let status_line = chart.as_ref().filter(|_| !framed);
    let status_line = status_line.and_then(|chart| chart.status_line(usize::from(inner.width)));
    if let Some(chart) = &mut chart {
        let top = panel::row(inner, 0);
        let status_area = status_line.as_ref().map(|line| Rect {
            width: text::cells(line.width()).min(top.width),
            ..top
        });
        let covered = messages.iter().map(|line| line.area);
        chart.cover(covered.chain(bubble_area).chain(status_area));
    }
    if framed {
        let title = title(state, chart.as_ref());
        // Corners, and the spaces around the title.
        let room = usize::from(layout.chart.width).saturating_sub(text::width(&title) + 6);
        let readout = chart.as_ref().and_then(|chart| chart.status_line(room));
        let aside = readout.or_else(|| chart.as_ref().and_then(ChartFrame::change_line));
        panel::framed(view, &title, aside, layout.chart, buf);
    }
    match &chart {
        None => waiting(view, state, inner, buf),
        Some(chart) => {
            chart.paint(buf);
            if let Some(line) = status_line {
                panel::draw_over(view, line, panel::row(inner, 0), buf);
            }
        }
    }
    toast::draw(view, messages, buf);
    if let Some(bubble) = bubble {
        tour::draw(view, bubble, layout, buf);
    }
    chart.map_or_else(HitMap::default, |chart| chart.hit_map())
}

/// Returns the panel title, with any chart setting that is not the default.
fn title(state: &AppState, chart: Option<&ChartFrame<'_>>) -> String {
    let mut title = "Price".to_owned();
    if let Some(chart) = chart.filter(|chart| chart.kind == ChartKind::Candles) {
        title += &match chart.series.shared {
            (least, most) if least != most => format!(", {least} to {most} ticks per candle"),
            (_, ticks) if state.chart.interval.is_some() => format!(", {ticks} ticks per candle"),
            (_, ticks) => format!(", {ticks} ticks per candle (auto)"),
        };
    }
    if state.chart.right.is_some() {
        title += ", history";
    }
    title
}

fn waiting(view: &Renderer, state: &AppState, area: Rect, buf: &mut Buffer) {
    let status = Status::new(view, state);
    let connection = if status.is_current {
        let server = text::sanitize(&state.session.info.server);
        panel::styled(format!("connected to {server}"), view.theme.dim)
    } else {
        status.line(usize::from(area.width))
    };
    let lines = [
        panel::styled("Waiting for the first price", view.theme.strong),
        connection,
    ];
    let area = panel::centered(area, usize::from(area.width), lines.len());
    Text::from_iter(lines).centered().render(area, buf);
}

/// Returns the reason for a lost connection, for the top of the chart.
fn banner(state: &AppState, area: Rect) -> Vec<PlacedLine> {
    let Some((what, why)) = connection::loss_reason(state).filter(|_| area.height >= 3) else {
        return Vec::new();
    };
    let why = text::sanitize(why);
    let columns = usize::from(area.width).saturating_sub(2);
    let long = format!("{what}: {why}");
    let rows = usize::from(area.height / 2).min(BANNER_ROWS);
    let mut lines = if text::width(&long) > columns && text::width(&why) <= columns {
        vec![why.into_owned()]
    } else {
        text::wrap(&long, columns, 0)
    };
    if lines.len() > rows {
        lines.truncate(rows);
        if let Some(last) = lines.last_mut() {
            *last = text::truncate(&format!("{last} …"), columns).into_owned();
        }
    }
    let lines = lines.iter().map(|line| format!(" {line} "));
    let placed = area.rows().zip(lines).map(|(row, text)| {
        let width = text::cells(text::width(&text)).min(row.width);
        let area = Rect { width, ..row };
        PlacedLine { area, text }
    });
    placed.collect()
}

/// Visible prices and everything needed to paint them.
struct ChartFrame<'a> {
    view: &'a Renderer,
    state: &'a AppState,
    /// Whether the last price is current.
    is_current: bool,
    last: PricePoint,
    kind: ChartKind,
    plot: Rect,
    /// Columns of the price axis, right of the plot; 0 without axes.
    gutter: u16,
    series: Series,
    price_format: PriceFormat,
    scale: Scale,
    across: ColumnSpacing,
    /// Labels of resting orders, from back to front.
    orders: Vec<OrderTag>,
    /// Areas that something else is drawn over.
    covered: Vec<Rect>,
}

impl<'a> ChartFrame<'a> {
    /// Returns `None` without prices.
    fn new(view: &'a Renderer, state: &'a AppState, area: Rect) -> Option<Self> {
        let last = state.market.last()?;
        let axes = area.height >= MIN_CHART_ROWS;
        let usual = if axes { ChartKind::Area } else { ChartKind::Bars };
        let kind = state.chart.kind.unwrap_or(usual);
        let (per_column, per_row) = match kind {
            ChartKind::Area | ChartKind::Line => view.markers.dots(),
            ChartKind::Candles => (1, 2),
            ChartKind::Bars => (1, bars::STEPS),
        };
        let room = |width: u16| match kind {
            ChartKind::Candles => width.div_ceil(2),
            ChartKind::Area | ChartKind::Line | ChartKind::Bars => width.saturating_mul(per_column),
        };
        let series = |width: u16| series::series(&state.market, &state.chart, kind, usize::from(room(width)));
        let mut plot = area;
        let mut gutter = 0;
        if axes {
            gutter = axis::columns(&series(area.width), state, last).min(area.width / 2);
            plot.width -= gutter;
            plot.height -= 1;
        }
        let series = series(plot.width);
        let (low, high) = series.price_range()?;
        let scale = if axes {
            Scale::new(low, high, plot.height, per_row)
        } else {
            Scale::exact(low, high, plot.height, per_row)
        };
        let (dots, slots) = match kind {
            // The first and the last slot are at the edges.
            ChartKind::Area | ChartKind::Line => {
                (room(plot.width).saturating_sub(1), series.slots.saturating_sub(1))
            }
            ChartKind::Candles | ChartKind::Bars => (pitch(kind, plot.width, series.slots), 1),
        };
        let across = ColumnSpacing {
            dots,
            slots,
            dots_per_cell: per_column,
        };
        let mut chart = Self {
            view,
            state,
            is_current: connection::is_current(state),
            last,
            kind,
            plot,
            gutter,
            price_format: PriceFormat::new(&series, state),
            series,
            scale,
            across,
            orders: Vec::new(),
            covered: Vec::new(),
        };
        chart.orders = chart.order_tags();
        Some(chart)
    }

    /// Sets the areas that something else is drawn over. Labels there are left out: a part of one would read as another
    /// price.
    fn cover(&mut self, areas: impl Iterator<Item = Rect>) {
        self.covered = areas.collect();
        let covered = &self.covered;
        self.orders.retain(|tag| !intersects(covered, tag.area));
    }

    /// Paints from back to front.
    fn paint(&self, buf: &mut Buffer) {
        let is_line = matches!(self.kind, ChartKind::Area | ChartKind::Line);
        let line = if is_line { self.trace() } else { Vec::new() };
        if self.kind == ChartKind::Area && self.series.columns.len() > 1 {
            self.draw_fill(&line, buf);
        }
        if self.gutter > 0 {
            self.draw_level(Some(hundredths(self.last.price)), Layer::Level, buf);
            self.draw_level(self.average(), Layer::Average, buf);
            self.draw_order_lines(buf);
        }
        self.draw_crosshair_line(buf);
        match self.kind {
            ChartKind::Area | ChartKind::Line => self.draw_line(&line, buf),
            ChartKind::Candles => self.draw_candles(buf),
            ChartKind::Bars => self.draw_bars(buf),
        }
        if self.gutter > 0 {
            self.draw_axes(buf);
        }
        self.draw_marks(buf);
        self.draw_crosshair(buf);
        self.draw_order_tags(buf);
    }

    /// Returns the selected order, or else the selected price.
    fn status_line(&self, columns: usize) -> Option<Line<'static>> {
        self.order_line(columns).or_else(|| self.readout(columns))
    }

    fn line_style(&self) -> Style {
        let theme = &self.view.theme;
        let ends = self.series.columns.first().zip(self.series.columns.last());
        match ends {
            _ if !self.is_current => theme.old,
            Some((first, last)) if last.candle.close < first.candle.open => theme.down,
            _ => theme.up,
        }
    }

    fn average(&self) -> Option<Centitokens> {
        self.state.holdings.wallet().and_then(Wallet::average_cost)
    }

    /// Returns the price change over the visible range.
    fn change_line(&self) -> Option<Line<'static>> {
        let columns = &self.series.columns;
        let (first, last) = (columns.first()?.candle, columns.last()?.candle);
        let ms = last.until.since_ms(first.since);
        if columns.len() < 3 || ms < 1000 {
            return None;
        }
        let by = i64::from(last.close).saturating_sub(i64::from(first.open));
        let (moved, percent) = format::change(by, Permille::from_change(by, i64::from(first.open)));
        let span = format::age(ms);
        let text = match percent.as_str() {
            "" => format!(" {moved} in {span} "),
            percent => format!(" {moved}  {percent}  in {span} "),
        };
        let style = if self.is_current {
            self.view.theme.change_style(by)
        } else {
            self.view.theme.dim
        };
        Some(panel::styled(text, style))
    }

    fn hit_map(&self) -> HitMap {
        let columns = &self.series.columns;
        let slots = columns.iter().map(|column| ColumnSlot {
            column: self.plot.x + self.across.cell(column),
            tick: column.candle.last_tick,
        });
        HitMap {
            kind: self.kind,
            area: self.plot.into(),
            first: columns.first().map_or(0, |column| column.candle.first_tick),
            slots: slots.collect(),
            row_prices: match self.orders.is_empty() {
                true => Vec::new(),
                false => (0..self.plot.height)
                    .map(|row| self.scale.price_at(row))
                    .collect(),
            },
            orders: self.orders.iter().rev().filter_map(OrderTag::label).collect(),
        }
    }
}

/// Returns the cells per candle or bar with which `slots` of them fill `width`.
fn pitch(kind: ChartKind, width: u16, slots: usize) -> u16 {
    let slots = u16::try_from(slots.max(1)).unwrap_or(u16::MAX);
    let least = if kind == ChartKind::Candles { 2 } else { 1 };
    width.checked_div(slots).unwrap_or(least).max(least)
}

fn intersects(areas: &[Rect], area: Rect) -> bool {
    areas.iter().any(|other| other.intersects(area))
}

fn hundredths(price: i32) -> Centitokens {
    Centitokens(i64::from(price).saturating_mul(100))
}
