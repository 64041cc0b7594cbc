//! Capability negotiation of a Gamble stream.
//!
//! The request metadata lists wanted feeds; the response metadata lists those that will be sent. Old servers
//! and clients send no such metadata, and use the old protocol.

use tonic::metadata::{MetadataMap, MetadataValue};

/// Metadata key in request and response: feed names separated by commas.
pub const HEADER: &str = "awesomestock-feeds";
/// Metadata key in the request: the session's player in UTF-8. Binary, as names contain any letter.
pub const USER_HEADER: &str = "awesomestock-user-bin";
/// Metadata key in the request: the highest `Order.end_number` the client knows, in decimal. The server then sends
/// the later ones.
pub const ORDERS_SEEN_HEADER: &str = "awesomestock-orders-seen";

/// Optional features of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Tick number, time and interval with each price.
    pub ticks: bool,
    /// The wallet at the start and, with outcome and trade, in each result.
    pub wallet: bool,
    /// The server supports limit orders. Adds no messages.
    pub limits: bool,
    /// The server executes a request ID once. Adds no messages.
    pub ids: bool,
    /// The server supports orders of up to a count. Adds no messages.
    pub up_to: bool,
    /// Resting orders. The server sends those that another session places, and how they ended; with `wallet`, also the wallet
    /// when a call or another session has changed it.
    pub orders: bool,
    /// Each wallet names its account, and the server checks the account that a request names. Adds no messages.
    pub accounts: bool,
    /// Feeds about other players, headlines and rounds.
    pub lobby: LobbyFeeds,
}

/// The feeds about other players, headlines and rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LobbyFeeds {
    /// Recent trades of all players.
    pub tape: bool,
    /// Players online.
    pub players: bool,
    /// Top of the leaderboard, and the player's own rank.
    pub leaderboard: bool,
    /// Headlines. Confirmed only by a server whose market has them.
    pub news: bool,
    /// The state of the round, its podium, and the wallet when one starts or ends.
    pub rounds: bool,
}

/// One capability of [`Capabilities`].
struct Feature<'a> {
    name: &'static str,
    words: &'static str,
    is_enabled: &'a mut bool,
}

impl Capabilities {
    /// All of them.
    pub const ALL: Self = Self {
        ticks: true,
        wallet: true,
        limits: true,
        ids: true,
        up_to: true,
        orders: true,
        accounts: true,
        lobby: LobbyFeeds {
            tape: true,
            players: true,
            leaderboard: true,
            news: true,
            rounds: true,
        },
    };

    /// Parses the capabilities of a request or an answer; unknown names are ignored.
    #[must_use]
    pub fn from_metadata(metadata: &MetadataMap) -> Self {
        let values = metadata
            .get_all(HEADER)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let names = values.flat_map(|value| value.split(',')).map(str::trim);
        let mut named = Self::default();
        for name in names {
            if let Some(feature) = named.features().into_iter().find(|known| known.name == name) {
                *feature.is_enabled = true;
            }
        }
        named
    }

    /// Returns each capability, in the order in which they are confirmed.
    fn features(&mut self) -> [Feature<'_>; 12] {
        let feature = |name, words, is_enabled| Feature {
            name,
            words,
            is_enabled,
        };
        [
            feature("ticks", "the time of prices", &mut self.ticks),
            feature("wallet", "the wallet after an order", &mut self.wallet),
            feature("limits", "limit orders", &mut self.limits),
            feature("ids", "orders that may be sent again", &mut self.ids),
            feature("up-to", "orders of up to a count", &mut self.up_to),
            feature("orders", "resting orders", &mut self.orders),
            feature("accounts", "orders that name their account", &mut self.accounts),
            feature("tape", "trades of all players", &mut self.lobby.tape),
            feature("players", "players online", &mut self.lobby.players),
            feature("leaderboard", "the leaderboard", &mut self.lobby.leaderboard),
            feature("news", "headlines", &mut self.lobby.news),
            feature("rounds", "rounds", &mut self.lobby.rounds),
        ]
    }

    /// Returns the other capabilities in words. Headlines are left out, as they depend on the market.
    #[must_use]
    pub fn missing(mut self) -> Vec<&'static str> {
        self.lobby.news = true;
        let missing = self.features().into_iter().filter(|feature| !*feature.is_enabled);
        missing.map(|feature| feature.words).collect()
    }

    /// Returns the capabilities that apply to unary calls.
    #[must_use]
    pub fn unary_only(self) -> Self {
        Self {
            ids: self.ids,
            accounts: self.accounts,
            ..Self::default()
        }
    }

    /// Returns the names, separated by commas.
    #[must_use]
    pub fn names(mut self) -> String {
        let enabled = self.features().into_iter().filter(|feature| *feature.is_enabled);
        let names: Vec<&str> = enabled.map(|feature| feature.name).collect();
        names.join(",")
    }

    /// Writes the names of the capabilities to `metadata`, if there are any.
    pub fn write_metadata(self, metadata: &mut MetadataMap) {
        let names = self.names();
        if !names.is_empty()
            && let Ok(names) = MetadataValue::try_from(names)
        {
            metadata.insert(HEADER, names);
        }
    }
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
                ..Capabilities::default()
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
    fn missing_capabilities_are_named_in_words() {
        assert_eq!(Capabilities::ALL.missing(), [""; 0]);
        let mut earlier = Capabilities {
            orders: false,
            ..Capabilities::ALL
        };
        (earlier.lobby.rounds, earlier.lobby.news) = (false, false);
        assert_eq!(earlier.missing(), ["resting orders", "rounds"]);
        assert_eq!(Capabilities::default().missing().len(), 11);
    }

    #[test]
    fn unary_calls_confirm_request_ids_and_accounts_only() {
        for (requested, confirmed) in [("ticks,ids,tape", "ids"), ("accounts,rounds,ids", "ids,accounts")] {
            let requested = Capabilities::from_metadata(&metadata(&[requested]));
            let mut answer = MetadataMap::new();
            requested.unary_only().write_metadata(&mut answer);
            assert_eq!(answer.get(HEADER).unwrap(), confirmed);
        }
    }

    #[test]
    fn each_lobby_feed_is_requested_by_name() {
        let requested = |names| Capabilities::from_metadata(&metadata(&[names])).lobby;
        let all = LobbyFeeds {
            tape: true,
            players: true,
            leaderboard: true,
            news: true,
            rounds: true,
        };
        assert_eq!(requested("tape,players,leaderboard,news,rounds"), all);
        let tape = LobbyFeeds {
            tape: true,
            ..LobbyFeeds::default()
        };
        assert_eq!(requested("tape"), tape);
        let mut answer = MetadataMap::new();
        Capabilities::from_metadata(&metadata(&["rounds,news,leaderboard,players,tape"]))
            .write_metadata(&mut answer);
        assert_eq!(
            answer.get(HEADER).unwrap(),
            "tape,players,leaderboard,news,rounds"
        );
    }

    #[test]
    fn features_are_read_from_lists_of_names() {
        for (named, granted) in [
            (
                "ticks,wallet,ids,tape,players,leaderboard,limits,up-to,orders,news,rounds,accounts",
                Capabilities::ALL,
            ),
            (
                " leaderboard,wallet ,accounts,up-to,limits, tape, news,orders,ticks,players,ids,rounds",
                Capabilities::ALL,
            ),
            (
                "ticks,tape,players,leaderboard,limits,ids,up-to,orders,news,rounds,accounts",
                Capabilities {
                    wallet: false,
                    ..Capabilities::ALL
                },
            ),
            (
                "ticks,wallet,tape,players,leaderboard,limits,up-to,orders,news,rounds,accounts",
                Capabilities {
                    ids: false,
                    ..Capabilities::ALL
                },
            ),
            ("tickswallet", Capabilities::default()),
        ] {
            let mut metadata = MetadataMap::new();
            metadata.insert(HEADER, named.parse().unwrap());
            assert_eq!(Capabilities::from_metadata(&metadata), granted, "{named}");
        }
        assert_eq!(
            Capabilities::from_metadata(&MetadataMap::new()),
            Capabilities::default()
        );
    }
}
