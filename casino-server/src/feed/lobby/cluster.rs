//! Exchanges lobby data between casinos that share a ledger. While the database is unavailable, each casino publishes only
//! its own data.

use std::convert::Infallible;
use std::mem;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::leaderboard::RANKED_MAX;
use super::trades::TradeBatch;
use super::{FeedHub, TAPE_INTERVAL};
use crate::feed::accounts::AccountFeed;
use crate::store::cluster::ClusterStore;
use crate::store::{StoreError, lock};

const PRESENCE_INTERVAL: Duration = Duration::from_secs(2);

/// Maximum number of online players that a casino names to the others; the rest are only counted.
const NAMED_MAX: usize = 1_000;

/// Minimum time between two leaderboard queries.
const LEADERBOARD_INTERVAL: Duration = Duration::from_secs(2);

/// Pause after a leaderboard query, as a multiple of its duration: the query uses at most 5 % of a database core.
const LEADERBOARD_BACKOFF: u32 = 19;

/// Exchanges the lobby feeds with other casinos. Trades of other casinos wake the sessions of their players in `accounts`.
pub(crate) async fn exchange(
    lobby: &FeedHub,
    accounts: &AccountFeed,
    store: &impl ClusterStore,
) -> Infallible {
    tokio::select! {
        never = sync_presence(lobby, accounts, store) => never,
        never = sync_leaderboard(lobby, store) => never,
    }
}

/// Exchanges online players and trades. Trades are sent only while another casino has tape subscribers.
async fn sync_presence(lobby: &FeedHub, accounts: &AccountFeed, store: &impl ClusterStore) -> Infallible {
    let mut sync = interval(PRESENCE_INTERVAL);
    sync.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut is_watched, mut next_send) = (false, Instant::now());
    let pending = &lobby.pending;
    loop {
        tokio::select! {
            _ = sync.tick() => {
                let local = lobby.presence.local(NAMED_MAX);
                let synced = store.sync_presence(&local, lobby.has_tape_subscribers()).await;
                // After a failed sync, the remote players are unknown and not listed.
                let remote = log_error(synced).unwrap_or_default();
                is_watched = remote.iter().any(|casino| casino.watches_tape);
                pending.has_remote_watcher.store(is_watched, Ordering::Release);
                lobby.set_remote(remote.into_iter().map(|casino| casino.players).collect());
            }
            texts = store.notifications().tape() => {
                let batches = texts.iter().filter_map(|text| TradeBatch::from_text(text));
                let remote = batches.filter(|(casino, _)| casino != store.casino());
                let remote: Vec<TradeBatch> = remote.map(|(_, batch)| batch).collect();
                for row in remote.iter().flat_map(|batch| &batch.rows) {
                    accounts.changed_elsewhere(&row.player);
                }
                lobby.add_remote_trades(remote);
            }
            () = pending.outbox_filled.notified(), if is_watched => {
                // Coalesces the trades of one interval.
                sleep_until(next_send).await;
                next_send = Instant::now().checked_add(TAPE_INTERVAL).unwrap_or(next_send);
                let batch = mem::take(&mut *lock(&pending.outbox));
                if !batch.rows.is_empty() {
                    let text = batch.to_text(store.casino());
                    log_error(store.send_trades(&text).await);
                }
            }
        }
    }
}

/// Queries the leaderboard of the shared ledger once it has been requested.
async fn sync_leaderboard(lobby: &FeedHub, store: &impl ClusterStore) -> Infallible {
    loop {
        let start = Instant::now();
        if lobby.is_ranking() {
            let round = lobby.leaderboard().round;
            if let Some(top) = log_error(store.top_accounts(RANKED_MAX, round).await) {
                lobby.change_leaderboard(|leaderboard| leaderboard.set_snapshot(top));
            }
        }
        let backoff = start.elapsed().saturating_mul(LEADERBOARD_BACKOFF);
        sleep(backoff.max(LEADERBOARD_INTERVAL)).await;
    }
}

/// Logs an error, which the next attempt may clear.
fn log_error<T>(result: Result<T, StoreError>) -> Option<T> {
    result
        .inspect_err(|error| {
            let error = error as &dyn std::error::Error;
            tracing::debug!(error, "cannot exchange feeds with other casinos");
        })
        .ok()
}
