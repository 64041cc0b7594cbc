//! Bars of block letters, a column a place: the chart that needs the least room.
//!
//! Owns how prices become heights of an eighth of a cell.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{plot::Across, scale::Scale, series::Column};

/// Heights of one cell.
pub(super) const STEPS: u16 = 8;

/// The letters of the heights, from the lowest on.
const LETTERS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws the bars. The scale has [`STEPS`] dots a row.
pub(super) fn draw(
    columns: &[Column],
    across: &Across,
    scale: &Scale,
    style: Style,
    area: Rect,
    buf: &mut Buffer,
) {
    let steps = usize::from(STEPS);
    for column in columns {
        let first = across.cell(column);
        let cells = first..first.saturating_add(across.width()).min(area.width);
        let top = scale.dot(column.last);
        for row in scale.row(column.last)..area.height {
            let filled = usize::from(row.saturating_add(1))
                .saturating_mul(steps)
                .saturating_sub(top);
            let letter = LETTERS.get(filled.clamp(1, steps).saturating_sub(1));
            for x in cells.clone() {
                let position = (area.x.saturating_add(x), area.y.saturating_add(row));
                if let Some((cell, letter)) = buf.cell_mut(position).zip(letter) {
                    cell.set_char(*letter).set_style(style);
                }
            }
        }
    }
}
