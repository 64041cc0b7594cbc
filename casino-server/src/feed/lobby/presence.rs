//! Online players. A player with several sessions counts once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::FeedHub;
use crate::domain::player::{OnlinePlayers, PlayerName, first_names};
use crate::store::lock;

#[derive(Debug, Default)]
pub(super) struct PresenceMap {
    /// Number of sessions of each online player; `None` stands for the unnamed ones.
    sessions: Mutex<BTreeMap<Option<PlayerName>, usize>>,
    /// Online players of the other casinos that share the ledger.
    remote: Mutex<Vec<OnlinePlayers>>,
}

/// Keeps a session listed until it is dropped.
#[derive(Debug)]
pub(crate) struct PresenceGuard {
    lobby: Arc<FeedHub>,
    player: Option<PlayerName>,
}

impl FeedHub {
    /// Lists a session as online until the guard is dropped; `player` is `None` for an anonymous one.
    pub(crate) fn join(self: &Arc<Self>, player: Option<PlayerName>) -> PresenceGuard {
        let mut sessions = lock(&self.presence.sessions);
        let count = sessions.entry(player.clone()).or_default();
        *count = count.saturating_add(1);
        drop(sessions);
        self.presence_changed();
        PresenceGuard {
            lobby: Arc::clone(self),
            player,
        }
    }

    pub(super) fn set_remote(&self, remote: Vec<OnlinePlayers>) {
        let mut known = lock(&self.presence.remote);
        if *known != remote {
            *known = remote;
            drop(known);
            self.presence_changed();
        }
    }
}

impl PresenceMap {
    /// Returns the players online at all casinos, with at most `names_max` names.
    pub(super) fn online(&self, names_max: usize) -> OnlinePlayers {
        let remote = lock(&self.remote).clone();
        match remote.is_empty() {
            true => self.local(names_max),
            false => OnlinePlayers::merge(&self.local(usize::MAX), &remote, names_max),
        }
    }

    /// Returns the players online at this casino, with at most `names_max` names.
    pub(super) fn local(&self, names_max: usize) -> OnlinePlayers {
        let sessions = lock(&self.sessions);
        let unnamed = usize::from(sessions.contains_key(&None));
        OnlinePlayers {
            players: sessions.len().saturating_sub(unnamed),
            online: first_names(sessions.keys().flatten(), names_max),
            unnamed: sessions.get(&None).copied().unwrap_or(0),
        }
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        let mut sessions = lock(&self.lobby.presence.sessions);
        match sessions.get_mut(&self.player) {
            Some(count) if *count > 1 => *count = count.saturating_sub(1),
            _ => drop(sessions.remove(&self.player)),
        }
        drop(sessions);
        self.lobby.presence_changed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::market::{Market, PriceModel};
    use crate::domain::money::{Price, UnixMillis};
    use crate::testkit::values;

    fn lobby() -> Arc<FeedHub> {
        FeedHub::new(Market::new(PriceModel::Classic, 1, Price::MIN, UnixMillis(0)))
    }

    #[test]
    fn a_player_with_several_sessions_counts_once() {
        let lobby = lobby();
        let presence = &lobby.presence;
        let names = |online: &OnlinePlayers| {
            let names = online.online.iter().map(PlayerName::as_str);
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let join = |name| lobby.join(Some(values::player(name)));
        let bot = lobby.join(Some(PlayerName::bot("Momo")));
        let (ann, again, bob) = (join("ann"), join("ann"), join("Ægir"));
        let anonymous = lobby.join(None);
        let online = presence.online(20);
        assert_eq!((online.players, online.unnamed), (3, 1));
        assert_eq!(names(&online), ["ann", "Ægir", "~Momo"]);
        assert_eq!(names(&presence.online(2)), ["ann", "Ægir"]);
        drop(ann);
        assert_eq!(presence.online(20).players, 3, "ann has another session");
        drop((again, bob, anonymous));
        assert_eq!(names(&presence.online(20)), ["~Momo"]);
        drop(bot);
        assert_eq!(presence.online(20), OnlinePlayers::default());
    }

    #[test]
    fn a_player_listed_by_several_casinos_counts_once() {
        let lobby = lobby();
        let presence = &lobby.presence;
        let name = |name| PlayerName::from_stored(name).unwrap();
        let sessions = ["ann", "bob", "~Momo"].map(|player| lobby.join(Some(name(player))));
        let remote = |players, online: &[&'static str], unnamed| OnlinePlayers {
            players,
            online: online.iter().map(|player| name(player)).collect(),
            unnamed,
        };
        lobby.set_remote(vec![
            remote(3, &["ann", "cid", "~Momo"], 1),
            // It has more players than names.
            remote(1_000, &["bob", "dot"], 2),
        ]);
        let online = presence.online(4);
        assert_eq!((online.players, online.unnamed), (5 + 998, 3));
        assert_eq!(online.online, ["ann", "bob", "cid", "dot"].map(name));
        assert_eq!(presence.online(20).online.last(), Some(&name("~Momo")));
        lobby.set_remote(Vec::new());
        assert_eq!(presence.online(20).players, 3);
        drop(sessions);
    }
}
