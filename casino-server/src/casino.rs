//! A casino from its opening to its closing: what is started in which order, and ended in which.

mod opening;

use std::{convert::Infallible, future, io, path::PathBuf, pin::pin, sync::Arc};

use awesomestock_proto::{
    casino::casino_server,
    serving::{self, Connections},
    tls::ServerTls,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::server::Connected};

pub(crate) use self::opening::open_file;
use self::opening::{Opened, Others, open_alone, open_jointly};
use crate::{
    address::Address,
    company::{Company, Gallery},
    front::Front,
    gate::{Gate, Register},
    house::House,
    ledger::{Books, Ledger, LedgerFailure},
    metrics::Metrics,
    options::{self, Options, OutOfBounds},
    reader::Reader,
    service::CasinoService,
    statements::{PaymentsServer, Statements},
    surroundings::Surroundings,
    table::{self, Audience, Patience, Players, Table},
    workers::Workers,
};

/// Why a casino could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An option is out of its bounds.
    #[error(transparent)]
    Options(#[from] OutOfBounds),
    /// Somebody else has the ledger open.
    #[error("the ledger {path} is in use by another casino", path = path.display())]
    InUse {
        /// The ledger.
        path: PathBuf,
    },
    /// The ledger is unreadable, foreign, no database, of a newer version, or cannot be reached. It is as it was.
    #[error("the ledger {address} cannot be opened")]
    Ledger {
        /// The ledger.
        address: Address,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system gave no randomness for a new market's seed.
    #[error("the system gives no randomness for a seed")]
    Seed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The system gave no thread.
    #[error("the ledger's thread cannot be started")]
    Thread(#[source] io::Error),
}

/// Why a casino stopped other than by the word to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The transport failed.
    #[error(transparent)]
    Serving(#[from] serving::ServeError),
    /// The system gave no thread to serve on.
    #[error("a worker cannot be started")]
    Worker(#[from] io::Error),
    /// The ledger failed. What was answered is on disk all the same.
    #[error(transparent)]
    Ledger(#[from] LedgerFailure),
}

/// An open casino: its ledger is loaded and locked.
///
/// Dropped without having been served, it lets go of the ledger by itself.
#[derive(Debug)]
pub struct Casino {
    ledger: Ledger,
    reader: Reader,
    table: Table,
    company: Company,
    house: House,
    statements: Statements,
    connections: Connections,
    patience: Patience,
    players: Arc<Players>,
    register: Arc<Register>,
    others: Option<Others>,
    key_required: bool,
}

impl Casino {
    /// Opens the ledger, or makes a new one. `payments` is the payments server, which need not be up.
    ///
    /// # Errors
    ///
    /// When an option is out of its bounds; when the ledger is in use, unreadable, foreign or of a newer version.
    pub async fn open(options: Options, payments: impl Into<PaymentsServer>) -> Result<Self, OpenError> {
        Self::open_in(Surroundings::default(), options, payments).await
    }

    /// Opens as [`Casino::open`] does, in other surroundings than the machine's.
    ///
    /// # Errors
    ///
    /// As [`Casino::open`], and when the disk fails.
    pub async fn open_in(
        surroundings: Surroundings,
        options: Options,
        payments: impl Into<PaymentsServer>,
    ) -> Result<Self, OpenError> {
        let interval = options::checked_tick(options.tick)?;
        let house = options::checked_house(options.house)?;
        let opening_price = options::checked_initial_price(options.initial_price)?;
        let address = options.store.clone();
        let key_required = options.require_key;
        let limits = options.limits;
        let failed = |source| OpenError::Ledger {
            address: address.clone(),
            source,
        };
        let Opened {
            ledger,
            reader,
            table,
            company,
            players,
            seed,
            others,
        } = match &address {
            Address::Sqlite(path) => {
                open_alone(path.clone(), options, (opening_price, interval), surroundings).await?
            }
            Address::Postgres(database) => {
                open_jointly(&options, database, (opening_price, interval), surroundings.clock).await?
            }
        };
        ledger.set_rate(limits.actions_a_second);
        let house = House::sit_down(house, seed, &reader, &company).await;
        let house = house.map_err(|error| failed(Box::new(error)))?;
        let statements = Statements::new(payments.into(), reader.clone());
        Ok(Self {
            ledger,
            reader,
            table,
            company,
            house,
            statements,
            connections: Connections::new(limits.connections),
            patience: Patience(limits.connections.stall),
            players,
            register: Arc::default(),
            others,
            key_required,
        })
    }

    /// How it is doing, from now on.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics::new(&self.ledger, &self.table, self.connections.clone())
    }

    /// Serves `Casino` on `incoming` until `shutdown`; then ends the open streams, has what is decided committed, and
    /// closes the ledger.
    ///
    /// # Errors
    ///
    /// When the transport or the ledger fails.
    pub async fn serve<I, IO>(self, incoming: I, shutdown: CancellationToken) -> Result<(), ServeError>
    where
        I: Stream<Item = io::Result<IO>>,
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let stop = shutdown.child_token();
        let door = self.door(None, stop.clone());
        self.run(door.serve(incoming), stop).await
    }

    /// Serves as [`Casino::serve`] does, on `workers`, by `tls` if it is given.
    ///
    /// # Errors
    ///
    /// When a worker cannot be started, or the transport or the ledger fails.
    pub async fn serve_on(
        self,
        workers: Workers,
        (listener, tls): (TcpListener, Option<ServerTls>),
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let stop = shutdown.child_token();
        let doors = workers.open(&stop, || self.door(tls.clone(), stop.clone()))?;
        self.run(doors.serve(listener, stop.clone()), stop).await
    }

    /// A way to its ledger, without a door.
    pub(crate) fn books(&self) -> Books {
        self.ledger.books()
    }

    /// A way in, for the connections of one runtime, until `stop`.
    fn door(&self, tls: Option<ServerTls>, stop: CancellationToken) -> Door {
        let (books, audience) = (self.ledger.books(), self.table.audience(self.patience));
        let gallery = self.company.gallery();
        let (register, reader) = (Arc::clone(&self.register), self.reader.clone());
        let service = CasinoService::new(
            Gate::new(register, reader.clone(), books.clone(), self.key_required),
            (books.clone(), reader),
            (Arc::clone(&audience), Arc::clone(&self.players)),
            self.statements.clone(),
            (self.company.clone(), Arc::clone(&gallery)),
            stop.clone(),
        );
        Door {
            front: Front::new(service),
            books,
            audience,
            gallery,
            connections: self.connections.clone(),
            tls,
            stop,
        }
    }

    /// Has the price move while `serving` lasts, and ends the ledger after it. A ledger that fails ends the serving by
    /// `stop`.
    async fn run(
        self,
        serving: impl Future<Output = Result<(), serving::ServeError>>,
        stop: CancellationToken,
    ) -> Result<(), ServeError> {
        let Self {
            mut ledger,
            reader,
            table,
            company,
            house,
            register,
            mut others,
            ..
        } = self;
        let books = ledger.books();
        let window = house.window();
        let market = async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = table::run_market(&books, table.beats(), window) => {}
                () = house.play(&books) => {}
                never = books.listen() => match never {},
                never = company.run() => match never {},
            }
            // A market that stands still ends nothing.
            future::pending::<Infallible>().await
        };
        let (served, failed) = {
            let mut serving = pin!(serving);
            // To the end of the serving: who is being let in still needs an answer.
            let following = follow(others.as_mut(), &register, &reader);
            tokio::select! {
                served = &mut serving => (served, None),
                failure = ledger.failed() => {
                    stop.cancel();
                    (serving.await, Some(failure))
                }
                never = market => match never {},
                never = following => match never {},
            }
        };
        if let Some(others) = &mut others {
            others.leave().await;
        }
        // Before the ledger, so that the flusher is the last to let go of the file and leaves it whole.
        reader.close();
        match failed {
            Some(failure) => return Err(failure.into()),
            None => ledger.close().await?,
        }
        Ok(served?)
    }
}

/// Keeps up with other casinos, if there are others.
async fn follow(others: Option<&mut Others>, register: &Register, reader: &Reader) -> Infallible {
    match others {
        // Apart, because it holds much and is one of many.
        Some(others) => Box::pin(others.follow(register, reader)).await,
        None => future::pending().await,
    }
}

/// A way into the casino for the connections of one runtime: what its tasks wait for is told to them there.
#[derive(Debug)]
pub(crate) struct Door {
    front: Front,
    books: Books,
    audience: Arc<Audience>,
    gallery: Arc<Gallery>,
    connections: Connections,
    tls: Option<ServerTls>,
    stop: CancellationToken,
}

impl Door {
    /// Serves `incoming` in this runtime until told to stop.
    pub(crate) async fn serve<I, IO>(self, incoming: I) -> Result<(), serving::ServeError>
    where
        I: Stream<Item = io::Result<IO>>,
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let name = casino_server::SERVICE_NAME;
        let routes = Routes::new(self.front);
        let connections = (&self.connections, self.tls.as_ref());
        let serving = serving::serve(name, routes, (incoming, connections), self.stop.clone());
        tokio::select! {
            served = serving => served,
            never = self.books.listen() => match never {},
            never = self.audience.listen(&self.stop) => match never {},
            never = self.gallery.listen() => match never {},
        }
    }
}

#[cfg(test)]
mod tests;
