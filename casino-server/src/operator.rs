//! What the one who runs a casino does to its ledger.
//!
//! Owns the order of things: the ledger has to be there; of a file, the lock that a running casino holds is taken first,
//! so the casino has to be stopped. Casinos that share a database may play on: they are told of it there.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    address::{Address, Database},
    casino::{OpenError, open_file},
    identity::{NameError, PlayerName},
    store::{Backing, StoreError, postgres},
    surroundings::Surroundings,
    upkeep,
};

/// What became of a name that was to be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// It is nobody's now; the next key that is shown for it claims it.
    Released,
    /// It was nobody's.
    Unclaimed,
}

/// Why a name could not be released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// It is no name.
    #[error(transparent)]
    Name(#[from] BadName),
    /// There is no ledger.
    #[error("there is no ledger {path}", path = path.display())]
    NoLedger {
        /// Where there is none.
        path: PathBuf,
    },
    /// The system gives nothing to wait for a database with.
    #[error("a database cannot be waited for")]
    Waiting(#[source] io::Error),
    /// The ledger cannot be opened. While the casino runs it is in use: stop the casino first.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be written.
    #[error("the ledger {address} cannot be written")]
    Write {
        /// The ledger.
        address: Address,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A text that is no name of a player.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BadName(NameError);

/// Frees the name of a player who has lost its key, in the ledger at `store`. What the player owns stays. Not to be called
/// where others wait for the thread.
///
/// # Errors
///
/// When `name` is none, or the ledger is not there, in use, or cannot be opened or written.
pub fn release(store: &Address, name: &str) -> Result<Release, ReleaseError> {
    let player = PlayerName::new(name).map_err(BadName)?;
    let released = match store {
        Address::Sqlite(path) => release_in_file(path, &player)?,
        Address::Postgres(database) => release_in_database(database, &player)?,
    };
    Ok(if released {
        Release::Released
    } else {
        Release::Unclaimed
    })
}

fn release_in_file(store: &Path, player: &PlayerName) -> Result<bool, ReleaseError> {
    if !store.exists() {
        return Err(ReleaseError::NoLedger {
            path: store.to_owned(),
        });
    }
    let (mut opened, _log) = open_file(store, &Surroundings::default())?;
    let failed = |error: StoreError| ReleaseError::Write {
        address: Address::Sqlite(store.to_owned()),
        source: Box::new(error),
    };
    let released = opened.store.release(player).map_err(failed)?;
    Box::new(opened.store).close().map_err(failed)?;
    Ok(released)
}

fn release_in_database(database: &Database, player: &PlayerName) -> Result<bool, ReleaseError> {
    let runtime = upkeep::waiting().map_err(ReleaseError::Waiting)?;
    let released = runtime.block_on(postgres::release(database, player));
    released.map_err(|error| ReleaseError::Write {
        address: Address::Postgres(database.clone()),
        source: Box::new(error),
    })
}
