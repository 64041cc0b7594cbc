//! Payments table with totals. Minus is paid in by the player, plus is paid out.
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

use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::{Fill, Length};
use ratatui::layout::{Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Row, Table, Widget};

use crate::app::AppState;
use crate::app::overlay::{Document, PaymentRow, Scroll};
use crate::ui::layout::MainLayout;
use crate::ui::panels::toast;
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{
    TextWindow, Viewport, document_popup, found_style, placeholder, text_columns,
};
use crate::ui::{FrameInfo, Renderer};

const MAX_COLUMNS: usize = 52;

/// Heading, rule and totals.
const FIXED_ROWS: usize = 3;

pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    document: &Document<Vec<PaymentRow>>,
    layout: &MainLayout,
    buf: &mut Buffer,
) -> FrameInfo {
    let columns = text_columns(layout, MAX_COLUMNS);
    let window = document_popup("Payments", toast::newest(state), document, columns);
    let Some(payments) = document.ready().filter(|payments| !payments.is_empty()) else {
        let lines = placeholder(view, &document.content, "payments", columns);
        let window = TextWindow { popup: window, lines };
        return window.draw(view, Scroll::default(), layout, buf);
    };
    let popup = window.place(payments.len() + FIXED_ROWS, layout);
    let rows = Layout::vertical([Fill(1), Length(1), Length(1)]);
    let [table_area, rule, totals_area] = popup.inner.layout(&rows);
    let visible = usize::from(table_area.height).saturating_sub(1);
    let viewport = Viewport::new(payments.len(), visible, document.scroll.top());
    let buttons = window.draw(view, &popup, viewport.position(), buf);
    viewport.bar(view, popup.outer, buf);
    table(view, document, payments, &viewport, table_area, buf);
    panel::styled("─".repeat(usize::from(rule.width)), view.theme.border).render(rule, buf);
    totals(view, payments, totals_area, buf);
    FrameInfo::scrolled(&viewport, buttons)
}

fn table(
    view: &Renderer,
    document: &Document<Vec<PaymentRow>>,
    payments: &[PaymentRow],
    viewport: &Viewport,
    area: Rect,
    buf: &mut Buffer,
) {
    let widest = |text: fn(&PaymentRow) -> String| payments.iter().map(|row| text(row).len()).max();
    let number_columns = widest(|row| format::thousands(row.number)).unwrap_or(0).max(3);
    let dollars = |row: &PaymentRow| format::signed_dollars(i64::from(row.dollars));
    let dollar_columns = widest(dollars).unwrap_or(0).max(7);
    let date_columns = usize::from(area.width).saturating_sub(number_columns + dollar_columns + 4);
    let date = |row: &PaymentRow| match row.at {
        None => format::UNKNOWN.to_owned(),
        Some(at) if date_columns < "2026-11-22 14:03:22".len() => format::date(at, &view.zone),
        Some(at) => format::date_time(at, &view.zone),
    };
    let rows = viewport
        .lines()
        .zip(payments.iter().skip(viewport.first))
        .map(|(line, payment)| {
            let number = Line::from(format::thousands(payment.number)).right_aligned();
            let style = view.theme.change_style(i64::from(payment.dollars));
            let dollars = panel::styled(dollars(payment), style).right_aligned();
            Row::new([number, date(payment).into(), dollars]).style(found_style(view, document, line))
        });
    let [number, dollars] = ["No", "Dollars"].map(|text| Line::from(text).right_aligned());
    let heading = Row::new([number, "Date".into(), dollars]).style(view.theme.dim);
    let [number_columns, dollar_columns] = [number_columns, dollar_columns].map(text::cells);
    Table::new(rows, [Length(number_columns), Fill(1), Length(dollar_columns)])
        .header(heading)
        .column_spacing(2)
        .render(area, buf);
}

fn totals(view: &Renderer, payments: &[PaymentRow], area: Rect, buf: &mut Buffer) {
    let dollars = || payments.iter().map(|row| i64::from(row.dollars));
    let paid_in: i64 = dollars().map(|dollars| (-dollars).max(0)).sum();
    let paid_out: i64 = dollars().map(|dollars| dollars.max(0)).sum();
    let difference = format::signed_dollars(paid_out - paid_in);
    let [compact_in, compact_out] = [paid_in, paid_out].map(|dollars| format::compact(dollars, 6));
    let (paid_in, paid_out) = (format::dollars(paid_in), format::dollars(paid_out));
    let compact = format!("in {compact_in} $, out {compact_out} $");
    let long = format!("paid in {paid_in}, paid out {paid_out}");
    let short = format!("in {paid_in}, out {paid_out}");
    let room = usize::from(area.width).saturating_sub(difference.len() + 1);
    panel::styled(text::fit(&[&long, &short, &compact], room), view.theme.strong).render(area, buf);
    panel::styled(difference, view.theme.strong)
        .right_aligned()
        .render(area, buf);
}
