//! The client of the payments server.
//!
//! Owns how a player's payments get there and what its failures mean here. The channel connects when it is needed, so
//! a payments server that was down is used again as soon as it is up.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use awesomestock_proto::{
    credentials::{SharedSecret, Shows},
    payment_statements::payment_statements_client::PaymentStatementsClient,
    tls, types,
};
use futures_util::{
    Stream, StreamExt, future,
    stream::{self, BoxStream},
};
use tokio::{sync::oneshot, time::timeout};
use tonic::{Code, Status, service::interceptor::InterceptedService, transport::Channel};

use crate::{identity::PlayerName, reader::Reader, record::Payment, store::StoreError, unread, wire};

/// How long the payments server may take nothing and answer nothing. A long history takes longer than that, and goes on.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(30);

/// How long a statement may take, however it goes on.
const STATEMENT_MAX: Duration = Duration::from_secs(5 * 60);

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StatementError {
    /// The payments could not be read.
    #[error("the payments could not be read")]
    Read(#[source] StoreError),
    /// No connection, or one that was lost.
    #[error("the payments server cannot be reached")]
    Unreachable,
    /// It answers, but takes no statement now.
    #[error("the payments server is busy or stopping: try again")]
    Busy,
    /// No answer in time.
    #[error("the payments server did not answer within {deadline:?}")]
    Overdue {
        /// How long it had, since it last took a payment.
        deadline: Duration,
    },
    /// More payments, or a longer text, than the payments server or this one takes.
    #[error("the payments are more than one statement holds")]
    TooLong,
    /// The payments server wants another secret than this casino's.
    #[error("the payments server does not take this casino for its own")]
    Unwelcome,
    /// The payments server did not like what it was sent.
    #[error("the payments server refused the payments")]
    Refused,
}

/// The payments server: the way there, and what it wants to be shown.
#[derive(Debug, Clone)]
pub struct PaymentsServer {
    /// Leads there.
    pub channel: Channel,
    /// The secret that it shares with this casino, if it has one.
    pub secret: Option<SharedSecret>,
}

impl From<Channel> for PaymentsServer {
    /// One that answers anybody.
    fn from(channel: Channel) -> Self {
        Self {
            channel,
            secret: None,
        }
    }
}

/// Asks for statements.
#[derive(Debug, Clone)]
pub(crate) struct Statements {
    client: PaymentStatementsClient<InterceptedService<Channel, Shows>>,
    reader: Reader,
    deadline: Duration,
}

impl Statements {
    /// Statements by the payments server, of the payments that `reader` reads.
    pub(crate) fn new(payments: PaymentsServer, reader: Reader) -> Self {
        let shows = Shows::secret(payments.secret.as_ref());
        Self {
            client: PaymentStatementsClient::with_interceptor(payments.channel, shows),
            reader,
            deadline: STATEMENT_DEADLINE,
        }
    }

    /// The statement of `player`. The payments are read as fast as they are taken, a page at a time.
    pub(crate) async fn statement(
        &self,
        player: PlayerName,
    ) -> Result<types::PaymentStatement, StatementError> {
        let (failing, failed) = oneshot::channel();
        let payments = until_failure(self.reader.payments(player.clone()), failing);
        let taken = Arc::new(AtomicU64::new(0));
        let taking = Arc::clone(&taken);
        let payments = payments.map(move |payment| {
            taking.fetch_add(1, Ordering::Relaxed);
            wire::payment(&player, payment)
        });
        let mut client = self.client.clone();
        let call = async {
            tokio::select! {
                // A sender that is gone has failed at nothing.
                Ok(error) = failed => Err(StatementError::Read(error)),
                answer = client.create_statement(payments) => match answer {
                    Ok(statement) => Ok(statement.into_inner()),
                    Err(status) => Err(meaning(&status, self.deadline)),
                },
            }
        };
        tokio::select! {
            answered = timeout(STATEMENT_MAX, call) => answered.unwrap_or(Err(self.overdue())),
            // Kept here, it is there also while the answer is waited for.
            true = unread::standstill(Arc::downgrade(&taken), self.deadline) => Err(self.overdue()),
        }
    }

    fn overdue(&self) -> StatementError {
        StatementError::Overdue {
            deadline: self.deadline,
        }
    }
}

/// What a status of the payments server means to those who asked for a statement, for which it had `deadline`.
pub(crate) fn meaning(status: &Status, deadline: Duration) -> StatementError {
    let tls = tls::meaning(status);
    tracing::warn!(code = ?status.code(), message = ?status.message(), tls, "no statement");
    match status.code() {
        // It has answered, so it is there: as many statements are open as it takes, or it is stopping.
        Code::Unavailable if status.source().is_none() => StatementError::Busy,
        Code::Unavailable | Code::Cancelled | Code::Unknown | Code::Aborted => StatementError::Unreachable,
        Code::DeadlineExceeded => StatementError::Overdue { deadline },
        Code::ResourceExhausted | Code::OutOfRange => StatementError::TooLong,
        Code::Unauthenticated | Code::PermissionDenied => StatementError::Unwelcome,
        _ => StatementError::Refused,
    }
}

/// The payments up to a failure, which goes to `failing`.
///
/// After it the stream neither ends nor goes on: an end would be taken for the end of the payments, and a statement
/// written of half of them.
fn until_failure(
    payments: BoxStream<'static, Result<Payment, StoreError>>,
    failing: oneshot::Sender<StoreError>,
) -> impl Stream<Item = Payment> + Send + 'static {
    stream::unfold((payments, failing), |(mut payments, failing)| async {
        match payments.next().await? {
            Ok(payment) => Some((payment, (payments, failing))),
            Err(error) => {
                // Nobody listens when the call is over.
                let _ = failing.send(error);
                future::pending().await
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use awesomestock_proto::transport;
    use tokio_stream::wrappers::ReceiverStream;

    use super::*;
    use crate::{quantity::UnixMillis, store::scripted::Scripted};

    #[tokio::test]
    async fn a_failed_read_is_told_and_does_not_look_like_the_end() {
        let payment = Payment {
            number: 1,
            amount: -1,
            at: UnixMillis(0),
        };
        let (sender, payments) = tokio::sync::mpsc::channel(2);
        sender.send(Ok(payment)).await.unwrap();
        sender
            .send(Err(StoreError::new("read", "the disk is gone")))
            .await
            .unwrap();
        drop(sender);
        let (failing, failed) = oneshot::channel();
        let mut payments = Box::pin(until_failure(ReceiverStream::new(payments).boxed(), failing));
        assert_eq!(payments.next().await, Some(payment));
        tokio::select! {
            biased;
            ended = payments.next() => panic!("{ended:?}"),
            error = failed => assert_eq!(error.unwrap().to_string(), "could not read"),
        }
    }

    #[test]
    fn statuses_of_the_payments_server() {
        for (code, expected) in [
            (Code::Unavailable, Code::Unavailable),
            (Code::Unknown, Code::Unavailable),
            (Code::Cancelled, Code::Unavailable),
            (Code::DeadlineExceeded, Code::DeadlineExceeded),
            (Code::ResourceExhausted, Code::ResourceExhausted),
            (Code::OutOfRange, Code::ResourceExhausted),
            (Code::Unauthenticated, Code::Unavailable),
            (Code::PermissionDenied, Code::Unavailable),
            (Code::InvalidArgument, Code::Internal),
            (Code::Unimplemented, Code::Internal),
        ] {
            let status: Status = meaning(&Status::new(code, "x"), STATEMENT_DEADLINE).into();
            assert_eq!(status.code(), expected, "{code:?}");
        }
    }

    #[tokio::test]
    async fn a_payments_server_that_hangs_is_given_up() {
        let (statements, _accepted_by_nobody) = statements(Duration::from_millis(20));
        let error = statements
            .statement(PlayerName::new("ann").unwrap())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the payments server did not answer within 20ms"
        );
    }

    /// Statements of no payments, by a server that is there and never answers.
    fn statements(deadline: Duration) -> (Statements, transport::PipeIncoming) {
        let (channel, incoming) = transport::pipe();
        let reader = Reader::new(Arc::new(Scripted(Arc::default())));
        (
            Statements {
                deadline,
                ..Statements::new(channel.into(), reader)
            },
            incoming,
        )
    }
}
