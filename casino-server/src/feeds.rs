//! What a client asked for beyond the old contract when it opened a Gamble stream.
//!
//! Owns the reading of the request's metadata and the writing of the answer's. A client that asked for nothing is an
//! old one, and nothing is added to what it gets.

use awesomestock_proto::feeds::{IDS, KEY, LEADERBOARD, LIMITS, PLAYERS, TAPE, TICKS, USER_KEY, WALLET};
use tonic::metadata::{MetadataMap, MetadataValue};

use crate::identity::{NameError, PlayerName};

/// The feeds of one seat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Feeds {
    /// Number, time and interval with each price.
    pub(crate) ticks: bool,
    /// The wallet on joining and, with outcome and trade, in each result.
    pub(crate) wallet: bool,
    /// To be told that limits are kept to.
    pub(crate) limits: bool,
    /// To be told that what has the same id is executed once.
    pub(crate) ids: bool,
    /// What the others at the table do.
    pub(crate) company: CompanyFeeds,
}

/// The feeds that tell of everybody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CompanyFeeds {
    /// Trades of everybody.
    pub(crate) tape: bool,
    /// Who is seated.
    pub(crate) players: bool,
    /// Who owns most.
    pub(crate) leaderboard: bool,
}

impl Feeds {
    /// The feeds that `metadata` asks for; names it does not know are passed over.
    pub(crate) fn asked_for(metadata: &MetadataMap) -> Self {
        let values = metadata
            .get_all(KEY)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut feeds = Self::default();
        for name in values.flat_map(|value| value.split(',')) {
            match name.trim() {
                TICKS => feeds.ticks = true,
                WALLET => feeds.wallet = true,
                LIMITS => feeds.limits = true,
                IDS => feeds.ids = true,
                TAPE => feeds.company.tape = true,
                PLAYERS => feeds.company.players = true,
                LEADERBOARD => feeds.company.leaderboard = true,
                _ => {}
            }
        }
        feeds
    }

    /// Those of them that mean something to a client without a stream.
    pub(crate) fn without_stream(self) -> Self {
        Self {
            ids: self.ids,
            ..Self::default()
        }
    }

    /// Names in `metadata` the feeds that are served; nothing when there are none.
    pub(crate) fn announce(self, metadata: &mut MetadataMap) {
        let served = [
            (self.ticks, TICKS),
            (self.wallet, WALLET),
            (self.limits, LIMITS),
            (self.ids, IDS),
            (self.company.tape, TAPE),
            (self.company.players, PLAYERS),
            (self.company.leaderboard, LEADERBOARD),
        ];
        let names: Vec<&str> = served
            .iter()
            .filter_map(|(is_served, name)| is_served.then_some(*name))
            .collect();
        // The names are ours, so they are text that metadata takes.
        if !names.is_empty()
            && let Ok(names) = MetadataValue::try_from(names.join(","))
        {
            metadata.insert(KEY, names);
        }
    }
}

/// The player whose seat it is, as `metadata` names them.
pub(crate) fn seat_owner(metadata: &MetadataMap) -> Result<PlayerName, NameError> {
    let name = metadata.get_bin(USER_KEY).ok_or(NameError::Missing)?;
    let bytes = name.to_bytes().map_err(|_| NameError::NotText)?;
    PlayerName::new(std::str::from_utf8(&bytes).map_err(|_| NameError::NotText)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(values: &[&str]) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        for value in values {
            metadata.append(KEY, value.parse().unwrap());
        }
        metadata
    }

    #[test]
    fn feeds_asked_for_and_announced() {
        for (values, ticks, wallet, limits, announced) in [
            (&[][..], false, false, false, None),
            (&["ticks"], true, false, false, Some("ticks")),
            (&["wallet"], false, true, false, Some("wallet")),
            (&[" wallet , ticks "], true, true, false, Some("ticks,wallet")),
            (&["ticks", "wallet"], true, true, false, Some("ticks,wallet")),
            (
                &["limits,wallet,ticks"],
                true,
                true,
                true,
                Some("ticks,wallet,limits"),
            ),
            (&["futures,ticks,Wallet,,"], true, false, false, Some("ticks")),
            (&["futures"], false, false, false, None),
        ] {
            let feeds = Feeds::asked_for(&metadata(values));
            let expected = Feeds {
                ticks,
                wallet,
                limits,
                ids: false,
                company: CompanyFeeds::default(),
            };
            assert_eq!(feeds, expected, "{values:?}");
            let mut answer = MetadataMap::new();
            feeds.announce(&mut answer);
            assert_eq!(
                answer.get(KEY).map(|value| value.to_str().unwrap()),
                announced,
                "{values:?}"
            );
            assert_eq!(answer.is_empty(), announced.is_none(), "{values:?}");
        }
    }

    #[test]
    fn a_client_without_a_stream_hears_of_ids_alone() {
        let asked = Feeds::asked_for(&metadata(&["ticks,ids,tape"]));
        assert!(asked.ids && asked.ticks);
        let mut answer = MetadataMap::new();
        asked.without_stream().announce(&mut answer);
        assert_eq!(answer.get(KEY).unwrap(), IDS);
    }

    #[test]
    fn each_feed_of_the_company_is_asked_for_by_its_name() {
        let asked = |names| Feeds::asked_for(&metadata(&[names])).company;
        let all = CompanyFeeds {
            tape: true,
            players: true,
            leaderboard: true,
        };
        assert_eq!(asked("tape,players,leaderboard"), all);
        let tape = CompanyFeeds {
            tape: true,
            ..CompanyFeeds::default()
        };
        assert_eq!(asked("tape"), tape);
        let mut answer = MetadataMap::new();
        Feeds::asked_for(&metadata(&["leaderboard,players,tape"])).announce(&mut answer);
        assert_eq!(answer.get(KEY).unwrap(), "tape,players,leaderboard");
    }

    #[test]
    fn a_seats_owner_is_any_name_in_utf_8() {
        let owner = |bytes: &[u8]| {
            let mut metadata = MetadataMap::new();
            metadata.insert_bin(USER_KEY, MetadataValue::from_bytes(bytes));
            seat_owner(&metadata)
        };
        assert_eq!(owner("Ægir".as_bytes()).unwrap().as_str(), "Ægir");
        assert_eq!(owner(b"\xff"), Err(NameError::NotText));
        assert_eq!(owner(b""), Err(NameError::Missing));
        assert_eq!(seat_owner(&MetadataMap::new()), Err(NameError::Missing));
    }
}
