//! The casino: one market, one ledger, many seats.

use std::{io, path::PathBuf, time::Duration};

use awesomestock_proto::serving::ServeError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, server::Connected};

/// What a casino is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The ledger's SQLite file.
    pub store: PathBuf,
    /// Time between two ticks.
    pub tick: Duration,
    /// The price of a market that has no history yet.
    pub initial_price: i32,
    /// The market's seed; by default the one the ledger keeps, or a new one.
    pub seed: Option<u64>,
}

/// Why a casino could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody else has the ledger open.
    #[error("{path} is in use by another casino")]
    InUse {
        /// The ledger.
        path: PathBuf,
    },
}

/// An open casino: its ledger is loaded and locked.
#[derive(Debug)]
pub struct Casino {}

impl Casino {
    /// Opens the ledger. `payments` leads to the payments server, which need not be up.
    ///
    /// # Errors
    ///
    /// When the ledger is in use, unreadable, foreign or of a newer version.
    pub async fn open(options: Options, payments: Channel) -> Result<Self, OpenError> {
        let _ = (options, payments);
        Ok(Self {})
    }

    /// Serves `Casino` on `incoming` until `shutdown`, then closes the ledger.
    ///
    /// # Errors
    ///
    /// When the transport or the ledger fails.
    pub async fn serve<I, IO>(self, incoming: I, shutdown: CancellationToken) -> Result<(), ServeError>
    where
        I: Stream<Item = io::Result<IO>>,
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let _ = incoming;
        shutdown.cancelled().await;
        Ok(())
    }
}
