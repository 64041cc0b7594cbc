//! A bar chart of block characters, for the smallest areas: one column per slot, eight heights per cell.

use ratatui::buffer::Buffer;

use super::ChartFrame;
use crate::ui::text::format::BARS;

/// Heights per cell.
pub(super) const STEPS: u16 = 8;

impl ChartFrame<'_> {
    /// Draws the bars. Not a `Sparkline`: that would erase the lines behind the chart.
    pub(super) fn draw_bars(&self, buf: &mut Buffer) {
        let (plot, style) = (self.plot, self.line_style());
        for column in &self.series.columns {
            let first = plot.x + self.across.cell(column);
            let top = self.scale.dot(column.candle.close);
            for row in self.scale.row(column.candle.close)..plot.height {
                let filled = usize::from((row + 1) * STEPS) - top;
                let glyph = BARS[filled.min(BARS.len()) - 1];
                for x in first..(first + self.across.bar_width()).min(plot.right()) {
                    buf[(x, plot.y + row)].set_char(glyph).set_style(style);
                }
            }
        }
    }
}
