//! Footer: clickable key hints. If there is too little room, the hints with the highest rank are dropped.
//!
//! ```text
//! b buy  s sell  t tokens  w withdraw  p payments  S statement  : command  ? help  q quit
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Margin;

use crate::app::AppState;
use crate::app::commands::action::{Action, BINDINGS, Binding};
use crate::app::commands::keymap::Keymap;
use crate::app::overlay::screen::{ClickAction, ClickTarget};
use crate::ui::layout::MainLayout;
use crate::ui::widgets::hint;
use crate::ui::{Renderer, text};

const GAP: u16 = 2;

pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    layout: &MainLayout,
    buf: &mut Buffer,
) -> Vec<ClickTarget> {
    let area = layout.footer.inner(Margin::new(1, 0));
    let hints = hints(state, usize::from(area.width)).into_iter();
    let lines = hints.map(|hint| {
        let line = hint::key_line(view, hint.key, hint.text);
        (ClickAction::Act(hint.action), line)
    });
    hint::draw_row(lines.collect(), GAP, area, buf)
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

/// Returns the most important hints that fit `columns`.
fn hints(state: &AppState, columns: usize) -> Vec<FooterHint> {
    let offered = BINDINGS
        .iter()
        .filter(|row| state.not_offered(row.action).is_none());
    let all = offered.filter_map(|row| FooterHint::new(row, &state.session.settings.keys));
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
    let gap = usize::from(GAP);
    let columns = hints.iter().map(|hint| hint.columns() + gap);
    columns.sum::<usize>().saturating_sub(gap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::lobby::round::{Round, RoundPhase};
    use crate::app::portfolio::money::UnixMillis;
    use crate::app::{SessionInfo, Settings};

    #[test]
    fn the_least_important_hints_are_dropped_first() {
        let mut state = state(Settings::default());
        let keys = |columns| -> String {
            let hints = hints(&state, columns).into_iter();
            hints.map(|hint| hint.key).collect()
        };
        assert_eq!(keys(0), "");
        assert_eq!(keys(5), "b");
        assert_eq!(keys(21), "bsq");
        assert_eq!(keys(78), "bstwl:?q");
        assert!(keys(200).starts_with("bstw"));
        for columns in 0..200 {
            state.lobby.capabilities.orders = columns % 2 == 0;
            assert!(used_columns(&hints(&state, columns)) <= columns);
        }
    }

    #[test]
    fn what_is_closed_is_not_offered() {
        let daily = Settings {
            last_tick: Some(120),
            ..Settings::default()
        };
        let mut in_round = state(Settings::default());
        in_round.lobby.capabilities.orders = true;
        let offered = |state: &AppState| -> Vec<&str> {
            let hints = hints(state, 200);
            let texts = hints.iter().map(|hint| hint.text);
            let closed = ["tokens", "withdraw", "rest", "orders"];
            texts.filter(|text| closed.contains(text)).collect()
        };
        assert_eq!(offered(&in_round), ["tokens", "withdraw", "rest", "orders"]);
        for phase in [RoundPhase::Running, RoundPhase::Paused] {
            in_round.lobby.set_round(round(phase), UnixMillis(0));
            assert_eq!(offered(&in_round), ["orders"]);
        }
        in_round.lobby.set_round(round(RoundPhase::Ended), UnixMillis(0));
        assert_eq!(offered(&in_round), ["tokens", "withdraw", "rest", "orders"]);
        let mut daily = state(daily);
        daily.lobby.capabilities.orders = true;
        assert_eq!(offered(&daily), ["rest", "orders"]);
        daily.lobby.capabilities.orders = false;
        assert_eq!(offered(&daily), [""; 0]);
    }

    fn state(settings: Settings) -> AppState {
        let info = SessionInfo {
            player: "ann".to_owned(),
            server: "solo".to_owned(),
        };
        AppState::with_settings(settings, info, (80, 24), UnixMillis(0)).0
    }

    fn round(phase: RoundPhase) -> Round {
        Round {
            number: 1,
            phase,
            left_ms: 0,
            announcement: String::new(),
            stake: 100,
            podium: Vec::new(),
        }
    }
}
