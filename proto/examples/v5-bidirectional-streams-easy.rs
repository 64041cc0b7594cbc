//! Step 5, `v5-bidirectional-streams-easy`: both sides stream. Each action is answered before the next is read.
//!
//! Look at `play`: the queue exists before the call, because `gamble(..).await` returns only when the server has sent
//! its headers, and a server may wait for an action first. This one returns its stream at once, without a task: tonic
//! polls it, and each poll reads an action. Dropping the sender half-closes; what is outstanding is still answered.
//!
//! In the casino: [tui-client/src/client/session.rs](../../tui-client/src/client/session.rs) `open_session`.

#[macro_use]
mod game;

use std::io;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{Action, ActionType, GambleInfo};
use game::{Messages, Reply, Table};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Streaming};

#[derive(Default)]
struct Lesson {
    table: Table,
}

#[tonic::async_trait]
impl Casino for Lesson {
    type GambleStream = Messages<GambleInfo>;

    earlier_methods!();

    async fn gamble(&self, request: Request<Streaming<Action>>) -> Reply<Self::GambleStream> {
        let table = self.table.clone();
        let results = request.into_inner().map(move |action| {
            let text = table.act(&action?);
            Ok(game::result_info(text))
        });
        Ok(Response::new(Box::pin(results)))
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
    let mut results = casino.gamble(ReceiverStream::new(queue)).await?.into_inner();
    for count in [2, 50, 1] {
        actions.send(game::action("ada", ActionType::Buy, count)).await?;
    }
    drop(actions);
    while let Some(info) = results.message().await? {
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
    async fn each_action_is_answered_also_after_the_half_close() {
        let lines = game::transcript(serve, play).await.unwrap();
        assert!(lines[1].starts_with("buying 50 at 10 costs 500 tokens"));
        assert_eq!([&lines[0], &lines[2]], ["operation executed successfully"; 2]);
        assert_eq!(lines[3], "the casino closed the stream");
    }
}
