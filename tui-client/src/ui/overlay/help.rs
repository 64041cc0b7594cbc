//! The help: every key and every word, from the tables that drive them.
//!
//! Owns how the tables read. It has no key and no word of its own.
//!
//! ```text
//! ╭ Help ──────────────────────────────────────────────╮
//! │ KEYS                                               │
//! │ b           buy the ticket's quantity at the price │
//! │ q  Ctrl-C   leave; the wallet is kept              │
//! │                                                    │
//! │ WORDS, after :                                     │
//! │ buyTokens DOLLARS   buy tokens: 5 a dollar         │
//! ╰ Esc closes ────────────────────────── 1–20 of 34 ──╯
//! ```

use ratatui::{
    buffer::Buffer,
    text::{Line, Span},
};

use super::{Window, scroll_hints, scrolled, text_columns};
use crate::{
    app::{
        AppState,
        action::{Action, BINDINGS},
        command::WORDS,
        key::Key,
        overlay::Scroll,
    },
    ui::{Top, View, layout::Desk, panel, text},
};

/// Columns of the keys.
const KEY_COLUMNS: usize = 13;

/// Columns of the words.
const WORD_COLUMNS: usize = 19;

/// Most columns of a line.
const MAX_COLUMNS: usize = 76;

/// Draws the help.
pub(super) fn draw(view: &View, state: &AppState, scroll: Scroll, desk: &Desk, buf: &mut Buffer) -> Top {
    let columns = text_columns(desk, MAX_COLUMNS);
    let lines = lines(view, state, columns);
    let window = Window {
        title: "Help",
        hints: &scroll_hints(),
        wanted: (columns, lines.len()),
    };
    scrolled(view, &window, lines, scroll, desk, buf)
}

fn lines(view: &View, state: &AppState, columns: usize) -> Vec<Line<'static>> {
    let heading = |words: String| panel::styled(words, view.theme.title);
    let mut lines = vec![heading("KEYS".to_owned())];
    lines.extend(rows(
        view,
        "0-9 . k % $",
        "the ticket's quantity: 10, 2.5k, 50% of what is possible, $500 worth",
        KEY_COLUMNS,
        columns,
    ));
    for binding in BINDINGS {
        let keys = state.session.settings.keys.keys(binding.action);
        let keys: Vec<String> = keys.iter().map(Key::label).collect();
        let help = match binding.gesture {
            None => binding.help.to_owned(),
            Some(gesture) => format!("{}; mouse: {}", binding.help, gesture.words()),
        };
        lines.extend(rows(view, &keys.join("  "), &help, KEY_COLUMNS, columns));
    }
    lines.push(Line::default());
    lines.push(heading(format!(
        "WORDS, after {}",
        panel::key_label(state, Action::Palette)
    )));
    for word in WORDS {
        let help = if word.aliases.is_empty() {
            word.help.to_owned()
        } else {
            format!("{}; also {}", word.help, word.aliases.join(", "))
        };
        lines.extend(rows(view, &word.usage(), &help, WORD_COLUMNS, columns));
    }
    lines
}

/// A name and its explanation, which goes on under itself; a name that is too long has a line of its own.
fn rows(view: &View, name: &str, help: &str, name_columns: usize, columns: usize) -> Vec<Line<'static>> {
    let hang = name_columns.min(columns / 2);
    let room = columns.saturating_sub(hang);
    let mut lines = Vec::new();
    let mut name = name.to_owned();
    if text::width(&name) >= hang {
        lines.push(panel::styled(std::mem::take(&mut name), view.theme.accent));
    }
    for part in text::wrap(help, room, 0) {
        let name = std::mem::take(&mut name);
        lines.push(Line::from(vec![
            Span::styled(format!("{name:<hang$}"), view.theme.accent),
            Span::raw(part),
        ]));
    }
    lines
}
