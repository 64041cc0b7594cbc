//! Amount entry: dollars to buy tokens for, or tokens to withdraw, with a preview.
//!
//! ```text
//! ╭ Buy tokens ──────────────────────╮
//! │ dollars  100█                    │
//! │ 100 $ → 500 tokens               │
//! │ balance: 1,704 tokens            │
//! ╰ Enter buys  Esc closes ──────────╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Position,
    style::Style,
    text::{Line, Span},
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
    let enter = |words| Hint::new(words, Key::ENTER);
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
    let preview = if entry.error.is_none() {
        preview(view, state, entry)
    } else {
        Vec::new()
    };
    for (words, style) in preview {
        let wrapped = text::wrap(&words, columns, 2).into_iter();
        lines.extend(wrapped.map(|line| panel::styled(line, style)));
    }
    if let Some(error) = &entry.error {
        let error = format!("✗ {}", text::sanitize(error));
        let wrapped = text::wrap(&error, columns, 2).into_iter();
        lines.extend(wrapped.map(|line| panel::styled(line, view.theme.warning)));
    }
    let window = Popup {
        title,
        hints: &[hints, [CLOSES].into()],
        columns,
    };
    let popup = window.place(lines.len().max(5), layout);
    let buttons = window.draw(view, &popup, None, buf);
    for (line, index) in lines.into_iter().zip(0..) {
        line.render(panel::row(popup.inner, index), buf);
    }
    let typed = text::width(label).saturating_add(text::width(&entry.digits));
    let x = u16::try_from(typed).map(|typed| popup.inner.x.saturating_add(typed));
    FrameInfo::typed(x.ok().map(|x| Position::new(x, popup.inner.y)), buttons)
}

/// Returns the converted amount and the balance afterwards.
fn preview(view: &Renderer, state: &AppState, entry: &AmountEntry) -> Vec<(String, Style)> {
    let theme = &view.theme;
    let balance = state.holdings.tokens().map(i64::from);
    let Some(amount) = entry.amount().filter(|amount| *amount > 0).map(i64::from) else {
        let words = match (entry.kind, entry.digits.is_empty()) {
            (AmountKind::BuyTokens, true) => "1 $ → 5 tokens".to_owned(),
            (AmountKind::Withdraw, true) => "5 tokens → 1 $".to_owned(),
            (_, false) => format!("must be a whole number from 1 to {}", format::thousands(i32::MAX)),
        };
        let have = balance.map(|balance| {
            (
                format!("you have {}", format::pluralize(balance, "token")),
                theme.dim,
            )
        });
        return std::iter::once((words, theme.dim)).chain(have).collect();
    };
    match entry.kind {
        AmountKind::BuyTokens => {
            let tokens = amount.saturating_mul(TOKENS_PER_DOLLAR);
            let words = format!(
                "{} → {}",
                format::dollars(amount),
                format::pluralize(tokens, "token")
            );
            let then = balance.map(|balance| balance.saturating_add(tokens));
            let then = then.map(|then| {
                (
                    format!("balance: {}", format::pluralize(then, "token")),
                    theme.dim,
                )
            });
            std::iter::once((words, theme.strong)).chain(then).collect()
        }
        AmountKind::Withdraw => withdrawal(view, amount, balance),
    }
}

fn withdrawal(view: &Renderer, tokens: i64, balance: Option<i64>) -> Vec<(String, Style)> {
    let theme = &view.theme;
    let below = tokens
        .div_euclid(TOKENS_PER_DOLLAR)
        .saturating_mul(TOKENS_PER_DOLLAR);
    let above = below.saturating_add(TOKENS_PER_DOLLAR);
    let mut lines = vec![if below == tokens {
        let dollars = tokens.div_euclid(TOKENS_PER_DOLLAR);
        let words = format!(
            "{} → {}",
            format::pluralize(tokens, "token"),
            format::dollars(dollars)
        );
        (words, theme.strong)
    } else if below == 0 {
        (
            format!("must be a multiple of {TOKENS_PER_DOLLAR}: {above}"),
            theme.warning,
        )
    } else {
        let (below, above) = (format::thousands(below), format::thousands(above));
        (
            format!("must be a multiple of {TOKENS_PER_DOLLAR}: {below} or {above}"),
            theme.warning,
        )
    }];
    lines.extend(balance.map(|balance| {
        let left = balance.saturating_sub(tokens);
        if left < 0 {
            let lacking = format::pluralize(left.saturating_neg(), "token");
            (
                format!("{lacking} short: you have {}", format::thousands(balance)),
                theme.warning,
            )
        } else {
            (
                format!("balance: {}", format::pluralize(left, "token")),
                theme.dim,
            )
        }
    }));
    lines
}
