//! Shared test support: payments, statements and an open call.

#![allow(dead_code)] // Each test binary uses a part of this.

use awesomestock_proto::payment_statements::payment_statements_client::PaymentStatementsClient;
use awesomestock_proto::types::{Payment, User};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// Full name of the service for health checks and reflection.
pub(crate) const SERVICE: &str = "payment_statements.PaymentStatements";

/// A payment as sent by the current casino.
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

/// Sends `payments`, half-closes the stream and returns the statement.
pub(crate) async fn statement_of(channel: &Channel, payments: Vec<Payment>) -> Result<String, Status> {
    PaymentStatementsClient::new(channel.clone())
        .create_statement(tokio_stream::iter(payments))
        .await
        .map(|response| response.into_inner().data)
}

/// Checks the health of the service.
pub(crate) async fn health(channel: &Channel) -> Result<ServingStatus, Status> {
    HealthClient::new(channel.clone())
        .check(HealthCheckRequest {
            service: SERVICE.to_owned(),
        })
        .await
        .map(|response| response.into_inner().status())
}

/// A call that is not half-closed. Dropping `payments` half-closes it.
pub(crate) struct OpenStatement {
    pub(crate) payments: mpsc::Sender<Payment>,
    pub(crate) answer: JoinHandle<Result<String, Status>>,
}

/// Opens a call and waits until the server handles it.
pub(crate) async fn open_statement(channel: &Channel) -> OpenStatement {
    let (payments, stream) = mpsc::channel(1);
    let mut client = PaymentStatementsClient::new(channel.clone());
    let answer = tokio::spawn(async move {
        client
            .create_statement(ReceiverStream::new(stream))
            .await
            .map(|response| response.into_inner().data)
    });
    // The queue holds one payment, so the third one fits only after the first was taken to be sent, which is after the
    // call was opened. A server reads a connection in order: the health check shows that it has read the start of the
    // call.
    for number in 1..=3 {
        payments.send(payment("ann", -1, number)).await.unwrap();
    }
    assert_eq!(health(channel).await.unwrap(), ServingStatus::Serving);
    OpenStatement { payments, answer }
}
