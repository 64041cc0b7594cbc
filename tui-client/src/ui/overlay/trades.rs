//! Trades table, newest first; older pages are loaded while scrolling. Minus is paid, plus is received.
//!
//! ```text
//! ╭ Trades, newest first ───────────────────────────────╮
//! │  No  Date                 Side  Qty   Price  Tokens │
//! │   2  2026-11-22 14:09:10  sell    2      37     +74 │
//! │   1  2026-11-22 14:03:22  buy     2      16     -32 │
//! ╰ Esc closes ─────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::{self, Fill, Length};
use ratatui::text::Line;
use ratatui::widgets::{Row, Table, Widget};

use crate::app::AppState;
use crate::app::overlay::trade_list::TradeList;
use crate::app::overlay::{Document, Scroll};
use crate::app::portfolio::rows::NumberedTrade;
use crate::ui::layout::MainLayout;
use crate::ui::panels::toast;
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{
    TextWindow, Viewport, document_popup, found_style, placeholder, text_columns,
};
use crate::ui::{FrameInfo, Renderer};

const MAX_COLUMNS: usize = 64;

/// Columns between two values.
const GAP: usize = 2;

pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    document: &Document<TradeList>,
    layout: &MainLayout,
    buf: &mut Buffer,
) -> FrameInfo {
    let columns = text_columns(layout, MAX_COLUMNS);
    let window = document_popup("Trades, newest first", toast::newest(state), document, columns);
    let Some(trades) = document.ready().filter(|trades| !trades.rows().is_empty()) else {
        let lines = placeholder(view, &document.content, "trades", columns);
        let window = TextWindow { popup: window, lines };
        return window.draw(view, Scroll::default(), layout, buf);
    };
    let count = trades.rows().len();
    let popup = window.place(count + 1, layout);
    let visible = usize::from(popup.inner.height).saturating_sub(1);
    let viewport = Viewport::new(count, visible, document.scroll.top());
    // Older pages are not counted yet.
    let more = if trades.has_more() { "+" } else { "" };
    let buttons = window.draw(view, &popup, viewport.position().map(|text| text + more), buf);
    viewport.bar(view, popup.outer, buf);
    let columns = TradeColumns::new(trades.rows(), usize::from(popup.inner.width));
    let lines = viewport.lines().zip(trades.rows().iter().skip(viewport.first));
    let rows = lines.map(|(line, trade)| {
        columns
            .trade(view, trade)
            .style(found_style(view, document, line))
    });
    let heading = columns.row(["No", "Date", "Side", "Qty", "Price", "Tokens"].map(Line::from));
    Table::new(rows, columns.constraints())
        .header(heading.style(view.theme.dim))
        .column_spacing(text::cells(GAP))
        .render(popup.inner, buf);
    FrameInfo::scrolled(&viewport, buttons)
}

/// Widths of number, date, side, count, price and tokens; 0 hides a column.
struct TradeColumns([usize; 6]);

impl TradeColumns {
    /// Returns the most detailed columns that fit `room`: with time, with date, without price.
    fn new(trades: &[NumberedTrade], room: usize) -> Self {
        let widest = |text: fn(&NumberedTrade) -> String, least: usize| {
            let widths = trades.iter().map(|trade| text(trade).len());
            widths.max().unwrap_or(0).max(least)
        };
        let number = widest(|(number, _)| format::thousands(*number), 3);
        let count = widest(|(_, row)| format::thousands(row.count), 3);
        let price = widest(|(_, row)| format::thousands(row.price), 5);
        let tokens = widest(|(_, row)| format::signed(row.tokens()), 6);
        let shape = |date, price| [number, date, 4, count, price, tokens];
        let fits = |shape: &[usize; 6]| {
            let shown = shape.iter().filter(|width| **width > 0).count();
            shape.iter().sum::<usize>() + (shown - 1) * GAP <= room
        };
        let shapes = [shape(19, price), shape(10, price), shape(10, 0)];
        let narrowest = || {
            let others = number + 4 + count + 3 * GAP;
            [number, 0, 4, count, 0, tokens.min(room.saturating_sub(others))]
        };
        Self(shapes.into_iter().find(fits).unwrap_or_else(narrowest))
    }

    /// Gives the remaining room to the price, or to the tokens if it is hidden.
    fn constraints(&self) -> impl Iterator<Item = Constraint> {
        let widest = if self.0[4] > 0 { 4 } else { 5 };
        let shown = self.0.into_iter().enumerate().filter(|(_, width)| *width > 0);
        shown.map(move |(column, width)| match column == widest {
            true => Fill(1),
            false => Length(text::cells(width)),
        })
    }

    /// Returns the cells of the shown columns: date and side on the left, numbers on the right.
    fn row(&self, cells: [Line<'static>; 6]) -> Row<'static> {
        let shown = (0..).zip(cells).zip(self.0).filter(|(_, width)| *width > 0);
        let aligned = shown.map(|((column, line), _)| match column {
            1 | 2 => line,
            _ => line.right_aligned(),
        });
        Row::new(aligned)
    }

    fn trade(&self, view: &Renderer, (number, row): &NumberedTrade) -> Row<'static> {
        let date = match self.0[1] {
            19 => format::date_time(row.at, &view.zone),
            _ => format::date(row.at, &view.zone),
        };
        let tokens = panel::styled(
            format::compact_signed(row.tokens(), self.0[5]),
            view.theme.change_style(row.tokens()),
        );
        let [number, count, price] = [*number, i64::from(row.count), i64::from(row.price)]
            .map(|number| Line::from(format::thousands(number)));
        self.row([number, date.into(), row.side.word().into(), count, price, tokens])
    }
}
