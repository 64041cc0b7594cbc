//! What the tests of the service share: payments, and a stream of them that stays open.

#![allow(dead_code)] // Each test file takes what it needs.

use awesomestock_proto::{
    payment_statements::payment_statements_client::PaymentStatementsClient,
    types::{Payment, User},
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// The service's full name, as health checks and reflection know it.
pub(crate) const SERVICE: &str = "payment_statements.PaymentStatements";

/// A payment as today's casino sends it.
pub(crate) fn payment(player: &str, amount: i32, number: i64) -> Payment {
    Payment {
        user: Some(User {
            id: player.to_owned(),
        }),
        amount,
        number,
        created_unix_ms: 1_795_369_311_000,
        ..Payment::default()
    }
}

/// The answer to `payments`, with the stream half-closed after the last.
pub(crate) async fn statement_of(channel: &Channel, payments: Vec<Payment>) -> Result<String, Status> {
    PaymentStatementsClient::new(channel.clone())
        .create_statement(tokio_stream::iter(payments))
        .await
        .map(|response| response.into_inner().data)
}

/// What the server says of its health.
pub(crate) async fn health(channel: &Channel) -> Result<ServingStatus, Status> {
    HealthClient::new(channel.clone())
        .check(HealthCheckRequest {
            service: SERVICE.to_owned(),
        })
        .await
        .map(|response| response.into_inner().status())
}

/// A call whose sender has not half-closed. Dropping `payments` half-closes it.
pub(crate) struct OpenStatement {
    pub(crate) payments: mpsc::Sender<Payment>,
    pub(crate) answer: JoinHandle<Result<String, Status>>,
}

/// Opens a call, and returns once the server has begun with it.
pub(crate) async fn open_statement(channel: &Channel) -> OpenStatement {
    let (payments, stream) = mpsc::channel(1);
    let mut client = PaymentStatementsClient::new(channel.clone());
    let answer = tokio::spawn(async move {
        client
            .create_statement(ReceiverStream::new(stream))
            .await
            .map(|response| response.into_inner().data)
    });
    // The third fits the queue of one only after the first was taken from it to be sent, and thus after the call was
    // opened. A server reads a connection in order: with the health check it has read what opened the call before.
    for number in 1..=3 {
        payments.send(payment("ann", -1, number)).await.unwrap();
    }
    assert_eq!(health(channel).await.unwrap(), ServingStatus::Serving);
    OpenStatement { payments, answer }
}
