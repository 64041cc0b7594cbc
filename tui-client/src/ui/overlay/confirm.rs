//! The question before something large is done.
//!
//! Owns the words of the question. What is large, and what an answer does, the reducer says.
//!
//! ```text
//! ╭ Sure? ─────────────────────────────╮
//! │ BUY 50 for about 500 tokens        │
//! │ you have 500 tokens                │
//! ╰ Enter does it  Esc closes ─────────╯
//! ```

use ratatui::{buffer::Buffer, widgets::Widget};

use super::{CLOSES, Hint, Window, text_columns};
use crate::{
    app::{command::Command, key::Key, money::Side, overlay::Confirm},
    ui::{Top, View, format, layout::Desk, panel, text},
};

/// Most columns of a line.
const MAX_COLUMNS: usize = 44;

/// Draws the question.
pub(super) fn draw(view: &View, asked: &Confirm, desk: &Desk, buf: &mut Buffer) -> Top {
    let columns = text_columns(desk, MAX_COLUMNS);
    let tokens = format::counted(asked.tokens, "token");
    let count = |count: i32| format::grouped(i64::from(count));
    let (question, style) = match asked.command {
        Command::Buy(stocks) => (
            format!("BUY {} for about {tokens}", count(stocks)),
            view.theme.buy,
        ),
        Command::Sell(stocks) => (
            format!("SELL {} for about {tokens}", count(stocks)),
            view.theme.sell,
        ),
        Command::Limited(side, stocks, limit) => {
            let (word, bound, style) = match side {
                Side::Buy => ("BUY", "at most", view.theme.buy),
                Side::Sell => ("SELL", "at least", view.theme.sell),
            };
            let (stocks, limit) = (count(stocks), count(limit));
            let words = format!("{word} {stocks} @ {limit} for {bound} {tokens}");
            (words, style)
        }
        _ => (format!("WITHDRAW {tokens}"), view.theme.strong),
    };
    let held = format!("you have {}", format::counted(i64::from(asked.held), "token"));
    let mut lines: Vec<_> = text::wrap(&question, columns, 2)
        .into_iter()
        .map(|line| panel::styled(line, style))
        .collect();
    lines.push(panel::styled(held, view.theme.dim));
    let does = Hint::new("Enter does it", Key::ENTER);
    let window = Window {
        title: "Sure?",
        hints: &[[does.clone(), CLOSES].into(), [does].into()],
        wanted: (columns, lines.len()),
    };
    let placed = window.place(desk);
    let buttons = window.draw(view, &placed, None, buf);
    for (line, index) in lines.into_iter().zip(0..) {
        line.render(panel::row(placed.inner, index), buf);
    }
    Top::typed(None, buttons)
}
