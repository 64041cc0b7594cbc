//! The crosshair: one price read off, in words, on the axes and as a line.
//!
//! Owns what is told of it. Which tick it is on, the state says.
//!
//! ```text
//! ╭ Price ──────── 14:02:31  tick 188  price 63  since ▲ +57 +90.4 % ╮
//! │             ┊      ⢀⠔⠢                                           │
//! │           ⢀⡠◆⠊⠉⠁                                              63 │
//! │         14:02:31                                                 │
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Picture, series::Column};
use crate::{
    app::{
        chart::Kind,
        market::{Candle, PricePoint},
        money::{Permille, Side},
    },
    ui::{Markers, format, panel, text},
};

impl Picture<'_> {
    /// The price read off, and its column. Of a candle that is kept as such, the price of its last tick is known.
    fn read_off(&self) -> Option<(PricePoint, &Column)> {
        let candle = self.candle_read_off()?;
        let column = self.series.column_of(candle.last_tick)?;
        Some((candle.end(), column))
    }

    fn candle_read_off(&self) -> Option<Candle> {
        let tick = self.state.chart.crosshair?.tick;
        let candle = self.state.market.at(self.state.market.index_of(tick))?;
        (candle.first_tick <= tick).then_some(candle)
    }

    /// The price read off in words, the wordiest ones that `columns` take.
    pub(super) fn readout(&self, columns: usize) -> Option<Line<'static>> {
        let (point, column) = self.read_off()?;
        let theme = &self.view.theme;
        let time = format::moment(point.at, self.state.now, &self.view.zone);
        let tick = format!("tick {}", format::grouped(point.tick));
        let price = format::grouped(i64::from(point.price));
        let trades = self.trades(column);
        let last = self.state.market.last()?;
        let by = i64::from(last.price).saturating_sub(i64::from(point.price));
        let (moved, percent) = format::moved(by, Permille::of(by, i64::from(point.price)));
        let kept_as_candle = self.candle_read_off().is_some_and(|candle| candle.ticks() > 1);
        let [what, short] = if self.kind == Kind::Candles || kept_as_candle {
            candle(column)
        } else {
            [format!("price {price}"), price.clone()]
        };
        let since = [
            format!("since {moved} {percent}"),
            format!("{moved} {percent}"),
            moved,
        ];
        let wordings = [
            (format!("{time}  {tick}  {what}{trades}"), since[0].clone()),
            (format!("{time}  {tick}  {what}"), since[0].clone()),
            (format!("{time}  {what}"), since[0].clone()),
            (format!("{time}  {short}"), since[1].clone()),
            (format!("{time}  {price}"), since[1].clone()),
            (time, format!("{price} {}", since[2])),
        ];
        let width = |(what, since): &(String, String)| {
            text::width(what)
                .saturating_add(text::width(since))
                .saturating_add(4)
        };
        let fitting = wordings.iter().find(|wording| width(wording) <= columns);
        let (what, since) = fitting.or(wordings.last())?;
        Some(Line::from(vec![
            Span::styled(format!(" {what}  "), theme.strong),
            Span::styled(format!("{} ", since.trim_end()), theme.moved(by)),
        ]))
    }

    /// The player's own trades of a column, in words: `, bought 3`.
    fn trades(&self, column: &Column) -> String {
        let count = |side: Side| -> i64 {
            let marks = self.state.chart.marks.iter().filter(|mark| mark.side == side);
            let here = marks.filter(|mark| (column.since..=column.tick).contains(&mark.tick));
            here.fold(0_i64, |sum, mark| sum.saturating_add(i64::from(mark.count)))
        };
        let told = |word, count: i64| match count {
            0 => String::new(),
            count => format!("  {word} {}", format::grouped(count)),
        };
        told("bought", count(Side::Buy)) + &told("sold", count(Side::Sell))
    }

    /// Draws the line through the price read off, behind the prices.
    pub(super) fn draw_crosshair_line(&self, buf: &mut Buffer) {
        let Some((_, column)) = self.read_off() else {
            return;
        };
        let x = self.plot.x.saturating_add(self.across.cell(column));
        // Dashed, unlike the wick of a candle, where the font has it.
        let line = if self.view.markers == Markers::Block {
            "│"
        } else {
            "┊"
        };
        for y in self.plot.top()..self.plot.bottom() {
            if let Some(cell) = buf.cell_mut((x, y)).filter(|_| x < self.plot.right()) {
                cell.set_symbol(line).set_style(self.view.theme.dim);
            }
        }
    }

    /// Marks the price read off on its line, on the axis and below.
    pub(super) fn draw_crosshair(&self, buf: &mut Buffer) {
        let Some((point, column)) = self.read_off() else {
            return;
        };
        let theme = &self.view.theme;
        let row = self.scale.row(point.price);
        let (x, y) = (
            self.plot.x.saturating_add(self.across.cell(column)),
            self.plot.y.saturating_add(row),
        );
        if self.kind != Kind::Candles
            && let Some(cell) = buf.cell_mut((x, y)).filter(|_| x < self.plot.right())
        {
            cell.set_symbol("◆").set_style(theme.accent);
        }
        let Some((below, time)) = self.time_read_off() else {
            return;
        };
        let style = theme.accent.add_modifier(Modifier::REVERSED);
        let columns = usize::from(self.gutter).saturating_sub(2);
        let price = self.figures().price(point.price);
        panel::styled(format!(" {price:>columns$} "), style).render(self.gutter_row(row), buf);
        panel::over(self.view, panel::styled(time, style), below, buf);
    }

    /// The time of the price read off, and its place under the plot; without axes, none.
    pub(super) fn time_read_off(&self) -> Option<(Rect, String)> {
        let (point, column) = self.read_off().filter(|_| self.gutter > 0)?;
        let time = format!(" {} ", format::moment(point.at, self.state.now, &self.view.zone));
        let columns = u16::try_from(text::width(&time)).unwrap_or(u16::MAX);
        let below = self.times_row();
        let first = self.across.cell(column).saturating_sub(columns / 2);
        let first = first.min(below.width.saturating_sub(columns));
        let place = Rect {
            x: below.x.saturating_add(first),
            width: columns.min(below.width),
            ..below
        };
        Some((place, time))
    }
}

/// The four prices of a candle, in words and in letters.
fn candle(column: &Column) -> [String; 2] {
    let price = |price: i32| format::grouped(i64::from(price));
    let (open, high) = (price(column.first), price(column.high));
    let (low, close) = (price(column.low), price(column.last));
    [
        format!("open {open} high {high} low {low} close {close}"),
        format!("O {open} H {high} L {low} C {close}"),
    ]
}
