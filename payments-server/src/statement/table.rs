//! A text table of four columns. All text in it is ASCII.

use std::fmt::Write;

pub(super) const COLUMNS: usize = 4;

const GAP: &str = "  ";

/// Column widths.
///
/// Call [`fit`](Self::fit) for every cell before writing. Then all lines have the same display width:
///
/// ```text
/// NUMBER  DATE (UTC)  DOLLARS  BALANCE    line
/// ------  ----------  -------  -------    rule
///      1  -                -5       -5    line
/// PAID IN                           -5    summary
/// ```
#[derive(Debug, Default)]
pub(super) struct Table {
    widths: [usize; COLUMNS],
}

impl Table {
    /// Widens the columns for `cells`.
    pub(super) fn fit(&mut self, cells: &[impl AsRef<str>; COLUMNS]) {
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.as_ref().len());
        }
    }

    /// Widens the last column for the value of a summary line; its label is in the columns before.
    pub(super) fn fit_summary(&mut self, value: &str) {
        self.fit(&["", "", "", value]);
    }

    /// Returns the bytes of a line, including `\n`.
    pub(super) fn line_bytes(&self) -> usize {
        self.width().saturating_add(1)
    }

    fn width(&self) -> usize {
        let gaps = GAP.len().saturating_mul(COLUMNS.saturating_sub(1));
        self.widths.into_iter().fold(gaps, usize::saturating_add)
    }

    /// Writes a line: the second cell at the left of its column, the others at the right.
    pub(super) fn line(&self, text: &mut String, cells: &[impl AsRef<str>; COLUMNS]) {
        let [a, b, c, d] = self.widths;
        let [number, date, dollars, balance] = cells.each_ref().map(AsRef::as_ref);
        // Writing to memory cannot fail.
        let _ = writeln!(
            text,
            "{number:>a$}{GAP}{date:<b$}{GAP}{dollars:>c$}{GAP}{balance:>d$}"
        );
    }

    pub(super) fn rule(&self, text: &mut String) {
        text.push_str(&self.widths.map(|width| "-".repeat(width)).join(GAP));
        text.push('\n');
    }

    /// Writes a line with `label` at its left end and `value` at its right end.
    pub(super) fn summary(&self, text: &mut String, label: &str, value: &str) {
        let rest = self.width().saturating_sub(label.len());
        // Writing to memory cannot fail.
        let _ = writeln!(text, "{label}{value:>rest$}");
    }
}
