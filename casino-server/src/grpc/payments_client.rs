//! The client of the payments server. Its channel connects on demand, so a restarted server is used at once.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use awesomestock_proto::auth::BearerInterceptor;
use awesomestock_proto::payment_statements::payment_statements_client::PaymentStatementsClient;
use awesomestock_proto::player::visible;
use awesomestock_proto::server::continue_trace;
use awesomestock_proto::{tls, types};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, future};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::config::payments_endpoint::PaymentsEndpoint;
use crate::domain::order::Payment;
use crate::domain::player::PlayerName;
use crate::grpc::convert;
use crate::store::StoreError;
use crate::store::outage::Outage;

/// Time limit for a call without progress. Long histories may take longer in total.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Checks for progress per [`STALL_TIMEOUT`].
const STALL_CHECKS: u32 = 6;

/// Time limit for a statement in total.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Maximum number of concurrent calls; more wait. Each may buffer a statement of 4 MiB.
const OPEN_MAX: usize = 32;

#[derive(Debug, Clone)]
pub(crate) struct PaymentsClient {
    client: PaymentStatementsClient<InterceptedService<Channel, BearerInterceptor>>,
    calls: Arc<Semaphore>,
    outage: Arc<Outage>,
}

impl PaymentsClient {
    pub(crate) fn new(payments: PaymentsEndpoint) -> Self {
        let interceptor = BearerInterceptor::secret(payments.secret.as_ref());
        Self {
            client: PaymentStatementsClient::with_interceptor(payments.channel, interceptor),
            calls: Arc::new(Semaphore::new(OPEN_MAX)),
            outage: Arc::default(),
        }
    }

    /// Requests the statement of `player` with these payments, oldest first.
    pub(crate) async fn statement(
        &self,
        player: PlayerName,
        payments: BoxStream<'static, Result<Payment, StoreError>>,
    ) -> Result<types::PaymentStatement, Status> {
        let Ok(Ok(_call)) = timeout(STALL_TIMEOUT, self.calls.acquire()).await else {
            return Err(busy());
        };
        let (error_sender, read_error) = oneshot::channel();
        let payments = stop_at_error(payments, error_sender);
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        let payments = payments.map(move |payment| {
            counter.fetch_add(1, Ordering::Relaxed);
            types::Payment {
                user: Some(types::User {
                    id: visible(player.as_str()).into_owned(),
                }),
                ..convert::payment(&player, payment)
            }
        });
        let mut request = Request::new(payments);
        continue_trace(request.metadata_mut());
        let mut client = self.client.clone();
        let call = async {
            tokio::select! {
                // A dropped sender means no error, and disables this branch.
                Ok(error) = read_error => Err(Status::from(error)),
                response = client.create_statement(request) => match response {
                    Ok(statement) => {
                        self.outage.log_success("the payments server works again");
                        Ok(statement.into_inner())
                    }
                    Err(status) => {
                        self.log_failure(&status);
                        Err(map_status(&status))
                    }
                },
            }
        };
        tokio::select! {
            result = timeout(TOTAL_TIMEOUT, call) => result.unwrap_or_else(|_| Err(timed_out())),
            // Also limits the wait for the response.
            () = stalled(&sent) => Err(timed_out()),
        }
    }

    fn log_failure(&self, status: &Status) {
        if let Some(more_failed) = self.outage.failed() {
            let tls = tls::explain(status);
            let (code, message) = (status.code(), status.message());
            tracing::warn!(?code, ?message, tls, more_failed, "the payments server failed");
        }
    }
}

/// Waits until the counter `sent` does not change for [`STALL_TIMEOUT`].
async fn stalled(sent: &AtomicU64) {
    let interval = STALL_TIMEOUT.checked_div(STALL_CHECKS).unwrap_or_default();
    let (mut last, mut unchanged) = (0, 0_u32);
    while unchanged < STALL_CHECKS {
        sleep(interval).await;
        let now = sent.load(Ordering::Relaxed);
        unchanged = if now == last {
            unchanged.saturating_add(1)
        } else {
            0
        };
        last = now;
    }
}

/// Returns the status of a call whose statement failed with `status`.
pub(crate) fn map_status(status: &Status) -> Status {
    match status.code() {
        // A status without a source comes from the server: it has too many open calls, or is stopping.
        Code::Unavailable if status.source().is_none() => busy(),
        Code::Unavailable | Code::Cancelled | Code::Unknown | Code::Aborted => {
            Status::unavailable("the payments server cannot be reached")
        }
        Code::DeadlineExceeded => timed_out(),
        // The payments or the statement exceed a size limit.
        Code::ResourceExhausted | Code::OutOfRange => {
            Status::resource_exhausted("there are too many payments for one statement")
        }
        Code::Unauthenticated | Code::PermissionDenied => {
            Status::unavailable("the payments server rejected this casino's secret")
        }
        _ => Status::internal("the payments server rejected the payments"),
    }
}

/// The server answers but accepts no statement now.
fn busy() -> Status {
    Status::unavailable("the payments server is busy or stopping: try again")
}

fn timed_out() -> Status {
    Status::deadline_exceeded(format!(
        "the payments server did not answer within {STALL_TIMEOUT:?}"
    ))
}

/// Returns the payments up to an error, which is sent to `error_sender`.
///
/// After an error the stream stays pending: an end would make the server write an incomplete statement.
fn stop_at_error(
    payments: BoxStream<'static, Result<Payment, StoreError>>,
    error_sender: oneshot::Sender<StoreError>,
) -> impl Stream<Item = Payment> + Send + 'static {
    stream::unfold((payments, error_sender), |(mut payments, error_sender)| async {
        match payments.next().await? {
            Ok(payment) => Some((payment, (payments, error_sender))),
            Err(error) => {
                let _ = error_sender.send(error);
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
    use crate::testkit::values;

    #[tokio::test]
    async fn a_failed_read_is_reported_and_does_not_end_the_stream() {
        let payment = values::payment(1, -1, 0);
        let (sender, payments) = tokio::sync::mpsc::channel(2);
        sender.send(Ok(payment)).await.unwrap();
        sender
            .send(Err(StoreError::new("read", "the disk is gone")))
            .await
            .unwrap();
        drop(sender);
        let (error_sender, read_error) = oneshot::channel();
        let mut payments = Box::pin(stop_at_error(ReceiverStream::new(payments).boxed(), error_sender));
        assert_eq!(payments.next().await, Some(payment));
        tokio::select! {
            biased;
            ended = payments.next() => panic!("{ended:?}"),
            error = read_error => assert_eq!(error.unwrap().to_string(), "could not read"),
        }
    }

    #[test]
    fn statuses_of_the_payments_server_are_mapped() {
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
            let status = map_status(&Status::new(code, "x"));
            assert_eq!(status.code(), expected, "{code:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_stream_is_not_stalled_and_a_stopped_one_is() {
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        let check = tokio::spawn(async move { stalled(&counter).await });
        for _ in 0..10 {
            sleep(STALL_TIMEOUT * 4 / 5).await;
            sent.fetch_add(1, Ordering::Relaxed);
        }
        assert!(!check.is_finished());
        check.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_payments_server_that_never_answers_times_out() {
        let (channel, _never_accepted) = transport::pipe();
        let client = PaymentsClient::new(channel.into());
        let status = client
            .statement(values::player("ann"), stream::empty().boxed())
            .await
            .unwrap_err();
        assert_eq!(status.message(), "the payments server did not answer within 30s");
    }
}
