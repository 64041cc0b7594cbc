//! What the servers share: the market's leader and its ticks, claims, trades by `NOTIFY`, presence and session counts as
//! rows that expire, and the leaderboard by a query.
//!
//! The leader holds a lease in the market's row, by the database's clock, and renews it with each tick. The tick's
//! number is a primary key, so two leaders cannot store the same tick. Ticks are notified to all servers; missed
//! ones are read from the table.
//!
//! Presence and sessions are in unlogged tables: after a crash of the database each server writes them again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::connection::{BY_KEY, ConnectionFactory, LazyConnection, with_timeout};
use super::error::PgError;
use super::statements::{
    AFTER, CLAIM, DUE, HEARTBEAT, LEAD, LEAVE, LOCK_PLAYERS, NEWEST_ROUND, ONE_CORE, RESERVE, SET_ROUND,
    SYNC, TOP_ACCOUNTS,
};
use super::transaction::BatchWriter;
use super::{candles, rows};
use crate::domain::account::Account;
use crate::domain::credential::Claim;
use crate::domain::market::Tick;
use crate::domain::order::resting::DueOrder;
use crate::domain::player::{OnlinePlayers, PlayerName, RemotePresence};
use crate::domain::round::{Round, RoundError};
use crate::store::cluster::{
    BatchInputs, ClusterStore, LeaseOutcome, LoadedAccounts, LocalSessions, RateLimits,
};
use crate::store::notifications::Notifications;
use crate::store::{Batch, CommitError, StoreError};

/// Lifetime of a server's presence row, in milliseconds.
const PRESENCE_TTL: i64 = 7_000;

/// Continues "could not".
const COUNT_SESSIONS: &str = "count the sessions";

/// A shared ledger in PostgreSQL, on a connection for each purpose.
#[derive(Debug)]
pub(crate) struct PostgresCluster {
    /// Unique name of this server.
    casino: String,
    writer: Mutex<BatchWriter>,
    market: LazyConnection,
    feed: LazyConnection,
    leaderboard: LazyConnection,
    sessions: LazyConnection,
    notifications: Arc<Notifications>,
}

impl PostgresCluster {
    pub(super) fn new(connections: &ConnectionFactory, casino: &str) -> Self {
        let notifications = Arc::default();
        let connection = || LazyConnection::new(connections.clone(), None);
        Self {
            casino: casino.to_owned(),
            writer: Mutex::new(BatchWriter::new(connections.clone(), casino.to_owned())),
            market: LazyConnection::new(connections.clone(), Some(Arc::clone(&notifications))),
            feed: connection(),
            leaderboard: connection(),
            sessions: connection(),
            notifications,
        }
    }
}

impl ClusterStore for PostgresCluster {
    fn casino(&self) -> &str {
        &self.casino
    }

    fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    async fn run_batch(
        &self,
        inputs: &BatchInputs<'_>,
        decide: impl FnMut(&LoadedAccounts) -> (Arc<Batch>, RateLimits) + Send,
    ) -> Result<(), CommitError> {
        self.writer.lock().await.run_batch(inputs, decide).await
    }

    async fn lead(&self, lease: Duration, tick: Tick, skip_due: bool) -> Result<LeaseOutcome, StoreError> {
        let millis = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        let (price, at) = (tick.price.get(), tick.at.0);
        let led = self.market.run("move the price", async |client| {
            let inputs: [&(dyn ToSql + Sync); 6] =
                [&self.casino, &millis, &tick.number, &price, &at, &skip_due];
            let row = with_timeout(client.query_one(LEAD, &inputs)).await?;
            Ok(match (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?) {
                (_, true, _) => LeaseOutcome::Stored,
                (true, false, true) => LeaseOutcome::OrdersDue,
                (true, false, false) => LeaseOutcome::Behind,
                (false, false, _) => LeaseOutcome::NotLeader,
            })
        });
        led.await
    }

    async fn due_orders(&self, after: i64, max: usize) -> Result<Vec<DueOrder>, StoreError> {
        let due = self.market.run("read the orders", async |client| {
            let rows = with_timeout(client.query(DUE, &[&count(max), &after])).await?;
            rows.iter().map(rows::due_order).collect()
        });
        due.await
    }

    async fn round(&self) -> Result<Round, StoreError> {
        self.market.run("read the round", newest_round).await
    }

    async fn change_round(
        &self,
        change: impl Fn(&Round) -> Result<Option<Round>, RoundError> + Send + Sync,
    ) -> Result<Result<Round, RoundError>, StoreError> {
        let changed = self.market.run("write the round", async |client| {
            with_timeout(client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED")).await?;
            // One change at a time, also of the first round.
            with_timeout(client.batch_execute("LOCK TABLE rounds IN SHARE ROW EXCLUSIVE MODE")).await?;
            let round = newest_round(client).await?;
            let changed = match change(&round) {
                Ok(None) => Ok(round),
                Ok(Some(changed)) => {
                    let details = rows::encoded(&changed)?;
                    let inputs: [&(dyn ToSql + Sync); 3] = [&changed.number, &changed.is_open(), &details];
                    with_timeout(client.execute(SET_ROUND, &inputs)).await?;
                    Ok(changed)
                }
                Err(error) => Err(error),
            };
            with_timeout(client.batch_execute("COMMIT")).await?;
            Ok(changed)
        });
        changed.await
    }

    async fn roll_up(&self) -> Result<(), StoreError> {
        let operation = "combine old prices into candles";
        self.market.run(operation, candles::roll_up).await
    }

    async fn ticks_after(&self, number: i64) -> Result<Vec<Tick>, StoreError> {
        let ticks = self.market.run("read the prices", async |client| {
            let rows = with_timeout(client.query(AFTER, &[&number])).await?;
            rows.iter().map(rows::tick).collect()
        });
        ticks.await
    }

    async fn claim(&self, claim: &Claim) -> Result<bool, StoreError> {
        let (name, key) = (claim.player.as_str(), claim.key.as_bytes().as_slice());
        let claimed = self.market.run("write the claims", async |client| {
            with_timeout(client.execute(CLAIM, &[&name, &key, &claim.at.0])).await?;
            let owner = "SELECT key_sha256 = $2 FROM claims WHERE name = $1";
            let row = with_timeout(client.query_opt(owner, &[&name, &key])).await?;
            // It may have been released in between.
            row.map_or(Ok(false), |row| Ok(row.try_get(0)?))
        });
        claimed.await
    }

    async fn send_trades(&self, payload: &str) -> Result<(), StoreError> {
        let sent = self.feed.run("send the trades", async |client| {
            let notify = "SELECT pg_notify('awesomestock_tape', $1)";
            with_timeout(client.execute(notify, &[&payload])).await?;
            Ok(())
        });
        sent.await
    }

    async fn sync_presence(
        &self,
        here: &OnlinePlayers,
        watches: bool,
    ) -> Result<Vec<RemotePresence>, StoreError> {
        let (players, unnamed) = (count(here.players), count(here.unnamed));
        let names: Vec<&str> = here.online.iter().map(PlayerName::as_str).collect();
        let remote = self.feed.run("exchange the online players", async |client| {
            let inputs: [&(dyn ToSql + Sync); 6] =
                [&self.casino, &PRESENCE_TTL, &watches, &players, &unnamed, &names];
            let rows = with_timeout(client.query(SYNC, &inputs)).await?;
            rows.iter().map(remote_presence).collect()
        });
        remote.await
    }

    async fn leave(&self) -> Result<(), StoreError> {
        let left = self.feed.run("delete the online players", async |client| {
            with_timeout(client.execute(LEAVE, &[&self.casino])).await?;
            Ok(())
        });
        left.await
    }

    async fn top_accounts(
        &self,
        most: usize,
        round: Option<i64>,
    ) -> Result<Vec<(PlayerName, Account)>, StoreError> {
        let top = self.leaderboard.run("read the leaderboard", async |client| {
            with_timeout(client.batch_execute(ONE_CORE)).await?;
            let rows = with_timeout(client.query(TOP_ACCOUNTS, &[&count(most), &round])).await?;
            rows.iter().map(ranked_account).collect()
        });
        top.await
    }

    async fn open_sessions(&self) -> Result<bool, StoreError> {
        if self.sessions.is_open().await {
            return Ok(false);
        }
        let opened = self.sessions.run(COUNT_SESSIONS, async |client| {
            with_timeout(client.batch_execute(BY_KEY)).await?;
            with_timeout(client.execute(HEARTBEAT, &[&self.casino, &PRESENCE_TTL])).await?;
            Ok(true)
        });
        opened.await
    }

    async fn reserve_sessions(&self, here: &[LocalSessions], max: usize) -> Result<Vec<usize>, StoreError> {
        let requesting = here.iter().filter(|sessions| sessions.more > 0);
        let requesting: Vec<String> = requesting.map(|sessions| sessions.owner.to_stored()).collect();
        let players: Vec<String> = here.iter().map(|sessions| sessions.owner.to_stored()).collect();
        let held: Vec<i32> = here.iter().map(|sessions| to_i32(sessions.held)).collect();
        let wanted = here
            .iter()
            .map(|sessions| to_i32(sessions.held.saturating_add(sessions.more)));
        let (wanted, max): (Vec<i32>, i32) = (wanted.collect(), to_i32(max));
        let granted = self.sessions.run_if_open(COUNT_SESSIONS, async |client| {
            with_timeout(client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED")).await?;
            if !requesting.is_empty() {
                with_timeout(client.execute(LOCK_PLAYERS, &[&requesting])).await?;
            }
            let inputs: [&(dyn ToSql + Sync); 5] = [&self.casino, &players, &held, &wanted, &max];
            let rows = with_timeout(client.query(RESERVE, &inputs)).await?;
            with_timeout(client.batch_execute("COMMIT")).await?;
            let granted: Result<Vec<i32>, _> = rows.iter().map(|row| row.try_get(0)).collect();
            Ok(granted?)
        });
        let granted = granted.await?.into_iter().zip(here);
        let granted = granted.map(|(granted, sessions)| {
            usize::try_from(granted)
                .unwrap_or(0)
                .saturating_sub(sessions.held)
        });
        Ok(granted.collect())
    }
}

async fn newest_round(client: &Client) -> Result<Round, PgError> {
    let row = with_timeout(client.query_opt(NEWEST_ROUND, &[])).await?;
    Ok(row.as_ref().map(rows::round).transpose()?.unwrap_or_default())
}

/// Reads `name, tokens, stocks, cost_basis, realised_pnl, dollars_in, dollars_out, version`.
fn ranked_account(row: &Row) -> Result<(PlayerName, Account), PgError> {
    Ok((rows::player(row.try_get(0)?)?, rows::account(row)?))
}

/// Reads `watches, players, unnamed, names`.
fn remote_presence(row: &Row) -> Result<RemotePresence, PgError> {
    let (players, unnamed): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    let names: Vec<&str> = row.try_get(3)?;
    let online: Result<_, PgError> = names.into_iter().map(rows::player).collect();
    Ok(RemotePresence {
        watches_tape: row.try_get(0)?,
        players: OnlinePlayers {
            players: usize::try_from(players).unwrap_or(0),
            online: online?,
            unnamed: usize::try_from(unnamed).unwrap_or(0),
        },
    })
}

fn count(counted: usize) -> i64 {
    i64::try_from(counted).unwrap_or(i64::MAX)
}

fn to_i32(sessions: usize) -> i32 {
    i32::try_from(sessions).unwrap_or(i32::MAX)
}
