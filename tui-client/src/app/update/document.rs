//! Copying, exporting and loading of the document on top.

use awesomestock_proto::text::pluralize;
use awesomestock_proto::text::sanitize::sanitize;

use crate::app::commands::request::Request;
use crate::app::overlay::document::{Document, DocumentLines, Remote};
use crate::app::overlay::{Overlay, csv};
use crate::app::{AppState, Effect, Effects};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExportFormat {
    /// Text for documents without CSV form.
    Csv,
    Text,
}

pub(crate) fn copy(state: &mut AppState) -> Effects {
    let Some(export) = ReadableDocument::top_document(state, ExportFormat::Csv) else {
        return Effects::new();
    };
    let copied = format!("copied: {}", pluralize(export.lines.len(), "line"));
    state.alerts.toast(copied, state.now);
    vec![Effect::Copy(text_of(&export.lines, "\n"))]
}

pub(crate) fn export(state: &AppState, format: ExportFormat) -> Effects {
    let Some(mut export) = ReadableDocument::top_document(state, format) else {
        return Effects::new();
    };
    export.lines.splice(0..0, export.heading);
    let line_end = match export.extension {
        "csv" => csv::LINE_END,
        _ => "\n",
    };
    vec![Effect::Export {
        file_name: format!(
            "awesomestock-{}-{}-{}.{}",
            export.name, state.session.info.player, state.now.0, export.extension
        ),
        text: text_of(&export.lines, line_end),
    }]
}

/// Loads older trades when the list is scrolled near its end.
pub(crate) fn load_more(state: &mut AppState) -> Effects {
    let (page, reach) = (state.screen.page(), state.screen.reach);
    let Some(Overlay::Trades(Document {
        content: Remote::Ready(trades),
        scroll,
        ..
    })) = state.screen.overlays.last_mut()
    else {
        return Effects::new();
    };
    if scroll.top().saturating_add(page) < reach || reach == 0 {
        return Effects::new();
    }
    let before = trades.wants_older();
    let call = before.map(|before| Effect::Call(Request::TradePage { before: Some(before) }));
    call.into_iter().collect()
}

struct ReadableDocument {
    name: &'static str,
    extension: &'static str,
    heading: Option<String>,
    lines: Vec<String>,
}

impl ReadableDocument {
    fn top_document(state: &AppState, format: ExportFormat) -> Option<Self> {
        let export = match state.screen.overlays.last()? {
            Overlay::Payments(document) => Self::new("payments", document, format),
            Overlay::Trades(document) => Self::new("trades", document, format),
            Overlay::Statement(document) => Self::new("statement", document, format),
            _ => None,
        };
        export.filter(|export| !export.lines.is_empty())
    }

    fn new<T: DocumentLines>(
        name: &'static str,
        document: &Document<T>,
        format: ExportFormat,
    ) -> Option<Self> {
        let content = document.ready()?;
        let (extension, heading, lines) = match (format, T::CSV_COLUMNS) {
            (ExportFormat::Csv, Some(columns)) => ("csv", Some(columns.join(",")), content.csv()),
            _ => ("txt", T::TEXT_HEADING.map(str::to_owned), content.text()),
        };
        Some(Self {
            name,
            extension,
            heading,
            lines,
        })
    }
}

fn text_of(lines: &[String], line_end: &str) -> String {
    lines
        .iter()
        .flat_map(|line| [sanitize(line), line_end.into()])
        .collect()
}
