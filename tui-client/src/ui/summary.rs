//! What is said on the player's shell after leaving the screen.
//!
//! Owns the words. Names of others in them are made harmless here: no frame stands between them and the terminal.

use super::format;
use crate::{
    app::{AppState, session::Summary},
    text::harmless,
};

/// The words, a line each.
///
/// ```text
/// AwesomeStock  anna @ solo
/// played        12 min
/// trades        3
/// P&L           ▲ +120 tokens
/// wallet        480 tokens, 2 stocks: 32 tokens at 16
/// unanswered    1 order: the wallet will tell
/// ```
#[must_use]
pub fn summary(state: &AppState) -> Vec<String> {
    let summary = state.summary();
    let rows = [
        (
            "AwesomeStock",
            Some(format!(
                "{} @ {}",
                state.session.seat.player, state.session.seat.table
            )),
        ),
        ("played", Some(format::age(summary.played_ms))),
        (
            "trades",
            Some(format::grouped(i64::try_from(summary.trades).unwrap_or(i64::MAX))),
        ),
        ("P&L", summary.pnl.map(pnl)),
        ("wallet", wallet(&summary)),
        ("unanswered", waiting(&summary)),
    ];
    let lines = rows.into_iter().filter_map(|(name, words)| {
        let words = words?;
        Some(format!("{name:12}  {}", harmless(&words)))
    });
    lines.collect()
}

fn pnl(tokens: i64) -> String {
    let sign = if tokens > 0 { "+" } else { "" };
    format!(
        "{} {sign}{}",
        format::arrow(tokens),
        format::counted(tokens, "token")
    )
}

fn wallet(summary: &Summary) -> Option<String> {
    let tokens = format::counted(i64::from(summary.tokens?), "token");
    let Some((wallet, price)) = summary.wallet.filter(|(wallet, _)| wallet.stocks > 0) else {
        return Some(tokens);
    };
    let stocks = format::counted(i64::from(wallet.stocks), "stock");
    let value = format::counted(wallet.value(price), "token");
    Some(format!(
        "{tokens}, {stocks}: {value} at {}",
        format::grouped(i64::from(price))
    ))
}

fn waiting(summary: &Summary) -> Option<String> {
    let orders = i64::try_from(summary.waiting).unwrap_or(i64::MAX);
    (orders > 0).then(|| format!("{}: the wallet will tell", format::counted(orders, "order")))
}
