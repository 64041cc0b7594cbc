//! Chart labels: price axis and last-price tag on the right, times below, high and low.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Widget;

use super::series::{Column, Series};
use super::{ChartFrame, hundredths, intersects};
use crate::app::AppState;
use crate::app::portfolio::money::{Centitokens, Permille};
use crate::app::portfolio::wallet::Wallet;
use crate::app::prices::PricePoint;
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;

/// Columns from one time label to the next, and the smallest gap between two.
const TIME_COLUMNS: u16 = 16;
const TIME_GAP: u16 = 4;

/// Formats axis prices in tokens, or in percent of a base price.
#[derive(Debug, Clone, Copy)]
pub(super) struct PriceFormat {
    base: Option<i32>,
}

impl PriceFormat {
    /// Percent mode uses the first visible price as the base.
    pub(super) fn new(series: &Series, state: &AppState) -> Self {
        let first = series.columns.first().map(|column| column.candle.open);
        Self {
            base: first.filter(|_| state.chart.percent),
        }
    }

    pub(super) fn price(self, price: i32) -> String {
        match self.base {
            None => format::thousands(price),
            Some(_) => self.hundredths(hundredths(price)),
        }
    }

    pub(super) fn hundredths(self, price: Centitokens) -> String {
        let Some(base) = self.base else {
            return format::hundredths(price);
        };
        let Centitokens(base) = hundredths(base);
        let ratio = Permille::from_change(price.0.saturating_sub(base), base);
        ratio.map_or_else(|| format::UNKNOWN.to_owned(), |ratio| ratio.to_string())
    }
}

/// Returns the columns of the price axis for the visible prices and the current price.
pub(super) fn columns(series: &Series, state: &AppState, last: PricePoint) -> u16 {
    let price_format = PriceFormat::new(series, state);
    let (low, high) = series.price_range().unwrap_or((last.price, last.price));
    let prices = [low, high, last.price].map(|price| text::width(&price_format.price(price)) + 2);
    let average = state.holdings.wallet().and_then(Wallet::average_cost);
    let average = average.map(|average| text::width(&price_format.hundredths(average)));
    let widest = prices.into_iter().chain(average).max().unwrap_or(0);
    text::cells(widest + 2)
}

impl ChartFrame<'_> {
    pub(super) fn draw_axes(&self, buf: &mut Buffer) {
        let tag_row = self.scale.row(self.last.price);
        let average = self
            .average()
            .map(|average| (average, self.scale.row_of_hundredths(average)));
        let average = average.filter(|(_, row)| *row != tag_row);
        for (price, text) in self.labels() {
            let row = self.scale.row_of_hundredths(price);
            if row != tag_row && average.is_none_or(|(_, average_row)| row != average_row) {
                self.label(row, &text, self.view.theme.dim, buf);
            }
        }
        let mut taken = self.taken_cells();
        if let Some((average, row)) = average {
            self.average_label(average, row, &mut taken, buf);
        }
        self.tag(tag_row, buf);
        self.high_and_low(&mut taken, buf);
        self.times(buf);
    }

    fn labels(&self) -> Vec<(Centitokens, String)> {
        let most = (self.plot.height.saturating_mul(2) / 5).clamp(2, 16);
        let Some(base) = self.price_format.base else {
            let label = |price| (hundredths(price), self.price_format.price(price));
            return self.scale.labels(most).into_iter().map(label).collect();
        };
        let label = |ratio: Permille| {
            let Centitokens(price) = hundredths(base);
            let above = i64::from(base).saturating_mul(ratio.0) / 10;
            (Centitokens(price.saturating_add(above)), ratio.to_string())
        };
        self.scale.ratios(base, most).into_iter().map(label).collect()
    }

    pub(super) fn gutter_label(&self, row: u16, line: Line<'_>, buf: &mut Buffer) {
        let area = Rect::new(self.plot.right(), self.plot.y + row, self.gutter, 1);
        if !intersects(&self.covered, area) {
            line.render(area, buf);
        }
    }

    fn label(&self, row: u16, text: &str, style: Style, buf: &mut Buffer) {
        let line = panel::styled(format!("{text} "), style);
        self.gutter_label(row, line.right_aligned(), buf);
    }

    /// Returns the areas that labels in the plot leave free.
    fn taken_cells(&self) -> Vec<Rect> {
        let tags = self.orders.iter().map(|tag| tag.area);
        let taken = tags.chain(self.marked_cells()).chain(self.crosshair_cell());
        taken.chain(self.covered.iter().copied()).collect()
    }

    /// Labels the average cost at the left end of its line; an arrow points to it where it is off the scale.
    fn average_label(&self, average: Centitokens, row: u16, taken: &mut Vec<Rect>, buf: &mut Buffer) {
        let style = self.view.theme.accent;
        self.label(row, &self.price_format.hundredths(average), style, buf);
        // The space on the left separates it from what is there.
        let text = match row {
            _ if self.scale.contains(average) => " average cost ",
            0 => " average cost ↑ ",
            _ => " average cost ↓ ",
        };
        let row = panel::row(self.plot, row);
        let columns = text::cells(text::width(text));
        let end = Rect {
            x: match self.scale.contains(average) {
                true => row.x,
                false => row.right().saturating_sub(columns - 1),
            },
            width: columns - 1,
            ..row
        };
        let place = match end.x >= row.x && end.right() <= row.right() && !intersects(taken, end) {
            true => Some((end, text.trim_start())),
            false => free_area(row, columns, taken).map(|area| (area, text)),
        };
        if let Some((area, text)) = place {
            panel::draw_over(self.view, panel::styled(text, style), area, buf);
            taken.push(area);
        }
    }

    fn tag(&self, row: u16, buf: &mut Buffer) {
        let theme = &self.view.theme;
        let is_on_scale = self.scale.contains(hundredths(self.last.price));
        let moved = self.state.market.change().map_or(0, |change| change.tokens);
        let (style, sign) = match (self.is_current, is_on_scale) {
            (false, _) => (theme.dim, "?"),
            // A price off the scale is shown at the edge, and dim: it does not belong there.
            (true, false) => (theme.dim, format::arrow(moved)),
            (true, true) => (theme.change_style(moved), format::arrow(moved)),
        };
        let columns = usize::from(self.gutter).saturating_sub(3);
        let price = self.price_format.price(self.last.price);
        let text = format!(" {sign}{price:>columns$} ");
        let style = style.add_modifier(Modifier::BOLD | Modifier::REVERSED);
        self.gutter_label(row, panel::styled(text, style), buf);
    }

    fn high_and_low(&self, taken: &mut Vec<Rect>, buf: &mut Buffer) {
        let columns = || self.series.columns.iter();
        let high = columns().max_by_key(|column| column.candle.high);
        let low = columns().min_by_key(|column| column.candle.low);
        let Some((high, low)) = high.zip(low) else {
            return;
        };
        let (highest, lowest) = (high.candle.high, low.candle.low);
        if highest == lowest || self.plot.height < 8 {
            return;
        }
        let above = self.scale.row(highest).checked_sub(1);
        let below = Some(self.scale.row(lowest) + 1);
        for (word, column, price, row) in [("high", high, highest, above), ("low", low, lowest, below)] {
            if let Some(row) = row {
                let text = format!(" {word} {} ", self.price_format.price(price));
                self.name(column, row, &text, taken, buf);
            }
        }
    }

    /// Draws a label centred on a column and inside the plot, or beside the column if cells are taken there.
    fn name(&self, column: &Column, row: u16, text: &str, taken: &mut Vec<Rect>, buf: &mut Buffer) {
        let row = panel::row(self.plot, row);
        let width = text::cells(text::width(text));
        if width > row.width {
            return;
        }
        let at = self.across.cell(column);
        let [centered, left] = [width / 2, width].map(|before| at.saturating_sub(before));
        let areas = [centered, at + 1, left].map(|x| {
            let x = row.x + x.min(self.plot.width - width);
            Rect { x, width, ..row }
        });
        if let Some(area) = areas.into_iter().find(|area| !intersects(taken, *area)) {
            panel::draw_over(self.view, panel::styled(text, self.view.theme.dim), area, buf);
            taken.push(area);
        }
    }

    /// Draws times of day, or dates, below their columns. The cells are fixed, so labels do not jump.
    fn times(&self, buf: &mut Buffer) {
        let area = self.times_row();
        let selected = self.selected_time().map(|(area, _)| area);
        let ends = self.series.columns.first().zip(self.series.columns.last());
        let span_ms = ends.map_or(0, |(first, last)| last.candle.until.since_ms(first.candle.until));
        let mut next = 0;
        for column in &self.series.columns {
            if self.across.cell(column) < next {
                continue;
            }
            let text = format::time_label(column.candle.until, self.state.now, span_ms, &self.view.zone);
            let width = text::cells(text::width(&text));
            if next + width > area.width {
                return;
            }
            let label = Rect::new(area.x + next, area.y, width, 1);
            if selected.is_none_or(|selected| !selected.intersects(label))
                && !intersects(&self.covered, label)
            {
                panel::styled(text, self.view.theme.dim).render(label, buf);
            }
            next += TIME_COLUMNS.max(width + TIME_GAP);
        }
    }

    pub(super) fn times_row(&self) -> Rect {
        Rect::new(self.plot.x, self.plot.bottom(), self.plot.width, 1)
    }
}

/// Returns the first area of `columns` in a row that is free.
fn free_area(row: Rect, columns: u16, taken: &[Rect]) -> Option<Rect> {
    let mut area = Rect {
        width: columns,
        ..row
    };
    while area.right() <= row.right() {
        let others = taken.iter().filter(|other| other.intersects(area));
        match others.map(|other| other.right()).max() {
            None => return Some(area),
            Some(right) => area.x = right,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_area_is_whole_and_the_first() {
        let row = Rect::new(2, 5, 20, 1);
        let cells = |x, width| Rect::new(x, 5, width, 1);
        for (taken, place) in [
            (vec![], Some(2)),
            (vec![Rect::new(0, 4, 40, 1)], Some(2)),
            (vec![cells(0, 3)], Some(3)),
            (vec![cells(6, 1)], Some(7)),
            (vec![cells(6, 1), cells(12, 4)], None),
            (vec![cells(14, 30)], Some(2)),
            (vec![Rect::new(0, 0, 14, 9)], Some(14)),
            (vec![Rect::new(0, 0, 15, 9)], None),
        ] {
            let found = free_area(row, 8, &taken);
            assert_eq!(found, place.map(|x| Rect::new(x, 5, 8, 1)), "{taken:?}");
        }
    }
}
