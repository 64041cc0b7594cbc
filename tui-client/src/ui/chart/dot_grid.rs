//! Sub-cell dots, rendered with the characters of each marker set.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::braille::BRAILLE;

use crate::app::portfolio::money::Side;
use crate::ui::Markers;

/// x from the left, y from the top.
pub(super) type Dot = (usize, usize);

/// The meaning of a dot. Cells with few dots use a different character for each layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    Line,
    Fill,
    Level,
    Average,
    /// The price of a resting order.
    Order(Side),
}

pub(super) struct DotGrid {
    pub(super) markers: Markers,
    pub(super) area: Rect,
}

impl DotGrid {
    /// Returns the width and height in dots.
    pub(super) fn size(&self) -> (usize, usize) {
        let (across, down) = self.markers.dots();
        (
            usize::from(self.area.width * across),
            usize::from(self.area.height * down),
        )
    }

    /// Paints dots and clips those outside. A cell with a new dot drops all earlier ones.
    pub(super) fn paint(
        &self,
        dots: impl Iterator<Item = Dot>,
        layer: Layer,
        style: Style,
        buf: &mut Buffer,
    ) {
        let (across, down) = self.markers.dots();
        let (across, down) = (usize::from(across), usize::from(down));
        let (width, height) = (usize::from(self.area.width), usize::from(self.area.height));
        // One byte per cell, one bit per dot, both row by row.
        let mut cells = vec![0_u8; width * height];
        for (x, y) in dots.filter(|(x, _)| x / across < width) {
            let index = (y / down).saturating_mul(width).saturating_add(x / across);
            if let Some(cell) = cells.get_mut(index) {
                *cell |= 1 << (y % down * across + x % across);
            }
        }
        for (position, bits) in self.area.positions().zip(cells) {
            if bits != 0 {
                buf[position]
                    .set_char(glyph(self.markers, layer, bits))
                    .set_style(style);
            }
        }
    }
}

fn glyph(markers: Markers, layer: Layer, bits: u8) -> char {
    match (markers, layer, bits) {
        (Markers::Braille, ..) => BRAILLE[usize::from(bits)],
        (Markers::Block, Layer::Line, 0b01) => '▀',
        (Markers::Block, Layer::Line, 0b10) => '▄',
        (Markers::Block, Layer::Line, _) => '█',
        (Markers::Block, Layer::Fill, _) => '░',
        (Markers::Block, Layer::Level, _) => '·',
        (Markers::Block, Layer::Average, _) => '─',
        (Markers::Block, Layer::Order(_), _) => '╌',
        (Markers::Ascii, Layer::Line, 0b01) => '\'',
        (Markers::Ascii, Layer::Line, 0b10) => '.',
        (Markers::Ascii, Layer::Line, _) => '|',
        (Markers::Ascii, Layer::Fill, _) => ':',
        (Markers::Ascii, Layer::Level, _) => '.',
        (Markers::Ascii, Layer::Average | Layer::Order(_), _) => '-',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(markers: Markers, layer: Layer, dots: &[Dot]) -> String {
        let area = Rect::new(0, 0, 3, 1);
        let mut buf = Buffer::empty(area);
        DotGrid { markers, area }.paint(dots.iter().copied(), layer, Style::new(), &mut buf);
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn dots_use_the_glyphs_of_their_marker_set() {
        let braille = [(0, 0), (1, 0), (0, 3), (1, 3), (3, 1), (4, 2)];
        assert_eq!(painted(Markers::Braille, Layer::Line, &braille), "⣉⠐⠄");
        let halves = [(0, 0), (1, 1), (2, 0), (2, 1)];
        assert_eq!(painted(Markers::Block, Layer::Line, &halves), "▀▄█");
        assert_eq!(painted(Markers::Ascii, Layer::Line, &halves), "'.|");
        assert_eq!(painted(Markers::Ascii, Layer::Fill, &halves), ":::");
    }

    #[test]
    fn dots_outside_the_area_are_ignored() {
        let outside = [(usize::MAX, 0), (0, usize::MAX), (6, 0), (0, 4)];
        assert_eq!(painted(Markers::Braille, Layer::Line, &outside), "   ");
    }
}
