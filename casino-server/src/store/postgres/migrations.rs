//! The tables, version by version.
//!
//! `format` counts the migrations a database has had. A migration that has been released is never changed; the tables
//! change by a new one at the end. Casinos that start at the same moment take turns by an advisory lock.

use tokio_postgres::Client;

use super::{connect::in_time, failure::Fault, open::DatabaseError};

/// What brings a database from version n to n + 1.
const MIGRATIONS: [&str; 5] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5];

/// Takes the turn: the lock falls with the transaction. The number is that of our SQLite files. Who waits does so for longer than a
/// statement may take, but not for ever.
const BEGIN: &str = "
BEGIN;
SET LOCAL statement_timeout = '60s';
SET LOCAL lock_timeout = '60s';
SELECT pg_advisory_xact_lock(1098339188);
CREATE SCHEMA IF NOT EXISTS awesomestock;
CREATE TABLE IF NOT EXISTS format (version integer NOT NULL);
";

/// Accounts, their entries and the claims of names; the market, its leader and its ticks; and the newest transactions of
/// each casino.
///
/// What a column means is said in the tables of the SQLite file, which has the same but for trades: here each is a row,
/// because any casino may write the next. Room is left in each page of accounts, so that a changed account stays in its
/// page. The leader of the market is a casino that moves the price until `leads_until`, unless it says that it goes on;
/// each change of the leader is a new term.
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

/// What requests with ids were answered: a receipt a row, found by its id, and forgotten by its number among those of the
/// account. `accounts.receipts` is the number of the newest. Who files one holds the lock of its account, so nothing else
/// has to see to it that there is one.
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

/// Candles, as in the SQLite file.
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

/// Who is seated at each casino, as it said last: how many players, some of their names, seats without a name, and whether
/// anybody there watches the tape.
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

/// What is bounded for each player at all casinos together: how much they may still ask for, and how many seats each
/// casino says that they have there. Seats are not logged, as who is seated is not: after a crash of the database every
/// casino says it anew.
///
/// And receipts are found by account and id as one key: of two columns, a plan that was made while the table was small
/// takes the first alone, and then reads all that the player has for each id.
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

/// The version this build writes.
pub(super) fn newest() -> usize {
    MIGRATIONS.len()
}

/// Checks that the tables are there, in the newest version; they are left as they are.
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

/// The version of the tables, if there are any.
async fn found(client: &Client) -> Result<Option<usize>, Fault> {
    let is_there = "SELECT to_regclass('awesomestock.format') IS NOT NULL";
    let is_there: bool = in_time(client.query_one(is_there, &[])).await?.try_get(0)?;
    if !is_there {
        return Ok(None);
    }
    let row = in_time(client.query_one("SELECT max(version) FROM format", &[])).await?;
    let version: Option<i32> = row.try_get(0)?;
    Ok(version.map(|version| usize::try_from(version).unwrap_or(usize::MAX)))
}

/// Brings the tables to the newest version, all the way or not at all. Gives the version that is there: one above
/// [`newest`] was left as it is.
pub(super) async fn migrate(client: &Client) -> Result<usize, Fault> {
    // Waits longer than an answer may take: other casinos start too.
    client.batch_execute(BEGIN).await?;
    let row = in_time(client.query_one("SELECT max(version) FROM format", &[])).await?;
    let version: Option<i32> = row.try_get(0)?;
    let version = usize::try_from(version.unwrap_or(0)).unwrap_or(usize::MAX);
    if version < newest() {
        for migration in MIGRATIONS.iter().skip(version) {
            in_time(client.batch_execute(migration)).await?;
        }
        let number = i32::try_from(newest()).unwrap_or(i32::MAX);
        let note = format!("DELETE FROM format; INSERT INTO format VALUES ({number})");
        in_time(client.batch_execute(&note)).await?;
    }
    in_time(client.batch_execute("COMMIT")).await?;
    Ok(version.max(newest()))
}
