//! Order ticket: the quantity, and a preview of buy (left) and sell (right). With a limit, amounts are
//! calculated at the limit, and a limit that would be rejected now is reported. For a resting order, it shows when the
//! order executes.
//!
//! ```text
//! ╭ Order ───────────────────────╮
//! │ quantity               ◂ 2 ▸ │
//! │ ▐ b  BUY 2   ▌▐ s  SELL 2  ▌ │
//! │ cost: 74       proceeds: 74  │
//! │ balance: 1,130 balance: 1,278│
//! │ 14 stocks      10 stocks     │
//! ╰──────────────────────────────╯
//! ```

use awesomestock_proto::values::Trigger;
use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::{Fill, Length};
use ratatui::layout::{Flex, Layout, Margin, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Widget;

use super::connection;
use crate::app::AppState;
use crate::app::commands::action::Action;
use crate::app::connection::ConnectionStatus;
use crate::app::overlay::screen::{ClickAction, ClickTarget};
use crate::app::portfolio::money::Side;
use crate::app::portfolio::quantity::Quantity;
use crate::app::portfolio::ticket::{Limit, Preview};
use crate::ui::layout::{LayoutSize, MainLayout};
use crate::ui::text::format::{self, COMPACT_COLUMNS};
use crate::ui::widgets::panel;
use crate::ui::{Renderer, clickable, text};

const GAP: u16 = 2;

/// Draws the ticket and returns the clickable areas of its two buttons.
pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    layout: &MainLayout,
    buf: &mut Buffer,
) -> Vec<ClickTarget> {
    if layout.size == LayoutSize::Small {
        return draw_sides(view, state, layout.ticket.inner(Margin::new(1, 0)), true, buf);
    }
    let inner = panel::framed(view, "Order", None, layout.ticket, buf);
    let gap = u16::from(inner.height > 5);
    let [quantity_area, _, sides] = inner.layout(&Layout::vertical([Length(1), Length(gap), Fill(1)]));
    quantity(view, state, quantity_area, buf);
    draw_sides(view, state, sides, false, buf)
}

fn quantity(view: &Renderer, state: &AppState, area: Rect, buf: &mut Buffer) {
    let theme = &view.theme;
    let figure = |columns, form: usize| {
        let mut figure = Line::from(vec![
            Span::styled("◂ ", theme.dim),
            Span::styled(quantity_text(state, columns), theme.strong),
            Span::styled(" ▸", theme.dim),
        ]);
        if let Some(limit) = state.ticket.limit() {
            let limit = &limit_texts(limit, columns)[form];
            figure.push_span(Span::styled(format!(" {limit}"), theme.strong));
        }
        figure
    };
    let figures = [
        figure(usize::MAX, 0),
        figure(COMPACT_COLUMNS, 0),
        figure(COMPACT_COLUMNS, 1),
    ];
    let [up, down, max, limit] = [Action::More, Action::Fewer, Action::Max, Action::Limit]
        .map(|action| panel::key_label(state, action));
    let long = format!("quantity  0-9 {up} {down} {max}=max");
    let longer = format!("{long} {limit}=limit");
    let longest = match state.not_offered(Action::Rest).is_none() {
        true => format!("{longer} {}=rest", panel::key_label(state, Action::Rest)),
        false => longer.clone(),
    };
    let room = usize::from(area.width).saturating_sub(figures[0].width() + 1);
    let labels = [longest.as_str(), &longer, &long, "quantity", "qty", ""];
    let label = text::fit(&labels, room);
    panel::draw_labeled(view, &label, &figures, area, buf);
}

/// Returns the quantity as typed, or formatted in at most `columns`.
fn quantity_text(state: &AppState, columns: usize) -> String {
    match state.ticket.quantity() {
        // Keeps `2.5k` as it is while it is typed.
        Quantity::Count(_) if !state.ticket.typed().bytes().all(|byte| byte.is_ascii_digit()) => {
            state.ticket.typed().to_owned()
        }
        Quantity::Count(count) => format::compact(count, columns),
        Quantity::Max => "MAX".to_owned(),
        Quantity::Share(percent) => format!("{percent} %"),
        Quantity::Worth(dollars) => format::dollars(i64::from(dollars)),
    }
}

/// Returns `limit 14`, or `limit 14_` while it is typed, and `limit 14 rests` or `stop 14 rests` of an order that rests; then
/// short as `@ 14 rests`, and `@ 14`. The price has at most `columns`.
fn limit_texts(limit: Limit, columns: usize) -> [String; 3] {
    let price = match limit.price {
        0 => String::new(),
        price => format::compact(price, columns),
    };
    let cursor = if limit.is_typing { "_" } else { "" };
    let rests = if limit.rest.is_some() { " rests" } else { "" };
    let (word, short) = match limit.rest {
        None | Some(Trigger::Limit) => ("limit", "@"),
        Some(Trigger::Stop) => ("stop", "stop"),
    };
    [
        format!("{word} {price}{cursor}{rests}"),
        format!("{short} {price}{cursor}{rests}"),
        format!("{short} {price}{cursor}"),
    ]
}

fn draw_sides(
    view: &Renderer,
    state: &AppState,
    area: Rect,
    compact: bool,
    buf: &mut Buffer,
) -> Vec<ClickTarget> {
    let columns = area.width.saturating_sub(GAP) / 2;
    let halves = Layout::horizontal([Length(columns); 2]).flex(Flex::SpaceBetween);
    let sides = [Side::Buy, Side::Sell].into_iter().zip(area.layout::<2>(&halves));
    sides
        .map(|(side, area)| {
            Text::from(side_lines(view, state, side, compact, area)).render(area, buf);
            clickable(ClickAction::Act(action_of(side)), panel::row(area, 0))
        })
        .collect()
}

fn action_of(side: Side) -> Action {
    match side {
        Side::Buy => Action::Buy,
        Side::Sell => Action::Sell,
    }
}

/// Returns the button, and the preview or the reason why the order would be rejected.
fn side_lines(
    view: &Renderer,
    state: &AppState,
    side: Side,
    compact: bool,
    area: Rect,
) -> Vec<Line<'static>> {
    let theme = &view.theme;
    let columns = usize::from(area.width);
    let fit = |variants: &[String], style| panel::fitted(variants, columns, style);
    let price = state.market.price();
    let now = price.and_then(|price| state.ticket.preview(side, price, &state.holdings));
    let (preview, qualifier) = preview_at_limit(state, side, now);
    let problem = problem(state, side, price, now, columns);
    let button = match side {
        _ if problem.is_some() => theme.off,
        Side::Buy => theme.buy,
        Side::Sell => theme.sell,
    };
    // The preview uses the last price, but the server executes at the current one.
    let is_current = connection::is_current(state);
    let figures = if is_current { theme.text } else { theme.dim };
    let labels = labels(state, side, now);
    let label = text::fit(&labels, columns);
    let mut lines = vec![panel::styled(format!("{label:^columns$}"), button)];
    if area.height > 4 {
        lines.push(Line::default());
    }
    let rows = usize::from(area.height).saturating_sub(lines.len());
    let rest = price.and_then(|price| rest_text(state, side, price, columns, rows));
    let effect = preview.map(|preview| effect(side, preview, qualifier, columns));
    let effect = effect.unwrap_or_default();
    let total = || effect.first().map(|variants| fit(variants, theme.dim));
    match (problem, rest, compact) {
        (Some(text), _, true) => lines.push(fit(&text, theme.warning)),
        (None, Some(text), _) => {
            lines.extend(text.into_iter().map(|text| panel::styled(text, figures)));
            lines.extend(total());
        }
        (None, None, true) => {
            let effect = preview.map(|preview| compact_effect(side, preview, qualifier, columns));
            lines.extend(effect.map(|variants| fit(&variants, figures)));
        }
        (None, None, false) => lines.extend(effect.iter().map(|variants| fit(variants, figures))),
        (Some(text), _, false) => {
            lines.extend(total());
            let rows = usize::from(area.height).saturating_sub(lines.len());
            let wrapped = wrap_fitting(&text, columns, rows).into_iter();
            lines.extend(wrapped.map(|text| panel::styled(text, theme.warning)));
            let hint = buy_tokens_hint(state, side, now);
            lines.extend(hint.map(|text| fit(&[text], theme.dim)));
        }
    }
    lines
}

/// Returns the preview at the limit, or else that at the current price, `now`, and what qualifies its total, long and short.
fn preview_at_limit(
    state: &AppState,
    side: Side,
    now: Option<Preview>,
) -> (Option<Preview>, [&'static str; 2]) {
    let Some(limit) = state.ticket.limit().filter(|limit| limit.price > 0) else {
        return (now, [""; 2]);
    };
    let is_stop = limit.rest == Some(Trigger::Stop);
    let qualifier = match side {
        _ if is_stop => ["about "; 2],
        Side::Buy => ["at most ", "max "],
        Side::Sell => ["at least ", "min "],
    };
    // A stop that is met executes at the current price.
    if is_stop && executes_at_once(state, side, state.market.price()) {
        return (now, qualifier);
    }
    let at_limit = state.ticket.preview(side, limit.price, &state.holdings);
    (at_limit, qualifier)
}

/// Returns when an order that rests executes, in at most `rows` lines; `None` for other orders.
fn rest_text(state: &AppState, side: Side, price: i32, columns: usize, rows: usize) -> Option<Vec<String>> {
    let condition = state.ticket.terms().condition()?;
    let prices = condition.prices(side);
    let compact = format::compact(condition.price, COMPACT_COLUMNS);
    let variants = match condition.is_met(side, price) {
        true => {
            let price = format::thousands(price);
            vec![
                format!("at once: the price is {price}"),
                format!("at once, at {price}"),
                "at once".to_owned(),
            ]
        }
        false => vec![
            format!("when the price is {prices}, until cancelled"),
            format!("at {prices}, until cancelled"),
            format!("at {prices}"),
            format!("at {compact} {}", condition.or_beyond(side)),
        ],
    };
    Some(wrap_fitting(&variants, columns, rows))
}

/// Wraps the first variant that fits without a broken word, or else truncates the last one.
fn wrap_fitting(variants: &[String], columns: usize, rows: usize) -> Vec<String> {
    let has_room = |text: &&String| text.split(' ').all(|word| text::width(word) <= columns);
    let whole = variants.iter().filter(has_room);
    let fitting = whole
        .map(|text| text::wrap(text, columns, 0))
        .find(|lines| lines.len() <= rows);
    fitting.unwrap_or_else(|| vec![text::fit(variants, columns).into_owned()])
}

/// Returns button texts, longest first: key, side, count and limit.
fn labels(state: &AppState, side: Side, preview: Option<Preview>) -> Vec<String> {
    let word = side.word().to_ascii_uppercase();
    let [count, compact] = [usize::MAX, COMPACT_COLUMNS].map(|columns| {
        let count = preview.map(|preview| format::compact(preview.count, columns));
        count.map_or_else(String::new, |count| format!(" {count}"))
    });
    let key = panel::key_label(state, action_of(side));
    let limits = state.ticket.limit().into_iter();
    let limits = limits.flat_map(|limit| limit_texts(limit, usize::MAX));
    let with_limit = limits.flat_map(|limit| {
        let text = format!("{word}{count} {limit}");
        [format!("{key}  {text}"), format!("{key} {text}")]
    });
    let without = [
        format!("{key}  {word}{count}"),
        format!("{word}{count}"),
        format!("{key} {word}{compact}"),
        format!("{word}{compact}"),
    ];
    with_limit.chain(without).collect()
}

/// Returns a hint for a player with too few tokens.
fn buy_tokens_hint(state: &AppState, side: Side, preview: Option<Preview>) -> Option<String> {
    let lacks_tokens = side == Side::Buy && preview.is_some_and(|preview| !preview.suffices());
    let is_offered = lacks_tokens && state.not_offered(Action::BuyTokens).is_none();
    is_offered.then(|| format!("{} buys tokens", panel::key_label(state, Action::BuyTokens)))
}

fn owned(text: &[&str]) -> Vec<String> {
    text.iter().map(|text| (*text).to_owned()).collect()
}

/// Returns the reason why the client or the server would reject the limit now.
fn limit_problem(state: &AppState, side: Side, price: i32) -> Option<Vec<String>> {
    let limit = state.ticket.limit()?;
    if limit.price == 0 {
        return Some(match limit.rest {
            None | Some(Trigger::Limit) => owned(&["enter the limit price", "no limit price"]),
            Some(Trigger::Stop) => owned(&["enter the stop price", "no stop price"]),
        });
    }
    if limit.rest.is_some() {
        let reason = state.not_offered(Action::Rest);
        return reason.map(|reason| vec![reason, "orders cannot rest".to_owned()]);
    }
    if !state.lobby.capabilities.limits {
        return Some(owned(&["no limit orders here", "no limit orders"]));
    }
    if limit.allows(side, price) {
        return None;
    }
    let [price, limit] = [price, limit.price].map(format::thousands);
    let word = match side {
        Side::Buy => "above",
        Side::Sell => "below",
    };
    Some(vec![
        format!("price {word} limit"),
        format!("{price} {word} {limit}"),
        format!("{word} {limit}"),
    ])
}

/// Returns the reason why no order can be executed now, longest first.
pub(crate) fn connection_problem(state: &AppState) -> Option<&'static [&'static str]> {
    match state.connection.status(state.now, state.market.interval_ms()) {
        ConnectionStatus::Live => None,
        ConnectionStatus::Stale { .. } => Some(&["price is stale", "stale price"]),
        ConnectionStatus::Rejected | ConnectionStatus::Disconnected => Some(&["not at the table"]),
        ConnectionStatus::Connecting | ConnectionStatus::Reconnecting { .. } => Some(&["not connected"]),
    }
}

/// Returns true if the order would not rest.
fn executes_at_once(state: &AppState, side: Side, price: Option<i32>) -> bool {
    let condition = state.ticket.terms().condition();
    condition.is_none_or(|condition| price.is_some_and(|price| condition.is_met(side, price)))
}

/// Returns the reason why the order would be rejected, if it is known here.
fn problem(
    state: &AppState,
    side: Side,
    price: Option<i32>,
    preview: Option<Preview>,
    columns: usize,
) -> Option<Vec<String>> {
    let reason = |text: &[&str]| Some(owned(text));
    if let Some(text) = connection_problem(state) {
        return reason(text);
    }
    let Some(price) = price else {
        return reason(&["no price yet"]);
    };
    if let Some(text) = limit_problem(state, side, price) {
        return Some(text);
    }
    let Some(preview) = preview else {
        return match side {
            Side::Buy => reason(&["balance unknown"]),
            Side::Sell => reason(&["position unknown"]),
        };
    };
    // The balance counts when the price is met.
    let rests = !executes_at_once(state, side, Some(price));
    for (left, unit) in [(preview.tokens_after, "token"), (preview.stocks_after, "stock")] {
        if let Some(lacking) = left.filter(|left| *left < 0 && !rests).map(i64::saturating_neg) {
            let number = format::thousands(lacking);
            let plural = if lacking == 1 { "" } else { "s" };
            let compact = format::compact_up(lacking, columns.saturating_sub(" short".len()));
            let mut texts = vec![
                format!("need {number} more {unit}{plural}"),
                format!("{number} {unit}{plural} short"),
                format!("need {number} more"),
                format!("{number} short"),
                format!("{compact} short"),
                format!("not enough {unit}s"),
            ];
            // In one line, as the figures are: not with the unit alone in the next one.
            let fits = |text: &String| text::width(text) <= columns;
            texts.drain(..texts.iter().position(fits).unwrap_or(0));
            return Some(texts);
        }
    }
    match (state.ticket.quantity(), side) {
        _ if preview.count > 0 => None,
        (Quantity::Count(_), _) => reason(&["quantity is 0"]),
        (Quantity::Worth(_), _) => reason(&["less than one stock", "too little"]),
        (Quantity::Max | Quantity::Share(_), Side::Buy) => reason(&["not enough tokens", "too few tokens"]),
        (Quantity::Max | Quantity::Share(_), Side::Sell) => reason(&["no stocks to sell", "no stocks"]),
    }
}

/// Returns the format of a total: a cost is not less than shown, and proceeds are not more.
fn compact_total(side: Side) -> fn(i64, usize) -> String {
    match side {
        Side::Buy => format::compact_up,
        Side::Sell => format::compact,
    }
}

/// Returns total, tokens and stocks after the order, longest first. `qualifier`, long and short, qualifies the total.
fn effect(side: Side, preview: Preview, qualifier: [&str; 2], columns: usize) -> Vec<Vec<String>> {
    let text = match side {
        Side::Buy => ["cost", "cost"],
        Side::Sell => ["proceeds", "get"],
    };
    let room = |before: &str| columns.saturating_sub(before.len());
    let tokens = |text: [&str; 2], qualifier: [&str; 2], amount: i64, compact: fn(i64, usize) -> String| {
        let ([word, short], [qualifier, qualifier_short]) = (text, qualifier);
        let number = format::thousands(amount);
        let before = format!("{short} {qualifier_short}");
        // A qualifier says enough without the word.
        let qualified = format!("{qualifier_short}{number}");
        let qualified = Some(qualified).filter(|_| !qualifier_short.is_empty());
        let exact = [
            format!("{word}: {qualifier}{}", format::pluralize(amount, "token")),
            format!("{word}: {qualifier}{number}"),
            format!("{before}{number}"),
        ];
        let compact = format!("{before}{}", compact(amount, room(&before)));
        exact.into_iter().chain(qualified).chain([compact]).collect()
    };
    let stocks = |stocks: i64| {
        let counted = format::pluralize(stocks, "stock");
        let number = format::thousands(stocks);
        vec![
            format!("position: {counted}"),
            counted,
            format!("pos. {number}"),
            format!("pos. {}", format::compact(stocks, room("pos. "))),
        ]
    };
    // The total at the limit may exceed the balance where the total at the current price does not.
    let balance = preview.tokens_after.filter(|tokens| *tokens >= 0);
    let total = tokens(text, qualifier, preview.total, compact_total(side));
    let balance = balance.map(|amount| tokens(["balance", "bal."], [""; 2], amount, format::compact));
    std::iter::once(total)
        .chain(balance)
        .chain(preview.stocks_after.map(stocks))
        .collect()
}

/// Returns total and tokens afterwards in one line, longest first.
fn compact_effect(side: Side, preview: Preview, qualifier: [&str; 2], columns: usize) -> Vec<String> {
    let (word, sign) = match side {
        Side::Buy => ("cost", '-'),
        Side::Sell => ("get", '+'),
    };
    let [qualifier, shorter] = qualifier;
    let number = format::thousands(preview.total);
    let alone = format!("{word} {qualifier}{number}");
    let room = columns.saturating_sub(word.len() + 1 + shorter.len());
    let compact = format!("{word} {shorter}{}", compact_total(side)(preview.total, room));
    let after = preview.tokens_after.filter(|tokens| *tokens >= 0);
    let both = after.map(|after| {
        let after = format::thousands(after);
        let signed = match qualifier {
            "" => format!("{sign}{number}, bal. {after}"),
            _ => alone.clone(),
        };
        [
            format!("{alone}, balance {after}"),
            format!("{alone}, bal. {after}"),
            signed,
        ]
    });
    both.into_iter().flatten().chain([alone, compact]).collect()
}
