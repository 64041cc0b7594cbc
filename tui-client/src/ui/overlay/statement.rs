//! The player's statement, as the payments server wrote it.
//!
//! Owns nothing of the text: it is shown as it came, harmless, lines that are too long wrapped.
//!
//! ```text
//! ╭ Statement ─────────────────────────────────────╮
//! │ AwesomeStock payment statement                 │
//! │ Player: ann                                    │
//! │ …                                              │
//! ╰ Esc closes  arrows scroll ──────── 1–20 of 34 ─╯
//! ```

use ratatui::{buffer::Buffer, text::Line};

use super::{Window, absence, scrolled, sheet_hints, text_columns};
use crate::{
    app::overlay::{Fetched, Sheet},
    ui::{Top, View, layout::Desk, panel, text},
};

/// Most columns of a line.
const MAX_COLUMNS: usize = 96;

/// Fewest columns of the window, so that it does not jump when the text comes.
const MIN_COLUMNS: usize = 52;

/// Draws the statement.
pub(super) fn draw(view: &View, sheet: &Sheet<Vec<String>>, desk: &Desk, buf: &mut Buffer) -> Top {
    let most = text_columns(desk, MAX_COLUMNS);
    let mut lines = absence(view, &sheet.content, "the statement", most.min(MIN_COLUMNS));
    if let Fetched::Ready(text) = &sheet.content {
        for (index, line) in text.iter().enumerate() {
            let found = sheet.search.found() == Some(index);
            let style = if found { view.theme.accent } else { view.theme.text };
            lines.extend(
                shown(line, most)
                    .into_iter()
                    .map(|line| panel::styled(line, style)),
            );
        }
        if lines.is_empty() {
            lines.push(panel::styled("the statement is empty", view.theme.dim));
        }
    }
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let hints = sheet_hints(sheet);
    let window = Window {
        title: "Statement",
        hints: &hints,
        wanted: (widest.max(MIN_COLUMNS.min(most)), lines.len()),
    };
    scrolled(view, &window, lines, sheet.scroll, desk, buf)
}

/// A line as it can be shown: tabs as spaces, nothing harmful, wrapped.
fn shown(line: &str, columns: usize) -> Vec<String> {
    let line = line.trim_end().replace('\t', "    ");
    let line = text::harmless(&line);
    if text::width(&line) <= columns {
        return vec![line.into_owned()];
    }
    if line.chars().all(|letter| matches!(letter, '-' | '─' | '=' | ' ')) {
        return vec![
            text::wrap(&line, columns, 0)
                .into_iter()
                .next()
                .unwrap_or_default(),
        ];
    }
    squeezed(&line, columns).map_or_else(|| text::wrap(&line, columns, 4), |line| vec![line])
}

/// A row of a table that is too wide: two spaces or one between its fields, the last one on the right.
fn squeezed(line: &str, columns: usize) -> Option<String> {
    let fields: Vec<&str> = line
        .split("  ")
        .map(str::trim)
        .filter(|field| !field.is_empty())
        .collect();
    let (last, others) = fields.split_last().filter(|(_, others)| !others.is_empty())?;
    ["  ", " "].into_iter().find_map(|space| {
        let start = others.join(space);
        let between = columns.checked_sub(text::width(&start).saturating_add(text::width(last)))?;
        (between >= space.len()).then(|| format!("{start}{}{last}", " ".repeat(between)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_wide_is_squeezed_before_it_is_wrapped() {
        let cases: [(&str, usize, &[&str]); 6] = [
            ("Player: ann", 36, &["Player: ann"]),
            ("a\tb\r", 36, &["a    b"]),
            (
                "     1  2026-11-22      -100     -100",
                26,
                &["1  2026-11-22  -100   -100"],
            ),
            ("------  ----------  -------", 16, &["------  --------"]),
            ("one two three four", 9, &["one two", "    three", "    four"]),
            ("a\u{1b}[2Jb", 36, &["a\u{fffd}[2Jb"]),
        ];
        for (line, columns, lines) in cases {
            assert_eq!(shown(line, columns), lines, "{line:?} in {columns}");
        }
    }
}
