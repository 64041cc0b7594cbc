//! The table `[keys]` of the configuration file: other keys for the actions of the desk.
//!
//! Owns how the table is written, and that each of its errors has its place. What a key may be bound to is the
//! [`Keymap`]'s to say.
//!
//! ```toml
//! [keys]
//! buy = "f1"
//! quit = ["Q", "ctrl-x"]
//! percent = []
//! ```

use toml::{Spanned, de::DeValue};

use crate::app::{
    action::{Action, BINDINGS},
    key::Key,
    keymap::{Keymap, Refusal},
};

/// What is wrong with the table, and at which byte of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misplaced {
    pub(super) at: usize,
    pub(super) why: String,
}

/// A key as it was written for an action.
struct Written {
    action: Action,
    key: Key,
    at: usize,
}

/// Reads the value of `keys`. `line_of` tells the line of a byte, for an error about two places.
pub(super) fn read(
    value: &Spanned<DeValue<'_>>,
    line_of: impl Fn(usize) -> usize,
) -> Result<Keymap, Misplaced> {
    let Some(table) = value.get_ref().as_table() else {
        return Err(misplaced(value, "keys is a table: [keys]"));
    };
    let mut rows: Vec<_> = table.iter().collect();
    // In the order of the file: of two that are in each other's way, the later one is named.
    rows.sort_by_key(|(name, _)| name.span().start);
    let mut changes = Vec::with_capacity(rows.len());
    let mut written = Vec::new();
    for (name, value) in rows {
        let action = Action::by_name(name.get_ref()).ok_or_else(|| unknown_action(name))?;
        let keys = keys(value)?;
        changes.push((action, keys.iter().map(|(key, _)| *key).collect()));
        written.extend(keys.into_iter().map(|(key, at)| Written { action, key, at }));
    }
    Keymap::with(&changes).map_err(|refusal| placed(refusal, &written, line_of))
}

/// The keys of one action, and where they stand: one, or a list.
fn keys(value: &Spanned<DeValue<'_>>) -> Result<Vec<(Key, usize)>, Misplaced> {
    let one = |value: &Spanned<DeValue<'_>>| {
        let Some(name) = value.get_ref().as_str() else {
            return Err(misplaced(
                value,
                "a key is written \"b\", several [\"b\", \"f1\"]",
            ));
        };
        let key: Key = name.parse().map_err(|error| misplaced(value, &error))?;
        Ok((key, value.span().start))
    };
    match value.get_ref().as_array() {
        Some(list) => list.iter().map(one).collect(),
        None => one(value).map(|key| vec![key]),
    }
}

/// The refusal where the key was written, and where the other action got it from.
fn placed(refusal: Refusal, written: &[Written], line_of: impl Fn(usize) -> usize) -> Misplaced {
    let place = |action: Action, key: Key| {
        let found = written
            .iter()
            .find(|written| written.action == action && written.key == key);
        found.map(|written| written.at)
    };
    let (action, key) = refusal.wanted();
    let other = match refusal {
        Refusal::Taken { by, .. } => place(by, key),
        Refusal::Typed { .. } => None,
    };
    let mut why = refusal.to_string();
    if let Some(other) = other {
        why.push_str(&format!(" (line {})", line_of(other)));
    }
    Misplaced {
        at: place(action, key).unwrap_or(0),
        why,
    }
}

fn unknown_action(name: &Spanned<impl AsRef<str>>) -> Misplaced {
    let written: String = name.get_ref().as_ref().chars().take(32).collect();
    let names: Vec<&str> = BINDINGS.iter().map(|row| row.name).collect();
    Misplaced {
        at: name.span().start,
        why: format!("there is no action {written:?}; there are: {}", names.join(", ")),
    }
}

fn misplaced<T>(value: &Spanned<T>, why: &(impl ToString + ?Sized)) -> Misplaced {
    Misplaced {
        at: value.span().start,
        why: why.to_string(),
    }
}
