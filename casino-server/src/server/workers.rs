//! Worker threads: one single-threaded runtime per core. A connection and its streams stay on one worker, because moving
//! data between cores costs more than an uneven load.

use std::num::NonZero;
use std::{io, net, thread};

use awesomestock_proto::resources;
use awesomestock_proto::server::{self, ServeError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::server::WorkerService;

/// Maximum number of accepted connections queued for one worker.
const QUEUED_MAX: usize = 128;

/// Number of worker threads.
#[derive(Debug, Clone, Copy)]
pub struct Workers(NonZero<usize>);

/// Running worker threads.
pub(crate) struct WorkerPool {
    connections: Vec<mpsc::Sender<net::TcpStream>>,
    results: Vec<oneshot::Receiver<Result<(), ServeError>>>,
}

impl Workers {
    /// Returns one worker for each core available to this process.
    #[must_use]
    pub fn per_core() -> Self {
        Self(thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// Threads of a casino with these workers: a runtime and a thread for blocking work for each worker and for the
    /// casino, and three for the ledger.
    #[must_use]
    pub fn threads(self) -> usize {
        self.0.get().saturating_mul(2).saturating_add(4)
    }

    /// Starts the workers, each with its own service. A worker that ends cancels `stop`.
    pub(crate) fn spawn(
        self,
        stop: &CancellationToken,
        service: impl Fn() -> WorkerService,
    ) -> io::Result<WorkerPool> {
        let mut pool = WorkerPool {
            connections: Vec::new(),
            results: Vec::new(),
        };
        for number in 0..self.0.get() {
            let (sender, connections) = mpsc::channel(QUEUED_MAX);
            let (result_sender, result) = oneshot::channel();
            let (service, stop) = (service(), stop.clone().drop_guard());
            thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || {
                    let incoming = ReceiverStream::new(connections).map(TcpStream::from_std);
                    let runtime = resources::runtime().map_err(ServeError::from);
                    let result = runtime.and_then(|runtime| runtime.block_on(service.serve(incoming)));
                    // The receiver is gone if serving was aborted.
                    let _ = result_sender.send(result);
                    // The guard also stops the other workers if this one panics.
                    drop(stop);
                })?;
            pool.connections.push(sender);
            pool.results.push(result);
        }
        Ok(pool)
    }
}

impl WorkerPool {
    /// Distributes accepted connections over the workers until `stop`, then waits for the workers to end.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<(), ServeError> {
        tokio::select! {
            () = dispatch(listener, self.connections) => {}
            () = stop.cancelled() => {}
        }
        // `dispatch` also ends when a worker has ended.
        stop.cancel();
        let mut served = Ok(());
        for result in self.results {
            served = served.and(result.await.unwrap_or(Err(ServeError::Fault)));
        }
        served
    }
}

async fn dispatch(listener: TcpListener, workers: Vec<mpsc::Sender<net::TcpStream>>) {
    let mut incoming = Box::pin(server::incoming(listener));
    for worker in workers.iter().cycle() {
        let Some(Ok(connection)) = incoming.next().await else {
            return;
        };
        match connection.into_std() {
            Ok(connection) => {
                if worker.send(connection).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "cannot pass a connection to its worker"),
        }
    }
}
