//! Tables for programs: the cells of a row, and CSV. Files and printed text share them. Scripts depend on the columns:
//! only append.

use awesomestock_proto::text::sanitize::sanitize_lines;

use crate::app::overlay::PaymentRow;
use crate::app::portfolio::money::UnixMillis;
use crate::app::portfolio::rows::NumberedTrade;

pub(crate) type ColumnSet = &'static [&'static str];

pub(crate) const TRADES: ColumnSet = &["number", "at", "side", "count", "price", "total"];
pub(crate) const PAYMENTS: ColumnSet = &["number", "at", "dollars"];

/// End of a line, by RFC 4180.
pub(crate) const LINE_END: &str = "\r\n";

/// First characters of spreadsheet formulas, in both widths.
const FORMULA_MARKS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Not sent by the casino.
    Unknown,
    Number(i64),
    /// A time, written as RFC 3339 in UTC.
    Moment(UnixMillis),
    Text(String),
}

impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Unknown, Self::Number)
    }
}

impl From<Option<UnixMillis>> for Cell {
    fn from(moment: Option<UnixMillis>) -> Self {
        moment.map_or(Self::Unknown, Self::Moment)
    }
}

pub(crate) fn trade((number, row): &NumberedTrade) -> Vec<Cell> {
    vec![
        Cell::Number(*number),
        Cell::Moment(row.at),
        Cell::Text(row.side.word().to_owned()),
        Cell::Number(row.count.into()),
        Cell::Number(row.price.into()),
        Cell::Number(row.total()),
    ]
}

pub(crate) fn payment(row: &PaymentRow) -> Vec<Cell> {
    vec![
        Cell::Number(row.number),
        row.at.into(),
        Cell::Number(row.dollars.into()),
    ]
}

/// Returns a row without its line end. Missing cells at the end are unknown.
pub(crate) fn line(columns: ColumnSet, cells: &[Cell]) -> String {
    let cells = cells.iter().chain(std::iter::repeat(&Cell::Unknown));
    let row: Vec<String> = cells.take(columns.len()).map(csv_cell).collect();
    row.join(",")
}

fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Unknown => String::new(),
        Cell::Number(number) => number.to_string(),
        Cell::Moment(at) => rfc3339(*at).unwrap_or_default(),
        Cell::Text(text) => csv_text(text),
    }
}

/// Quotes a cell. Formulas get a leading apostrophe, so that spreadsheets read them as text.
fn csv_text(text: &str) -> String {
    let is_formula = text.trim_start().starts_with(FORMULA_MARKS);
    let mark = if is_formula { "'" } else { "" };
    let text = format!("{mark}{}", sanitize_lines(text));
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Formats a time with milliseconds, so that texts sort by time. `None` if out of range.
pub(crate) fn rfc3339(UnixMillis(ms): UnixMillis) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(format!("{at:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_decimals() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1, "1970-01-01T00:00:00.001Z"),
            (10, "1970-01-01T00:00:00.010Z"),
            (620, "1970-01-01T00:00:00.620Z"),
            (700, "1970-01-01T00:00:00.700Z"),
            (999, "1970-01-01T00:00:00.999Z"),
            (1_000, "1970-01-01T00:00:01.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(UnixMillis(ms)).as_deref(), Some(expected));
        }
        let texts: Vec<_> = (0..2_000).map(|ms| rfc3339(UnixMillis(ms)).unwrap()).collect();
        assert!(texts.is_sorted());
        assert_eq!(rfc3339(UnixMillis(i64::MAX)), None);
    }

    #[test]
    fn a_text_is_never_a_formula_two_cells_or_an_escape_sequence() {
        let cases = [
            ("anna", "anna"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("\t=1", "'\u{FFFD}=1"),
            ("\r=1", "'\u{FFFD}=1"),
            ("\n=1", "\"'\n=1\""),
            (" =1", "' =1"),
            ("＝1", "'＝1"),
            ("\tx", "\u{FFFD}x"),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("one\ntwo", "\"one\ntwo\""),
            ("\u{1b}[2J", "\u{FFFD}[2J"),
        ];
        for (text, cell) in cases {
            assert_eq!(csv_text(text), cell, "{text:?}");
        }
    }
}
