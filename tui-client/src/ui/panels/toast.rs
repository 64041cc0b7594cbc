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
    for toast in state.alerts.toasts().rev() {
        let text = format!(" {} ", toast_text(&toast.kind));
        let text = text::truncate(&text, usize::from(area.width));
        let columns = text::cells(text::width(&text));
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
        panel::styled(text, view.theme.alarm).render(place, buf);
    }
}

fn toast_text(kind: &ToastKind) -> String {
    match kind {
        ToastKind::Info(text) => text::sanitize(text).into_owned(),
        ToastKind::Reached(alert, price) => {
            let sign = match alert {
                Alert::Above(_) => "▲",
                Alert::Below(_) => "▼",
            };
            format!("{sign} price {} (alert: {alert})", format::thousands(*price))
        }
    }
}
