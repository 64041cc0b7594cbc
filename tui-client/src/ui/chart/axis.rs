//! The words on the chart: round prices and the tag of the last price on the right, times below, high and low.
//!
//! Owns which labels give way where two would stand in one row. It paints no dots.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    widgets::Widget,
};

use super::{
    Picture, hundredths,
    series::{Column, Series},
};
use crate::{
    app::{
        AppState,
        market::PricePoint,
        money::{Centitokens, Permille},
        wallet::Wallet,
    },
    ui::{format, panel, text},
};

/// Columns from one label of time to the next, and between them at least.
const TIME_COLUMNS: u16 = 16;
const TIME_GAP: u16 = 4;

/// How prices are written on the axis: in tokens, or in percent of a base.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    base: Option<i32>,
}

impl Figures {
    /// As the player wants them: the base is the first price in sight.
    pub(super) fn of(series: &Series, state: &AppState) -> Self {
        let first = series.columns.first().map(|column| column.first);
        Self {
            base: first.filter(|_| state.chart.percent),
        }
    }

    /// A price.
    pub(super) fn price(self, price: i32) -> String {
        match self.base {
            None => format::grouped(i64::from(price)),
            Some(_) => self.hundredths(hundredths(price)),
        }
    }

    /// A price in hundredths.
    pub(super) fn hundredths(self, price: Centitokens) -> String {
        let Some(base) = self.base else {
            return format::hundredths(price);
        };
        let Centitokens(base) = hundredths(base);
        let ratio = Permille::of(price.0.saturating_sub(base), base);
        ratio.map_or_else(|| format::UNKNOWN.to_owned(), format::percent)
    }
}

/// Columns the price axis needs for what is in sight and for the price in force.
pub(super) fn columns(series: &Series, state: &AppState, last: PricePoint) -> u16 {
    let figures = Figures::of(series, state);
    let (low, high) = series.extremes().unwrap_or((last.price, last.price));
    let prices = [low, high, last.price].map(|price| text::width(&figures.price(price)));
    let widest = prices.into_iter().max().unwrap_or(1);
    let average = state.holdings.wallet().and_then(Wallet::average_cost);
    let average = average.map_or(0, |average| text::width(&figures.hundredths(average)));
    let columns = widest.saturating_add(2).max(average);
    u16::try_from(columns).unwrap_or(u16::MAX).saturating_add(2)
}

impl Picture<'_> {
    /// Draws all labels.
    pub(super) fn draw_axes(&self, buf: &mut Buffer) {
        let figures = self.figures();
        let tag_row = self.scale.row_of_hundredths(self.last());
        let average = self.average();
        let average_row = average
            .map(|average| self.scale.row_of_hundredths(average))
            .filter(|row| *row != tag_row);
        for (price, words) in self.labels(figures) {
            let row = self.scale.row_of_hundredths(price);
            if row.abs_diff(tag_row) > 0 && average_row.is_none_or(|average| row.abs_diff(average) > 0) {
                self.label(row, &words, self.view.theme.dim, buf);
            }
        }
        if let Some((average, row)) = average.zip(average_row) {
            self.average_label(average, row, figures, buf);
        }
        self.tag(figures, tag_row, buf);
        self.high_and_low(figures, buf);
        self.times(buf);
    }

    /// Round figures, and where they are.
    fn labels(&self, figures: Figures) -> Vec<(Centitokens, String)> {
        let most = (self.plot.height.saturating_mul(2) / 5).clamp(2, 16);
        let Some(base) = figures.base else {
            let prices = self.scale.labels(most).into_iter();
            return prices
                .map(|price| (hundredths(price), figures.price(price)))
                .collect();
        };
        let price = |Permille(ratio)| {
            let above = i64::from(base).saturating_mul(ratio) / 10;
            Centitokens(hundredths(base).0.saturating_add(above))
        };
        let ratios = self.scale.ratios(base, most).into_iter();
        ratios
            .map(|ratio| (price(ratio), format::percent(ratio)))
            .collect()
    }

    pub(super) fn gutter_row(&self, row: u16) -> Rect {
        let area = Rect {
            x: self.plot.right(),
            width: self.gutter,
            ..self.plot
        };
        panel::row(area, row)
    }

    fn label(&self, row: u16, words: &str, style: Style, buf: &mut Buffer) {
        panel::styled(format!("{words} "), style)
            .alignment(Alignment::Right)
            .render(self.gutter_row(row), buf);
    }

    /// The average cost: named at the left end of its line; where it is off the scale, an arrow says where.
    fn average_label(&self, average: Centitokens, row: u16, figures: Figures, buf: &mut Buffer) {
        let theme = &self.view.theme;
        let shown = self.scale.shows(average);
        self.label(row, &figures.hundredths(average), theme.accent, buf);
        let words = match (shown, row) {
            (true, _) => "average cost ",
            (false, 0) => "average cost ↑ ",
            (false, _) => "average cost ↓ ",
        };
        let words = panel::styled(words, theme.accent);
        let mut area = panel::row(self.plot, row);
        if !shown {
            let columns = u16::try_from(words.width()).unwrap_or(u16::MAX).min(area.width);
            area.x = area.right().saturating_sub(columns);
            area.width = columns;
        }
        panel::over(self.view, words, area, buf);
    }

    /// The last price, in a colour block with the arrow of its last move.
    fn tag(&self, figures: Figures, row: u16, buf: &mut Buffer) {
        let Some(last) = self.state.market.last() else {
            return;
        };
        let theme = &self.view.theme;
        let moved = self.state.market.change().map_or(0, |change| change.tokens);
        let (style, sign) = match (self.status.in_force, self.scale.shows(self.last())) {
            (false, _) => (theme.dim, "?"),
            // Off the scale it stands at the edge, and must not look as if it belonged there.
            (true, false) => (theme.dim, format::arrow(moved)),
            (true, true) => (theme.moved(moved), format::arrow(moved)),
        };
        let columns = usize::from(self.gutter).saturating_sub(3);
        let price = figures.price(last.price);
        let words = format!(" {sign}{price:>columns$} ");
        let style = style.add_modifier(Modifier::BOLD | Modifier::REVERSED);
        panel::styled(words, style).render(self.gutter_row(row), buf);
    }

    /// Names the highest and the lowest price next to where they are.
    fn high_and_low(&self, figures: Figures, buf: &mut Buffer) {
        let columns = &self.series.columns;
        let (Some(high), Some(low)) = (
            columns.iter().max_by_key(|column| column.high),
            columns.iter().min_by_key(|column| column.low),
        ) else {
            return;
        };
        if high.high == low.low || self.plot.height < 8 {
            return;
        }
        let above = self.scale.row(high.high).checked_sub(1);
        let below = Some(self.scale.row(low.low).saturating_add(1));
        let average = self
            .average()
            .map(|average| self.scale.row_of_hundredths(average));
        for (word, column, price, row) in [("high", high, high.high, above), ("low", low, low.low, below)] {
            // The name of the average cost keeps its row.
            if let Some(row) = row.filter(|row| Some(*row) != average) {
                self.name(column, row, &format!(" {word} {} ", figures.price(price)), buf);
            }
        }
    }

    /// Words centred on a column, pushed inside the plot; beside it where a trade is marked there.
    fn name(&self, column: &Column, row: u16, words: &str, buf: &mut Buffer) {
        let columns = u16::try_from(text::width(words)).unwrap_or(u16::MAX);
        let at = self.across.cell(column);
        let last = self.plot.width.saturating_sub(columns);
        let [centred, right, left] = [columns / 2, 0, columns].map(|before| at.saturating_sub(before));
        let places = [centred, right.saturating_add(1), left].map(|x| {
            let area = Rect {
                x: self.plot.x.saturating_add(x.min(last)),
                width: columns.min(self.plot.width),
                ..self.plot
            };
            panel::row(area, row)
        });
        if let Some(place) = places.into_iter().find(|place| !self.is_marked(*place)) {
            let words = panel::styled(words, self.view.theme.dim);
            panel::over(self.view, words, place, buf);
        }
    }

    /// Times of day, or dates, under the columns they belong to, always in the same cells.
    fn times(&self, buf: &mut Buffer) {
        let area = self.times_row();
        let taken = self.time_read_off().map(|(place, _)| place);
        let ends = self.series.columns.first().zip(self.series.columns.last());
        let span_ms = ends.map_or(0, |(first, last)| last.at.since_ms(first.at));
        let mut next = 0;
        for column in &self.series.columns {
            if self.across.cell(column) < next {
                continue;
            }
            let words = format::time_label(column.at, self.state.now, span_ms, &self.view.zone);
            let columns = u16::try_from(text::width(&words)).unwrap_or(u16::MAX);
            if next.saturating_add(columns) > area.width {
                return;
            }
            let label = Rect {
                x: area.x.saturating_add(next),
                width: columns,
                ..area
            };
            if taken.is_none_or(|taken| taken.intersection(label).is_empty()) {
                panel::styled(words, self.view.theme.dim).render(label, buf);
            }
            next = next.saturating_add(TIME_COLUMNS.max(columns.saturating_add(TIME_GAP)));
        }
    }

    pub(super) fn times_row(&self) -> Rect {
        Rect {
            y: self.plot.bottom(),
            height: 1,
            ..self.plot
        }
    }
}
