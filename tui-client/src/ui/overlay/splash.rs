//! The start screen: what this is, how it stands with the table, and the keys to begin with.
//!
//! Owns its words and how it fills each size of terminal. It covers the desk; how long, the state says.
//!
//! ```text
//!                 █▀█ █   █ █▀▀ █▀▀ █▀█ █▄ ▄█ █▀▀
//!                 █▀█ █ █ █ █▀▀ ▀▀█ █ █ █ ▀ █ █▀▀
//!                 █ █ ▀▄▀▄▀ █▄▄ ▄▄█ █▄█ █   █ █▄▄
//!                 ▁▂▁▃▄▃▅▄▆▅▇▆▇█▆▅▆▇█▇█▇█▆▇██▇█▇█
//!                 one stock, one price, a live chart
//!
//!                    ann @ solo  ◌ connecting
//!
//!          t tokens   b buy   s sell   ? help   q quit
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use crate::{
    app::{
        AppState,
        action::{Action, BINDINGS},
        key::Key,
        screen::Button,
    },
    ui::{
        Top, View, big, key_button,
        layout::{Desk, Size},
        panel,
        status::{self, Status},
        text,
    },
};

/// The keys to begin with, the most important first.
const KEYS: [Action; 5] = [
    Action::BuyTokens,
    Action::Buy,
    Action::Sell,
    Action::Help,
    Action::Quit,
];

/// Columns between two keys.
const GAP: u16 = 3;

/// What this is, from the wordiest wording on.
const TAGLINE: [&str; 3] = [
    "One stock, one price for everybody, a live chart: dollars in, winnings out",
    "One stock, a live chart: dollars in, winnings out",
    "One stock, a live chart",
];

/// A price that rises, in eighths of a row.
const PRICES: [usize; 24] = [
    1, 2, 1, 3, 2, 3, 4, 3, 2, 4, 5, 4, 6, 5, 4, 6, 7, 6, 5, 7, 8, 7, 6, 8,
];

/// Bars of so many eighths of a row.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Draws the start screen over the whole desk.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) -> Top {
    Clear.render(desk.area, buf);
    buf.set_style(desk.area, view.theme.text);
    let area = desk.area.inner(Margin::new(1, 0));
    let columns = usize::from(area.width);
    let (title, air) = title(desk.size, columns);
    let width = title.iter().map(|line| text::width(line)).max().unwrap_or(0);
    let mut lines: Vec<Line<'static>> = title
        .into_iter()
        .map(|line| panel::styled(format!("{line:^width$}"), view.theme.title))
        .collect();
    if desk.size != Size::Small {
        lines.extend(bars(width, air, view.theme.chart.up));
        lines.extend(blank(air));
        lines.push(panel::styled(text::fit(&TAGLINE, columns), view.theme.strong));
    }
    lines.extend(blank(air));
    lines.extend(connection(view, state, columns));
    lines.extend(blank(air));
    let hints = keys(state, columns);
    let (row, line) = (lines.len(), keys_line(view, &hints));
    lines.push(line);
    if usize::from(desk.area.height) > lines.len() {
        lines.push(panel::styled("any key begins", view.theme.dim));
    }
    let places = panel::centred(lines, area, buf);
    let place = places.get(row).copied().unwrap_or_default();
    Top::typed(None, buttons(&hints, place))
}

/// The name in big letters, as large as there is room for; and the rows that suit it between parts.
fn title(size: Size, columns: usize) -> (Vec<String>, usize) {
    let whole = big::lines("AWESOMESTOCK");
    let doubled = big::doubled(&whole);
    let fits = |lines: &[String]| lines.iter().all(|line| text::width(line) <= columns);
    match size {
        Size::Large | Size::Huge if fits(&doubled) => (doubled, 2),
        Size::Medium | Size::Large | Size::Huge if fits(&whole) => (whole, 1),
        Size::Small | Size::Medium | Size::Large | Size::Huge => {
            let [first, second] = ["AWESOME", "STOCK"].map(big::lines);
            (
                first.into_iter().chain(second).collect(),
                usize::from(size != Size::Small),
            )
        }
    }
}

fn blank(rows: usize) -> impl Iterator<Item = Line<'static>> {
    std::iter::repeat_with(Line::default).take(rows)
}

/// The price that rises, `width` columns wide and `rows` high.
fn bars(width: usize, rows: usize, style: Style) -> Vec<Line<'static>> {
    let bar = |column: usize, row: usize| {
        let index = column
            .saturating_mul(PRICES.len())
            .checked_div(width)
            .unwrap_or(0);
        let eighths = PRICES.get(index).copied().unwrap_or(0).saturating_mul(rows);
        let in_row = eighths.saturating_sub(row.saturating_mul(8)).min(8);
        EIGHTHS.get(in_row).copied().unwrap_or(" ")
    };
    let line = |row: usize| -> String { (0..width).map(|column| bar(column, row)).collect() };
    (0..rows)
        .rev()
        .map(|row| panel::styled(line(row), style))
        .collect()
}

/// Who sits where, how it stands with the table, and why it is lost, if it is.
fn connection(view: &View, state: &AppState, columns: usize) -> Vec<Line<'static>> {
    let status = Status::of(view, state).line(columns);
    let seat = &state.session.seat;
    let seat = format!(
        "{} @ {}",
        text::harmless(&seat.player),
        text::harmless(&seat.table)
    );
    let room = columns.saturating_sub(status.width().saturating_add(2));
    let mut line = panel::styled(format!("{}  ", text::truncate(&seat, room)), view.theme.dim);
    line.spans.extend(status.spans);
    let why = status::loss(state).map(|(_, why)| {
        let why = text::harmless(why);
        panel::styled(text::truncate(&why, columns).into_owned(), view.theme.warning)
    });
    std::iter::once(line).chain(why).collect()
}

/// The keys to begin with and what they do, as many as fit.
fn keys(state: &AppState, columns: usize) -> Vec<(Key, &'static str)> {
    let mut hints = Vec::new();
    let mut taken = 0_usize;
    for action in KEYS {
        let key = state.session.settings.keys.keys(action).first();
        let row = BINDINGS.iter().find(|row| row.action == action);
        let Some((key, (words, _))) = key.zip(row.and_then(|row| row.hint)) else {
            continue;
        };
        let more = taken.saturating_add(usize::from(columns_of(key, words)));
        if more <= columns {
            hints.push((*key, words));
            taken = more.saturating_add(usize::from(GAP));
        }
    }
    hints
}

fn columns_of(key: &Key, words: &str) -> u16 {
    let columns = text::width(&key.label()).saturating_add(text::width(words));
    u16::try_from(columns.saturating_add(1)).unwrap_or(u16::MAX)
}

fn keys_line(view: &View, hints: &[(Key, &'static str)]) -> Line<'static> {
    let mut line = Line::default();
    for (key, words) in hints {
        if !line.spans.is_empty() {
            line.push_span(" ".repeat(usize::from(GAP)));
        }
        line.push_span(Span::styled(key.label(), view.theme.accent));
        line.push_span(Span::styled(format!(" {words}"), view.theme.dim));
    }
    line
}

/// Where the keys can be clicked, the first one at the left of `place`.
fn buttons(hints: &[(Key, &'static str)], place: Rect) -> Vec<Button> {
    let mut x = place.x;
    let mut place_of = |(key, words): &(Key, &'static str)| {
        let width = columns_of(key, words);
        let area = Rect { x, width, ..place };
        x = area.right().saturating_add(GAP);
        key_button(*key, area)
    };
    hints.iter().map(&mut place_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_on_it_rises_and_fills_its_width() {
        for (width, rows) in [(0, 1), (1, 1), (31, 1), (51, 2), (102, 2)] {
            let lines = bars(width, rows, Style::new());
            assert_eq!(lines.len(), rows);
            assert!(lines.iter().all(|line| line.width() == width), "{width}");
        }
        let words = bars(24, 1, Style::new())[0].to_string();
        assert_eq!(words, "▁▂▁▃▂▃▄▃▂▄▅▄▆▅▄▆▇▆▅▇█▇▆█");
    }

    #[test]
    fn the_title_fits_where_it_is_drawn() {
        for (size, columns) in [
            (Size::Small, 36),
            (Size::Medium, 74),
            (Size::Large, 106),
            (Size::Huge, 198),
        ] {
            let (lines, _) = title(size, columns);
            assert!(lines.iter().all(|line| text::width(line) <= columns), "{size:?}");
        }
    }
}
