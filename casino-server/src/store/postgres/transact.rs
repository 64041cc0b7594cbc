//! The writing side: one transaction a batch, which reads and locks what it decides on.
//!
//! Three round trips, whatever the size of the batch: what it needs is asked for in one go, what was decided is written
//! in another, and only when all of it is known to be written it is committed. Accounts are locked in the order of their
//! keys, after new ones were made in the order of their names, so that casinos wait for each other and never in a circle.
//!
//! A transaction that failed is tried again where it is certain that nothing of it was written. When the session is
//! lost over a COMMIT, the transaction's own row in `batches` tells: each transaction writes one, and who can write it
//! in its place has seen the end of it. The server's number of a transaction would not do: after a crash it may be given
//! to another.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    connect::{Sessions, in_time},
    failure::Fault,
};
use crate::{
    allowance::Allowance,
    market::Tick,
    quantity::UnixMillis,
    receipt::{Receipt, RequestId},
    record::{AccountId, Record},
    store::{Batch, CommitError, StoreError},
};

mod columns;
mod session;

use self::{columns::Columns, session::Session};

/// How long a batch is tried again and again. Its players wait.
const TRY_FOR: Duration = Duration::from_secs(5);

/// How long the server is asked what became of a transaction.
const ASK_FOR: Duration = Duration::from_secs(10);

/// Between two tries: so long after the first, and twice as long after each other, up to a bound.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// What a batch needs.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// Whose accounts; each once.
    pub(crate) players: Vec<&'a str>,
    /// Those of them who are given one if they have none.
    pub(crate) new: Vec<&'a str>,
    /// The ids that they ask with; each once.
    pub(crate) ids: Vec<(&'a str, RequestId)>,
}

/// What a batch is decided on: true until it is committed.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The accounts of those who have one, by name.
    pub(crate) accounts: HashMap<String, LoadedAccount>,
    /// The tick in force.
    pub(crate) tick: Tick,
    /// The time, by the database's clock once everything was locked: it is the same clock for all casinos, and what is
    /// decided on an account later is decided at a later time.
    pub(crate) at: UnixMillis,
}

/// An account that a batch is decided on.
#[derive(Debug)]
pub(crate) struct LoadedAccount {
    /// Its record.
    pub(crate) record: Record,
    /// What those of the ids asked with were answered that are remembered.
    pub(crate) receipts: Vec<Receipt>,
    /// The number of its newest receipt; 0 before the first.
    pub(crate) last_receipt: i64,
    /// What its player may still ask for, at all casinos together.
    pub(crate) allowance: Allowance,
}

/// What players may still ask for, by their accounts.
pub(crate) type Allowances = HashMap<AccountId, Allowance>;

/// The writer of batches.
#[derive(Debug)]
pub(crate) struct PostgresStore {
    sessions: Sessions,
    /// `None` after a failure.
    session: Option<Session>,
    /// What this casino is called, and nobody else.
    casino: String,
    /// The transaction begun last.
    transaction: i64,
}

/// How far a transaction came.
enum Failed {
    /// Certainly not to its COMMIT.
    Before(Fault),
    /// Perhaps over its COMMIT.
    Open(Fault),
}

impl PostgresStore {
    pub(super) fn new(sessions: Sessions, casino: String) -> Self {
        Self {
            sessions,
            session: None,
            casino,
            transaction: 0,
        }
    }

    /// Loads what is `wanted`, has `decide` make a batch of it, and keeps that batch with what its accounts may still ask
    /// for, all of it or nothing. `decide` is asked again when the transaction is tried again: what it said last is what was kept.
    pub(crate) async fn transact(
        &mut self,
        wanted: &Wanted<'_>,
        mut decide: impl FnMut(&Loaded) -> (Arc<Batch>, Allowances),
    ) -> Result<(), CommitError> {
        let operation = "write the ledger";
        let (started, mut pause) = (Instant::now(), PAUSE_FIRST);
        loop {
            let failed = match self.attempt(wanted, &mut decide).await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            // Whatever is left of the transaction ends with its session.
            self.session = None;
            let fault = match failed {
                Failed::Before(fault) => fault,
                Failed::Open(fault) => match self.has_committed().await {
                    Some(true) => return Ok(()),
                    Some(false) => fault,
                    None => return Err(CommitError::Unknown(fault.of(operation))),
                },
            };
            if !fault.is_passing() || started.elapsed() >= TRY_FOR {
                return Err(CommitError::NotWritten(fault.of(operation)));
            }
            tracing::warn!(error = %fault, "a batch is tried again");
            sleep(pause).await;
            pause = longer(pause);
        }
    }

    /// The ticks after the one numbered `number`, oldest first.
    pub(crate) async fn ticks_after(&mut self, number: i64) -> Result<Vec<Tick>, StoreError> {
        let session = self
            .session()
            .await
            .map_err(|fault| fault.of("read the prices"))?;
        let ticks = super::market::ticks_after(session.client(), number).await;
        ticks.map_err(|fault| fault.of("read the prices"))
    }

    async fn attempt(
        &mut self,
        wanted: &Wanted<'_>,
        decide: &mut impl FnMut(&Loaded) -> (Arc<Batch>, Allowances),
    ) -> Result<(), Failed> {
        self.transaction = self.transaction.saturating_add(1);
        let (casino, number) = (self.casino.clone(), self.transaction);
        let session = self.session().await.map_err(Failed::Before)?;
        let loaded = session.load(wanted).await.map_err(Failed::Before)?;
        let (batch, allowances) = decide(&loaded);
        let columns = Columns::of(&batch, &allowances).map_err(Failed::Before)?;
        let written = session.write((&casino, number), &columns).await;
        written.map_err(Failed::Before)?;
        let committed = in_time(session.client().batch_execute("COMMIT")).await;
        committed.map_err(|fault| match fault.is_refusal() {
            true => Failed::Before(fault),
            false => Failed::Open(fault),
        })
    }

    async fn session(&mut self) -> Result<&Session, Fault> {
        let kept = self
            .session
            .take()
            .filter(|session| !session.client().is_closed());
        let session = match kept {
            Some(session) => session,
            None => Session::prepare(self.sessions.open().await?).await?,
        };
        Ok(self.session.insert(session))
    }

    /// What became of the last transaction, whose session was lost; `None` if nobody could say in time.
    async fn has_committed(&mut self) -> Option<bool> {
        let (started, mut pause) = (Instant::now(), PAUSE_FIRST);
        while started.elapsed() < ASK_FOR {
            match self.try_bar().await {
                Ok(barred) => return Some(!barred),
                Err(fault) => {
                    self.session = None;
                    tracing::warn!(error = %fault, "it is not known yet whether a batch was written");
                }
            }
            sleep(pause).await;
            pause = longer(pause);
        }
        None
    }

    /// Bars the last transaction, if it has not committed, from ever doing so. Waits for one that is about to.
    async fn try_bar(&mut self) -> Result<bool, Fault> {
        let (casino, number) = (self.casino.clone(), self.transaction);
        let client = self.session().await?.client();
        let sql = "INSERT INTO batches (casino, number) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let inserted = in_time(client.execute(sql, &[&casino, &number])).await?;
        Ok(inserted > 0)
    }
}

/// The pause after `pause`.
fn longer(pause: Duration) -> Duration {
    pause.saturating_mul(2).min(PAUSE_MAX)
}
