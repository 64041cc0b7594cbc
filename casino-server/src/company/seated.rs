//! Who is seated: each player once, however many seats are theirs.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::inbox::Inbox;
use crate::identity::PlayerName;

/// Everybody who is seated.
#[derive(Debug)]
pub(super) struct Register {
    seats: Mutex<Seats>,
    /// Who is seated at other casinos that share the ledger.
    elsewhere: Mutex<Vec<Seated>>,
    inbox: Arc<Inbox>,
}

#[derive(Debug, Default)]
struct Seats {
    /// How many seats each player has, at least 1.
    named: BTreeMap<PlayerName, usize>,
    /// Seats of which nobody said whose they are.
    unnamed: usize,
}

/// Who is seated, as it is told.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Seated {
    /// How many players.
    pub(crate) players: usize,
    /// The first of them by name, house players last.
    pub(crate) online: Vec<PlayerName>,
    /// Seats of which nobody said whose they are.
    pub(crate) unnamed: usize,
}

/// What another casino says of its company.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    /// Who is seated there.
    pub(crate) seated: Seated,
    /// Somebody there watches the tape.
    pub(crate) watches: bool,
}

impl Seated {
    /// All who are seated `here` or at one of the `others`, with at most `most` names. Who sits at several is counted once,
    /// as far as each names those it counts.
    fn together(here: &Self, others: &[Self], most: usize) -> Self {
        let all = || iter::once(here).chain(others);
        let names: BTreeSet<&PlayerName> = all().flat_map(|seated| &seated.online).collect();
        let unnamed = all().fold(0, |sum: usize, seated| sum.saturating_add(seated.unnamed));
        let players = all().fold(names.len(), |sum, seated| {
            sum.saturating_add(seated.players.saturating_sub(seated.online.len()))
        });
        let guests = names.iter().filter(|player| !player.is_house());
        let house = names.iter().filter(|player| player.is_house());
        let online = guests.chain(house).take(most).copied().cloned().collect();
        Self {
            players,
            online,
            unnamed,
        }
    }
}

/// A seat in the register, until it is dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    register: Arc<Register>,
    player: Option<PlayerName>,
}

impl Register {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Self {
            seats: Mutex::default(),
            elsewhere: Mutex::default(),
            inbox,
        }
    }

    /// Enters a seat.
    pub(super) fn enter(self: &Arc<Self>, player: Option<PlayerName>) -> Presence {
        let mut seats = self.lock();
        match &player {
            Some(player) => {
                let count = seats.named.entry(player.clone()).or_default();
                *count = count.saturating_add(1);
            }
            None => seats.unnamed = seats.unnamed.saturating_add(1),
        }
        drop(seats);
        self.inbox.seats_changed();
        Presence {
            register: Arc::clone(self),
            player,
        }
    }

    fn leave(&self, player: Option<&PlayerName>) {
        let mut seats = self.lock();
        match player {
            Some(player) => {
                if let Some(count) = seats.named.get_mut(player) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        seats.named.remove(player);
                    }
                }
            }
            None => seats.unnamed = seats.unnamed.saturating_sub(1),
        }
        drop(seats);
        self.inbox.seats_changed();
    }

    /// Takes in who is seated at other casinos.
    pub(super) fn hear(&self, elsewhere: Vec<Seated>) {
        let mut known = lock(&self.elsewhere);
        if *known != elsewhere {
            *known = elsewhere;
            drop(known);
            self.inbox.seats_changed();
        }
    }

    /// Who is seated, here and elsewhere, with at most `most` names.
    pub(super) fn seated(&self, most: usize) -> Seated {
        let elsewhere = lock(&self.elsewhere).clone();
        match elsewhere.is_empty() {
            true => self.seated_here(most),
            false => Seated::together(&self.seated_here(usize::MAX), &elsewhere, most),
        }
    }

    /// Who is seated here, with at most `most` names.
    pub(super) fn seated_here(&self, most: usize) -> Seated {
        let seats = self.lock();
        let guests = seats.named.keys().filter(|player| !player.is_house());
        let house = seats.named.keys().filter(|player| player.is_house());
        Seated {
            players: seats.named.len(),
            online: guests.chain(house).take(most).cloned().collect(),
            unnamed: seats.unnamed,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        lock(&self.seats)
    }
}

/// What these locks hold is whole whatever happened to a thread that held one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.register.leave(self.player.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_player_counts_once_and_names_are_bounded() {
        let register = Arc::new(Register::new(Arc::default()));
        let names = |seated: &Seated| {
            let names = seated.online.iter().map(PlayerName::as_str);
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let enter = |name| register.enter(Some(PlayerName::new(name).unwrap()));
        let house = register.enter(Some(PlayerName::of_house("Momo")));
        let (ann, again, bob) = (enter("ann"), enter("ann"), enter("Ægir"));
        let nobody = register.enter(None);
        let seated = register.seated(20);
        assert_eq!((seated.players, seated.unnamed), (3, 1));
        assert_eq!(names(&seated), ["ann", "Ægir", "~Momo"]);
        assert_eq!(names(&register.seated(2)), ["ann", "Ægir"]);
        drop(ann);
        assert_eq!(register.seated(20).players, 3, "a seat is left");
        drop((again, bob, nobody));
        assert_eq!(names(&register.seated(20)), ["~Momo"]);
        drop(house);
        assert_eq!(register.seated(20), Seated::default());
    }

    #[test]
    fn who_sits_at_several_casinos_counts_once_where_names_are_told() {
        let register = Arc::new(Register::new(Arc::default()));
        let name = |name| PlayerName::kept(name).unwrap();
        let seats = ["ann", "bob", "~Momo"].map(|player| register.enter(Some(name(player))));
        let elsewhere = |players, online: &[&'static str], unnamed| Seated {
            players,
            online: online.iter().map(|player| name(player)).collect(),
            unnamed,
        };
        register.hear(vec![
            elsewhere(3, &["ann", "cid", "~Momo"], 1),
            // It has more than it names.
            elsewhere(1_000, &["bob", "dot"], 2),
        ]);
        let seated = register.seated(4);
        assert_eq!((seated.players, seated.unnamed), (5 + 998, 3));
        assert_eq!(seated.online, ["ann", "bob", "cid", "dot"].map(name));
        assert_eq!(register.seated(20).online.last(), Some(&name("~Momo")));
        register.hear(Vec::new());
        assert_eq!(register.seated(20).players, 3);
        drop(seats);
    }
}
