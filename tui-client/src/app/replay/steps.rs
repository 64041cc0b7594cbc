//! Describes the steps of the reducer for the wire pane: each event, what it changed, and its effects.

use std::fmt::Debug;

use awesomestock_proto::text::thousands;

use crate::app::{AppState, Effect, Event, connection::Connection, event::StreamEvent};

/// Most characters of a value, and of an event in full.
const MAX_CHARS: usize = 120;
const MAX_EVENT_CHARS: usize = 600;

/// Parts of a state in words.
pub(crate) struct Facts([(&'static str, String); 14]);

impl Facts {
    /// Describes a state.
    pub(crate) fn of(state: &AppState) -> Self {
        let connection = match &state.connection {
            Connection::Open(_) => "Open".to_owned(),
            other => words(other),
        };
        let last = state.market.last();
        let price = last.map(|last| format!("{}, tick {}", thousands(last.price), thousands(last.tick)));
        let wallet = state.holdings.wallet();
        let wallet = wallet.map(|held| format!("{} tokens, {} stocks", held.tokens, held.stocks));
        let tokens = || words(&state.holdings.tokens());
        let entry = state.log.entries().next_back();
        let entry = entry.map(|entry| format!("{:?}, {:?}", entry.action, entry.status));
        let ticket = &state.ticket;
        let chart = &state.chart;
        let windows: Vec<String> = state.screen.overlays.iter().map(variant).collect();
        let own = state.lobby.leaderboard.own.as_ref().map(|own| own.rank);
        Self([
            ("connection", connection),
            ("price", price.unwrap_or_default()),
            ("wallet", wallet.unwrap_or_else(tokens)),
            ("ticket", words(&(ticket.quantity(), ticket.limit()))),
            ("waiting orders", state.log.waiting().to_string()),
            ("log", cut(&entry.unwrap_or_default(), MAX_CHARS)),
            ("tape", words(&state.lobby.tape().next_back())),
            ("online", state.lobby.players.seated.to_string()),
            ("own rank", words(&own)),
            ("chart", words(&(chart.kind, chart.zoom, chart.crosshair))),
            ("alerts", words(&state.alerts)),
            ("windows", windows.join(", ")),
            ("tour", words(&state.tour)),
            ("screen", words(&state.screen.size)),
        ])
    }

    /// Returns the parts that differ afterwards.
    pub(crate) fn changes(self, after: Self) -> Vec<(&'static str, String, String)> {
        let pairs = self.0.into_iter().zip(after.0);
        let changed = pairs.filter(|((_, before), (_, after))| before != after);
        changed
            .map(|((name, before), (_, after))| (name, before, after))
            .collect()
    }
}

/// Describes an event in a few words, and in full.
pub(crate) fn event_words(event: &Event) -> (String, String) {
    let short = match event {
        Event::Key(key) => format!("Key {}", key.code),
        Event::Stream(StreamEvent::Price { price, .. }) => format!("Stream Price {}", thousands(*price)),
        Event::Stream(event) => format!("Stream {}", variant(event)),
        Event::Answered(response) => format!("Answered {}", variant(response)),
        Event::Failed(request, _) => format!("Failed {}", variant(request)),
        event => variant(event),
    };
    (short, cut(&format!("{event:?}"), MAX_EVENT_CHARS))
}

/// Describes effects.
pub(crate) fn effect_words(effects: &[Effect]) -> Vec<String> {
    effects.iter().map(words).collect()
}

fn words(value: &impl Debug) -> String {
    cut(&format!("{value:?}"), MAX_CHARS)
}

fn cut(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Returns the name of an enum's variant.
fn variant(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}
