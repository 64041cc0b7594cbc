//! The entry of an amount: dollars to buy tokens for, or tokens to withdraw.
//!
//! Owns the words of the preview. Whether the amount is taken, the reducer and the casino say.
//!
//! ```text
//! ╭ Buy tokens ──────────────────────╮
//! │ dollars  100█                    │
//! │ 100 $ → 500 tokens               │
//! │ makes 1,704 tokens               │
//! ╰ Enter buys  Esc closes ──────────╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Position,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{CLOSES, Hint, Window, text_columns};
use crate::{
    app::{
        AppState,
        key::Key,
        money::TOKENS_PER_DOLLAR,
        overlay::{AmountEntry, AmountKind},
    },
    ui::{Top, View, format, layout::Desk, panel, text},
};

/// Most columns of a line.
const MAX_COLUMNS: usize = 44;

/// Draws the entry.
pub(super) fn draw(view: &View, state: &AppState, entry: &AmountEntry, desk: &Desk, buf: &mut Buffer) -> Top {
    let columns = text_columns(desk, MAX_COLUMNS);
    let enter = |words| Hint::new(words, Key::ENTER);
    let (title, label, hints) = match entry.kind {
        AmountKind::BuyTokens => ("Buy tokens", "dollars  ", [enter("Enter buys"), CLOSES].into()),
        AmountKind::Withdraw => {
            let all = Hint::new("m all", Key::char('m'));
            let hints = [enter("Enter withdraws"), all, CLOSES].into();
            ("Withdraw", "tokens  ", hints)
        }
    };
    let mut lines = vec![Line::from(vec![
        Span::styled(label, view.theme.dim),
        Span::styled(entry.digits.clone(), view.theme.strong),
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
        let error = format!("✗ {}", text::harmless(error));
        let wrapped = text::wrap(&error, columns, 2).into_iter();
        lines.extend(wrapped.map(|line| panel::styled(line, view.theme.warning)));
    }
    let window = Window {
        title,
        hints: &[hints, [CLOSES].into()],
        wanted: (columns, lines.len().max(5)),
    };
    let placed = window.place(desk);
    let buttons = window.draw(view, &placed, None, buf);
    for (line, index) in lines.into_iter().zip(0..) {
        line.render(panel::row(placed.inner, index), buf);
    }
    let typed = text::width(label).saturating_add(text::width(&entry.digits));
    let x = u16::try_from(typed).map(|typed| placed.inner.x.saturating_add(typed));
    Top::typed(x.ok().map(|x| Position::new(x, placed.inner.y)), buttons)
}

/// What the amount would come to, and what would be left.
fn preview(view: &View, state: &AppState, entry: &AmountEntry) -> Vec<(String, Style)> {
    let theme = &view.theme;
    let held = state.holdings.tokens().map(i64::from);
    let Some(amount) = entry.amount().filter(|amount| *amount > 0).map(i64::from) else {
        let words = match (entry.kind, entry.digits.is_empty()) {
            (AmountKind::BuyTokens, true) => "1 $ → 5 tokens".to_owned(),
            (AmountKind::Withdraw, true) => "5 tokens → 1 $".to_owned(),
            (_, false) => format!(
                "a whole number from 1 to {}",
                format::grouped(i64::from(i32::MAX))
            ),
        };
        let have = held.map(|held| (format!("you have {}", format::counted(held, "token")), theme.dim));
        return std::iter::once((words, theme.dim)).chain(have).collect();
    };
    match entry.kind {
        AmountKind::BuyTokens => {
            let tokens = amount.saturating_mul(TOKENS_PER_DOLLAR);
            let words = format!(
                "{} → {}",
                format::dollars(amount),
                format::counted(tokens, "token")
            );
            let then = held.map(|held| held.saturating_add(tokens));
            let then = then.map(|then| (format!("makes {}", format::counted(then, "token")), theme.dim));
            std::iter::once((words, theme.strong)).chain(then).collect()
        }
        AmountKind::Withdraw => withdrawal(view, amount, held),
    }
}

fn withdrawal(view: &View, tokens: i64, held: Option<i64>) -> Vec<(String, Style)> {
    let theme = &view.theme;
    let below = tokens
        .div_euclid(TOKENS_PER_DOLLAR)
        .saturating_mul(TOKENS_PER_DOLLAR);
    let above = below.saturating_add(TOKENS_PER_DOLLAR);
    let mut lines = vec![if below == tokens {
        let dollars = tokens.div_euclid(TOKENS_PER_DOLLAR);
        let words = format!(
            "{} → {}",
            format::counted(tokens, "token"),
            format::dollars(dollars)
        );
        (words, theme.strong)
    } else if below == 0 {
        (
            format!("a multiple of {TOKENS_PER_DOLLAR}: {above}"),
            theme.warning,
        )
    } else {
        let (below, above) = (format::grouped(below), format::grouped(above));
        (
            format!("a multiple of {TOKENS_PER_DOLLAR}: {below} or {above}"),
            theme.warning,
        )
    }];
    lines.extend(held.map(|held| {
        let left = held.saturating_sub(tokens);
        if left < 0 {
            let lacking = format::counted(left.saturating_neg(), "token");
            (
                format!("short of {lacking}: you have {}", format::grouped(held)),
                theme.warning,
            )
        } else {
            (format!("leaves {}", format::counted(left, "token")), theme.dim)
        }
    }));
    lines
}
