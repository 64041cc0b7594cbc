//! The payments server of step 4. In the course, and with the casino, it is a process of its own.
//!
//! The big one is [payments-server/src/service.rs](../../../payments-server/src/service.rs) `create_statement`.

use awesomestock_proto::payment_statements::payment_statements_server::{
    PaymentStatements, PaymentStatementsServer,
};
use awesomestock_proto::types::{Payment, PaymentStatement};
use tonic::{Request, Response, Streaming};

use super::Reply;

pub(crate) struct Statements;

/// Returns the service, for a server.
pub(crate) fn statements() -> PaymentStatementsServer<Statements> {
    PaymentStatementsServer::new(Statements)
}

#[tonic::async_trait]
impl PaymentStatements for Statements {
    /// Reads a client stream. `message` returns `None` when the sender has half-closed; only then the payments are
    /// complete. Returning earlier, with a response or a status, ends the call and resets the sender's stream.
    async fn create_statement(&self, request: Request<Streaming<Payment>>) -> Reply<PaymentStatement> {
        let mut sent = request.into_inner();
        let mut payments = Vec::new();
        while let Some(payment) = sent.message().await? {
            payments.push(payment);
        }
        Ok(Response::new(super::statement(&payments)))
    }
}
