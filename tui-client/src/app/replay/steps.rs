//! Describes the steps of the reducer for the wire pane: each event, what it changed, and its effects.

use std::fmt::Debug;

use awesomestock_proto::text::{cut, thousands};

use crate::app::{AppState, Effect, Event, connection::Connection, event::StreamEvent};

/// Most characters of a value, and of an event in full.
const MAX_CHARS: usize = 120;
const MAX_EVENT_CHARS: usize = 600;

/// Parts of a state in words.
pub(crate) struct Facts([(&'static str, String); 15]);

impl Facts {
    /// Describes a state.
    pub(crate) fn new(state: &AppState) -> Self {
        let connection = match &state.connection {
            Connection::Open(_) => "Open".to_owned(),
            other => describe(other),
        };
        let last = state.market.last();
        let price = last.map(|last| format!("{}, tick {}", thousands(last.price), thousands(last.tick)));
        let wallet = state.holdings.wallet();
        let wallet = wallet.map(|held| format!("{} tokens, {} stocks", held.tokens, held.stocks));
        let tokens = state.holdings.tokens().map(|tokens| format!("{tokens} tokens"));
        let entry = state.log.entries().next_back();
        let entry = entry.map(|entry| format!("{}, {}", describe(&entry.action), describe(&entry.status)));
        let limit = state.ticket.limit().map(|limit| match limit.rest {
            None => format!(", limit {}", limit.price),
            Some(trigger) => format!(", {} {} rests", trigger.word(), limit.price),
        });
        let ticket = describe(&state.ticket.quantity()) + &limit.unwrap_or_default();
        let chart = &state.chart;
        let zoom = chart.zoom.map(|prices| format!("{prices} prices"));
        let chart = [
            describe_some(chart.kind.as_ref()),
            zoom.unwrap_or_default(),
            describe_some(chart.crosshair.as_ref()),
        ];
        let open_orders: Vec<String> = state.orders.open().iter().map(ToString::to_string).collect();
        let toasts = state.alerts.toasts().map(|toast| describe(&toast.kind));
        let alerts: Vec<String> = state.alerts.active().iter().map(describe).chain(toasts).collect();
        let windows: Vec<String> = state.screen.overlays.iter().map(variant).collect();
        let own = state.lobby.leaderboard.own.as_ref().map(|own| own.rank);
        Self([
            ("connection", connection),
            ("price", price.unwrap_or_default()),
            ("wallet", wallet.or(tokens).unwrap_or_default()),
            ("ticket", ticket),
            ("waiting orders", state.log.waiting().to_string()),
            ("open orders", open_orders.join(", ")),
            ("log", cut(&entry.unwrap_or_default(), MAX_CHARS).into_owned()),
            ("tape", describe_some(state.lobby.tape().next_back())),
            ("online", state.lobby.players.seated.to_string()),
            ("own rank", describe_some(own.as_ref())),
            ("chart", chart.join(" ").trim().to_owned()),
            ("alerts", alerts.join(", ")),
            ("windows", windows.join(", ")),
            ("tour", describe_some(state.tour.as_ref())),
            ("screen", describe(&state.screen.size)),
        ])
    }

    /// Returns the parts that differ afterwards.
    pub(crate) fn changes(self, after: Self) -> Vec<(&'static str, String, String)> {
        let shown = |text: String| match text.is_empty() {
            true => "none".to_owned(),
            false => text,
        };
        let pairs = self.0.into_iter().zip(after.0);
        let changed = pairs.filter(|((_, before), (_, after))| before != after);
        changed
            .map(|((name, before), (_, after))| (name, shown(before), shown(after)))
            .collect()
    }
}

/// Describes an event in a few words, and in full.
pub(crate) fn describe_event(event: &Event) -> (String, String) {
    let short = match event {
        Event::Key(key) => format!("Key {}", key.code),
        Event::Stream(StreamEvent::Price { price, .. }) => format!("Stream Price {}", thousands(*price)),
        Event::Stream(event) => format!("Stream {}", variant(event)),
        Event::Answered(response) => format!("Answered {}", variant(response)),
        Event::Failed(request, _) => format!("Failed {}", variant(request)),
        event => variant(event),
    };
    (short, cut(&format!("{event:?}"), MAX_EVENT_CHARS).into_owned())
}

/// Describes effects.
pub(crate) fn describe_effects(effects: &[Effect]) -> Vec<String> {
    effects.iter().map(describe).collect()
}

fn describe(value: &impl Debug) -> String {
    cut(&format!("{value:?}"), MAX_CHARS).into_owned()
}

/// Describes what may be missing; empty if it is.
fn describe_some(value: Option<&impl Debug>) -> String {
    value.map(describe).unwrap_or_default()
}

/// Returns the name of an enum's variant.
fn variant(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{SessionInfo, portfolio::money::UnixMillis, update};

    #[test]
    fn changes_have_plain_words() {
        let info = SessionInfo::new("ann", "solo");
        let (mut state, _) = AppState::new(info, (80, 24), UnixMillis(0));
        let mut changes = |event| {
            let before = Facts::new(&state);
            update(&mut state, UnixMillis(1), event);
            before.changes(Facts::new(&state))
        };
        let changed = |name, before: &str, after: &str| [(name, before.to_owned(), after.to_owned())];
        let help = changes(Event::Key(crossterm::event::KeyCode::Char('?').into()));
        assert_eq!(help, changed("windows", "none", "Help"));
        let notice = changes(Event::Notice("recording stopped".to_owned()));
        assert_eq!(notice, changed("alerts", "none", "Info(\"recording stopped\")"));
    }
}
