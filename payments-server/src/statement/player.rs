//! The names of players.

use std::borrow::Cow;

use awesomestock_proto::text::harmless;

/// Characters (Unicode scalar values) of the longest name.
pub const MAX_NAME_CHARACTERS: usize = 32;

/// A player's name: 1 to [`MAX_NAME_CHARACTERS`] characters, Unicode letters and digits and `_ - .`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerName(String);

/// Why a text is no name.
///
/// Says where the fault is, but never repeats the text, which may hold anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has no characters.
    #[error("is empty; a name is 1 to {MAX_NAME_CHARACTERS} characters")]
    Empty,
    /// It has too many characters.
    #[error("is {characters} characters long; a name is 1 to {MAX_NAME_CHARACTERS} characters")]
    TooLong {
        /// How many it has.
        characters: usize,
    },
    /// It has a character that no name may have.
    #[error("holds U+{codepoint:04X}; a name is letters, digits and _ - .")]
    Character {
        /// The first such character's code point.
        codepoint: u32,
    },
}

impl PlayerName {
    /// The name that `text` is.
    ///
    /// # Errors
    ///
    /// When `text` is empty, too long, or holds a character other than letters, digits and `_ - .`.
    pub fn parse(text: String) -> Result<Self, NameError> {
        match text.chars().count() {
            0 => return Err(NameError::Empty),
            1..=MAX_NAME_CHARACTERS => {}
            characters => return Err(NameError::TooLong { characters }),
        }
        let stranger = text
            .chars()
            .find(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')));
        match stranger {
            None => Ok(Self(text)),
            Some(c) => Err(NameError::Character {
                codepoint: u32::from(c),
            }),
        }
    }

    /// The name, fit to be shown: some letters are invisible.
    #[must_use]
    pub fn harmless(&self) -> Cow<'_, str> {
        harmless(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_and_three_marks() {
        let longest = "x".repeat(MAX_NAME_CHARACTERS);
        let longest_in_kanji = "株".repeat(MAX_NAME_CHARACTERS);
        for name in [
            "a",
            "ann",
            "Ann_B-2.c",
            "...",
            "Ærøskøbing",
            "株太郎",
            "मीरा",
            "אבי",
            "٣",
            &longest,
            &longest_in_kanji,
        ] {
            assert_eq!(
                PlayerName::parse(name.to_owned()),
                Ok(PlayerName(name.to_owned())),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        let too_long = "株".repeat(33);
        for (text, error) in [
            ("", NameError::Empty),
            (too_long.as_str(), NameError::TooLong { characters: 33 }),
            ("a b", NameError::Character { codepoint: 0x20 }),
            ("a\n", NameError::Character { codepoint: 0xa }),
            ("\u{1b}[31mann", NameError::Character { codepoint: 0x1b }),
            ("ann\0", NameError::Character { codepoint: 0 }),
            ("\u{202e}ann", NameError::Character { codepoint: 0x202e }),
            ("an\u{200b}n", NameError::Character { codepoint: 0x200b }),
            ("ann/../x", NameError::Character { codepoint: 0x2f }),
            ("ann😀", NameError::Character { codepoint: 0x1f600 }),
        ] {
            assert_eq!(PlayerName::parse(text.to_owned()), Err(error), "{text:?}");
        }
    }
}
