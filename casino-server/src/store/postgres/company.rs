//! What casinos that share a ledger tell each other of their company: trades, who is seated, and who owns most.
//!
//! Trades are told by `NOTIFY`, as text, and kept nowhere but in the table of trades. Who is seated is a row a casino,
//! which counts for a while and then has to be written again; the table is not logged, because after a crash of the
//! database everybody writes it anew. Who owns most is asked of the accounts.

use std::time::Duration;

use tokio_postgres::Row;

use super::{
    connect::{Kept, Sessions, in_time},
    failure::Fault,
};
use crate::{
    account::Account,
    company::{Elsewhere, Seated},
    identity::PlayerName,
    quantity::{Stocks, Tokens},
    store::StoreError,
};

/// How long what a casino says of its seats counts.
const COUNTS_FOR: Duration = Duration::from_secs(7);

/// The same, in milliseconds.
pub(super) fn counts_for() -> i64 {
    i64::try_from(COUNTS_FOR.as_millis()).unwrap_or(i64::MAX)
}

/// The way to the other casinos' company.
#[derive(Debug)]
pub(crate) struct PostgresCompany {
    session: Kept,
    casino: String,
}

/// The way to who owns most.
#[derive(Debug)]
pub(crate) struct PostgresRanks {
    session: Kept,
}

impl PostgresCompany {
    pub(super) fn new(sessions: Sessions, casino: String) -> Self {
        Self {
            session: Kept::new(sessions),
            casino,
        }
    }

    /// What this casino is called, and nobody else.
    pub(crate) fn casino(&self) -> &str {
        &self.casino
    }

    /// Tells all casinos that listen.
    pub(crate) async fn tell(&mut self, said: &str) -> Result<(), StoreError> {
        let asked = async {
            let client = self.session.open().await?;
            in_time(client.execute("SELECT pg_notify('awesomestock_tape', $1)", &[&said])).await
        };
        let told: Result<_, Fault> = asked.await;
        told.map(drop)
            .map_err(|fault| self.session.lost(fault, "tell the trades"))
    }

    /// Says who is seated `here`, and whether anybody of them `watches` the tape; gives what the others said of late.
    pub(crate) async fn meet(&mut self, here: &Seated, watches: bool) -> Result<Vec<Elsewhere>, StoreError> {
        let casino = self.casino.clone();
        let millis = counts_for();
        let (players, unnamed) = (count(here.players), count(here.unnamed));
        let names: Vec<&str> = here.online.iter().map(PlayerName::as_str).collect();
        let asked = async {
            let client = self.session.open().await?;
            let said: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [&casino, &millis, &watches, &players, &unnamed, &names];
            let rows = in_time(client.query(MEET, &said)).await?;
            rows.iter().map(elsewhere).collect()
        };
        let met: Result<_, Fault> = asked.await;
        met.map_err(|fault| self.session.lost(fault, "read who is seated"))
    }

    /// Says that nobody is seated here any more: the casino is closing.
    pub(crate) async fn leave(&mut self) -> Result<(), StoreError> {
        let casino = self.casino.clone();
        let asked = async {
            let client = self.session.open().await?;
            in_time(client.execute(LEAVE, &[&casino])).await
        };
        let left: Result<_, Fault> = asked.await;
        left.map(drop)
            .map_err(|fault| self.session.lost(fault, "say that nobody is seated"))
    }
}

impl PostgresRanks {
    pub(super) fn new(sessions: Sessions) -> Self {
        Self {
            session: Kept::new(sessions),
        }
    }

    /// The `most` who own most at the price in force.
    pub(crate) async fn richest(&mut self, most: usize) -> Result<Vec<(PlayerName, Account)>, StoreError> {
        let asked = async {
            let client = self.session.open().await?;
            in_time(client.batch_execute(ONE_CORE)).await?;
            let rows = in_time(client.query(RICHEST, &[&count(most)])).await?;
            rows.iter().map(rich).collect()
        };
        let richest: Result<_, Fault> = asked.await;
        richest.map_err(|fault| self.session.lost(fault, "read who owns most"))
    }
}

/// Who owns what of an account is ranked, from `name, tokens, stocks, version`.
fn rich(row: &Row) -> Result<(PlayerName, Account), Fault> {
    let account = Account {
        tokens: Tokens(row.try_get(1)?),
        stocks: Stocks(row.try_get(2)?),
        version: row.try_get(3)?,
        ..Account::default()
    };
    Ok((player(row.try_get(0)?)?, account))
}

/// What another casino says, from `watches, players, unnamed, names`.
fn elsewhere(row: &Row) -> Result<Elsewhere, Fault> {
    let (players, unnamed): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    let names: Vec<&str> = row.try_get(3)?;
    let online: Result<_, Fault> = names.into_iter().map(player).collect();
    Ok(Elsewhere {
        watches: row.try_get(0)?,
        seated: Seated {
            players: usize::try_from(players).unwrap_or(0),
            online: online?,
            unnamed: usize::try_from(unnamed).unwrap_or(0),
        },
    })
}

fn player(name: &str) -> Result<PlayerName, Fault> {
    PlayerName::kept(name).map_err(|_| Fault::Row("a player's name is none"))
}

fn count(counted: usize) -> i64 {
    i64::try_from(counted).unwrap_or(i64::MAX)
}

/// Rows of casinos that are gone are dropped, in time.
const MEET: &str = "
WITH here AS (
    INSERT INTO company (casino, until, watches, players, unnamed, names)
        VALUES ($1, clock_timestamp() + $2::bigint * interval '1 millisecond', $3, $4, $5, $6)
        ON CONFLICT (casino) DO UPDATE SET until = excluded.until, watches = excluded.watches,
            players = excluded.players, unnamed = excluded.unnamed, names = excluded.names
), gone AS (
    DELETE FROM company WHERE casino <> $1 AND until < clock_timestamp() - interval '1 minute' RETURNING casino
), emptied AS (
    DELETE FROM seats USING gone WHERE seats.casino = gone.casino
)
SELECT watches, players, unnamed, names FROM company WHERE casino <> $1 AND until > clock_timestamp()";

const LEAVE: &str = "
WITH left_behind AS (DELETE FROM seats WHERE casino = $1) DELETE FROM company WHERE casino = $1";

/// The question is to take one core, not all that there are.
const ONE_CORE: &str = "SET max_parallel_workers_per_gather = 0";

/// All accounts are looked at, and only what is ranked of them is sorted.
const RICHEST: &str = "
SELECT name, tokens, stocks, version FROM accounts WHERE version > 0
    ORDER BY tokens + stocks * (SELECT price::bigint FROM ticks ORDER BY number DESC LIMIT 1) DESC LIMIT $1";
