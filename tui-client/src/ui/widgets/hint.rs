//! Key hints on the lower border of a window. A click on a hint presses its key.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::Length;
use ratatui::layout::{Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use crate::app::commands::key::Key;
use crate::app::overlay::screen::{ClickAction, ClickTarget};
use crate::ui::{Renderer, clickable, text};

const GAP: u16 = 2;

pub(crate) const CLOSES: Hint = Hint::new("Esc closes", Key::ESC);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    text: Cow<'static, str>,
    /// Key that a click presses; `None` for hints of several keys.
    key: Option<Key>,
}

impl Hint {
    pub(crate) const fn new(text: &'static str, key: Key) -> Self {
        Self {
            text: Cow::Borrowed(text),
            key: Some(key),
        }
    }

    /// Creates a hint that is not clickable.
    pub(crate) fn without_key(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: text.into(),
            key: None,
        }
    }
}

pub(crate) type Hints = Vec<Hint>;

/// Returns the first variant that fits `columns`, or no hints.
pub(crate) fn first_that_fits(variants: &[Hints], columns: usize) -> &[Hint] {
    let fitting = variants.iter().find(|hints| text::width(&line(hints)) <= columns);
    fitting.map_or(&[], Vec::as_slice)
}

pub(crate) fn line(hints: &[Hint]) -> String {
    let texts: Vec<&str> = hints.iter().map(|hint| hint.text.as_ref()).collect();
    texts.join(&" ".repeat(usize::from(GAP)))
}

/// Returns the clickable areas; the first one is at `x`, `y`.
pub(crate) fn buttons(hints: &[Hint], mut x: u16, y: u16) -> Vec<ClickTarget> {
    let mut buttons = Vec::new();
    for hint in hints {
        let area = Rect::new(x, y, text::cells(text::width(&hint.text)), 1);
        buttons.extend(hint.key.map(|key| clickable(ClickAction::Press(key), area)));
        x = area.right() + GAP;
    }
    buttons
}

/// Draws clickable hints side by side, `gap` columns apart.
pub(crate) fn draw_row(
    hints: Vec<(ClickAction, Line<'_>)>,
    gap: u16,
    area: Rect,
    buf: &mut Buffer,
) -> Vec<ClickTarget> {
    let widths = hints.iter().map(|(_, line)| Length(text::cells(line.width())));
    let areas = area.layout_vec(&Layout::horizontal(widths).spacing(gap));
    let hints = hints.into_iter().zip(areas);
    let buttons = hints.map(|((action, line), area)| {
        line.render(area, buf);
        clickable(action, area)
    });
    buttons.collect()
}

/// Returns a line with a key and what it does.
pub(crate) fn key_line(view: &Renderer, key: String, text: &str) -> Line<'static> {
    Line::from_iter([
        Span::styled(key, view.theme.accent),
        Span::styled(format!(" {text}"), view.theme.dim),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hint_is_clickable_at_its_text() {
        let hints = [
            Hint::without_key("…"),
            Hint::new("Enter finds", Key::ENTER),
            CLOSES,
        ];
        let line = line(&hints);
        let areas: Vec<(u16, u16)> = buttons(&hints, 10, 3)
            .iter()
            .map(|button| (button.area.x, button.area.width))
            .collect();
        assert_eq!(line, "…  Enter finds  Esc closes");
        assert_eq!(areas, [(13, 11), (26, 10)]);
    }

    #[test]
    fn the_first_variant_that_fits_is_used() {
        let variants = [vec![CLOSES, Hint::without_key("arrows scroll")], vec![CLOSES]];
        for (columns, expected) in [
            (25, "Esc closes  arrows scroll"),
            (24, "Esc closes"),
            (10, "Esc closes"),
            (9, ""),
        ] {
            let hints = first_that_fits(&variants, columns);
            assert_eq!(line(hints), expected, "{columns}");
        }
    }
}
