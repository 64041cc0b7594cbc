//! Opens, runs and closes a casino.

pub(crate) mod bots;
pub(crate) mod feeds;
pub(crate) mod metrics;
mod open;
pub(crate) mod operator;
#[cfg(test)]
mod tests;
pub(crate) mod ticker;
pub(crate) mod workers;

use std::convert::Infallible;
use std::error::Error;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::{future, io};

use awesomestock_proto::auth::SharedSecret;
use awesomestock_proto::casino::FILE_DESCRIPTOR_SET;
use awesomestock_proto::framed::casino_server::{CasinoServer, SERVICE_NAME};
use awesomestock_proto::server::{self, ConnectionLimiter, ServedService};
use awesomestock_proto::tls::ServerTls;
use awesomestock_proto::transport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::Connected;

#[cfg(feature = "postgres")]
use self::open::open_cluster;
pub(crate) use self::open::open_file;
use self::open::{OpenLedger, open_single};
use crate::config::environment::Environment;
use crate::config::options::{self, OptionError, Options};
use crate::config::payments_endpoint::PaymentsEndpoint;
use crate::config::store_url::StoreUrl;
use crate::domain::money::{Dollars, Price};
use crate::domain::player::LegacyNames;
use crate::feed::price::relay::StallTimeout;
use crate::grpc::account_reader::AccountReader;
use crate::grpc::auth::Auth;
use crate::grpc::claims::ClaimCache;
use crate::grpc::operator::OperatorService;
use crate::grpc::payments_client::PaymentsClient;
use crate::grpc::service::CasinoService;
use crate::ledger::{LedgerFailure, LedgerHandle};
use crate::server::bots::Bots;
use crate::server::feeds::Feeds;
use crate::server::metrics::Metrics;
use crate::server::workers::Workers;
use crate::store::StoreError;

/// Why a casino could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An option is out of bounds.
    #[error(transparent)]
    Options(#[from] OptionError),
    /// Another process has the ledger open.
    #[error("the ledger {} is in use by another casino: stop it first", .0.display())]
    InUse(PathBuf),
    /// The ledger is unreadable, not a casino's, of a newer version, or unreachable. It is unchanged.
    #[error("the ledger {0} cannot be opened")]
    Ledger(StoreUrl, #[source] Box<dyn Error + Send + Sync>),
    /// The system's random number generator failed.
    #[error("the system's random number generator failed")]
    Seed(#[source] Box<dyn Error + Send + Sync>),
    /// The ledger's thread cannot be started.
    #[error("cannot start the ledger's thread")]
    Thread(#[source] io::Error),
}

/// Why a casino stopped without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The transport failed.
    #[error(transparent)]
    Serving(#[from] server::ServeError),
    /// A worker thread cannot be started.
    #[error("cannot start a worker thread")]
    Worker(#[from] io::Error),
    /// The ledger failed. All answered actions are committed.
    #[error(transparent)]
    Ledger(#[from] LedgerFailure),
}

/// An open casino with its ledger loaded and locked. Dropping it closes the ledger.
#[derive(Debug)]
pub struct Casino {
    opened: OpenLedger,
    bots: Bots,
    payments: PaymentsClient,
    connections: ConnectionLimiter,
    stall_timeout: StallTimeout,
    claims: Arc<ClaimCache>,
    names: LegacyNames,
    key_required: bool,
    stake: Option<Dollars>,
}

impl Casino {
    /// Opens or creates the ledger. The payments server does not have to be running.
    /// Fails if an option is out of bounds, or the ledger is in use, unreadable, not a casino's or of a newer version.
    pub async fn open(options: Options, payments: impl Into<PaymentsEndpoint>) -> Result<Self, OpenError> {
        Self::open_with(Environment::default(), options, payments).await
    }

    /// Opens a casino as [`Casino::open`] does, with another clock and disk.
    pub async fn open_with(
        environment: Environment,
        options: Options,
        payments: impl Into<PaymentsEndpoint>,
    ) -> Result<Self, OpenError> {
        let stake = options::validate_stake(options.stake)?;
        options.opening_price()?;
        options::validate_tick(options.tick)?;
        let bots = options::validate_bots(options.bots)?;
        let (key_required, limits) = (options.require_key, options.limits);
        let address = options.store.clone();
        let failed = |error: StoreError| OpenError::Ledger(address.clone(), Box::new(error));
        let opened = match &address {
            StoreUrl::Sqlite(path) => open_single(path.clone(), options, stake, environment).await?,
            #[cfg(feature = "postgres")]
            StoreUrl::Postgres(database) => {
                open_cluster(&options, database, stake, environment.clock).await?
            }
            #[cfg(not(feature = "postgres"))]
            StoreUrl::Postgres(never) => match *never {},
        };
        let names = opened.reader.read_page(|reads| reads.names_beyond_ascii()).await;
        let names = LegacyNames::from_stored(names.map_err(failed)?);
        let bots = Bots::load(bots, &opened.reader, &opened.feeds.lobby).await;
        Ok(Self {
            bots: bots.map_err(failed)?,
            payments: PaymentsClient::new(payments.into()),
            opened,
            connections: ConnectionLimiter::new(limits.connections),
            stall_timeout: StallTimeout(limits.connections.stall),
            claims: Arc::default(),
            names,
            key_required,
            stake,
        })
    }

    /// Returns a handle to the metrics.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics::new(
            self.ledger(),
            self.opened.feeds.prices.clone(),
            self.connections.clone(),
        )
    }

    /// Returns the operator service, for callers with `secret`.
    #[must_use]
    pub fn operator(&self, secret: SharedSecret) -> OperatorService {
        OperatorService {
            secret,
            ledger: self.ledger(),
            reader: self.opened.reader.clone(),
            rounds: self.opened.feeds.rounds.clone(),
            prices: self.opened.feeds.prices.clone(),
            stake: self.stake,
            clock: self.opened.clock.clone(),
        }
    }

    /// Serves `incoming` until `shutdown`; then ends the open streams, commits the open batch and closes the ledger.
    /// Fails if the transport or the ledger fails.
    pub async fn serve<I, IO>(self, incoming: I, shutdown: CancellationToken) -> Result<(), ServeError>
    where
        I: Stream<Item = io::Result<IO>>,
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let stop = shutdown.child_token();
        let service = self.worker_service(None, stop.clone());
        self.run(service.serve(incoming), stop).await
    }

    /// Serves on `workers` as [`Casino::serve`] does, with TLS if `tls` is given.
    /// Fails if a worker cannot be started, or the transport or the ledger fails.
    pub async fn serve_on(
        self,
        workers: Workers,
        listener: TcpListener,
        tls: Option<ServerTls>,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let stop = shutdown.child_token();
        let pool = workers.spawn(&stop, || self.worker_service(tls.clone(), stop.clone()))?;
        self.run(pool.serve(listener, stop.clone()), stop).await
    }

    pub(crate) fn ledger(&self) -> LedgerHandle {
        self.opened.ledger.handle()
    }

    pub(crate) fn price(&self) -> Price {
        self.opened.feeds.prices.current().price
    }

    fn worker_service(&self, tls: Option<ServerTls>, stop: CancellationToken) -> WorkerService {
        let (opened, feeds) = (&self.opened, self.opened.feeds.clone());
        let ledger = self.ledger();
        let auth = Auth {
            claims: Arc::clone(&self.claims),
            reader: opened.reader.clone(),
            ledger: ledger.clone(),
            names: self.names.clone(),
            key_required: self.key_required,
            sessions: Arc::clone(&opened.sessions),
        };
        let service = CasinoService {
            auth: Arc::new(auth),
            ledger,
            accounts: AccountReader {
                reader: opened.reader.clone(),
                rounds: feeds.rounds,
                stake: self.stake,
            },
            relay: feeds.prices.subscribe(self.stall_timeout),
            payments: self.payments.clone(),
            subscribers: feeds.lobby.subscriber_group(),
            lobby: feeds.lobby,
            account_feed: feeds.accounts,
            shutdown: stop,
        };
        WorkerService {
            service: Arc::new(service),
            connections: self.connections.clone(),
            tls,
        }
    }

    /// Runs the market, the feeds and the bots during `serving`, then closes the ledger. A ledger failure cancels `stop`.
    async fn run(
        self,
        serving: impl Future<Output = Result<(), server::ServeError>>,
        stop: CancellationToken,
    ) -> Result<(), ServeError> {
        let Self { bots, claims, .. } = self;
        let OpenLedger {
            mut ledger,
            reader,
            feeds,
            clock,
            mut cluster,
            ..
        } = self.opened;
        let Feeds {
            prices,
            lobby,
            rounds,
            ..
        } = &feeds;
        let handle = ledger.handle();
        let (send_tick, ticks) = bots::tick_queue();
        let market = async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = ticker::run_ticker(&handle, prices.ticks(), send_tick) => {}
                () = bots.run(ticks, &handle, rounds) => {}
                never = handle.run_notifier() => match never {},
                never = lobby.run() => match never {},
                never = lobby.load_ranking(&reader) => match never {},
                never = rounds.run(lobby, &reader, &clock) => match never {},
            }
            // A stopped market does not end the serving.
            future::pending::<Infallible>().await
        };
        let (served, failed) = {
            let mut serving = pin!(serving);
            // Runs until the serving ends: open `authorize` calls wait for it.
            let clustered = async {
                match &mut cluster {
                    Some(cluster) => cluster.run(lobby, &claims, &reader).await,
                    None => future::pending().await,
                }
            };
            tokio::select! {
                served = &mut serving => (served, None),
                failure = ledger.failed() => {
                    stop.cancel();
                    (serving.await, Some(failure))
                }
                never = market => match never {},
                never = clustered => match never {},
            }
        };
        if let Some(cluster) = &cluster {
            cluster.leave().await;
        }
        // Before the ledger: SQLite checkpoints the file when its last connection, the committer's, closes.
        reader.close();
        match failed {
            Some(failure) => return Err(failure.into()),
            None => ledger.close().await?,
        }
        Ok(served?)
    }
}

/// The gRPC service for the connections of one worker, with the worker's notifiers.
#[derive(Debug)]
pub(crate) struct WorkerService {
    service: Arc<CasinoService>,
    connections: ConnectionLimiter,
    tls: Option<ServerTls>,
}

impl WorkerService {
    /// Serves `incoming` in this runtime until the service is shut down.
    pub(crate) async fn serve<I, IO>(self, incoming: I) -> Result<(), server::ServeError>
    where
        I: Stream<Item = io::Result<IO>>,
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let Self {
            service,
            connections,
            tls,
        } = self;
        let stop = &service.shutdown;
        let served = ServedService {
            name: SERVICE_NAME,
            descriptors: FILE_DESCRIPTOR_SET,
        };
        let casino = CasinoServer::from_arc(Arc::clone(&service));
        let routes = Routes::new(casino.max_decoding_message_size(transport::MAX_REQUEST_BYTES));
        let serving = server::serve(served, routes, incoming, &connections, tls.as_ref(), stop.clone());
        tokio::select! {
            served = serving => served,
            never = service.ledger.run_notifier() => match never {},
            never = service.relay.run(stop) => match never {},
            never = service.subscribers.run() => match never {},
        }
    }
}
