//! Footer: clickable key hints. If there is too little room, the hints with the highest rank are dropped.
//!
//! ```text
//! b buy  s sell  t tokens  w withdraw  p payments  S statement  : command  ? help  q quit
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Constraint::Length, Layout, Margin},
    text::{Line, Span},
    widgets::Widget,
};

use crate::{
    app::{
        AppState, Settings,
        commands::{
            action::{Action, BINDINGS, Binding},
            keymap::Keymap,
        },
        overlay::screen::ClickTarget,
    },
    ui::{Renderer, button, layout::MainLayout, text},
};

const GAP: u16 = 2;

/// Draws the footer and returns its clickable areas.
pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    layout: &MainLayout,
    buf: &mut Buffer,
) -> Vec<ClickTarget> {
    let area = layout.footer.inner(Margin::new(1, 0));
    let has_orders = state.lobby.capabilities.orders;
    let hints = hints(&state.session.settings, has_orders, usize::from(area.width));
    let widths = hints.iter().map(|hint| Length(text::cells(hint.columns())));
    let areas = area.layout_vec(&Layout::horizontal(widths).spacing(GAP));
    let mut buttons = Vec::with_capacity(hints.len());
    for (hint, area) in hints.into_iter().zip(areas) {
        buttons.push(button(hint.action, area));
        Line::from(vec![
            Span::styled(hint.key, view.theme.accent),
            Span::styled(format!(" {}", hint.text), view.theme.dim),
        ])
        .render(area, buf);
    }
    buttons
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FooterHint {
    action: Action,
    key: String,
    text: &'static str,
    rank: u8,
}

impl FooterHint {
    /// Returns `None` for an action without a key.
    fn new(binding: &Binding, keys: &Keymap) -> Option<Self> {
        let (text, rank) = binding.hint?;
        let key = keys.label(binding.action);
        (!key.is_empty()).then_some(Self {
            action: binding.action,
            key,
            text,
            rank,
        })
    }

    fn columns(&self) -> usize {
        text::width(&self.key) + 1 + text::width(self.text)
    }
}

/// Returns the most important hints that fit `columns`. `has_orders`: orders can rest at the casino.
fn hints(settings: &Settings, has_orders: bool, columns: usize) -> Vec<FooterHint> {
    let offered = BINDINGS
        .iter()
        .filter(|row| settings.offers(row.action) && !settings.forbids(row.action))
        .filter(|row| has_orders || !row.action.needs_resting_orders());
    let all = offered.filter_map(|row| FooterHint::new(row, &settings.keys));
    let mut hints: Vec<FooterHint> = all.collect();
    while used_columns(&hints) > columns {
        let least = hints.iter().enumerate().max_by_key(|(_, hint)| hint.rank);
        let Some((index, _)) = least else {
            break;
        };
        hints.remove(index);
    }
    hints
}

fn used_columns(hints: &[FooterHint]) -> usize {
    let gaps = hints.len().saturating_sub(1).saturating_mul(usize::from(GAP));
    hints.iter().map(FooterHint::columns).sum::<usize>() + gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_hints_are_dropped_first() {
        let own = Settings::default();
        let keys = |columns| -> String {
            hints(&own, false, columns)
                .into_iter()
                .map(|hint| hint.key)
                .collect()
        };
        assert_eq!(keys(0), "");
        assert_eq!(keys(5), "b");
        assert_eq!(keys(21), "bsq");
        assert_eq!(keys(78), "bstwl:?q");
        assert!(keys(200).starts_with("bstw"));
        for columns in 0..200 {
            assert!(used_columns(&hints(&own, columns % 2 == 0, columns)) <= columns);
        }
    }

    #[test]
    fn a_challenge_offers_no_payments() {
        let daily = Settings {
            last_tick: Some(120),
            ..Settings::default()
        };
        let hints = hints(&daily, true, 200);
        assert!(
            hints
                .iter()
                .all(|hint| !["tokens", "withdraw"].contains(&hint.text))
        );
        assert!(hints.iter().any(|hint| hint.text == "sell"));
    }
}
