//! The schema and its migrations. Released migrations never change; add new ones at the end.

use tokio_postgres::Client;

use super::{connection::with_timeout, error::PgError};
use crate::store::postgres::DatabaseError;

const MIGRATIONS: [&str; 5] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5];

/// Serializes servers that start together. The lock ends with the transaction; its number is the application ID of
/// our SQLite files.
const BEGIN: &str = "
BEGIN;
SET LOCAL statement_timeout = '60s';
SET LOCAL lock_timeout = '60s';
SELECT pg_advisory_xact_lock(1098339188);
CREATE SCHEMA IF NOT EXISTS awesomestock;
CREATE TABLE IF NOT EXISTS format (version integer NOT NULL);
";

/// Columns have the meaning of the SQLite schema, except that each trade is a row. The fill factor leaves room for
/// updates in place. The market's leader holds a lease until `leads_until`; each new leader starts a new term.
const VERSION_1: &str = "
CREATE TABLE market (
    id integer PRIMARY KEY CHECK (id = 1),
    model text NOT NULL,
    seed bigint NOT NULL,
    leader text,
    term bigint NOT NULL DEFAULT 0,
    leads_until timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE TABLE ticks (
    number bigint PRIMARY KEY CHECK (number >= 0),
    price integer NOT NULL CHECK (price >= 1),
    at_unix_ms bigint NOT NULL
);
CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE \"C\" NOT NULL UNIQUE,
    tokens integer NOT NULL DEFAULT 0 CHECK (tokens >= 0),
    stocks integer NOT NULL DEFAULT 0 CHECK (stocks >= 0),
    cost_basis bigint NOT NULL DEFAULT 0 CHECK (cost_basis >= 0),
    realised_pnl bigint NOT NULL DEFAULT 0,
    dollars_in bigint NOT NULL DEFAULT 0 CHECK (dollars_in >= 0),
    dollars_out bigint NOT NULL DEFAULT 0 CHECK (dollars_out >= 0),
    version bigint NOT NULL DEFAULT 0,
    payments bigint NOT NULL DEFAULT 0,
    trades bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE TABLE payments (
    account bigint NOT NULL REFERENCES accounts (id),
    number bigint NOT NULL CHECK (number >= 1),
    amount integer NOT NULL CHECK (amount <> 0),
    at_unix_ms bigint NOT NULL,
    PRIMARY KEY (account, number)
);
CREATE TABLE trades (
    account bigint NOT NULL,
    number bigint NOT NULL CHECK (number >= 1),
    side smallint NOT NULL CHECK (side IN (0, 1)),
    stocks integer NOT NULL CHECK (stocks >= 1),
    price integer NOT NULL CHECK (price >= 1),
    tick bigint NOT NULL,
    at_unix_ms bigint NOT NULL,
    PRIMARY KEY (account, number)
);
CREATE TABLE claims (
    name text COLLATE \"C\" PRIMARY KEY,
    key_sha256 bytea NOT NULL CHECK (length(key_sha256) = 32),
    at_unix_ms bigint NOT NULL
);
CREATE TABLE batches (
    casino text NOT NULL,
    number bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (casino, number)
);
";

/// Answers to requests with IDs. `accounts.receipts` is the number of the newest one. The account's row lock
/// protects them, so there is no foreign key.
const VERSION_2: &str = "
CREATE TABLE receipts (
    account bigint NOT NULL,
    number bigint NOT NULL CHECK (number >= 1),
    id bytea NOT NULL CHECK (length(id) = 16),
    receipt bytea NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE UNIQUE INDEX receipts_by_number ON receipts (account, number);
ALTER TABLE accounts ADD COLUMN receipts bigint NOT NULL DEFAULT 0;
";

/// Candles, as in SQLite.
const VERSION_3: &str = "
CREATE TABLE candles (
    size bigint NOT NULL,
    first bigint NOT NULL CHECK (first >= 0),
    ticks bigint NOT NULL CHECK (ticks BETWEEN 1 AND size),
    open integer NOT NULL CHECK (open BETWEEN low AND high),
    high integer NOT NULL,
    low integer NOT NULL CHECK (low >= 1),
    close integer NOT NULL CHECK (close BETWEEN low AND high),
    since_unix_ms bigint NOT NULL,
    until_unix_ms bigint NOT NULL,
    PRIMARY KEY (size, first)
);
";

/// Presence of each server: number of players, some names, unnamed sessions, and whether someone is subscribed to
/// the tape.
const VERSION_4: &str = "
CREATE UNLOGGED TABLE company (
    casino text PRIMARY KEY,
    until timestamptz NOT NULL,
    watches boolean NOT NULL,
    players bigint NOT NULL,
    unnamed bigint NOT NULL,
    names text[] NOT NULL
);
";

/// Rate limits and session counts on all servers together.
///
/// The answers get an index on one combined key: with two columns, plans made for a small table would use the
/// account alone.
const VERSION_5: &str = "
ALTER TABLE accounts
    ADD COLUMN allowance bigint NOT NULL DEFAULT 9223372036854775807,
    ADD COLUMN allowance_at_unix_ms bigint NOT NULL DEFAULT 0;
CREATE UNLOGGED TABLE seats (
    player text COLLATE \"C\" NOT NULL,
    casino text NOT NULL,
    seats integer NOT NULL CHECK (seats >= 1),
    PRIMARY KEY (player, casino)
);
ALTER TABLE receipts DROP CONSTRAINT receipts_pkey;
ALTER TABLE receipts ADD PRIMARY KEY USING INDEX receipts_by_number;
CREATE UNIQUE INDEX receipts_by_id ON receipts ((int8send(account) || id));
";

pub(super) fn newest() -> usize {
    MIGRATIONS.len()
}

/// Checks that the schema exists in the newest version.
pub(super) async fn check(client: &Client) -> Result<(), DatabaseError> {
    let found = found(client).await.map_err(DatabaseError::Tables)?;
    let newest = newest();
    match found {
        None => Err(DatabaseError::NoLedger),
        Some(found) if found < newest => Err(DatabaseError::Older { found, newest }),
        Some(found) if found > newest => Err(DatabaseError::Newer { found, newest }),
        Some(_) => Ok(()),
    }
}

async fn found(client: &Client) -> Result<Option<usize>, PgError> {
    let is_there = "SELECT to_regclass('awesomestock.format') IS NOT NULL";
    let is_there: bool = with_timeout(client.query_one(is_there, &[])).await?.try_get(0)?;
    if !is_there {
        return Ok(None);
    }
    let row = with_timeout(client.query_one("SELECT max(version) FROM format", &[])).await?;
    let version: Option<i32> = row.try_get(0)?;
    Ok(version.map(|version| usize::try_from(version).unwrap_or(usize::MAX)))
}

/// Migrates to the newest version atomically. Returns the version found; a newer one is left unchanged.
pub(super) async fn migrate(client: &Client) -> Result<usize, PgError> {
    // No client timeout: other servers may be starting too.
    client.batch_execute(BEGIN).await?;
    let row = with_timeout(client.query_one("SELECT max(version) FROM format", &[])).await?;
    let version: Option<i32> = row.try_get(0)?;
    let version = usize::try_from(version.unwrap_or(0)).unwrap_or(usize::MAX);
    if version < newest() {
        for migration in MIGRATIONS.iter().skip(version) {
            with_timeout(client.batch_execute(migration)).await?;
        }
        let number = i32::try_from(newest()).unwrap_or(i32::MAX);
        let note = format!("DELETE FROM format; INSERT INTO format VALUES ({number})");
        with_timeout(client.batch_execute(&note)).await?;
    }
    with_timeout(client.batch_execute("COMMIT")).await?;
    Ok(version.max(newest()))
}
