//! Toasts: short messages over the corner of the chart, below all overlays.
//!
//! ```text
//! ╭ Price ────────────────────────────╮
//! │              ▲ price 52: above 50 │
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    widgets::{Clear, Widget},
};

use crate::{
    app::{
        AppState,
        chart::OrderLabel,
        portfolio::alerts::{Alert, ToastKind},
    },
    ui::{
        Renderer,
        layout::{LayoutSize, MainLayout},
        text::{self, format},
        widgets::panel,
    },
};

/// Draws the toasts, newest first, beside the labels of orders if there is a free row.
pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    layout: &MainLayout,
    labels: &[OrderLabel],
    buf: &mut Buffer,
) {
    let border = u16::from(layout.size != LayoutSize::Small);
    let area = layout.chart.inner(Margin::new(border, border));
    // Without a border, the selected order or price is in the first row.
    let has_readout = border == 0 && (state.orders.selection().is_some() || state.chart.crosshair.is_some());
    let first = usize::from(has_readout && area.height > 1);
    let mut rows: Vec<Rect> = area.rows().skip(first).collect();
    let toasts = state.alerts.toasts().rev();
    for line in toasts.flat_map(|toast| toast_lines(state, &toast.kind, usize::from(area.width))) {
        let columns = text::cells(text::width(&line));
        let place = |row: &Rect| Rect {
            x: row.right().saturating_sub(columns),
            width: columns,
            ..*row
        };
        let is_free = |row: &Rect| {
            let place = place(row);
            !labels.iter().any(|label| {
                label.area.y == place.y && label.area.x.saturating_add(label.area.width) > place.x
            })
        };
        let index = rows.iter().position(is_free).unwrap_or(0);
        if index >= rows.len() {
            return;
        }
        let place = place(&rows.remove(index));
        Clear.render(place, buf);
        panel::styled(line, view.theme.alarm).render(place, buf);
    }
}

/// Returns the text in one line, and with all its words on a projector, where nobody can open the log.
fn toast_lines(state: &AppState, kind: &ToastKind, columns: usize) -> Vec<String> {
    let text = toast_text(kind);
    if !state.session.settings.watch || text::width(&text) + 2 <= columns {
        return vec![text::truncate(&format!(" {text} "), columns).into_owned()];
    }
    let lines = text::wrap(&text, columns.saturating_sub(2), 0);
    let widest = lines.iter().map(|line| text::width(line)).max().unwrap_or(0);
    let padded = lines.iter().map(|line| {
        let missing = widest.saturating_sub(text::width(line));
        format!(" {line}{} ", " ".repeat(missing))
    });
    padded.collect()
}

fn toast_text(kind: &ToastKind) -> String {
    match kind {
        ToastKind::Info(text) => text::sanitize(text).into_owned(),
        ToastKind::Moving(_, order) => format!("moving: {order}"),
        ToastKind::Reached(alert, price) => {
            let sign = match alert {
                Alert::Above(_) => "▲",
                Alert::Below(_) => "▼",
            };
            format!("{sign} price {} (alert: {alert})", format::thousands(*price))
        }
    }
}
