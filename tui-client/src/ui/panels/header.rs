//! Header: price, last move, player, server and connection, and the newest headline. A price that is not current is dimmed.
//!
//! ```text
//! small    AwesomeStock    37 ▲ +3 +8.8 %
//!          ann @ solo              ● live
//! medium   AwesomeStock  37 ▲ +3 +8.8 %                    ann @ solo  ● live
//! large    AwesomeStock      ▀▀█ ▀▀█  ▲ +3               ann @ solo
//!          tokens per stock     ▀█   █  +8.8 %             ● live
//!                            ▄▄█   █  last move          tick every 1 s
//! ```

use awesomestock_proto::STOCK_NAME;
use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::{Fill, Length};
use ratatui::layout::{HorizontalAlignment, Layout, Margin, Rect, Size};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Widget;

use super::connection::Status;
use crate::app::AppState;
use crate::app::lobby::round::RoundPhase;
use crate::ui::Renderer;
use crate::ui::layout::{LayoutSize, MainLayout};
use crate::ui::text::{self, format};
use crate::ui::widgets::{big_digits, panel};

/// Columns reserved for the price change.
const CHANGE_COLUMNS: usize = 16;

/// Columns reserved for player and connection.
const SESSION_COLUMNS: usize = 26;

/// Columns reserved besides for the ticks of a challenge and its first word, such as `practice…  120/120`.
const CHALLENGE_COLUMNS: u16 = 12;

/// Least columns of the name of a challenge beside the player.
const CHALLENGE_NAME: usize = 9;

pub(crate) fn draw(view: &Renderer, state: &AppState, layout: &MainLayout, buf: &mut Buffer) {
    let status = Status::new(view, state);
    let area = layout.header.inner(Margin::new(1, 0));
    match layout.size {
        LayoutSize::Small => {
            let [first, second] = area.layout(&Layout::vertical([Length(1), Length(1)]));
            panel::styled(STOCK_NAME, view.theme.title).render(first, buf);
            let room = usize::from(first.width).saturating_sub(STOCK_NAME.len() + 1);
            price_line(view, state, &status, room)
                .right_aligned()
                .render(first, buf);
            session_and_status(view, state, &status, second, HorizontalAlignment::Left, buf);
        }
        LayoutSize::Medium => {
            let reserved = STOCK_NAME.len() + SESSION_COLUMNS + usize::from(challenge_columns(state));
            let room = usize::from(area.width).saturating_sub(reserved);
            let mut line = price_line(view, state, &status, room);
            line.spans
                .insert(0, Span::styled(format!("{STOCK_NAME}  "), view.theme.title));
            let columns = Layout::horizontal([Length(text::cells(line.width())), Fill(1)]).spacing(2);
            let [left, right] = area.layout(&columns);
            line.render(left, buf);
            session_and_status(view, state, &status, right, HorizontalAlignment::Right, buf);
        }
        LayoutSize::Large => large(view, state, &status, area.inner(Margin::new(1, 0)), buf),
        LayoutSize::Huge => large(view, state, &status, area.inner(Margin::new(1, 1)), buf),
    }
    news(view, state, layout.news.inner(Margin::new(1, 0)), buf);
    let round_area = layout.round.inner(Margin::new(1, 0));
    Text::from(round(view, state, round_area.as_size())).render(round_area, buf);
}

/// Returns the round with its time left, and the announcement: beside it, below it, or else what fits beside it.
pub(crate) fn round(view: &Renderer, state: &AppState, room: Size) -> Vec<Line<'static>> {
    let Some(received) = state.lobby.shown_round(state.now) else {
        return Vec::new();
    };
    let round = &received.round;
    let style = match round.phase {
        RoundPhase::Running => view.theme.accent,
        RoundPhase::Paused => view.theme.warning,
        RoundPhase::Never | RoundPhase::Ended => view.theme.strong,
    };
    let left = received.text(state.now).unwrap_or_default();
    let gap = if left.is_empty() { 0 } else { 2 };
    let columns = usize::from(room.width);
    let beside = columns.saturating_sub(text::width(&left) + gap);
    let said = text::sanitize(&round.announcement);
    let below = panel::wrapped(&said, columns, 0, view.theme.strong);
    let above = (!left.is_empty()).then(|| panel::styled(left.clone(), style));
    let wrapped: Vec<_> = above.into_iter().chain(below).collect();
    if text::width(&said) > beside && wrapped.len() <= usize::from(room.height) {
        return wrapped;
    }
    let text = [
        Span::styled(left, style),
        Span::raw(" ".repeat(gap)),
        Span::styled(text::truncate(&said, beside).into_owned(), view.theme.strong),
    ];
    vec![Line::from_iter(text)]
}

/// Draws the newest headline and, if there is room, its age. It is highlighted until the price can follow it.
pub(crate) fn news(view: &Renderer, state: &AppState, area: Rect, buf: &mut Buffer) {
    let Some(headline) = &state.lobby.headline else {
        return panel::styled("no news yet", view.theme.dim).render(area, buf);
    };
    let tick = state.market.last().map_or(0, |last| last.tick);
    let age = tick.saturating_sub(headline.tick);
    let (style, age) = match age {
        ..=0 => (view.theme.accent, "news, just in".to_owned()),
        _ => (
            view.theme.strong,
            format!("news, {} ago", format::pluralize(age, "tick")),
        ),
    };
    let text = text::sanitize(&headline.text);
    let columns = usize::from(area.width);
    let mut lines = text::wrap(&text, columns, 0);
    if lines.len() > usize::from(area.height) {
        lines = vec![text::truncate(&text, columns).into_owned()];
    }
    if let [line] = lines.as_slice() {
        let age = panel::styled(age, view.theme.dim);
        return panel::draw_justified(&[panel::styled(line, style)], &[age], area, buf);
    }
    Text::from_iter(lines.into_iter().map(|line| panel::styled(line, style))).render(area, buf);
}

pub(crate) fn price_style(view: &Renderer, state: &AppState, status: &Status) -> Style {
    if !status.is_current {
        return view.theme.dim;
    }
    let moved = state.market.change().map_or(0, |change| change.tokens);
    view.theme.change_style(moved).add_modifier(Modifier::BOLD)
}

/// Returns price, change and percent, as many as fit `columns`, or the price and its age if it is not
/// current.
fn price_line(view: &Renderer, state: &AppState, status: &Status, columns: usize) -> Line<'static> {
    let style = price_style(view, state, status);
    let Some(last) = state.market.last() else {
        return panel::styled(format!("{} no price yet", format::UNKNOWN), view.theme.dim);
    };
    let mut line = panel::styled(format::thousands(last.price), style);
    let beside = match (&status.age, state.market.change()) {
        (Some(age), _) => vec![Span::styled(format!(" ({age} old)"), view.theme.warning)],
        (None, Some(change)) => {
            let (moved, percent) = format::change(change.tokens, change.permille);
            let style = view.theme.change_style(change.tokens);
            [moved, percent]
                .map(|text| Span::styled(format!(" {text}"), style))
                .into()
        }
        (None, None) => Vec::new(),
    };
    for span in beside {
        if line.width() + span.width() <= columns {
            line.push_span(span);
        }
    }
    line
}

/// Draws player and server at `side`, then the connection on the right.
fn session_and_status(
    view: &Renderer,
    state: &AppState,
    status: &Status,
    area: Rect,
    side: HorizontalAlignment,
    buf: &mut Buffer,
) {
    let kept = if side == HorizontalAlignment::Left { 8 } else { 14 };
    let kept = kept + challenge_columns(state);
    let status = status.line(usize::from(area.width.saturating_sub(kept)));
    let columns = Layout::horizontal([Fill(1), Length(text::cells(status.width()))]).spacing(2);
    let [left, right] = area.layout(&columns);
    let session = session(state, usize::from(left.width));
    panel::styled(session, view.theme.dim)
        .alignment(side)
        .render(left, buf);
    status.render(right, buf);
}

fn challenge_columns(state: &AppState) -> u16 {
    match state.session.settings.is_challenge() {
        true => CHALLENGE_COLUMNS,
        false => 0,
    }
}

/// Returns `ann @ solo` in at most `columns`; the server is shortened first. In a challenge the ticks are kept, and then the
/// start of its name, which says whether it is practice.
fn session(state: &AppState, columns: usize) -> String {
    let player = text::sanitize(&state.session.info.player);
    let table = text::sanitize(&state.session.info.server);
    let progress = progress(state).unwrap_or_default();
    let room = columns.saturating_sub(text::width(&progress));
    let both = format!("{player} @ {table}");
    let (least, alone) = match state.session.settings.is_challenge() {
        true => (3 + CHALLENGE_NAME, &*table),
        false => (6, &*player),
    };
    let shortened = text::width(&player) + least <= room || text::width(&both) <= room;
    let text = if shortened { &both } else { alone };
    format!("{}{progress}", text::truncate(text, room))
}

/// Returns the tick and the last one, of a game that ends at one.
fn progress(state: &AppState) -> Option<String> {
    let last = state.session.settings.last_tick?;
    let tick = state.market.last()?.tick;
    Some(format!(
        "  {}/{}",
        format::thousands(tick),
        format::thousands(last)
    ))
}

fn large(view: &Renderer, state: &AppState, status: &Status, area: Rect, buf: &mut Buffer) {
    let theme = &view.theme;
    let price = state.market.last().map(|last| format::thousands(last.price));
    let price = price.unwrap_or_else(|| format::UNKNOWN.to_owned());
    let price = Text::from_iter(big_digits::lines(&price)).style(price_style(view, state, status));
    let columns = [Length(17), Length(text::cells(price.width())), Fill(1)];
    let [name, price_area, rest] = area.layout(&Layout::horizontal(columns).spacing(2));
    let stock = [
        panel::styled(STOCK_NAME, theme.title),
        panel::styled("tokens per stock", theme.dim),
    ];
    Text::from_iter(stock).render(name, buf);
    price.render(price_area, buf);
    Text::from(beside_price(view, state, status)).render(rest, buf);
    let columns = usize::from(rest.width).saturating_sub(CHANGE_COLUMNS);
    let session = panel::styled(session(state, columns), theme.strong);
    let lines = [
        session,
        status.line(columns),
        panel::styled(interval(state), theme.dim),
    ];
    Text::from_iter(lines).right_aligned().render(rest, buf);
}

/// Returns the time between two prices; empty if it is not known.
pub(crate) fn interval(state: &AppState) -> String {
    match state.market.interval_ms() {
        Some(ms) if ms >= 1000 => format!("tick every {}", format::age(ms)),
        Some(ms) => format!("tick every {ms} ms"),
        None => String::new(),
    }
}

/// Returns the price change, or the age of a price that is not current.
fn beside_price(view: &Renderer, state: &AppState, status: &Status) -> Vec<Line<'static>> {
    if state.market.last().is_none() {
        return vec![Line::default(), panel::styled("no price yet", view.theme.dim)];
    }
    if let Some(age) = &status.age {
        let age = panel::styled(format!("{age} old"), view.theme.warning);
        return vec![Line::default(), age, panel::styled("not current", view.theme.dim)];
    }
    let Some(change) = state.market.change() else {
        return vec![Line::default(), panel::styled("first price", view.theme.dim)];
    };
    let style = view.theme.change_style(change.tokens);
    let (moved, percent) = format::change(change.tokens, change.permille);
    let mut lines = vec![panel::styled(moved, style.add_modifier(Modifier::BOLD))];
    if !percent.is_empty() {
        lines.push(panel::styled(percent, style));
    }
    lines.push(panel::styled("last tick", view.theme.dim));
    lines
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::app::event::StreamEvent;
    use crate::app::portfolio::money::UnixMillis;
    use crate::app::{self, Event, SessionInfo, Settings};
    use crate::ui::{Markers, Theme};

    #[test]
    fn a_challenge_shows_its_ticks_and_practice_at_every_size() {
        let view = Renderer {
            theme: Theme::default(),
            markers: Markers::default(),
            zone: TimeZone::UTC,
        };
        let long = "a".repeat(32);
        for (player, server, first) in [
            ("kit", "daily 2026-11-30", "daily"),
            ("kit", "practice daily 2026-11-30", "practice"),
            (&long, "practice duel 9223372036854775807", "practice"),
        ] {
            for (columns, rows) in [(40, 12), (60, 20), (80, 24), (120, 36), (200, 60)] {
                let settings = Settings {
                    last_tick: Some(120),
                    splash: false,
                    ..Settings::default()
                };
                let info = SessionInfo::new(player, server);
                let mut now = UnixMillis(1_700_000_000_000);
                let (mut state, _) = AppState::with_settings(settings, info, (columns, rows), now);
                let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
                for (tick, progress) in [(4, "  4/120"), (120, "  120/120")] {
                    let price = StreamEvent::Price {
                        tick: Some(tick),
                        price: 1_234,
                        at: None,
                        interval_ms: Some(1_000),
                    };
                    app::update(&mut state, now, Event::Stream(price));
                    // Also while the price is old, and the status long.
                    for _ in 0..2 {
                        terminal.draw(|frame| _ = view.draw(&state, frame)).unwrap();
                        let shown = terminal.backend().to_string();
                        assert!(shown.contains(progress), "{shown}");
                        assert!(shown.contains(first), "{shown}");
                        now = now.plus_ms(20_000);
                        app::update(&mut state, now, Event::Timer);
                    }
                }
            }
        }
    }
}
