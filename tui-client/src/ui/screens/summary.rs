//! The session summary that is printed after the screen is closed.

use crate::{
    app::{AppState, portfolio::stats::SessionSummary},
    ui::text::{format, sanitize},
};

/// Returns the summary, one line each, with sanitized names.
///
/// ```text
/// AwesomeStock  anna @ solo
/// played        12 min
/// trades        3
/// P&L           ▲ +120 tokens
/// wallet        480 tokens, 2 stocks: 32 tokens at 16
/// unanswered    1 order without an answer: check the wallet
/// ```
#[must_use]
pub fn summary(state: &AppState) -> Vec<String> {
    let summary = state.summary();
    let seat = &state.session.info;
    let trades = i64::try_from(summary.trades).unwrap_or(i64::MAX);
    let rows = [
        ("AwesomeStock", Some(format!("{} @ {}", seat.player, seat.server))),
        ("played", Some(format::age(summary.played_ms))),
        ("trades", Some(format::thousands(trades))),
        ("P&L", summary.pnl.map(pnl)),
        ("wallet", wallet(&summary)),
        ("unanswered", unanswered(&summary)),
    ];
    let lines = rows.into_iter().filter_map(|(name, words)| {
        let words = words?;
        Some(format!("{name:12}  {}", sanitize(&words)))
    });
    lines.collect()
}

fn pnl(tokens: i64) -> String {
    let sign = if tokens > 0 { "+" } else { "" };
    format!(
        "{} {sign}{}",
        format::arrow(tokens),
        format::pluralize(tokens, "token")
    )
}

fn wallet(summary: &SessionSummary) -> Option<String> {
    let tokens = format::pluralize(i64::from(summary.tokens?), "token");
    let Some((wallet, price)) = summary.wallet.filter(|(wallet, _)| wallet.stocks > 0) else {
        return Some(tokens);
    };
    let stocks = format::pluralize(i64::from(wallet.stocks), "stock");
    let value = format::pluralize(wallet.value(price), "token");
    Some(format!(
        "{tokens}, {stocks}: {value} at {}",
        format::thousands(i64::from(price))
    ))
}

fn unanswered(summary: &SessionSummary) -> Option<String> {
    let orders = i64::try_from(summary.waiting).unwrap_or(i64::MAX);
    let orders = (orders > 0).then(|| format::pluralize(orders, "order"))?;
    Some(format!("{orders} without an answer: check the wallet"))
}
