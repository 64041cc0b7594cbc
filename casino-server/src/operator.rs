//! What the one who runs a casino does to its ledger while the casino is stopped.
//!
//! Owns the order of things: the ledger has to be there, and the lock that a running casino holds is taken first.

use std::path::PathBuf;

use crate::{
    address::Address,
    casino::{OpenError, open_file},
    identity::{NameError, PlayerName},
    store::{Backing, StoreError},
    surroundings::Surroundings,
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
    /// The ledger is in a database, of which nobody knows whether another casino has it open.
    #[error(
        "a name in a shared ledger is released in the database: stop its casinos, then \
         DELETE FROM awesomestock.claims WHERE name = '...'"
    )]
    Shared,
    /// The ledger cannot be opened. While the casino runs it is in use: stop the casino first.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be written.
    #[error("the ledger {path} cannot be written", path = path.display())]
    Write {
        /// The ledger.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A text that is no name of a player.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BadName(NameError);

/// Frees the name of a player who has lost its key, in the ledger at `store`. What the player owns stays.
///
/// # Errors
///
/// When `name` is none, or the ledger is not there, in use, or cannot be opened or written.
pub fn release(store: &Address, name: &str) -> Result<Release, ReleaseError> {
    let player = PlayerName::new(name).map_err(BadName)?;
    let Address::Sqlite(store) = store else {
        return Err(ReleaseError::Shared);
    };
    if !store.exists() {
        return Err(ReleaseError::NoLedger { path: store.clone() });
    }
    let (mut opened, _log) = open_file(store, &Surroundings::default())?;
    let failed = |error: StoreError| ReleaseError::Write {
        path: store.clone(),
        source: Box::new(error),
    };
    let released = opened.store.release(&player).map_err(failed)?;
    Box::new(opened.store).close().map_err(failed)?;
    Ok(if released {
        Release::Released
    } else {
        Release::Unclaimed
    })
}
