//! Step 8, `v8-stop-with-open-streams`: a server that stops although its streams have no end of their own.
//!
//! Look at `serve`: after the signal `serve_with_incoming_shutdown` accepts nothing more and waits for the open calls, for
//! ever if need be. So every session watches the same token, and ends with a status. A session whose client reads
//! nothing waits for room and does not see the token: the casino also has a deadline.
//!
//! In the casino: [proto/src/server/mod.rs](../src/server/mod.rs) `serve`.

#[macro_use]
mod game;

use std::io;
use std::time::Duration;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{Action, GambleInfo};
use game::{Messages, Reply, Table};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

const TICK: Duration = Duration::from_millis(5);

#[derive(Clone)]
struct Lesson {
    table: Table,
    prices: watch::Sender<i32>,
    stop: CancellationToken,
}

#[tonic::async_trait]
impl Casino for Lesson {
    type GambleStream = Messages<GambleInfo>;

    earlier_methods!();

    async fn gamble(&self, request: Request<Streaming<Action>>) -> Reply<Self::GambleStream> {
        let (table, mut actions) = (self.table.clone(), request.into_inner());
        let (sender, queue) = mpsc::channel(1);
        let mut prices = self.prices.subscribe();
        prices.mark_changed(); // the current price is new to this session
        let stop = self.stop.clone();
        tokio::spawn(async move {
            // Fails if the client is gone: tonic has dropped the stream that reads the queue.
            while let Ok(room) = sender.reserve().await {
                let info = tokio::select! {
                    () = stop.cancelled() => {
                        room.send(Err(Status::unavailable("the casino is stopping")));
                        break;
                    }
                    changed = prices.changed() => match changed {
                        Ok(()) => game::price_info(*prices.borrow_and_update()),
                        Err(_) => break,
                    },
                    action = actions.message() => match action {
                        Ok(Some(action)) => game::result_info(table.act(&action)),
                        // Half-closed, or the connection is lost.
                        Ok(None) | Err(_) => break,
                    },
                };
                room.send(Ok(info));
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(queue))))
    }
}

/// Serves connections of `listener` until `stop` is cancelled and the open streams have ended.
async fn serve(listener: TcpListener, stop: CancellationToken) -> game::Result<()> {
    let (table, prices) = (Table::default(), watch::Sender::new(game::FIRST_PRICE));
    let lesson = Lesson { table, prices, stop };
    let incoming = TcpListenerStream::new(listener);
    let server = Server::builder().add_service(CasinoServer::new(lesson.clone()));
    tokio::select! {
        served = server.serve_with_incoming_shutdown(incoming, lesson.stop.cancelled()) => Ok(served?),
        never = game::every(TICK, || lesson.prices.send_replace(lesson.table.advance())) => match never {},
    }
}

async fn play(url: String, out: &mut dyn io::Write, stop: CancellationToken) -> game::Result<()> {
    let mut casino = CasinoClient::new(Endpoint::from_shared(url)?.connect().await?);
    let (_actions, queue) = mpsc::channel(8);
    let mut messages = casino.gamble(ReceiverStream::new(queue)).await?.into_inner();
    while let Some(info) = messages.message().await.transpose() {
        match info {
            Ok(info) => writeln!(out, "{}", game::describe(&info))?,
            Err(status) => writeln!(out, "{:?}: {}", status.code(), status.message())?,
        }
        // After the first price. With `-- serve` it is Ctrl-C.
        stop.cancel();
    }
    Ok(())
}

#[tokio::main]
async fn main() -> game::Result<()> {
    game::run_until(serve, play).await
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_stream_ends_with_a_status_and_then_the_server_ends() {
        let (stop, mut out) = (CancellationToken::new(), Vec::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sides = async { tokio::join!(serve(listener, stop.clone()), play(url, &mut out, stop.clone())) };
        let (served, played) = timeout(Duration::from_secs(30), sides).await.unwrap();
        served.and(played).unwrap();
        assert!(out.ends_with(b"Unavailable: the casino is stopping\n"));
    }
}
