//! The reducer's side of the pane, in replays: each event, what it changed, and its effects.

use crate::app::{AppState, Effect, Event, event::StreamEvent, portfolio::money::UnixMillis};

/// Most characters of a text.
const MAX_CHARS: usize = 120;

/// A step of the reducer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReducerStep {
    /// Number of the event, from 1.
    pub number: u64,
    /// Time of the event.
    pub at: UnixMillis,
    /// The event.
    pub event: String,
    /// Changed parts of the state: name, before, after.
    pub changes: Vec<(&'static str, String, String)>,
    /// Effects.
    pub effects: Vec<String>,
}

/// Parts of a state in words.
pub(crate) struct Facts([(&'static str, String); 10]);

impl Facts {
    /// Describes a state.
    pub(crate) fn of(state: &AppState) -> Self {
        let price = state.market.last().map(|last| last.price);
        let last_entry = state.log.entries().next_back();
        let overlays: Vec<String> = state
            .screen
            .overlays
            .iter()
            .map(|overlay| variant(overlay))
            .collect();
        Self([
            ("connection", words(&state.connection)),
            ("price", words(&price)),
            ("wallet", words(&state.holdings)),
            ("ticket", words(&state.ticket)),
            ("waiting orders", state.log.waiting().to_string()),
            (
                "last log line",
                words(&last_entry.map(|entry| (&entry.action, &entry.status))),
            ),
            (
                "chart",
                words(&(state.chart.kind, state.chart.zoom, state.chart.crosshair)),
            ),
            ("alerts", words(&state.alerts)),
            ("windows", overlays.join(", ")),
            ("screen size", words(&state.screen.size)),
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

/// Describes an event: its type, and its content as far as it is short.
pub(crate) fn event_words(event: &Event) -> String {
    match event {
        Event::Buttons(buttons) => format!("Buttons of the last frame: {}", buttons.len()),
        Event::HitMap(_) => "HitMap: chart positions of the last frame".to_owned(),
        Event::Key(key) => format!("Key {}", key.code),
        Event::Stream(event) => match event {
            StreamEvent::Tape(_) | StreamEvent::Players(_) | StreamEvent::Leaderboard(_) => {
                format!("Stream {}", variant(event))
            }
            event => format!("Stream {}", words(event)),
        },
        event => words(event),
    }
}

/// Describes effects.
pub(crate) fn effect_words(effects: &[Effect]) -> Vec<String> {
    effects.iter().map(words).collect()
}

/// Returns the text of `Debug`, cut.
fn words(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Returns the name of an enum's variant.
fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let name: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
    name
}
