//! Columns of text, aligned by display width.
//!
//! Owns spacing and nothing else: what the cells say is none of its business.

use unicode_width::UnicodeWidthStr;

/// How many columns a table has.
pub(super) const COLUMNS: usize = 4;

/// Between two columns.
const GAP: &str = "  ";

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// The widths of the columns, in terminal columns.
///
/// Every cell is shown to [`fit`](Self::fit) first and written after. Then every line has the same display width:
///
/// ```text
/// NUMBER  DATE (UTC)  DOLLARS  BALANCE    line
/// ------  ----------  -------  -------    rule
///      1  -                -5       -5    line
/// PAID IN                           -5    summary
/// ```
#[derive(Debug)]
pub(super) struct Table {
    columns: [(Align, usize); COLUMNS],
}

impl Table {
    pub(super) fn new(alignment: [Align; COLUMNS]) -> Self {
        Self {
            columns: alignment.map(|align| (align, 0)),
        }
    }

    /// Widens the columns to what `cells` need.
    pub(super) fn fit<C: AsRef<str>>(&mut self, cells: &[C; COLUMNS]) {
        for ((_, width), cell) in self.columns.iter_mut().zip(cells) {
            *width = (*width).max(cell.as_ref().width());
        }
    }

    /// Widens the last column to what a summary line needs: its value stands there, its label in the columns before.
    pub(super) fn fit_summary(&mut self, value: &str) {
        if let Some((_, width)) = self.columns.last_mut() {
            *width = (*width).max(value.width());
        }
    }

    /// Bytes of a line, its `\n` included, whose cells are ASCII.
    pub(super) fn line_bytes(&self) -> usize {
        self.width().saturating_add(1)
    }

    /// Terminal columns of a line.
    fn width(&self) -> usize {
        let gaps = GAP.width().saturating_mul(COLUMNS.saturating_sub(1));
        self.columns
            .iter()
            .fold(gaps, |sum, (_, width)| sum.saturating_add(*width))
    }

    /// Writes a line of `cells` to `text`.
    pub(super) fn line<C: AsRef<str>>(&self, text: &mut String, cells: &[C; COLUMNS]) {
        for (index, ((align, width), cell)) in self.columns.iter().zip(cells).enumerate() {
            if index > 0 {
                text.push_str(GAP);
            }
            let cell = cell.as_ref();
            let padding = width.saturating_sub(cell.width());
            match align {
                Align::Left => {
                    text.push_str(cell);
                    repeat(text, ' ', padding);
                }
                Align::Right => {
                    repeat(text, ' ', padding);
                    text.push_str(cell);
                }
            }
        }
        text.push('\n');
    }

    /// Writes a line of dashes to `text`, one stroke a column.
    pub(super) fn rule(&self, text: &mut String) {
        for (index, (_, width)) in self.columns.iter().enumerate() {
            if index > 0 {
                text.push_str(GAP);
            }
            repeat(text, '-', *width);
        }
        text.push('\n');
    }

    /// Writes to `text` a line with `label` at its left end and `value` at its right end.
    pub(super) fn summary(&self, text: &mut String, label: &str, value: &str) {
        let padding = self
            .width()
            .saturating_sub(label.width())
            .saturating_sub(value.width());
        text.push_str(label);
        repeat(text, ' ', padding);
        text.push_str(value);
        text.push('\n');
    }
}

fn repeat(text: &mut String, c: char, times: usize) {
    text.extend(std::iter::repeat_n(c, times));
}
