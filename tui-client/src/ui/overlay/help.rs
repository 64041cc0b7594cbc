//! Help, generated from the tables of key bindings and commands.
//!
//! ```text
//! ╭ Help ──────────────────────────────────────────────╮
//! │ KEYS                                               │
//! │ b           buy the ticket's quantity at the price │
//! │ q  Ctrl-C   quit; your wallet is saved             │
//! │                                                    │
//! │ COMMANDS, after :                                  │
//! │ buyTokens DOLLARS   buy tokens: 5 per dollar       │
//! ╰ Esc closes ────────────────────────── 1–20 of 34 ──╯
//! ```

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::AppState;
use crate::app::commands::action::{Action, BINDINGS};
use crate::app::commands::command::{COMMANDS, CommandSpec};
use crate::app::commands::key::Key;
use crate::app::commands::lab::FAULTS;
use crate::app::portfolio::achievements::ACHIEVEMENTS;
use crate::ui::layout::MainLayout;
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{Popup, TextWindow, scroll_hints, text_columns};
use crate::ui::{Renderer, text};

const KEY_COLUMNS: usize = 13;

const WORD_COLUMNS: usize = 19;

const MAX_COLUMNS: usize = 76;

pub(crate) fn window(view: &Renderer, state: &AppState, layout: &MainLayout) -> TextWindow {
    let columns = text_columns(layout, MAX_COLUMNS);
    let lines = lines(view, state, columns);
    let popup = Popup::new("Help", scroll_hints(), columns);
    TextWindow { popup, lines }
}

fn lines(view: &Renderer, state: &AppState, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if state.lab.is_some() {
        lines.push(panel::styled("THE LAB", view.theme.title));
        for row in FAULTS {
            lines.extend(rows(view, &row.key.label(), row.help, KEY_COLUMNS, columns));
        }
        lines.push(Line::default());
    }
    lines.push(panel::styled("KEYS", view.theme.title));
    let settings = &state.session.settings;
    if !settings.watch {
        let quantity = "the ticket's quantity: 10, 2.5k, 50% of the maximum, $500 worth";
        lines.extend(rows(view, "0-9 . k % $", quantity, KEY_COLUMNS, columns));
    }
    let is_offered = |action| state.not_offered(action).is_none();
    for binding in BINDINGS.iter().filter(|row| is_offered(row.action)) {
        let keys = settings.keys.keys(binding.action);
        let keys: Vec<String> = keys.iter().map(Key::label).collect();
        let help = match binding.gesture {
            None if settings.watch && binding.action == Action::Quit => "quit".to_owned(),
            None => binding.help.to_owned(),
            Some(gesture) => format!("{}; mouse: {}", binding.help, gesture.label()),
        };
        lines.extend(rows(view, &keys.join("  "), &help, KEY_COLUMNS, columns));
    }
    if settings.watch {
        let text = "This view has no player: it sends no name, no key and no order.";
        lines.push(Line::default());
        lines.extend(text::wrap(text, columns, 0).into_iter().map(Line::from));
        return lines;
    }
    let heading = format!("COMMANDS, after {}", panel::key_label(state, Action::Palette));
    lines.extend([Line::default(), panel::styled(heading, view.theme.title)]);
    let is_offered = |word: &&CommandSpec| Action::of(word).is_none_or(is_offered);
    for word in COMMANDS.iter().filter(is_offered) {
        let help = match word.aliases {
            [] => word.help.to_owned(),
            aliases => format!("{}; also {}", word.help, aliases.join(", ")),
        };
        lines.extend(rows(view, &word.usage(), &help, WORD_COLUMNS, columns));
    }
    if state.session.settings.achievements.is_some() {
        lines.extend([Line::default(), panel::styled("ACHIEVEMENTS", view.theme.title)]);
        for row in ACHIEVEMENTS {
            let is_earned = state.session.has_earned(row.achievement);
            let name = format!("{} {}", if is_earned { "✓" } else { "·" }, row.name);
            lines.extend(rows(view, &name, row.help, WORD_COLUMNS, columns));
        }
    }
    lines
}

/// Returns a name and its wrapped explanation; a long name gets a line of its own.
fn rows(view: &Renderer, name: &str, help: &str, name_columns: usize, columns: usize) -> Vec<Line<'static>> {
    let hang = name_columns.min(columns / 2);
    let (own_line, beside) = match text::width(name) >= hang {
        true => (Some(panel::styled(name.to_owned(), view.theme.accent)), ""),
        false => (None, name),
    };
    let beside = Span::styled(format!("{beside:<hang$}"), view.theme.accent);
    let wrapped = text::wrap(help, columns.saturating_sub(hang), 0);
    let beside = panel::hanging(beside, wrapped, Style::default());
    own_line.into_iter().chain(beside).collect()
}
