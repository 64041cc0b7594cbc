//! Key bindings: defaults and overrides. A key has one action, keys that type a quantity have no other, and Ctrl-C
//! always quits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::action::{Action, BINDINGS, Binding};
use super::key::Key;

const ALWAYS_QUITS: Key = Key::ctrl('c');

/// Characters of quantities, besides digits.
const QUANTITY_LETTERS: [char; 4] = ['.', 'k', '$', '%'];

/// The keys of every action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Vec<Key>>", into = "BTreeMap<String, Vec<Key>>")]
pub struct Keymap {
    rows: Vec<(Action, Vec<Key>)>,
}

/// An invalid key binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyConflict {
    /// Bound to another action.
    #[error("key \"{key}\" cannot be bound to {}: it is bound to {}", .action.name(), .by.name())]
    Taken {
        key: Key,
        /// The requested action.
        action: Action,
        /// The action it is bound to.
        by: Action,
    },
    /// Types the ticket's quantity.
    #[error("key \"{key}\" cannot be bound to {}: it types the ticket's quantity", .action.name())]
    Typed {
        key: Key,
        /// The requested action.
        action: Action,
    },
}

impl Default for Keymap {
    fn default() -> Self {
        let own = |row: &Binding| (row.action, row.keys.to_vec());
        Self {
            rows: BINDINGS.iter().map(own).collect(),
        }
    }
}

impl Keymap {
    /// Returns the defaults with the keys of some actions replaced. An empty list removes all keys of an action. Fails
    /// if a key has another action or types a quantity.
    pub fn with_overrides(changes: &[(Action, Vec<Key>)]) -> Result<Self, KeyConflict> {
        let mut keymap = Self::default();
        for (action, keys) in changes {
            if let Some((_, kept)) = keymap.rows.iter_mut().find(|(row, _)| row == action) {
                kept.clear();
                for key in keys {
                    if !kept.contains(key) {
                        kept.push(*key);
                    }
                }
            }
        }
        if let Some((_, keys)) = keymap.rows.iter_mut().find(|(row, _)| *row == Action::Quit)
            && !keys.contains(&ALWAYS_QUITS)
        {
            keys.push(ALWAYS_QUITS);
        }
        for (index, (action, keys)) in changes.iter().enumerate() {
            let later = changes.get(index.saturating_add(1)..).unwrap_or_default();
            keys.iter()
                .try_for_each(|key| keymap.check(*action, *key, later))?;
        }
        Ok(keymap)
    }

    /// If two changes want the same key, the `later` one is rejected.
    fn check(&self, action: Action, key: Key, later: &[(Action, Vec<Key>)]) -> Result<(), KeyConflict> {
        let is_own = BINDINGS
            .iter()
            .any(|row| row.action == action && row.keys.contains(&key));
        let types = |letter: char| letter.is_ascii_digit() || QUANTITY_LETTERS.contains(&letter);
        if !is_own && key.letter().is_some_and(types) {
            return Err(KeyConflict::Typed { key, action });
        }
        let is_later = |row: Action| later.iter().any(|(action, _)| *action == row);
        let by = self
            .rows
            .iter()
            .find(|(row, keys)| *row != action && keys.contains(&key) && !is_later(*row));
        by.map_or(Ok(()), |(by, _)| Err(KeyConflict::Taken { key, action, by: *by }))
    }

    pub fn action(&self, pressed: Key) -> Option<Action> {
        let row = self.rows.iter().find(|(_, keys)| keys.contains(&pressed));
        row.map(|(action, _)| *action)
    }

    /// Returns the keys of an action; the first one is shown as a hint.
    pub fn keys(&self, action: Action) -> &[Key] {
        let row = self.rows.iter().find(|(row, _)| *row == action);
        row.map_or(&[], |(_, keys)| keys)
    }

    /// Returns the label of the first key, or an empty string.
    pub fn label(&self, action: Action) -> String {
        self.keys(action).first().map(Key::label).unwrap_or_default()
    }
}

impl From<Keymap> for BTreeMap<String, Vec<Key>> {
    fn from(keymap: Keymap) -> Self {
        let own = Keymap::default();
        let changes = keymap.rows.into_iter().filter(|row| !own.rows.contains(row));
        changes
            .map(|(action, keys)| (action.name().to_owned(), keys))
            .collect()
    }
}

impl TryFrom<BTreeMap<String, Vec<Key>>> for Keymap {
    type Error = String;

    fn try_from(changes: BTreeMap<String, Vec<Key>>) -> Result<Self, String> {
        let known = |(name, keys)| Ok((Action::try_from(name)?, keys));
        let changes = changes
            .into_iter()
            .map(known)
            .collect::<Result<Vec<_>, String>>()?;
        Self::with_overrides(&changes).map_err(|refusal| refusal.to_string())
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;

    use super::*;

    fn keys(names: &[&str]) -> Vec<Key> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn default_keys_have_one_action_each() {
        let own = Keymap::default();
        for (action, keys) in &own.rows {
            for key in keys {
                assert_eq!(own.check(*action, *key, &[]), Ok(()), "{key}");
            }
        }
    }

    #[test]
    fn an_overridden_key_has_only_the_new_action() {
        let changes = [(Action::Buy, keys(&["f1", "f1"])), (Action::Sell, keys(&["b"]))];
        let keymap = Keymap::with_overrides(&changes).unwrap();
        let of = |code| keymap.action(Key::new(code));
        assert_eq!(of(KeyCode::F(1)), Some(Action::Buy));
        assert_eq!(of(KeyCode::Char('b')), Some(Action::Sell));
        assert_eq!(of(KeyCode::Char('s')), None);
        assert_eq!(keymap.keys(Action::Buy).len(), 1);
        assert_eq!(keymap.label(Action::Sell), "b");
    }

    #[test]
    fn ctrl_c_always_quits() {
        let ctrl_c: Key = "ctrl-c".parse().unwrap();
        for changed in [&[][..], &["x"], &["f10", "ctrl-c"]] {
            // `x` belongs to the crosshair by default.
            let changes = [
                (Action::Quit, keys(changed)),
                (Action::by_name("crosshair").unwrap(), keys(&["f2"])),
            ];
            let keymap = Keymap::with_overrides(&changes).unwrap();
            assert_eq!(keymap.action(ctrl_c), Some(Action::Quit), "{changed:?}");
        }
        let taken = Keymap::with_overrides(&[(Action::Buy, keys(&["ctrl-c"]))]).unwrap_err();
        assert!(matches!(taken, KeyConflict::Taken { by: Action::Quit, .. }));
    }

    #[test]
    fn a_rejected_binding_names_both_actions() {
        let text = |changes: &[(Action, Vec<Key>)]| Keymap::with_overrides(changes).unwrap_err().to_string();
        assert_eq!(
            text(&[(Action::Buy, keys(&["s"]))]),
            "key \"s\" cannot be bound to buy: it is bound to sell"
        );
        assert_eq!(
            text(&[(Action::Sell, keys(&["f1"])), (Action::Buy, keys(&["f1"]))]),
            "key \"f1\" cannot be bound to buy: it is bound to sell"
        );
        for letter in ["0", "9", ".", "k", "$", "%"] {
            assert!(text(&[(Action::Buy, keys(&[letter]))]).contains("types the ticket's quantity"));
        }
        let percent = Action::by_name("percent").unwrap();
        assert!(Keymap::with_overrides(&[(percent, keys(&["%", "f3"]))]).is_ok());
    }

    #[test]
    fn overrides_are_written_and_read_back() {
        assert_eq!(serde_json::to_string(&Keymap::default()).unwrap(), "{}");
        let keymap =
            Keymap::with_overrides(&[(Action::Buy, keys(&["f1"])), (Action::Quit, keys(&["z"]))]).unwrap();
        let text = serde_json::to_string(&keymap).unwrap();
        assert_eq!(text, r#"{"buy":["f1"],"quit":["z","ctrl-c"]}"#);
        assert_eq!(serde_json::from_str::<Keymap>(&text).unwrap(), keymap);
        for wrong in [r#"{"fly":["f1"]}"#, r#"{"buy":["s"]}"#, r#"{"buy":["no key"]}"#] {
            assert!(serde_json::from_str::<Keymap>(wrong).is_err(), "{wrong}");
        }
    }
}
