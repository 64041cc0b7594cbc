//! Confirmation of a large order or payment, with figures at the current price.
//!
//! ```text
//! ╭ Confirm ───────────────────────────╮
//! │ BUY 50 for about 500 tokens        │
//! │ you have 500 tokens                │
//! ╰ Enter confirms  Esc closes ────────╯
//! ```

use ratatui::{buffer::Buffer, style::Style, widgets::Widget};

use crate::{
    app::{
        AppState,
        commands::{command::Command, key::Key},
        portfolio::{money::Side, ticket::Estimate},
    },
    ui::{
        OverlayInfo, Renderer,
        layout::MainLayout,
        panels::ticket,
        text::{self, format},
        widgets::{
            hint::{CLOSES, Hint},
            panel,
            window::{Popup, text_columns},
        },
    },
};

const MAX_COLUMNS: usize = 44;

pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    command: Command,
    layout: &MainLayout,
    buf: &mut Buffer,
) -> OverlayInfo {
    let columns = text_columns(layout, MAX_COLUMNS);
    let price = state.market.last().map(|last| last.price);
    let order = price.and_then(|price| Estimate::new(command, price, &state.holdings));
    let (question, style) = match (order, command) {
        (Some(order), _) => order_question(view, order),
        (None, Command::Withdraw(tokens)) => (
            format!("WITHDRAW {}", format::pluralize(i64::from(tokens), "token")),
            view.theme.strong,
        ),
        (None, _) => ("the order is not known yet".to_owned(), view.theme.dim),
    };
    let held = state.holdings.tokens().map_or_else(
        || format::UNKNOWN.to_owned(),
        |held| format::pluralize(i64::from(held), "token"),
    );
    let held = format!("you have {held}");
    let mut lines: Vec<_> = text::wrap(&question, columns, 2)
        .into_iter()
        .map(|line| panel::styled(line, style))
        .collect();
    lines.push(panel::styled(held, view.theme.dim));
    let problem = ticket::connection_problem(state).and_then(|words| words.first());
    lines.extend(problem.map(|words| panel::styled((*words).to_owned(), view.theme.warning)));
    let does = Hint::new("Enter confirms", Key::ENTER);
    let window = Popup {
        title: "Confirm",
        hints: &[[does.clone(), CLOSES].into(), [does].into()],
        columns,
    };
    let popup = window.place(lines.len(), layout);
    let buttons = window.draw(view, &popup, None, buf);
    for (line, index) in lines.into_iter().zip(0..) {
        line.render(panel::row(popup.inner, index), buf);
    }
    OverlayInfo::typed(None, buttons)
}

fn order_question(view: &Renderer, order: Estimate) -> (String, Style) {
    let count = format::thousands(i64::from(order.count));
    let tokens = format::pluralize(order.bound, "token");
    let (word, bound, style) = match order.side {
        Side::Buy => ("BUY", "at most", view.theme.buy),
        Side::Sell => ("SELL", "at least", view.theme.sell),
    };
    let words = match order.limit {
        Some(limit) => {
            let limit = format::thousands(i64::from(limit));
            format!("{word} {count} @ {limit} for {bound} {tokens}")
        }
        None => format!("{word} {count} for about {tokens}"),
    };
    (words, style)
}
