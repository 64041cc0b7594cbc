//! Step 4, `v4-unidirectional-streams`: one side sends many messages.
//!
//! Look at `get_payments`, a server stream: tonic polls it when the client can take a message. In
//! `get_payment_statement` the casino is a client that streams; the end of its stream half-closes the call. The other
//! end reads until then: [game/statements.rs](game/statements.rs) `create_statement`.
//!
//! In the casino: [casino-server/src/grpc/payments_client.rs](../../casino-server/src/grpc/payments_client.rs) `statement`.

#[macro_use]
mod game;

use std::io;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{Action, GambleInfo};
use awesomestock_proto::payment_statements::payment_statements_client::PaymentStatementsClient;
use awesomestock_proto::types::{Payment, PaymentStatement, User};
use game::{Messages, Reply, Table};
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

struct Lesson {
    table: Table,
    statements: PaymentStatementsClient<Channel>,
}

#[tonic::async_trait]
impl Casino for Lesson {
    type GetPaymentsStream = Messages<Payment>;
    type GambleStream = Messages<GambleInfo>;

    added_methods!();
    unary_methods!();

    async fn get_payments(&self, request: Request<User>) -> Reply<Self::GetPaymentsStream> {
        let payments = self.table.payments(request.get_ref());
        Ok(Response::new(Box::pin(tokio_stream::iter(payments).map(Ok))))
    }

    async fn get_payment_statement(&self, request: Request<User>) -> Reply<PaymentStatement> {
        let payments = self.table.payments(request.get_ref());
        let mut statements = self.statements.clone();
        statements.create_statement(tokio_stream::iter(payments)).await
    }

    async fn gamble(&self, _: Request<Streaming<Action>>) -> Reply<Self::GambleStream> {
        Err(Status::unimplemented("see step 5"))
    }
}

/// Serves connections of `listener` for ever.
async fn serve(listener: TcpListener) -> game::Result<()> {
    let payments = Endpoint::from_shared(format!("http://{}", listener.local_addr()?))?;
    let table = Table::default();
    // Lazy: connects at the first call, so the order in which servers start does not matter.
    let statements = PaymentStatementsClient::new(payments.connect_lazy());
    let incoming = TcpListenerStream::new(listener);
    let server = Server::builder().add_service(CasinoServer::new(Lesson { table, statements }));
    let server = server.add_service(game::statements());
    Ok(server.serve_with_incoming(incoming).await?)
}

async fn play(url: String, out: &mut dyn io::Write) -> game::Result<()> {
    let channel = Endpoint::from_shared(url)?.connect().await?;
    let mut casino = CasinoClient::new(channel);
    casino.buy_tokens(game::payment("ada", 100)).await?;
    casino.withdraw(game::withdrawal("ada", 50)).await?;
    let mut payments = casino.get_payments(game::user("ada")).await?.into_inner();
    while let Some(payment) = payments.message().await? {
        writeln!(out, "paid {} dollars", payment.amount)?;
    }
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
    async fn the_statement_has_all_payments_in_order() {
        let lines = game::transcript(serve, play).await.unwrap();
        assert_eq!(lines[..2], ["paid -100 dollars", "paid 10 dollars"]);
        assert_eq!(lines[2..4], ["-100 dollars", "+10 dollars"]);
        assert_eq!(lines[4..], ["FINAL BALANCE -90 dollars"]);
    }
}
