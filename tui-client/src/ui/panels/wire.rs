//! Wire pane: the messages of the stream, newest last, or the steps of the reducer. Beside the chart on wide screens, below
//! it on others, and a window on small ones.
//!
//! ```text
//! ╭ Wire ───────────────────── arrows select  Enter opens  W closes ╮
//! │ time           type          message               bytes   since │
//! │ 14:03:22.120 → Action        BUY 2  #0a01 0.31 ms   5+31 +412 ms │
//! │ 14:03:22.120 ← ACTION_RESULT #0a01 0.31 ms exec…   5+118 +0.3 ms │
//! ╰─────────────────────────────────────────────────────────────────╯
//! ```

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::{self, Length};
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style, Stylize};
use ratatui::symbols::merge::MergeStrategy;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Clear, Padding, Row, Table, Widget};

use crate::app::AppState;
use crate::app::commands::action::Action;
use crate::app::portfolio::money::UnixMillis;
use crate::app::wire::{OrderLink, PREFIX_BYTES, PaneSide, ReducerStep, RowKind, WireRow};
use crate::ui::Renderer;
use crate::ui::layout::{LayoutSize, MainLayout, split_columns, split_rows};
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{Viewport, dim_background};

/// Columns of the chart from which it shares them with the pane.
const BESIDE_COLUMNS: u16 = 120;

/// Columns of the pane from which it has all columns of the table.
const WIDE_COLUMNS: u16 = 64;

/// Columns of the longest type.
const TYPE_COLUMNS: usize = 13;

/// Columns of an event of the reducer.
const EVENT_COLUMNS: u16 = 18;

/// Takes room for the pane from the layout. Empty if the pane is closed or a window.
pub(crate) fn reserve_space(state: &AppState, layout: &mut MainLayout) -> Rect {
    if !state.wire.view.is_open {
        return Rect::ZERO;
    }
    let MainLayout { chart, body, .. } = *layout;
    match layout.size {
        LayoutSize::Small => Rect::ZERO,
        // The log makes room: the pane shows orders and results too. The lab, which takes rows from both, keeps its newest
        // entry if the pane has room for four rows and its heading besides.
        LayoutSize::Medium => {
            let rows = (body.height * 2 / 5).max(9).min(body.height - 10);
            let [upper, lower] = split_rows(body, rows);
            layout.chart.height = upper.height;
            layout.wallet.height = upper.height + 1 - layout.ticket.height;
            layout.ticket.y = layout.wallet.bottom() - 1;
            let [pane, log] = match state.lab.is_some() && rows >= 8 {
                true => split_rows(lower, 3),
                false => [lower, Rect::ZERO],
            };
            layout.log = log;
            pane
        }
        LayoutSize::Large | LayoutSize::Huge if chart.width >= BESIDE_COLUMNS => {
            let [chart, pane] = split_columns(chart, chart.width - chart.width * 2 / 5 + 1);
            layout.chart = chart;
            pane
        }
        LayoutSize::Large | LayoutSize::Huge => {
            let [chart, pane] = split_rows(chart, chart.height - chart.height / 2 + 1);
            layout.chart = chart;
            pane
        }
    }
}

/// Draws the pane over the main screen if it has no place of its own. Returns the visible rows if it does.
pub(crate) fn draw_window(
    view: &Renderer,
    state: &AppState,
    layout: &MainLayout,
    buf: &mut Buffer,
) -> Option<Viewport> {
    if !state.wire.view.is_open || layout.size != LayoutSize::Small {
        return None;
    }
    dim_background(view, layout.area, buf);
    Clear.render(layout.body, buf);
    let viewport = draw(view, state, layout.body, buf)?;
    viewport.bar(view, layout.body, buf);
    panel::round_corners(layout.body, buf);
    Some(viewport)
}

/// Draws the pane, and returns the visible rows for the scrollbar, which is drawn after the neighbours of its border.
pub(crate) fn draw(view: &Renderer, state: &AppState, area: Rect, buf: &mut Buffer) -> Option<Viewport> {
    if area.is_empty() {
        return None;
    }
    let pane = &state.wire;
    let border = match pane.view.is_focused {
        true => view.theme.accent.remove_modifier(Modifier::BOLD),
        false => view.theme.border,
    };
    let title = panel::styled(format!(" {} ", title(state)), view.theme.title);
    let room = usize::from(area.width).saturating_sub(title.width() + 5);
    let aside = hints(state, room).map(|hints| format!(" {hints} "));
    let block = Block::bordered()
        .style(view.theme.text)
        .border_style(border)
        .merge_borders(MergeStrategy::Exact)
        .title_style(Style::reset().patch(view.theme.text))
        .title(title)
        .title(panel::styled(aside.unwrap_or_default(), view.theme.dim).right_aligned())
        .padding(Padding::horizontal(u16::from(area.width >= WIDE_COLUMNS)));
    let inner = block.inner(area);
    block.render(area, buf);
    let has_heading = area.width >= WIDE_COLUMNS;
    let rows = usize::from(inner.height).saturating_sub(usize::from(has_heading));
    let total = pane.rows_shown();
    let selected = pane.selected_position();
    // The selected row is in the middle, the newest one at the bottom.
    let first = match (pane.view.selected, selected) {
        (Some(_), Some(position)) => position.saturating_sub(rows / 2),
        _ => total,
    };
    let viewport = Viewport::new(total, rows, first);
    let columns = Columns::for_width(inner.width);
    let changes = inner.width.saturating_sub(12 + EVENT_COLUMNS + 2);
    let shown = viewport.lines();
    let mut rows: Vec<Row<'_>> = match pane.view.side {
        PaneSide::Wire => {
            let rows = pane.log.rows().skip(shown.start).take(shown.len());
            let row = |row: &WireRow| columns.row(view, row).style(row_style(view, row.kind));
            rows.map(row).collect()
        }
        PaneSide::Reducer => {
            let steps = pane.steps.iter().skip(shown.start).take(shown.len());
            let row = |step| step_row(view, step, changes).style(view.theme.text);
            steps.map(row).collect()
        }
    };
    let selected = selected.filter(|_| pane.view.is_focused);
    let index = selected.and_then(|position| position.checked_sub(shown.start));
    if let Some(row) = index.and_then(|index| rows.get_mut(index)) {
        *row = std::mem::take(row).reversed();
    }
    let table = match (pane.view.side, has_heading) {
        (PaneSide::Wire, true) => Table::new(rows, columns.widths()).header(heading(view)),
        (PaneSide::Wire, false) => Table::new(rows, columns.widths()),
        (PaneSide::Reducer, _) => Table::new(rows, [12, EVENT_COLUMNS, changes].map(Length)),
    };
    table.column_spacing(1).render(inner, buf);
    Some(viewport)
}

fn title(state: &AppState) -> &'static str {
    match (state.wire.view.side, state.wire.is_replay) {
        (PaneSide::Reducer, _) => "Reducer",
        (PaneSide::Wire, true) => "Wire, encoded again",
        (PaneSide::Wire, false) => "Wire",
    }
}

/// Returns the keys that fit `columns`.
fn hints(state: &AppState, columns: usize) -> Option<String> {
    let closes = format!("{} closes", panel::key_label(state, Action::Wire));
    let variants = match (state.wire.is_replay, state.wire.view.is_focused) {
        (true, _) => vec![
            format!("arrows select  Enter opens  . , step  r reducer  {closes}"),
            "Enter opens  . , step  r reducer".to_owned(),
            "Enter opens  . , step".to_owned(),
        ],
        (false, false) => vec![format!("Enter selects  {closes}"), closes],
        (false, true) => vec![
            format!("arrows select  Enter opens  Esc back  {closes}"),
            format!("Enter opens  {closes}"),
        ],
    };
    variants.into_iter().find(|hints| text::width(hints) <= columns)
}

fn heading(view: &Renderer) -> Row<'static> {
    let left = ["time", "", "type", "message"].map(Line::from);
    let right = ["bytes", "since"].map(|text| Line::from(text).right_aligned());
    Row::new(left.into_iter().chain(right)).style(view.theme.dim)
}

fn row_style(view: &Renderer, kind: RowKind) -> Style {
    match kind {
        RowKind::Order => view.theme.strong,
        RowKind::Result { is_executed: true } | RowKind::Accepted => view.theme.good,
        kind if kind.is_alarming() => view.theme.warning,
        RowKind::Request | RowKind::Response { .. } | RowKind::HalfClose | RowKind::Trailers { .. } => {
            view.theme.accent.remove_modifier(Modifier::BOLD)
        }
        _ => view.theme.text,
    }
}

/// The columns that fit the pane, with the width of the message: all of them, or those that a narrow one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Columns {
    All(u16),
    Few(u16),
}

impl Columns {
    fn for_width(width: u16) -> Self {
        // The other columns, and the spaces between all.
        const ALL: u16 = 12 + 1 + 13 + 7 + 9 + 5;
        const FEW: u16 = 8 + 1 + 2;
        match width >= WIDE_COLUMNS - 4 {
            true => Self::All(width.saturating_sub(ALL)),
            false => Self::Few(width.saturating_sub(FEW)),
        }
    }

    fn widths(self) -> Vec<Constraint> {
        match self {
            Self::All(message) => [12, 1, 13, message, 7, 9].map(Length).into(),
            Self::Few(message) => [8, 1, message].map(Length).into(),
        }
    }

    fn row(self, view: &Renderer, row: &WireRow) -> Row<'static> {
        let time = |text: String| Cell::from(Span::styled(text, view.theme.dim));
        let right = |text: String| Cell::from(Line::from(text).right_aligned());
        let cut = |text: &str, columns: u16| text::truncate(text, usize::from(columns)).into_owned();
        match self {
            Self::All(columns) => Row::new([
                time(format::clock_micros(row.at_us, &view.zone)),
                arrow(row).into(),
                row.kind.name().into(),
                cut(&message_text(row, row.order), columns).into(),
                right(size(row)),
                right(since(row)),
            ]),
            Self::Few(columns) => {
                // The outcome of an order matters more than its ID and its latency.
                let order = row.order.filter(|_| row.kind == RowKind::Order);
                let text = format!("{} {}", row.kind.name(), message_text(row, order));
                Row::new([
                    time(format::clock(UnixMillis(row.at_us / 1_000), &view.zone)),
                    arrow(row).into(),
                    cut(&text, columns).into(),
                ])
            }
        }
    }
}

fn arrow(row: &WireRow) -> &'static str {
    if row.frame.is_outgoing() { "→" } else { "←" }
}

/// Returns prefix and message: `5+38`.
fn size(row: &WireRow) -> String {
    let message = row.frame.message();
    message.map_or_else(String::new, |message| {
        format!("{PREFIX_BYTES}+{}", message.length)
    })
}

fn since(row: &WireRow) -> String {
    row.since_us
        .map_or_else(String::new, |us| format!("+{}", format::elapsed(us)))
}

/// Returns the fields in words, sanitized, with the request ID and the latency of `order`: after an order, which is short,
/// and before a result.
fn message_text(row: &WireRow, order: Option<OrderLink>) -> String {
    let missed = match row.missed {
        0 => String::new(),
        missed => format!("({missed} missed) "),
    };
    let text = text::sanitize(&row.text);
    let Some(order) = order else {
        return format!("{missed}{text}");
    };
    let tag = order.tag().unwrap_or_default();
    let latency = order.latency_us.map_or_else(String::new, format::elapsed);
    let link = format!("{tag} {latency}");
    let again = if order.is_repeated { "again " } else { "" };
    match row.kind {
        RowKind::Order => format!("{missed}{text}  {again}{}", link.trim()),
        _ => format!("{missed}{} {text}", link.trim()),
    }
}

/// Returns a row as a line of plain text: `14:03:22.120314 -> Action         5+31  +412 ms  #0a01 BUY 2`.
pub(crate) fn plain_line(row: &WireRow, zone: &TimeZone) -> String {
    let arrow = if row.frame.is_outgoing() { "->" } else { "<-" };
    format!(
        "{} {arrow} {:<TYPE_COLUMNS$} {:>7} {:>9}  {}",
        format::clock_micros(row.at_us, zone),
        row.kind.name(),
        size(row),
        since(row),
        message_text(row, row.order),
    )
}

/// Returns time, event, effects, and the new values of what changed.
fn step_row(view: &Renderer, step: &ReducerStep, columns: u16) -> Row<'static> {
    let effects = step.effects.iter().map(|effect| format!("→ {effect}"));
    let changes = step
        .changes
        .iter()
        .map(|(name, _, after)| format!("{name}: {after}"));
    let after: Vec<String> = effects.chain(changes).collect();
    let time = format::clock_micros(step.at.0.saturating_mul(1_000), &view.zone);
    Row::new([
        Cell::from(Span::styled(time, view.theme.dim)),
        text::sanitize(&step.event).into_owned().into(),
        text::truncate(&text::sanitize(&after.join("; ")), usize::from(columns))
            .into_owned()
            .into(),
    ])
}
