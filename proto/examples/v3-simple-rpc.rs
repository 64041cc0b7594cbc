//! Step 3, `v3-simple-rpc`: one request, one response.
//!
//! Look at `withdraw`: it asks the rules in [game/mod.rs](game/mod.rs), and `?` turns a rejection into a `Status`:
//! `INVALID_ARGUMENT` if no account may do it, `FAILED_PRECONDITION` if this one cannot do it now. All calls share
//! `&self`, so the state is behind a lock, which is never held across an `.await`.
//!
//! In the casino: [casino-server/src/grpc/service.rs](../../casino-server/src/grpc/service.rs) `withdraw`.

#[macro_use]
mod game;

use std::io;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{Action, GambleInfo, Tokens, WithdrawRequest};
use awesomestock_proto::types::{Payment, PaymentStatement, User};
use game::{Messages, Reply, Table};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

#[derive(Default)]
struct Lesson {
    table: Table,
}

#[tonic::async_trait]
impl Casino for Lesson {
    type GetPaymentsStream = Messages<Payment>;
    type GambleStream = Messages<GambleInfo>;

    added_methods!();

    async fn buy_tokens(&self, request: Request<Payment>) -> Reply<Tokens> {
        Ok(Response::new(self.table.buy_tokens(request.get_ref())?))
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Reply<Payment> {
        Ok(Response::new(self.table.withdraw(request.get_ref())?))
    }

    async fn get_token_balance(&self, request: Request<User>) -> Reply<Tokens> {
        Ok(Response::new(self.table.balance(request.get_ref())))
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
    let server = Server::builder().add_service(CasinoServer::new(Lesson::default()));
    Ok(server.serve_with_incoming(incoming).await?)
}

async fn play(url: String, out: &mut dyn io::Write) -> game::Result<()> {
    let channel = Endpoint::from_shared(url)?.connect().await?;
    let mut casino = CasinoClient::new(channel);
    let bought = casino.buy_tokens(game::payment("ada", 100)).await?.into_inner();
    writeln!(out, "bought {} tokens", bought.count)?;
    for tokens in [7, 5_000, 50] {
        match casino.withdraw(game::withdrawal("ada", tokens)).await {
            Ok(paid) => writeln!(out, "paid out {} dollars", paid.get_ref().amount)?,
            Err(status) => writeln!(out, "{:?}: {}", status.code(), status.message())?,
        }
    }
    let balance = casino.get_token_balance(game::user("ada")).await?.into_inner();
    writeln!(out, "{} tokens", balance.count)?;
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
    async fn a_rejected_call_changes_nothing() {
        let lines = game::transcript(serve, play).await.unwrap();
        let expected = [
            "bought 500 tokens",
            "InvalidArgument: tokens_cnt: 7 is not a multiple of 5 above 0",
            "FailedPrecondition: you have 500 tokens, not 5000",
            "paid out 10 dollars",
            "450 tokens",
        ];
        assert_eq!(lines, expected);
    }
}
