//! Toasts: short messages over the corner of the chart, below all overlays.
//!
//! ```text
//! ╭ Price ────────────────────────────╮
//! │              ▲ price 52: above 50 │
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};

use crate::app::AppState;
use crate::app::portfolio::alerts::{Alert, ToastKind};
use crate::ui::Renderer;
use crate::ui::layout::{LayoutSize, MainLayout};
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;

/// A message over the chart.
pub(crate) struct PlacedLine {
    pub(crate) area: Rect,
    pub(crate) text: String,
}

/// Places the toasts, newest first, beside the areas that are `taken` if there is a free row.
pub(crate) fn place(state: &AppState, layout: &MainLayout, taken: &[Rect]) -> Vec<PlacedLine> {
    let border = u16::from(layout.size != LayoutSize::Small);
    let area = layout.chart.inner(Margin::new(border, border));
    // Without a border, the selected order or price is in the first row.
    let has_order = state.orders.selection().is_some() || state.orders.selected_ended();
    let has_readout = border == 0 && (has_order || state.chart.crosshair.is_some());
    let first = usize::from(has_readout && area.height > 1);
    let mut rows: Vec<Rect> = area.rows().skip(first).collect();
    let toasts = state.alerts.toasts().rev();
    let mut placed = Vec::new();
    for text in toasts.flat_map(|toast| toast_lines(state, &toast.kind, usize::from(area.width))) {
        let columns = text::cells(text::width(&text));
        let place = |row: &Rect| Rect {
            x: row.right().saturating_sub(columns),
            width: columns,
            ..*row
        };
        let is_free = |row: &Rect| {
            let place = place(row);
            !taken.iter().any(|other| other.intersects(place))
        };
        let index = rows.iter().position(is_free).unwrap_or(0);
        if index >= rows.len() {
            break;
        }
        let area = place(&rows.remove(index));
        placed.push(PlacedLine { area, text });
    }
    placed
}

pub(crate) fn draw(view: &Renderer, lines: Vec<PlacedLine>, buf: &mut Buffer) {
    for PlacedLine { area, text } in lines {
        panel::draw_over(view, panel::styled(text, view.theme.alarm), area, buf);
    }
}

/// Returns the text of the newest toast, for a window that covers it.
pub(crate) fn newest(state: &AppState) -> Option<String> {
    let newest = state.alerts.toasts().next_back();
    newest.map(|toast| toast_text(&toast.kind))
}

/// Returns the text in one line, and with all its words on a projector, where nobody can open the log.
fn toast_lines(state: &AppState, kind: &ToastKind, columns: usize) -> Vec<String> {
    let text = toast_text(kind);
    if !state.session.settings.watch || text::width(&text) + 2 <= columns {
        return vec![text::truncate(&format!(" {text} "), columns).into_owned()];
    }
    let lines = text::wrap(&text, columns.saturating_sub(2), 0);
    let widest = lines.iter().map(|line| text::width(line)).max().unwrap_or(0);
    let padded = lines.iter().map(|line| text::pad(line, widest));
    padded.map(|line| format!(" {line} ")).collect()
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
