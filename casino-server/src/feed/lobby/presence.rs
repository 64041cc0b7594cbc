//! Online players. A player with several sessions counts once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::pending::PendingUpdates;
use crate::domain::player::{OnlinePlayers, PlayerName, first_names};
use crate::store::lock;

#[derive(Debug)]
pub(super) struct PresenceMap {
    sessions: Mutex<OpenSessions>,
    /// Online players of the other casinos that share the ledger.
    remote: Mutex<Vec<OnlinePlayers>>,
    pending: Arc<PendingUpdates>,
}

#[derive(Debug, Default)]
struct OpenSessions {
    /// Number of sessions of each online player.
    named: BTreeMap<PlayerName, usize>,
    unnamed: usize,
}

/// Keeps a session listed until it is dropped.
#[derive(Debug)]
pub(crate) struct PresenceGuard {
    presence: Arc<PresenceMap>,
    player: Option<PlayerName>,
}

impl PresenceMap {
    pub(super) fn new(pending: Arc<PendingUpdates>) -> Self {
        Self {
            sessions: Mutex::default(),
            remote: Mutex::default(),
            pending,
        }
    }

    /// Adds a session; `player` is `None` for an anonymous one.
    pub(super) fn join(self: &Arc<Self>, player: Option<PlayerName>) -> PresenceGuard {
        let mut sessions = lock(&self.sessions);
        let count = match &player {
            Some(player) => sessions.named.entry(player.clone()).or_default(),
            None => &mut sessions.unnamed,
        };
        *count = count.saturating_add(1);
        drop(sessions);
        self.pending.presence_changed();
        PresenceGuard {
            presence: Arc::clone(self),
            player,
        }
    }

    pub(super) fn set_remote(&self, remote: Vec<OnlinePlayers>) {
        let mut known = lock(&self.remote);
        if *known != remote {
            *known = remote;
            drop(known);
            self.pending.presence_changed();
        }
    }

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
        OnlinePlayers {
            players: sessions.named.len(),
            online: first_names(sessions.named.keys(), names_max),
            unnamed: sessions.unnamed,
        }
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        let mut sessions = lock(&self.presence.sessions);
        match &self.player {
            Some(player) => match sessions.named.get_mut(player) {
                Some(count) if *count > 1 => *count = count.saturating_sub(1),
                _ => {
                    sessions.named.remove(player);
                }
            },
            None => sessions.unnamed = sessions.unnamed.saturating_sub(1),
        }
        drop(sessions);
        self.presence.pending.presence_changed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::values;

    #[test]
    fn a_player_with_several_sessions_counts_once() {
        let presence = Arc::new(PresenceMap::new(Arc::default()));
        let names = |online: &OnlinePlayers| {
            let names = online.online.iter().map(PlayerName::as_str);
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let join = |name| presence.join(Some(values::player(name)));
        let bot = presence.join(Some(PlayerName::bot("Momo")));
        let (ann, again, bob) = (join("ann"), join("ann"), join("Ægir"));
        let anonymous = presence.join(None);
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
        let presence = Arc::new(PresenceMap::new(Arc::default()));
        let name = |name| PlayerName::from_stored(name).unwrap();
        let sessions = ["ann", "bob", "~Momo"].map(|player| presence.join(Some(name(player))));
        let remote = |players, online: &[&'static str], unnamed| OnlinePlayers {
            players,
            online: online.iter().map(|player| name(player)).collect(),
            unnamed,
        };
        presence.set_remote(vec![
            remote(3, &["ann", "cid", "~Momo"], 1),
            // It has more players than names.
            remote(1_000, &["bob", "dot"], 2),
        ]);
        let online = presence.online(4);
        assert_eq!((online.players, online.unnamed), (5 + 998, 3));
        assert_eq!(online.online, ["ann", "bob", "cid", "dot"].map(name));
        assert_eq!(presence.online(20).online.last(), Some(&name("~Momo")));
        presence.set_remote(Vec::new());
        assert_eq!(presence.online(20).players, 3);
        drop(sessions);
    }
}
