//! The player's payments: a table with totals.
//!
//! Owns the table's columns. Minus is paid in by the player, plus is paid out, and words say so too.
//!
//! ```text
//! ╭ Payments ───────────────────────────╮
//! │  No  Date                   Dollars │
//! │   1  2026-11-22 14:03:22     -100 $ │
//! │   2  2026-11-22 14:09:10      +60 $ │
//! │ ─────────────────────────────────── │
//! │ in 100 $, out 60 $            -40 $ │
//! ╰ Esc closes ─────────────────────────╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Hints, Part, Window, absence, scrolled, sheet_hints, text_columns};
use crate::{
    app::overlay::{Fetched, PaymentRow, Scroll, Sheet},
    ui::{Top, View, format, layout::Desk, panel, text},
};

/// Most columns of a line.
const MAX_COLUMNS: usize = 52;

/// Rows that are not scrolled: heading, rule and totals.
const FIXED_ROWS: u16 = 3;

/// Draws the payments.
pub(super) fn draw(view: &View, sheet: &Sheet<Vec<PaymentRow>>, desk: &Desk, buf: &mut Buffer) -> Top {
    let columns = text_columns(desk, MAX_COLUMNS);
    let hints = sheet_hints(sheet);
    match &sheet.content {
        Fetched::Ready(payments) if !payments.is_empty() => {
            let rows = payments.len().saturating_add(usize::from(FIXED_ROWS));
            table(view, (sheet, payments), &window(&hints, columns, rows), desk, buf)
        }
        Fetched::Ready(_) | Fetched::Loading | Fetched::Failed(_) => {
            let mut lines = absence(view, &sheet.content, "the payments", columns);
            if lines.is_empty() {
                lines.push(panel::styled("no payments yet", view.theme.dim));
            }
            let window = window(&hints, columns, lines.len());
            scrolled(view, &window, lines, Scroll::default(), desk, buf)
        }
    }
}

fn window(hints: &[Hints], columns: usize, rows: usize) -> Window<'_> {
    Window {
        title: "Payments",
        hints,
        wanted: (columns, rows),
    }
}

fn table(
    view: &View,
    (sheet, payments): (&Sheet<Vec<PaymentRow>>, &[PaymentRow]),
    window: &Window<'_>,
    desk: &Desk,
    buf: &mut Buffer,
) -> Top {
    let placed = window.place(desk);
    let inner = placed.inner;
    let body = Rect {
        y: inner.y.saturating_add(1),
        height: inner.height.saturating_sub(FIXED_ROWS),
        ..inner
    };
    let part = Part::of(payments.len(), usize::from(body.height), sheet.scroll.top());
    let buttons = window.draw(view, &placed, part.position(), buf);
    part.bar(view, placed.outer, buf);
    let columns = Columns::of(payments, usize::from(inner.width));
    let heading = Span::styled(columns.left("No", "Date"), view.theme.dim);
    panel_row(heading, Span::styled("Dollars", view.theme.dim), inner, buf);
    let rows = payments.iter().enumerate().skip(part.first);
    for ((line, payment), index) in rows.zip(0..body.height) {
        let found = sheet.search.found() == Some(line);
        let style = if found { view.theme.accent } else { view.theme.text };
        let (number, date) = columns.words(view, payment);
        let amount = i64::from(payment.dollars);
        let words = Span::styled(format::signed_dollars(amount), view.theme.moved(amount));
        panel_row(
            Span::styled(columns.left(&number, &date), style),
            words,
            panel::row(body, index),
            buf,
        );
    }
    let rule = Rect {
        y: body.bottom(),
        height: inner.height.saturating_sub(1).min(2),
        ..inner
    };
    panel::styled("─".repeat(usize::from(rule.width)), view.theme.border).render(panel::row(rule, 0), buf);
    totals(view, payments, panel::row(rule, 1), buf);
    Top::scrolled(part.reach(), buttons)
}

/// What was paid in and out, and the difference.
fn totals(view: &View, payments: &[PaymentRow], area: Rect, buf: &mut Buffer) {
    let dollars = || payments.iter().map(|payment| i64::from(payment.dollars));
    let sum = |total: i64, dollars: i64| total.saturating_add(dollars);
    let paid_in = dollars()
        .filter(|dollars| *dollars < 0)
        .fold(0, sum)
        .saturating_neg();
    let paid_out = dollars().filter(|dollars| *dollars > 0).fold(0, sum);
    let difference = format::signed_dollars(paid_out.saturating_sub(paid_in));
    let (paid_in, paid_out) = (format::dollars(paid_in), format::dollars(paid_out));
    let long = format!("paid in {paid_in}, paid out {paid_out}");
    let short = format!("in {paid_in}, out {paid_out}");
    let room = usize::from(area.width).saturating_sub(text::width(&difference).saturating_add(1));
    let words = text::fit(&[&long, &short], room);
    panel_row(
        Span::styled(words, view.theme.strong),
        Span::styled(difference, view.theme.strong),
        area,
        buf,
    );
}

/// Words on the left and a figure on the right of a row.
fn panel_row(left: Span<'_>, right: Span<'_>, area: Rect, buf: &mut Buffer) {
    Line::from(left).render(panel::row(area, 0), buf);
    Line::from(right).right_aligned().render(panel::row(area, 0), buf);
}

/// How wide numbers are, and whether the time of day has room beside the date.
struct Columns {
    number: usize,
    times: bool,
}

impl Columns {
    fn of(payments: &[PaymentRow], columns: usize) -> Self {
        let widest = |words: fn(&PaymentRow) -> String| {
            payments
                .iter()
                .map(|payment| text::width(&words(payment)))
                .max()
                .unwrap_or(0)
        };
        let number = widest(|payment| format::grouped(payment.number)).max(3);
        let dollars = widest(|payment| format::signed_dollars(i64::from(payment.dollars)));
        let needed = number
            .saturating_add(dollars)
            .saturating_add("2026-11-22 14:03:22".len())
            .saturating_add(3);
        Self {
            number,
            times: needed <= columns,
        }
    }

    fn left(&self, number: &str, date: &str) -> String {
        let columns = self.number;
        format!("{number:>columns$}  {date}")
    }

    fn words(&self, view: &View, payment: &PaymentRow) -> (String, String) {
        let date = payment.at.map_or_else(
            || format::UNKNOWN.to_owned(),
            |at| {
                if self.times {
                    format::date_time(at, &view.zone)
                } else {
                    format::date(at, &view.zone)
                }
            },
        );
        (format::grouped(payment.number), date)
    }
}
