//! The crosshair: the selected price as text, as a line and on both axes.
//!
//! ```text
//! ╭ Price ──────── 14:02:31  tick 188  price 63  since ▲ +57 +90.4 % ╮
//! │             ┊      ⢀⠔⠢                                           │
//! │           ⢀⡠◆⠊⠉⠁                                              63 │
//! │         14:02:31                                                 │
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::series::Column;
use super::{ChartFrame, intersects};
use crate::app::chart::ChartKind;
use crate::app::portfolio::money::{Permille, Side};
use crate::app::prices::Candle;
use crate::ui::Markers;
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;

impl ChartFrame<'_> {
    /// Returns the selected candle, whose last price is the selected one, and its column.
    fn selected(&self) -> Option<(Candle, &Column)> {
        let tick = self.state.chart.crosshair?.tick;
        let candle = self.state.market.at(self.state.market.index_of(tick))?;
        let column = self.series.column_of(candle.last_tick)?;
        (candle.first_tick <= tick).then_some((candle, column))
    }

    /// Returns the longest description of the selected price that fits `columns`.
    pub(super) fn readout(&self, columns: usize) -> Option<Line<'static>> {
        let (selected, column) = self.selected()?;
        let point = selected.end();
        let theme = &self.view.theme;
        let time = format::timestamp(point.at, self.state.now, &self.view.zone);
        let tick = format!("tick {}", format::thousands(point.tick));
        let price = format::thousands(point.price);
        let by = i64::from(self.last.price) - i64::from(point.price);
        let (moved, percent) = format::change(by, Permille::from_change(by, i64::from(point.price)));
        let [what, short] = if self.kind == ChartKind::Candles || selected.ticks() > 1 {
            candle(&column.candle)
        } else {
            [format!("price {price}"), price.clone()]
        };
        let since = format!("{moved} {percent}");
        let long_since = format!("since {since}");
        let variants = [
            (
                format!("{time}  {tick}  {what}{}", self.trades(column)),
                &long_since,
            ),
            (format!("{time}  {tick}  {what}"), &long_since),
            (format!("{time}  {what}"), &long_since),
            (format!("{time}  {short}"), &since),
            (format!("{time}  {price}"), &since),
            (time, &format!("{price} {moved}")),
        ];
        let fits = |(what, since): &&(String, &String)| text::width(what) + text::width(since) + 4 <= columns;
        let (what, since) = variants.iter().find(fits).or(variants.last())?;
        Some(Line::from(vec![
            Span::styled(format!(" {what}  "), theme.strong),
            Span::styled(format!("{} ", since.trim_end()), theme.change_style(by)),
        ]))
    }

    /// Returns the player's own trades in a column, as in `, bought 3`.
    fn trades(&self, column: &Column) -> String {
        let count = |side: Side| -> i64 {
            let marks = self.state.chart.markers.iter().filter(|mark| mark.side == side);
            let ticks = column.candle.first_tick..=column.candle.last_tick;
            let here = marks.filter(|mark| ticks.contains(&mark.tick));
            here.fold(0_i64, |sum, mark| sum.saturating_add(i64::from(mark.count)))
        };
        let text = |word: &str, count: i64| match count {
            0 => String::new(),
            count => format!("  {word} {}", format::thousands(count)),
        };
        text("bought", count(Side::Buy)) + &text("sold", count(Side::Sell))
    }

    pub(super) fn draw_crosshair_line(&self, buf: &mut Buffer) {
        let Some((_, column)) = self.selected() else {
            return;
        };
        // Dashed to differ from a candle's wick, where the font has the character.
        let line = match self.view.markers {
            Markers::Block => "│",
            Markers::Braille | Markers::Ascii => "┊",
        };
        let x = self.plot.x + self.across.cell(column);
        for y in self.plot.top()..self.plot.bottom() {
            self.draw_cell((x, y), line, self.view.theme.dim, buf);
        }
    }

    fn draw_cell(&self, cell: (u16, u16), symbol: &str, style: Style, buf: &mut Buffer) {
        if cell.0 < self.plot.right() {
            buf[cell].set_symbol(symbol).set_style(style);
        }
    }

    /// Marks the selected price on its line and on both axes.
    pub(super) fn draw_crosshair(&self, buf: &mut Buffer) {
        let Some((candle, _)) = self.selected() else {
            return;
        };
        let accent = self.view.theme.accent;
        if let Some(cell) = self.crosshair_cell() {
            self.draw_cell((cell.x, cell.y), "◆", accent, buf);
        }
        let Some((below, time)) = self.selected_time() else {
            return;
        };
        let style = accent.add_modifier(Modifier::REVERSED);
        let columns = usize::from(self.gutter).saturating_sub(2);
        let price = self.price_format.price(candle.close);
        let row = self.scale.row(candle.close);
        self.gutter_label(row, panel::styled(format!(" {price:>columns$} "), style), buf);
        if !intersects(&self.covered, below) {
            panel::draw_over(self.view, panel::styled(time, style), below, buf);
        }
    }

    /// Returns the cell of the selected price; candles have none.
    pub(super) fn crosshair_cell(&self) -> Option<Rect> {
        let (candle, column) = self.selected().filter(|_| self.kind != ChartKind::Candles)?;
        let x = self.plot.x + self.across.cell(column);
        Some(Rect::new(x, self.plot.y + self.scale.row(candle.close), 1, 1))
    }

    /// Returns the time label of the crosshair and its area below the plot; `None` without axes.
    pub(super) fn selected_time(&self) -> Option<(Rect, String)> {
        let (candle, column) = self.selected().filter(|_| self.gutter > 0)?;
        let time = format::timestamp(candle.until, self.state.now, &self.view.zone);
        let text = format!(" {time} ");
        let below = self.times_row();
        let width = text::cells(text::width(&text)).min(below.width);
        let first = self.across.cell(column).saturating_sub(width / 2);
        let x = below.x + first.min(below.width - width);
        Some((Rect { x, width, ..below }, text))
    }
}

/// Returns a candle's four prices, long and abbreviated.
fn candle(candle: &Candle) -> [String; 2] {
    let prices = [candle.open, candle.high, candle.low, candle.close];
    let [open, high, low, close] = prices.map(format::thousands);
    [
        format!("open {open} high {high} low {low} close {close}"),
        format!("O {open} H {high} L {low} C {close}"),
    ]
}
