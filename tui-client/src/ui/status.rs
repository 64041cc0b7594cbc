//! The connection in words, a sign and a style: one truth for every panel that shows it.
//!
//! Owns how the connection is said. What it is, the state says.

use ratatui::{
    style::{Modifier, Style},
    text::Line,
};

use super::{View, format, panel, text};
use crate::app::{
    AppState,
    connection::{Connection, Liveness},
};

/// How it stands with the connection, ready to be shown.
pub(super) struct Status {
    /// A sign that differs from state to state, whatever the colours.
    sign: &'static str,
    /// In words, from the wordiest on.
    words: Vec<String>,
    /// The style of sign and words.
    style: Style,
    /// It must not be overlooked: it stands in a block of colour.
    badge: bool,
    /// The price shown is in force.
    pub(super) in_force: bool,
    /// How old the price shown is, when it is not in force.
    pub(super) age: Option<String>,
}

impl Status {
    /// How it stands now.
    pub(super) fn of(view: &View, state: &AppState) -> Self {
        let liveness = state.connection.liveness(state.now, state.market.interval_ms());
        let since_price = state.market.last().map(|last| state.now.since_ms(last.at));
        let theme = &view.theme;
        let (sign, words, style) = match liveness {
            Liveness::Connecting => ("◌", same("connecting"), theme.warning),
            Liveness::Left => ("◇", same("away: :gamble sits down"), theme.warning),
            Liveness::Barred => ("✗", same("no seat: :gamble asks again"), theme.alarm),
            Liveness::Live => ("●", live(state), theme.good.add_modifier(Modifier::BOLD)),
            Liveness::Stale { age_ms } => {
                let age = format::age(age_ms);
                let words = vec![
                    format!("stale: no price for {age}"),
                    format!("stale for {age}"),
                    format!("stale {age}"),
                ];
                ("◐", words, theme.alarm)
            }
            Liveness::Reconnecting {
                attempt,
                retry_in_ms: 0,
            } => {
                let words = vec![
                    format!("reconnecting: try {attempt} under way"),
                    format!("reconnecting: try {attempt}"),
                    format!("try {attempt}"),
                ];
                ("○", words, theme.alarm)
            }
            Liveness::Reconnecting { attempt, retry_in_ms } => {
                let left = format::countdown(retry_in_ms);
                let words = vec![
                    format!("reconnecting: try {attempt} in {left}"),
                    format!("reconnecting in {left}"),
                    format!("try {attempt} in {left}"),
                ];
                ("○", words, theme.alarm)
            }
        };
        let in_force = liveness == Liveness::Live;
        let age_ms = match liveness {
            Liveness::Live => None,
            Liveness::Stale { age_ms } => Some(age_ms),
            Liveness::Connecting | Liveness::Barred | Liveness::Left | Liveness::Reconnecting { .. } => {
                since_price
            }
        };
        Self {
            sign,
            words,
            style,
            badge: matches!(
                liveness,
                Liveness::Stale { .. } | Liveness::Reconnecting { .. } | Liveness::Barred
            ),
            in_force,
            age: age_ms.filter(|_| since_price.is_some()).map(format::age),
        }
    }
}

impl Status {
    /// Sign and words in at most `columns`.
    pub(super) fn line(&self, columns: usize) -> Line<'static> {
        let around = if self.badge { " " } else { "" };
        let wordings: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let words = text::fit(&wordings, columns.saturating_sub(if self.badge { 4 } else { 2 }));
        panel::styled(format!("{around}{} {words}{around}", self.sign), self.style)
    }
}

/// Why there is no stream, while the next try is waited for: what happened, and in words, why.
pub(super) fn loss(state: &AppState) -> Option<(&'static str, &str)> {
    match &state.connection {
        Connection::Waiting { why, .. } => Some(("connection lost", why)),
        Connection::Barred { why } => Some(("the casino refuses the seat", why)),
        Connection::Connecting { .. } | Connection::Live(_) | Connection::Left => None,
    }
}

fn same(words: &str) -> Vec<String> {
    vec![words.to_owned()]
}

/// That prices come, how long the last answer took, and how long ago the table said something.
fn live(state: &AppState) -> Vec<String> {
    let live = state.connection.live();
    let latency = live.and_then(|live| live.latency_ms).map(format::latency);
    let age = live
        .and_then(|live| live.shown_age_ms(state.now))
        .map(format::age);
    let mut words = vec!["live".to_owned()];
    words.extend(latency.map(|latency| format!("live {latency}")));
    if let Some(age) = age {
        let shorter = words.last().cloned().unwrap_or_default();
        words.push(format!("{shorter}, {age} ago"));
        words.push(format!("{shorter}, last message {age} ago"));
    }
    words.reverse();
    words
}
