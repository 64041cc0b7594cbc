//! Key names in the configuration and on the screen. Every name parses back to the same key.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde::{Deserialize, Serialize};

use super::command::ellipsize;

/// Keys other than characters: code, configuration name, label. The first name of a code is written.
const NAMED: &[(KeyCode, &str, &str)] = &[
    (KeyCode::Char(' '), "space", "Space"),
    (KeyCode::Enter, "enter", "Enter"),
    (KeyCode::Enter, "return", "Enter"),
    (KeyCode::Esc, "esc", "Esc"),
    (KeyCode::Esc, "escape", "Esc"),
    (KeyCode::Tab, "tab", "Tab"),
    (KeyCode::Backspace, "backspace", "Backspace"),
    (KeyCode::Delete, "delete", "Del"),
    (KeyCode::Insert, "insert", "Ins"),
    (KeyCode::Up, "up", "Up"),
    (KeyCode::Down, "down", "Down"),
    (KeyCode::Left, "left", "Left"),
    (KeyCode::Right, "right", "Right"),
    (KeyCode::Home, "home", "Home"),
    (KeyCode::End, "end", "End"),
    (KeyCode::PageUp, "pageup", "PgUp"),
    (KeyCode::PageUp, "pgup", "PgUp"),
    (KeyCode::PageDown, "pagedown", "PgDn"),
    (KeyCode::PageDown, "pgdn", "PgDn"),
];

const LAST_FUNCTION_KEY: u8 = 12;

/// Modifiers, with their names in the configuration and on the screen.
const MODIFIERS: [(KeyModifiers, &str, &str); 3] = [
    (KeyModifiers::CONTROL, "ctrl-", "Ctrl-"),
    (KeyModifiers::ALT, "alt-", "Alt-"),
    (KeyModifiers::SHIFT, "shift-", "Shift-"),
];

/// A key with modifiers. Shift with a character is part of the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// A name that no key has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownKey {
    #[error("unknown key {0:?}; keys are written b, S, space, enter, esc, up, f1, ctrl-l, alt-x, shift-tab")]
    Name(String),
    /// Terminals send another key instead.
    #[error("unknown key {0:?}; terminals send it as \"{1}\": write that")]
    SentAs(String, Key),
}

impl Key {
    pub const ENTER: Self = Self::new(KeyCode::Enter);

    pub(crate) const ESC: Self = Self::new(KeyCode::Esc);

    pub(crate) const TAB: Self = Self::new(KeyCode::Tab);

    pub(crate) const fn new(code: KeyCode) -> Self {
        Self {
            code,
            modifiers: KeyModifiers::NONE,
        }
    }

    pub const fn char(letter: char) -> Self {
        Self::new(KeyCode::Char(letter))
    }

    pub(crate) const fn ctrl(letter: char) -> Self {
        Self {
            modifiers: KeyModifiers::CONTROL,
            ..Self::char(letter)
        }
    }

    /// Returns the key of an event; `None` if it cannot be bound.
    pub(crate) fn from_event(event: &KeyEvent) -> Option<Self> {
        let held = event.modifiers;
        let unbound = KeyModifiers::SUPER | KeyModifiers::META | KeyModifiers::HYPER;
        if held.intersects(unbound) {
            return None;
        }
        let unshifted = held.difference(KeyModifiers::SHIFT);
        let (code, modifiers) = match event.code {
            KeyCode::BackTab => (KeyCode::Tab, held | KeyModifiers::SHIFT),
            KeyCode::Char(letter) if held.contains(KeyModifiers::CONTROL) => {
                (KeyCode::Char(letter.to_ascii_lowercase()), unshifted)
            }
            code @ KeyCode::Char(_) => (code, unshifted),
            code => (code, held),
        };
        let key = Self { code, modifiers };
        key.name().is_some().then_some(key)
    }

    /// Returns the key that terminals send for this one, mostly itself; `None` if they send nothing that is known. The
    /// bytes of Ctrl with a character are also those of other keys, and most keys have none for Shift.
    pub(crate) fn sent(self) -> Option<Self> {
        let ctrl = self.modifiers.contains(KeyModifiers::CONTROL);
        let alone = self.modifiers.difference(KeyModifiers::CONTROL);
        let (code, modifiers) = match self.code {
            KeyCode::Char(letter) if ctrl => match letter {
                'c' => (self.code, KeyModifiers::CONTROL),
                'i' => (KeyCode::Tab, alone),
                'm' => (KeyCode::Enter, alone),
                '[' | '3' => (KeyCode::Esc, KeyModifiers::NONE),
                '?' | '8' => (KeyCode::Backspace, alone),
                '@' | '2' => (KeyCode::Char(' '), self.modifiers),
                // crossterm's names of these bytes.
                '\\' => (KeyCode::Char('4'), self.modifiers),
                ']' => (KeyCode::Char('5'), self.modifiers),
                '^' => (KeyCode::Char('6'), self.modifiers),
                '_' | '/' => (KeyCode::Char('7'), self.modifiers),
                'a'..='z' | ' ' | '4'..='7' => (self.code, self.modifiers),
                _ => return None,
            },
            KeyCode::Esc => (self.code, KeyModifiers::NONE),
            KeyCode::Tab if self.modifiers.contains(KeyModifiers::SHIFT) => (self.code, KeyModifiers::SHIFT),
            KeyCode::Enter | KeyCode::Tab | KeyCode::Backspace => {
                (self.code, self.modifiers.intersection(KeyModifiers::ALT))
            }
            code => (code, self.modifiers),
        };
        Some(Self { code, modifiers })
    }

    pub fn press(&self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    /// Returns the character it types, if any.
    pub fn letter(&self) -> Option<char> {
        match self.code {
            KeyCode::Char(letter) if self.modifiers.is_empty() => Some(letter),
            _ => None,
        }
    }

    /// Returns true if the key works in overlays too, because it never types, selects or scrolls.
    pub(crate) fn is_global(&self) -> bool {
        let ctrl_or_alt = KeyModifiers::CONTROL | KeyModifiers::ALT;
        self.modifiers.intersects(ctrl_or_alt) || matches!(self.code, KeyCode::F(_))
    }

    /// Returns the label: `b`, `Ctrl-C`, `Up`.
    pub fn label(&self) -> String {
        let named = NAMED.iter().find(|(code, ..)| *code == self.code);
        let name = match (self.code, named) {
            (_, Some((_, _, label))) => (*label).to_owned(),
            (KeyCode::Char(letter), None) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                letter.to_ascii_uppercase().to_string()
            }
            (KeyCode::F(number), None) => format!("F{number}"),
            (_, None) => self.name().unwrap_or_default(),
        };
        self.held().map(|(_, _, label)| label).collect::<String>() + &name
    }

    fn name(&self) -> Option<String> {
        if let Some((_, name, _)) = NAMED.iter().find(|(code, ..)| *code == self.code) {
            return Some((*name).to_owned());
        }
        match self.code {
            KeyCode::F(number @ 1..=LAST_FUNCTION_KEY) => Some(format!("f{number}")),
            KeyCode::Char(letter) if !letter.is_control() && !letter.is_whitespace() => {
                Some(letter.to_string())
            }
            _ => None,
        }
    }

    fn held(&self) -> impl Iterator<Item = (KeyModifiers, &'static str, &'static str)> {
        MODIFIERS
            .into_iter()
            .filter(|(modifier, ..)| self.modifiers.contains(*modifier))
    }
}

impl fmt::Display for Key {
    /// Writes the configuration name: `b`, `ctrl-c`, `up`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held().try_for_each(|(_, name, _)| f.write_str(name))?;
        f.write_str(&self.name().unwrap_or_default())
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for Key {
    type Error = UnknownKey;

    fn try_from(name: String) -> Result<Self, UnknownKey> {
        name.parse()
    }
}

impl FromStr for Key {
    type Err = UnknownKey;

    fn from_str(name: &str) -> Result<Self, UnknownKey> {
        let unknown = || UnknownKey::Name(ellipsize(name));
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = name;
        // `ctrl-` alone is not a modifier.
        while let Some((modifier, behind)) = held(rest).filter(|(_, behind)| !behind.is_empty()) {
            if modifiers.contains(modifier) {
                return Err(unknown());
            }
            modifiers |= modifier;
            rest = behind;
        }
        let [shift, ctrl] =
            [KeyModifiers::SHIFT, KeyModifiers::CONTROL].map(|modifier| modifiers.contains(modifier));
        let code = match code(rest).ok_or_else(unknown)? {
            KeyCode::Char(letter) if shift && !ctrl => KeyCode::Char(letter.to_ascii_uppercase()),
            code => code,
        };
        let key = Self::from_event(&KeyEvent::new(code, modifiers)).ok_or_else(unknown)?;
        match (code, key.sent()) {
            (KeyCode::Char(letter), _) if shift && !ctrl && letter.is_uppercase() => Ok(key),
            (KeyCode::Char(' ' | 'a'..='z' | 'A'..='Z'), Some(sent)) if shift => {
                Err(UnknownKey::SentAs(ellipsize(name), sent))
            }
            // Shift changes other characters depending on the keyboard layout.
            (KeyCode::Char(_), _) if shift => Err(unknown()),
            _ => Ok(key),
        }
    }
}

fn held(name: &str) -> Option<(KeyModifiers, &str)> {
    MODIFIERS.into_iter().find_map(|(modifier, word, _)| {
        let (start, behind) = name.split_at_checked(word.len())?;
        start.eq_ignore_ascii_case(word).then_some((modifier, behind))
    })
}

fn code(name: &str) -> Option<KeyCode> {
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(KeyCode::Char(letter));
    }
    let name = name.to_ascii_lowercase();
    if let Some((code, ..)) = NAMED.iter().find(|(_, named, _)| *named == name) {
        return Some(*code);
    }
    let number = name.strip_prefix('f')?;
    let number: u8 = number.parse().ok().filter(|_| !number.starts_with(['0', '+']))?;
    Some(KeyCode::F(number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_labels() {
        for (name, written, label) in [
            ("b", "b", "b"),
            ("S", "S", "S"),
            ("shift-s", "S", "S"),
            ("shift-S", "S", "S"),
            ("shift-É", "É", "É"),
            ("alt-shift-s", "alt-S", "Alt-S"),
            ("alt-shift-S", "alt-S", "Alt-S"),
            ("?", "?", "?"),
            ("-", "-", "-"),
            ("ctrl--", "ctrl--", "Ctrl--"),
            ("ctrl-c", "ctrl-c", "Ctrl-C"),
            ("Ctrl-L", "ctrl-l", "Ctrl-L"),
            ("SPACE", "space", "Space"),
            ("return", "enter", "Enter"),
            ("pgup", "pageup", "PgUp"),
            ("f12", "f12", "F12"),
            ("shift-tab", "shift-tab", "Shift-Tab"),
            ("alt-ctrl-x", "ctrl-alt-x", "Ctrl-Alt-X"),
            ("株", "株", "株"),
        ] {
            let key: Key = name.parse().unwrap();
            assert_eq!((key.to_string().as_str(), key.label().as_str()), (written, label));
        }
        let too_long = "x".repeat(100);
        for name in [
            "",
            "ctrl-",
            "bb",
            "f0",
            "f13",
            "f01",
            "shift-1",
            "shift-é",
            "ctrl-ctrl-a",
            "\t",
            "hyper-x",
            &too_long,
        ] {
            let unknown = UnknownKey::Name(ellipsize(name));
            assert_eq!(name.parse::<Key>(), Err(unknown), "{name:?}");
        }
        for (name, sent) in [
            ("ctrl-shift-a", "ctrl-a"),
            ("shift-ctrl-I", "tab"),
            ("shift-space", "space"),
        ] {
            let unknown = name.parse::<Key>().unwrap_err().to_string();
            let expected = format!("unknown key \"{name}\"; terminals send it as \"{sent}\": write that");
            assert_eq!(unknown, expected);
        }
    }

    fn any_event() -> impl Strategy<Value = KeyEvent> {
        let code = prop_oneof![
            any::<char>().prop_map(KeyCode::Char),
            (b' '..=b'~').prop_map(|byte| KeyCode::Char(char::from(byte))),
            any::<u8>().prop_map(KeyCode::F),
            prop::sample::select(NAMED).prop_map(|(code, ..)| code),
            Just(KeyCode::BackTab),
            Just(KeyCode::Null),
        ];
        (code, 0_u8..64).prop_map(|(code, bits)| KeyEvent::new(code, KeyModifiers::from_bits_truncate(bits)))
    }

    proptest! {
        #[test]
        fn a_name_that_was_written_is_read_as_the_same_key(event in any_event()) {
            if let Some(key) = Key::from_event(&event) {
                prop_assert_eq!(key.to_string().parse(), Ok(key));
            }
        }

        #[test]
        fn any_text_is_a_key_or_rejected(name in ".{0,12}") {
            if let Ok(key) = name.parse::<Key>() {
                prop_assert_eq!(key.to_string().parse(), Ok(key));
            }
        }
    }
}
