//! The palette: a line of words at the bottom, with what it may become above it, the best first.
//!
//! Owns how much of that is in sight. What fits and what a line means, the state says.
//!
//! ```text
//! ╭ Command ──────────────────────────────────────────────╮
//! │ ▸ buy STOCKS         buy stocks at the price in force │
//! │   buyTokens DOLLARS  buy tokens: 5 a dollar           │
//! │ : bu█                                                 │
//! │ ✗ there is no command "bu"                            │
//! ╰ Enter runs  Esc closes ───────────────────────────────╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};
use unicode_segmentation::UnicodeSegmentation;

use super::{CLOSES, Hint, Part, Placed, Window};
use crate::{
    app::{
        AppState,
        key::Key,
        palette::{Entry, Palette},
    },
    ui::{
        Top, View,
        layout::{Desk, Size},
        panel, text,
    },
};

/// Columns of a word and its amount.
const WORD_COLUMNS: usize = 19;

/// Columns of a key.
const KEY_COLUMNS: usize = 11;

/// Columns of the window from which there is room for keys.
const KEY_FROM_COLUMNS: usize = 70;

/// What stands before the line.
const PROMPT: &str = ": ";

/// Draws the palette.
pub(super) fn draw(view: &View, state: &AppState, palette: &Palette, desk: &Desk, buf: &mut Buffer) -> Top {
    let error = palette
        .error
        .as_deref()
        .map(|error| format!("✗ {}", text::harmless(error)));
    let columns = usize::from(desk.area.width).saturating_sub(4);
    let errors = error
        .map(|error| text::wrap(&error, columns, 2))
        .unwrap_or_default();
    let error_rows = u16::try_from(errors.len()).unwrap_or(u16::MAX).min(2);
    let matches = palette.matching();
    let fixed = error_rows.saturating_add(3);
    let rows = u16::try_from(matches.len())
        .unwrap_or(u16::MAX)
        .min(most_matches(desk.size))
        .min(desk.area.height.saturating_sub(fixed.saturating_add(4)));
    let height = rows.saturating_add(fixed).min(desk.area.height);
    let outer = Rect {
        y: desk.area.bottom().saturating_sub(height),
        height,
        ..desk.area
    };
    let inner = outer.inner(ratatui::layout::Margin::new(2, 1));
    let runs = Hint::new("Enter runs", Key::ENTER);
    let completes = Hint::new("Tab completes", Key::TAB);
    let window = Window {
        title: "Command",
        hints: &[
            [runs.clone(), Hint::words("arrows choose"), completes, CLOSES].into(),
            [runs, CLOSES].into(),
            [CLOSES].into(),
        ],
        wanted: (0, 0),
    };
    let chosen = palette.chosen();
    let hidden = chosen.map_or(0, |chosen| {
        chosen.saturating_add(1).saturating_sub(usize::from(rows))
    });
    let part = Part::of(matches.len(), usize::from(rows), hidden);
    let buttons = window.draw(view, &Placed { outer, inner }, part.position(), buf);
    let shown = matches.into_iter().enumerate().skip(part.first);
    for ((number, entry), index) in shown.zip(0..rows) {
        let is_chosen = chosen == Some(number);
        match_line(view, state, entry, is_chosen, columns).render(panel::row(inner, index), buf);
    }
    for (line, index) in errors.into_iter().zip(rows.saturating_add(1)..) {
        panel::styled(line, view.theme.warning).render(panel::row(inner, index), buf);
    }
    Top::typed(typed(view, palette, panel::row(inner, rows), buf), buttons)
}

/// The line being typed: its end is in sight, whatever its length. Gives back where the cursor is.
fn typed(view: &View, palette: &Palette, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let value = palette.input.value();
    let before: String = value.chars().take(palette.input.cursor()).collect();
    let before = text::width(&text::harmless(&before));
    let prompt = text::width(PROMPT);
    let room = usize::from(area.width).checked_sub(prompt.saturating_add(1))?;
    let mut hidden = 0_usize;
    let shown = text::harmless(value);
    let in_sight: String = shown
        .graphemes(true)
        .skip_while(|grapheme| {
            let hide = before.saturating_sub(hidden) > room;
            if hide {
                hidden = hidden.saturating_add(text::width(grapheme));
            }
            hide
        })
        .collect();
    Line::from(vec![
        Span::styled(PROMPT, view.theme.accent),
        Span::styled(in_sight, view.theme.strong),
    ])
    .render(area, buf);
    let column = prompt.saturating_add(before.saturating_sub(hidden));
    let x = area.x.saturating_add(u16::try_from(column).ok()?);
    Some(Position::new(x, area.y))
}

/// Most words shown as a help: the desk stays in sight.
fn most_matches(size: Size) -> u16 {
    match size {
        Size::Small => 4,
        Size::Medium => 6,
        Size::Large | Size::Huge => 12,
    }
}

/// A word, the key that does the same, and a sentence; with a mark where it is the chosen one.
fn match_line(view: &View, state: &AppState, entry: Entry, is_chosen: bool, columns: usize) -> Line<'static> {
    let (mark, style) = if is_chosen {
        ("▸ ", view.theme.title)
    } else {
        ("  ", view.theme.accent)
    };
    let key = entry.action().map(|action| panel::key_label(state, action));
    let key = key.filter(|_| columns >= KEY_FROM_COLUMNS).unwrap_or_default();
    let key_columns = if columns >= KEY_FROM_COLUMNS {
        KEY_COLUMNS
    } else {
        0
    };
    let taken = WORD_COLUMNS.saturating_add(key_columns).saturating_add(2);
    Line::from(vec![
        Span::styled(mark, view.theme.strong),
        Span::styled(format!("{:<WORD_COLUMNS$}", entry.usage()), style),
        Span::styled(format!("{key:<key_columns$}"), view.theme.strong),
        Span::styled(
            text::truncate(entry.help(), columns.saturating_sub(taken)),
            view.theme.dim,
        ),
    ])
}
