//! Step 9, `v9-come-back`: a client whose server goes away and comes back.
//!
//! Look at `retry`: a `Channel` connects again by itself at the next call, but a stream does not come back. The client
//! opens a new one after a pause that doubles. The casino's client also makes its pauses random: all lose it at once.
//!
//! In the casino: [tui-client/src/app/connection.rs](../../tui-client/src/app/connection.rs) `retry_after_ms`.

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
use tokio::time::sleep;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Endpoint, Server};
use tonic::{Code, Request, Response, Status, Streaming};

const TICK: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Codes of a server that has decided: the same call would get the same answer.
const ANSWERS: [Code; 3] = [Code::InvalidArgument, Code::PermissionDenied, Code::Unimplemented];

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

/// Calls again after a failure, with growing pauses.
async fn retry<T>(mut call: impl AsyncFnMut() -> Result<T, Status>) -> Result<T, Status> {
    let mut pause = Duration::from_millis(50);
    loop {
        match call().await {
            Err(status) if pause < LONGEST_PAUSE && !ANSWERS.contains(&status.code()) => sleep(pause).await,
            result => return result,
        }
        pause *= 2;
    }
}

async fn play(url: String, out: &mut dyn io::Write, stop: CancellationToken) -> game::Result<()> {
    let mut casino = CasinoClient::new(Endpoint::from_shared(url)?.connect_lazy());
    let mut prices = 0..10;
    let session = async || {
        let (_actions, queue) = mpsc::channel(8);
        let mut messages = casino.gamble(ReceiverStream::new(queue)).await?.into_inner();
        writeln!(out, "a new stream")?;
        while let (Some(info), Some(_)) = (messages.message().await?, prices.next()) {
            writeln!(out, "{}", game::describe(&info))?;
            // After the first price. With `-- serve` it is Ctrl-C.
            stop.cancel();
        }
        Ok(())
    };
    Ok(retry(session).await?)
}

#[tokio::main]
async fn main() -> game::Result<()> {
    game::run_until(serve, play).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_channel_and_the_stream_come_back() {
        let lines = game::transcript_until(serve, play).await.unwrap();
        let streams = lines.iter().filter(|line| *line == "a new stream").count();
        assert!(streams >= 2 && lines.len() - streams == 10, "{lines:?}");
    }
}
