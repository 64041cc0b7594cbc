//! Which keys do what: the table's own keys, and what the player changed of them.
//!
//! Owns what a key may be bound to: no key does two things, none that types a quantity does anything else, and Ctrl-C
//! always leaves.

use std::{collections::BTreeMap, fmt};

use crossterm::event::KeyEvent;
use serde::{Deserialize, Serialize};

use super::{
    action::{Action, BINDINGS, Binding},
    key::Key,
};

/// Always leaves, whatever else does.
const LEAVES: Key = Key::ctrl('c');

/// Letters that the ticket takes for a quantity, beside digits.
const QUANTITY_LETTERS: [char; 4] = ['.', 'k', '$', '%'];

/// The keys of every action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Vec<Key>>", into = "BTreeMap<String, Vec<Key>>")]
pub struct Keymap {
    rows: Vec<(Action, Vec<Key>)>,
}

/// Why a key cannot be bound to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It does something else.
    Taken {
        /// The key.
        key: Key,
        /// What it was to do.
        action: Action,
        /// What it does.
        by: Action,
    },
    /// It types the ticket's quantity.
    Typed {
        /// The key.
        key: Key,
        /// What it was to do.
        action: Action,
    },
}

impl Refusal {
    /// The key, and what it was to do.
    #[must_use]
    pub fn wanted(&self) -> (Action, Key) {
        match self {
            Self::Taken { key, action, .. } | Self::Typed { key, action } => (*action, *key),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { key, action, by } => write!(
                f,
                "\"{key}\" cannot be the key of {}: it is the key of {}",
                action.name(),
                by.name()
            ),
            Self::Typed { key, action } => write!(
                f,
                "\"{key}\" cannot be the key of {}: it types the ticket's quantity",
                action.name()
            ),
        }
    }
}

impl std::error::Error for Refusal {}

impl Default for Keymap {
    /// The table's own keys.
    fn default() -> Self {
        let own = |row: &Binding| (row.action, row.keys.to_vec());
        Self {
            rows: BINDINGS.iter().map(own).collect(),
        }
    }
}

impl Keymap {
    /// The table's own keys, but those of some actions. No key: the action has none.
    ///
    /// # Errors
    ///
    /// When one of these keys does something else, or types a quantity.
    pub fn with(changes: &[(Action, Vec<Key>)]) -> Result<Self, Refusal> {
        let mut keymap = Self::default();
        for (action, keys) in &each_key_once(changes) {
            if let Some((_, kept)) = keymap.rows.iter_mut().find(|(row, _)| row == action) {
                kept.clone_from(keys);
            }
        }
        if let Some((_, keys)) = keymap.rows.iter_mut().find(|(row, _)| *row == Action::Quit)
            && !keys.contains(&LEAVES)
        {
            keys.push(LEAVES);
        }
        for (index, (action, keys)) in changes.iter().enumerate() {
            let later = changes.get(index.saturating_add(1)..).unwrap_or_default();
            keys.iter()
                .try_for_each(|key| keymap.check(*action, *key, later))?;
        }
        Ok(keymap)
    }

    /// Of two changes that want one key, the `later` one is refused.
    fn check(&self, action: Action, key: Key, later: &[(Action, Vec<Key>)]) -> Result<(), Refusal> {
        let is_own = BINDINGS
            .iter()
            .any(|row| row.action == action && row.keys.contains(&key));
        let types = |letter: char| letter.is_ascii_digit() || QUANTITY_LETTERS.contains(&letter);
        if !is_own && key.letter().is_some_and(types) {
            return Err(Refusal::Typed { key, action });
        }
        let is_later = |row: Action| later.iter().any(|(action, _)| *action == row);
        let by = self
            .rows
            .iter()
            .find(|(row, keys)| *row != action && keys.contains(&key) && !is_later(*row));
        by.map_or(Ok(()), |(by, _)| Err(Refusal::Taken { key, action, by: *by }))
    }

    /// What a key does.
    #[must_use]
    pub fn action(&self, event: &KeyEvent) -> Option<Action> {
        let pressed = Key::of(event)?;
        let row = self.rows.iter().find(|(_, keys)| keys.contains(&pressed));
        row.map(|(action, _)| *action)
    }

    /// The keys of an action; the first one is shown as a hint.
    #[must_use]
    pub fn keys(&self, action: Action) -> &[Key] {
        let row = self.rows.iter().find(|(row, _)| *row == action);
        row.map_or(&[], |(_, keys)| keys)
    }

    /// The first key of an action, as the screen writes it; empty where it has none.
    #[must_use]
    pub fn label(&self, action: Action) -> String {
        self.keys(action).first().map(Key::label).unwrap_or_default()
    }

    /// The rows that differ from the table's own.
    fn changes(&self) -> impl Iterator<Item = &(Action, Vec<Key>)> {
        let own = Self::default();
        self.rows.iter().filter(move |row| !own.rows.contains(row))
    }
}

/// Each key of a row once.
fn each_key_once(changes: &[(Action, Vec<Key>)]) -> Vec<(Action, Vec<Key>)> {
    let each_once = |keys: &[Key]| {
        keys.iter().fold(Vec::new(), |mut kept, key| {
            if !kept.contains(key) {
                kept.push(*key);
            }
            kept
        })
    };
    changes
        .iter()
        .map(|(action, keys)| (*action, each_once(keys)))
        .collect()
}

impl From<Keymap> for BTreeMap<String, Vec<Key>> {
    /// What was changed, by the names of actions.
    fn from(keymap: Keymap) -> Self {
        let named = |(action, keys): &(Action, Vec<Key>)| (action.name().to_owned(), keys.clone());
        keymap.changes().map(named).collect()
    }
}

impl TryFrom<BTreeMap<String, Vec<Key>>> for Keymap {
    type Error = String;

    fn try_from(changes: BTreeMap<String, Vec<Key>>) -> Result<Self, String> {
        let known = |(name, keys): (String, Vec<Key>)| {
            let action = Action::by_name(&name).ok_or_else(|| format!("there is no action {name:?}"))?;
            Ok((action, keys))
        };
        let changes = changes
            .into_iter()
            .map(known)
            .collect::<Result<Vec<_>, String>>()?;
        Self::with(&changes).map_err(|refusal| refusal.to_string())
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;

    fn keys(names: &[&str]) -> Vec<Key> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn press(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn the_tables_own_keys_do_one_thing_each() {
        let own = Keymap::default();
        for (action, keys) in &own.rows {
            for key in keys {
                assert_eq!(own.check(*action, *key, &[]), Ok(()), "{key}");
            }
        }
    }

    #[test]
    fn a_key_that_is_changed_does_the_new_thing_alone() {
        let changes = [(Action::Buy, keys(&["f1", "f1"])), (Action::Sell, keys(&["b"]))];
        let keymap = Keymap::with(&changes).unwrap();
        let of = |code| keymap.action(&press(code, KeyModifiers::NONE));
        assert_eq!(of(KeyCode::F(1)), Some(Action::Buy));
        assert_eq!(of(KeyCode::Char('b')), Some(Action::Sell));
        assert_eq!(of(KeyCode::Char('s')), None);
        assert_eq!(keymap.keys(Action::Buy).len(), 1);
        assert_eq!(keymap.label(Action::Sell), "b");
    }

    #[test]
    fn ctrl_c_always_leaves() {
        let ctrl_c = press(KeyCode::Char('c'), KeyModifiers::CONTROL);
        for changed in [&[][..], &["x"], &["f10", "ctrl-c"]] {
            // `x` is the crosshair's until that has another one.
            let changes = [
                (Action::Quit, keys(changed)),
                (Action::by_name("crosshair").unwrap(), keys(&["f2"])),
            ];
            let keymap = Keymap::with(&changes).unwrap();
            assert_eq!(keymap.action(&ctrl_c), Some(Action::Quit), "{changed:?}");
        }
        let taken = Keymap::with(&[(Action::Buy, keys(&["ctrl-c"]))]).unwrap_err();
        assert!(matches!(taken, Refusal::Taken { by: Action::Quit, .. }));
    }

    #[test]
    fn what_cannot_be_is_refused_with_both_actions() {
        let words = |changes: &[(Action, Vec<Key>)]| Keymap::with(changes).unwrap_err().to_string();
        assert_eq!(
            words(&[(Action::Buy, keys(&["s"]))]),
            "\"s\" cannot be the key of buy: it is the key of sell"
        );
        assert_eq!(
            words(&[(Action::Sell, keys(&["f1"])), (Action::Buy, keys(&["f1"]))]),
            "\"f1\" cannot be the key of buy: it is the key of sell"
        );
        for letter in ["0", "9", ".", "k", "$", "%"] {
            assert!(words(&[(Action::Buy, keys(&[letter]))]).contains("types the ticket's quantity"));
        }
        let percent = Action::by_name("percent").unwrap();
        assert!(Keymap::with(&[(percent, keys(&["%", "f3"]))]).is_ok());
    }

    #[test]
    fn what_was_changed_is_written_and_read_again() {
        assert_eq!(serde_json::to_string(&Keymap::default()).unwrap(), "{}");
        let keymap = Keymap::with(&[(Action::Buy, keys(&["f1"])), (Action::Quit, keys(&["z"]))]).unwrap();
        let text = serde_json::to_string(&keymap).unwrap();
        assert_eq!(text, r#"{"buy":["f1"],"quit":["z","ctrl-c"]}"#);
        assert_eq!(serde_json::from_str::<Keymap>(&text).unwrap(), keymap);
        for wrong in [r#"{"fly":["f1"]}"#, r#"{"buy":["s"]}"#, r#"{"buy":["no key"]}"#] {
            assert!(serde_json::from_str::<Keymap>(wrong).is_err(), "{wrong}");
        }
    }
}
