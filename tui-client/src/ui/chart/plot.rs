//! The dots of the chart: the line, the area under it, the level of the last price and the average cost.
//!
//! Owns how lines become dots, and the only floats of the view: the bounds that the canvas asks for.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Color,
    symbols::Marker,
    widgets::{
        Widget,
        canvas::{Canvas, Painter, Shape},
    },
};

use super::series::Column;

/// Dots of a cell, across and down, and the letters that show them.
pub(super) const DOTS_ACROSS: u16 = 2;

/// Dots of a cell, down.
pub(super) const DOTS_DOWN: u16 = 4;

/// Where the columns of a series are, in dots across.
#[derive(Debug, Clone, Copy)]
pub(super) struct Across {
    slots: usize,
    dots: usize,
}

impl Across {
    /// Spreads `slots` places over `dots`.
    pub(super) fn new(slots: usize, dots: u16) -> Self {
        Self {
            slots,
            dots: usize::from(dots),
        }
    }

    /// The dot of a column.
    pub(super) fn dot(&self, column: &Column) -> usize {
        let last = self.slots.saturating_sub(1);
        column
            .slot
            .saturating_mul(self.dots.saturating_sub(1))
            .checked_div(last)
            .unwrap_or(0)
    }
}

/// A dot: across from the left, down from the top.
type Dot = (usize, usize);

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

/// Dots in one colour.
struct Painted<I>(I, Color);

impl<I: Iterator<Item = Dot> + Clone> Shape for Painted<I> {
    fn draw(&self, painter: &mut Painter<'_, '_>) {
        for (x, y) in self.0.clone() {
            painter.paint(x, y, self.1);
        }
    }
}

/// What is to be painted, in dots.
pub(super) struct Picture {
    /// The colour of the ground.
    pub(super) ground: Color,
    /// The line of the price and its colour.
    pub(super) line: (Vec<Dot>, Color),
    /// The colour of the area under the line.
    pub(super) fill: Option<Color>,
    /// The row of the last price, dotted to the right edge, and its colour.
    pub(super) level: (usize, Color),
    /// The row of the average cost and its colour.
    pub(super) average: Option<(usize, Color)>,
}

impl Picture {
    /// Paints it over the whole of `area`.
    pub(super) fn paint(&self, area: Rect, buf: &mut Buffer) {
        let across = usize::from(area.width.saturating_mul(DOTS_ACROSS));
        let down = usize::from(area.height.saturating_mul(DOTS_DOWN));
        let tops = tops(&self.line.0, across);
        let inside = |(x, y): &Dot| *x < across && *y < down;
        Canvas::default()
            .background_color(self.ground)
            .marker(Marker::Braille)
            .x_bounds([0.0, 1.0])
            .y_bounds([0.0, 1.0])
            .paint(|canvas| {
                if let Some(color) = self.fill {
                    let dots = under(&tops, down);
                    canvas.draw(&Painted(dots.filter(inside), color));
                    canvas.layer();
                }
                let (level, color) = self.level;
                canvas.draw(&Painted(
                    (0..across).step_by(4).map(|x| (x, level)).filter(inside),
                    color,
                ));
                if let Some((row, color)) = self.average {
                    canvas.layer();
                    let dashes = (0..across).filter(|x| x % 8 < 4).map(|x| (x, row));
                    canvas.draw(&Painted(dashes.filter(inside), color));
                }
                canvas.layer();
                let (line, color) = &self.line;
                canvas.draw(&Painted(line.iter().copied().filter(inside), *color));
            })
            .render(area, buf);
    }
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
fn under(tops: &[Option<usize>], down: usize) -> impl Iterator<Item = Dot> + Clone + '_ {
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
