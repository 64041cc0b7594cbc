//! The `PaymentStatements` service: from a stream of payments to the text of a statement.
//!
//! Owns the border to the wire: wire messages end here and refusals become statuses here. It guards what a call may
//! cost in time and memory, and decides nothing about a statement.

use std::time::Duration;

use awesomestock_proto::{
    credentials::SharedSecret, payment_statements::payment_statements_server::PaymentStatements, types,
};
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming, metadata::MetadataMap};

use crate::{
    Limits,
    statement::{Payment, Reason, Refusal, Statement},
};

/// Answers the calls of `PaymentStatements` until `shutdown`.
#[derive(Debug)]
pub(crate) struct Service {
    limits: Limits,
    /// What a caller has to show, if anything.
    secret: Option<SharedSecret>,
    /// One permit for each statement that may be open.
    open: Semaphore,
    shutdown: CancellationToken,
}

impl Service {
    pub(crate) fn new(limits: Limits, secret: Option<SharedSecret>, shutdown: CancellationToken) -> Self {
        Self {
            limits,
            secret,
            open: Semaphore::new(limits.max_open.min(Semaphore::MAX_PERMITS)),
            shutdown,
        }
    }
}

impl Service {
    /// Turns away who does not show the secret, if there is one.
    fn look_at_secret(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let Some(secret) = &self.secret else {
            return Ok(());
        };
        match secret.is_shown_in(metadata) {
            Ok(Some(true)) => Ok(()),
            Ok(Some(false)) => Err(Status::permission_denied("this is not the secret of this server")),
            Ok(None) => Err(Status::unauthenticated(
                "this server wants its secret (metadata authorization: Bearer SECRET)",
            )),
            Err(bad) => Err(Status::unauthenticated(bad.to_string())),
        }
    }
}

#[tonic::async_trait]
impl PaymentStatements for Service {
    async fn create_statement(
        &self,
        request: Request<Streaming<types::Payment>>,
    ) -> Result<Response<types::PaymentStatement>, Status> {
        self.look_at_secret(request.metadata()).inspect_err(log_refusal)?;
        // A permit is never waited for: those who wait would be without a bound.
        let _permit = self
            .open
            .try_acquire()
            .map_err(|_| too_many_open(self.limits.max_open))?;
        let taking_in = take_in(request.into_inner(), self.limits);
        let statement = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => return Err(stopping()),
            taken_in = timeout(self.limits.max_time, taking_in) => {
                let taken_in = taken_in.unwrap_or_else(|_| Err(slow(self.limits.max_time)));
                taken_in.inspect_err(log_refusal)?
            }
        };
        tracing::debug!(payments = statement.payments(), "writing a statement");
        // A long statement takes tens of milliseconds to write, for which no other call should have to wait.
        let data = tokio::task::spawn_blocking(move || statement.render())
            .await
            .map_err(|error| {
                tracing::error!(%error, "a statement could not be written");
                Status::internal("the statement could not be written")
            })?;
        Ok(Response::new(types::PaymentStatement { data }))
    }
}

/// Takes in payments until the sender has half-closed.
///
/// Between two messages nothing is waited for but the next message: what lies unread in HTTP/2 is paid for by the
/// whole connection.
async fn take_in(mut payments: Streaming<types::Payment>, limits: Limits) -> Result<Statement, Status> {
    let mut statement = Statement::new(limits.max_payments);
    loop {
        let next = timeout(limits.idle, payments.message())
            .await
            .map_err(|_| quiet(limits.idle))?;
        match next? {
            Some(payment) => statement.push(from_wire(payment))?,
            None => return Ok(statement),
        }
    }
}

/// A payment as it was sent.
pub(crate) fn from_wire(payment: types::Payment) -> Payment {
    Payment {
        player: payment.user.map(|user| user.id),
        amount: payment.amount,
        number: payment.number,
        created_unix_ms: payment.created_unix_ms,
    }
}

/// The one place where a refusal becomes a status.
impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal.reason {
            Reason::NoUser
            | Reason::Name(_)
            | Reason::OtherPlayer
            | Reason::ZeroAmount
            | Reason::Number(_)
            | Reason::TotalTooLarge => Self::invalid_argument(message),
            Reason::TooMany { .. } => Self::resource_exhausted(message),
        }
    }
}

/// Not above `debug`: whoever sends refusable payments could otherwise fill the log.
fn log_refusal(status: &Status) {
    tracing::debug!(code = ?status.code(), message = status.message(), "a statement ended early");
}

fn quiet(idle: Duration) -> Status {
    Status::deadline_exceeded(format!(
        "no payment and no end of the stream for {}, the longest this server waits",
        humantime::format_duration(idle)
    ))
}

fn slow(max_time: Duration) -> Status {
    Status::deadline_exceeded(format!(
        "not all payments had come after {}, the longest that this server takes them in",
        humantime::format_duration(max_time)
    ))
}

fn too_many_open(max_open: usize) -> Status {
    Status::unavailable(format!(
        "as many statements are open as this server writes at once, {max_open}; try again"
    ))
}

fn stopping() -> Status {
    Status::unavailable("the payments server is stopping")
}
