//! The player's own trades on the chart. A buy points up from below its price, a sell down from above.
//!
//! ```text
//!      ▼
//!  ⠔⠢⡀⢠⠃
//! ⠃  ⠘⡄
//!   ▲
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::ChartFrame;
use crate::app::portfolio::money::Side;
use crate::app::portfolio::rows::TradeRow;

impl ChartFrame<'_> {
    /// Marks all visible trades; a later trade replaces an earlier one in the same cell.
    pub(super) fn draw_marks(&self, buf: &mut Buffer) {
        let theme = &self.view.theme;
        for (mark, place) in self.marks() {
            let (sign, style) = match mark.side {
                Side::Buy => ("▲", theme.buy),
                Side::Sell => ("▼", theme.sell),
            };
            buf[place].set_symbol(sign).set_style(style);
        }
    }

    pub(super) fn marked_cells(&self) -> impl Iterator<Item = Rect> {
        self.marks().map(|(_, place)| Rect::new(place.x, place.y, 1, 1))
    }

    fn marks(&self) -> impl Iterator<Item = (&TradeRow, Position)> {
        self.state.chart.markers.iter().filter_map(|mark| {
            let column = self.series.column_of(mark.tick)?;
            let row = self.scale.row(mark.price);
            let row = match mark.side {
                Side::Buy => row.saturating_add(1),
                Side::Sell => row.saturating_sub(1),
            };
            let x = self.plot.x + self.across.cell(column);
            let y = self.plot.y + row.min(self.plot.height - 1);
            let place = Position::new(x, y);
            (x < self.plot.right()).then_some((mark, place))
        })
    }
}
