//! Prints rows as text, JSON or CSV. Texts are sanitized for terminals and spreadsheets.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    app::portfolio::money::UnixMillis,
    cli::args::Output,
    ui::text::{sanitize, sanitize_lines},
};

/// First characters of spreadsheet formulas, in both widths.
const FORMULA_MARKS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

pub(crate) type ColumnSet = &'static [&'static str];

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    One,
    List,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutputFormat {
    Words,
    Json(Shape),
    Csv,
}

#[derive(Debug)]
pub(crate) struct Printer<W: Write> {
    format: OutputFormat,
    columns: ColumnSet,
    out: io::BufWriter<W>,
    is_empty: bool,
}

impl<W: Write> Printer<W> {
    pub(crate) fn start(output: Output, shape: Shape, columns: ColumnSet, out: W) -> io::Result<Self> {
        let format = match output {
            Output { json: true, .. } => OutputFormat::Json(shape),
            Output { csv: true, .. } => OutputFormat::Csv,
            Output { .. } => OutputFormat::Words,
        };
        let mut out = io::BufWriter::new(out);
        match format {
            OutputFormat::Csv => write!(out, "{}\r\n", columns.join(","))?,
            OutputFormat::Json(Shape::List) => write!(out, "[")?,
            OutputFormat::Json(Shape::One) | OutputFormat::Words => {}
        }
        Ok(Self {
            format,
            columns,
            out,
            is_empty: true,
        })
    }

    /// Writes a row as `words` or `cells`. Missing cells at the end are unknown.
    pub(crate) fn row(&mut self, words: &str, cells: &[Cell]) -> io::Result<()> {
        match self.format {
            OutputFormat::Words => words
                .lines()
                .try_for_each(|line| writeln!(self.out, "{}", sanitize(line)))?,
            OutputFormat::Json(shape) => {
                match (shape, self.is_empty) {
                    (Shape::One, _) => {}
                    (Shape::List, true) => writeln!(self.out)?,
                    (Shape::List, false) => writeln!(self.out, ",")?,
                }
                let object = Object(self.columns, cells);
                serde_json::to_writer(&mut self.out, &object)?;
            }
            OutputFormat::Csv => {
                let cells = cells.iter().chain(std::iter::repeat(&Cell::Unknown));
                let row: Vec<String> = cells.take(self.columns.len()).map(csv_cell).collect();
                write!(self.out, "{}\r\n", row.join(","))?;
            }
        }
        self.is_empty = false;
        Ok(())
    }

    pub(crate) fn end(mut self, nothing: &str) -> io::Result<()> {
        match self.format {
            OutputFormat::Words if self.is_empty => writeln!(self.out, "{nothing}")?,
            OutputFormat::Json(Shape::List) if self.is_empty => writeln!(self.out, "]")?,
            OutputFormat::Json(Shape::List) => writeln!(self.out, "\n]")?,
            OutputFormat::Json(Shape::One) => writeln!(self.out)?,
            OutputFormat::Words | OutputFormat::Csv => {}
        }
        self.out.flush()
    }
}

struct Object<'a>(ColumnSet, &'a [Cell]);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.1.iter().chain(std::iter::repeat(&Cell::Unknown));
        serializer.collect_map(self.0.iter().zip(cells))
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown => serializer.serialize_none(),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Moment(at) => rfc3339(*at).serialize(serializer),
            Self::Text(text) => serializer.serialize_str(&sanitize_lines(text)),
        }
    }
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
fn rfc3339(UnixMillis(ms): UnixMillis) -> Option<String> {
    let at = Timestamp::from_millisecond(ms).ok()?;
    Some(format!("{at:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: Output = Output {
        json: true,
        csv: false,
    };
    const CSV: Output = Output {
        json: false,
        csv: true,
    };

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

    fn printed(output: Output, shape: Shape, rows: &[&[Cell]]) -> String {
        let mut out = Vec::new();
        let mut printer = Printer::start(output, shape, &["a", "b"], &mut out).unwrap();
        for row in rows {
            printer.row("in\nwords\u{1b}", row).unwrap();
        }
        printer.end("nothing").unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn all_formats_of_no_row_one_row_and_many() {
        let row: &[Cell] = &[Cell::Number(-7), Cell::Moment(UnixMillis(1_500))];
        let short: &[Cell] = &[Cell::Text("株".to_owned())];
        let words = Output::default();
        let cases = [
            (words, Shape::List, vec![], "nothing\n"),
            (words, Shape::One, vec![row], "in\nwords\u{FFFD}\n"),
            (JSON, Shape::List, vec![], "[]\n"),
            (
                JSON,
                Shape::One,
                vec![row],
                "{\"a\":-7,\"b\":\"1970-01-01T00:00:01.500Z\"}\n",
            ),
            (
                JSON,
                Shape::List,
                vec![short, short],
                "[\n{\"a\":\"株\",\"b\":null},\n{\"a\":\"株\",\"b\":null}\n]\n",
            ),
            (CSV, Shape::List, vec![], "a,b\r\n"),
            (
                CSV,
                Shape::One,
                vec![row, short],
                "a,b\r\n-7,1970-01-01T00:00:01.500Z\r\n株,\r\n",
            ),
        ];
        for (output, shape, rows, expected) in cases {
            assert_eq!(printed(output, shape, &rows), expected, "{output:?} {shape:?}");
        }
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
