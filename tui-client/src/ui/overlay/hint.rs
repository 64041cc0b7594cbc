//! What one can do in a window: words on its lower border, each of which can be clicked.
//!
//! Owns how hints stand beside each other. A hint that is clicked presses its key; what that does, the reducer says.

use std::borrow::Cow;

use ratatui::layout::Rect;

use crate::{
    app::{key::Key, screen::Button},
    ui::{key_button, text},
};

/// Columns between two hints.
const GAP: u16 = 2;

/// Closes a window.
pub(super) const CLOSES: Hint = Hint::new("Esc closes", Key::ESC);

/// Something one can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    words: Cow<'static, str>,
    /// Pressed by a click on the words, where they are of one key.
    key: Option<Key>,
}

impl Hint {
    /// What a key does.
    pub(super) const fn new(words: &'static str, key: Key) -> Self {
        Self {
            words: Cow::Borrowed(words),
            key: Some(key),
        }
    }

    /// Words that cannot be clicked.
    pub(super) fn words(words: impl Into<Cow<'static, str>>) -> Self {
        Self {
            words: words.into(),
            key: None,
        }
    }

    fn columns(&self) -> u16 {
        u16::try_from(text::width(&self.words)).unwrap_or(u16::MAX)
    }
}

/// Hints beside each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Hints(Vec<Hint>);

impl<const N: usize> From<[Hint; N]> for Hints {
    fn from(hints: [Hint; N]) -> Self {
        Self(hints.into())
    }
}

impl Hints {
    /// The first of some wordings that fits into `columns`; else nothing.
    pub(super) fn fitting(wordings: &[Self], columns: usize) -> Self {
        let fitting = wordings
            .iter()
            .find(|hints| text::width(&hints.line()) <= columns);
        fitting.cloned().unwrap_or_default()
    }

    /// As they are written.
    pub(super) fn line(&self) -> String {
        let words: Vec<&str> = self.0.iter().map(|hint| hint.words.as_ref()).collect();
        words.join(&" ".repeat(usize::from(GAP)))
    }

    /// Where they can be clicked, the first one at `x`, `y`.
    pub(super) fn buttons(&self, mut x: u16, y: u16) -> Vec<Button> {
        let mut buttons = Vec::new();
        for hint in &self.0 {
            let area = Rect {
                x,
                y,
                width: hint.columns(),
                height: 1,
            };
            buttons.extend(hint.key.map(|key| key_button(key, area)));
            x = area.right().saturating_add(GAP);
        }
        buttons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hint_is_clicked_where_its_words_stand() {
        let hints = Hints::from([Hint::words("…"), Hint::new("Enter finds", Key::ENTER), CLOSES]);
        let line = hints.line();
        let places: Vec<(u16, u16)> = hints
            .buttons(10, 3)
            .iter()
            .map(|button| (button.area.x, button.area.width))
            .collect();
        assert_eq!(line, "…  Enter finds  Esc closes");
        assert_eq!(places, [(13, 11), (26, 10)]);
    }

    #[test]
    fn the_wordiest_that_fits_is_taken() {
        let wordings = [
            Hints::from([CLOSES, Hint::words("arrows scroll")]),
            Hints::from([CLOSES]),
        ];
        for (columns, expected) in [
            (25, "Esc closes  arrows scroll"),
            (24, "Esc closes"),
            (10, "Esc closes"),
            (9, ""),
        ] {
            assert_eq!(Hints::fitting(&wordings, columns).line(), expected, "{columns}");
        }
    }
}
