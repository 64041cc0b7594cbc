//! Confirmation of a large order or payment, with figures at the current price, or of the end of a game that counts.
//!
//! ```text
//! ╭ Confirm ───────────────────────────╮
//! │ BUY 50 stocks at about 10          │
//! │ you pay about 500 tokens           │
//! │ you have 500 tokens                │
//! ╰ Enter confirms  Esc closes ────────╯
//! ```

use awesomestock_proto::values::Trigger;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::AppState;
use crate::app::commands::command::Command;
use crate::app::commands::key::Key;
use crate::app::portfolio::money::{Side, TOKENS_PER_DOLLAR};
use crate::app::portfolio::order::{Condition, Terms};
use crate::app::portfolio::ticket::Estimate;
use crate::ui::Renderer;
use crate::ui::layout::MainLayout;
use crate::ui::panels::ticket;
use crate::ui::text::format;
use crate::ui::widgets::hint::{CLOSES, Hint};
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{Popup, TextWindow, text_columns};

const MAX_COLUMNS: usize = 44;

pub(crate) fn window(view: &Renderer, state: &AppState, command: Command, layout: &MainLayout) -> TextWindow {
    let columns = text_columns(layout, MAX_COLUMNS);
    let does = Hint::new("Enter confirms", Key::ENTER);
    let popup = Popup::new("Confirm", [[does.clone(), CLOSES].into(), [does].into()], columns);
    let lines = match command {
        Command::Exit => leave_question(view, columns),
        _ => question(view, state, command, columns),
    };
    TextWindow { popup, lines }
}

/// Returns the question about an order or a payment, with what the player has.
fn question(view: &Renderer, state: &AppState, command: Command, columns: usize) -> Vec<Line<'static>> {
    let price = state.market.price();
    let order = price.and_then(|price| Estimate::new(command, price, &state.holdings));
    let (question, style) = match (order.zip(price), command) {
        (Some((order, price)), _) => order_question(view, order, price),
        (None, Command::Withdraw(tokens)) => (withdrawal_question(i64::from(tokens)), view.theme.strong),
        (None, _) => (vec!["the order is not known yet".to_owned()], view.theme.dim),
    };
    let held = match order.map(|order| order.side) {
        Some(Side::Sell) => state.holdings.wallet().map(|wallet| (wallet.stocks, "stock")),
        Some(Side::Buy) | None => state.holdings.tokens().map(|tokens| (tokens, "token")),
    };
    let held = held.map_or_else(
        || format::UNKNOWN.to_owned(),
        |(count, unit)| format::pluralize(count, unit),
    );
    let held = format!("you have {held}");
    let mut lines: Vec<_> = question
        .iter()
        .flat_map(|line| panel::wrapped(line, columns, 2, style))
        .collect();
    lines.push(panel::styled(held, view.theme.dim));
    let problem = ticket::connection_problem(state).and_then(|text| text.first());
    lines.extend(problem.map(|text| panel::styled((*text).to_owned(), view.theme.warning)));
    lines
}

fn order_question(view: &Renderer, order: Estimate, price: i32) -> (Vec<String>, Style) {
    let stocks = format::pluralize(order.count, "stock");
    let is_met = |condition: Condition| condition.is_met(order.side, price);
    let is_met = order.terms.condition().is_some_and(is_met);
    let tokens = format::pluralize(if is_met { order.total } else { order.bound }, "token");
    let (word, effect, bound, style) = match order.side {
        Side::Buy => ("BUY", "you pay", "at most", view.theme.buy),
        Side::Sell => ("SELL", "you get", "at least", view.theme.sell),
    };
    let (when, bound) = match order.terms {
        Terms::Market => (format!("at about {}", format::thousands(price)), "about"),
        Terms::Rest(_) if is_met => (format!("at once, at about {}", format::thousands(price)), "about"),
        Terms::Rest(condition) => {
            let prices = condition.prices(order.side);
            let bound = match condition.trigger {
                Trigger::Stop => "about",
                Trigger::Limit => bound,
            };
            (format!("when the price is {prices}, until cancelled"), bound)
        }
        Terms::Limit(limit) => (format!("limit {}", format::thousands(limit)), bound),
    };
    let lines = vec![
        format!("{word} {stocks} {when}"),
        format!("{effect} {bound} {tokens}"),
    ];
    (lines, style)
}

/// Returns the question of a challenge that counts.
fn leave_question(view: &Renderer, columns: usize) -> Vec<Line<'static>> {
    let lines = [
        ("end the game now?", view.theme.strong),
        (
            "its result counts, with your stocks held to the last tick",
            view.theme.text,
        ),
        ("later games are practice", view.theme.text),
    ];
    let wrapped = lines
        .into_iter()
        .flat_map(|(text, style)| panel::wrapped(text, columns, 2, style));
    wrapped.collect()
}

fn withdrawal_question(tokens: i64) -> Vec<String> {
    let dollars = tokens.checked_div(TOKENS_PER_DOLLAR).unwrap_or(0);
    vec![
        format!("WITHDRAW {}", format::pluralize(tokens, "token")),
        format!("you get {}", format::dollars(dollars)),
    ]
}
