//! The lab: its keys and an explanation, below everything else so that windows do not cover it.
//!
//! ```text
//! LAB  F2 cut  F3●freeze  F4 delay  F5 lose  F6 disk  F7 kill  F8 payments
//! The casino hangs: no byte passes. The price becomes stale, new orders are held back, and after 30 s
//! the game reconnects. F3 ends it.
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::{Fill, Length};
use ratatui::layout::{Layout, Margin, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use crate::app::AppState;
use crate::app::commands::lab::{FAULTS, Lab};
use crate::ui::{MIN_ROWS, Renderer, text};

/// Columns from which the keys fit on one row and each explanation on two.
const WIDE: u16 = 76;

/// Splits the screen into the game and, in the lab, the rows of the lab.
pub(crate) fn reserve(state: &AppState, area: Rect) -> [Rect; 2] {
    let free = area.height.saturating_sub(MIN_ROWS);
    let rows = state
        .lab
        .as_ref()
        .map_or(0, |_| rows(area).iter().sum::<u16>().min(free));
    area.layout(&Layout::vertical([Fill(1), Length(rows)]))
}

/// Returns the rows for keys and explanation.
fn rows(area: Rect) -> [u16; 2] {
    if area.width >= WIDE { [1, 2] } else { [2, 4] }
}

pub(crate) fn draw(view: &Renderer, lab: &Lab, area: Rect, buf: &mut Buffer) {
    let [_, text_rows] = rows(area);
    let area = area.inner(Margin::new(1, 0));
    let key_rows = area.height.saturating_sub(text_rows);
    let [keys_area, text_area] = area.layout(&Layout::vertical([Length(key_rows), Fill(1)]));
    let mut keys = Line::from(Span::styled("LAB", view.theme.title));
    for row in FAULTS {
        let (mark, style) = if lab.is_on(row.fault) {
            ("●", view.theme.alarm)
        } else {
            (" ", view.theme.dim)
        };
        keys.push_span("  ");
        keys.push_span(Span::styled(row.key.label(), view.theme.accent));
        keys.push_span(Span::styled(format!("{mark}{}", row.label), style));
    }
    Paragraph::new(keys)
        .wrap(Wrap { trim: true })
        .render(keys_area, buf);
    let lines = explanation(&lab.explanation(), text_area.width, text_area.height);
    Text::from_iter(lines)
        .style(view.theme.strong)
        .render(text_area, buf);
}

/// Returns the lines of a text that fit: all of it, the first and the last sentence, the first sentence or its beginning.
fn explanation(whole: &str, columns: u16, rows: u16) -> Vec<String> {
    let (columns, rows) = (usize::from(columns), usize::from(rows));
    let first = whole.split_once(". ").map_or(whole, |(first, _)| first);
    let first = first.trim_end_matches('.');
    let last = whole
        .rsplit_once(". ")
        .map(|(_, last)| format!("{first}. {last}"));
    let ends = first.match_indices([':', ';', ',']).map(|(end, _)| end).rev();
    let beginnings = std::iter::once(first.len()).chain(ends);
    let beginnings = beginnings.filter_map(|end| Some(format!("{}.", first.get(..end)?)));
    let variants = std::iter::once(whole.to_owned()).chain(last).chain(beginnings);
    let mut wrapped = variants.map(|variant| text::wrap(&variant, columns, 0));
    wrapped
        .find(|lines| lines.len() <= rows)
        .unwrap_or_else(|| vec![text::truncate(whole, columns).into_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::portfolio::money::UnixMillis;

    /// Returns every explanation.
    fn explanations() -> Vec<String> {
        let mut texts = vec![Lab::default().explanation()];
        for row in FAULTS {
            let mut lab = Lab::default();
            for _ in 0..2 {
                lab.toggle(row.fault);
                texts.push(lab.explanation());
            }
            lab.on_disconnect(1, UnixMillis(0));
            for resent in 0..3 {
                lab.on_disconnect(1, UnixMillis(0));
                lab.on_open(resent, UnixMillis(12_345));
                texts.push(lab.explanation());
            }
        }
        texts
    }

    #[test]
    fn an_explanation_is_whole_sentences_on_every_screen() {
        for text in explanations() {
            for (columns, rows) in [(78, 2), (38, 4), (38, 2), (36, 2)] {
                let lines = explanation(&text, columns, rows);
                assert!(lines.len() <= usize::from(rows), "{columns}x{rows}: {lines:?}");
                assert!(lines.concat().ends_with('.'), "{columns}x{rows}: {lines:?}");
            }
        }
        let text = "The casino hangs: no byte passes. The price becomes stale. F3 ends it.";
        for (columns, rows, lines) in [
            (80, 1, vec![text]),
            (60, 1, vec!["The casino hangs: no byte passes. F3 ends it."]),
            (40, 1, vec!["The casino hangs: no byte passes."]),
            (30, 1, vec!["The casino hangs."]),
            (10, 1, vec!["The casin…"]),
            (25, 2, vec!["The casino hangs: no byte", "passes. F3 ends it."]),
        ] {
            assert_eq!(explanation(text, columns, rows), lines, "{columns}x{rows}");
        }
    }

    #[test]
    fn every_explanation_fits_the_smallest_screens_of_both_widths() {
        for text in explanations() {
            for (columns, rows) in [(WIDE, 2), (40, 4)] {
                let lines = text::wrap(&text, usize::from(columns) - 2, 0);
                assert!(lines.len() <= rows, "{columns} columns: {text}");
            }
        }
    }
}
