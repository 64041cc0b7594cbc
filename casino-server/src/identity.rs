//! Core: who is who. Names of players, what a name may be, and whose it is.
//!
//! Owns the rule for names (DESIGN section 3) and, in `key`, who may act for one. It knows nothing of accounts or of
//! the wire.

mod key;

use std::{fmt, sync::Arc};

pub(crate) use key::{Access, Claim, Denial, HASH_BYTES, KeyHash, access};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The most characters (Unicode scalar values, not bytes) a name may have.
const MAX_CHARS: usize = 32;

/// What the names of house players begin with, and no name of anybody else may hold.
const HOUSE_MARK: char = '~';

/// A player's name: 1 to 32 characters, each a letter or digit of any script or one of `_ - .`.
///
/// Cheap to clone: everything that waits in a queue carries one. Two names are the same player when they are the
/// same characters; nothing is folded or normalised.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PlayerName(Arc<str>);

impl PlayerName {
    /// Takes `name` if it is one.
    ///
    /// # Errors
    ///
    /// [`NameError`], which names the bound that was passed.
    pub(crate) fn new(name: &str) -> Result<Self, NameError> {
        if name.is_empty() {
            return Err(NameError::Missing);
        }
        let chars = name.chars().count();
        if chars > MAX_CHARS {
            return Err(NameError::TooLong { chars });
        }
        match (1..).zip(name.chars()).find(|(_, char)| !is_allowed(*char)) {
            Some((position, char)) => Err(NameError::BadChar { char, position }),
            None => Ok(Self(name.into())),
        }
    }

    /// The name of a house player: one that [`PlayerName::new`] never takes, so nobody can act for the house, and the
    /// house for nobody.
    pub(crate) fn of_house(name: &str) -> Self {
        Self(format!("{HOUSE_MARK}{name}").into())
    }

    /// Takes a name as the casino has kept it: anybody's, the house's included.
    pub(crate) fn kept(name: &str) -> Result<Self, NameError> {
        match name.strip_prefix(HOUSE_MARK) {
            Some(name) => Self::new(name).map(|name| Self::of_house(name.as_str())),
            None => Self::new(name),
        }
    }

    /// Whether the casino itself plays it.
    pub(crate) fn is_house(&self) -> bool {
        self.0.starts_with(HOUSE_MARK)
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for PlayerName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PlayerName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::kept(<&str>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl fmt::Display for PlayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control characters, white space, and marks that change how others are shown are no letters, and so refused.
fn is_allowed(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-' | '.')
}

/// Why a text is no name. Its words never repeat the text: a name may hold what would harm a terminal or a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    /// There is no name, or an empty one.
    #[error("user: a name is needed, 1 to {MAX_CHARS} characters")]
    Missing,
    /// More characters than a name may have.
    #[error("user: a name has 1 to {MAX_CHARS} characters, this one has {chars}")]
    TooLong {
        /// How many it has.
        chars: usize,
    },
    /// A character that is neither letter nor digit nor one of `_ - .`.
    #[error(
        "user: a name has letters, digits and _ - . only; character {position} is U+{:04X}",
        u32::from(*char)
    )]
    BadChar {
        /// The first such character.
        char: char,
        /// Its position, 1 for the first.
        position: usize,
    },
    /// The bytes are no UTF-8 text.
    #[error("user: a name is UTF-8 text, 1 to {MAX_CHARS} characters")]
    NotText,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "é".repeat(32);
        let too_long = "é".repeat(33);
        let cases: &[(&str, Result<(), NameError>)] = &[
            ("a", Ok(())),
            ("ann_-.9", Ok(())),
            ("Ægir", Ok(())),
            ("玩家七", Ok(())),
            ("لاعب", Ok(())),
            (&long, Ok(())),
            ("", Err(NameError::Missing)),
            (&too_long, Err(NameError::TooLong { chars: 33 })),
            ("a b", bad(' ', 2)),
            ("a\u{1b}[31m", bad('\u{1b}', 2)),
            ("\0", bad('\0', 1)),
            ("ab\n", bad('\n', 3)),
            ("ab\u{85}", bad('\u{85}', 3)),
            ("ab\u{202e}c", bad('\u{202e}', 3)),
            ("ab\u{200b}", bad('\u{200b}', 3)),
            ("ab\u{301}", bad('\u{301}', 3)),
            ("a/b", bad('/', 2)),
            ("=1", bad('=', 1)),
        ];
        for (name, expected) in cases {
            let got = PlayerName::new(name);
            assert_eq!(got.as_ref().map(|_| ()), expected.as_ref().copied(), "{name:?}");
            if let Ok(player) = got {
                assert_eq!(player.as_str(), *name);
            }
        }
    }

    #[test]
    fn nobody_takes_the_name_of_a_house_player() {
        let house = PlayerName::of_house("Momo");
        assert!(house.is_house() && house.as_str() == "~Momo");
        assert_eq!(PlayerName::new(house.as_str()).map(drop), bad('~', 1));
        assert!(!PlayerName::new("Momo").unwrap().is_house());
        assert_eq!(PlayerName::kept("~Momo"), Ok(house));
        for name in ["~", "~~Momo", "~a b", "a~"] {
            assert!(PlayerName::kept(name).is_err(), "{name:?}");
        }
    }

    fn bad(char: char, position: usize) -> Result<(), NameError> {
        Err(NameError::BadChar { char, position })
    }

    #[test]
    fn refusals_name_the_bound_and_repeat_nothing() {
        for (name, expected) in [
            (
                "x\u{1b}[2J",
                "user: a name has letters, digits and _ - . only; character 2 is U+001B",
            ),
            ("", "user: a name is needed, 1 to 32 characters"),
        ] {
            assert_eq!(PlayerName::new(name).unwrap_err().to_string(), expected);
        }
        assert_eq!(
            PlayerName::new(&"x".repeat(40)).unwrap_err().to_string(),
            "user: a name has 1 to 32 characters, this one has 40"
        );
    }
}
