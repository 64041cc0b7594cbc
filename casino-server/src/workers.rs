//! The workers: one runtime of one thread a core, each with connections of its own.
//!
//! Owns the threads and who gets which connection. A connection and all its streams stay on one thread, so that
//! nothing of them is ever handed from core to core; that is worth more than a fair share of the work.

use std::{io, net, num::NonZero, thread};

use awesomestock_proto::serving::{self, ServeError};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
    sync::{mpsc, oneshot},
};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;

use crate::casino::Door;

/// Accepted connections that may wait for one worker.
const WAITING_MAX: usize = 128;

/// How many workers serve a casino.
#[derive(Debug, Clone, Copy)]
pub struct Workers(NonZero<usize>);

/// Workers that wait for connections.
pub(crate) struct Doors {
    connections: Vec<mpsc::Sender<net::TcpStream>>,
    ended: Vec<oneshot::Receiver<Result<(), ServeError>>>,
}

impl Workers {
    /// One for each core that this process may use.
    #[must_use]
    pub fn one_a_core() -> Self {
        Self(thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// Starts them, each behind a door of its own. One that ends by itself says `stop`.
    pub(crate) fn open(self, stop: &CancellationToken, door: impl Fn() -> Door) -> io::Result<Doors> {
        let mut doors = Doors {
            connections: Vec::new(),
            ended: Vec::new(),
        };
        for number in 0..self.0.get() {
            let (sender, connections) = mpsc::channel(WAITING_MAX);
            let (ending, ended) = oneshot::channel();
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            let (door, stop) = (door(), stop.clone().drop_guard());
            thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || {
                    let incoming = ReceiverStream::new(connections).map(TcpStream::from_std);
                    let served = runtime.block_on(door.serve(incoming));
                    // Nobody is there to hear it when the serving was given up.
                    let _ = ending.send(served);
                    // Also when it broke down: the others are not to go on without it.
                    drop(stop);
                })?;
            doors.connections.push(sender);
            doors.ended.push(ended);
        }
        Ok(doors)
    }
}

impl Doors {
    /// Hands what `listener` accepts to the workers, in turn, until `stop`; then waits for all of them.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<(), ServeError> {
        tokio::select! {
            () = hand_out(listener, self.connections) => {}
            () = stop.cancelled() => {}
        }
        // A worker that has ended by itself takes the others with it.
        stop.cancel();
        let mut served = Ok(());
        for ended in self.ended {
            served = served.and(ended.await.unwrap_or(Err(ServeError::Fault)));
        }
        served
    }
}

/// Gives each worker one connection after the other.
async fn hand_out(listener: TcpListener, workers: Vec<mpsc::Sender<net::TcpStream>>) {
    let mut incoming = Box::pin(serving::incoming(listener));
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
            Err(error) => tracing::warn!(%error, "a connection could not be handed to its worker"),
        }
    }
}
