//! The seats of the house players: each tick is shown to them, and what they decide is put to the ledger.

use std::collections::VecDeque;

use futures_util::future::join_all;
use tokio::sync::mpsc;

use super::{HousePlayer, MEMORY, players};
use crate::{
    account::Account,
    company::{Company, Presence},
    ledger::{Books, LedgerError},
    market::Tick,
    quantity::Price,
    reader::Reader,
    store::{PageRequest, StoreError},
};

/// Ticks that may wait for the house to play. One that finds no room is not played.
const TICKS_WAITING: usize = 64;

/// The house's players at their seats.
#[derive(Debug)]
pub(crate) struct House {
    seats: Vec<Seat>,
    seed: u64,
    /// The newest last.
    prices: VecDeque<Price>,
    shown: (mpsc::Sender<Tick>, mpsc::Receiver<Tick>),
}

#[derive(Debug)]
struct Seat {
    player: HousePlayer,
    /// As the ledger told it last.
    account: Account,
    _presence: Presence,
}

impl House {
    /// Sits `count` players down with the wallets they left with, having seen the prices that are on disk.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub(crate) async fn sit_down(
        count: u8,
        seed: u64,
        reader: &Reader,
        company: &Company,
    ) -> Result<Self, StoreError> {
        let mut house = Self {
            seats: Vec::new(),
            seed,
            prices: VecDeque::new(),
            shown: mpsc::channel(TICKS_WAITING),
        };
        if count == 0 {
            return Ok(house);
        }
        let newest = PageRequest {
            before: None,
            limit: u32::try_from(MEMORY).unwrap_or(u32::MAX),
        };
        let seen = reader.ticks(newest).await?.entries;
        house.prices = seen.iter().map(|tick| tick.price).collect();
        for player in players(count) {
            let account = reader.account(player.name.clone()).await?;
            company.rank(&player.name, &account);
            house.seats.push(Seat {
                _presence: company.enter(Some(player.name.clone())),
                player,
                account,
            });
        }
        Ok(house)
    }

    /// Shows ticks to the house, from another task.
    pub(crate) fn window(&self) -> impl Fn(Tick) + use<> {
        let (window, plays) = (self.shown.0.clone(), !self.seats.is_empty());
        move |tick| {
            if plays && window.try_send(tick).is_err() {
                tracing::debug!(tick = tick.number, "the house does not keep up");
            }
        }
    }

    /// Plays at each tick that is shown, until the ledger takes no more.
    pub(crate) async fn play(mut self, books: &Books) {
        while let Some(tick) = self.shown.1.recv().await {
            if self.prices.len() >= MEMORY {
                self.prices.pop_front();
            }
            self.prices.push_back(tick.price);
            let prices = self.prices.make_contiguous();
            let seed = self.seed;
            let orders = self.seats.iter_mut().filter_map(|seat| {
                let command = seat.player.decide(seed, tick.number, prices, &seat.account)?;
                Some(async move {
                    let decided = books.execute(seat.player.name.clone(), command).await;
                    decided.map(|decision| seat.account = decision.account)
                })
            });
            // All at once: they go into one batch.
            for decided in join_all(orders).await {
                match decided {
                    Ok(()) => {}
                    Err(error @ LedgerError::NotExecuted { .. }) => {
                        tracing::warn!(%error, "a house player's order is lost");
                    }
                    Err(LedgerError::Stopping | LedgerError::Unanswered) => return,
                }
            }
        }
    }
}
