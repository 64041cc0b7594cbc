//! Rows of figures as words, JSON or CSV, written as they come.
//!
//! Owns the three forms, and that no text of others does harm in any of them: not to the terminal, and not to the
//! program that opens the CSV.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    app::money::UnixMs,
    cli::Output,
    text::{harmless, harmless_lines},
};

/// What a spreadsheet begins a formula with, those of wide keyboards too.
const FORMULA_MARKS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The names of a table's columns.
pub(super) type Columns = &'static [&'static str];

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// The casino does not tell it.
    Unknown,
    /// A whole number.
    Number(i64),
    /// A moment, written as RFC 3339 in UTC.
    Moment(UnixMs),
    /// A text of somebody.
    Text(String),
}

impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Unknown, Self::Number)
    }
}

impl From<Option<UnixMs>> for Cell {
    fn from(moment: Option<UnixMs>) -> Self {
        moment.map_or(Self::Unknown, Self::Moment)
    }
}

/// One row only, or any number of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// JSON is one object.
    One,
    /// JSON is an array of objects.
    List,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Words,
    Json(Shape),
    Csv,
}

/// Writes rows.
#[derive(Debug)]
pub(super) struct Printer<W: Write> {
    form: Form,
    columns: Columns,
    out: io::BufWriter<W>,
    is_empty: bool,
}

impl<W: Write> Printer<W> {
    /// Starts a table.
    pub(super) fn start(output: Output, shape: Shape, columns: Columns, out: W) -> io::Result<Self> {
        let form = match output {
            Output { json: true, .. } => Form::Json(shape),
            Output { csv: true, .. } => Form::Csv,
            Output { .. } => Form::Words,
        };
        let mut out = io::BufWriter::new(out);
        match form {
            Form::Csv => write!(out, "{}\r\n", columns.join(","))?,
            Form::Json(Shape::List) => write!(out, "[")?,
            Form::Json(Shape::One) | Form::Words => {}
        }
        Ok(Self {
            form,
            columns,
            out,
            is_empty: true,
        })
    }

    /// Writes a row; `words` say the same as `cells`. A cell that is missing at the end is not known.
    pub(super) fn row(&mut self, words: &str, cells: &[Cell]) -> io::Result<()> {
        match self.form {
            Form::Words => words
                .lines()
                .try_for_each(|line| writeln!(self.out, "{}", harmless(line)))?,
            Form::Json(shape) => {
                match (shape, self.is_empty) {
                    (Shape::One, _) => {}
                    (Shape::List, true) => writeln!(self.out)?,
                    (Shape::List, false) => writeln!(self.out, ",")?,
                }
                let object = Object(self.columns, cells);
                serde_json::to_writer(&mut self.out, &object)?;
            }
            Form::Csv => {
                let cells = cells.iter().chain(std::iter::repeat(&Cell::Unknown));
                let row: Vec<String> = cells.take(self.columns.len()).map(csv_cell).collect();
                write!(self.out, "{}\r\n", row.join(","))?;
            }
        }
        self.is_empty = false;
        Ok(())
    }

    /// Ends the table; `nothing` are the words for one without rows.
    pub(super) fn end(mut self, nothing: &str) -> io::Result<()> {
        match self.form {
            Form::Words if self.is_empty => writeln!(self.out, "{nothing}")?,
            Form::Json(Shape::List) if self.is_empty => writeln!(self.out, "]")?,
            Form::Json(Shape::List) => writeln!(self.out, "\n]")?,
            Form::Json(Shape::One) => writeln!(self.out)?,
            Form::Words | Form::Csv => {}
        }
        self.out.flush()
    }
}

/// A row as an object, in the order of the columns.
struct Object<'a>(Columns, &'a [Cell]);

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
            Self::Text(text) => serializer.serialize_str(&harmless_lines(text)),
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

/// A text as a cell. What a spreadsheet would take for a formula, perhaps after the white space that it passes over,
/// begins with an apostrophe, so that it takes it for text.
fn csv_text(text: &str) -> String {
    let is_formula = text.trim_start().starts_with(FORMULA_MARKS);
    let mark = if is_formula { "'" } else { "" };
    let text = format!("{mark}{}", harmless_lines(text));
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// `None` for a moment that no calendar has.
fn rfc3339(UnixMs(ms): UnixMs) -> Option<String> {
    Timestamp::from_millisecond(ms).ok().map(|at| at.to_string())
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
    fn the_three_forms_of_no_row_of_one_and_of_many() {
        let row: &[Cell] = &[Cell::Number(-7), Cell::Moment(UnixMs(1_500))];
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
                "{\"a\":-7,\"b\":\"1970-01-01T00:00:01.5Z\"}\n",
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
                "a,b\r\n-7,1970-01-01T00:00:01.5Z\r\n株,\r\n",
            ),
        ];
        for (output, shape, rows, expected) in cases {
            assert_eq!(printed(output, shape, &rows), expected, "{output:?} {shape:?}");
        }
    }

    #[test]
    fn a_text_is_never_a_formula_nor_two_cells_nor_an_escape_sequence() {
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
