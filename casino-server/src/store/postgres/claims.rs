//! Whose names they are: claimed by one casino, or released by who runs them, and told to all.

use tokio_postgres::Client;

use super::{
    connect::{Sessions, in_time},
    failure::Fault,
    migrations,
    open::DatabaseError,
};
use crate::{
    address::Database,
    identity::{Claim, PlayerName},
};

/// Keeps `claim`, unless the name belongs to another key; says whether it belongs to this one.
pub(super) async fn claim(client: &Client, claim: &Claim) -> Result<bool, Fault> {
    let (name, key) = (claim.player.as_str(), claim.key.as_bytes().as_slice());
    in_time(client.execute(CLAIM, &[&name, &key, &claim.at.0])).await?;
    let owner = "SELECT key_sha256 = $2 FROM claims WHERE name = $1";
    let row = in_time(client.query_opt(owner, &[&name, &key])).await?;
    // It may have been released in between.
    row.map_or(Ok(false), |row| Ok(row.try_get(0)?))
}

/// Has the name of `player` in `database` be nobody's, and tells the casinos, if there are any; says whether it was
/// somebody's.
///
/// # Errors
///
/// When the database cannot be reached or written, or is of another version.
pub(crate) async fn release(database: &Database, player: &PlayerName) -> Result<bool, DatabaseError> {
    let sessions = Sessions::new(database)?;
    let client = sessions.open().await.map_err(DatabaseError::Unreachable)?;
    migrations::check(&client).await?;
    let released = async {
        let row = in_time(client.query_one(RELEASE, &[&player.as_str()])).await?;
        let released: i64 = row.try_get(0)?;
        Ok(released > 0)
    };
    let released: Result<bool, Fault> = released.await;
    released.map_err(DatabaseError::Write)
}

const CLAIM: &str = "
WITH claimed AS (
    INSERT INTO claims (name, key_sha256, at_unix_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING name
)
SELECT pg_notify('awesomestock_claims', name) FROM claimed";

const RELEASE: &str = "
WITH released AS (
    DELETE FROM claims WHERE name = $1 RETURNING name
), told AS (
    SELECT pg_notify('awesomestock_claims', name) FROM released
)
SELECT count(*) FROM told";
