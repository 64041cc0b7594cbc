//! The others at the table: the tape, the top of the leaderboard, who is seated, where there is room beside the desk.
//!
//! Owns the columns of these panels and where they take their room from: large desks give them the list of ticks, the
//! largest also a part of the log. A casino that tells nothing of the others leaves the desk as it is.
//!
//! ```text
//! ╭ Tape ────────────────────╮   ╭ Leaderboard ──── 2 of 14 ╮   ╭ Here ──────── 4 ╮
//! │ 14:03:22 bob   BUY  2 37 │   │  1 bob             1,204 │   │ bob             │
//! │ … 37 more trades         │   │  2 ann (you)         980 │   │ ~Ada (house)    │
//! ╰──────────────────────────╯   ╰──────────────────────────╯   ╰─────────────────╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    View, format,
    layout::{Desk, Size},
    panel, text,
};
use crate::app::{
    AppState,
    company::{Player, Standing, TapeLine, TapeRow},
    money::Side,
};

/// Rows of the leaderboard's panel, with its lines, on a large desk and on the largest.
const BOARD_ROWS: (u16, u16) = (7, 13);

/// Rows of the tape's panel on the largest desk.
const TAPE_ROWS: u16 = 12;

/// Columns of the list of players on the largest desk.
const HERE_COLUMNS: u16 = 30;

/// Where the panels of the others lie; empty where there is no room.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Places {
    tape: Rect,
    leaderboard: Rect,
    players: Rect,
}

/// Takes room for the others from the desk, as far as the casino tells of them.
pub(super) fn make_room(state: &AppState, mut desk: Desk) -> (Desk, Places) {
    let told = state.company.told;
    let mut places = Places::default();
    if desk.size < Size::Large || !told.tape || !told.leaderboard {
        return (desk, places);
    }
    let huge = desk.size == Size::Huge;
    let board_rows = if huge { BOARD_ROWS.1 } else { BOARD_ROWS.0 };
    if desk.ticks.height < board_rows.saturating_add(4) {
        return (desk, places);
    }
    let (rest, board) = above(desk.ticks, board_rows);
    places.leaderboard = board;
    (desk.ticks, places.tape) = if huge && rest.height > TAPE_ROWS.saturating_add(4) {
        above(rest, TAPE_ROWS)
    } else {
        (Rect::ZERO, rest)
    };
    if huge && told.players && desk.log.width > HERE_COLUMNS.saturating_mul(3) {
        let columns = desk.log.width.saturating_sub(HERE_COLUMNS);
        places.players = Rect {
            x: desk.log.x.saturating_add(columns),
            width: HERE_COLUMNS,
            ..desk.log
        };
        desk.log.width = columns.saturating_add(1);
    }
    (desk, places)
}

/// Cuts `rows` off the lower end of an area; both pieces share the line between them.
fn above(area: Rect, rows: u16) -> (Rect, Rect) {
    let upper = Rect {
        height: area.height.saturating_sub(rows).saturating_add(1),
        ..area
    };
    let lower = Rect {
        y: upper.bottom().saturating_sub(1),
        height: rows,
        ..area
    };
    (upper, lower)
}

/// Draws the panels of the others.
pub(super) fn draw(view: &View, state: &AppState, places: &Places, buf: &mut Buffer) {
    if !places.tape.is_empty() {
        let inner = panel::framed(view, "Tape", None, places.tape, buf);
        let lines = tape_lines(view, state, usize::from(inner.width));
        fill(lines.into_iter().map(|line| (line, None)), inner, buf);
    }
    if !places.leaderboard.is_empty() {
        let aside = place_in_words(state).map(|words| panel::styled(format!(" {words} "), view.theme.dim));
        let inner = panel::framed(view, "Leaderboard", aside, places.leaderboard, buf);
        fill(standings(view, state, inner), inner, buf);
    }
    if !places.players.is_empty() {
        let seated = i64::from(state.company.players.seated);
        let aside = panel::styled(format!(" {} ", format::grouped(seated)), view.theme.dim);
        let inner = panel::framed(view, "Here", Some(aside), places.players, buf);
        let lines = players_lines(view, state, usize::from(inner.width));
        fill(lines.into_iter().map(|line| (line, None)), inner, buf);
    }
}

/// Draws lines, each with what stands at its right end.
fn fill<'a>(lines: impl IntoIterator<Item = (Line<'a>, Option<Line<'a>>)>, area: Rect, buf: &mut Buffer) {
    for ((left, right), index) in lines.into_iter().zip(0..area.height) {
        let row = panel::row(area, index);
        left.render(row, buf);
        if let Some(right) = right {
            right.alignment(Alignment::Right).render(row, buf);
        }
    }
}

/// The tape in at most `columns`, newest first; in words, why there is none.
pub(super) fn tape_lines(view: &View, state: &AppState, columns: usize) -> Vec<Line<'static>> {
    let company = &state.company;
    if !company.told.tape {
        return vec![panel::styled("this casino keeps no tape", view.theme.dim)];
    }
    if company.tape().len() == 0 {
        return vec![panel::styled("nobody has traded yet", view.theme.dim)];
    }
    let line = |line: &TapeLine| match line {
        TapeLine::Trade(row) => trade(view, state, row, columns),
        TapeLine::LeftOut(more) => {
            let words = format!("… {} not shown", format::counted(*more, "more trade"));
            panel::styled(text::truncate(&words, columns).into_owned(), view.theme.dim)
        }
    };
    company.tape().rev().map(line).collect()
}

/// A trade of the tape: when, who, what, at which price.
fn trade(view: &View, state: &AppState, row: &TapeRow, columns: usize) -> Line<'static> {
    let trade = &row.trade;
    let time = format!("{}  ", format::clock(trade.at, &view.zone));
    let (side, style) = match trade.side {
        Side::Buy => ("BUY ", view.theme.up),
        Side::Sell => ("SELL", view.theme.down),
    };
    let count = format::grouped(i64::from(trade.count));
    let price = format::grouped(i64::from(trade.price));
    let deed = format!("{side} {count:>4} at {price:>4}");
    let taken = text::width(&time)
        .saturating_add(text::width(&deed))
        .saturating_add(2);
    let room = columns.saturating_sub(taken);
    let name = padded(&label(state, &row.player, room), room);
    Line::from(vec![
        Span::styled(time, view.theme.dim),
        Span::styled(name, name_style(view, state, &row.player)),
        Span::styled(format!("  {deed}"), style),
    ])
}

/// The top of the leaderboard as far as `area` shows it, with the player's own place in the last row if it is not among
/// them.
fn standings(view: &View, state: &AppState, area: Rect) -> Vec<(Line<'static>, Option<Line<'static>>)> {
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    let board = &state.company.leaderboard;
    let mut shown: Vec<&Standing> = board.top.iter().take(rows).collect();
    if let Some(own) = &board.own
        && !shown.iter().any(|standing| standing.player == own.player)
    {
        shown.truncate(rows.saturating_sub(1));
        shown.push(own);
    }
    if shown.is_empty() {
        return vec![(panel::styled("nobody is ranked yet", view.theme.dim), None)];
    }
    let line = |standing: &Standing| standing_line(view, state, standing, columns);
    shown.into_iter().map(line).collect()
}

/// A place on the leaderboard: rank and name; at the right end the equity.
fn standing_line(
    view: &View,
    state: &AppState,
    standing: &Standing,
    columns: usize,
) -> (Line<'static>, Option<Line<'static>>) {
    let equity = format::grouped(standing.equity);
    let rank = format!("{:>2}  ", standing.rank);
    let taken = text::width(&rank)
        .saturating_add(text::width(&equity))
        .saturating_add(1);
    let name = label(state, &standing.player, columns.saturating_sub(taken));
    let style = name_style(view, state, &standing.player);
    let left = Line::from(vec![
        Span::styled(rank, view.theme.dim),
        Span::styled(name, style),
    ]);
    (left, Some(panel::styled(equity, style)))
}

/// The whole leaderboard in at most `columns`; in words, why there is none.
pub(super) fn board_lines(view: &View, state: &AppState, columns: usize) -> Vec<Line<'static>> {
    let company = &state.company;
    if !company.told.leaderboard {
        return vec![panel::styled("this casino keeps no leaderboard", view.theme.dim)];
    }
    let rows: Vec<_> = company.leaderboard.rows().collect();
    if rows.is_empty() {
        return vec![panel::styled("nobody is ranked yet", view.theme.dim)];
    }
    let line = |standing: &Standing| {
        let (mut left, right) = standing_line(view, state, standing, columns);
        let right = right.unwrap_or_default();
        let gap = columns.saturating_sub(left.width().saturating_add(right.width()));
        left.spans.push(Span::raw(" ".repeat(gap)));
        left.spans.extend(right.spans);
        left
    };
    rows.into_iter().map(line).collect()
}

/// Who is seated, a line each, at most `columns` wide; in words, who is not named.
pub(super) fn players_lines(view: &View, state: &AppState, columns: usize) -> Vec<Line<'static>> {
    if !state.company.told.players {
        return vec![panel::styled(
            "this casino does not tell who is here",
            view.theme.dim,
        )];
    }
    let players = &state.company.players;
    let named = players.online.iter().map(|player| {
        let style = name_style(view, state, player);
        panel::styled(label(state, player, columns), style)
    });
    let dim = |words: String| panel::styled(text::truncate(&words, columns).into_owned(), view.theme.dim);
    let more = i64::from(players.seated).saturating_sub(i64::try_from(players.online.len()).unwrap_or(0));
    let more = (more > 0).then(|| dim(format!("and {} more", format::grouped(more))));
    let unnamed = i64::from(players.unnamed);
    let unnamed =
        (unnamed > 0).then(|| dim(format!("and {} without a name", format::counted(unnamed, "seat"))));
    named.chain(more).chain(unnamed).collect()
}

/// The player's place, as the leaderboard's title has it.
fn place_in_words(state: &AppState) -> Option<String> {
    let board = &state.company.leaderboard;
    let own = board.own.as_ref()?;
    let (rank, of) = (i64::from(own.rank), i64::from(board.ranked));
    Some(format!(
        "you: {} of {}",
        format::grouped(rank),
        format::grouped(of)
    ))
}

/// A name in at most `columns`, with what is to be known of it. Of what does not fit, the label goes first.
fn label(state: &AppState, player: &Player, columns: usize) -> String {
    let name = text::harmless(&player.name);
    let about = if player.house {
        " (house)"
    } else if is_own(state, player) {
        " (you)"
    } else {
        ""
    };
    let whole = format!("{name}{about}");
    if text::width(&whole) <= columns {
        whole
    } else {
        text::truncate(&name, columns).into_owned()
    }
}

fn is_own(state: &AppState, player: &Player) -> bool {
    !player.house && player.name == state.session.seat.player
}

/// One's own row stands out; that of a house player stands back.
fn name_style(view: &View, state: &AppState, player: &Player) -> Style {
    if is_own(state, player) {
        view.theme.accent
    } else if player.house {
        view.theme.dim
    } else {
        view.theme.text
    }
}

/// `words`, filled up with blanks to `columns`.
fn padded(words: &str, columns: usize) -> String {
    let gap = columns.saturating_sub(text::width(words));
    format!("{words}{}", " ".repeat(gap))
}
