//! The player's own trades on the chart, at their tick and price.
//!
//! Owns their signs: a buy points up from below its price, a sell down from above it.
//!
//! ```text
//!      ▼
//!  ⠔⠢⡀⢠⠃
//! ⠃  ⠘⡄
//!   ▲
//! ```

use ratatui::buffer::Buffer;

use super::Picture;
use crate::app::money::Side;

impl Picture<'_> {
    /// Marks all trades in sight; of two in one cell, the later one.
    pub(super) fn draw_marks(&self, buf: &mut Buffer) {
        let theme = &self.view.theme;
        for mark in self.state.chart.marks.iter() {
            let Some(column) = self.series.column_of(mark.tick) else {
                continue;
            };
            let row = self.scale.row(mark.price);
            let (row, sign, style) = match mark.side {
                Side::Buy => (row.saturating_add(1), "▲", theme.bought),
                Side::Sell => (row.saturating_sub(1), "▼", theme.sold),
            };
            let x = self.plot.x.saturating_add(self.across.cell(column));
            let y = self
                .plot
                .y
                .saturating_add(row.min(self.plot.height.saturating_sub(1)));
            if x < self.plot.right()
                && let Some(cell) = buf.cell_mut((x, y))
            {
                cell.set_symbol(sign).set_style(style);
            }
        }
    }
}
