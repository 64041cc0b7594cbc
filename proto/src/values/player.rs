//! The rule for player names, shared by all programs.

use std::borrow::Cow;

use tonic::Status;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Largest length of a name in characters (Unicode scalar values).
pub const MAX_NAME_CHARS: usize = 32;

/// Invisible letters: the letters among Unicode's default-ignorable code points.
const INVISIBLE: [char; 6] = [
    '\u{115f}', '\u{1160}', '\u{17b4}', '\u{17b5}', '\u{3164}', '\u{ffa0}',
];

/// An invalid name. The message does not repeat the name, which could harm a terminal or a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// No characters, or no name at all.
    #[error("a name is needed, 1 to {MAX_NAME_CHARS} characters")]
    Missing,
    /// More than [`MAX_NAME_CHARS`].
    #[error("a name has 1 to {MAX_NAME_CHARS} characters, this one has {chars}")]
    TooLong {
        /// Number of characters.
        chars: usize,
    },
    /// A character other than a visible letter, a digit and `_ - .`.
    #[error(
        "a name has letters, digits and _ - . only; character {position} is U+{:04X}",
        u32::from(*char)
    )]
    BadChar {
        /// The first such character.
        char: char,
        /// Its position, from 1.
        position: usize,
    },
    /// Not UTF-8.
    #[error("a name is UTF-8 text, 1 to {MAX_NAME_CHARS} characters")]
    NotText,
}

impl From<InvalidName> for Status {
    fn from(error: InvalidName) -> Self {
        Self::invalid_argument(format!("user: {error}"))
    }
}

/// Normalizes a name to Unicode form C, so that a composed and a decomposed `Å` are one name.
///
/// A few letters have no composed form, and their parts are not allowed in a name: they stay as they are.
///
/// # Errors
///
/// See [`InvalidName`].
pub fn normalize(text: &str) -> Result<Cow<'_, str>, InvalidName> {
    let is_allowed = |char: char| is_name_char(char) && !INVISIBLE.contains(&char);
    if is_nfc(text) {
        return check(text, is_allowed).map(|()| Cow::Borrowed(text));
    }
    // One character more than allowed proves that it is too long.
    let composed: String = text.nfc().take(MAX_NAME_CHARS.saturating_add(1)).collect();
    match check(&composed, is_allowed) {
        Ok(()) => Ok(Cow::Owned(composed)),
        Err(fault) => check(text, is_allowed)
            .map_err(|_| fault)
            .map(|()| Cow::Borrowed(text)),
    }
}

/// Checks a stored name. Earlier versions accepted any normalization, and invisible letters.
///
/// # Errors
///
/// See [`InvalidName`].
pub fn check_stored(name: &str) -> Result<(), InvalidName> {
    check(name, is_name_char)
}

/// Replaces invisible letters of a stored name with `_`.
#[must_use]
pub fn visible(name: &str) -> Cow<'_, str> {
    match name.contains(INVISIBLE) {
        true => Cow::Owned(name.replace(INVISIBLE, "_")),
        false => Cow::Borrowed(name),
    }
}

/// Returns whether a name may contain `char`, if it is visible.
fn is_name_char(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-' | '.')
}

fn check(name: &str, is_allowed: impl Fn(char) -> bool) -> Result<(), InvalidName> {
    let chars = name.chars().count();
    if chars == 0 {
        return Err(InvalidName::Missing);
    }
    if chars > MAX_NAME_CHARS {
        return Err(InvalidName::TooLong { chars });
    }
    match (1..).zip(name.chars()).find(|(_, char)| !is_allowed(*char)) {
        Some((position, char)) => Err(InvalidName::BadChar { char, position }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalized_before_comparison() {
        for (texts, name) in [
            (["\u{e9}ric", "e\u{301}ric"], "\u{e9}ric"),
            (["\u{c5}", "\u{212b}"], "\u{c5}"),
            (["\u{ac00}", "\u{1100}\u{1161}"], "\u{ac00}"),
            (["\u{3a9}", "\u{2126}"], "\u{3a9}"),
        ] {
            for text in texts {
                assert_eq!(normalize(text).as_deref(), Ok(name), "{text:?}");
            }
        }
        assert_eq!(
            normalize("\u{958}").as_deref(),
            Ok("\u{958}"),
            "it has no composed form"
        );
        assert!(
            normalize("\u{915}\u{93c}").is_err(),
            "nor may its parts be in a name"
        );
        let long = "e\u{301}".repeat(32);
        assert_eq!(normalize(&long).unwrap().chars().count(), 32);
        let too_long = "e\u{301}".repeat(33);
        assert_eq!(normalize(&too_long), Err(InvalidName::TooLong { chars: 33 }));
    }

    /// Unicode's `Default_Ignorable_Code_Point`, version 16.
    const IGNORABLE: [std::ops::RangeInclusive<u32>; 17] = [
        0xad..=0xad,
        0x34f..=0x34f,
        0x61c..=0x61c,
        0x115f..=0x1160,
        0x17b4..=0x17b5,
        0x180b..=0x180f,
        0x200b..=0x200f,
        0x202a..=0x202e,
        0x2060..=0x206f,
        0x3164..=0x3164,
        0xfe00..=0xfe0f,
        0xfeff..=0xfeff,
        0xffa0..=0xffa0,
        0xfff0..=0xfff8,
        0x1bca0..=0x1bca3,
        0x1d173..=0x1d17a,
        0xe0000..=0xe0fff,
    ];

    #[test]
    fn a_name_has_no_invisible_characters() {
        for char in IGNORABLE.into_iter().flatten().filter_map(char::from_u32) {
            let name = format!("a{char}b");
            let fault = InvalidName::BadChar { char, position: 2 };
            // Letters that decompose to invalid characters are not allowed either.
            let got = normalize(&name);
            assert!(got.is_err(), "{char:?}");
            if is_nfc(&name) {
                assert_eq!(got, Err(fault), "{char:?}");
            }
        }
        assert!(
            check_stored("a\u{3164}b").is_ok(),
            "a name that exists stays usable"
        );
    }
}
