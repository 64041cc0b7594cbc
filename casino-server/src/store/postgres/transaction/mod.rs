//! Writes batches: one transaction locks the accounts, lets the ledger decide on them and writes the result.
//!
//! Three round trips: load, write, commit. New accounts are created in the order of their names and accounts are
//! locked in the order of their IDs, which avoids deadlocks between servers.
//!
//! A failed transaction is retried if it was certainly not committed. When the connection is lost during COMMIT,
//! its marker row in `batches` decides: inserting the same row waits for the transaction to end. Transaction IDs
//! would not do, since the server may reuse them after a crash.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connection::{ConnectionFactory, with_timeout};
use super::error::PgError;
use crate::store::cluster::{BatchInputs, LoadedAccounts, RateLimits};
use crate::store::{Batch, CommitError};

mod columns;
mod connection;

use self::connection::WriterConnection;

/// Maximum time of retries; players wait meanwhile.
const RETRY_FOR: Duration = Duration::from_secs(5);

/// Maximum time to find out whether a transaction was committed.
const RESOLVE_FOR: Duration = Duration::from_secs(10);

/// Delay of retries, doubled each time.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct BatchWriter {
    connections: ConnectionFactory,
    /// `None` after a failure.
    connection: Option<WriterConnection>,
    /// Unique name of this server.
    casino: String,
    /// Number of the last transaction begun.
    transaction: i64,
}

/// How far a failed transaction got.
enum AttemptError {
    /// Not committed.
    Before(PgError),
    /// Possibly committed.
    Open(PgError),
}

impl BatchWriter {
    pub(super) fn new(connections: ConnectionFactory, casino: String) -> Self {
        Self {
            connections,
            connection: None,
            casino,
            transaction: 0,
        }
    }

    /// See [`ClusterStore::run_batch`](crate::store::cluster::ClusterStore::run_batch).
    pub(super) async fn run_batch(
        &mut self,
        inputs: &BatchInputs<'_>,
        mut decide: impl FnMut(&LoadedAccounts) -> (Arc<Batch>, RateLimits),
    ) -> Result<(), CommitError> {
        let operation = "write the ledger";
        let (started, mut pause) = (Instant::now(), PAUSE_FIRST);
        loop {
            let Err(failed) = self.attempt(inputs, &mut decide).await else {
                return Ok(());
            };
            // Ends what is left of the transaction.
            self.connection = None;
            let error = match failed {
                AttemptError::Before(error) => error,
                AttemptError::Open(error) => match self.was_committed().await {
                    Some(true) => return Ok(()),
                    Some(false) => error,
                    None => return Err(CommitError::Unknown(error.into_store_error(operation))),
                },
            };
            if !error.is_transient() || started.elapsed() >= RETRY_FOR {
                return Err(CommitError::Rejected(error.into_store_error(operation)));
            }
            tracing::warn!(error = %error, "retrying a batch");
            sleep(pause).await;
            pause = next_pause(pause);
        }
    }

    async fn attempt(
        &mut self,
        inputs: &BatchInputs<'_>,
        decide: &mut impl FnMut(&LoadedAccounts) -> (Arc<Batch>, RateLimits),
    ) -> Result<(), AttemptError> {
        self.transaction = self.transaction.saturating_add(1);
        let (casino, number) = (self.casino.clone(), self.transaction);
        let connection = self.connection().await.map_err(AttemptError::Before)?;
        let loaded = connection.load(inputs).await.map_err(AttemptError::Before)?;
        let (batch, buckets) = decide(&loaded);
        let written = connection.write(&casino, number, &batch, &buckets).await;
        written.map_err(AttemptError::Before)?;
        let committed = with_timeout(connection.client.batch_execute("COMMIT")).await;
        committed.map_err(|error| match error.is_rejected() {
            true => AttemptError::Before(error),
            false => AttemptError::Open(error),
        })
    }

    async fn connection(&mut self) -> Result<&WriterConnection, PgError> {
        let open = self
            .connection
            .take()
            .filter(|connection| !connection.client.is_closed());
        let connection = match open {
            Some(connection) => connection,
            None => WriterConnection::prepare(self.connections.open().await?).await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Returns whether the last transaction was committed, `None` if that is unknown.
    async fn was_committed(&mut self) -> Option<bool> {
        let (started, mut pause) = (Instant::now(), PAUSE_FIRST);
        while started.elapsed() < RESOLVE_FOR {
            match self.fence().await {
                Ok(fenced) => return Some(!fenced),
                Err(error) => {
                    self.connection = None;
                    tracing::warn!(error = %error, "cannot determine yet whether a batch was written");
                }
            }
            sleep(pause).await;
            pause = next_pause(pause);
        }
        None
    }

    /// Prevents the last transaction from committing, unless it has. Waits for a commit in progress.
    async fn fence(&mut self) -> Result<bool, PgError> {
        let (casino, number) = (self.casino.clone(), self.transaction);
        let client = &self.connection().await?.client;
        let sql = "INSERT INTO batches (casino, number) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let inserted = with_timeout(client.execute(sql, &[&casino, &number])).await?;
        Ok(inserted > 0)
    }
}

fn next_pause(pause: Duration) -> Duration {
    pause.saturating_mul(2).min(PAUSE_MAX)
}
