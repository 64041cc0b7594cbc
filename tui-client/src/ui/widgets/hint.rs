//! Key hints on the lower border of a window. A click on a hint presses its key.

use std::borrow::Cow;

use ratatui::layout::Rect;

use crate::app::commands::key::Key;
use crate::app::overlay::screen::{ClickAction, ClickTarget};
use crate::ui::{clickable, text};

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

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Hints(Vec<Hint>);

impl<const N: usize> From<[Hint; N]> for Hints {
    fn from(hints: [Hint; N]) -> Self {
        Self(hints.into())
    }
}

impl FromIterator<(&'static str, Key)> for Hints {
    fn from_iter<T: IntoIterator<Item = (&'static str, Key)>>(hints: T) -> Self {
        let hints = hints.into_iter().map(|(text, key)| Hint::new(text, key));
        Self(hints.collect())
    }
}

impl Hints {
    /// Returns the first variant that fits `columns`, or no hints.
    pub(crate) fn first_that_fits(variants: &[Self], columns: usize) -> Self {
        let fitting = variants
            .iter()
            .find(|hints| text::width(&hints.line()) <= columns);
        fitting.cloned().unwrap_or_default()
    }

    pub(crate) fn line(&self) -> String {
        let text: Vec<&str> = self.0.iter().map(|hint| hint.text.as_ref()).collect();
        text.join(&" ".repeat(usize::from(GAP)))
    }

    /// Returns the clickable areas; the first one is at `x`, `y`.
    pub(crate) fn buttons(&self, mut x: u16, y: u16) -> Vec<ClickTarget> {
        let mut buttons = Vec::new();
        for hint in &self.0 {
            let area = Rect::new(x, y, text::cells(text::width(&hint.text)), 1);
            buttons.extend(hint.key.map(|key| clickable(ClickAction::Press(key), area)));
            x = area.right() + GAP;
        }
        buttons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hint_is_clickable_at_its_text() {
        let hints = Hints::from([
            Hint::without_key("…"),
            Hint::new("Enter finds", Key::ENTER),
            CLOSES,
        ]);
        let line = hints.line();
        let areas: Vec<(u16, u16)> = hints
            .buttons(10, 3)
            .iter()
            .map(|button| (button.area.x, button.area.width))
            .collect();
        assert_eq!(line, "…  Enter finds  Esc closes");
        assert_eq!(areas, [(13, 11), (26, 10)]);
    }

    #[test]
    fn the_first_variant_that_fits_is_used() {
        let variants = [
            Hints::from([CLOSES, Hint::without_key("arrows scroll")]),
            Hints::from([CLOSES]),
        ];
        for (columns, expected) in [
            (25, "Esc closes  arrows scroll"),
            (24, "Esc closes"),
            (10, "Esc closes"),
            (9, ""),
        ] {
            assert_eq!(
                Hints::first_that_fits(&variants, columns).line(),
                expected,
                "{columns}"
            );
        }
    }
}
