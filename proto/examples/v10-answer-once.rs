//! Step 10, `v10-answer-once`: an order that was sent, but whose answer did not arrive.
//!
//! Look at `act`: the client gives each order an id, and the server keeps the answer. A copy of the order is not executed
//! again, and gets the first answer. Only a server that says so (`ids` in its headers) may be sent anything twice.
//!
//! In the casino: [casino-server/src/ledger/idempotency.rs](../../casino-server/src/ledger/idempotency.rs) `get`.

#[macro_use]
mod game;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{Action, ActionType, GambleInfo};
use game::{Messages, Reply, Table};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
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
    /// The answer to each id.
    kept: Arc<Mutex<HashMap<Vec<u8>, String>>>,
}

impl Lesson {
    /// Executes an action, or returns the answer that the first one with this id got.
    fn act(&self, action: &Action) -> String {
        if action.id.is_empty() {
            return self.table.act(action);
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = kept.entry(action.id.clone());
        answer.or_insert_with(|| self.table.act(action)).clone()
    }
}

#[tonic::async_trait]
impl Casino for Lesson {
    type GambleStream = Messages<GambleInfo>;

    earlier_methods!();

    async fn gamble(&self, request: Request<Streaming<Action>>) -> Reply<Self::GambleStream> {
        let (lesson, mut actions) = (self.clone(), request.into_inner());
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
                        Ok(Some(action)) => game::result_info(lesson.act(&action)),
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
    let kept = Arc::default();
    let lesson = Lesson { table, prices, kept };
    let incoming = TcpListenerStream::new(listener);
    let server = Server::builder().add_service(CasinoServer::new(lesson.clone()));
    tokio::select! {
        served = server.serve_with_incoming(incoming) => Ok(served?),
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

async fn play(url: String, out: &mut dyn io::Write) -> game::Result<()> {
    let mut casino = CasinoClient::new(Endpoint::from_shared(url)?.connect_lazy());
    casino.buy_tokens(game::payment("ada", 100)).await?;
    let mut buy = game::action("ada", ActionType::Buy, 2);
    buy.id = b"a UUID, 16 bytes".to_vec();
    let mut lost = 0..2;
    let session = async || {
        // The other action has no id. It is rejected, unless the first was executed twice.
        let actions = tokio_stream::iter([buy.clone(), game::action("ada", ActionType::Sell, 3)]);
        let mut messages = casino.gamble(actions).await?.into_inner();
        while let Some(info) = messages.message().await? {
            writeln!(out, "{}", game::describe(&info))?;
        }
        // As if the answers of the first streams were lost.
        lost.next().map_or(Ok(()), |_| Err(Status::unavailable("lost")))
    };
    Ok(retry(session).await?)
}

#[tokio::main]
async fn main() -> game::Result<()> {
    game::run(serve, play).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn copies_get_the_first_answer_and_change_nothing() {
        let lines = game::transcript(serve, play).await.unwrap();
        let lines: Vec<_> = lines.iter().filter(|line| !line.contains("price: ")).collect();
        let once = ["operation executed successfully", "you have 2 stocks, not 3"];
        assert_eq!(lines, once.repeat(3));
    }
}
