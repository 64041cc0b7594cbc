//! The statement text from the payments server, sanitized and wrapped.
//!
//! ```text
//! ╭ Statement ─────────────────────────────────────╮
//! │ AwesomeStock payment statement                 │
//! │ Player: ann                                    │
//! │ …                                              │
//! ╰ Esc closes  arrows scroll ──────── 1–20 of 34 ─╯
//! ```

use ratatui::text::Line;

use crate::{
    app::overlay::{Document, Remote},
    ui::{
        Renderer,
        layout::MainLayout,
        text,
        widgets::{
            panel,
            window::{Popup, TextWindow, document_hints, found_style, placeholder, text_columns},
        },
    },
};

const MAX_COLUMNS: usize = 96;

/// Smallest window width, so that the window does not resize when the text arrives.
const MIN_COLUMNS: usize = 52;

pub(crate) fn window(view: &Renderer, document: &Document<Vec<String>>, layout: &MainLayout) -> TextWindow {
    let most = text_columns(layout, MAX_COLUMNS);
    let lines = match &document.content {
        Remote::Ready(text) if text.is_empty() => {
            vec![panel::styled("the statement is empty", view.theme.dim)]
        }
        Remote::Ready(text) => text
            .iter()
            .enumerate()
            .flat_map(|(index, line)| {
                let style = found_style(view, document, index);
                shown(line, most)
                    .into_iter()
                    .map(move |line| panel::styled(line, style))
            })
            .collect(),
        content => placeholder(view, content, "statement", most.min(MIN_COLUMNS)),
    };
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let columns = widest.max(MIN_COLUMNS.min(most));
    let popup = Popup::new("Statement", document_hints(document), columns);
    TextWindow { popup, lines }
}

/// Returns a sanitized and wrapped line.
fn shown(line: &str, columns: usize) -> Vec<String> {
    let line = line.trim_end().replace('\t', "    ");
    let line = text::sanitize(&line);
    if text::width(&line) <= columns {
        return vec![line.into_owned()];
    }
    if line.chars().all(|letter| matches!(letter, '-' | '─' | '=' | ' ')) {
        return vec![text::head(&line, columns).trim_end().to_owned()];
    }
    squeezed(&line, columns).map_or_else(|| text::wrap(&line, columns, 4), |line| vec![line])
}

/// Narrows a table row to two spaces or one between its fields, with the last field on the right.
fn squeezed(line: &str, columns: usize) -> Option<String> {
    let fields = line.split("  ").map(str::trim);
    let fields: Vec<&str> = fields.filter(|field| !field.is_empty()).collect();
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
    fn wide_table_rows_are_narrowed_before_they_are_wrapped() {
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
