//! Start screen: name, connection status and first keys.
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

use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::Length;
use ratatui::layout::{Layout, Margin};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Clear, Sparkline, Widget};

use crate::app::AppState;
use crate::app::commands::action::{Action, BINDINGS};
use crate::app::overlay::screen::ClickAction;
use crate::ui::layout::{LayoutSize, MainLayout};
use crate::ui::panels::connection::{self, Status};
use crate::ui::widgets::{big_digits, hint, panel};
use crate::ui::{FrameInfo, Renderer, text};

/// Most important first.
const KEYS: [Action; 5] = [
    Action::BuyTokens,
    Action::Buy,
    Action::Sell,
    Action::Help,
    Action::Quit,
];

const GAP: usize = 3;

/// Longest text first.
const TAGLINE: [&str; 3] = [
    "One stock, one price for everybody, a live chart: dollars in, winnings out",
    "One stock, a live chart: dollars in, winnings out",
    "One stock, a live chart",
];

/// Heights in eighths of a row.
const PRICES: [u64; 24] = [
    1, 2, 1, 3, 2, 3, 4, 3, 2, 4, 5, 4, 6, 5, 4, 6, 7, 6, 5, 7, 8, 7, 6, 8,
];

pub(crate) fn draw(view: &Renderer, state: &AppState, layout: &MainLayout, buf: &mut Buffer) -> FrameInfo {
    Clear.render(layout.area, buf);
    buf.set_style(layout.area, view.theme.text);
    let area = layout.area.inner(Margin::new(1, 0));
    let columns = usize::from(area.width);
    let (title, gap) = title(layout.size, columns);
    let title = Text::from_iter(title).centered();
    let connection = Text::from(connection(view, state, columns)).centered();
    let has_chart = usize::from(layout.size != LayoutSize::Small);
    let bar_rows = has_chart * gap;
    let [title_rows, connection_rows] = [title.height(), connection.height()];
    let mut heights = [
        title_rows,
        bar_rows,
        bar_rows,
        has_chart,
        gap,
        connection_rows,
        gap,
        1,
        0,
    ];
    if heights.iter().sum::<usize>() < usize::from(layout.area.height) {
        heights[8] = 1;
    }
    let rows = Layout::vertical(heights.map(|rows| Length(text::cells(rows))));
    let [
        title_area,
        bar_area,
        _,
        tagline_area,
        _,
        connection_area,
        _,
        key_area,
        prompt_area,
    ] = panel::centered(area, columns, heights.iter().sum()).layout(&rows);
    let bar_area = panel::centered(bar_area, title.width(), bar_rows);
    let bars = Sparkline::default().data(bars(title.width())).max(8);
    bars.style(view.theme.up).render(bar_area, buf);
    let tagline = panel::fitted(&TAGLINE, columns, view.theme.strong);
    tagline.centered().render(tagline_area, buf);
    let prompt = panel::styled("press any key", view.theme.dim);
    prompt.centered().render(prompt_area, buf);
    connection.render(connection_area, buf);
    let hints = keys(view, state, columns);
    let total = hints.iter().map(|(_, hint)| hint.width() + GAP).sum::<usize>();
    let key_area = panel::centered(key_area, total.saturating_sub(GAP), 1);
    let buttons = hint::draw_row(hints, text::cells(GAP), key_area, buf);
    title.style(view.theme.title).render(title_area, buf);
    FrameInfo::typed(None, buttons)
}

/// Returns the title in the largest letters that fit, and the blank rows between sections.
fn title(size: LayoutSize, columns: usize) -> (Vec<String>, usize) {
    let whole = big_digits::lines("AWESOMESTOCK");
    let doubled = big_digits::doubled(&whole);
    let fits = |lines: &[String]| lines.iter().all(|line| text::width(line) <= columns);
    match size {
        LayoutSize::Large | LayoutSize::Huge if fits(&doubled) => (doubled, 2),
        LayoutSize::Medium | LayoutSize::Large | LayoutSize::Huge if fits(&whole) => (whole.into(), 1),
        LayoutSize::Small | LayoutSize::Medium | LayoutSize::Large | LayoutSize::Huge => {
            let halves = ["AWESOME", "STOCK"].map(big_digits::lines);
            (halves.concat(), usize::from(size != LayoutSize::Small))
        }
    }
}

/// Returns the heights of a rising bar chart, in eighths of its area.
fn bars(width: usize) -> impl Iterator<Item = u64> {
    let heights = (0..width).map(move |column| PRICES.get(column * PRICES.len() / width));
    heights.flatten().copied()
}

/// Returns player, server and status, and the reason if the connection is lost.
fn connection(view: &Renderer, state: &AppState, columns: usize) -> Vec<Line<'static>> {
    let status = Status::new(view, state).line(columns);
    let info = &state.session.info;
    let info = format!(
        "{} @ {}",
        text::sanitize(&info.player),
        text::sanitize(&info.server)
    );
    let room = columns.saturating_sub(status.width() + 2);
    let mut line = panel::styled(format!("{}  ", text::truncate(&info, room)), view.theme.dim);
    line.spans.extend(status.spans);
    let why = connection::loss_reason(state).map(|(_, why)| {
        let why = text::sanitize(why);
        panel::fitted(&[why], columns, view.theme.warning)
    });
    std::iter::once(line).chain(why).collect()
}

/// Returns the first keys and their descriptions, as many as fit.
fn keys(view: &Renderer, state: &AppState, columns: usize) -> Vec<(ClickAction, Line<'static>)> {
    let mut hints = Vec::new();
    let mut used_columns = 0;
    for action in KEYS {
        let key = state.session.settings.keys.keys(action).first();
        let row = BINDINGS.iter().find(|row| row.action == action);
        let Some((key, (text, _))) = key.zip(row.and_then(|row| row.hint)) else {
            continue;
        };
        let hint = hint::key_line(view, key.label(), text);
        if used_columns + hint.width() <= columns {
            used_columns += hint.width() + GAP;
            hints.push((ClickAction::Press(*key), hint));
        }
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_chart_rises_and_fills_its_width() {
        for width in [0, 1, 31, 51, 102] {
            assert_eq!(bars(width).count(), width);
        }
        assert_eq!(bars(24).collect::<Vec<_>>(), PRICES);
        assert_eq!(bars(3).collect::<Vec<_>>(), [1, 2, 7]);
    }

    #[test]
    fn the_title_fits_each_layout() {
        for (size, columns) in [
            (LayoutSize::Small, 36),
            (LayoutSize::Medium, 74),
            (LayoutSize::Large, 106),
            (LayoutSize::Huge, 198),
        ] {
            let (lines, _) = title(size, columns);
            assert!(lines.iter().all(|line| text::width(line) <= columns), "{size:?}");
        }
    }
}
