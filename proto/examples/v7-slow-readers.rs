//! Step 7, `v7-slow-readers`: a client that does not read costs the server a constant amount of memory.
//!
//! Look at `gamble`: `watch` keeps only the newest price, and the session takes it when there is room to send it. So a
//! slow reader skips prices and never misses a result. A full queue also stops the reading of actions: backpressure.
//!
//! In the casino: [casino-server/src/feed/price/relay/mod.rs](../../casino-server/src/feed/price/relay/mod.rs) `changed`.
//! For many sessions it also encodes a price once, wakes each thread once, and cuts off a client that never reads.

#[macro_use]
mod game;

use std::io;
use std::time::Duration;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{Action, ActionType, GambleInfo};
use game::{Messages, Reply, Table};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Streaming};

const TICK: Duration = Duration::from_millis(5);

#[derive(Clone)]
struct Lesson {
    table: Table,
    prices: watch::Sender<i32>,
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
        tokio::spawn(async move {
            // Fails if the client is gone: tonic has dropped the stream that reads the queue.
            while let Ok(room) = sender.reserve().await {
                let info = tokio::select! {
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

/// Serves connections of `listener` for ever.
async fn serve(listener: TcpListener) -> game::Result<()> {
    let (table, prices) = (Table::default(), watch::Sender::new(game::FIRST_PRICE));
    let lesson = Lesson { table, prices };
    let incoming = TcpListenerStream::new(listener);
    let server = Server::builder().add_service(CasinoServer::new(lesson.clone()));
    tokio::select! {
        served = server.serve_with_incoming(incoming) => Ok(served?),
        never = game::every(TICK, || lesson.prices.send_replace(lesson.table.advance())) => match never {},
    }
}

async fn play(url: String, out: &mut dyn io::Write) -> game::Result<()> {
    // With a small window the network itself keeps only some 20 messages.
    let endpoint = Endpoint::from_shared(url)?.initial_stream_window_size(512);
    let mut casino = CasinoClient::new(endpoint.connect().await?);
    casino.buy_tokens(game::payment("ada", 100)).await?;

    let (actions, queue) = mpsc::channel(8);
    let mut messages = casino.gamble(ReceiverStream::new(queue)).await?.into_inner();
    actions.send(game::action("ada", ActionType::Buy, 1)).await?;
    // Reads nothing while another session gets 100 prices.
    let (_other_actions, queue) = mpsc::channel(8);
    let mut other_messages = casino.gamble(ReceiverStream::new(queue)).await?.into_inner();
    for _ in 0..100 {
        other_messages.message().await?;
    }
    drop(actions);
    while let Some(info) = messages.message().await? {
        writeln!(out, "{}", game::describe(&info))?;
    }
    writeln!(out, "the casino closed the stream")?;
    Ok(())
}

#[tokio::main]
async fn main() -> game::Result<()> {
    game::run(serve, play).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_late_reader_skips_prices_and_misses_no_result() {
        let lines = game::transcript(serve, play).await.unwrap();
        let prices = lines.iter().filter(|line| line.contains("price: ")).count();
        // As many as the network keeps, not the 100 of the other session; one result, and the end.
        assert!((5..50).contains(&prices), "{lines:?}");
        assert_eq!(lines.len() - prices, 2, "{lines:?}");
    }
}
