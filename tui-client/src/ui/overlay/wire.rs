//! A row of the wire pane in a window: a sentence, and the message in text format with its bytes.
//!
//! ```text
//! ╭ STOCK_INFO, message 12 ──────────────────────────────────────────────────╮
//! │ Sent without a request: the casino may send at any time, …               │
//! │                                                                          │
//! │ TEXT FORMAT               FIELD     BYTES                                │
//! │ info {                    2 LEN 28  12 1c                                │
//! │   price: 12               2 VARINT  10 0c                                │
//! │ }                                                                        │
//! ╰ Esc closes  Left Right step ─────────────────────────────────────────────╯
//! ```

use std::iter;

use crossterm::event::KeyCode;
use ratatui::text::{Line, Span};
use uuid::Uuid;

use crate::app::commands::key::Key;
use crate::app::wire::fields::FieldLine;
use crate::app::wire::{MessageBytes, PREFIX_BYTES, ReducerStep, WireItem, WireRow, fields};
use crate::ui::Renderer;
use crate::ui::layout::MainLayout;
use crate::ui::text::{self, format};
use crate::ui::widgets::hint::{CLOSES, Hint, Hints};
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{Popup, TextWindow, text_columns};

const MAX_COLUMNS: usize = 110;

/// Columns from which text and bytes are side by side.
const SIDE_BY_SIDE: usize = 60;

/// Columns of number and wire type.
const FIELD_COLUMNS: usize = 12;

pub(crate) fn window(view: &Renderer, item: &WireItem, layout: &MainLayout) -> TextWindow {
    let columns = text_columns(layout, MAX_COLUMNS);
    let (title, lines) = match item {
        WireItem::Row(row) => (
            format!("{}, row {}", row.kind.name(), row.number),
            lines(view, row, columns),
        ),
        WireItem::Step(step) => (format!("Event {}", step.number), step_lines(view, step, columns)),
        WireItem::Nothing => (
            "Wire".to_owned(),
            vec![panel::styled("no rows yet", view.theme.dim)],
        ),
    };
    let popup = Popup::new(title, hints(), columns);
    TextWindow { popup, lines }
}

fn hints() -> Vec<Hints> {
    let before = Hint::new("Left before", Key::new(KeyCode::Left));
    let after = Hint::new("Right after", Key::new(KeyCode::Right));
    vec![[CLOSES, before, after].into(), [CLOSES].into()]
}

fn lines(view: &Renderer, row: &WireRow, columns: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = wrapped(view, row.sentence(), columns);
    lines.push(Line::default());
    lines.extend(wrapped(view, &facts(view, row), columns));
    if let Some(headers) = row.frame.headers() {
        lines.push(Line::default());
        for (name, value) in headers {
            lines.extend(part(&format!("{name}: {value}"), columns));
        }
    }
    if let Some(message) = row.frame.message() {
        lines.push(Line::default());
        lines.extend(message_lines(view, message, fields::dissect(&row.frame), columns));
    }
    lines
}

/// Returns the event, the changed parts of the state before and after, and the effects.
fn step_lines(view: &Renderer, step: &ReducerStep, columns: usize) -> Vec<Line<'static>> {
    let heading = |text: &'static str| [Line::default(), panel::styled(text, view.theme.title)];
    let mut lines = part(&step.content, columns).collect::<Vec<_>>();
    if !step.changes.is_empty() {
        lines.extend(heading("CHANGES"));
    }
    for (name, before, after) in &step.changes {
        lines.extend(part(&format!("{name}: {before}"), columns));
        lines.extend(part(&format!("  → {after}"), columns));
    }
    if !step.effects.is_empty() {
        lines.extend(heading("EFFECTS"));
    }
    lines.extend(step.effects.iter().flat_map(|effect| part(effect, columns)));
    lines
}

/// Returns a sanitized and wrapped text.
fn part(text: &str, columns: usize) -> impl Iterator<Item = Line<'static>> {
    let lines = text::wrap(&text::sanitize(text), columns, 2).into_iter();
    lines.map(Line::from)
}

/// Wraps sentences at spaces only, so that no full stop begins a line.
fn wrapped(view: &Renderer, text: &str, columns: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<String> = Vec::new();
    for word in text::sanitize(text).split(' ') {
        match lines.last_mut() {
            Some(line) if text::width(line) + 1 + text::width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let lines = lines.into_iter();
    lines.map(|line| panel::styled(line, view.theme.text)).collect()
}

/// Returns time, size and the joined order.
fn facts(view: &Renderer, row: &WireRow) -> String {
    let direction = if row.frame.is_outgoing() {
        "Sent"
    } else {
        "Received"
    };
    let mut text = format!("{direction} at {}", format::clock_micros(row.at_us, &view.zone));
    if let Some(us) = row.since_us {
        text.push_str(&format!(", {} after the row before", format::elapsed(us)));
    }
    if let Some(message) = row.frame.message() {
        text.push_str(&format!(
            "; {}: {PREFIX_BYTES} of gRPC and {} of the message",
            format::pluralize(message.length.saturating_add(PREFIX_BYTES), "byte"),
            format::thousands(message.length)
        ));
    }
    if let Some(order) = row.order {
        if let Some(id) = order.id {
            text.push_str(&format!("; request ID {}", Uuid::from_bytes(id)));
        }
        text.push_str(&match order.latency_us {
            Some(us) => format!("; from order to result: {}", format::elapsed(us)),
            None => "; no result yet".to_owned(),
        });
    }
    text + "."
}

/// Returns the prefix and all fields: side by side, or the bytes below each field.
fn message_lines(
    view: &Renderer,
    message: &MessageBytes,
    fields: Vec<FieldLine>,
    columns: usize,
) -> Vec<Line<'static>> {
    let wide = columns >= SIDE_BY_SIDE;
    let widest = fields.iter().map(|line| text::width(&line.text) + 2 * line.depth);
    let (text_columns, bytes_columns) = if wide {
        let text_columns = widest.max().unwrap_or(0).clamp(24, columns / 2);
        let others = text_columns + FIELD_COLUMNS + 2;
        (text_columns, columns.saturating_sub(others))
    } else {
        (columns, columns.saturating_sub(2))
    };
    let length = u32::try_from(message.length).unwrap_or(u32::MAX).to_be_bytes();
    let prefix: Vec<u8> = iter::once(0).chain(length).collect();
    let prefix = (
        "# not compressed, length:".to_owned(),
        "gRPC prefix".to_owned(),
        prefix.as_slice(),
    );
    let fields = fields.into_iter().map(|line| {
        let text = format!("{}{}", "  ".repeat(line.depth), line.text);
        (text, line.field, message.kept.get(line.bytes).unwrap_or_default())
    });
    let mut lines = Vec::new();
    for (text, field, bytes) in iter::once(prefix).chain(fields) {
        let mut parts = hex(bytes, bytes_columns).into_iter();
        let text = text::truncate(&text::sanitize(&text), text_columns).into_owned();
        if wide {
            let gap = text_columns.saturating_sub(text::width(&text));
            lines.push(Line::from(vec![
                Span::styled(text, view.theme.text),
                Span::raw(" ".repeat(gap + 1)),
                Span::styled(format!("{field:<FIELD_COLUMNS$} "), view.theme.accent),
                Span::styled(parts.next().unwrap_or_default(), view.theme.dim),
            ]));
            let indent = " ".repeat(text_columns + FIELD_COLUMNS + 2);
            lines.extend(parts.map(|part| panel::styled(format!("{indent}{part}"), view.theme.dim)));
        } else {
            lines.push(panel::styled(text, view.theme.text));
            if !field.is_empty() {
                lines.push(panel::styled(format!("  {field}"), view.theme.accent));
            }
            lines.extend(parts.map(|part| panel::styled(format!("  {part}"), view.theme.dim)));
        }
    }
    lines
}

/// Returns bytes in hexadecimal, in lines of at most `columns`.
fn hex(bytes: &[u8], columns: usize) -> Vec<String> {
    let chunk = ((columns + 1) / 3).clamp(1, 16);
    let line = |bytes: &[u8]| {
        let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        bytes.join(" ")
    };
    bytes.chunks(chunk).map(line).collect()
}
