//! The footer: the keys of the desk, from the one table of actions.
//!
//! Owns which hints are dropped where columns are short: the highest rank first. A hint that is clicked does what its
//! key does.
//!
//! ```text
//! b buy  s sell  t tokens  w withdraw  p payments  S statement  : command  ? help  q quit
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::{View, button, layout::Desk, text};
use crate::app::{
    AppState,
    action::{Action, BINDINGS, Binding},
    keymap::Keymap,
    screen::Button,
};

/// Columns between two hints.
const GAP: u16 = 2;

/// Draws the footer; gives back where its hints can be clicked.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) -> Vec<Button> {
    let area = desk.footer.inner(Margin::new(1, 0));
    let mut spans = Vec::new();
    let mut buttons = Vec::new();
    let mut x = area.x;
    for hint in hints(&state.session.settings.keys, usize::from(area.width)) {
        let width = u16::try_from(hint.columns()).unwrap_or(u16::MAX);
        buttons.push(button(hint.action, Rect { x, width, ..area }));
        x = x.saturating_add(width).saturating_add(GAP);
        spans.push(Span::styled(hint.key, view.theme.accent));
        spans.push(Span::styled(format!(" {}", hint.words), view.theme.dim));
        spans.push(Span::raw(" ".repeat(usize::from(GAP))));
    }
    Line::from(spans).render(area, buf);
    buttons
}

/// A key and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hint {
    action: Action,
    key: String,
    words: &'static str,
    rank: u8,
}

impl Hint {
    /// An action without a key has no hint.
    fn of(binding: &Binding, keys: &Keymap) -> Option<Self> {
        let (words, rank) = binding.hint?;
        let key = keys.label(binding.action);
        (!key.is_empty()).then_some(Self {
            action: binding.action,
            key,
            words,
            rank,
        })
    }

    fn columns(&self) -> usize {
        text::width(&self.key)
            .saturating_add(1)
            .saturating_add(text::width(self.words))
    }
}

/// The hints that `columns` take, the least important ones dropped.
fn hints(keys: &Keymap, columns: usize) -> Vec<Hint> {
    let mut hints: Vec<Hint> = BINDINGS.iter().filter_map(|row| Hint::of(row, keys)).collect();
    while taken(&hints) > columns {
        let least = hints.iter().enumerate().max_by_key(|(_, hint)| hint.rank);
        let Some((index, _)) = least else {
            break;
        };
        hints.remove(index);
    }
    hints
}

fn taken(hints: &[Hint]) -> usize {
    let gaps = hints.len().saturating_sub(1).saturating_mul(usize::from(GAP));
    hints
        .iter()
        .map(Hint::columns)
        .sum::<usize>()
        .saturating_add(gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_hints_go_first() {
        let own = Keymap::default();
        let keys = |columns| -> String { hints(&own, columns).into_iter().map(|hint| hint.key).collect() };
        assert_eq!(keys(0), "");
        assert_eq!(keys(5), "b");
        assert_eq!(keys(21), "bsq");
        assert_eq!(keys(78), "bstwl:?q");
        assert!(keys(200).starts_with("bstw"));
        for columns in 0..200 {
            assert!(taken(&hints(&own, columns)) <= columns);
        }
    }
}
