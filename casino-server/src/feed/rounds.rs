//! The newest round: for calls, and published to sessions with its podium.

use std::convert::Infallible;
use std::future;
use std::sync::Arc;

use tokio::sync::watch;

use super::lobby::{FeedHub, RoundUpdate};
use crate::config::clock::Clock;
use crate::domain::money::Price;
use crate::domain::round::{self, Round, RoundPhase, RoundResult};
use crate::store::StoreError;
use crate::store::reader::{StoreReader, until_read};

/// Places on a podium, and its maximum length.
const PODIUM_PLACES: usize = 3;
const PODIUM_MAX: usize = 20;

/// The newest round; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct RoundFeed(Arc<watch::Sender<Arc<Round>>>);

impl RoundFeed {
    pub(crate) fn new(round: Arc<Round>) -> Self {
        Self(Arc::new(watch::Sender::new(round)))
    }

    pub(crate) fn current(&self) -> Arc<Round> {
        Arc::clone(&self.0.borrow())
    }

    pub(crate) fn publish(&self, round: &Arc<Round>) {
        self.0.send_replace(Arc::clone(round));
    }

    /// Publishes the round and its changes to the sessions, and ranks the players of an open round.
    pub(crate) async fn run(&self, lobby: &FeedHub, reader: &StoreReader, clock: &Clock) -> Infallible {
        let mut rounds = self.0.subscribe();
        let mut is_published = false;
        loop {
            let round = Arc::clone(&rounds.borrow_and_update());
            // Also when the announcement before the first round was removed.
            is_published |= *round != Round::default();
            if is_published {
                lobby.set_round(round.open_number());
                let podium = until_read(|| read(&round, lobby, reader)).await;
                lobby.publish_round(RoundUpdate {
                    round,
                    podium,
                    clock: clock.clone(),
                });
            }
            if rounds.changed().await.is_err() {
                future::pending::<()>().await;
            }
        }
    }
}

/// Returns the results of `round` at `price`.
pub(crate) async fn results(
    reader: &StoreReader,
    round: &Round,
    price: Price,
) -> Result<Vec<RoundResult>, StoreError> {
    let accounts = reader.accounts_in_round(round.number).await?;
    let accounts = accounts
        .into_iter()
        .map(|(player, record)| (player, record.account, record.trades));
    Ok(round::results(accounts, price))
}

/// Returns the podium of a round that has ended; otherwise adds its players to the leaderboard.
async fn read(round: &Round, lobby: &FeedHub, reader: &StoreReader) -> Result<Vec<RoundResult>, StoreError> {
    if let RoundPhase::Ended(tick) = round.phase {
        let mut podium = results(reader, round, tick.price).await?;
        podium.retain(|result| result.place <= PODIUM_PLACES);
        podium.truncate(PODIUM_MAX);
        return Ok(podium);
    }
    if round.is_open() {
        for (player, record) in reader.accounts_in_round(round.number).await? {
            lobby.track(&player, Some(&record));
        }
    }
    Ok(Vec::new())
}
