//! Toasts: short news over the chart's corner, gone after a while.
//!
//! Owns their place and words. They lie under every overlay, and never take the keys.
//!
//! ```text
//! ╭ Price ────────────────────────────╮
//! │              ▲ price 52: above 50 │
//! ```

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{
    View, format,
    layout::{Desk, Size},
    panel, text,
};
use crate::app::{
    AppState,
    alerts::{Alert, News},
};

/// Draws the toasts, the newest at the top.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) {
    let frame = u16::from(desk.size != Size::Small);
    let rows = usize::from(desk.chart.height.saturating_sub(frame.saturating_mul(2)));
    let newest_first: Vec<_> = state.alerts.toasts().collect();
    for (toast, row) in newest_first.into_iter().rev().take(rows).zip(0..) {
        let words = format!(" {} ", words(&toast.news));
        let room = usize::from(desk.chart.width.saturating_sub(frame.saturating_mul(2)));
        let words = text::truncate(&words, room);
        let columns = u16::try_from(text::width(&words)).unwrap_or(u16::MAX);
        let area = Rect {
            x: desk.chart.right().saturating_sub(frame).saturating_sub(columns),
            y: desk.chart.y.saturating_add(frame).saturating_add(row),
            width: columns,
            height: 1,
        };
        panel::styled(words, view.theme.alarm).render(area, buf);
    }
}

fn words(news: &News) -> String {
    let (alert, price) = match news {
        News::Told(words) => return text::harmless(words).into_owned(),
        News::Reached(alert, price) => (*alert, format::grouped(i64::from(*price))),
    };
    match alert {
        Alert::Above(bound) => format!(
            "▲ price {price}: at or above {}",
            format::grouped(i64::from(bound))
        ),
        Alert::Below(bound) => format!(
            "▼ price {price}: at or below {}",
            format::grouped(i64::from(bound))
        ),
    }
}
