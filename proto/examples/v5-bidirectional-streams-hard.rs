//! Step 5, `v5-bidirectional-streams-hard`: prices and actions side by side.
//!
//! Look at `gamble`: a price does not wait for an action, nor an action for a price, so a task selects between them
//! and sends both into one queue. `message` is cancel safe: a branch that loses in `select!` loses no action. The
//! client reads in one loop; to send is only to put an action into its queue.
//!
//! In the casino: [casino-server/src/grpc/session/mod.rs](../../casino-server/src/grpc/session/mod.rs) `poll_next`.

#[macro_use]
mod game;

use std::io;
use std::time::Duration;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{Action, ActionType, GambleInfo};
use game::{Messages, Reply, Table};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Streaming};

const TICK: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Lesson {
    table: Table,
}

#[tonic::async_trait]
impl Casino for Lesson {
    type GambleStream = Messages<GambleInfo>;

    earlier_methods!();

    async fn gamble(&self, request: Request<Streaming<Action>>) -> Reply<Self::GambleStream> {
        let (table, mut actions) = (self.table.clone(), request.into_inner());
        let (sender, queue) = mpsc::channel(1);
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        tokio::spawn(async move {
            let mut info = game::price_info(table.price());
            // Fails if the client is gone: tonic has dropped the stream that reads the queue.
            while sender.send(Ok(info)).await.is_ok() {
                info = tokio::select! {
                    // Every session moves the price, as in the course. The finale has one market for all.
                    _ = ticks.tick() => game::price_info(table.advance()),
                    action = actions.message() => match action {
                        Ok(Some(action)) => game::result_info(table.act(&action)),
                        // Half-closed, or the connection is lost.
                        Ok(None) | Err(_) => break,
                    },
                };
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(queue))))
    }
}

/// Serves connections of `listener` for ever.
async fn serve(listener: TcpListener) -> game::Result<()> {
    let incoming = TcpListenerStream::new(listener);
    let server = Server::builder().add_service(CasinoServer::new(Lesson::default()));
    Ok(server.serve_with_incoming(incoming).await?)
}

async fn play(url: String, out: &mut dyn io::Write) -> game::Result<()> {
    let channel = Endpoint::from_shared(url)?.connect().await?;
    let mut casino = CasinoClient::new(channel);
    casino.buy_tokens(game::payment("ada", 100)).await?;

    let (actions, queue) = mpsc::channel(8);
    let mut messages = casino.gamble(ReceiverStream::new(queue)).await?.into_inner();
    // An action after each of the first prices; dropping the last sender half-closes.
    let mut actions = Some(actions);
    let mut counts = [2, 50, 1].into_iter();
    while let Some(info) = messages.message().await? {
        writeln!(out, "{}", game::describe(&info))?;
        if info.info.is_none() {
            continue;
        }
        match (counts.next(), &actions) {
            (Some(count), Some(actions)) => {
                actions.send(game::action("ada", ActionType::Buy, count)).await?;
            }
            _ => actions = None,
        }
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
    async fn prices_come_between_the_results() {
        let lines = game::transcript(serve, play).await.unwrap();
        let (prices, results): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.contains("price: "));
        // A price before each action and before the half-close; three results, and the end.
        assert!(prices.len() >= 4 && results.len() == 4, "{lines:?}");
    }
}
