//! The words on the chart: round prices and the tag of the last price on the right, times below, high and low.
//!
//! Owns which labels give way where two would stand in one row. It paints no dots.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::Modifier,
    widgets::Widget,
};

use super::{
    hundredths,
    plot::{Across, DOTS_ACROSS, DOTS_DOWN},
    scale::Scale,
    series::Column,
};
use crate::{
    app::{market::Change, money::Centitokens},
    ui::{View, format, panel, status::Status, text},
};

/// Columns from one label of time to the next.
const TIME_COLUMNS: u16 = 16;

/// What is known of a chart that was painted.
pub(super) struct Axis<'a> {
    pub(super) view: &'a View,
    /// The dots.
    pub(super) plot: Rect,
    /// Columns right of the dots.
    pub(super) gutter: u16,
    pub(super) scale: &'a Scale,
    pub(super) across: &'a Across,
    pub(super) columns: &'a [Column],
}

/// Columns the price axis needs.
pub(super) fn columns(columns: &[Column], average: Option<Centitokens>) -> u16 {
    let price = |price: i32| text::width(&format::grouped(i64::from(price)));
    let highest = columns.iter().map(|column| column.high).max().map_or(1, price);
    let average = average.map_or(0, |average| text::width(&format::hundredths(average)));
    let widest = highest.saturating_add(2).max(average);
    u16::try_from(widest).unwrap_or(u16::MAX).saturating_add(2)
}

impl Axis<'_> {
    /// Draws all labels; `average`: the average cost, and whether the chart shows its level.
    pub(super) fn draw(
        &self,
        status: &Status,
        change: Option<Change>,
        average: Option<(Centitokens, bool)>,
        buf: &mut Buffer,
    ) {
        let Some(last) = self.columns.last() else {
            return;
        };
        let tag_row = self.row(hundredths(last.last));
        let average_row = average
            .map(|(average, _)| self.row(average))
            .filter(|row| *row != tag_row);
        let most = (self.plot.height.saturating_mul(2) / 5).clamp(2, 16);
        for label in self.scale.labels(most) {
            let row = self.row(hundredths(label));
            if row.abs_diff(tag_row) > 0 && average_row.is_none_or(|average| row.abs_diff(average) > 0) {
                self.label(row, &format::grouped(i64::from(label)), buf);
            }
        }
        if let Some(((average, shown), row)) = average.zip(average_row) {
            self.average(average, shown, row, buf);
        }
        self.tag(last.last, status, change, tag_row, buf);
        self.high_and_low(buf);
        self.times(buf);
    }

    fn row(&self, price: Centitokens) -> u16 {
        let dot = self.scale.dot_of_hundredths(price);
        u16::try_from(dot).unwrap_or(u16::MAX) / DOTS_DOWN
    }

    fn gutter_row(&self, row: u16) -> Rect {
        let area = Rect {
            x: self.plot.right(),
            width: self.gutter,
            ..self.plot
        };
        panel::row(area, row)
    }

    fn label(&self, row: u16, words: &str, buf: &mut Buffer) {
        panel::styled(format!("{words} "), self.view.theme.dim)
            .alignment(Alignment::Right)
            .render(self.gutter_row(row), buf);
    }

    /// The average cost: named at the left end of its line; where it is off the scale, an arrow says where.
    fn average(&self, average: Centitokens, shown: bool, row: u16, buf: &mut Buffer) {
        let theme = &self.view.theme;
        let figure = format::hundredths(average);
        panel::styled(format!("{figure} "), theme.accent)
            .alignment(Alignment::Right)
            .render(self.gutter_row(row), buf);
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
    fn tag(&self, price: i32, status: &Status, change: Option<Change>, row: u16, buf: &mut Buffer) {
        let theme = &self.view.theme;
        let moved = change.map_or(0, |change| change.tokens);
        let style = if status.in_force {
            theme.moved(moved)
        } else {
            theme.dim
        };
        let style = style.add_modifier(Modifier::BOLD | Modifier::REVERSED);
        let columns = usize::from(self.gutter).saturating_sub(3);
        let price = format::grouped(i64::from(price));
        let words = format!(
            " {}{price:>columns$} ",
            if status.in_force {
                format::arrow(moved)
            } else {
                "?"
            }
        );
        panel::styled(words, style).render(self.gutter_row(row), buf);
    }

    /// Names the highest and the lowest price next to where they are.
    fn high_and_low(&self, buf: &mut Buffer) {
        let (Some(high), Some(low)) = (
            self.columns.iter().max_by_key(|column| column.high),
            self.columns.iter().min_by_key(|column| column.low),
        ) else {
            return;
        };
        if high.high == low.low || self.plot.height < 8 {
            return;
        }
        let above = self.row(hundredths(high.high)).checked_sub(1);
        let below = self.row(hundredths(low.low)).saturating_add(1);
        let words = |word, price| format!(" {word} {} ", format::grouped(i64::from(price)));
        if let Some(above) = above {
            self.mark(high, above, &words("high", high.high), buf);
        }
        self.mark(low, below, &words("low", low.low), buf);
    }

    /// Words centred on a column, pushed inside the plot.
    fn mark(&self, column: &Column, row: u16, words: &str, buf: &mut Buffer) {
        let columns = u16::try_from(text::width(words)).unwrap_or(u16::MAX);
        let at = self.cell(column);
        let last = self.plot.width.saturating_sub(columns);
        let x = at.saturating_sub(columns / 2).min(last);
        let area = Rect {
            x: self.plot.x.saturating_add(x),
            width: columns.min(self.plot.width),
            ..self.plot
        };
        let words = panel::styled(words, self.view.theme.dim);
        panel::over(self.view, words, panel::row(area, row), buf);
    }

    /// Times of day under the columns they belong to, always in the same cells.
    fn times(&self, buf: &mut Buffer) {
        let area = Rect {
            y: self.plot.bottom(),
            height: 1,
            ..self.plot
        };
        let mut next = 0;
        for column in self.columns {
            if self.cell(column) < next {
                continue;
            }
            let words = format::clock(column.at, &self.view.zone);
            let columns = u16::try_from(text::width(&words)).unwrap_or(u16::MAX);
            if next.saturating_add(columns) > area.width {
                return;
            }
            let label = Rect {
                x: area.x.saturating_add(next),
                width: columns,
                ..area
            };
            panel::styled(words, self.view.theme.dim).render(label, buf);
            next = next.saturating_add(TIME_COLUMNS);
        }
    }

    /// The cell across, of a column.
    fn cell(&self, column: &Column) -> u16 {
        u16::try_from(self.across.dot(column)).unwrap_or(u16::MAX) / DOTS_ACROSS
    }
}
