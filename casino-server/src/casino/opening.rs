//! The opening of a ledger: in a file that this casino has for itself, or in a database that it shares.

use std::{
    convert::Infallible,
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rand::{TryRng, rngs::SysRng};
use tokio::{task, time::timeout};

use super::OpenError;
use crate::{
    address::{Address, Database},
    clock::Clock,
    company::{Company, Exchange},
    gate::{self, Register},
    ledger::{Ledger, StartError},
    market::Market,
    options::Options,
    quantity::Price,
    reader::Reader,
    store::{
        Layered, Logged, Recovered, StoreError,
        postgres::{self, Ears},
        recover,
        sqlite::{self, FileError, SqliteReads},
    },
    surroundings::Surroundings,
    table::{Players, Seating, Table},
};

/// How long the end of a casino waits for others to be told of it.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// A running ledger, and the table that it tells.
pub(super) struct Opened {
    pub(super) ledger: Ledger,
    pub(super) reader: Reader,
    pub(super) table: Table,
    pub(super) company: Company,
    pub(super) players: Arc<Players>,
    pub(super) seed: u64,
    /// What other casinos are told and tell.
    pub(super) others: Option<Others>,
}

/// The casinos that share the ledger.
#[derive(Debug)]
pub(super) struct Others {
    ears: Arc<Ears>,
    exchange: Exchange,
    seating: Seating,
}

impl Others {
    /// Keeps up with them, with the names that are claimed there, and with the seats of players everywhere.
    pub(super) async fn follow(&mut self, register: &Register, reader: &Reader) -> Infallible {
        tokio::select! {
            never = gate::follow(register, reader, &self.ears) => never,
            never = self.exchange.run() => never,
            never = self.seating.run() => never,
        }
    }

    /// Tells them that nobody is seated here any more, if the database can be told; else they will notice.
    pub(super) async fn leave(&mut self) {
        let left = timeout(LEAVE_WITHIN, self.exchange.leave()).await;
        if !matches!(left, Ok(Ok(()))) {
            tracing::debug!("other casinos were not told of the end");
        }
    }
}

/// Starts the ledger in a file that this casino has for itself.
pub(super) async fn open_alone(
    path: PathBuf,
    options: Options,
    (opening_price, interval): (Price, Duration),
    surroundings: Surroundings,
) -> Result<Opened, OpenError> {
    let (address, seats_max) = (options.store.clone(), options.limits.seats_a_player);
    let failed = |source| OpenError::Ledger {
        address: address.clone(),
        source,
    };
    let clock = surroundings.clock.clone();
    let file =
        task::spawn_blocking(move || File::open(&path, &options, (opening_price, &surroundings))).await;
    let File { store, reads, market } = file.map_err(|error| failed(Box::new(error)))??;
    let (table, announcer) = Table::new(market.current, interval);
    let players = Players::new(seats_max);
    let reader = Reader::new(Arc::new(reads));
    let company = Company::new(market.current);
    let ledger = Ledger::start(
        Box::new(store),
        reader.clone(),
        market,
        (announcer, company.witness()),
        clock,
    );
    let ledger = ledger.map_err(|error| match error {
        StartError::Store(error) => failed(Box::new(error)),
        StartError::Thread(error) => OpenError::Thread(error),
    })?;
    Ok(Opened {
        ledger,
        reader,
        table,
        company,
        players,
        seed: market.seed,
        others: None,
    })
}

/// Joins the casinos that keep the ledger in `database`.
pub(super) async fn open_jointly(
    options: &Options,
    database: &Database,
    (opening_price, interval): (Price, Duration),
    clock: Clock,
) -> Result<Opened, OpenError> {
    let fresh = new_market(options, opening_price, &clock)?;
    // By chance, so that no two casinos are called alike, however they are started.
    let name = format!("{:016x}", random()?);
    let opened = postgres::open(database, &name, (fresh, options.seed)).await;
    let postgres::Opened {
        store,
        reads,
        prices,
        company: stored,
        seats,
        ranks,
        market,
    } = opened.map_err(|error| OpenError::Ledger {
        address: options.store.clone(),
        source: Box::new(error),
    })?;
    let (table, announcer) = Table::new(market.current, interval);
    let company = Company::new(market.current);
    let (players, seating) = Players::jointly(options.limits.seats_a_player, seats);
    let ears = prices.ears();
    let exchange = Exchange {
        company: company.clone(),
        stored,
        ranks,
        ears: Arc::clone(&ears),
    };
    let ledger = Ledger::join(
        (store, prices),
        (market, interval),
        (announcer, company.witness()),
        clock,
    );
    Ok(Opened {
        ledger,
        reader: Reader::new(Arc::new(reads)),
        table,
        company,
        players,
        seed: market.seed,
        others: Some(Others {
            ears,
            exchange,
            seating,
        }),
    })
}

/// Opens the file, which makes it if there is none, and has it take over what is left in its log.
pub(crate) fn open_file(
    path: &Path,
    surroundings: &Surroundings,
) -> Result<(sqlite::Opened, Recovered), OpenError> {
    let mut file = sqlite::open(path).map_err(|error| match error {
        FileError::InUse => OpenError::InUse {
            path: path.to_owned(),
        },
        error => failed(path)(Box::new(error)),
    })?;
    let recovered = recover(&file.path, &mut file.store, surroundings);
    let recovered = recovered.map_err(|error| failed(path)(Box::new(error)))?;
    Ok((file, recovered))
}

/// A failure of the file at `path`.
fn failed(path: &Path) -> impl Fn(Box<dyn Error + Send + Sync>) -> OpenError {
    |source| OpenError::Ledger {
        address: Address::Sqlite(path.to_owned()),
        source,
    }
}

/// The file that a casino's ledger is kept in, and the market in it.
struct File {
    store: Logged,
    reads: Layered<SqliteReads>,
    market: Market,
}

impl File {
    /// Opens the file with its log and takes up its market, or opens a new market in it.
    fn open(
        path: &Path,
        options: &Options,
        (opening_price, surroundings): (Price, &Surroundings),
    ) -> Result<Self, OpenError> {
        let (mut file, recovered) = open_file(path, surroundings)?;
        let store_failed = |error: StoreError| failed(path)(Box::new(error));
        let kept = file.store.market().map_err(store_failed)?;
        let market = match kept {
            Some(kept) => Market {
                model: options.model,
                seed: options.seed.unwrap_or(kept.seed),
                current: kept.current,
            },
            None => new_market(options, opening_price, &surroundings.clock)?,
        };
        if kept != Some(market) {
            file.store.set_market(&market).map_err(store_failed)?;
        }
        let (store, reads) = Logged::start(recovered, file.store, file.reads).map_err(store_failed)?;
        Ok(Self { store, reads, market })
    }
}

fn new_market(options: &Options, opening_price: Price, clock: &Clock) -> Result<Market, OpenError> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => random()?,
    };
    Ok(Market::open(options.model, seed, opening_price, clock.now()))
}

fn random() -> Result<u64, OpenError> {
    SysRng
        .try_next_u64()
        .map_err(|error| OpenError::Seed(Box::new(error)))
}
