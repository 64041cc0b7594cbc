//! Amount entry: dollars to buy tokens for, or tokens to withdraw, with a preview.
//!
//! ```text
//! ╭ Buy tokens ──────────────────────╮
//! │ dollars  100█                    │
//! │ 100 $ → 500 tokens               │
//! │ balance: 1,704 tokens            │
//! │ ✗ the error, if there is one     │
//! ╰ Enter buys  Esc closes ──────────╯
//! ```

use std::iter;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Widget;

use crate::app::AppState;
use crate::app::commands::key::Key;
use crate::app::overlay::{AmountEntry, AmountKind};
use crate::app::portfolio::money::TOKENS_PER_DOLLAR;
use crate::ui::layout::MainLayout;
use crate::ui::text::{self, format};
use crate::ui::widgets::hint::{CLOSES, Hint};
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{Popup, text_columns};
use crate::ui::{FrameInfo, Renderer};

const MAX_COLUMNS: usize = 44;

pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    entry: &AmountEntry,
    layout: &MainLayout,
    buf: &mut Buffer,
) -> FrameInfo {
    let columns = text_columns(layout, MAX_COLUMNS);
    let enter = |text| Hint::new(text, Key::ENTER);
    let (title, label, hints) = match entry.kind {
        AmountKind::BuyTokens => ("Buy tokens", "dollars  ", [enter("Enter buys"), CLOSES].into()),
        AmountKind::Withdraw => {
            let all = Hint::new("m all", Key::char('m'));
            let hints = [enter("Enter withdraws"), all, CLOSES].into();
            ("Withdraw", "tokens  ", hints)
        }
    };
    let digits = entry.digits.parse::<i64>();
    let digits = digits.map_or_else(|_| entry.digits.clone(), format::thousands);
    let input = Line::from(vec![
        Span::styled(label, view.theme.dim),
        Span::styled(digits, view.theme.strong),
    ]);
    let typed = text::cells(input.width());
    let mut lines = vec![input, Line::default()];
    let below = iter::once(conversion(view, entry)).chain(balance(view, state, entry));
    lines.extend(below.map(|(text, style)| panel::styled(text, style)));
    if let Some(problem) = problem(state, entry) {
        let text = format!("✗ {problem}");
        lines.extend(panel::wrapped(&text, columns, 2, view.theme.warning));
    }
    let window = Popup::new(title, [hints, [CLOSES].into()], columns);
    let popup = window.place(lines.len().max(5), layout);
    let buttons = window.draw(view, &popup, None, buf);
    Text::from_iter(lines).render(popup.inner, buf);
    let cursor = Position::new(popup.inner.x + typed, popup.inner.y);
    FrameInfo::typed(Some(cursor), buttons)
}

/// Returns the converted amount, or an example if none is typed; empty for an invalid one.
fn conversion(view: &Renderer, entry: &AmountEntry) -> (String, Style) {
    let tokens = |count| format::pluralize(count, "token");
    let text = match (entry.kind, entry.checked().map(i64::from)) {
        (AmountKind::BuyTokens, _) if entry.digits.is_empty() => "1 $ → 5 tokens".to_owned(),
        (AmountKind::Withdraw, _) if entry.digits.is_empty() => "5 tokens → 1 $".to_owned(),
        (_, Err(_)) => String::new(),
        (AmountKind::BuyTokens, Ok(dollars)) => {
            let bought = tokens(dollars * TOKENS_PER_DOLLAR);
            format!("{} → {bought}", format::dollars(dollars))
        }
        (AmountKind::Withdraw, Ok(amount)) => {
            let dollars = format::dollars(amount / TOKENS_PER_DOLLAR);
            format!("{} → {dollars}", tokens(amount))
        }
    };
    let style = match entry.digits.is_empty() {
        true => view.theme.dim,
        false => view.theme.strong,
    };
    (text, style)
}

/// Returns the balance afterwards, or the one now if the amount is not possible.
fn balance(view: &Renderer, state: &AppState, entry: &AmountEntry) -> Option<(String, Style)> {
    let balance = i64::from(state.holdings.tokens()?);
    let change = entry.checked().ok().map(|amount| match entry.kind {
        AmountKind::BuyTokens => i64::from(amount).saturating_mul(TOKENS_PER_DOLLAR),
        AmountKind::Withdraw => i64::from(amount).saturating_neg(),
    });
    let after = change.map(|change| balance.saturating_add(change));
    let text = match after.filter(|after| *after >= 0) {
        Some(after) => format!("balance: {}", format::pluralize(after, "token")),
        None => format!("you have {}", format::pluralize(balance, "token")),
    };
    Some((text, view.theme.dim))
}

/// Returns the error of the last Enter, or what is wrong with the amount typed so far.
fn problem(state: &AppState, entry: &AmountEntry) -> Option<String> {
    if entry.error.is_some() || entry.digits.is_empty() {
        return entry.error.clone();
    }
    match (entry.checked(), entry.kind) {
        (Err(error), _) => Some(error),
        (Ok(_), AmountKind::BuyTokens) => None,
        (Ok(amount), AmountKind::Withdraw) => {
            let lacking = i64::from(amount).saturating_sub(i64::from(state.holdings.tokens()?));
            let tokens = format::pluralize(lacking, "more token");
            (lacking > 0).then(|| format!("need {tokens}"))
        }
    }
}
