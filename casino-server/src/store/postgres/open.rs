//! Opening a database as a ledger: its tables, and the market in it.

use tokio_postgres::Client;

use super::{
    company::{PostgresCompany, PostgresRanks},
    connect::{Sessions, in_time},
    failure::Fault,
    market::PostgresMarket,
    migrations::{migrate, newest},
    reads::PostgresReads,
    rows,
    seats::PostgresSeats,
    tls::TlsError,
    transact::PostgresStore,
};
use crate::{address::Database, market::Market};

/// Why a database was not opened as a ledger.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// Nobody's certificate could be believed.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The database cannot be reached, or does not let us in.
    #[error("it cannot be reached")]
    Unreachable(#[source] Fault),
    /// The tables could not be made or brought to the newest version.
    #[error("its tables cannot be made")]
    Tables(#[source] Fault),
    /// Tables that a newer build has written.
    #[error("its tables have version {found}, newer than {newest}, the newest that this casino knows")]
    Newer {
        /// Their version.
        found: usize,
        /// The newest version known.
        newest: usize,
    },
    /// Tables that only an older build writes.
    #[error(
        "its tables have version {found}: a casino that is started on it brings them to version {newest}"
    )]
    Older {
        /// Their version.
        found: usize,
        /// The newest version known.
        newest: usize,
    },
    /// A database without our tables.
    #[error("there is no ledger in it")]
    NoLedger,
    /// Something in it could not be read, or is not what such a ledger can hold.
    #[error("it cannot be read")]
    Read(#[source] Fault),
    /// Something in it could not be written.
    #[error("it cannot be written")]
    Write(#[source] Fault),
    /// The market could not be read or made.
    #[error("its market cannot be read")]
    Market(#[source] Fault),
    /// Another seed or model than that of the casinos that play on it.
    #[error(
        "its market is {model} with seed {seed}, and casinos that share a ledger share its market: leave --seed and \
         --market out"
    )]
    OtherMarket {
        /// The model it has.
        model: &'static str,
        /// The seed it has.
        seed: u64,
    },
}

/// An open database.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The writer of batches.
    pub(crate) store: PostgresStore,
    /// The readers.
    pub(crate) reads: PostgresReads,
    /// The way to the market's leader and its ticks.
    pub(crate) prices: PostgresMarket,
    /// The way to the other casinos' company.
    pub(crate) company: PostgresCompany,
    /// The way to the seats at all casinos.
    pub(crate) seats: PostgresSeats,
    /// The way to who owns most.
    pub(crate) ranks: PostgresRanks,
    /// The market as it is.
    pub(crate) market: Market,
}

/// Opens `database` as a ledger for the casino called `casino`, as nobody else is. A new one gets the market `fresh`;
/// `seed` is the one that was asked for.
///
/// # Errors
///
/// [`DatabaseError`].
pub(crate) async fn open(
    database: &Database,
    casino: &str,
    (fresh, seed): (Market, Option<u64>),
) -> Result<Opened, DatabaseError> {
    let sessions = Sessions::new(database)?;
    let client = sessions.open().await.map_err(DatabaseError::Unreachable)?;
    let version = migrate(&client).await.map_err(DatabaseError::Tables)?;
    if version > newest() {
        return Err(DatabaseError::Newer {
            found: version,
            newest: newest(),
        });
    }
    let market = take_up(&client, fresh).await.map_err(DatabaseError::Market)?;
    if market.model != fresh.model || seed.is_some_and(|seed| seed != market.seed) {
        return Err(DatabaseError::OtherMarket {
            model: market.model.name(),
            seed: market.seed,
        });
    }
    Ok(Opened {
        store: PostgresStore::new(sessions.clone(), casino.to_owned()),
        reads: PostgresReads::new(sessions.clone()),
        company: PostgresCompany::new(sessions.clone(), casino.to_owned()),
        seats: PostgresSeats::new(sessions.clone(), casino.to_owned()),
        ranks: PostgresRanks::new(sessions.clone()),
        prices: PostgresMarket::new(sessions, casino.to_owned()),
        market,
    })
}

/// Forgets the transactions of casinos that are gone, and gives the market that is there; `fresh`, if there was none. Of several casinos that open a new one, the first decides.
async fn take_up(client: &Client, fresh: Market) -> Result<Market, Fault> {
    let forget = "DELETE FROM batches WHERE at < now() - interval '1 day'";
    in_time(client.execute(forget, &[])).await?;
    let insert = "WITH made AS (
            INSERT INTO market (id, model, seed) VALUES (1, $1, $2) ON CONFLICT DO NOTHING RETURNING id
        ) INSERT INTO ticks SELECT $3, $4, $5 FROM made";
    let tick = fresh.current;
    in_time(client.execute(
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
    rows::market(&in_time(client.query_one(select, &[])).await?)
}
