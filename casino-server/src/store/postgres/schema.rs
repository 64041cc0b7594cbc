//! The schema and its migrations. Released migrations never change; add new ones at the end.

use tokio_postgres::Client;

use super::connection::with_timeout;
use super::error::PgError;
use crate::store::postgres::DatabaseError;

const MIGRATIONS: [&str; 7] = [
    include_str!("../../../migrations/postgres/1.sql"),
    include_str!("../../../migrations/postgres/2.sql"),
    include_str!("../../../migrations/postgres/3.sql"),
    include_str!("../../../migrations/postgres/4.sql"),
    include_str!("../../../migrations/postgres/5.sql"),
    include_str!("../../../migrations/postgres/6.sql"),
    include_str!("../../../migrations/postgres/7.sql"),
];

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
    version(client).await
}

async fn version(client: &Client) -> Result<Option<usize>, PgError> {
    let row = with_timeout(client.query_one("SELECT max(version) FROM format", &[])).await?;
    let version: Option<i32> = row.try_get(0)?;
    Ok(version.map(|version| usize::try_from(version).unwrap_or(usize::MAX)))
}

/// Migrates to the newest version atomically. Returns the version found; a newer one is left unchanged.
pub(super) async fn migrate(client: &Client) -> Result<usize, PgError> {
    // No client timeout: other servers may be starting too.
    client.batch_execute(BEGIN).await?;
    let version = version(client).await?.unwrap_or(0);
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
