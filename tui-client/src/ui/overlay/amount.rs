//! Amount entry: dollars to buy tokens for, or tokens to withdraw, with a preview.
//!
//! ```text
//! ╭ Buy tokens ──────────────────────╮
//! │ dollars  100█                    │
//! │ 100 $ → 500 tokens               │
//! │ balance: 1,704 tokens            │
//! ╰ Enter buys  Esc closes ──────────╯
//! ```

use std::iter;

use ratatui::{
    buffer::Buffer,
    layout::Position,
    style::Style,
    text::{Line, Span, Text},
    widgets::Widget,
};

use crate::{
    app::{
        AppState,
        commands::key::Key,
        overlay::{AmountEntry, AmountKind},
        portfolio::money::TOKENS_PER_DOLLAR,
    },
    ui::{
        FrameInfo, Renderer,
        layout::MainLayout,
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
    let mut lines = vec![Line::from(vec![
        Span::styled(label, view.theme.dim),
        Span::styled(digits, view.theme.strong),
    ])];
    lines.push(Line::default());
    let below = match &entry.error {
        None => preview(view, state, entry),
        Some(error) => vec![(format!("✗ {}", text::sanitize(error)), view.theme.warning)],
    };
    for (text, style) in below {
        lines.extend(panel::wrapped(&text, columns, 2, style));
    }
    let window = Popup::new(title, [hints, [CLOSES].into()], columns);
    let popup = window.place(lines.len().max(5), layout);
    let buttons = window.draw(view, &popup, None, buf);
    Text::from_iter(lines).render(popup.inner, buf);
    let typed = text::width(label).saturating_add(text::width(&entry.digits));
    let x = u16::try_from(typed).map(|typed| popup.inner.x.saturating_add(typed));
    FrameInfo::typed(x.ok().map(|x| Position::new(x, popup.inner.y)), buttons)
}

/// Returns the converted amount and the balance afterwards.
fn preview(view: &Renderer, state: &AppState, entry: &AmountEntry) -> Vec<(String, Style)> {
    let theme = &view.theme;
    let balance = state.holdings.tokens().map(i64::from);
    let tokens = |count| format::pluralize(count, "token");
    let then = |balance| (format!("balance: {}", tokens(balance)), theme.dim);
    let amount = entry.amount().filter(|amount| *amount > 0).map(i64::from);
    let (first, second) = match (entry.kind, amount) {
        (kind, None) => {
            let text = match (kind, entry.digits.is_empty()) {
                (AmountKind::BuyTokens, true) => "1 $ → 5 tokens".to_owned(),
                (AmountKind::Withdraw, true) => "5 tokens → 1 $".to_owned(),
                (_, false) => format!("must be a whole number from 1 to {}", format::thousands(i32::MAX)),
            };
            let have = |balance| (format!("you have {}", tokens(balance)), theme.dim);
            ((text, theme.dim), balance.map(have))
        }
        (AmountKind::BuyTokens, Some(dollars)) => {
            let bought = dollars.saturating_mul(TOKENS_PER_DOLLAR);
            let text = format!("{} → {}", format::dollars(dollars), tokens(bought));
            let balance = balance.map(|balance| then(balance.saturating_add(bought)));
            ((text, theme.strong), balance)
        }
        (AmountKind::Withdraw, Some(amount)) => {
            let balance = balance.map(|balance| match balance.saturating_sub(amount) {
                left if left < 0 => {
                    let [lacking, balance] = [left.saturating_neg(), balance].map(format::thousands);
                    let text = format!("need {lacking} more: you have {balance}");
                    (text, theme.warning)
                }
                left => then(left),
            });
            (withdrawal(view, amount), balance)
        }
    };
    iter::once(first).chain(second).collect()
}

/// Returns the dollars for `tokens`, or the nearest amounts that can be withdrawn.
fn withdrawal(view: &Renderer, tokens: i64) -> (String, Style) {
    let dollars = tokens.div_euclid(TOKENS_PER_DOLLAR);
    let below = dollars.saturating_mul(TOKENS_PER_DOLLAR);
    if below == tokens {
        let text = format!(
            "{} → {}",
            format::pluralize(tokens, "token"),
            format::dollars(dollars)
        );
        return (text, view.theme.strong);
    }
    let above = format::thousands(below.saturating_add(TOKENS_PER_DOLLAR));
    let nearest = match below {
        0 => above,
        below => format!("{} or {above}", format::thousands(below)),
    };
    (
        format!("must be a multiple of {TOKENS_PER_DOLLAR}: {nearest}"),
        view.theme.warning,
    )
}
