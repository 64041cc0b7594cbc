//! The endpoints of one casino, tried in turn from the current one.

use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use awesomestock_proto::auth::{BearerInterceptor, PlayerKey};
use awesomestock_proto::casino::casino_client::CasinoClient;
use tokio::time::timeout;
use tonic::Status;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use super::error::{self, RequestError};
use super::wire::{TappedChannel, WireTap};

/// Longest wait for one of several endpoints before trying the next.
const FAILOVER_AFTER: Duration = Duration::from_secs(3);

pub(super) type Casino = CasinoClient<InterceptedService<TappedChannel, BearerInterceptor>>;

#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// HOST:PORT.
    pub name: String,
    pub(crate) in_plaintext: bool,
    pub channel: Channel,
}

#[derive(Debug)]
struct EndpointState {
    name: String,
    casino: Casino,
    /// Plaintext, and no answer yet: the server may expect TLS.
    may_want_tls: AtomicBool,
}

impl EndpointState {
    fn new(endpoint: Endpoint, key: Option<&PlayerKey>, tap: &Arc<WireTap>) -> Self {
        let channel = TappedChannel {
            channel: endpoint.channel,
            tap: Arc::clone(tap),
        };
        Self {
            name: endpoint.name,
            casino: CasinoClient::with_interceptor(channel, BearerInterceptor::player_key(key)),
            may_want_tls: AtomicBool::new(endpoint.in_plaintext),
        }
    }

    fn failure(&self, status: Status) -> RequestError {
        if error::is_of_transport(&status) && self.may_want_tls.load(Ordering::Relaxed) {
            RequestError::on_connect(status)
        } else {
            self.record_answer();
            status.into()
        }
    }

    fn record_answer(&self) {
        self.may_want_tls.store(false, Ordering::Relaxed);
    }
}

/// The endpoints of a casino, at least one.
#[derive(Debug)]
pub(super) struct Endpoints {
    all: Vec<EndpointState>,
    current: AtomicUsize,
    tap: Arc<WireTap>,
}

impl Endpoints {
    pub(super) fn new(first: Endpoint, others: Vec<Endpoint>, key: Option<&PlayerKey>) -> Self {
        let tap = Arc::default();
        Self {
            all: iter::once(first)
                .chain(others)
                .map(|endpoint| EndpointState::new(endpoint, key, &tap))
                .collect(),
            current: AtomicUsize::new(0),
            tap,
        }
    }

    pub(super) fn tap(&self) -> &WireTap {
        &self.tap
    }

    pub(super) fn has_several(&self) -> bool {
        self.all.len() > 1
    }

    /// Returns the name of the address at `position`, if there are several.
    pub(super) fn name(&self, position: usize) -> Option<&str> {
        let address = self.all.get(position).filter(|_| self.has_several());
        address.map(|address| address.name.as_str())
    }

    /// Calls the current address and, if there is no answer, each other address once. `deadline` applies to each. Returns
    /// the position that answered, which becomes the current one. Fails if a casino rejects the call, because all share
    /// the same state, or if none answers.
    pub(super) async fn call<T, F>(
        &self,
        deadline: Duration,
        call: impl Fn(Casino) -> F,
    ) -> Result<(usize, T), RequestError>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let deadline = self.timeout_each(deadline);
        let mut unanswered = Vec::new();
        let current = self.current.load(Ordering::Relaxed);
        let from_current = self.all.iter().enumerate().cycle().skip(current);
        for (position, address) in from_current.take(self.all.len()) {
            let failure = match timeout(deadline, call(address.casino.clone())).await {
                Ok(Ok(answer)) => {
                    address.record_answer();
                    self.current.store(position, Ordering::Relaxed);
                    return Ok((position, answer));
                }
                Ok(Err(status)) => address.failure(status),
                Err(_) => RequestError::timeout(deadline),
            };
            match failure {
                RequestError::Unanswered(why) => unanswered.push((&address.name, why)),
                known => {
                    self.current.store(position, Ordering::Relaxed);
                    return Err(known);
                }
            }
        }
        Err(RequestError::Unanswered(join_failures(&unanswered)))
    }

    fn timeout_each(&self, deadline: Duration) -> Duration {
        if self.has_several() {
            deadline.min(FAILOVER_AFTER)
        } else {
            deadline
        }
    }

    /// Moves on from the address at `position`, unless another task already has.
    pub(super) fn rotate(&self, position: usize) {
        let next = position
            .saturating_add(1)
            .checked_rem(self.all.len())
            .unwrap_or(0);
        // On failure another task has moved on.
        let _ = self
            .current
            .compare_exchange(position, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

fn join_failures(unanswered: &[(&String, String)]) -> String {
    match unanswered {
        [(_, why)] => why.clone(),
        all => {
            let each: Vec<String> = all.iter().map(|(name, why)| format!("{name}: {why}")).collect();
            each.join("; ")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use awesomestock_proto::transport;

    use super::*;

    fn endpoints(count: usize) -> Endpoints {
        let endpoint = |number: usize| Endpoint {
            name: format!("casino{number}:1"),
            in_plaintext: true,
            channel: transport::pipe().0,
        };
        Endpoints::new(endpoint(0), (1..count).map(endpoint).collect(), None)
    }

    /// Calls endpoints that answer with `answers`; returns the result and the number of calls.
    async fn round(
        endpoints: &Endpoints,
        answers: Vec<Result<i32, Status>>,
    ) -> (Result<(usize, i32), RequestError>, usize) {
        let (count, answers) = (answers.len(), Mutex::new(answers.into_iter()));
        let calls = endpoints.call(FAILOVER_AFTER, |_| {
            let answers = answers.lock().unwrap().next().unwrap();
            async move { answers }
        });
        let outcome = calls.await;
        (outcome, count - answers.lock().unwrap().len())
    }

    fn unavailable() -> Result<i32, Status> {
        Err(Status::unavailable("gone"))
    }

    #[tokio::test]
    async fn each_address_is_tried_once_from_the_current_one_on() {
        let three = endpoints(3);
        let (result, calls) = round(&three, vec![unavailable(), Ok(7)]).await;
        assert_eq!((result, calls), (Ok((1, 7)), 2));
        assert_eq!(round(&three, vec![Ok(8)]).await.0, Ok((1, 8)));
        three.rotate(1);
        three.rotate(1);
        assert_eq!(round(&three, vec![unavailable(), Ok(9)]).await.0, Ok((0, 9)));
        let (result, calls) = round(&three, vec![unavailable(), unavailable(), unavailable()]).await;
        let text = "casino0:1: gone; casino1:1: gone; casino2:1: gone".to_owned();
        assert_eq!((result, calls), (Err(RequestError::Unanswered(text)), 3));
    }

    #[tokio::test]
    async fn a_rejection_ends_the_round() {
        let two = endpoints(2);
        let no = Err(Status::permission_denied("not yours"));
        let (result, calls) = round(&two, vec![no]).await;
        assert!(matches!(result, Err(RequestError::Rejected(_))), "{result:?}");
        assert_eq!(calls, 1);
    }

    #[tokio::test]
    async fn one_of_several_addresses_has_a_shorter_timeout() {
        let [short, long] = [1, 60].map(Duration::from_secs);
        let (one, two) = (endpoints(1), endpoints(2));
        assert_eq!([one.timeout_each(short), one.timeout_each(long)], [short, long]);
        assert_eq!(
            [two.timeout_each(short), two.timeout_each(long)],
            [short, FAILOVER_AFTER]
        );
        let never = |_| std::future::pending::<Result<(), _>>();
        let result = two.call(Duration::from_millis(1), never).await;
        assert!(matches!(result, Err(RequestError::Unanswered(_))), "{result:?}");
    }

    #[tokio::test]
    async fn tls_is_suggested_only_before_the_first_answer() {
        let cut = || {
            Status::from_error(Box::new(std::io::Error::from(
                std::io::ErrorKind::ConnectionReset,
            )))
        };
        let one = endpoints(1);
        let error = one.all[0].failure(cut()).to_string();
        assert!(error.contains("https://"), "{error}");
        one.all[0].record_answer();
        let error = one.all[0].failure(cut()).to_string();
        assert!(!error.contains("https"), "{error}");
    }
}
