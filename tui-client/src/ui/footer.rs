//! The footer: the keys of the desk, from the one table of actions.
//!
//! Owns which hints are dropped where columns are short: the highest rank first.
//!
//! ```text
//! b buy  s sell  t tokens  w withdraw  p payments  S statement  : command  ? help  q quit
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Margin,
    text::{Line, Span},
    widgets::Widget,
};

use super::{View, layout::Desk, text};
use crate::app::{
    AppState,
    action::{BINDINGS, Binding},
    keymap::Keymap,
};

/// Columns between two hints.
const GAP: usize = 2;

/// Draws the footer.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) {
    let area = desk.footer.inner(Margin::new(1, 0));
    let mut spans = Vec::new();
    for hint in hints(&state.session.settings.keys, usize::from(area.width)) {
        if !spans.is_empty() {
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        spans.push(Span::styled(hint.key, view.theme.accent));
        spans.push(Span::styled(format!(" {}", hint.words), view.theme.dim));
    }
    Line::from(spans).render(area, buf);
}

/// A key and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hint {
    key: String,
    words: &'static str,
    rank: u8,
}

impl Hint {
    /// An action without a key has no hint.
    fn of(binding: &Binding, keys: &Keymap) -> Option<Self> {
        let (words, rank) = binding.hint?;
        let key = keys.label(binding.action);
        (!key.is_empty()).then_some(Self { key, words, rank })
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
    let gaps = hints.len().saturating_sub(1).saturating_mul(GAP);
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
        assert_eq!(keys(78), "bstwpS?q");
        assert!(keys(200).starts_with("bstw"));
        for columns in 0..200 {
            assert!(taken(&hints(&own, columns)) <= columns);
        }
    }
}
