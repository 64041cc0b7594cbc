//! Tape, top of the leaderboard and online players, on layouts with room for them. They take rows of the tick
//! list and, on the largest layout, of the log. Without lobby feeds the layout is unchanged.
//!
//! ```text
//! ╭ Tape ────────────────────╮   ╭ Leaderboard ─ you: 2 of 14 ╮   ╭ Online ────── 4 ╮
//! │ 14:03:22 bob   BUY  2 37 │   │  1 bob      +1,204  +8.1 % │   │ bob             │
//! │ … 37 more trades         │   │  2 ann (you)  +980  +3.9 % │   │ ~Ada (house)    │
//! ╰──────────────────────────╯   ╰────────────────────────────╯   ╰─────────────────╯
//! ```

use awesomestock_proto::player;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Widget;

use crate::app::AppState;
use crate::app::lobby::{Performance, Player, Standing, TapeLine, TapeRow};
use crate::app::portfolio::money::Side;
use crate::ui::Renderer;
use crate::ui::layout::{LayoutSize, MainLayout, split_columns, split_rows};
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;

/// Rows of the leaderboard panel with borders, on large and huge layouts.
const LEADERBOARD_ROWS: [u16; 2] = [7, 13];

/// Columns of rank and name on the leaderboard that are kept free for them, with the gap.
const NAME_COLUMNS: usize = 12;

/// Columns of a return, and of a number on the tape, that would take the room of a name.
const RETURN_COLUMNS: usize = 9;
const NUMBER_COLUMNS: usize = 6;

/// Columns of borders, title and gaps beside the own rank.
const TITLE_COLUMNS: usize = 19;

/// Columns of a name on the tape.
const MIN_NAME_COLUMNS: usize = 4;

/// Rows of the tape panel on the huge layout.
const TAPE_ROWS: u16 = 12;

/// Columns of the player list on the huge layout.
const PLAYERS_COLUMNS: u16 = 30;

/// Areas of the lobby panels; empty where there is no room.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LobbyLayout {
    tape: Rect,
    leaderboard: Rect,
    players: Rect,
}

/// Takes room from the layout for the feeds that the server sends.
pub(crate) fn reserve_space(state: &AppState, layout: &mut MainLayout) -> LobbyLayout {
    let feeds = state.lobby.capabilities;
    let mut areas = LobbyLayout::default();
    if layout.size < LayoutSize::Large || !feeds.tape || !feeds.leaderboard {
        return areas;
    }
    let huge = layout.size == LayoutSize::Huge;
    let board_rows = LEADERBOARD_ROWS[usize::from(huge)];
    if layout.ticks.height < board_rows.saturating_add(4) {
        return areas;
    }
    let [rest, board] = split_rows(layout.ticks, board_rows);
    areas.leaderboard = board;
    [layout.ticks, areas.tape] = if huge && rest.height > TAPE_ROWS.saturating_add(4) {
        split_rows(rest, TAPE_ROWS)
    } else {
        [Rect::ZERO, rest]
    };
    if huge && feeds.players && layout.log.width > PLAYERS_COLUMNS.saturating_mul(3) {
        [layout.log, areas.players] = split_columns(layout.log, PLAYERS_COLUMNS);
    }
    areas
}

pub(crate) fn draw(view: &Renderer, state: &AppState, areas: &LobbyLayout, buf: &mut Buffer) {
    if !areas.tape.is_empty() {
        let inner = panel::framed(view, "Tape", None, areas.tape, buf);
        let lines = tape_lines(view, state, usize::from(inner.width));
        Text::from_iter(lines).render(inner, buf);
    }
    if !areas.leaderboard.is_empty() {
        let room = usize::from(areas.leaderboard.width).saturating_sub(TITLE_COLUMNS);
        let aside = own_rank(state, room).map(|text| panel::styled(format!(" {text} "), view.theme.dim));
        let inner = panel::framed(view, "Leaderboard", aside, areas.leaderboard, buf);
        let (columns, rows) = (usize::from(inner.width), usize::from(inner.height));
        let lines = leaderboard_lines(view, state, columns, rows);
        Text::from_iter(lines).render(inner, buf);
    }
    if !areas.players.is_empty() {
        let seated = i64::from(state.lobby.players.seated);
        let aside = panel::styled(format!(" {} ", format::thousands(seated)), view.theme.dim);
        let inner = panel::framed(view, "Online", Some(aside), areas.players, buf);
        let lines = players_lines(view, state, usize::from(inner.width));
        Text::from_iter(lines).render(inner, buf);
    }
}

/// Returns the tape, newest first, or a text that says why there is none.
pub(crate) fn tape_lines(view: &Renderer, state: &AppState, columns: usize) -> Vec<Line<'static>> {
    let lobby = &state.lobby;
    if !lobby.capabilities.tape {
        return vec![panel::styled("this casino has no trade tape", view.theme.dim)];
    }
    if lobby.tape().len() == 0 {
        return vec![panel::styled("no trades yet", view.theme.dim)];
    }
    let line = |line: &TapeLine| match line {
        TapeLine::Trade(row) => trade(view, state, row, columns),
        TapeLine::Skipped(more) => {
            let text = format!("… {} not shown", format::pluralize(*more, "more trade"));
            panel::fitted(&[text], columns, view.theme.dim)
        }
    };
    lobby.tape().rev().map(line).collect()
}

/// Returns time, player, trade and price.
fn trade(view: &Renderer, state: &AppState, row: &TapeRow, columns: usize) -> Line<'static> {
    let trade = &row.trade;
    let time = format!("{}  ", format::clock(trade.at, &view.zone));
    let (side, style) = match trade.side {
        Side::Buy => ("BUY ", view.theme.up),
        Side::Sell => ("SELL", view.theme.down),
    };
    let order = |columns| {
        let [count, price] = [trade.count, trade.price].map(|number| format::compact(number, columns));
        format!("{side} {count:>4} at {price:>4}")
    };
    let room = |order: &str| columns.saturating_sub(text::width(&time) + text::width(order) + 2);
    let whole = order(usize::MAX);
    let order = match room(&whole) >= MIN_NAME_COLUMNS {
        true => whole,
        false => order(NUMBER_COLUMNS),
    };
    let room = room(&order);
    let name = text::pad(&label(state, &row.player, room), room);
    Line::from(vec![
        Span::styled(time, view.theme.dim),
        Span::styled(name, name_style(view, state, &row.player)),
        Span::styled(format!("  {order}"), style),
    ])
}

/// Returns the top of the leaderboard, or a text that says why there is none. The last row is the player's own rank if it
/// is below the others.
pub(crate) fn leaderboard_lines(
    view: &Renderer,
    state: &AppState,
    columns: usize,
    rows: usize,
) -> Vec<Line<'static>> {
    if !state.lobby.capabilities.leaderboard {
        return vec![panel::styled("this casino has no leaderboard", view.theme.dim)];
    }
    let board = &state.lobby.leaderboard;
    let mut shown: Vec<&Standing> = board.top.iter().take(rows).collect();
    if let Some(own) = &board.own
        && !shown.iter().any(|standing| standing.player == own.player)
    {
        shown.truncate(rows.saturating_sub(1));
        shown.push(own);
    }
    if shown.is_empty() {
        return vec![panel::styled("no ranked players yet", view.theme.dim)];
    }
    let line = |standing| rank_line(view, state, standing, performance(state, standing), columns);
    shown.into_iter().map(line).collect()
}

/// Returns rank and name, and profit and return at the right end; the equity at a casino that ranks by it.
pub(crate) fn rank_line(
    view: &Renderer,
    state: &AppState,
    standing: &Standing,
    performance: Option<Performance>,
    columns: usize,
) -> Line<'static> {
    let rank = format!("{:>2}  ", format::thousands(standing.rank));
    let style = name_style(view, state, &standing.player);
    let right = match performance {
        Some(performance) => performance_line(view, performance, columns),
        None => {
            let room = columns.saturating_sub(NAME_COLUMNS);
            panel::styled(format::compact(standing.equity, room), style)
        }
    };
    let room = columns.saturating_sub(text::width(&rank) + right.width() + 1);
    let name = label(state, &standing.player, room);
    let gap = (room + 1).saturating_sub(text::width(&name));
    let left = [
        Span::styled(rank, view.theme.dim),
        Span::styled(name, style),
        Span::raw(" ".repeat(gap)),
    ];
    Line::from_iter(left.into_iter().chain(right.spans))
}

/// Returns profit and return. Where both and a name do not fit, they are shortened.
fn performance_line(view: &Renderer, performance: Performance, columns: usize) -> Line<'static> {
    let style = view.theme.change_style(performance.profit);
    let percent = performance.return_permille();
    let percent = percent.map(|permille| format::compact_percent(permille, RETURN_COLUMNS));
    let percent = percent.map(|percent| format!(" {percent:>RETURN_COLUMNS$}"));
    let percent = percent.unwrap_or_default();
    let room = columns.saturating_sub(text::width(&percent) + NAME_COLUMNS);
    let profit = format::compact_signed(performance.profit, room);
    panel::styled(format!("{profit}{percent}"), style)
}

/// Returns a player's performance. One's own is computed from the wallet, as the server's is up to a second old.
fn performance(state: &AppState, standing: &Standing) -> Option<Performance> {
    let price = state.market.price();
    let own = state.holdings.wallet().zip(price);
    let own = own.filter(|_| is_own(state, &standing.player));
    let received = standing.performance?;
    Some(own.map_or(received, |(wallet, price)| wallet.performance(price)))
}

/// Returns the online players, one per line, and the number of unnamed ones.
pub(crate) fn players_lines(view: &Renderer, state: &AppState, columns: usize) -> Vec<Line<'static>> {
    if !state.lobby.capabilities.players {
        return vec![panel::styled("this casino has no player list", view.theme.dim)];
    }
    let players = &state.lobby.players;
    let named = players.online.iter().map(|player| {
        let style = name_style(view, state, player);
        panel::styled(label(state, player, columns), style)
    });
    let dim = |text: String| panel::fitted(&[text], columns, view.theme.dim);
    let more = i64::from(players.seated).saturating_sub(i64::try_from(players.online.len()).unwrap_or(0));
    let more = (more > 0).then(|| dim(format!("and {} more", format::thousands(more))));
    let unnamed = i64::from(players.unnamed);
    let unnamed =
        (unnamed > 0).then(|| dim(format!("and {}", format::pluralize(unnamed, "unnamed session"))));
    named.chain(more).chain(unnamed).collect()
}

/// Returns the player's rank, and the return if both fit `columns`, for titles.
pub(crate) fn own_rank(state: &AppState, columns: usize) -> Option<String> {
    if state.session.settings.watch {
        return None;
    }
    let board = &state.lobby.leaderboard;
    let Some(own) = &board.own else {
        return (!board.top.is_empty()).then(|| "you: not ranked".to_owned());
    };
    let (rank, of) = (i64::from(own.rank), i64::from(board.ranked));
    let rank = format!("you: {} of {}", format::thousands(rank), format::thousands(of));
    let percent = performance(state, own).and_then(|performance| performance.return_permille());
    let both = percent.map(|permille| {
        let percent = format::compact_percent(permille, RETURN_COLUMNS);
        format!("{rank}, {percent}")
    });
    both.filter(|both| text::width(both) <= columns).or(Some(rank))
}

/// Returns the name with a label. If both do not fit, the label is dropped.
pub(crate) fn label(state: &AppState, player: &Player, columns: usize) -> String {
    let name = text::sanitize(&player.name);
    let about = if player.house {
        " (house)"
    } else if is_own(state, player) {
        " (you)"
    } else {
        ""
    };
    let whole = format!("{name}{about}");
    text::fit(&[whole.as_str(), &name], columns).into_owned()
}

fn is_own(state: &AppState, player: &Player) -> bool {
    let own = &state.session.info.player;
    // The server sends normalized names.
    !player.house && (player.name == *own || player::normalize(own).is_ok_and(|own| own == player.name))
}

fn name_style(view: &Renderer, state: &AppState, player: &Player) -> Style {
    if is_own(state, player) {
        view.theme.accent
    } else if player.house {
        view.theme.dim
    } else {
        view.theme.text
    }
}
