//! The `PaymentStatements` service: passes payments to a [`Statement`], and limits time and memory of a call.

use std::sync::Arc;
use std::time::Duration;

use awesomestock_proto::auth::SharedSecret;
use awesomestock_proto::payment_statements::payment_statements_server::PaymentStatements;
use awesomestock_proto::server::UntilRead;
use awesomestock_proto::types;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::Limits;
use crate::statement::{InvalidPayment, Reason, Statement};

#[derive(Debug)]
pub(crate) struct Service {
    limits: Limits,
    secret: Option<SharedSecret>,
    /// One permit per open statement.
    open: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Service {
    pub(crate) fn new(limits: Limits, secret: Option<SharedSecret>, shutdown: CancellationToken) -> Self {
        Self {
            limits,
            secret,
            open: Arc::new(Semaphore::new(limits.max_open.min(Semaphore::MAX_PERMITS))),
            shutdown,
        }
    }
}

#[tonic::async_trait]
impl PaymentStatements for Service {
    async fn create_statement(
        &self,
        request: Request<Streaming<types::Payment>>,
    ) -> Result<Response<types::PaymentStatement>, Status> {
        if let Some(secret) = &self.secret {
            secret
                .check(request.metadata(), Code::PermissionDenied)
                .inspect_err(log_rejection)?;
        }
        // Does not wait for a permit: the number of waiting calls would have no limit.
        let permit = Arc::clone(&self.open)
            .try_acquire_owned()
            .map_err(|_| too_many_streams(self.limits.max_open))?;
        let receiving = collect(request.into_inner(), self.limits);
        let statement = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => return Err(Status::unavailable("the payments server is shutting down")),
            received = timeout(self.limits.max_time, receiving) => {
                let received = received.unwrap_or_else(|_| Err(total_timeout(self.limits.max_time)));
                received.inspect_err(log_rejection)?
            }
        };
        tracing::debug!(payments = statement.payments(), "rendering a statement");
        // Rendering a long statement takes tens of milliseconds, and must not block other calls.
        let data = tokio::task::spawn_blocking(move || statement.render())
            .await
            .map_err(|error| {
                tracing::error!(%error, "cannot render a statement");
                Status::internal("cannot render the statement")
            })?;
        let mut response = Response::new(types::PaymentStatement { data });
        response.extensions_mut().insert(UntilRead(Arc::new(permit)));
        Ok(response)
    }
}

/// Receives payments until the sender half-closes.
///
/// Waits for nothing but the next message, as unread data occupies the flow-control window of the whole
/// connection.
async fn collect(mut payments: Streaming<types::Payment>, limits: Limits) -> Result<Statement, Status> {
    let mut statement = Statement::new(limits.max_payments);
    loop {
        let next = timeout(limits.idle, payments.message())
            .await
            .map_err(|_| idle_timeout(limits.idle))?;
        match next? {
            Some(payment) => statement.push(payment)?,
            None => return Ok(statement),
        }
    }
}

impl From<InvalidPayment> for Status {
    fn from(rejection: InvalidPayment) -> Self {
        let message = rejection.to_string();
        match rejection.reason {
            Reason::TooMany { .. } => Self::resource_exhausted(message),
            _ => Self::invalid_argument(message),
        }
    }
}

/// Logs at `debug` only, so that invalid payments cannot fill the log.
fn log_rejection(status: &Status) {
    tracing::debug!(code = ?status.code(), message = status.message(), "rejected a call");
}

fn idle_timeout(idle: Duration) -> Status {
    Status::deadline_exceeded(format!(
        "received no payment and no end of the stream for {}",
        humantime::format_duration(idle)
    ))
}

fn total_timeout(max_time: Duration) -> Status {
    Status::deadline_exceeded(format!(
        "did not receive all payments within {}",
        humantime::format_duration(max_time)
    ))
}

fn too_many_streams(max_open: usize) -> Status {
    Status::unavailable(format!(
        "too many open statements: the limit is {max_open}; try again"
    ))
}
