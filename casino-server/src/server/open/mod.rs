//! Opens a ledger: a SQLite file, or a PostgreSQL database shared with other casinos.

#[cfg(feature = "postgres")]
mod cluster;

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::TryRng;
use rand::rngs::SysRng;
use tokio::task;

#[cfg(feature = "postgres")]
pub(super) use self::cluster::open_cluster;
use super::OpenError;
use crate::config::clock::Clock;
use crate::config::environment::Environment;
use crate::config::options::Options;
use crate::config::store_url::StoreUrl;
use crate::domain::market::Market;
use crate::domain::money::Dollars;
use crate::feed::lobby::FeedHub;
use crate::grpc::claims::ClaimCache;
use crate::grpc::session::limit::SessionLimit;
use crate::ledger::{Ledger, MarketState};
use crate::server::feeds::Feeds;
use crate::store::reader::StoreReader;
use crate::store::sqlite::{self, FileError, SqliteReads};
use crate::store::{Damage, OverlayReads, RecoveredWal, StoreError, WalStore, recover};

/// A running ledger with its feeds.
#[derive(Debug)]
pub(super) struct OpenLedger {
    pub(super) ledger: Ledger,
    pub(super) reader: StoreReader,
    pub(super) feeds: Feeds,
    pub(super) clock: Clock,
    pub(super) sessions: Arc<SessionLimit>,
    pub(super) cluster: Option<Box<dyn Cluster>>,
}

/// Exchanges data with the casinos that share the ledger.
#[tonic::async_trait]
pub(super) trait Cluster: fmt::Debug + Send + Sync {
    /// Exchanges name claims, feeds and session counts.
    async fn run(&mut self, lobby: &FeedHub, claims: &ClaimCache, reader: &StoreReader) -> Infallible;

    /// Announces the shutdown. If that fails, the entry of this casino expires.
    async fn leave(&self);
}

pub(super) async fn open_single(
    path: PathBuf,
    options: Options,
    stake: Option<Dollars>,
    environment: Environment,
) -> Result<OpenLedger, OpenError> {
    let failed = failed(&path);
    let sessions = SessionLimit::new(options.limits.sessions_per_player);
    let rate = options.limits.actions_per_second;
    let (clock, tick_interval) = (environment.clock.clone(), options.tick);
    let file = task::spawn_blocking(move || open_sqlite(&path, &options, &environment)).await;
    let (store, reads, market) = file.map_err(|error| failed(Box::new(error)))??;
    let reader = StoreReader::new(Arc::new(reads));
    let round = Arc::new(store.start.round.clone());
    let feeds = Feeds::new(market, Arc::clone(&round), tick_interval);
    let observer = Box::new(feeds.clone());
    let state = MarketState {
        market,
        round,
        stake,
        rate,
    };
    let ledger = Ledger::spawn_local(Box::new(store), reader.clone(), state, observer, clock.clone());
    Ok(OpenLedger {
        ledger: ledger.map_err(OpenError::Thread)?,
        reader,
        feeds,
        clock,
        sessions,
        cluster: None,
    })
}

/// Opens or creates the SQLite ledger at `path` and recovers its commit log.
pub(crate) fn open_file(
    path: &Path,
    environment: &Environment,
    damage: Damage,
) -> Result<(sqlite::SqliteLedger, RecoveredWal), OpenError> {
    let mut file = sqlite::open(path).map_err(|error| match error {
        FileError::InUse => OpenError::InUse(path.to_owned()),
        error => failed(path)(Box::new(error)),
    })?;
    let recovered = recover(&file.path, &mut file.store, environment, damage);
    let recovered = recovered.map_err(|error| failed(path)(Box::new(error)))?;
    Ok((file, recovered))
}

fn failed(path: &Path) -> impl Fn(Box<dyn Error + Send + Sync>) -> OpenError + use<> {
    let store = StoreUrl::Sqlite(path.to_owned());
    move |cause| OpenError::Ledger(store.clone(), cause)
}

/// Opens the ledger and continues its market, or creates a new one.
fn open_sqlite(
    path: &Path,
    options: &Options,
    environment: &Environment,
) -> Result<(WalStore, OverlayReads<SqliteReads>, Market), OpenError> {
    let (mut file, recovered) = open_file(path, environment, Damage::Refuse)?;
    let store_failed = |error: StoreError| failed(path)(Box::new(error));
    let stored = file.store.load_market().map_err(store_failed)?;
    let market = match stored {
        Some(stored) => Market {
            model: options.model.unwrap_or(stored.model),
            seed: options.seed.unwrap_or(stored.seed),
            current: stored.current,
        },
        None => new_market(options, &environment.clock)?,
    };
    if stored != Some(market) {
        file.store.set_market(&market).map_err(store_failed)?;
    }
    let (store, reads) = WalStore::start(recovered, file.store, file.reads).map_err(store_failed)?;
    Ok((store, reads, market))
}

fn new_market(options: &Options, clock: &Clock) -> Result<Market, OpenError> {
    let seed = options.seed.map_or_else(random, Ok)?;
    Ok(Market::new(
        options.model.unwrap_or_default(),
        seed,
        options.opening_price()?,
        clock.now(),
    ))
}

fn random() -> Result<u64, OpenError> {
    SysRng
        .try_next_u64()
        .map_err(|error| OpenError::Seed(Box::new(error)))
}
