//! The connection status as text, symbol and style, shared by all panels that show it.

use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use crate::app::AppState;
use crate::app::connection::{Connection, ConnectionStatus};
use crate::ui::Renderer;
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;

pub(crate) struct Status {
    /// Symbol that is different for each status, independent of color.
    sign: &'static str,
    /// Longest text first.
    text: Vec<String>,
    style: Style,
    /// Whether the style is that of a color block.
    is_badge: bool,
    /// Whether the displayed price is current.
    pub(crate) is_current: bool,
    /// Age of the displayed price, if it is not current.
    pub(crate) age: Option<String>,
}

impl Status {
    pub(crate) fn new(view: &Renderer, state: &AppState) -> Self {
        let status = state.connection.status(state.now, state.market.interval_ms());
        let price_age = state.market.last().map(|last| state.now.since_ms(last.at));
        let theme = &view.theme;
        let live = theme.good.add_modifier(Modifier::BOLD);
        let text = |text: &[&str]| text.iter().map(|text| (*text).to_owned()).collect();
        let (sign, text, style) = match status {
            ConnectionStatus::Connecting => ("◌", text(&["connecting"]), theme.warning),
            ConnectionStatus::Disconnected => (
                "◇",
                text(&["you left the table: :gamble rejoins", "left: :gamble rejoins"]),
                theme.warning,
            ),
            ConnectionStatus::Rejected => ("✗", text(&["rejected: :gamble retries"]), theme.alarm),
            ConnectionStatus::Live => ("●", live_texts(state), live),
            ConnectionStatus::Stale { age_ms } => {
                let age = format::age(age_ms);
                let long = format!("stale: no price for {age}");
                (
                    "◐",
                    vec![long, format!("stale for {age}"), format!("stale {age}")],
                    theme.alarm,
                )
            }
            ConnectionStatus::Reconnecting { attempt, retry_in_ms } => {
                let left = (retry_in_ms > 0).then(|| format!(" in {}", format::countdown(retry_in_ms)));
                let short = format!("attempt {attempt}{}", left.as_deref().unwrap_or_default());
                let long = format!("reconnecting: {short}");
                let without_number = left.map(|left| format!("reconnecting{left}"));
                let text = [long].into_iter().chain(without_number).chain([short]);
                ("○", text.collect(), theme.alarm)
            }
        };
        let age_ms = match status {
            ConnectionStatus::Live => None,
            ConnectionStatus::Stale { age_ms } => price_age.map(|_| age_ms),
            _ => price_age,
        };
        Self {
            sign,
            text,
            style,
            is_badge: style == theme.alarm,
            is_current: status == ConnectionStatus::Live,
            age: age_ms.map(format::age),
        }
    }

    pub(crate) fn line(&self, columns: usize) -> Line<'static> {
        let around = if self.is_badge { " " } else { "" };
        let text = text::fit(&self.text, columns.saturating_sub(2 + 2 * around.len()));
        panel::styled(format!("{around}{} {text}{around}", self.sign), self.style)
    }
}

/// Returns true if the displayed price is current.
pub(crate) fn is_current(state: &AppState) -> bool {
    state.connection.status(state.now, state.market.interval_ms()) == ConnectionStatus::Live
}

/// Returns the event and the reason why no session is open, while the client waits to retry.
pub(crate) fn loss_reason(state: &AppState) -> Option<(&'static str, &str)> {
    match &state.connection {
        Connection::Backoff { why, .. } => Some(("connection lost", why)),
        Connection::Rejected { why } => Some(("the casino rejected the session", why)),
        Connection::Connecting { .. } | Connection::Open(_) | Connection::Disconnected => None,
    }
}

/// Returns variants of `live`, for a player with latency and the age of the last message.
fn live_texts(state: &AppState) -> Vec<String> {
    if state.session.settings.watch {
        return vec!["live".to_owned()];
    }
    let live = state.connection.live();
    let shortest = "live".to_owned();
    let age_ms = live.and_then(|live| live.shown_age_ms(state.now));
    let latency = live.and_then(|live| live.latency_ms);
    let short = latency.map_or_else(|| shortest.clone(), |ms| format!("live {}", format::latency(ms)));
    let mut texts = Vec::new();
    if let Some(age) = age_ms.map(format::age) {
        texts.push(format!("{short}, last message {age} ago"));
        texts.push(format!("{short}, {age} ago"));
    }
    texts.extend([short, shortest]);
    texts
}
