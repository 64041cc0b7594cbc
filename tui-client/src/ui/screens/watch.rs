//! The screen without a player, for a projector: a large price, the next tick, chart, podium and tape.
//!
//! ```text
//! AwesomeStock  casino:10000               12 players  ● live
//!   ▀▀█ ▀▀█   ▲ +3  +8.8 %  last tick
//!     █ ▄▄█   ▲ +27  +270.0 %  since 14:03:22
//!     █ ▄▄█   next tick in 7 s
//! ╭ Price ──────────────────────┬ Podium ───────────────────╮
//! │                             │  1  bob   +8,500  +85.0 % │
//! │                             ├ Tape ─────────────────────┤
//! ╰─────────────────────────────┴───────────────────────────╯
//!  c chart  l lobby  ? help  q quit
//! ```

use awesomestock_proto::STOCK_NAME;
use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::{Fill, Length};
use ratatui::layout::{Flex, Layout, Margin, Rect, Size};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Widget;

use super::podium;
use crate::app::AppState;
use crate::app::prices::Change;
use crate::ui::layout::{LayoutSize, MainLayout, split_columns};
use crate::ui::panels::connection::Status;
use crate::ui::panels::{footer, header, lobby};
use crate::ui::text::{self, format};
use crate::ui::widgets::{big_digits, panel};
use crate::ui::{FrameInfo, Renderer, chart};

/// Lines beside the price.
const BESIDE_ROWS: u16 = 3;

/// Columns that the price leaves for them.
const BESIDE_COLUMNS: u16 = 22;

/// Draws the screen and sets its layout. Nothing can be clicked: nobody sits at it.
pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    layout: &mut MainLayout,
    buf: &mut Buffer,
) -> FrameInfo {
    let base = *layout;
    let status = Status::new(view, state);
    let digits = digits(state, base.area);
    let price_rows = text::cells(digits.len()).max(BESIDE_ROWS);
    let news_rows = base.news.height;
    let round_room = Size {
        width: base.area.width.saturating_sub(2),
        height: base.area.height / 6,
    };
    let round = header::round(view, state, round_room);
    let rows = [
        Length(1),
        Length(news_rows),
        Length(text::cells(round.len())),
        Length(price_rows),
        Fill(1),
        Length(1),
    ];
    let [title_area, news, round_area, price_area, body, footer] = base.area.layout(&Layout::vertical(rows));
    let [chart, podium, tape] = match base.size {
        LayoutSize::Small => small(body),
        LayoutSize::Medium => framed(body, 42),
        LayoutSize::Large => framed(body, 48),
        LayoutSize::Huge => framed(body, 64),
    };
    *layout = MainLayout {
        body,
        chart,
        footer,
        ..base
    };
    let (title_area, price_area) = (
        title_area.inner(Margin::new(1, 0)),
        price_area.inner(Margin::new(2, 0)),
    );
    title(view, state, &status, title_area, buf);
    header::news(view, state, news.inner(Margin::new(1, 0)), buf);
    Text::from(round).render(round_area.inner(Margin::new(1, 0)), buf);
    price(view, state, &status, digits, price_area, buf);
    let hit_map = chart::draw(view, state, layout, buf);
    let mut inner = |title, area: Rect| match base.size == LayoutSize::Small {
        true => area.inner(Margin::new(1, 0)),
        false => panel::framed(view, title, None, area, buf),
    };
    let [podium, tape] = [inner("Podium", podium), inner("Tape", tape)];
    // The feeds begin with the first price.
    if state.market.last().is_some() {
        let ranks = lobby::leaderboard_lines(view, state, usize::from(podium.width), usize::MAX);
        podium::draw(view, state, &state.lobby.leaderboard.top, ranks, podium, buf);
        Text::from_iter(lobby::tape_lines(view, state, usize::from(tape.width))).render(tape, buf);
    }
    panel::round_corners(body, buf);
    footer::draw(view, state, layout, buf);
    FrameInfo {
        hit_map,
        ..FrameInfo::default()
    }
}

/// Returns the areas of chart, podium and tape.
fn small(body: Rect) -> [Rect; 3] {
    let more = body.height.saturating_sub(7);
    let rows = [Fill(1), Length(3 + more / 6), Length(1 + more / 4)];
    body.layout(&Layout::vertical(rows))
}

fn framed(body: Rect, side_columns: u16) -> [Rect; 3] {
    let [chart, side] = split_columns(body, side_columns);
    let podium_rows = body.height.saturating_mul(4) / 7;
    let [podium, tape] = side.layout(&Layout::vertical([Length(podium_rows), Fill(1)]).spacing(-1));
    [chart, podium, tape]
}

/// Returns the price in the largest digits that take at most a quarter of the rows.
fn digits(state: &AppState, area: Rect) -> Vec<String> {
    let price = state.market.last().map(|last| i64::from(last.price));
    let price = price.map_or_else(|| format::UNKNOWN.to_owned(), format::thousands);
    let columns = usize::from(area.width.saturating_sub(BESIDE_COLUMNS));
    let fits = |lines: &[String]| lines.iter().all(|line| text::width(line) <= columns);
    let mut lines = big_digits::lines(&price).to_vec();
    if !fits(&lines) {
        return vec![price];
    }
    loop {
        let larger = big_digits::doubled(&lines);
        if larger.len() > usize::from(area.height / 4) || !fits(&larger) {
            return lines;
        }
        lines = larger;
    }
}

/// Draws the server, the number of players and the connection.
fn title(view: &Renderer, state: &AppState, status: &Status, area: Rect, buf: &mut Buffer) {
    let stock = panel::styled(STOCK_NAME, view.theme.title);
    let server = text::sanitize(&state.session.info.server);
    let mut with_server = stock.clone();
    with_server.push_span(Span::styled(format!("  {server}"), view.theme.dim));
    let room = usize::from(area.width).saturating_sub(stock.width() + 2);
    let status = status.line(room);
    let mut with_players = status.clone();
    if state.lobby.capabilities.players {
        let players = format::pluralize(state.lobby.players.seated, "player");
        let players = Span::styled(format!("{players}  "), view.theme.strong);
        with_players.spans.insert(0, players);
    }
    panel::draw_justified(&[with_server, stock], &[with_players, status], area, buf);
}

/// Draws the price, and beside it its changes and the next tick.
fn price(
    view: &Renderer,
    state: &AppState,
    status: &Status,
    digits: Vec<String>,
    area: Rect,
    buf: &mut Buffer,
) {
    let price = Text::from_iter(digits).style(header::price_style(view, state, status));
    let columns = Layout::horizontal([Length(text::cells(price.width())), Fill(1)]).spacing(3);
    let [price_area, beside_area] = area.layout(&columns);
    price.render(price_area, buf);
    let lines = beside(view, state, status, usize::from(beside_area.width));
    let [beside_area] = beside_area.layout(&Layout::vertical([Length(BESIDE_ROWS)]).flex(Flex::Center));
    Text::from_iter(lines).render(beside_area, buf);
}

/// Returns the last change, or the age of a price that is not current; the change since the opening; the next tick.
fn beside(view: &Renderer, state: &AppState, status: &Status, columns: usize) -> [Line<'static>; 3] {
    let theme = &view.theme;
    let last = match (&status.age, state.market.change(), state.market.last()) {
        (Some(age), ..) => panel::styled(format!("{age} old"), theme.warning),
        (None, Some(change), _) => {
            let style = theme.change_style(change.tokens).add_modifier(Modifier::BOLD);
            change_line(change, "last tick", style, columns)
        }
        (None, None, Some(_)) => panel::styled("first price", theme.dim),
        (None, None, None) => panel::styled("no price yet", theme.dim),
    };
    let opening = state.market.since_opening().map(|(change, at)| {
        let since = format!("since {}", format::clock(at, &view.zone));
        let style = theme.change_style(change.tokens);
        let style = if status.is_current { style } else { theme.dim };
        change_line(change, &since, style, columns)
    });
    let next = match state.next_price_ms() {
        _ if !status.is_current => String::new(),
        Some(ms) => format!("next tick in {}", format::countdown(ms)),
        None => header::interval(state),
    };
    let next = panel::styled(next, theme.strong);
    [last, opening.unwrap_or_default(), next]
}

/// Returns a change and what it is about, as much of it as fits.
fn change_line(change: Change, about: &str, style: Style, columns: usize) -> Line<'static> {
    let (moved, percent) = format::change(change.tokens, change.permille);
    let both = format!("{moved}  {percent}");
    let both = both.trim_end();
    let whole = format!("{both}  {about}");
    panel::fitted(&[whole.as_str(), both, &moved], columns, style)
}
