//! The exchange: what casinos that share a ledger tell each other of their company, so that each tells its seats of all.
//!
//! Owns how often. All of it is bounded: a casino tells at most ten samples of its trades a second, and only while
//! somebody watches at another; it says who is seated every two seconds; and it asks who owns most only once somebody
//! here wants to know, with long enough pauses. When the database is away, each tells of itself alone.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::{Company, TAPE_PAUSE, standings::RANKED_MAX, tape::Window};
use crate::store::{
    StoreError,
    postgres::{Ears, PostgresCompany, PostgresRanks},
};

/// Time between two words on who is seated.
const MEET_EVERY: Duration = Duration::from_secs(2);

/// Those seated whom a casino names to the others; of more it says how many.
const NAMED_MAX: usize = 1_000;

/// Time between two questions who owns most, at least.
const RANK_EVERY: Duration = Duration::from_secs(2);

/// How much longer than the answer took the pause after it is: so the question never takes more than a twentieth of a
/// core of the database.
const RANK_REST: u32 = 19;

/// What other casinos are told, and what they tell.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) company: Company,
    pub(crate) stored: PostgresCompany,
    pub(crate) ranks: PostgresRanks,
    pub(crate) ears: Arc<Ears>,
}

impl Exchange {
    /// Tells and hears, for as long as it is polled.
    pub(crate) async fn run(&mut self) -> Infallible {
        let Self {
            company,
            stored,
            ranks,
            ears,
        } = self;
        tokio::select! {
            never = meet(company, stored, ears) => never,
            never = rank(company, ranks) => never,
        }
    }

    /// Says that nobody is seated here any more.
    pub(crate) async fn leave(&mut self) -> Result<(), StoreError> {
        self.stored.leave().await
    }
}

/// Keeps up with trades and seats.
async fn meet(company: &Company, stored: &mut PostgresCompany, ears: &Ears) -> Infallible {
    let mut meeting = interval(MEET_EVERY);
    meeting.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut watched, mut tell_at) = (false, Instant::now());
    let inbox = &company.inbox;
    loop {
        tokio::select! {
            _ = meeting.tick() => {
                let here = company.register.seated_here(NAMED_MAX);
                let met = stored.meet(&here, inbox.is_tape_watched()).await;
                // Of whom nothing is heard nothing is told.
                let elsewhere = noted(met).unwrap_or_default();
                watched = elsewhere.iter().any(|casino| casino.watches);
                inbox.tell_others(watched);
                company.register.hear(elsewhere.into_iter().map(|casino| casino.seated).collect());
            }
            said = ears.tape() => {
                let of_others = said.iter().filter_map(|said| Window::from_text(said));
                inbox.hear_tape(of_others.filter(|(casino, _)| casino != stored.casino()).map(|(_, window)| window));
            }
            () = inbox.outbox_filled(), if watched => {
                // What comes within a moment is told together.
                sleep_until(tell_at).await;
                tell_at = Instant::now().checked_add(TAPE_PAUSE).unwrap_or(tell_at);
                if let Some(window) = inbox.take_outbox() {
                    let text = window.to_text(stored.casino());
                    noted(stored.tell(&text).await);
                }
            }
        }
    }
}

/// Keeps up with who owns most, once somebody wants to know.
async fn rank(company: &Company, ranks: &mut PostgresRanks) -> Infallible {
    loop {
        let began = Instant::now();
        if company.inbox.is_ranking()
            && let Some(richest) = noted(ranks.richest(RANKED_MAX).await)
        {
            company.inbox.hear_richest(&richest);
        }
        sleep(began.elapsed().saturating_mul(RANK_REST).max(RANK_EVERY)).await;
    }
}

/// What came of it; a failure is noted, and it is tried again in time.
fn noted<T>(result: Result<T, StoreError>) -> Option<T> {
    result
        .map_err(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "other casinos are not heard");
        })
        .ok()
}
