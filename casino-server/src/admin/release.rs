//! Release of claimed names, and repair of a damaged commit log.
//!
//! A SQLite ledger is locked first, so its casino must be stopped. Casinos that share a database can keep running: the
//! database notifies them.

use std::path::Path;

use crate::admin::{self, AdminError};
use crate::config::environment::Environment;
use crate::config::store_url::StoreUrl;
use crate::domain::player::PlayerName;
use crate::server::open_file;
use crate::store::sqlite::SqliteLedger;
use crate::store::{Damage, RecoveredWal, Store, StoreError, WalStore, postgres};

/// The outcome of [`release`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// The name is unclaimed now; the next key used with it claims it.
    Released,
    /// The name was not claimed.
    Unclaimed,
}

/// Releases the claim on `name` in the ledger at `store`; the account is kept. Fails if `name` is invalid, or the ledger is
/// missing, in use, or cannot be opened or written. Blocks the thread.
pub fn release(store: &StoreUrl, name: &str) -> Result<ReleaseOutcome, AdminError> {
    let normalized = PlayerName::new(name);
    // The name as written comes first: it may be older than today's rule for names.
    for player in PlayerName::legacy(name)
        .into_iter()
        .chain(normalized.as_ref().ok().cloned())
    {
        let released = match store {
            StoreUrl::Sqlite(path) => release_sqlite(path, &player)?,
            StoreUrl::Postgres(database) => admin::runtime()?
                .block_on(postgres::release(database, &player))
                .map_err(|error| AdminError::Write(store.clone(), Box::new(error)))?,
        };
        if released {
            return Ok(ReleaseOutcome::Released);
        }
    }
    normalized?;
    Ok(ReleaseOutcome::Unclaimed)
}

/// Drops the batches that the damaged commit log of the SQLite ledger at `store` has lost, so that a casino can open it
/// again. Returns false if nothing was lost. Fails if the ledger is missing, in use, or cannot be opened or
/// written. Blocks the thread.
pub fn accept_loss(store: &Path) -> Result<bool, AdminError> {
    let (opened, log) = open_existing(store, Damage::Accept)?;
    let has_lost = log.has_lost;
    close(opened, log).map_err(|error| not_written(store, error))?;
    Ok(has_lost)
}

fn not_written(store: &Path, error: StoreError) -> AdminError {
    AdminError::Write(StoreUrl::Sqlite(store.to_owned()), Box::new(error))
}

/// Applies the log and closes the ledger.
fn close(opened: SqliteLedger, log: RecoveredWal) -> Result<(), StoreError> {
    let (store, _reads) = WalStore::start(log, opened.store, opened.reads)?;
    Box::new(store).close()
}

fn open_existing(store: &Path, damage: Damage) -> Result<(SqliteLedger, RecoveredWal), AdminError> {
    if !store.exists() {
        return Err(AdminError::NoLedger(store.to_owned()));
    }
    Ok(open_file(store, &Environment::default(), damage)?)
}

fn release_sqlite(store: &Path, player: &PlayerName) -> Result<bool, AdminError> {
    let (mut opened, log) = open_existing(store, Damage::Refuse)?;
    let failed = |error| not_written(store, error);
    let released = opened.store.release_claim(player).map_err(failed)?;
    close(opened, log).map_err(failed)?;
    Ok(released)
}
