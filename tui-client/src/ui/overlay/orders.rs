//! Open orders, oldest first: those that rest at the casino. Then how earlier ones ended.
//!
//! ```text
//! ╭ Open orders ────────────────────────────────────────────────────────╮
//! │ ▸ BUY    5  limit 95  8 below the price   2026-11-22 14:01:02       │
//! │   SELL   3  stop 80   23 below the price  2026-11-22 14:02:02       │
//! │                                                                     │
//! │ ENDED, NEWEST FIRST                                                 │
//! │ 14:01:22  filled: BUY 2 limit 90, at 89                             │
//! ╰ c cancels  Enter moves it on the chart  Esc closes ─────────────────╯
//! ```

use std::cmp::Ordering;

use ratatui::text::{Line, Span};

use crate::app::AppState;
use crate::app::commands::action::Action;
use crate::app::commands::key::Key;
use crate::app::portfolio::open_orders::{self, EndReason, OrderEnd, RestingOrder};
use crate::ui::Renderer;
use crate::ui::layout::MainLayout;
use crate::ui::panels::toast;
use crate::ui::text::{self, format};
use crate::ui::widgets::hint::{CLOSES, Hint, Hints};
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{Popup, TextWindow, text_columns};

const MAX_COLUMNS: usize = 72;

/// Follows a distance where there is room.
const OF_PRICE: &str = " the price";

const MAX_ENDED: usize = 20;

pub(crate) fn window(view: &Renderer, state: &AppState, layout: &MainLayout) -> TextWindow {
    let columns = text_columns(layout, MAX_COLUMNS);
    let heading = |text: &'static str| panel::styled(text, view.theme.title);
    let mut lines = open_lines(view, state, columns);
    if state.orders.ended().len() > 0 {
        lines.extend([Line::default(), heading("ENDED, NEWEST FIRST")]);
        let newest = state.orders.ended().rev().take(MAX_ENDED);
        lines.extend(newest.flat_map(|order| ended_lines(view, state, order, columns)));
    }
    let title = match state.lobby.is_in_round() {
        true => open_orders::OF_OWN_ACCOUNT,
        false => "Open orders",
    };
    let popup = Popup::new(title, hints(state), columns).with_message(toast::newest(state));
    TextWindow { popup, lines }
}

fn hints(state: &AppState) -> Vec<Hints> {
    let cancels = Hint::new("c cancels", Key::char('c'));
    let moves = Hint::new("Enter moves it on the chart", Key::ENTER);
    match state.orders.selection() {
        Some(_) => vec![
            [cancels.clone(), moves, CLOSES].into(),
            [cancels.clone(), Hint::new("Enter moves", Key::ENTER), CLOSES].into(),
            [cancels, CLOSES].into(),
            [CLOSES].into(),
        ],
        None if state.orders.open().is_empty() => vec![[CLOSES].into()],
        None => vec![
            [CLOSES, Hint::without_key("arrows select")].into(),
            [CLOSES].into(),
        ],
    }
}

/// Count, price and distance of the open orders.
struct OrderTexts {
    rows: Vec<[String; 3]>,
    /// Columns of the longest text of each kind.
    widths: [usize; 3],
    /// Most columns of a number.
    number: usize,
}

impl OrderTexts {
    /// Shortens the distance if the time would not fit `columns`, and numbers if side, count and price would not.
    fn fitting(state: &AppState, columns: usize) -> Self {
        let [longest, long] = [OF_PRICE, ""].map(|of_price| Self::new(state, usize::MAX, of_price));
        let [count, price, distance] = longest.widths;
        let terms = text::width("▸ SELL   ") + count + price;
        if terms + distance + text::width("    2026-11-22 14:01:02") <= columns {
            longest
        } else if terms <= columns {
            long
        } else {
            Self::new(state, format::COMPACT_COLUMNS, "")
        }
    }

    /// `of_price` follows each distance.
    fn new(state: &AppState, number: usize, of_price: &str) -> Self {
        let row = |order: &RestingOrder| {
            [
                format::compact(order.count, number),
                format::condition(order.condition, number),
                distance(state, order, number, of_price),
            ]
        };
        let rows: Vec<[String; 3]> = state.orders.open().iter().map(row).collect();
        let widest = |kind: usize| rows.iter().map(|row| text::width(&row[kind])).max();
        Self {
            widths: [0, 1, 2].map(|kind| widest(kind).unwrap_or(0)),
            rows,
            number,
        }
    }
}

/// Returns side, count and price of each order, and the distance and the time if they fit.
fn open_lines(view: &Renderer, state: &AppState, columns: usize) -> Vec<Line<'static>> {
    let orders = state.orders.open();
    if orders.is_empty() {
        return panel::wrapped(&introduction(state), columns, 0, view.theme.dim).collect();
    }
    let texts = OrderTexts::fitting(state, columns);
    let [count_columns, price_columns, distance_columns] = texts.widths;
    let selected = state.orders.selected_index();
    let rows = orders.iter().zip(texts.rows).enumerate();
    let lines = rows.map(|(index, (order, [count, price, distance]))| {
        let (sign, style) = match selected == Some(index) {
            true => ("▸", view.theme.accent),
            false => (" ", view.theme.text),
        };
        let side = order.side.word().to_ascii_uppercase();
        let what = format!("{sign} {side:<4} {count:>count_columns$}  {price:<price_columns$}");
        let distance = match state.orders.moves_to(order.id) {
            Some(price) => format!("moves to {}", format::compact(price, texts.number)),
            None => distance,
        };
        let distance = format!("  {distance:<distance_columns$}");
        let placed = format!("  {}", format::date_time(order.placed, &view.zone));
        let mut line = Line::from(Span::styled(what, style));
        for (text, style) in [(distance, style), (placed, view.theme.dim)] {
            if line.width() + text::width(&text) <= columns {
                line.push_span(Span::styled(text, style));
            }
        }
        line
    });
    lines.collect()
}

/// Explains how to place the first order, or why that is not possible.
fn introduction(state: &AppState) -> String {
    if let Some(reason) = state.not_offered(Action::Rest) {
        return format!("No open orders: {reason}.");
    }
    let [rest, buy, sell] =
        [Action::Rest, Action::Buy, Action::Sell].map(|action| panel::key_label(state, action));
    format!(
        "No open orders. To place one, press {rest}, type a price, then press {buy} or {sell}: the order rests at the casino \
         until a price meets it or you cancel it. A second {rest} makes it a stop order."
    )
}

/// Returns the distance of an order from the price: a number of at most `columns`, and `below` or `above` with `of_price`.
fn distance(state: &AppState, order: &RestingOrder, columns: usize, of_price: &str) -> String {
    let Some(last) = state.market.last() else {
        return String::new();
    };
    let by = i64::from(order.condition.price).saturating_sub(i64::from(last.price));
    let away = format::compact(by.saturating_abs(), columns);
    match by.cmp(&0) {
        Ordering::Less => format!("{away} below{of_price}"),
        Ordering::Equal => "at the price".to_owned(),
        Ordering::Greater => format!("{away} above{of_price}"),
    }
}

fn ended_lines(
    view: &Renderer,
    state: &AppState,
    order: &RestingOrder,
    columns: usize,
) -> Vec<Line<'static>> {
    let (Some(OrderEnd { at, reason, .. }), Some(outcome)) = (&order.end, order.outcome()) else {
        return Vec::new();
    };
    let style = match reason {
        EndReason::Filled(_) => view.theme.text,
        EndReason::Cancelled => view.theme.dim,
        EndReason::Rejected(_) => view.theme.warning,
    };
    let time = format!("{}  ", format::timestamp(*at, state.now, &view.zone));
    let room = columns.saturating_sub(text::width(&time));
    let wrapped = text::wrap(&text::sanitize(&outcome), room, 2);
    panel::hanging(Span::styled(time, view.theme.dim), wrapped, style).collect()
}
