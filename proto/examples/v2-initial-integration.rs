//! Step 2, `v2-initial-integration`: the same service behind a socket, and a client in front of it.
//!
//! Look at `serve` and `play`. The server takes a listener that is already bound, so that port 0 works. The client is a
//! `Channel` in a typed wrapper; both are cheap to clone. What the service answers and what the connection does wrong
//! arrive in the same way: as a `Status`.
//!
//! In the casino: [proto/src/server/mod.rs](../src/server/mod.rs) `serve`.

#[macro_use]
mod game;

use std::io;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{Action, GambleInfo, Tokens, WithdrawRequest};
use awesomestock_proto::types::{Payment, PaymentStatement, User};
use game::{Messages, Reply};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Status, Streaming};

struct Lesson;

#[tonic::async_trait]
impl Casino for Lesson {
    type GetPaymentsStream = Messages<Payment>;
    type GambleStream = Messages<GambleInfo>;

    added_methods!();

    async fn buy_tokens(&self, _: Request<Payment>) -> Reply<Tokens> {
        Err(Status::unimplemented("see step 3"))
    }

    async fn withdraw(&self, _: Request<WithdrawRequest>) -> Reply<Payment> {
        Err(Status::unimplemented("see step 3"))
    }

    async fn get_token_balance(&self, _: Request<User>) -> Reply<Tokens> {
        Err(Status::unimplemented("see step 3"))
    }

    async fn get_payments(&self, _: Request<User>) -> Reply<Self::GetPaymentsStream> {
        Err(Status::unimplemented("see step 4"))
    }

    async fn get_payment_statement(&self, _: Request<User>) -> Reply<PaymentStatement> {
        Err(Status::unimplemented("see step 4"))
    }

    async fn gamble(&self, _: Request<Streaming<Action>>) -> Reply<Self::GambleStream> {
        Err(Status::unimplemented("see step 5"))
    }
}

/// Serves connections of `listener` for ever.
async fn serve(listener: TcpListener) -> game::Result<()> {
    let incoming = TcpListenerStream::new(listener);
    let server = Server::builder().add_service(CasinoServer::new(Lesson));
    Ok(server.serve_with_incoming(incoming).await?)
}

async fn play(url: String, out: &mut dyn io::Write) -> game::Result<()> {
    let channel = Endpoint::from_shared(url)?.connect().await?;
    let mut casino = CasinoClient::new(channel);
    match casino.get_token_balance(game::user("ada")).await {
        Ok(tokens) => writeln!(out, "{} tokens", tokens.get_ref().count)?,
        Err(status) => writeln!(out, "{:?}: {}", status.code(), status.message())?,
    }
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
    async fn an_answer_crosses_the_socket() {
        let lines = game::transcript(serve, play).await.unwrap();
        assert_eq!(lines, ["Unimplemented: see step 3"]);
    }

    #[tokio::test]
    async fn without_a_server_there_is_no_connection() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr();
        let url = format!("http://{}", free.unwrap());
        let error = play(url, &mut io::sink()).await.unwrap_err();
        assert_eq!(error.to_string(), "transport error");
    }
}
