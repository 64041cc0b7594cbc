//! The order ticket: how many, and what a buy or a sell would do, before a key is pressed.
//!
//! Owns how the two sides are told apart: by word, by place (buy left, sell right) and by colour. What an order would
//! do is the ticket's to say. With a limit it says what the order comes to at the limit, and whether it would be
//! refused now.
//!
//! ```text
//! ╭ Order ───────────────────────╮
//! │ quantity               ◂ 2 ▸ │
//! │ ▐ b  BUY 2   ▌▐ s  SELL 2  ▌ │
//! │ costs 74      pays 74        │
//! │ leaves 1,130  makes 1,278    │
//! │ 14 stocks     10 stocks      │
//! ╰──────────────────────────────╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    View, button, format,
    layout::{Desk, Size},
    panel,
    status::Status,
    text,
};
use crate::app::{
    AppState,
    action::Action,
    connection::Liveness,
    money::Side,
    quantity::Quantity,
    screen::Button,
    ticket::{Limit, Preview},
};

/// Columns between the two sides.
const GAP: u16 = 2;

/// One side of the ticket, ready to be shown.
struct Half {
    /// What is on the button, from the wordiest wording on.
    labels: [String; 3],
    /// The button's style.
    button: Style,
    /// Lines under it, each from the wordiest wording on.
    lines: Vec<(Vec<String>, Style)>,
}

/// Draws the order ticket; gives back where its two sides can be clicked.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) -> Vec<Button> {
    if desk.size == Size::Small {
        return halves(view, state, desk.order.inner(Margin::new(1, 0)), true, buf);
    }
    let inner = panel::framed(view, "Order", None, desk.order, buf);
    quantity(view, state, panel::row(inner, 0), buf);
    let air = inner.height.saturating_sub(5).min(2);
    let halves_area = Rect {
        y: inner.y.saturating_add(1).saturating_add(air.min(1)),
        height: inner.height.saturating_sub(1).saturating_sub(air.min(1)),
        ..inner
    };
    halves(view, state, halves_area, false, buf)
}

/// The quantity, and the keys that change it.
fn quantity(view: &View, state: &AppState, area: Rect, buf: &mut Buffer) {
    let quantity = quantity_words(state);
    let mut figure = Line::from(vec![
        Span::styled("◂ ", view.theme.dim),
        Span::styled(quantity, view.theme.strong),
        Span::styled(" ▸", view.theme.dim),
    ]);
    if let Some(limit) = state.ticket.limit() {
        figure.push_span(Span::styled(
            format!(" {}", limit_words(limit)),
            view.theme.strong,
        ));
    }
    let [up, down, max, limit] = [Action::More, Action::Fewer, Action::Max, Action::Limit]
        .map(|action| panel::key_label(state, action));
    let longest = format!("quantity  0-9 {up} {down} {max}=max {limit}=limit");
    let long = format!("quantity  0-9 {up} {down} {max}=max");
    let room = usize::from(area.width).saturating_sub(figure.width().saturating_add(1));
    let label = text::fit(&[&longest, &long, "quantity"], room);
    panel::pair(view, &label, &[figure], area, buf);
}

/// The quantity as it was typed, or as it reads best.
fn quantity_words(state: &AppState) -> String {
    match state.ticket.quantity() {
        // `2.5k` stays what it was while it is being typed.
        Quantity::Count(_) if !state.ticket.typed().bytes().all(|byte| byte.is_ascii_digit()) => {
            state.ticket.typed().to_owned()
        }
        Quantity::Count(count) => format::grouped(i64::from(count)),
        Quantity::Max => "MAX".to_owned(),
        Quantity::Share(percent) => format!("{percent} %"),
        Quantity::Worth(dollars) => format::dollars(i64::from(dollars)),
    }
}

/// `@ 14`; `@ 14_` while it is being typed.
fn limit_words(limit: Limit) -> String {
    let price = match limit.price {
        0 => String::new(),
        price => format::grouped(i64::from(price)),
    };
    let cursor = if limit.is_typing { "_" } else { "" };
    format!("@ {price}{cursor}")
}

/// Buy on the left, sell on the right.
fn halves(view: &View, state: &AppState, area: Rect, in_one_line: bool, buf: &mut Buffer) -> Vec<Button> {
    let columns = area.width.saturating_sub(GAP) / 2;
    let left = Rect {
        width: columns,
        ..area
    };
    let right = Rect {
        x: area.right().saturating_sub(columns),
        width: columns,
        ..area
    };
    let mut buttons = Vec::new();
    for (side, area) in [(Side::Buy, left), (Side::Sell, right)] {
        buttons.push(button(action_of(side), panel::row(area, 0)));
        let columns = usize::from(area.width);
        let half = Half::of(view, state, side, in_one_line, columns);
        let labels = half.labels.each_ref().map(String::as_str);
        let label = text::fit(&labels, columns);
        let label = text::truncate(&label, columns);
        let air = u16::from(area.height > 4);
        panel::styled(format!("{label:^columns$}"), half.button).render(panel::row(area, 0), buf);
        for ((wordings, style), index) in half.lines.iter().zip(air.saturating_add(1)..) {
            let wordings: Vec<&str> = wordings.iter().map(String::as_str).collect();
            panel::styled(text::fit(&wordings, columns), *style).render(panel::row(area, index), buf);
        }
    }
    buttons
}

fn action_of(side: Side) -> Action {
    match side {
        Side::Buy => Action::Buy,
        Side::Sell => Action::Sell,
    }
}

impl Half {
    fn of(view: &View, state: &AppState, side: Side, in_one_line: bool, columns: usize) -> Self {
        let theme = &view.theme;
        let price = state.market.last().map(|last| last.price);
        let reckoned = |price| state.ticket.preview(side, price, &state.holdings);
        let now = price.and_then(reckoned);
        let limit = state.ticket.limit().filter(|limit| limit.price > 0);
        let preview = limit.map_or(now, |limit| reckoned(limit.price));
        let bound = limit.map_or("", |_| bound(side));
        let effect = || {
            let effect = preview.map(|preview| effect(side, &preview, bound));
            effect.unwrap_or_default()
        };
        let problem = problem(state, side, price, now);
        let button = match (&problem, side) {
            (Some(_), _) => theme.off,
            (None, Side::Buy) => theme.buy,
            (None, Side::Sell) => theme.sell,
        };
        // Reckoned at a price that may have moved on: the order would be executed at the price in force.
        let in_force = Status::of(view, state).in_force;
        let figures = if in_force { theme.text } else { theme.dim };
        let lines = match (problem, in_one_line) {
            (Some(words), true) => vec![(words, theme.warning)],
            (None, true) => vec![(in_short(side, preview, bound), figures)],
            (None, false) => effect().into_iter().map(|words| (words, figures)).collect(),
            (Some(words), false) => {
                let total = effect().into_iter().take(1).map(|words| (words, theme.dim));
                let words = words.into_iter().next().unwrap_or_default();
                let wrapped = text::wrap(&words, columns, 0).into_iter();
                let wrapped = wrapped.map(|words| (vec![words], theme.warning));
                let way_out = way_out(state, side, now).map(|words| (vec![words], theme.dim));
                total.chain(wrapped).chain(way_out).collect()
            }
        };
        Self {
            labels: labels(state, side, now),
            button,
            lines,
        }
    }
}

/// What is on the button, from the wordiest wording on: the key, the side, how many, at which limit.
fn labels(state: &AppState, side: Side, preview: Option<Preview>) -> [String; 3] {
    let word = match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    };
    let count = preview.map_or_else(String::new, |preview| {
        format!(" {}", format::grouped(i64::from(preview.count)))
    });
    let limit = state.ticket.limit();
    let limit = limit.map_or_else(String::new, |limit| format!(" {}", limit_words(limit)));
    let key = panel::key_label(state, action_of(side));
    [
        format!("{key}  {word}{count}{limit}"),
        format!("{key} {word}{count}{limit}"),
        format!("{key}  {word}{count}"),
    ]
}

/// What helps a player who has too few tokens.
fn way_out(state: &AppState, side: Side, preview: Option<Preview>) -> Option<String> {
    let lacks_tokens = side == Side::Buy && preview.is_some_and(|preview| !preview.suffices());
    lacks_tokens.then(|| format!("{} buys tokens", panel::key_label(state, Action::BuyTokens)))
}

/// What an amount is that is reckoned at the limit of an order.
fn bound(side: Side) -> &'static str {
    match side {
        Side::Buy => "at most ",
        Side::Sell => "at least ",
    }
}

/// In words, why the limit would have the order held back or refused now.
fn limit_problem(state: &AppState, side: Side, price: i32) -> Option<Vec<String>> {
    let limit = state.ticket.limit()?;
    let words: &[&str] = match (limit.price, state.company.told.limits) {
        (0, _) => &["type the limit's price", "no limit yet"],
        (_, false) => &["no limits at this casino", "no limits here"],
        (_, true) if limit.allows(side, price) => return None,
        (limit, true) => {
            let (price, limit) = (
                format::grouped(i64::from(price)),
                format::grouped(i64::from(limit)),
            );
            let word = match side {
                Side::Buy => "above",
                Side::Sell => "below",
            };
            return Some(vec![
                format!("{price} is {word} {limit}: refused"),
                format!("{price} is {word} {limit}"),
                format!("{word} {limit}"),
            ]);
        }
    };
    Some(words.iter().map(|words| (*words).to_owned()).collect())
}

/// In words, why the order would not pass, as far as is known here.
fn problem(
    state: &AppState,
    side: Side,
    price: Option<i32>,
    preview: Option<Preview>,
) -> Option<Vec<String>> {
    let said = |words: &[&str]| Some(words.iter().map(|words| (*words).to_owned()).collect());
    match state.connection.liveness(state.now, state.market.interval_ms()) {
        Liveness::Live => {}
        Liveness::Stale { .. } => return said(&["the price is stale", "stale price"]),
        Liveness::Barred | Liveness::Left => return said(&["not seated"]),
        Liveness::Connecting | Liveness::Reconnecting { .. } => return said(&["not connected"]),
    }
    let Some(price) = price else {
        return said(&["no price yet"]);
    };
    if let Some(words) = limit_problem(state, side, price) {
        return Some(words);
    }
    let Some(preview) = preview else {
        return match side {
            Side::Buy => said(&["tokens not known"]),
            Side::Sell => said(&["stocks not known"]),
        };
    };
    let short = |left: Option<i64>, unit: &str| {
        let lacking = left.filter(|left| *left < 0)?.saturating_neg();
        let number = format::grouped(lacking);
        Some(vec![
            format!("short of {}", format::counted(lacking, unit)),
            format!("short of {number}"),
            format!("{number} short"),
        ])
    };
    if let Some(words) = short(preview.tokens_after, "token").or_else(|| short(preview.stocks_after, "stock"))
    {
        return Some(words);
    }
    match (preview.count > 0, state.ticket.quantity(), side) {
        (true, ..) => None,
        (false, Quantity::Count(_), _) => said(&["no quantity"]),
        (false, Quantity::Worth(_), _) => said(&["less than one stock", "too little"]),
        (false, Quantity::Max | Quantity::Share(_), Side::Buy) => {
            said(&["too few tokens for one", "too few tokens"])
        }
        (false, Quantity::Max | Quantity::Share(_), Side::Sell) => said(&["no stocks to sell", "no stocks"]),
    }
}

/// What the order would do: what it costs or pays, tokens and stocks afterwards. `bound`: what the amounts are.
fn effect(side: Side, preview: &Preview, bound: &str) -> Vec<Vec<String>> {
    let (total_word, tokens_word, stocks_word) = match side {
        Side::Buy => ("costs", "leaves", "makes"),
        Side::Sell => ("pays", "makes", "leaves"),
    };
    let line = |word: &str, amount: i64, unit: &str, number_says_all: bool| {
        let number = format::grouped(amount);
        let counted = format::counted(amount, unit);
        let shorter = if number_says_all {
            format!("{word} {number}")
        } else {
            counted.clone()
        };
        vec![format!("{word} {counted}"), shorter, number]
    };
    let mut total = line(
        format!("{total_word} {bound}").trim_end(),
        preview.total,
        "token",
        true,
    );
    if !bound.is_empty() {
        total.insert(2, format!("{bound}{}", format::grouped(preview.total)));
    }
    let mut lines = vec![total];
    // At the limit it may be more than there is, while it is not at the price in force.
    let after = preview.tokens_after.filter(|tokens| *tokens >= 0);
    lines.extend(after.map(|tokens| line(tokens_word, tokens, "token", true)));
    lines.extend(
        preview
            .stocks_after
            .map(|stocks| line(stocks_word, stocks, "stock", false)),
    );
    lines
}

/// Total and tokens afterwards in one line.
fn in_short(side: Side, preview: Option<Preview>, bound: &str) -> Vec<String> {
    let Some(preview) = preview else {
        return Vec::new();
    };
    let total = format::grouped(preview.total);
    let (word, then) = match side {
        Side::Buy => ("costs", "leaves"),
        Side::Sell => ("pays", "makes"),
    };
    let total = format!("{bound}{total}");
    let alone = format!("{word} {total}");
    let after = preview.tokens_after.filter(|tokens| *tokens >= 0);
    match after.map(format::grouped) {
        Some(after) => vec![
            format!("{word} {total}, {then} {after}"),
            format!("{total}, {then} {after}"),
            alone,
            total,
        ],
        None => vec![alone, total],
    }
}
