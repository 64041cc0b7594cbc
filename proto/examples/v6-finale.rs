//! Step 6, `v6-finale`: one market for all players, and a client that plays a whole session.
//!
//! Look at `serve`: one ticker moves the price, and `broadcast` gives it to every session. `gamble` subscribes before it
//! reads the current price: a price may then come twice, but none is missing. The client plays at the real casino too
//! (`-- play URL`), and the game at this server (`-- serve`, then `cargo run -- --casino http://127.0.0.1:10000`).
//!
//! In the casino: [casino-server/src/server/mod.rs](../../casino-server/src/server/mod.rs) `run`.

#[macro_use]
mod game;

use std::io;
use std::time::Duration;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{Action, ActionType, GambleInfo};
use game::{Messages, Reply, Table};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Streaming};

const TICK: Duration = Duration::from_millis(100);

#[derive(Clone)]
struct Lesson {
    table: Table,
    prices: broadcast::Sender<i32>,
}

#[tonic::async_trait]
impl Casino for Lesson {
    type GambleStream = Messages<GambleInfo>;

    earlier_methods!();

    async fn gamble(&self, request: Request<Streaming<Action>>) -> Reply<Self::GambleStream> {
        let (table, mut actions) = (self.table.clone(), request.into_inner());
        let (sender, queue) = mpsc::channel(1);
        let mut prices = self.prices.subscribe();
        tokio::spawn(async move {
            let mut info = game::price_info(table.price());
            // Fails if the client is gone: tonic has dropped the stream that reads the queue.
            while sender.send(Ok(info)).await.is_ok() {
                info = tokio::select! {
                    price = prices.recv() => match price {
                        Ok(price) => game::price_info(price),
                        // This client is slow, and the oldest prices are overwritten. See step 7.
                        Err(broadcast::error::RecvError::Lagged(_)) => game::price_info(table.price()),
                        Err(broadcast::error::RecvError::Closed) => break,
                    },
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
pub(crate) async fn serve(listener: TcpListener) -> game::Result<()> {
    let (table, prices) = (Table::default(), broadcast::Sender::new(16));
    let lesson = Lesson { table, prices };
    let incoming = TcpListenerStream::new(listener);
    let server = Server::builder().add_service(CasinoServer::new(lesson.clone()));
    tokio::select! {
        served = server.serve_with_incoming(incoming) => Ok(served?),
        never = game::every(TICK, || lesson.prices.send(lesson.table.advance())) => match never {},
    }
}

pub(crate) async fn play(url: String, out: &mut dyn io::Write) -> game::Result<()> {
    let channel = Endpoint::from_shared(url)?.connect().await?;
    let mut casino = CasinoClient::new(channel);
    casino.buy_tokens(game::payment("ada", 100)).await?;

    let (actions, queue) = mpsc::channel(8);
    let mut messages = casino.gamble(ReceiverStream::new(queue)).await?.into_inner();
    // An action after each of the first prices; dropping the last sender half-closes.
    let mut actions = Some(actions);
    let (buy, sell) = (ActionType::Buy, ActionType::Sell);
    let mut plan = [(buy, 2), (sell, 50), (sell, 1)].into_iter();
    while let Some(info) = messages.message().await? {
        writeln!(out, "{}", game::describe(&info))?;
        if info.info.is_none() {
            continue;
        }
        match (plan.next(), &actions) {
            (Some((kind, count)), Some(actions)) => {
                actions.send(game::action("ada", kind, count)).await?;
            }
            _ => actions = None,
        }
    }
    writeln!(out, "the casino closed the stream")?;

    let paid = casino.withdraw(game::withdrawal("ada", 100)).await?;
    writeln!(out, "paid out {} dollars", paid.get_ref().amount)?;
    let statement = casino.get_payment_statement(game::user("ada")).await?;
    write!(out, "{}", statement.get_ref().data)?;
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
    async fn a_whole_session() {
        let lines = game::transcript(serve, play).await.unwrap();
        let prices = lines.iter().filter(|line| line.contains("price: ")).count();
        // A price before each action and before the half-close; three results, the end, and the payments.
        assert!(prices >= 4, "{lines:?}");
        assert_eq!(lines.len() - prices, 8, "{lines:?}");
        assert_eq!(lines[lines.len() - 1], "FINAL BALANCE -80 dollars");
    }
}
