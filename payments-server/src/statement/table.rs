//! A text table, aligned by display width.

use unicode_width::UnicodeWidthStr;

pub(super) const COLUMNS: usize = 4;

const GAP: &str = "  ";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

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

    /// Widens the columns for `cells`.
    pub(super) fn fit<C: AsRef<str>>(&mut self, cells: &[C; COLUMNS]) {
        for ((_, width), cell) in self.columns.iter_mut().zip(cells) {
            *width = (*width).max(cell.as_ref().width());
        }
    }

    /// Widens the last column for the value of a summary line; its label is in the columns before.
    pub(super) fn fit_summary(&mut self, value: &str) {
        if let Some((_, width)) = self.columns.last_mut() {
            *width = (*width).max(value.width());
        }
    }

    /// Returns the bytes of an ASCII line, including `\n`.
    pub(super) fn line_bytes(&self) -> usize {
        self.width().saturating_add(1)
    }

    fn width(&self) -> usize {
        let gaps = GAP.width().saturating_mul(COLUMNS.saturating_sub(1));
        self.columns
            .iter()
            .fold(gaps, |sum, (_, width)| sum.saturating_add(*width))
    }

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

    pub(super) fn rule(&self, text: &mut String) {
        for (index, (_, width)) in self.columns.iter().enumerate() {
            if index > 0 {
                text.push_str(GAP);
            }
            repeat(text, '-', *width);
        }
        text.push('\n');
    }

    /// Writes a line with `label` at its left end and `value` at its right end.
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
