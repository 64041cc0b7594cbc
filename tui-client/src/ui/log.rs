//! The action log: what the player did, when, and what became of it; newest first.
//!
//! Owns the words of an outcome, and that what is pending never looks done: each outcome has a sign of its own.
//!
//! ```text
//! ╭ Log ─────────────────────────────────────────────────────────╮
//! │ 14:03:22  … BUY 2         waiting for the casino             │
//! │ 14:03:10  ✗ SELL 50       refused: you have 2 stocks, and    │
//! │                           selling 50 needs 50                │
//! │ 14:02:51  ✓ BUY 2         at 37, for 74 tokens               │
//! ╰──────────────────────────────────────────────────────────────╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::{Modifier, Style},
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
    action::Action,
    log::{Deed, Entry, Outcome},
    money::Side,
};

/// Columns a deed is padded to, so that outcomes stand under each other.
const DEED_COLUMNS: usize = 13;

/// Draws the action log.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) {
    let small = desk.size == Size::Small;
    let inner = if small {
        desk.log.inner(Margin::new(1, 0))
    } else {
        panel::framed(view, "Log", aside(view, state), desk.log, buf)
    };
    if state.log.entries().len() == 0 {
        return nothing_yet(view, state, inner, buf);
    }
    let rows = usize::from(inner.height);
    let mut lines: Vec<Line<'_>> = Vec::with_capacity(rows);
    for entry in state.log.entries().rev() {
        if lines.len() >= rows {
            break;
        }
        let left = rows.saturating_sub(lines.len());
        lines.extend(entry_lines(view, entry, usize::from(inner.width), left, small));
    }
    for (line, index) in lines.into_iter().zip(0..inner.height) {
        line.render(panel::row(inner, index), buf);
    }
}

/// How many orders wait for their answer.
fn aside(view: &View, state: &AppState) -> Option<Line<'static>> {
    let waiting = i64::try_from(state.log.waiting()).unwrap_or(i64::MAX);
    (waiting > 0).then(|| {
        panel::styled(
            format!(" … {} waiting ", format::counted(waiting, "order")),
            view.theme.warning,
        )
    })
}

/// What a new player reads here.
fn nothing_yet(view: &View, state: &AppState, area: Rect, buf: &mut Buffer) {
    let theme = &view.theme;
    let said = |words: &'static str| Span::styled(words, theme.dim);
    let lines = [
        Line::from(vec![
            said("Nothing done yet. "),
            panel::key(view, state, Action::BuyTokens),
            said(" buys tokens,"),
        ]),
        Line::from(vec![
            said("then "),
            panel::key(view, state, Action::Buy),
            said(" buys stocks, "),
            panel::key(view, state, Action::Sell),
            said(" sells them."),
        ]),
    ];
    for (line, index) in lines.into_iter().zip(0..) {
        line.render(panel::row(area, index), buf);
    }
}

/// The lines of one entry, at most `rows`: the first with time, sign and deed; words that do not fit go on under
/// themselves, and end with `…` where they still do not.
fn entry_lines(view: &View, entry: &Entry, columns: usize, rows: usize, small: bool) -> Vec<Line<'static>> {
    let (sign, words, style) = outcome(view, entry);
    let time = if small {
        format!("{} ", format::clock_minutes(entry.at, &view.zone))
    } else {
        format!("{}  ", format::clock(entry.at, &view.zone))
    };
    let deed = deed(&entry.deed);
    let pad = if deed.is_empty() || small { 0 } else { DEED_COLUMNS };
    let space = if deed.is_empty() { "" } else { " " };
    let deed = format!("{deed:<pad$}{space}");
    let taken = [&time, sign, " ", &deed]
        .iter()
        .map(|piece| text::width(piece))
        .sum();
    let hang = if small { 8 } else { taken };
    let mut parts = hanging(
        &words,
        columns.saturating_sub(taken),
        columns.saturating_sub(hang),
        rows,
    )
    .into_iter();
    let mut lines = vec![Line::from(vec![
        Span::styled(time, view.theme.dim),
        Span::styled(format!("{sign} "), style),
        Span::styled(deed, deed_style(view, entry)),
        Span::styled(parts.next().unwrap_or_default(), style),
    ])];
    lines.extend(parts.map(|part| panel::styled(format!("{}{part}", " ".repeat(hang)), style)));
    lines
}

/// Words in at most `rows` lines, the first of which has other room than the rest.
fn hanging(words: &str, first_columns: usize, rest_columns: usize, rows: usize) -> Vec<String> {
    if rows <= 1 || text::width(words) <= first_columns {
        return vec![text::truncate(words, first_columns).into_owned()];
    }
    let first = text::wrap(words, first_columns, 0)
        .into_iter()
        .next()
        .unwrap_or_default();
    let rest = words.get(first.len()..).unwrap_or_default().trim_start();
    let mut lines = text::wrap(rest, rest_columns, 0);
    let room = rows.saturating_sub(1);
    if lines.len() > room {
        let cut = lines.split_off(room.saturating_sub(1)).join(" ");
        lines.push(text::truncate(&cut, rest_columns).into_owned());
    }
    lines.insert(0, first);
    lines
}

fn deed(deed: &Deed) -> String {
    let order = |side: Side, count: i32| {
        let word = match side {
            Side::Buy => "BUY",
            Side::Sell => "SELL",
        };
        format!("{word} {}", format::grouped(i64::from(count)))
    };
    match deed {
        Deed::Order(side, count) => order(*side, *count),
        Deed::Limited(side, count, limit) => {
            let limit = format::grouped(i64::from(*limit));
            format!("{} @ {limit}", order(*side, *count))
        }
        Deed::BuyTokens(dollars) => format!("TOKENS {}", format::dollars(i64::from(*dollars))),
        Deed::Withdraw(tokens) => format!("WITHDRAW {}", format::grouped(i64::from(*tokens))),
        Deed::Notice => String::new(),
    }
}

/// The deed of an executed order wears its side's colour; what is not executed does not.
fn deed_style(view: &View, entry: &Entry) -> Style {
    let done = matches!(entry.outcome, Outcome::Traded { .. } | Outcome::Done(_));
    let style = match (entry.deed.order(), done) {
        (_, false) => return view.theme.text,
        (Some((Side::Buy, _)), true) => view.theme.up,
        (Some((Side::Sell, _)), true) => view.theme.down,
        (None, true) => view.theme.text,
    };
    style.add_modifier(Modifier::BOLD)
}

/// The sign, the words and the style of what became of it.
fn outcome(view: &View, entry: &Entry) -> (&'static str, String, Style) {
    let theme = &view.theme;
    match &entry.outcome {
        Outcome::Pending => ("…", "waiting for the casino".to_owned(), theme.dim),
        Outcome::Traded { price: Some(price) } => ("✓", traded(&entry.deed, i64::from(*price)), theme.text),
        Outcome::Traded { price: None } => ("✓", "executed".to_owned(), theme.text),
        Outcome::Done(words) => ("✓", text::harmless(words).into_owned(), theme.text),
        Outcome::Refused(words) => ("✗", format!("refused: {}", text::harmless(words)), theme.warning),
        Outcome::NotSent(words) => ("✗", format!("not sent: {}", text::harmless(words)), theme.warning),
        Outcome::Unanswered => (
            "?",
            "no answer came: the wallet tells what is true".to_owned(),
            theme.warning,
        ),
    }
}

/// At which price, and what it came to where it is known of how many stocks.
fn traded(deed: &Deed, price: i64) -> String {
    let at = format!("at {}", format::grouped(price));
    match deed.order() {
        Some((_, count)) => {
            let total = i64::from(count).saturating_mul(price);
            format!("{at}, for {}", format::counted(total, "token"))
        }
        None => at,
    }
}
