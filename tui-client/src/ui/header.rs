//! The header: the stock, its price and last move, who plays where, and how it stands with the connection.
//!
//! Owns how the price in force looks, and that a price that is not in force never looks like one.
//!
//! ```text
//! small    AwesomeStock    37 ▲ +3 +8.8 %
//!          ann @ solo              ● live
//! medium   AwesomeStock  37 ▲ +3 +8.8 %                    ann @ solo  ● live
//! large    AwesomeStock      ▀▀█ ▀▀█  ▲ +3               ann @ solo
//!          tokens a stock     ▀█   █  +8.8 %             ● live
//!                            ▄▄█   █  last move          tick every 1 s
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Margin, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    View, big, format,
    layout::{Desk, Size},
    panel,
    status::Status,
    text,
};
use crate::app::AppState;

/// The stock all this is about.
const STOCK: &str = "AwesomeStock";

/// Columns that player and connection keep beside the price.
const SEAT_COLUMNS: usize = 26;

/// Draws the header.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) {
    let status = Status::of(view, state);
    let area = desk.header.inner(Margin::new(1, 0));
    match desk.size {
        Size::Small => {
            let first = panel::row(area, 0);
            panel::styled(STOCK, view.theme.title).render(first, buf);
            let room = usize::from(first.width).saturating_sub(STOCK.len().saturating_add(1));
            price_line(view, state, &status, room)
                .alignment(Alignment::Right)
                .render(first, buf);
            seat_and_status(view, state, &status, panel::row(area, 1), true, buf);
        }
        Size::Medium => {
            let first = panel::row(area, 0);
            let room = usize::from(first.width).saturating_sub(STOCK.len().saturating_add(SEAT_COLUMNS));
            let mut line = price_line(view, state, &status, room);
            line.spans
                .insert(0, Span::styled(format!("{STOCK}  "), view.theme.title));
            let taken = u16::try_from(line.width()).unwrap_or(u16::MAX).saturating_add(2);
            line.render(first, buf);
            seat_and_status(view, state, &status, without_left(first, taken), false, buf);
        }
        Size::Large => large(view, state, &status, area.inner(Margin::new(1, 0)), buf),
        Size::Huge => large(view, state, &status, area.inner(Margin::new(1, 1)), buf),
    }
}

/// The style of the price: by its last move while it is in force, dimmed when it is not.
fn price_style(view: &View, state: &AppState, status: &Status) -> Style {
    if !status.in_force {
        return view.theme.dim;
    }
    let moved = state.market.change().map_or(0, |change| change.tokens);
    view.theme.moved(moved).add_modifier(Modifier::BOLD)
}

/// Price, arrow, change, percent in at most `columns`, the last ones dropped first; and how old the price is, where it
/// is not in force.
fn price_line(view: &View, state: &AppState, status: &Status, columns: usize) -> Line<'static> {
    let style = price_style(view, state, status);
    let Some(last) = state.market.last() else {
        return panel::styled(format!("{} no price yet", format::UNKNOWN), view.theme.dim);
    };
    let mut line = panel::styled(format::grouped(i64::from(last.price)), style);
    let beside = match (&status.age, state.market.change()) {
        (Some(age), _) => vec![Span::styled(format!(" ({age} old)"), view.theme.warning)],
        (None, Some(change)) => {
            let (moved, percent) = format::moved(change.tokens, change.permille);
            let style = view.theme.moved(change.tokens);
            [moved, percent]
                .map(|words| Span::styled(format!(" {words}"), style))
                .to_vec()
        }
        (None, None) => Vec::new(),
    };
    for span in beside {
        if line.width().saturating_add(span.width()) <= columns {
            line.push_span(span);
        }
    }
    line
}

/// Player and table, then the connection on the right; in a row `apart`, the player stands on the left.
fn seat_and_status(
    view: &View,
    state: &AppState,
    status: &Status,
    area: Rect,
    apart: bool,
    buf: &mut Buffer,
) {
    let columns = usize::from(area.width);
    let words = status.line(columns.saturating_sub(if apart { 8 } else { 14 }));
    let left = columns.saturating_sub(words.width().saturating_add(2));
    let seat = panel::styled(seat(state, left), view.theme.dim);
    let mut seat_area = area;
    seat_area.width = u16::try_from(left).unwrap_or(u16::MAX).min(area.width);
    let side = if apart { Alignment::Left } else { Alignment::Right };
    seat.alignment(side).render(seat_area, buf);
    words.alignment(Alignment::Right).render(area, buf);
}

/// `ann @ solo` in at most `columns`: the table gives way first.
fn seat(state: &AppState, columns: usize) -> String {
    let player = text::harmless(&state.session.seat.player);
    let table = text::harmless(&state.session.seat.table);
    let both = format!("{player} @ {table}");
    if text::width(&both) <= columns || text::width(&player).saturating_add(6) <= columns {
        text::truncate(&both, columns).into_owned()
    } else {
        text::truncate(&player, columns).into_owned()
    }
}

/// Three rows with a big price.
fn large(view: &View, state: &AppState, status: &Status, area: Rect, buf: &mut Buffer) {
    panel::styled(STOCK, view.theme.title).render(panel::row(area, 0), buf);
    panel::styled("tokens a stock", view.theme.dim).render(panel::row(area, 1), buf);
    let price_area = without_left(area, 19);
    let last = state.market.last();
    let price = last.map_or(format::UNKNOWN.to_owned(), |last| {
        format::grouped(i64::from(last.price))
    });
    let taken = big::draw(&price, price_style(view, state, status), price_area, buf);
    let beside = without_left(price_area, taken.saturating_add(2));
    for (index, line) in (0..big::ROWS).zip(beside_price(view, state, status)) {
        line.render(panel::row(beside, index), buf);
    }
    let right = without_left(beside, 16);
    let columns = usize::from(right.width);
    let rhythm = match state.market.interval_ms() {
        Some(ms) if ms >= 1000 => format!("tick every {}", format::age(ms)),
        Some(ms) => format!("tick every {ms} ms"),
        None => String::new(),
    };
    for (index, line) in [
        panel::styled(seat(state, columns), view.theme.strong),
        status.line(columns),
        panel::styled(rhythm, view.theme.dim),
    ]
    .into_iter()
    .zip(0..)
    .map(|(line, index)| (index, line))
    {
        line.alignment(Alignment::Right)
            .render(panel::row(right, index), buf);
    }
}

/// What stands beside the big price: the move, or how old the price is.
fn beside_price(view: &View, state: &AppState, status: &Status) -> Vec<Line<'static>> {
    if state.market.last().is_none() {
        return vec![Line::default(), panel::styled("no price yet", view.theme.dim)];
    }
    if let Some(age) = &status.age {
        return vec![
            Line::default(),
            panel::styled(format!("{age} old"), view.theme.warning),
            panel::styled("not in force", view.theme.dim),
        ];
    }
    let Some(change) = state.market.change() else {
        return vec![Line::default(), panel::styled("first price", view.theme.dim)];
    };
    let style = view.theme.moved(change.tokens);
    let (moved, percent) = format::moved(change.tokens, change.permille);
    let mut lines = vec![panel::styled(moved, style.add_modifier(Modifier::BOLD))];
    if !percent.is_empty() {
        lines.push(panel::styled(percent, style));
    }
    lines.push(panel::styled("last tick", view.theme.dim));
    lines
}

/// The area without its first columns.
fn without_left(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect {
        x: area.x.saturating_add(columns),
        width: area.width.saturating_sub(columns),
        ..area
    }
}
