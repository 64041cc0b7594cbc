//! How many seats each player has: over all runtimes, and at all casinos that share a ledger.

mod seating;

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use self::seating::Counted;
pub(crate) use self::seating::Seating;
use super::lock;
use crate::{identity::PlayerName, store::postgres::PostgresSeats};

/// The players who sit at the table by name.
#[derive(Debug)]
pub(crate) struct Players {
    seats: Mutex<HashMap<PlayerName, usize>>,
    seats_max: usize,
    /// How seats are counted that others give too; `None` where nobody else does.
    jointly: Option<Arc<Counted>>,
}

/// One seat of a player, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seated {
    players: Arc<Players>,
    player: PlayerName,
}

/// Why a player is given no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSeat {
    /// The player has as many as one may have.
    #[error("this player has {max} seats, and no player may have more: leave one first")]
    TooMany {
        /// The most there may be.
        max: usize,
    },
    /// How many there are elsewhere could not be found out.
    #[error("the casino could not count the seats of this player")]
    Uncounted,
}

impl Players {
    /// None yet, each of whom may have so many seats.
    pub(crate) fn new(seats_max: usize) -> Arc<Self> {
        Arc::new(Self {
            seats: Mutex::default(),
            seats_max,
            jointly: None,
        })
    }

    /// None yet, each of whom may have so many seats at all casinos together, which are counted in `stored` by what
    /// is given with them.
    pub(crate) fn jointly(seats_max: usize, stored: PostgresSeats) -> (Arc<Self>, Seating) {
        let (counted, asks) = Counted::new();
        let players = Arc::new(Self {
            seats: Mutex::default(),
            seats_max,
            jointly: Some(Arc::clone(&counted)),
        });
        let seating = Seating::new(Arc::clone(&players), (counted, asks), stored);
        (players, seating)
    }

    /// Has `player` take a seat.
    pub(crate) async fn sit(self: &Arc<Self>, player: &PlayerName) -> Result<Seated, NoSeat> {
        let too_many = NoSeat::TooMany { max: self.seats_max };
        let Some(counted) = &self.jointly else {
            return self.seat(player).ok_or(too_many);
        };
        if self.seats_of(player) >= self.seats_max {
            return Err(too_many);
        }
        counted.ask(player.clone()).await
    }

    /// One seat more for `player`, unless there are enough here.
    fn seat(self: &Arc<Self>, player: &PlayerName) -> Option<Seated> {
        let mut seats = lock(&self.seats);
        let taken = seats.get(player).copied().unwrap_or(0);
        if taken >= self.seats_max {
            return None;
        }
        seats.insert(player.clone(), taken.saturating_add(1));
        drop(seats);
        Some(Seated {
            players: Arc::clone(self),
            player: player.clone(),
        })
    }

    /// How many seats `player` has here.
    fn seats_of(&self, player: &PlayerName) -> usize {
        lock(&self.seats).get(player).copied().unwrap_or(0)
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
        drop(seats);
        if let Some(counted) = &self.players.jointly {
            counted.changed(&self.player);
        }
    }
}
