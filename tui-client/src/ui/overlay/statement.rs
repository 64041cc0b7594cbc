//! The statement text from the payments server, sanitized and wrapped. Its table is laid out again if it is too wide.
//!
//! ```text
//! ╭ Statement ─────────────────────────────────────╮
//! │ AwesomeStock payment statement                 │
//! │ Player: ann                                    │
//! │ …                                              │
//! ╰ Esc closes  arrows scroll ──────── 1–20 of 34 ─╯
//! ```

use ratatui::text::Line;

use crate::app::AppState;
use crate::app::overlay::{Document, Remote};
use crate::ui::layout::MainLayout;
use crate::ui::panels::toast;
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{TextWindow, document_popup, found_style, placeholder, text_columns};
use crate::ui::{Renderer, text};

const MAX_COLUMNS: usize = 96;

/// Smallest window width, so that the window does not resize when the text arrives.
const MIN_COLUMNS: usize = 52;

/// Columns of a date, and of a date with a time of day.
const DATE_COLUMNS: [usize; 2] = ["2026-11-22".len(), "2026-11-22 14:03:22".len()];

pub(crate) fn window(
    view: &Renderer,
    state: &AppState,
    document: &Document<Vec<String>>,
    layout: &MainLayout,
) -> TextWindow {
    let most = text_columns(layout, MAX_COLUMNS);
    let lines = match &document.content {
        Remote::Ready(text) if text.is_empty() => {
            vec![panel::styled("the statement is empty", view.theme.dim)]
        }
        Remote::Ready(text) => shown_lines(text, most)
            .into_iter()
            .enumerate()
            .flat_map(|(index, lines)| {
                let style = found_style(view, document, index);
                lines.into_iter().map(move |line| panel::styled(line, style))
            })
            .collect(),
        content => placeholder(view, content, "statement", most.min(MIN_COLUMNS)),
    };
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let columns = widest.max(MIN_COLUMNS.min(most));
    let popup = document_popup("Statement", toast::newest(state), document, columns);
    TextWindow { popup, lines }
}

/// Returns the sanitized lines of each line of the text.
fn shown_lines(text: &[String], columns: usize) -> Vec<Vec<String>> {
    let sanitized = |line: &String| text::sanitize(&line.trim_end().replace('\t', "    ")).into_owned();
    let lines: Vec<String> = text.iter().map(sanitized).collect();
    let blocks = lines.chunk_by(|line, next| line.is_empty() == next.is_empty());
    let shown = blocks.flat_map(|block| {
        let table = Table::new(block, columns);
        block.iter().map(move |line| {
            let line = table
                .as_ref()
                .map_or_else(|| line.clone(), |table| table.line(line));
            shown(&line, columns)
        })
    });
    shown.collect()
}

fn shown(line: &str, columns: usize) -> Vec<String> {
    if text::width(line) <= columns {
        return vec![line.to_owned()];
    }
    if is_rule(line) {
        return vec![text::head(line, columns).trim_end().to_owned()];
    }
    squeezed(line, columns).map_or_else(|| text::wrap(line, columns, 4), |line| vec![line])
}

fn is_rule(line: &str) -> bool {
    let is_part = |letter| matches!(letter, '-' | '─' | '=' | ' ');
    !line.is_empty() && line.chars().all(is_part)
}

/// Splits a table row: at least two spaces are between its fields.
fn fields(line: &str) -> Vec<&str> {
    let fields = line.split("  ").map(str::trim);
    fields.filter(|field| !field.is_empty()).collect()
}

fn is_time(field: &str) -> bool {
    let [date, both] = DATE_COLUMNS;
    let mut letters = field.bytes();
    field.len() == both
        && letters.all(|letter| letter.is_ascii_digit() || b"-: ".contains(&letter))
        && field.as_bytes().get(date) == Some(&b' ')
}

/// A table that is narrower than in the text.
struct Table {
    columns: Vec<TableColumn>,
    gap: usize,
    /// Without times of day.
    is_short: bool,
}

struct TableColumn {
    /// 0 hides the column.
    width: usize,
    has_times: bool,
}

/// Returns the shown part of a field.
fn cell(field: &str, is_short: bool) -> &str {
    match is_short && is_time(field) {
        true => text::head(field, DATE_COLUMNS[0]),
        false => field,
    }
}

impl Table {
    /// Returns the most detailed columns that fit: with times, with dates, without dates. `None` if the lines fit as they
    /// are, are not a table, or cannot be made to fit.
    fn new(block: &[String], columns: usize) -> Option<Self> {
        if block.iter().all(|line| text::width(line) <= columns) {
            return None;
        }
        let rule = block.iter().find(|line| is_rule(line))?;
        let count = fields(rule).len();
        let rows = block
            .iter()
            .filter(|line| !is_rule(line))
            .map(|line| fields(line));
        let rows: Vec<Vec<&str>> = rows.filter(|fields| fields.len() == count).collect();
        if count < 2 || rows.is_empty() {
            return None;
        }
        let shape = |is_short: bool, has_dates: bool, gap: usize| {
            let columns = (0..count).map(|index| {
                let cells = || rows.iter().filter_map(|row| row.get(index));
                let has_times = cells().any(|field| is_time(field));
                let widths = cells().filter(|_| has_dates || !has_times);
                let widths = widths.map(|field| text::width(cell(field, is_short)));
                TableColumn {
                    width: widths.max().unwrap_or(0),
                    has_times,
                }
            });
            Self {
                columns: columns.collect(),
                gap,
                is_short,
            }
        };
        let shapes = [(false, true), (true, true), (true, false)];
        let mut shapes = shapes
            .into_iter()
            .flat_map(|(is_short, has_dates)| [2, 1].map(|gap| shape(is_short, has_dates, gap)));
        shapes.find(|table| table.width() <= columns)
    }

    fn shown(&self) -> impl Iterator<Item = (usize, &TableColumn)> {
        let columns = self.columns.iter().enumerate();
        columns.filter(|(_, column)| column.width > 0)
    }

    fn width(&self) -> usize {
        let (columns, gap) = (self.shown().count(), self.gap);
        let widths: usize = self.shown().map(|(_, column)| column.width).sum();
        widths.saturating_add(gap.saturating_mul(columns.saturating_sub(1)))
    }

    /// Returns a row or a rule in these columns. Other lines, such as totals, are as wide as the table if they can be.
    fn line(&self, line: &str) -> String {
        let fields = fields(line);
        if fields.len() != self.columns.len() {
            return squeezed(line, self.width()).unwrap_or_else(|| line.to_owned());
        }
        let is_rule = is_rule(line);
        let cells = self.shown().map(|(index, column)| {
            let field = fields.get(index).copied().unwrap_or_default();
            let cell = cell(field, self.is_short);
            let padding = " ".repeat(column.width.saturating_sub(text::width(cell)));
            match column.has_times {
                _ if is_rule => "-".repeat(column.width),
                true => format!("{cell}{padding}"),
                false => format!("{padding}{cell}"),
            }
        });
        let cells: Vec<String> = cells.collect();
        cells.join(&" ".repeat(self.gap))
    }
}

/// Narrows a table row to two spaces or one between its fields, with the last field on the right.
fn squeezed(line: &str, columns: usize) -> Option<String> {
    let fields = fields(line);
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
            let text = [line.to_owned()];
            assert_eq!(shown_lines(&text, columns), [lines], "{line:?} in {columns}");
        }
    }

    /// Returns the lines of a statement with these amounts.
    fn narrowed(amounts: [&str; 2], columns: usize) -> Vec<String> {
        let [dollars, balance] = amounts;
        let rule = format!("------  -------------------  {:->14}  {:->14}", "", "");
        let text = [
            format!(
                "NUMBER  DATE (UTC)           {:>14}  {:>14}",
                "DOLLARS", "BALANCE"
            ),
            rule.clone(),
            format!("     1  2026-11-22 13:41:51  {dollars:>14}  {balance:>14}"),
            format!("     2  -                    {dollars:>14}  {balance:>14}"),
            rule,
            format!("PAID IN  {balance:>50}"),
        ];
        shown_lines(&text, columns).concat()
    }

    #[test]
    fn a_wide_table_stays_a_table() {
        let expected = [
            "NUMBER  DATE (UTC)           DOLLARS  BALANCE",
            "------  -------------------  -------  -------",
            "     1  2026-11-22 13:41:51     -100     -100",
            "     2  -                       -100     -100",
            "------  -------------------  -------  -------",
            "PAID IN                                  -100",
        ];
        assert_eq!(narrowed(["-100", "-100"], 45), expected);
        let expected = [
            "NUMBER DATE (UTC)          DOLLARS BALANCE",
            "------ ------------------- ------- -------",
            "     1 2026-11-22 13:41:51    -100    -100",
            "     2 -                      -100    -100",
            "------ ------------------- ------- -------",
            "PAID IN                               -100",
        ];
        assert_eq!(narrowed(["-100", "-100"], 44), expected);
        let expected = [
            "NUMBER  DATE (UTC)  DOLLARS  BALANCE",
            "------  ----------  -------  -------",
            "     1  2026-11-22     -100     -100",
            "     2  -              -100     -100",
            "------  ----------  -------  -------",
            "PAID IN                         -100",
        ];
        assert_eq!(narrowed(["-100", "-100"], 36), expected);
        let expected = [
            "NUMBER        DOLLARS        BALANCE",
            "------ -------------- --------------",
            "     1 -2,147,483,648 -2,147,483,648",
            "     2 -2,147,483,648 -2,147,483,648",
            "------ -------------- --------------",
            "PAID IN               -2,147,483,648",
        ];
        assert_eq!(narrowed(["-2,147,483,648"; 2], 36), expected);
    }
}
