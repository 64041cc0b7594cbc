//! The dots of the chart: the line, the area under it, the level of the last price and the average cost.
//!
//! Owns how lines become dots. What letters show them is the markers' to say.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    dots::{Dot, Dots, Ink},
    series::Column,
};
use crate::ui::Markers;

/// Where the columns of a series are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Across {
    /// Spread evenly over all dots.
    Spread {
        /// Places.
        slots: usize,
        /// Dots across.
        dots: u16,
        /// Dots of a cell.
        per_cell: u16,
    },
    /// So many cells from one to the next.
    Pitch(u16),
}

impl Across {
    /// The dot of a column; of pitched ones, the cell.
    pub(super) fn dot(&self, column: &Column) -> usize {
        match self {
            Self::Spread { slots, dots, .. } => column
                .slot
                .saturating_mul(usize::from(dots.saturating_sub(1)))
                .checked_div(slots.saturating_sub(1))
                .unwrap_or(0),
            Self::Pitch(cells) => column.slot.saturating_mul(usize::from(*cells)),
        }
    }

    /// Cells that a column may fill: of wide ones, the last stays free.
    pub(super) fn width(&self) -> u16 {
        match self {
            Self::Spread { .. } | Self::Pitch(0 | 1) => 1,
            Self::Pitch(cells) => cells.saturating_sub(1),
        }
    }

    /// The cell of a column, from the left of the plot.
    pub(super) fn cell(&self, column: &Column) -> u16 {
        let per_cell = match self {
            Self::Spread { per_cell, .. } => *per_cell,
            Self::Pitch(_) => 1,
        };
        let cell = self.dot(column).checked_div(usize::from(per_cell)).unwrap_or(0);
        u16::try_from(cell).unwrap_or(u16::MAX)
    }
}

/// The dots of the line through `columns`: each column from its low to its high, joined to the next one, but not over
/// a gap.
pub(super) fn trace(columns: &[Column], across: &Across, down: impl Fn(i32) -> usize) -> Vec<Dot> {
    let mut dots = Vec::with_capacity(columns.len().saturating_mul(4));
    let mut before: Option<Dot> = None;
    for column in columns {
        let x = across.dot(column);
        if let Some(before) = before.filter(|_| !column.after_gap) {
            join(before, (x, down(column.first)), &mut dots);
        }
        dots.extend((down(column.high)..=down(column.low)).map(|y| (x, y)));
        before = Some((x, down(column.last)));
    }
    dots
}

/// The dots of the straight line between two dots.
fn join((x0, y0): Dot, (x1, y1): Dot, dots: &mut Vec<Dot>) {
    let (wide, high) = (x1.abs_diff(x0), y1.abs_diff(y0));
    let steps = wide.max(high);
    let between = |from: usize, to: usize, by: usize, step: usize| {
        let moved = by
            .saturating_mul(step)
            .saturating_add(steps / 2)
            .checked_div(steps)
            .unwrap_or(0);
        if to >= from {
            from.saturating_add(moved)
        } else {
            from.saturating_sub(moved)
        }
    };
    dots.extend((0..=steps).map(|step| (between(x0, x1, wide, step), between(y0, y1, high, step))));
}

/// The area under the line, and its style.
pub(super) fn fill(line: &[Dot], style: Style, markers: Markers, area: Rect, buf: &mut Buffer) {
    let mut dots = Dots::new(markers, area);
    let (across, down) = dots.size();
    let tops = tops(line, across);
    match markers {
        Markers::Braille => dots.paint(under(&tops, down), Ink::Fill, style, buf),
        Markers::Block | Markers::Ascii => dots.paint(below(&tops, down), Ink::Fill, style, buf),
    }
}

/// A row of dots across the plot: one a cell, or dashed for the average cost. The level moves with each price: cells
/// beside each other cost the terminal a third of what cells with gaps between them do.
pub(super) fn row(dot: usize, ink: Ink, style: Style, markers: Markers, area: Rect, buf: &mut Buffer) {
    let mut dots = Dots::new(markers, area);
    let (across, _) = dots.size();
    let cell = usize::from(markers.dots().0.max(1));
    let dashes = (0..across).filter(|x| match ink {
        Ink::Average => x / cell % 4 < 2,
        Ink::Line | Ink::Fill | Ink::Level => x % cell == 0,
    });
    dots.paint(dashes.map(|x| (x, dot)), ink, style, buf);
}

/// The line itself.
pub(super) fn line(line: &[Dot], style: Style, markers: Markers, area: Rect, buf: &mut Buffer) {
    Dots::new(markers, area).paint(line.iter().copied(), Ink::Line, style, buf);
}

/// The lowest dot of the line in each column of dots.
fn tops(line: &[Dot], across: usize) -> Vec<Option<usize>> {
    let mut tops: Vec<Option<usize>> = vec![None; across];
    for (x, y) in line {
        if let Some(top) = tops.get_mut(*x) {
            *top = Some(top.map_or(*y, |top| top.max(*y)));
        }
    }
    tops
}

/// Sparse dots below `tops`, in a pattern that stays where it is while the line moves.
fn under(tops: &[Option<usize>], down: usize) -> impl Iterator<Item = Dot> + '_ {
    tops.iter()
        .enumerate()
        .step_by(2)
        .filter_map(|(x, top)| top.map(|top| (x, top)))
        .flat_map(move |(x, top)| {
            let first = top
                .saturating_add(2)
                .next_multiple_of(4)
                .saturating_add((x / 2 % 2) * 2);
            (first..down).step_by(4).map(move |y| (x, y))
        })
}

/// Every other cell of two dots below `tops`, like the squares of a chessboard.
fn below(tops: &[Option<usize>], down: usize) -> impl Iterator<Item = Dot> + '_ {
    tops.iter()
        .enumerate()
        .filter_map(|(x, top)| top.map(|top| (x, top)))
        .flat_map(move |(x, top)| {
            let first = top.saturating_add(1).next_multiple_of(2);
            let cells = (first..down).step_by(2);
            cells
                .filter(move |y| (x.saturating_add(y / 2)) % 2 == 0)
                .map(move |y| (x, y))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_join_their_ends() {
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
