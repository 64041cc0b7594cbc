//! Rasterizes the price line, the area below it, the last-price level and the average cost to dots.

use ratatui::buffer::Buffer;

use super::ChartFrame;
use super::dot_grid::{Dot, DotGrid, Layer};
use super::series::Column;
use crate::app::portfolio::money::{Centitokens, Side};
use crate::ui::{Markers, text};

/// Horizontal positions of the columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnSpacing {
    /// Dots that `slots` take.
    pub(super) dots: u16,
    pub(super) slots: usize,
    pub(super) dots_per_cell: u16,
}

impl ColumnSpacing {
    pub(super) fn dot(&self, column: &Column) -> usize {
        let dots = column.slot * usize::from(self.dots);
        dots.checked_div(self.slots).unwrap_or(0)
    }

    /// Returns the cells that a bar fills: a wide one leaves the last one of its slot free.
    pub(super) fn bar_width(&self) -> u16 {
        self.dots.saturating_sub(1).max(1)
    }

    pub(super) fn cell(&self, column: &Column) -> u16 {
        text::cells(self.dot(column) / usize::from(self.dots_per_cell))
    }
}

impl ChartFrame<'_> {
    /// Returns the dots of the price line: low to high in each column, joined to the next one except over a
    /// gap.
    pub(super) fn trace(&self) -> Vec<Dot> {
        let down = |price| self.scale.dot(price);
        let mut dots = Vec::with_capacity(self.series.columns.len() * 4);
        let mut before: Option<Dot> = None;
        for column in &self.series.columns {
            let x = self.across.dot(column);
            if let Some(before) = before.filter(|_| !column.after_gap) {
                join(before, (x, down(column.candle.open)), &mut dots);
            }
            dots.extend((down(column.candle.high)..=down(column.candle.low)).map(|y| (x, y)));
            before = Some((x, down(column.candle.close)));
        }
        dots
    }

    pub(super) fn draw_line(&self, line: &[Dot], buf: &mut Buffer) {
        let dots = line.iter().copied();
        self.dots().paint(dots, Layer::Line, self.line_style(), buf);
    }

    pub(super) fn draw_fill(&self, line: &[Dot], buf: &mut Buffer) {
        let (dots, style) = (self.dots(), self.view.theme.border);
        let (across, down) = dots.size();
        let tops = tops(line, across);
        match dots.markers {
            Markers::Braille => dots.paint(dotted_fill(&tops, down), Layer::Fill, style, buf),
            Markers::Block | Markers::Ascii => {
                dots.paint(checkered_fill(&tops, down), Layer::Fill, style, buf);
            }
        }
    }

    fn dots(&self) -> DotGrid {
        DotGrid {
            markers: self.view.markers,
            area: self.plot,
        }
    }

    /// Draws a horizontal line at a price on the scale: one dot per cell, or dashed for the average cost and orders. The
    /// level line moves with each price, and adjacent cells cost a third of the terminal output of cells with
    /// gaps.
    pub(super) fn draw_level(&self, price: Option<Centitokens>, layer: Layer, buf: &mut Buffer) {
        let Some(price) = price.filter(|price| self.scale.contains(*price)) else {
            return;
        };
        let (theme, dots) = (&self.view.theme, self.dots());
        let (per_column, per_row) = dots.markers.dots();
        let (per_column, per_row) = (usize::from(per_column), usize::from(per_row));
        let (style, dash, period) = match layer {
            Layer::Average => (theme.average, 2 * per_column, 4 * per_column),
            Layer::Order(Side::Buy) => (theme.up, per_column, 2 * per_column),
            Layer::Order(Side::Sell) => (theme.down, per_column, 2 * per_column),
            Layer::Line | Layer::Fill | Layer::Level => (theme.old, 1, per_column),
        };
        // Rows of these lines are rows of the scale, whatever the chart kind.
        let y = self.scale.dot_of_hundredths(price) * per_row / usize::from(self.scale.per_row);
        let dashes = (0..dots.size().0).filter(|x| x % period < dash);
        dots.paint(dashes.map(|x| (x, y)), layer, style, buf);
    }
}

/// Appends a straight line of dots, both ends included.
fn join((x0, y0): Dot, (x1, y1): Dot, dots: &mut Vec<Dot>) {
    let steps = x1.abs_diff(x0).max(y1.abs_diff(y0));
    let between = |from: usize, to: usize, step: usize| {
        let moved = (to.abs_diff(from) * step + steps / 2)
            .checked_div(steps)
            .unwrap_or(0);
        if to >= from { from + moved } else { from - moved }
    };
    dots.extend((0..=steps).map(|step| (between(x0, x1, step), between(y0, y1, step))));
}

/// Returns the lowest dot of the line for each x.
fn tops(line: &[Dot], across: usize) -> Vec<Option<usize>> {
    let mut tops: Vec<Option<usize>> = vec![None; across];
    for (x, y) in line {
        if let Some(top) = tops.get_mut(*x) {
            *top = Some(top.map_or(*y, |top| top.max(*y)));
        }
    }
    tops
}

/// Returns sparse dots below `tops`, in a pattern that does not move with the line.
fn dotted_fill(tops: &[Option<usize>], down: usize) -> impl Iterator<Item = Dot> + '_ {
    let tops = tops.iter().enumerate().step_by(2);
    tops.filter_map(|(x, top)| Some((x, (*top)?)))
        .flat_map(move |(x, top)| {
            let first = (top + 2).next_multiple_of(4) + x / 2 % 2 * 2;
            (first..down).step_by(4).map(move |y| (x, y))
        })
}

/// Returns a checkerboard of two-dot cells below `tops`.
fn checkered_fill(tops: &[Option<usize>], down: usize) -> impl Iterator<Item = Dot> + '_ {
    let tops = tops.iter().enumerate();
    tops.filter_map(|(x, top)| Some((x, (*top)?)))
        .flat_map(move |(x, top)| {
            let cells = ((top + 1).next_multiple_of(2)..down).step_by(2);
            cells.filter(move |y| (x + y / 2) % 2 == 0).map(move |y| (x, y))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_connects_its_two_ends() {
        let joined = |from, to| {
            let mut dots = Vec::new();
            join(from, to, &mut dots);
            dots
        };
        assert_eq!(joined((0, 0), (0, 0)), [(0, 0)]);
        assert_eq!(joined((0, 0), (2, 2)), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(joined((0, 3), (1, 0)), [(0, 3), (0, 2), (1, 1), (1, 0)]);
        assert_eq!(joined((2, 0), (0, 0)), [(2, 0), (1, 0), (0, 0)]);
    }
}
