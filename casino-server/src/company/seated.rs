//! Who is seated: each player once, however many seats are theirs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::inbox::Inbox;
use crate::identity::PlayerName;

/// Everybody who is seated.
#[derive(Debug)]
pub(super) struct Register {
    seats: Mutex<Seats>,
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
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seated {
    /// How many players.
    pub(crate) players: usize,
    /// The first of them by name, house players last.
    pub(crate) online: Vec<PlayerName>,
    /// Seats of which nobody said whose they are.
    pub(crate) unnamed: usize,
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

    /// Who is seated, with at most `most` names.
    pub(super) fn seated(&self, most: usize) -> Seated {
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
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
}
