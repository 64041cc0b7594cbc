//! The session summary that is printed after the screen is closed.

use crate::app::AppState;
use crate::app::portfolio::achievements::ACHIEVEMENTS;
use crate::app::portfolio::stats::{ClosedTrade, SessionSummary};
use crate::ui::text::{format, sanitize, wrap};

/// Columns of a name and the space after it.
const NAME_COLUMNS: usize = 14;

/// Most columns of the words after it.
const MAX_COLUMNS: usize = 66;

/// Fewest columns of the words, also in a narrower terminal.
const MIN_COLUMNS: usize = 20;

/// Most cells of the sparkline.
const SPARK_CELLS: usize = 60;

/// Returns the summary in lines of at most 80 columns and the width of the terminal, with sanitized names.
///
/// ```text
/// AwesomeStock  anna @ solo
/// played        12 min
/// trades        3; best: 2 at 16, gain 12 tokens; worst: 1 at 9, loss 4 tokens
/// in rounds     5 trades
/// P&L           ▲ +120 tokens, +24.0 %; buy and hold +3.1 %
/// equity        ▁▂▂▃▅▅▄▆▇█
/// wallet        480 tokens, 2 stocks: 32 tokens at 16
/// earned        first profit, all in
/// unanswered    1 order without an answer: check the wallet
/// ```
pub fn summary(state: &AppState) -> Vec<String> {
    let summary = state.summary();
    let info = &state.session.info;
    let columns = match state.screen.size.0 {
        // Not known.
        0 => MAX_COLUMNS,
        width => usize::from(width)
            .saturating_sub(NAME_COLUMNS)
            .clamp(MIN_COLUMNS, MAX_COLUMNS),
    };
    let rows = [
        ("AwesomeStock", Some(format!("{} @ {}", info.player, info.server))),
        ("played", Some(format::age(summary.played_ms))),
        ("trades", Some(trades(&summary))),
        ("in rounds", round_trades(&summary)),
        ("P&L", pnl(&summary)),
        ("equity", equity(&summary, columns)),
        ("wallet", wallet(&summary)),
        ("earned", earned(&summary)),
        ("unanswered", unanswered(&summary)),
    ];
    let mut lines = Vec::new();
    for (name, text) in rows {
        let text = text.map(|text| sanitize(&text).into_owned());
        let wrapped = text.map(|text| wrap(&text, columns, 0)).unwrap_or_default();
        let names = std::iter::once(name).chain(std::iter::repeat(""));
        lines.extend(
            names
                .zip(wrapped)
                .map(|(name, text)| format!("{name:NAME_COLUMNS$}{text}")),
        );
    }
    lines
}

fn trades(summary: &SessionSummary) -> String {
    let trades = format::thousands(summary.trades);
    let closed = |word: &str, trade: ClosedTrade| {
        let (count, price) = (format::thousands(trade.count), format::thousands(trade.price));
        let tokens = || format::pluralize(trade.gain.saturating_abs(), "token");
        let gain = match trade.gain {
            0 => "no gain".to_owned(),
            1.. => format!("gain {}", tokens()),
            ..0 => format!("loss {}", tokens()),
        };
        format!("{word}: {count} at {price}, {gain}")
    };
    let worst = summary.worst.filter(|worst| Some(*worst) != summary.best);
    match (summary.best, worst) {
        (None, _) => trades,
        (Some(only), None) => format!("{trades}; {}", closed("sale", only)),
        (Some(best), Some(worst)) => {
            format!("{trades}; {}; {}", closed("best", best), closed("worst", worst))
        }
    }
}

fn round_trades(summary: &SessionSummary) -> Option<String> {
    (summary.round_trades > 0).then(|| format::pluralize(summary.round_trades, "trade"))
}

fn pnl(summary: &SessionSummary) -> Option<String> {
    let tokens = summary.pnl?;
    let sign = if tokens > 0 { "+" } else { "" };
    let relative = summary.return_permille.map(|permille| format!(", {permille}"));
    let held = summary.held.map(|permille| format!("; buy and hold {permille}"));
    Some(format!(
        "{} {sign}{}{}{}",
        format::arrow(tokens),
        format::pluralize(tokens, "token"),
        relative.unwrap_or_default(),
        held.unwrap_or_default(),
    ))
}

fn equity(summary: &SessionSummary, columns: usize) -> Option<String> {
    let cells = SPARK_CELLS.min(columns);
    (summary.equity.len() > 1).then(|| format::sparkline(&summary.equity, cells))
}

fn earned(summary: &SessionSummary) -> Option<String> {
    let earned = ACHIEVEMENTS
        .iter()
        .filter(|row| summary.earned.contains(&row.achievement));
    let names: Vec<&str> = earned.map(|row| row.name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn wallet(summary: &SessionSummary) -> Option<String> {
    let tokens = format::pluralize(summary.tokens?, "token");
    let Some((wallet, price)) = summary.wallet.filter(|(wallet, _)| wallet.stocks > 0) else {
        return Some(tokens);
    };
    let stocks = format::pluralize(wallet.stocks, "stock");
    let value = format::pluralize(wallet.value(price), "token");
    Some(format!(
        "{tokens}, {stocks}: {value} at {}",
        format::thousands(price)
    ))
}

fn unanswered(summary: &SessionSummary) -> Option<String> {
    let orders = (summary.waiting > 0).then(|| format::pluralize(summary.waiting, "order"))?;
    Some(format!("{orders} without an answer: check the wallet"))
}
