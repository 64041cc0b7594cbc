//! Opens a ledger in PostgreSQL, shared with other casinos.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{Cluster, OpenLedger, new_market, random};
use crate::config::clock::Clock;
use crate::config::options::Options;
use crate::config::store_url::postgres::DatabaseUrl;
use crate::domain::money::Dollars;
use crate::feed::accounts::{self, AccountFeed};
use crate::feed::lobby::{self, FeedHub};
use crate::grpc::auth;
use crate::grpc::claims::ClaimCache;
use crate::grpc::session::limit::{ClusterSessionLimit, SessionLimit};
use crate::ledger::{Ledger, MarketState};
use crate::server::OpenError;
use crate::server::feeds::Feeds;
use crate::store::cluster::ClusterStore;
use crate::store::postgres;
use crate::store::reader::StoreReader;

/// Time limit for notifying the other casinos of a shutdown.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// What is exchanged through a store that casinos share.
#[derive(Debug)]
struct StoreCluster<S> {
    store: Arc<S>,
    accounts: AccountFeed,
    sessions: ClusterSessionLimit,
}

#[tonic::async_trait]
impl<S: ClusterStore> Cluster for StoreCluster<S> {
    async fn run(&mut self, lobby: &FeedHub, claims: &ClaimCache, reader: &StoreReader) -> Infallible {
        tokio::select! {
            never = auth::follow(claims, reader, self.store.notifications()) => never,
            never = lobby::cluster::exchange(lobby, &self.accounts, &*self.store) => never,
            never = accounts::follow(&self.accounts, self.store.notifications()) => never,
            never = self.sessions.run(&*self.store) => never,
        }
    }

    async fn leave(&self) {
        let left = timeout(LEAVE_TIMEOUT, self.store.leave()).await;
        if !matches!(left, Ok(Ok(()))) {
            tracing::debug!("cannot announce the shutdown to other casinos");
        }
    }
}

pub(in crate::server) async fn open_cluster(
    options: &Options,
    database: &DatabaseUrl,
    stake: Option<Dollars>,
    clock: Clock,
) -> Result<OpenLedger, OpenError> {
    let new_market = new_market(options, &clock)?;
    // A random ID is unique without coordination.
    let id = format!("{:016x}", random()?);
    let opened = postgres::open(database, &id, new_market, options.seed, options.model).await;
    let (store, reads, market) =
        opened.map_err(|error| OpenError::Ledger(options.store.clone(), Box::new(error)))?;
    let store = Arc::new(store);
    let (sessions, cluster_sessions) = SessionLimit::clustered(options.limits.sessions_per_player);
    let round = store.round().await;
    let round = round.map_err(|error| OpenError::Ledger(options.store.clone(), Box::new(error)))?;
    let round = Arc::new(round);
    let feeds = Feeds::new(market, Arc::clone(&round), options.tick);
    let observer = Box::new(feeds.clone());
    let state = MarketState {
        market,
        round,
        stake,
        rate: options.limits.actions_per_second,
    };
    let ledger = Ledger::spawn_cluster(Arc::clone(&store), state, options.tick, observer, clock.clone());
    Ok(OpenLedger {
        ledger,
        reader: StoreReader::new(Arc::new(reads)),
        clock,
        sessions,
        cluster: Some(Box::new(StoreCluster {
            store,
            accounts: feeds.accounts.clone(),
            sessions: cluster_sessions,
        })),
        feeds,
    })
}
