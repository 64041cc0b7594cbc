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

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::Picture;
use crate::app::{chart::Mark, money::Side};

impl Picture<'_> {
    /// Marks all trades in sight; of two in one cell, the later one.
    pub(super) fn draw_marks(&self, buf: &mut Buffer) {
        let theme = &self.view.theme;
        for (mark, place) in self.marks() {
            let (sign, style) = match mark.side {
                Side::Buy => ("▲", theme.bought),
                Side::Sell => ("▼", theme.sold),
            };
            if let Some(cell) = buf.cell_mut(place) {
                cell.set_symbol(sign).set_style(style);
            }
        }
    }

    /// Whether a trade is marked in an area.
    pub(super) fn is_marked(&self, area: Rect) -> bool {
        self.marks().any(|(_, place)| area.contains(place))
    }

    /// The trades in sight, and the cells of their marks.
    fn marks(&self) -> impl Iterator<Item = (&Mark, Position)> {
        self.state.chart.marks.iter().filter_map(|mark| {
            let column = self.series.column_of(mark.tick)?;
            let row = self.scale.row(mark.price);
            let row = match mark.side {
                Side::Buy => row.saturating_add(1),
                Side::Sell => row.saturating_sub(1),
            };
            let x = self.plot.x.saturating_add(self.across.cell(column));
            let row = row.min(self.plot.height.saturating_sub(1));
            let place = Position::new(x, self.plot.y.saturating_add(row));
            (x < self.plot.right()).then_some((mark, place))
        })
    }
}
