//! Seats that count at several casinos: asked for here, given by one task that has them written first.
//!
//! What gathers while it writes is written together, so that many who come at once cost a few round trips. A seat that
//! is left is written too, in time: until then it counts, so there are never more than there may be.

use std::{
    collections::{BTreeMap, HashSet},
    convert::Infallible,
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};

use super::{NoSeat, Players, Seated};
use crate::{
    identity::PlayerName,
    store::postgres::{PostgresSeats, SeatsHere},
    table::lock,
};

/// Who wait for a seat at most; who comes later waits to ask.
const ASKS_MAX: usize = 1_024;

/// Players whose seats are written in one go. Each takes a lock, of which a database has 6,400 for all its sessions where
/// nobody has set it.
const LOT_MAX: usize = 128;

/// Time between two looks whether the database has forgotten the seats, and between two tries to write what was left.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Somebody who waits for a seat.
#[derive(Debug)]
pub(super) struct Ask {
    player: PlayerName,
    answer: oneshot::Sender<Result<Seated, NoSeat>>,
}

/// What those who come and go leave for the task.
#[derive(Debug)]
pub(super) struct Counted {
    asks: mpsc::Sender<Ask>,
    /// Whose seats are not as they were written: no more names than were seated since the last write.
    changed: Mutex<HashSet<PlayerName>>,
    news: Notify,
}

/// Gives the seats.
#[derive(Debug)]
pub(crate) struct Seating {
    players: Arc<Players>,
    counted: Arc<Counted>,
    asks: mpsc::Receiver<Ask>,
    stored: PostgresSeats,
}

impl Counted {
    pub(super) fn new() -> (Arc<Self>, mpsc::Receiver<Ask>) {
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        let counted = Self {
            asks,
            changed: Mutex::default(),
            news: Notify::new(),
        };
        (Arc::new(counted), asked)
    }

    /// Waits for a seat for `player`.
    pub(super) async fn ask(&self, player: PlayerName) -> Result<Seated, NoSeat> {
        let (answer, answered) = oneshot::channel();
        let asked = self.asks.send(Ask { player, answer }).await;
        asked.map_err(|_| NoSeat::Uncounted)?;
        answered.await.unwrap_or(Err(NoSeat::Uncounted))
    }

    /// The seats of `player` are not as they were written.
    pub(super) fn changed(&self, player: &PlayerName) {
        lock(&self.changed).insert(player.clone());
        self.news.notify_one();
    }

    /// Some of those whose seats are to be written.
    fn take_changed(&self) -> Vec<PlayerName> {
        let mut changed = lock(&self.changed);
        let some: Vec<_> = changed.iter().take(LOT_MAX).cloned().collect();
        for player in &some {
            changed.remove(player);
        }
        some
    }
}

impl Seating {
    /// Gives the seats of `players`, which are `counted`, to those of whom `asks` tell.
    pub(super) fn new(
        players: Arc<Players>,
        (counted, asks): (Arc<Counted>, mpsc::Receiver<Ask>),
        stored: PostgresSeats,
    ) -> Self {
        Self {
            players,
            counted,
            asks,
            stored,
        }
    }

    /// Gives seats, for as long as it is polled.
    pub(crate) async fn run(&mut self) -> Infallible {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asks = Vec::new();
        loop {
            tokio::select! {
                _ = self.asks.recv_many(&mut asks, LOT_MAX) => {}
                () = self.counted.news.notified() => {}
                _ = look.tick() => {}
            }
            self.settle(mem::take(&mut asks)).await;
        }
    }

    /// Has written what changed, and answers `asks`.
    async fn settle(&mut self, asks: Vec<Ask>) {
        match self.stored.open().await {
            Ok(false) => {}
            // The database may be another by now, or have crashed: before anybody is given a seat it knows of all.
            Ok(true) => lock(&self.counted.changed).extend(lock(&self.players.seats).keys().cloned()),
            Err(error) => return refuse(asks, &error),
        }
        let mut waiting = Some(asks);
        loop {
            let changed = self.counted.take_changed();
            let asks = match changed.len() < LOT_MAX {
                true => waiting.take().unwrap_or_default(),
                false => Vec::new(),
            };
            if changed.is_empty() && asks.is_empty() {
                return;
            }
            let lot = self.lot(&changed, &asks);
            match self.stored.give(&lot, self.players.seats_max).await {
                Ok(given) => self.answer(asks, lot.iter().zip(given)),
                Err(error) => {
                    // It is tried again at the next look.
                    lock(&self.counted.changed).extend(changed);
                    refuse(waiting.unwrap_or_default(), &error);
                    return refuse(asks, &error);
                }
            }
        }
    }

    /// What is to be written of those who `changed` and of those who ask.
    fn lot(&self, changed: &[PlayerName], asks: &[Ask]) -> Vec<SeatsHere> {
        let mut more: BTreeMap<&PlayerName, usize> = changed.iter().map(|player| (player, 0)).collect();
        for ask in asks {
            let more = more.entry(&ask.player).or_default();
            *more = more.saturating_add(1);
        }
        let seats = lock(&self.players.seats);
        let here = more.into_iter().map(|(player, more)| SeatsHere {
            player: player.clone(),
            held: seats.get(player).copied().unwrap_or(0),
            more,
        });
        here.collect()
    }

    /// Gives what was `given` to those who asked first.
    fn answer<'a>(&self, asks: Vec<Ask>, given: impl Iterator<Item = (&'a SeatsHere, usize)>) {
        let mut given: BTreeMap<&PlayerName, usize> =
            given.map(|(here, more)| (&here.player, more)).collect();
        for Ask { player, answer } in asks {
            let left = given.get_mut(&player).filter(|left| **left > 0);
            let seated = left.and_then(|left| {
                *left = left.saturating_sub(1);
                self.players.seat(&player)
            });
            // A seat that nobody waits for any more is left at once, and that is written.
            let _ = answer.send(seated.ok_or(NoSeat::TooMany {
                max: self.players.seats_max,
            }));
        }
    }
}

/// Nobody of `asks` is given a seat, because of `error`.
fn refuse(asks: Vec<Ask>, error: &(dyn std::error::Error + 'static)) {
    tracing::debug!(error, "seats were not counted");
    for ask in asks {
        // Who does not wait any more needs no answer.
        let _ = ask.answer.send(Err(NoSeat::Uncounted));
    }
}
