//! The writing side: one transaction a batch, which reads and locks what it decides on.
//!
//! Three round trips, whatever the size of the batch: what it needs is asked for in one go, what was decided is written
//! in another, and only when all of it is known to be written it is committed. Accounts are locked in the order of their keys, after new ones were made in the
//! order of their names, so that casinos wait for each other and never in a circle.
//!
//! A transaction that failed is tried again where it is certain that nothing of it was written. When the session is
//! lost over a COMMIT, the transaction's own row in `batches` tells: each transaction writes one, and who can write it
//! in its place has seen the end of it. The server's number of a transaction would not do: after a crash it may be given
//! to another.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::join4;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Statement};

use super::{
    connect::{Sessions, in_time},
    failure::Fault,
    rows::{self, RECORD_COLUMNS},
};
use crate::{
    market::Tick,
    record::Record,
    store::{Batch, CommitError, StoreError},
};

mod columns;

use columns::Columns;

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
}

/// What a batch is decided on: true until it is committed.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The records of those who have one, by name.
    pub(crate) records: HashMap<String, Record>,
    /// The tick in force.
    pub(crate) tick: Tick,
}

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

/// A session and what it has prepared.
#[derive(Debug)]
struct Session {
    client: Client,
    make: Statement,
    lock: Statement,
    tick: Statement,
    mark: Statement,
    update: Statement,
    pay: Statement,
    trade: Statement,
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

    /// Loads what is `wanted`, has `decide` make a batch of it, and keeps that batch, all of it or nothing. `decide` is
    /// asked again when the transaction is tried again: what it said last is what was kept.
    pub(crate) async fn transact(
        &mut self,
        wanted: &Wanted<'_>,
        mut decide: impl FnMut(&Loaded) -> Arc<Batch>,
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
        let ticks = super::market::ticks_after(&session.client, number).await;
        ticks.map_err(|fault| fault.of("read the prices"))
    }

    async fn attempt(
        &mut self,
        wanted: &Wanted<'_>,
        decide: &mut impl FnMut(&Loaded) -> Arc<Batch>,
    ) -> Result<(), Failed> {
        self.transaction = self.transaction.saturating_add(1);
        let (casino, number) = (self.casino.clone(), self.transaction);
        let session = self.session().await.map_err(Failed::Before)?;
        let loaded = session.load(wanted).await.map_err(Failed::Before)?;
        let batch = decide(&loaded);
        let columns = Columns::of(&batch);
        let written = session.write((&casino, number), &columns).await;
        written.map_err(Failed::Before)?;
        let committed = in_time(session.client.batch_execute("COMMIT")).await;
        committed.map_err(|fault| match fault.is_refusal() {
            true => Failed::Before(fault),
            false => Failed::Open(fault),
        })
    }

    async fn session(&mut self) -> Result<&Session, Fault> {
        let kept = self.session.take().filter(|session| !session.client.is_closed());
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
        let client = &self.session().await?.client;
        let sql = "INSERT INTO batches (casino, number) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let inserted = in_time(client.execute(sql, &[&casino, &number])).await?;
        Ok(inserted > 0)
    }
}

impl Session {
    async fn prepare(client: Client) -> Result<Self, Fault> {
        let lock = format!(
            "SELECT {RECORD_COLUMNS} FROM accounts WHERE name = ANY($1) ORDER BY id FOR NO KEY UPDATE"
        );
        // One is called for every few batches, so they are prepared one after the other.
        Ok(Self {
            make: in_time(client.prepare(MAKE)).await?,
            lock: in_time(client.prepare(&lock)).await?,
            tick: in_time(client.prepare(TICK)).await?,
            mark: in_time(client.prepare(MARK)).await?,
            update: in_time(client.prepare(UPDATE)).await?,
            pay: in_time(client.prepare(PAY)).await?,
            trade: in_time(client.prepare(TRADE)).await?,
            client,
        })
    }

    /// Begins a transaction, and gives what it has locked. One round trip: what is asked first is answered first.
    async fn load(&self, wanted: &Wanted<'_>) -> Result<Loaded, Fault> {
        let client = &self.client;
        let make = async {
            match wanted.new.is_empty() {
                true => Ok(0),
                false => client.execute(&self.make, &[&wanted.new]).await,
            }
        };
        let asked = async {
            let (begun, made, rows, tick) = join4(
                client.batch_execute("BEGIN"),
                make,
                client.query(&self.lock, &[&wanted.players]),
                client.query_one(&self.tick, &[]),
            )
            .await;
            begun?;
            made?;
            Ok((rows?, tick?))
        };
        let (rows, tick) = in_time(asked).await?;
        let records: Result<_, Fault> = rows
            .iter()
            .map(|row| Ok((rows::name(row)?, rows::record(row)?)))
            .collect();
        Ok(Loaded {
            records: records?,
            tick: rows::tick(&tick)?,
        })
    }

    /// Writes, in one round trip. All of it is there, or this fails: COMMIT is not asked for in the same breath, because
    /// a statement that never left this process would be missed by nobody.
    async fn write(&self, (casino, number): (&str, i64), columns: &Columns) -> Result<(), Fault> {
        let asked = async {
            let (marked, updated, paid, traded) = join4(
                self.client.execute(&self.mark, &[&casino, &number]),
                columns.update(&self.client, &self.update),
                columns.pay(&self.client, &self.pay),
                columns.trade(&self.client, &self.trade),
            )
            .await;
            marked?;
            paid?;
            traded?;
            updated
        };
        if in_time(asked).await? != columns.accounts() {
            return Err(Fault::Row("an account that is not there was changed"));
        }
        Ok(())
    }
}

/// The pause after `pause`.
fn longer(pause: Duration) -> Duration {
    pause.saturating_mul(2).min(PAUSE_MAX)
}

/// Makes the accounts that are not there. A name that another casino is just making is waited for.
const MAKE: &str = "
INSERT INTO accounts (name)
    SELECT name FROM unnest($1::text[]) AS n (name)
    WHERE NOT EXISTS (SELECT FROM accounts AS a WHERE a.name = n.name)
    ORDER BY name
    ON CONFLICT DO NOTHING";

/// The tick in force.
const TICK: &str = "SELECT number, price, at_unix_ms FROM ticks ORDER BY number DESC LIMIT 1";

/// The row by which a transaction is known. Of those long past none is needed.
const MARK: &str = "
WITH past AS (DELETE FROM batches WHERE casino = $1 AND number < $2::bigint - 100)
INSERT INTO batches (casino, number) VALUES ($1, $2::bigint)";

const UPDATE: &str = "
UPDATE accounts AS a SET tokens = n.tokens, stocks = n.stocks, cost_basis = n.cost_basis,
    realised_pnl = n.realised_pnl, dollars_in = n.dollars_in, dollars_out = n.dollars_out, version = n.version,
    payments = n.payments, trades = n.trades
FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[])
    AS n (id, tokens, stocks, cost_basis, realised_pnl, dollars_in, dollars_out, version, payments, trades)
WHERE a.id = n.id";

const PAY: &str = "
INSERT INTO payments (account, number, amount, at_unix_ms)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[])";

const TRADE: &str = "
INSERT INTO trades (account, number, side, stocks, price, tick, at_unix_ms)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::integer[], $5::integer[], $6::bigint[],
        $7::bigint[])";
