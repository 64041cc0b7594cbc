//! The lab: its keys and an explanation, below everything else so that windows do not cover it.
//!
//! ```text
//! LAB  F2 cut  F3●freeze  F4 delay  F5 lose  F6 disk  F7 kill  F8 payments
//! The casino hangs: no byte passes. The price becomes stale, new orders are held back, and after 30 s
//! the desk reconnects. F3 ends it.
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{
        Constraint::{Fill, Length},
        Layout, Margin, Rect,
    },
    text::{Line, Span, Text},
    widgets::{Paragraph, Widget, Wrap},
};

use crate::{
    app::{
        AppState,
        commands::lab::{FAULTS, Lab},
    },
    ui::{MIN_ROWS, Renderer, text},
};

/// Columns from which the keys fit on one row and each explanation on two.
const WIDE: u16 = 76;

const WIDE_ROWS: [u16; 2] = [1, 2];

const NARROW_ROWS: [u16; 2] = [2, 4];

/// Splits the screen into the game and, in the lab, the rows of the lab.
pub(crate) fn reserve(state: &AppState, area: Rect) -> [Rect; 2] {
    let free = area.height.saturating_sub(MIN_ROWS);
    let rows = if state.lab.is_some() {
        rows(area).iter().sum::<u16>().min(free)
    } else {
        0
    };
    area.layout(&Layout::vertical([Fill(1), Length(rows)]))
}

/// Returns the rows for keys and explanation.
fn rows(area: Rect) -> [u16; 2] {
    if area.width >= WIDE {
        WIDE_ROWS
    } else {
        NARROW_ROWS
    }
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
    let lines = text::wrap(&lab.explanation(), usize::from(text_area.width), 0);
    Text::from_iter(lines)
        .style(view.theme.strong)
        .render(text_area, buf);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::portfolio::money::UnixMillis;

    #[test]
    fn every_explanation_fits_the_smallest_screens_of_both_widths() {
        for row in FAULTS {
            let mut lab = Lab::default();
            let mut texts = vec![lab.explanation()];
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
            for text in texts {
                for (columns, rows) in [(WIDE, WIDE_ROWS), (40, NARROW_ROWS)] {
                    let lines = text::wrap(&text, usize::from(columns) - 2, 0);
                    assert!(lines.len() <= usize::from(rows[1]), "{columns} columns: {text}");
                }
            }
        }
    }
}
