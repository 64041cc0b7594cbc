//! Action log: orders and payments with time and status, newest first. Each status has a symbol of its own.
//!
//! ```text
//! ╭ Log ─────────────────────────────────────────────────────────╮
//! │ 14:03:22  … BUY 2         waiting for the casino             │
//! │ 14:03:10  ✗ SELL 50       rejected: you have 2 stocks,       │
//! │                           not 50                             │
//! │ 14:02:51  ✓ BUY 2         at 37, for 74 tokens               │
//! ╰──────────────────────────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Margin;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Widget;

use crate::app::AppState;
use crate::app::commands::action::Action;
use crate::app::portfolio::money::Side;
use crate::app::portfolio::order::Terms;
use crate::app::portfolio::order_log::{ActionStatus, LogEntry, LoggedAction};
use crate::ui::Renderer;
use crate::ui::layout::{LayoutSize, MainLayout};
use crate::ui::overlay::tour;
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;

/// Width of the action column, so that statuses are aligned.
const ACTION_COLUMNS: usize = 13;

pub(crate) fn draw(view: &Renderer, state: &AppState, layout: &MainLayout, buf: &mut Buffer) {
    let small = layout.size == LayoutSize::Small;
    let inner = if small {
        layout.log.inner(Margin::new(1, 0))
    } else {
        panel::framed(view, "Log", aside(view, state), layout.log, buf)
    };
    let rows = usize::from(inner.height);
    let mut lines: Vec<Line<'_>> = Vec::with_capacity(rows);
    for entry in state.log.entries().rev() {
        if lines.len() < rows {
            let left = rows - lines.len();
            lines.extend(entry_lines(view, entry, usize::from(inner.width), left, small));
        }
    }
    if lines.is_empty() {
        lines = introduction(view, state);
    }
    Text::from(lines).render(inner, buf);
}

/// Takes rows from the chart of a small screen if the newest entry needs them, so that a reason is not cut off. The
/// chart keeps the rows of the tour's bubble, and takes those of the headline or the round for it.
pub(crate) fn reserve_space(view: &Renderer, state: &AppState, layout: &mut MainLayout) {
    if layout.size != LayoutSize::Small {
        return;
    }
    let bubble_rows = tour::text_rows(state, layout);
    let above = match bubble_rows {
        0 => 0,
        _ => layout.news.height.saturating_add(layout.round.height),
    };
    let kept = bubble_rows.max(1);
    let spare = layout.chart.height.saturating_add(above).saturating_sub(kept);
    let columns = usize::from(layout.log.width.saturating_sub(2));
    let rows = usize::from(layout.log.height.saturating_add(spare));
    let entry = state.log.entries().next_back();
    let needed = entry.map_or(0, |entry| {
        text::cells(entry_lines(view, entry, columns, rows, true).len())
    });
    let taken = needed.saturating_sub(layout.log.height);
    let lacking = kept.saturating_add(taken).saturating_sub(layout.chart.height);
    layout.extend_chart_up(lacking.min(above));
    layout.chart.height -= taken;
    layout.log.height += taken;
    for panel in [&mut layout.wallet, &mut layout.ticket, &mut layout.log] {
        panel.y -= taken;
    }
}

/// Returns the number of unanswered orders, or else of open ones.
fn aside(view: &Renderer, state: &AppState) -> Option<Line<'static>> {
    let (waiting, open) = (state.log.waiting(), state.orders.open().len());
    if waiting == 0 && open > 0 {
        let key = panel::key_label(state, Action::Orders);
        let listed = if open == 1 { "it" } else { "them" };
        let orders = format::pluralize(open, "open order");
        let whose = if state.lobby.is_in_round() {
            " of your own account"
        } else {
            ""
        };
        let text = format!(" {orders}{whose}, {key} lists {listed} ");
        return Some(panel::styled(text, view.theme.dim));
    }
    let text = format!(" … {} waiting ", format::pluralize(waiting, "order"));
    (waiting > 0).then(|| panel::styled(text, view.theme.warning))
}

fn introduction(view: &Renderer, state: &AppState) -> Vec<Line<'static>> {
    let dim = |text: &'static str| Span::styled(text, view.theme.dim);
    let key = |action| Span::styled(panel::key_label(state, action), view.theme.accent);
    let (first, then) = match state.not_offered(Action::BuyTokens) {
        Some(_) => (vec![dim("No activity yet:")], ""),
        None => {
            let deposit = vec![
                dim("No activity yet: "),
                key(Action::BuyTokens),
                dim(" buys tokens,"),
            ];
            (deposit, "then ")
        }
    };
    vec![
        Line::from_iter(first),
        Line::from_iter([
            dim(then),
            key(Action::Buy),
            dim(" buys stocks, "),
            key(Action::Sell),
            dim(" sells them."),
        ]),
    ]
}

/// Returns an entry in at most `rows` lines: time, symbol, action and status. Text that does not fit wraps
/// with a hanging indent and ends with `…`.
fn entry_lines(
    view: &Renderer,
    entry: &LogEntry,
    columns: usize,
    rows: usize,
    small: bool,
) -> Vec<Line<'static>> {
    let (sign, text, style) = status(view, entry);
    let time = if small {
        format!("{} ", format::clock_minutes(entry.at, &view.zone))
    } else {
        format!("{}  ", format::clock(entry.at, &view.zone))
    };
    let room = columns.saturating_sub(text::width(&time) + text::width(sign) + 1);
    let label = match action_label(&entry.action, usize::MAX) {
        label if text::width(&label) > room => action_label(&entry.action, format::COMPACT_COLUMNS),
        label => label,
    };
    let label = match label {
        label if label.is_empty() => label,
        label if small => label + " ",
        label => format!("{label:<ACTION_COLUMNS$} "),
    };
    let used_columns = text::width(&time) + text::width(sign) + 1 + text::width(&label);
    let indent = if small { 8 } else { used_columns };
    let first_room = columns.saturating_sub(used_columns);
    let parts = wrap_hanging(&text, first_room, columns.saturating_sub(indent), rows);
    let mut parts = parts.into_iter();
    let mut lines = vec![Line::from(vec![
        Span::styled(time, view.theme.dim),
        Span::styled(format!("{sign} "), style),
        Span::styled(label, action_style(view, entry)),
        Span::styled(parts.next().unwrap_or_default(), style),
    ])];
    lines.extend(parts.map(|part| panel::styled(format!("{:indent$}{part}", ""), style)));
    lines
}

/// Wraps words to at most `rows` lines, the first of which has a width of its own.
fn wrap_hanging(text: &str, first_columns: usize, rest_columns: usize, rows: usize) -> Vec<String> {
    if rows <= 1 || text::width(text) <= first_columns {
        return vec![text::truncate(text, first_columns).into_owned()];
    }
    let first = text::wrap(text, first_columns, 0)
        .into_iter()
        .next()
        .unwrap_or_default();
    let rest = text.get(first.len()..).unwrap_or_default().trim_start();
    let mut lines = text::wrap(rest, rest_columns, 0);
    if lines.len() >= rows {
        let cut = lines.split_off(rows.saturating_sub(2)).join(" ");
        lines.push(text::truncate(&cut, rest_columns).into_owned());
    }
    lines.insert(0, first);
    lines
}

/// Returns the action, with numbers of at most `columns` each.
fn action_label(action: &LoggedAction, columns: usize) -> String {
    let number = |number: i32| format::compact(number, columns);
    match action {
        LoggedAction::Order(side, count, terms) => {
            let order = format!("{} {}", side.word().to_ascii_uppercase(), number(*count));
            match terms {
                Terms::Market => order,
                Terms::Limit(price) => format!("{order} limit {}", number(*price)),
                Terms::Rest(condition) => format!("{order} {}", format::condition(*condition, columns)),
            }
        }
        LoggedAction::Cancel(order) => {
            let side = order.side.word().to_ascii_uppercase();
            let (count, condition) = (number(order.count), format::condition(order.condition, columns));
            format!("CANCEL {side} {count} {condition}")
        }
        LoggedAction::BuyTokens(dollars) => format!("TOKENS {} $", number(*dollars)),
        LoggedAction::Withdraw(tokens) => format!("WITHDRAW {}", number(*tokens)),
        LoggedAction::Notice => String::new(),
    }
}

/// Colors an executed order by its side; other actions have no color.
fn action_style(view: &Renderer, entry: &LogEntry) -> Style {
    match (&entry.status, entry.action.order()) {
        (ActionStatus::Traded { .. }, Some((Side::Buy, _))) => view.theme.up.bold(),
        (ActionStatus::Traded { .. }, Some((Side::Sell, _))) => view.theme.down.bold(),
        (ActionStatus::Traded { .. } | ActionStatus::Done(_), _) => view.theme.text.bold(),
        _ => view.theme.text,
    }
}

/// Returns symbol, text and style of an entry's status.
fn status(view: &Renderer, entry: &LogEntry) -> (&'static str, String, Style) {
    let theme = &view.theme;
    match &entry.status {
        ActionStatus::Pending => ("…", "waiting for the casino".to_owned(), theme.dim),
        ActionStatus::Traded { price: Some(price) } => {
            ("✓", traded(&entry.action, i64::from(*price)), theme.text)
        }
        ActionStatus::Traded { price: None } => ("✓", "executed".to_owned(), theme.text),
        ActionStatus::Done(text) => ("✓", text::sanitize(text).into_owned(), theme.text),
        ActionStatus::Rejected(text) => ("✗", format!("rejected: {}", text::sanitize(text)), theme.warning),
        ActionStatus::NotSent(text) => ("✗", format!("not sent: {}", text::sanitize(text)), theme.warning),
        ActionStatus::Unanswered => (
            "?",
            "no answer: see the wallet for the result".to_owned(),
            theme.warning,
        ),
    }
}

/// Returns the price, and the total if the number of stocks is known.
fn traded(action: &LoggedAction, price: i64) -> String {
    let at = format!("at {}", format::thousands(price));
    let Some((_, count)) = action.order() else {
        return at;
    };
    let total = i64::from(count).saturating_mul(price);
    format!("{at}, for {}", format::pluralize(total, "token"))
}
