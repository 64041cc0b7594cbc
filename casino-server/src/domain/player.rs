//! Player names.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::{fmt, iter};

use awesomestock_proto::player::{self, InvalidName};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// First character of bot names; not valid in player names.
const BOT_PREFIX: char = '~';

/// First character of the names of accounts in a round, before the round's number and [`ROUND_SEPARATOR`]; neither is
/// valid in player names.
const ROUND_PREFIX: char = '@';
const ROUND_SEPARATOR: char = '/';

/// A player's name: 1 to 32 letters, digits or `_ - .`, in Unicode normalisation form C.
///
/// Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PlayerName(Arc<str>);

impl PlayerName {
    pub(crate) fn new(name: &str) -> Result<Self, InvalidName> {
        player::normalize(name).map(|name| Self(name.into()))
    }

    /// Returns a bot's name, which [`PlayerName::new`] never accepts.
    pub(crate) fn bot(name: &str) -> Self {
        Self(format!("{BOT_PREFIX}{name}").into())
    }

    /// Accepts any stored name, including those of bots and of accounts in a round, and names older than the current rule.
    pub(crate) fn from_stored(name: &str) -> Result<Self, InvalidName> {
        let player = split_round(name).map_or(name, |(_, player)| player);
        player::check_stored(player.strip_prefix(BOT_PREFIX).unwrap_or(player))?;
        Ok(Self(name.into()))
    }

    /// Returns the name of the player's account in the round `number`, which [`PlayerName::new`] never accepts.
    pub(crate) fn in_round(&self, number: i64) -> Self {
        Self(format!("{ROUND_PREFIX}{number}{ROUND_SEPARATOR}{self}").into())
    }

    /// Returns the number of the round and the player, if it is the name of an account in a round.
    pub(crate) fn round(&self) -> Option<(i64, &str)> {
        split_round(&self.0)
    }

    /// Returns the name of the player whose account has this name.
    pub(crate) fn without_round(&self) -> Self {
        match self.round() {
            Some((_, player)) => Self(player.into()),
            None => self.clone(),
        }
    }

    /// Returns a stored name that the current rule rejects; `None` for all others.
    pub(crate) fn legacy(name: &str) -> Option<Self> {
        let stored = Self::from_stored(name).ok()?;
        let is_player = !stored.is_bot() && stored.round().is_none();
        (is_player && Self::new(name).as_ref() != Ok(&stored)).then_some(stored)
    }

    pub(crate) fn is_bot(&self) -> bool {
        self.0.starts_with(BOT_PREFIX)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn split_round(name: &str) -> Option<(i64, &str)> {
    let (number, player) = name.strip_prefix(ROUND_PREFIX)?.split_once(ROUND_SEPARATOR)?;
    Some((number.parse().ok()?, player))
}

/// Owner of a session. Sessions with and without a key are limited separately, so that others cannot use up the
/// sessions of a name's owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SessionOwner {
    pub(crate) player: PlayerName,
    /// Whether the name's key was presented.
    pub(crate) has_key: bool,
}

/// Prefix of stored owners without a key; not valid in player names.
const WITHOUT_KEY: char = '?';

impl SessionOwner {
    /// Returns the owner's key in the session table of a cluster.
    pub(crate) fn to_stored(&self) -> String {
        match self.has_key {
            true => self.player.as_str().to_owned(),
            false => format!("{WITHOUT_KEY}{}", self.player),
        }
    }
}

impl Serialize for PlayerName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PlayerName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_stored(<&str>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl fmt::Display for PlayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names in the ledger that are older than the current rule. They remain usable as they are spelled.
#[derive(Debug, Clone, Default)]
pub(crate) struct LegacyNames(Arc<HashSet<PlayerName>>);

impl LegacyNames {
    pub(crate) fn from_stored(names: impl IntoIterator<Item = String>) -> Self {
        let legacy = names.into_iter().filter_map(|name| PlayerName::legacy(&name));
        Self(Arc::new(legacy.collect()))
    }

    /// Parses the name of a new, existing or legacy player.
    pub(crate) fn parse(&self, name: &str) -> Result<PlayerName, InvalidName> {
        let legacy = || self.0.get(&PlayerName::from_stored(name).ok()?).cloned();
        match name.is_ascii() || self.0.is_empty() {
            true => PlayerName::new(name),
            false => legacy().map_or_else(|| PlayerName::new(name), Ok),
        }
    }
}

/// The players with an open session.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct OnlinePlayers {
    pub(crate) players: usize,
    /// The first of them by name, bots last.
    pub(crate) online: Vec<PlayerName>,
    pub(crate) unnamed: usize,
}

/// The presence data of another casino.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct RemotePresence {
    pub(crate) players: OnlinePlayers,
    pub(crate) watches_tape: bool,
}

impl OnlinePlayers {
    /// Merges `local` and `remote`, with at most `names_max` names. A player listed by several casinos counts once.
    pub(crate) fn merge(local: &Self, remote: &[Self], names_max: usize) -> Self {
        let all = || iter::once(local).chain(remote);
        let names: BTreeSet<&PlayerName> = all().flat_map(|casino| &casino.online).collect();
        let unnamed = all().fold(0, |sum: usize, casino| sum.saturating_add(casino.unnamed));
        let players = all().fold(names.len(), |sum, casino| {
            sum.saturating_add(casino.players.saturating_sub(casino.online.len()))
        });
        Self {
            players,
            online: first_names(names.iter().copied(), names_max),
            unnamed,
        }
    }
}

/// Returns the first `names_max` of the sorted `names`, bots last.
pub(crate) fn first_names<'a>(
    names: impl Iterator<Item = &'a PlayerName> + Clone,
    names_max: usize,
) -> Vec<PlayerName> {
    let players = names.clone().filter(|name| !name.is_bot());
    let bots = names.filter(|name| name.is_bot());
    players.chain(bots).take(names_max).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "é".repeat(32);
        let too_long = "é".repeat(33);
        let cases: &[(&str, Result<(), InvalidName>)] = &[
            ("a", Ok(())),
            ("ann_-.9", Ok(())),
            ("Ægir", Ok(())),
            ("玩家七", Ok(())),
            ("لاعب", Ok(())),
            (&long, Ok(())),
            ("", Err(InvalidName::Missing)),
            (&too_long, Err(InvalidName::TooLong { chars: 33 })),
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
    fn a_player_cannot_use_a_bot_name() {
        let house = PlayerName::bot("Momo");
        assert!(house.is_bot() && house.as_str() == "~Momo");
        assert_eq!(PlayerName::new(house.as_str()).map(drop), bad('~', 1));
        assert!(!PlayerName::new("Momo").unwrap().is_bot());
        assert_eq!(PlayerName::from_stored("~Momo"), Ok(house));
        for name in ["~", "~~Momo", "~a b", "a~"] {
            assert!(PlayerName::from_stored(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn an_account_in_a_round_has_a_name_of_its_own() {
        let ann = PlayerName::new("玩家").unwrap();
        let account = ann.in_round(12);
        assert_eq!(account.as_str(), "@12/玩家");
        assert_eq!(account.round(), Some((12, "玩家")));
        assert_eq!((account.without_round(), ann.round()), (ann.clone(), None));
        assert_eq!(PlayerName::from_stored("@12/玩家"), Ok(account));
        // No player can use it.
        assert_eq!(PlayerName::legacy("@12/玩家"), None);
        assert_eq!(PlayerName::new("@12/a").map(drop), bad('@', 1));
        for name in ["@12/", "@12/a b"] {
            assert!(PlayerName::from_stored(name).is_err(), "{name:?}");
        }
    }

    fn bad(char: char, position: usize) -> Result<(), InvalidName> {
        Err(InvalidName::BadChar { char, position })
    }

    #[test]
    fn name_errors_state_the_bound_and_not_the_name() {
        for (name, expected) in [
            (
                "x\u{1b}[2J",
                "a name has letters, digits and _ - . only; character 2 is U+001B",
            ),
            ("", "a name is needed, 1 to 32 characters"),
        ] {
            assert_eq!(PlayerName::new(name).unwrap_err().to_string(), expected);
        }
        assert_eq!(
            PlayerName::new(&"x".repeat(40)).unwrap_err().to_string(),
            "a name has 1 to 32 characters, this one has 40"
        );
    }
}
