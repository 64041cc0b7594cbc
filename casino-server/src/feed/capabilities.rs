//! Optional features that a client requests in metadata. A client that requests none gets exactly the original protocol.

use awesomestock_proto::{
    capabilities::{
        HEADER, IDS, LEADERBOARD, LIMITS, NEWS, PLAYERS, TAPE, TICKS, UP_TO, USER_HEADER, WALLET,
    },
    player::InvalidName,
};
use tonic::metadata::{MetadataMap, MetadataValue};

use crate::domain::player::{LegacyNames, PlayerName};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Number, time and interval of each price.
    pub(crate) ticks: bool,
    /// The wallet on opening the stream and in each result, with outcome and trade.
    pub(crate) wallet: bool,
    /// Limit orders.
    pub(crate) limits: bool,
    /// Deduplication by request ID.
    pub(crate) ids: bool,
    /// Orders of up to a count.
    pub(crate) up_to: bool,
    /// Feeds about other players, and headlines.
    pub(crate) lobby: LobbyFeeds,
}

/// The feeds about other players, and headlines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LobbyFeeds {
    pub(crate) tape: bool,
    pub(crate) players: bool,
    pub(crate) leaderboard: bool,
    pub(crate) news: bool,
}

impl Capabilities {
    /// Parses the requested capabilities; unknown names are ignored.
    pub(crate) fn from_metadata(metadata: &MetadataMap) -> Self {
        let values = metadata
            .get_all(HEADER)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let names = values.flat_map(|value| value.split(',')).map(str::trim);
        let mut requested = Self::default();
        for name in names {
            if let Some((_, flag)) = requested.by_name().into_iter().find(|(known, _)| *known == name) {
                *flag = true;
            }
        }
        requested
    }

    /// Returns each capability with its name, in the order in which they are confirmed.
    fn by_name(&mut self) -> [(&'static str, &mut bool); 9] {
        [
            (TICKS, &mut self.ticks),
            (WALLET, &mut self.wallet),
            (LIMITS, &mut self.limits),
            (IDS, &mut self.ids),
            (UP_TO, &mut self.up_to),
            (TAPE, &mut self.lobby.tape),
            (PLAYERS, &mut self.lobby.players),
            (LEADERBOARD, &mut self.lobby.leaderboard),
            (NEWS, &mut self.lobby.news),
        ]
    }

    /// Returns the capabilities that apply to unary calls.
    pub(crate) fn unary_only(self) -> Self {
        Self {
            ids: self.ids,
            ..Self::default()
        }
    }

    /// Writes the names of the capabilities to `metadata`, if there are any.
    pub(crate) fn write_metadata(mut self, metadata: &mut MetadataMap) {
        let capabilities = self.by_name().into_iter();
        let names: Vec<&str> = capabilities
            .filter_map(|(name, is_enabled)| is_enabled.then_some(name))
            .collect();
        if !names.is_empty()
            && let Ok(names) = MetadataValue::try_from(names.join(","))
        {
            metadata.insert(HEADER, names);
        }
    }
}

/// Parses the player of a session.
pub(crate) fn session_player(names: &LegacyNames, metadata: &MetadataMap) -> Result<PlayerName, InvalidName> {
    let name = metadata.get_bin(USER_HEADER).ok_or(InvalidName::Missing)?;
    let bytes = name.to_bytes().map_err(|_| InvalidName::NotText)?;
    names.parse(std::str::from_utf8(&bytes).map_err(|_| InvalidName::NotText)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(values: &[&str]) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        for value in values {
            metadata.append(HEADER, value.parse().unwrap());
        }
        metadata
    }

    #[test]
    fn requested_capabilities_are_confirmed_and_unknown_ones_ignored() {
        for (values, ticks, wallet, limits, confirmed) in [
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
            let requested = Capabilities::from_metadata(&metadata(values));
            let expected = Capabilities {
                ticks,
                wallet,
                limits,
                ids: false,
                up_to: false,
                lobby: LobbyFeeds::default(),
            };
            assert_eq!(requested, expected, "{values:?}");
            let mut answer = MetadataMap::new();
            requested.write_metadata(&mut answer);
            assert_eq!(
                answer.get(HEADER).map(|value| value.to_str().unwrap()),
                confirmed,
                "{values:?}"
            );
            assert_eq!(answer.is_empty(), confirmed.is_none(), "{values:?}");
        }
    }

    #[test]
    fn unary_calls_confirm_request_ids_only() {
        let requested = Capabilities::from_metadata(&metadata(&["ticks,ids,tape"]));
        assert!(requested.ids && requested.ticks);
        let mut answer = MetadataMap::new();
        requested.unary_only().write_metadata(&mut answer);
        assert_eq!(answer.get(HEADER).unwrap(), IDS);
    }

    #[test]
    fn each_lobby_feed_is_requested_by_name() {
        let requested = |names| Capabilities::from_metadata(&metadata(&[names])).lobby;
        let all = LobbyFeeds {
            tape: true,
            players: true,
            leaderboard: true,
            news: true,
        };
        assert_eq!(requested("tape,players,leaderboard,news"), all);
        let tape = LobbyFeeds {
            tape: true,
            ..LobbyFeeds::default()
        };
        assert_eq!(requested("tape"), tape);
        let mut answer = MetadataMap::new();
        Capabilities::from_metadata(&metadata(&["news,leaderboard,players,tape"]))
            .write_metadata(&mut answer);
        assert_eq!(answer.get(HEADER).unwrap(), "tape,players,leaderboard,news");
    }

    #[test]
    fn the_player_of_a_session_is_any_utf_8_name() {
        let player = |bytes: &[u8]| {
            let mut metadata = MetadataMap::new();
            metadata.insert_bin(USER_HEADER, MetadataValue::from_bytes(bytes));
            session_player(&LegacyNames::default(), &metadata)
        };
        assert_eq!(player("Ægir".as_bytes()).unwrap().as_str(), "Ægir");
        assert_eq!(player(b"\xff"), Err(InvalidName::NotText));
        assert_eq!(player(b""), Err(InvalidName::Missing));
        assert_eq!(
            session_player(&LegacyNames::default(), &MetadataMap::new()),
            Err(InvalidName::Missing)
        );
    }
}
