//! The ledger in PostgreSQL, shared by several servers.
//!
//! The transaction that writes a batch also reads and locks the accounts that it depends on.

mod candles;
mod check;
mod cluster;
mod connection;
mod error;
mod read;
mod rows;
mod schema;
mod statements;
mod transaction;

use tokio_postgres::{Client, SimpleQueryMessage};

pub(crate) use self::check::check_database;
pub(crate) use self::cluster::PostgresCluster;
use self::connection::tls::TlsError;
use self::connection::{ConnectionFactory, with_timeout};
use self::error::PgError;
pub(crate) use self::read::PostgresReads;
use self::schema::{migrate, newest};
use crate::config::store_url::postgres::DatabaseUrl;
use crate::domain::market::{Market, PriceModel};
use crate::domain::player::PlayerName;

/// Why a database cannot be opened as a ledger.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("it cannot be reached")]
    Unreachable(#[source] PgError),
    /// Statements of one connection run in several sessions of the server.
    #[error(
        "its address is a connection pooler in transaction or statement mode, such as pgbouncer, but a casino needs \
         its own sessions: use pool_mode=session, or the address of PostgreSQL"
    )]
    Pooled,
    #[error("its tables cannot be made")]
    Tables(#[source] PgError),
    #[error("its tables have version {found}, newer than {newest}, the newest that this casino knows")]
    Newer { found: usize, newest: usize },
    #[error(
        "its tables have version {found}: a casino that is started on it brings them to version {newest}"
    )]
    Older { found: usize, newest: usize },
    #[error("there is no ledger in it")]
    NoLedger,
    #[error("it cannot be read")]
    Read(#[source] PgError),
    #[error("it cannot be written")]
    Write(#[source] PgError),
    #[error("its market cannot be read")]
    Market(#[source] PgError),
    /// The cluster uses another seed or model.
    #[error(
        "its market is {model} with seed {seed}, and casinos that share a ledger share its market: leave --seed and \
         --market out"
    )]
    OtherMarket { model: &'static str, seed: u64 },
}

/// Opens `database` for the server named `casino`, which must be unique. Creates a new ledger with the market
/// `fresh`; `seed` and `model` are the configured ones, if any. Returns the market of the ledger.
pub(crate) async fn open(
    database: &DatabaseUrl,
    casino: &str,
    fresh: Market,
    seed: Option<u64>,
    model: Option<PriceModel>,
) -> Result<(PostgresCluster, PostgresReads, Market), DatabaseError> {
    let connections = ConnectionFactory::new(database)?;
    let client = connections.open().await.map_err(DatabaseError::Unreachable)?;
    check_sessions(&connections, &client).await?;
    let version = migrate(&client).await.map_err(DatabaseError::Tables)?;
    if version > newest() {
        return Err(DatabaseError::Newer {
            found: version,
            newest: newest(),
        });
    }
    let market = load_market(&client, fresh).await.map_err(DatabaseError::Market)?;
    if model.is_some_and(|model| model != market.model) || seed.is_some_and(|seed| seed != market.seed) {
        return Err(DatabaseError::OtherMarket {
            model: market.model.name(),
            seed: market.seed,
        });
    }
    let cluster = PostgresCluster::new(&connections, casino);
    Ok((cluster, PostgresReads::new(connections), market))
}

/// Checks that `client` has a session of its own, as LISTEN and prepared statements require. A pooler gives the session
/// of `client` to the next transaction of `other`, or a new one to `client`.
async fn check_sessions(connections: &ConnectionFactory, client: &Client) -> Result<(), DatabaseError> {
    let unreachable = DatabaseError::Unreachable;
    let before = backend_pid(client).await.map_err(unreachable)?;
    let other = connections.open().await.map_err(unreachable)?;
    with_timeout(other.batch_execute("BEGIN"))
        .await
        .map_err(|error| match error.is_from_pooler() {
            true => DatabaseError::Pooled,
            false => unreachable(error),
        })?;
    let of_other = backend_pid(&other).await.map_err(unreachable)?;
    match backend_pid(client).await {
        Ok(after) if before == after && before != of_other => Ok(()),
        // A pooler without a free session does not answer.
        Ok(_) | Err(PgError::Timeout(_)) => Err(DatabaseError::Pooled),
        Err(error) => Err(unreachable(error)),
    }
}

/// Returns the process ID of the session's backend. Uses no prepared statement, as a pooler may lose it.
async fn backend_pid(client: &Client) -> Result<Option<String>, PgError> {
    let answer = with_timeout(client.simple_query("SELECT pg_backend_pid()")).await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// Deletes old transaction markers and returns the stored market, or `fresh` in a new ledger.
async fn load_market(client: &Client, fresh: Market) -> Result<Market, PgError> {
    let forget = "DELETE FROM batches WHERE at < now() - interval '1 day'";
    with_timeout(client.execute(forget, &[])).await?;
    let insert = "WITH made AS (
            INSERT INTO market (id, model, seed) VALUES (1, $1, $2) ON CONFLICT DO NOTHING RETURNING id
        ) INSERT INTO ticks SELECT $3, $4, $5 FROM made";
    let tick = fresh.current;
    with_timeout(client.execute(
        insert,
        &[
            &fresh.model.name(),
            &fresh.seed.cast_signed(),
            &tick.number,
            &tick.price.get(),
            &tick.at.0,
        ],
    ))
    .await?;
    let select =
        "SELECT number, price, at_unix_ms, model, seed FROM ticks, market ORDER BY number DESC LIMIT 1";
    rows::market(&with_timeout(client.query_one(select, &[])).await?)
}

/// Releases the claim on the name of `player` and notifies running casinos; returns whether there was a claim.
///
/// # Errors
///
/// When the database cannot be reached or written, or is of another version.
pub(crate) async fn release(database: &DatabaseUrl, player: &PlayerName) -> Result<bool, DatabaseError> {
    let client = open_existing(database).await?;
    let sql = "DELETE FROM claims WHERE name = $1 RETURNING pg_notify('awesomestock_claims', name)";
    let released = with_timeout(client.execute(sql, &[&player.as_str()])).await;
    Ok(released.map_err(DatabaseError::Write)? > 0)
}

/// Connects to an existing ledger. Fails if its schema has another version.
async fn open_existing(database: &DatabaseUrl) -> Result<Client, DatabaseError> {
    let connections = ConnectionFactory::new(database)?;
    let client = connections.open().await.map_err(DatabaseError::Unreachable)?;
    schema::check(&client).await?;
    Ok(client)
}
