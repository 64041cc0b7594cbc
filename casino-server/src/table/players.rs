//! How many seats each player has, over all runtimes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use super::lock;
use crate::identity::PlayerName;

/// The players who sit at the table by name.
#[derive(Debug)]
pub(crate) struct Players {
    seats: Mutex<HashMap<PlayerName, usize>>,
    seats_max: usize,
}

/// One seat of a player, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seated {
    players: Arc<Players>,
    player: PlayerName,
}

/// A seat's place among those of its player.
#[derive(Debug)]
pub(crate) enum Chair {
    /// Nobody has been named yet.
    Free(Arc<Players>),
    /// It counts as a player's.
    Taken {
        /// Counted as long as it is held.
        _seated: Seated,
    },
}

/// The player has as many seats as one may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this player has {max} seats, and no player may have more: leave one first")]
pub(crate) struct TooManySeats {
    max: usize,
}

impl Players {
    /// None yet, each of whom may have so many seats.
    pub(crate) fn new(seats_max: usize) -> Arc<Self> {
        Arc::new(Self {
            seats: Mutex::default(),
            seats_max,
        })
    }

    /// Has `player` take a seat.
    pub(crate) fn sit(self: &Arc<Self>, player: &PlayerName) -> Result<Seated, TooManySeats> {
        let mut seats = lock(&self.seats);
        let taken = seats.get(player).copied().unwrap_or(0);
        if taken >= self.seats_max {
            return Err(TooManySeats { max: self.seats_max });
        }
        seats.insert(player.clone(), taken.saturating_add(1));
        drop(seats);
        Ok(Seated {
            players: Arc::clone(self),
            player: player.clone(),
        })
    }
}

impl Chair {
    /// Counts as `player`'s from the first time on that one is known; only that one is looked up.
    pub(crate) fn take(&mut self, player: Option<&PlayerName>) -> Result<(), TooManySeats> {
        if let (Self::Free(players), Some(player)) = (&*self, player) {
            *self = Self::Taken {
                _seated: players.sit(player)?,
            };
        }
        Ok(())
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        let mut seats = lock(&self.players.seats);
        match seats.get_mut(&self.player) {
            Some(taken) if *taken > 1 => *taken = taken.saturating_sub(1),
            _ => {
                seats.remove(&self.player);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_player_has_so_many_seats_and_who_leaves_makes_room() {
        let players = Players::new(2);
        let [ann, bob] = ["ann", "bob"].map(|name| PlayerName::new(name).unwrap());
        let first = players.sit(&ann).unwrap();
        let second = players.sit(&ann).unwrap();
        assert_eq!(players.sit(&ann).unwrap_err(), TooManySeats { max: 2 });
        let bobs = players.sit(&bob).unwrap();
        drop(first);
        let third = players.sit(&ann).unwrap();
        assert!(players.sit(&ann).is_err());
        drop((second, third, bobs));
        assert!(lock(&players.seats).is_empty(), "nobody who left is remembered");
    }
}
