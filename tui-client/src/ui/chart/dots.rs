//! Dots in cells: what is finer than a letter, and the letters that show it.
//!
//! Owns the letters of each set of markers. It knows nothing of prices.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::ui::Markers;

/// A dot: across from the left, down from the top.
pub(super) type Dot = (usize, usize);

/// What dots are for: where a cell has few of them, letters of their own tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// The price.
    Line,
    /// The area under it.
    Fill,
    /// The level of the last price.
    Level,
    /// The average cost.
    Average,
}

/// Dots over an area of cells.
#[derive(Debug)]
pub(super) struct Dots {
    markers: Markers,
    area: Rect,
    /// A bit a dot, a byte a cell, row by row.
    cells: Vec<u8>,
}

impl Dots {
    /// No dots over `area` yet.
    pub(super) fn new(markers: Markers, area: Rect) -> Self {
        let cells = usize::from(area.width).saturating_mul(usize::from(area.height));
        Self {
            markers,
            area,
            cells: vec![0; cells],
        }
    }

    /// Dots of the whole area, across and down.
    pub(super) fn size(&self) -> (usize, usize) {
        let (across, down) = self.markers.dots();
        (
            usize::from(self.area.width.saturating_mul(across)),
            usize::from(self.area.height.saturating_mul(down)),
        )
    }

    /// Paints dots; those outside are passed over. A cell that has one shows nothing of what was painted there before.
    pub(super) fn paint(
        &mut self,
        dots: impl Iterator<Item = Dot>,
        ink: Ink,
        style: Style,
        buf: &mut Buffer,
    ) {
        self.cells.fill(0);
        let (across, down) = self.markers.dots();
        let (across, down) = (usize::from(across.max(1)), usize::from(down.max(1)));
        let width = usize::from(self.area.width);
        for (x, y) in dots {
            let (column, row) = (x / across, y / down);
            if column >= width {
                continue;
            }
            if let Some(cell) = self
                .cells
                .get_mut(row.saturating_mul(width).saturating_add(column))
            {
                *cell |= bit(x % across, y % down, across);
            }
        }
        for (position, bits) in self.area.positions().zip(&self.cells) {
            if *bits != 0
                && let Some(cell) = buf.cell_mut(position)
            {
                cell.set_char(letter(self.markers, ink, *bits)).set_style(style);
            }
        }
    }
}

/// The bit of a dot of a cell: as Unicode numbers the dots of Braille, or the upper and the lower half.
fn bit(x: usize, y: usize, across: usize) -> u8 {
    match (across, x, y) {
        (1, _, 0) => 0b01,
        (1, ..) => 0b10,
        (_, 0, 3) => 0x40,
        (_, _, 3) => 0x80,
        (_, 0, y) => 1 << y,
        (_, _, y) => 8 << y,
    }
}

fn letter(markers: Markers, ink: Ink, bits: u8) -> char {
    match (markers, ink, bits) {
        (Markers::Braille, ..) => char::from_u32(0x2800 | u32::from(bits)).unwrap_or(' '),
        (Markers::Block, Ink::Line, 0b01) => '▀',
        (Markers::Block, Ink::Line, 0b10) => '▄',
        (Markers::Block, Ink::Line, _) => '█',
        (Markers::Block, Ink::Fill, _) => '░',
        (Markers::Block, Ink::Level, _) => '·',
        (Markers::Block, Ink::Average, _) => '─',
        (Markers::Ascii, Ink::Line, 0b01) => '\'',
        (Markers::Ascii, Ink::Line, 0b10) => '.',
        (Markers::Ascii, Ink::Line, _) => '|',
        (Markers::Ascii, Ink::Fill, _) => ':',
        (Markers::Ascii, Ink::Level, _) => '.',
        (Markers::Ascii, Ink::Average, _) => '-',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(markers: Markers, ink: Ink, dots: &[Dot]) -> String {
        let area = Rect::new(0, 0, 3, 1);
        let mut buf = Buffer::empty(area);
        Dots::new(markers, area).paint(dots.iter().copied(), ink, Style::new(), &mut buf);
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn dots_are_letters_of_their_set() {
        let braille = [(0, 0), (1, 0), (0, 3), (1, 3), (3, 1), (4, 2)];
        assert_eq!(painted(Markers::Braille, Ink::Line, &braille), "⣉⠐⠄");
        let halves = [(0, 0), (1, 1), (2, 0), (2, 1)];
        assert_eq!(painted(Markers::Block, Ink::Line, &halves), "▀▄█");
        assert_eq!(painted(Markers::Ascii, Ink::Line, &halves), "'.|");
        assert_eq!(painted(Markers::Ascii, Ink::Fill, &halves), ":::");
    }

    #[test]
    fn dots_outside_are_passed_over() {
        let outside = [(usize::MAX, 0), (0, usize::MAX), (6, 0), (0, 4)];
        assert_eq!(painted(Markers::Braille, Ink::Line, &outside), "   ");
    }
}
