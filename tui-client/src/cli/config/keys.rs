//! The `[keys]` table of the configuration file, which binds other keys to actions.
//!
//! ```toml
//! [keys]
//! buy = "f1"
//! quit = ["Q", "ctrl-x"]
//! percent = []
//! ```

use toml::Spanned;
use toml::de::DeValue;

use crate::app::commands::action::{Action, BINDINGS};
use crate::app::commands::key::Key;
use crate::app::commands::keymap::{KeyConflict, Keymap};

/// An error in the table, with its byte offset in the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyError {
    pub(crate) at: usize,
    pub(crate) why: String,
}

/// Reads the value of `keys`. `line_of` maps a byte offset to a line, for errors about two places.
pub(super) fn read(
    value: &Spanned<DeValue<'_>>,
    line_of: impl Fn(usize) -> usize,
) -> Result<Keymap, KeyError> {
    let Some(table) = value.get_ref().as_table() else {
        return Err(misplaced(value, "keys must be a table: [keys]"));
    };
    let mut rows: Vec<_> = table.iter().collect();
    // In file order, so that of two conflicting keys the later one is reported.
    rows.sort_by_key(|(name, _)| name.span().start);
    let mut changes = Vec::with_capacity(rows.len());
    let mut written = Vec::new();
    for (name, value) in rows {
        let action = Action::by_name(name.get_ref()).ok_or_else(|| unknown_action(name))?;
        let keys = keys(value)?;
        changes.push((action, keys.iter().map(|(key, _)| *key).collect()));
        written.extend(keys.into_iter().map(|(key, at)| ((action, key), at)));
    }
    Keymap::with_overrides(&changes).map_err(|conflict| with_positions(&conflict, &written, line_of))
}

/// Returns the keys of one action, which are a string or a list, with their byte offsets.
fn keys(value: &Spanned<DeValue<'_>>) -> Result<Vec<(Key, usize)>, KeyError> {
    let one = |value: &Spanned<DeValue<'_>>| {
        let Some(name) = value.get_ref().as_str() else {
            return Err(misplaced(
                value,
                "a key must be a string such as \"b\", or a list such as [\"b\", \"f1\"]",
            ));
        };
        let key: Key = name.parse().map_err(|error| misplaced(value, &error))?;
        match key.sent() {
            Some(sent) if sent == key => Ok((key, value.span().start)),
            Some(sent) => Err(misplaced(
                value,
                &format!("key \"{key}\" cannot be bound: terminals send it as \"{sent}\"; write \"{sent}\""),
            )),
            None => Err(misplaced(
                value,
                &format!("key \"{key}\" cannot be bound: terminals do not send it"),
            )),
        }
    };
    match value.get_ref().as_array() {
        Some(list) => list.iter().map(one).collect(),
        None => one(value).map(|key| vec![key]),
    }
}

/// Adds the positions of both bindings to a conflict.
fn with_positions(
    conflict: &KeyConflict,
    written: &[((Action, Key), usize)],
    line_of: impl Fn(usize) -> usize,
) -> KeyError {
    let place = |binding| {
        let found = written.iter().find(|(written, _)| *written == binding);
        found.map(|(_, at)| *at)
    };
    let (action, key, other) = match *conflict {
        KeyConflict::Taken { key, action, by } => (action, key, place((by, key))),
        KeyConflict::Typed { key, action } => (action, key, None),
    };
    let mut why = conflict.to_string();
    if let Some(other) = other {
        why.push_str(&format!(" (line {})", line_of(other)));
    }
    KeyError {
        at: place((action, key)).unwrap_or(0),
        why,
    }
}

fn unknown_action(name: &Spanned<impl AsRef<str>>) -> KeyError {
    let written: String = name.get_ref().as_ref().chars().take(32).collect();
    let names: Vec<&str> = BINDINGS.iter().map(|row| row.name).collect();
    KeyError {
        at: name.span().start,
        why: format!("unknown action {written:?}; choose one of: {}", names.join(", ")),
    }
}

fn misplaced<T>(value: &Spanned<T>, why: &(impl ToString + ?Sized)) -> KeyError {
    KeyError {
        at: value.span().start,
        why: why.to_string(),
    }
}
