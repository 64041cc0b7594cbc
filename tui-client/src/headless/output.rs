//! Prints rows as text, JSON or CSV. Texts are sanitized for terminals and spreadsheets.

use std::io::{self, Write};
use std::iter;

use anyhow::{Context, Result};
use awesomestock_proto::command_line;
use serde::{Serialize, Serializer};

use crate::app::overlay::csv::{self, Cell, ColumnSet};
use crate::cli::args::Output;
use crate::ui::text::{sanitize, sanitize_lines};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    One,
    List,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutputFormat {
    Text,
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
            Output { .. } => OutputFormat::Text,
        };
        let mut out = io::BufWriter::new(out);
        match format {
            OutputFormat::Csv => write!(out, "{}{}", columns.join(","), csv::LINE_END)?,
            OutputFormat::Json(Shape::List) => write!(out, "[")?,
            OutputFormat::Json(Shape::One) | OutputFormat::Text => {}
        }
        Ok(Self {
            format,
            columns,
            out,
            is_empty: true,
        })
    }

    /// Writes a row as `text` or `cells`. Missing cells at the end are unknown.
    pub(crate) fn row(&mut self, text: &str, cells: &[Cell]) -> io::Result<()> {
        match self.format {
            OutputFormat::Text => text
                .lines()
                .try_for_each(|line| writeln!(self.out, "{}", sanitize(line)))?,
            OutputFormat::Json(shape) => {
                match (shape, self.is_empty) {
                    (Shape::One, _) => {}
                    (Shape::List, true) => writeln!(self.out)?,
                    (Shape::List, false) => writeln!(self.out, ",")?,
                }
                let cells = cells.iter().chain(iter::repeat(&Cell::Unknown));
                let mut json = serde_json::Serializer::new(&mut self.out);
                json.collect_map(self.columns.iter().zip(cells))?;
            }
            OutputFormat::Csv => {
                write!(self.out, "{}{}", csv::line(self.columns, cells), csv::LINE_END)?;
            }
        }
        self.is_empty = false;
        Ok(())
    }

    /// Writes a line that is not a row; only in text.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        match self.format {
            OutputFormat::Text => writeln!(self.out, "{text}"),
            OutputFormat::Json(_) | OutputFormat::Csv => Ok(()),
        }
    }

    pub(crate) fn end(mut self, nothing: &str) -> io::Result<()> {
        match self.format {
            OutputFormat::Text if self.is_empty => writeln!(self.out, "{nothing}")?,
            OutputFormat::Json(Shape::List) if self.is_empty => writeln!(self.out, "]")?,
            OutputFormat::Json(Shape::List) => writeln!(self.out, "\n]")?,
            OutputFormat::Json(Shape::One) => writeln!(self.out)?,
            OutputFormat::Text | OutputFormat::Csv => {}
        }
        self.out.flush()
    }
}

/// Returns the error of a write to standard output; a closed pipe is not one.
pub(crate) fn printed(written: io::Result<()>) -> Result<()> {
    command_line::written(written).context("cannot write to standard output")
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown => serializer.serialize_none(),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Moment(at) => csv::rfc3339(*at).serialize(serializer),
            Self::Text(text) => serializer.serialize_str(&sanitize_lines(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::portfolio::money::UnixMillis;

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
    fn all_formats_of_no_row_one_row_and_many() {
        let row: &[Cell] = &[Cell::Number(-7), Cell::Moment(UnixMillis(1_500))];
        let short: &[Cell] = &[Cell::Text("株".to_owned())];
        let text = Output::default();
        let cases = [
            (text, Shape::List, vec![], "nothing\n"),
            (text, Shape::One, vec![row], "in\nwords\u{FFFD}\n"),
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
}
