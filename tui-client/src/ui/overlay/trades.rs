//! The player's trades: a table, the newest first, that grows at its end while it is read.
//!
//! Owns the table's columns, and which of them go where there is little room. Tokens that were paid have a minus, those
//! that were got a plus, and words say so too.
//!
//! ```text
//! ╭ Trades, newest first ───────────────────────────────╮
//! │  No  Date                             Price  Tokens │
//! │   2  2026-11-22 14:09:10  sell  2        37     +74 │
//! │   1  2026-11-22 14:03:22  buy   2        16     -32 │
//! ╰ Esc closes ─────────────────────────────────────────╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Part, Window, absence, scrolled, sheet_hints, text_columns};
use crate::{
    app::{
        event::NumberedTrade,
        money::Side,
        overlay::{Fetched, Scroll, Sheet},
        trades::TradeList,
    },
    ui::{Top, View, format, layout::Desk, panel, text},
};

/// Most columns of a line.
const MAX_COLUMNS: usize = 64;

/// Rows that are not scrolled: the heading.
const FIXED_ROWS: u16 = 1;

/// Draws the trades.
pub(super) fn draw(view: &View, sheet: &Sheet<TradeList>, desk: &Desk, buf: &mut Buffer) -> Top {
    let columns = text_columns(desk, MAX_COLUMNS);
    let hints = sheet_hints(sheet);
    let window = |rows: usize| Window {
        title: "Trades, newest first",
        hints: &hints,
        wanted: (columns, rows),
    };
    match &sheet.content {
        Fetched::Ready(trades) if !trades.rows().is_empty() => {
            let rows = trades.rows().len().saturating_add(usize::from(FIXED_ROWS));
            table(view, (sheet, trades), &window(rows), desk, buf)
        }
        Fetched::Ready(_) | Fetched::Loading | Fetched::Failed(_) => {
            let mut lines = absence(view, &sheet.content, "the trades", columns);
            if lines.is_empty() {
                lines.push(panel::styled("no trades yet", view.theme.dim));
            }
            scrolled(view, &window(lines.len()), lines, Scroll::default(), desk, buf)
        }
    }
}

fn table(
    view: &View,
    (sheet, trades): (&Sheet<TradeList>, &TradeList),
    window: &Window<'_>,
    desk: &Desk,
    buf: &mut Buffer,
) -> Top {
    let placed = window.place(desk);
    let inner = placed.inner;
    let body = Rect {
        y: inner.y.saturating_add(FIXED_ROWS),
        height: inner.height.saturating_sub(FIXED_ROWS),
        ..inner
    };
    let part = Part::of(trades.rows().len(), usize::from(body.height), sheet.scroll.top());
    // There are more than are counted here.
    let more = if trades.has_more() { "+" } else { "" };
    let buttons = window.draw(view, &placed, part.position().map(|words| words + more), buf);
    part.bar(view, placed.outer, buf);
    let columns = Columns::of(trades.rows(), usize::from(inner.width));
    columns.heading(view.theme.dim).render(panel::row(inner, 0), buf);
    let rows = trades.rows().iter().enumerate().skip(part.first);
    for ((line, trade), index) in rows.zip(0..body.height) {
        let found = sheet.search.found() == Some(line);
        let style = if found { view.theme.accent } else { view.theme.text };
        columns
            .line(view, trade, style)
            .render(panel::row(body, index), buf);
    }
    Top::scrolled(part.reach(), buttons)
}

/// How much of a moment is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Time,
    Day,
    Nothing,
}

/// How wide the columns are, and which of them there are.
struct Columns {
    number: usize,
    moment: Moment,
    count: usize,
    /// Columns of the price; none where it is not shown.
    price: usize,
    tokens: usize,
}

impl Columns {
    /// The wordiest table that `columns` take.
    fn of(trades: &[NumberedTrade], columns: usize) -> Self {
        let widest = |words: fn(&NumberedTrade) -> String, least: usize| {
            let widths = trades.iter().map(|trade| text::width(&words(trade)));
            widths.max().unwrap_or(0).max(least)
        };
        let of = |(moment, has_price): (Moment, bool)| Self {
            number: widest(|(number, _)| format::grouped(*number), 3),
            moment,
            count: widest(|(_, row)| format::grouped(i64::from(row.count)), 1),
            price: if has_price {
                widest(|(_, row)| format::grouped(i64::from(row.price)), 5)
            } else {
                0
            },
            tokens: widest(|(_, row)| format::signed(row.tokens()), 6),
        };
        let shapes = [(Moment::Time, true), (Moment::Day, true), (Moment::Day, false)];
        let mut fitting = shapes.into_iter().map(of);
        fitting
            .find(|shape| shape.width() <= columns)
            .unwrap_or_else(|| of((Moment::Nothing, false)))
            .spread(columns)
    }

    fn moment_columns(&self) -> usize {
        match self.moment {
            Moment::Time => 19,
            Moment::Day => 10,
            Moment::Nothing => 0,
        }
    }

    /// All columns with two between each, and the four letters of the side.
    fn width(&self) -> usize {
        let columns = [
            self.number,
            self.moment_columns(),
            4,
            self.count,
            self.price,
            self.tokens,
        ];
        let shown = columns.iter().filter(|columns| **columns > 0).count();
        let gaps = shown.saturating_sub(1).saturating_mul(2);
        columns.iter().sum::<usize>().saturating_add(gaps)
    }

    /// The figures on the right, what is left over before them.
    fn spread(mut self, columns: usize) -> Self {
        let left = columns.saturating_sub(self.width());
        if self.price > 0 {
            self.price = self.price.saturating_add(left);
        } else {
            self.tokens = self.tokens.saturating_add(left);
        }
        self
    }

    /// A row of words, each in its column; the last one on the right has a style of its own.
    fn row(
        &self,
        [number, moment, side, count, price, tokens]: [&str; 6],
        styles: (Style, Style),
    ) -> Line<'static> {
        let mut left = format!("{number:>0$}", self.number);
        if self.moment != Moment::Nothing {
            left.push_str(&format!("  {moment:<0$}", self.moment_columns()));
        }
        left.push_str(&format!("  {side:<4}  {count:>0$}", self.count));
        if self.price > 0 {
            left.push_str(&format!("  {price:>0$}", self.price));
        }
        let right = format!("  {tokens:>0$}", self.tokens);
        Line::from(vec![Span::styled(left, styles.0), Span::styled(right, styles.1)])
    }

    fn heading(&self, style: Style) -> Line<'static> {
        self.row(["No", "Date", "", "", "Price", "Tokens"], (style, style))
    }

    fn line(&self, view: &View, (number, row): &NumberedTrade, style: Style) -> Line<'static> {
        let moment = match self.moment {
            Moment::Time => format::date_time(row.at, &view.zone),
            Moment::Day => format::date(row.at, &view.zone),
            Moment::Nothing => String::new(),
        };
        let side = match row.side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        };
        let words = [
            &format::grouped(*number),
            &moment,
            side,
            &format::grouped(i64::from(row.count)),
            &format::grouped(i64::from(row.price)),
            &format::signed(row.tokens()),
        ];
        self.row(words, (style, view.theme.moved(row.tokens())))
    }
}
