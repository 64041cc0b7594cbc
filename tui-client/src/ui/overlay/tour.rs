//! A bubble of the tour, at the bottom of the chart. It covers no price, button, wallet or message.
//!
//! ```text
//! ╭ Tour 2/7 ──────────────── Esc ends it ╮
//! │ b buys the ticket's quantity.         │
//! ╰───────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Flex, Layout, Margin, Rect};
use ratatui::text::Text;
use ratatui::widgets::{Clear, Widget};

use crate::app::AppState;
use crate::app::overlay::tour::Tour;
use crate::ui::layout::{LayoutSize, MainLayout};
use crate::ui::widgets::panel;
use crate::ui::{Renderer, text};

/// Columns of a bubble with a border.
const COLUMNS: u16 = 42;

const BORDER: u16 = 2;

/// The text of a step and its place over the chart.
pub(crate) struct Bubble {
    pub(crate) area: Rect,
    title: String,
    lines: Vec<String>,
}

/// Returns `None` without a tour, and while a window covers it.
pub(crate) fn bubble(state: &AppState, layout: &MainLayout) -> Option<Bubble> {
    let tour = state.tour.filter(|_| state.screen.overlays.is_empty())?;
    let is_small = layout.size == LayoutSize::Small;
    let (margin, border) = if is_small { (0, 0) } else { (1, BORDER) };
    let chart = layout.chart.inner(Margin::new(margin, margin));
    let columns = chart.width.min(if is_small { u16::MAX } else { COLUMNS });
    let mut text = step_text(state, tour);
    if is_small {
        text = format!("{}: {text} Esc ends it.", tour.title());
    }
    // A column of padding on each side.
    let lines = text::wrap(&text, usize::from(columns.saturating_sub(border + 2)), 0);
    let rows = text::cells(lines.len()) + border;
    let [area] = chart.layout(&Layout::vertical([Constraint::Length(rows)]).flex(Flex::End));
    Some(Bubble {
        area: Rect {
            width: columns,
            ..area
        },
        title: tour.title(),
        lines,
    })
}

/// Returns the rows that the text of the bubble needs; 0 if there is none.
pub(crate) fn text_rows(state: &AppState, layout: &MainLayout) -> u16 {
    bubble(state, layout).map_or(0, |bubble| text::cells(bubble.lines.len()))
}

pub(crate) fn draw(view: &Renderer, bubble: Bubble, layout: &MainLayout, buf: &mut Buffer) {
    let Bubble { area, title, lines } = bubble;
    Clear.render(area, buf);
    buf.set_style(area, view.theme.text);
    let inner = if layout.size == LayoutSize::Small {
        area.inner(Margin::new(1, 0))
    } else {
        let ends = panel::styled(" Esc ends it ", view.theme.dim);
        let inner = panel::framed(view, &title, Some(ends), area, buf);
        panel::round_corners(area, buf);
        inner
    };
    Text::from_iter(lines).style(view.theme.strong).render(inner, buf);
}

/// Returns the key, or the name for the palette if the action has none, and what it does.
fn step_text(state: &AppState, tour: Tour) -> String {
    let Some((action, text)) = tour.step() else {
        return String::new();
    };
    match panel::key_label(state, action) {
        key if key.is_empty() => format!(":{} {text}", action.name()),
        key => format!("{key} {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::SessionInfo;
    use crate::app::portfolio::money::UnixMillis;
    use crate::ui::MIN_COLUMNS;

    #[test]
    fn every_bubble_takes_at_most_two_lines_on_the_smallest_screen() {
        let info = SessionInfo::new("ann", "solo");
        let (state, _) = AppState::new(info, (40, 12), UnixMillis(0));
        let mut next = Some(Tour::default());
        while let Some(tour) = next {
            let text = format!("{}: {} Esc ends it.", tour.title(), step_text(&state, tour));
            let lines = text::wrap(&text, usize::from(MIN_COLUMNS) - 2, 0);
            assert!(lines.len() <= 2, "{lines:?}");
            next = tour.after(tour.step().unwrap().0);
        }
    }
}
