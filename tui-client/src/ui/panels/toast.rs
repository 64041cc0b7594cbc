//! Toasts: short messages over the corner of the chart, below all overlays.
//!
//! ```text
//! ╭ Price ────────────────────────────╮
//! │              ▲ price 52: above 50 │
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Flex, Layout, Margin},
    widgets::{Clear, Widget},
};

use crate::{
    app::{
        AppState,
        portfolio::alerts::{Alert, ToastKind},
    },
    ui::{
        Renderer,
        layout::{LayoutSize, MainLayout},
        text::{self, format},
        widgets::panel,
    },
};

/// Draws the toasts, newest first.
pub(crate) fn draw(view: &Renderer, state: &AppState, layout: &MainLayout, buf: &mut Buffer) {
    let border = u16::from(layout.size != LayoutSize::Small);
    let area = layout.chart.inner(Margin::new(border, border));
    let toasts: Vec<_> = state.alerts.toasts().collect();
    for (toast, row) in toasts.into_iter().rev().zip(area.rows()) {
        let text = format!(" {} ", toast_text(&toast.kind));
        let text = text::truncate(&text, usize::from(area.width));
        let columns = u16::try_from(text::width(&text)).unwrap_or(row.width);
        let [place] = row.layout(&Layout::horizontal([Constraint::Length(columns)]).flex(Flex::End));
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
