//! Executes orders and payments exactly once: repeats an unanswered request with the same ID. This requires a casino that
//! deduplicates by request ID, which is checked before sending. Repeats cancellations too.

use std::mem;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::time::Duration;

use awesomestock_proto::capabilities::Capabilities;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::{CALL_DEADLINE, Client, GambleSession, Order, RequestError, supported, wallet_request, within};
use crate::app::commands::request::Request;
use crate::app::connection::retry_after_ms;
use crate::app::event::{OrderResult, Response, StreamEvent};
use crate::app::portfolio::open_orders::RestingOrder;

/// Time for which an unanswered request is repeated.
pub(crate) const RETRY_FOR: Duration = Duration::from_secs(60);

enum Attempt<T> {
    /// Final: the outcome is known, or repeating is unsafe.
    Known(Result<T, RequestError>),
    NotSent(RequestError),
    /// Sent to a casino that deduplicates, but not answered.
    Unanswered(RequestError),
}

#[derive(Debug)]
pub(crate) enum OrderAnswer {
    Result(OrderResult),
    /// It was accepted to rest. If the order is repeated, its current state.
    Accepted(RestingOrder),
}

impl OrderAnswer {
    /// Returns the answer that `event` is, if any.
    pub(crate) fn from_event(event: StreamEvent) -> Option<Self> {
        match event {
            StreamEvent::Result(result) => Some(Self::Result(result)),
            StreamEvent::Accepted { order, .. } => Some(Self::Accepted(order)),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct AnsweredOrder {
    pub answer: OrderAnswer,
    pub(crate) session: GambleSession,
    pub orders: mpsc::Sender<Order>,
}

impl Client {
    /// Opens a session, sends `order` and waits for its answer. Repeats it in another session for `RETRY_FOR`.
    /// `sent`: the order was sent before, to a casino that deduplicates. An order that names no account gets the one in use
    /// before it is first sent. Fails if no answer arrives. [`RequestError::NotSent`] if nothing was sent.
    pub(crate) async fn submit_order(&self, order: Order, sent: bool) -> Result<AnsweredOrder, RequestError> {
        let why = sent.then(|| RequestError::Unanswered("connection lost".to_owned()));
        let retry = RetryState::new(order.id, why, self.endpoints.has_several(), Instant::now());
        let account = &OnceLock::new();
        retry.run(|again| self.try_order(order, account, again)).await
    }

    pub(super) async fn submit_payment(&self, call: Request) -> Result<Response, RequestError> {
        let id = Uuid::now_v7();
        let retry = RetryState::new(id, None, self.endpoints.has_several(), Instant::now());
        let account = &OnceLock::new();
        let pay = |again| self.try_payment(call, id, account, again);
        retry.run(pay).await
    }

    /// Cancels a resting order. An unanswered call is repeated for `RETRY_FOR`: that changes nothing.
    pub(super) async fn cancel_order(&self, id: Uuid) -> Result<Response, RequestError> {
        let retry = RetryState::new(id, None, self.endpoints.has_several(), Instant::now());
        let cancel = |_| async move {
            match self.cancel(id).await {
                Err(failure @ RequestError::Unanswered(_)) => Attempt::Unanswered(failure),
                known => Attempt::Known(known),
            }
        };
        retry.run(cancel).await
    }

    async fn try_order(
        &self,
        order: Order,
        account: &OnceLock<Option<i64>>,
        again: bool,
    ) -> Attempt<AnsweredOrder> {
        let (mut session, orders) = match self.open_session().await {
            Ok(opened) => opened,
            // No answer can be received any more.
            Err(RequestError::Rejected(why)) if again => {
                let why = format!("no answer, and the session was rejected: {why}");
                return Attempt::Known(Err(RequestError::Unanswered(why)));
            }
            Err(failure) => return Attempt::NotSent(failure),
        };
        let ids = session.supports_request_ids();
        if again && !ids {
            return Attempt::Known(Err(no_dedup()));
        }
        if let Err(why) = session.check_support(order.terms) {
            return Attempt::NotSent(RequestError::Rejected(why.to_owned()));
        }
        if !again && order.round.is_none() && session.names_accounts() {
            match timeout(CALL_DEADLINE, account_of(&mut session)).await {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => return Attempt::NotSent(failure),
                Err(_) => return Attempt::NotSent(RequestError::timeout(CALL_DEADLINE)),
            }
        }
        // The first attempt decides.
        let round = *account.get_or_init(|| order.round.or_else(|| session.account().filter(|_| !again)));
        if orders.try_send(Order { round, ..order }).is_err() {
            return Attempt::NotSent(RequestError::Unanswered("connection lost".to_owned()));
        }
        let failure = match timeout(CALL_DEADLINE, result_of(&mut session)).await {
            Ok(Ok(answer)) => {
                return Attempt::Known(Ok(AnsweredOrder {
                    answer,
                    session,
                    orders,
                }));
            }
            Ok(Err(failure)) => failure,
            Err(_) => {
                session.abandon();
                RequestError::timeout(CALL_DEADLINE)
            }
        };
        unanswered(failure, ids)
    }

    async fn try_payment(
        &self,
        call: Request,
        id: Uuid,
        account: &OnceLock<Option<i64>>,
        again: bool,
    ) -> Attempt<Response> {
        let (position, PaymentSupport { ids, account: in_use }) = match self.supported_requests().await {
            Ok(asked) => asked,
            Err(failure) => return Attempt::NotSent(failure),
        };
        if again && !ids {
            return Attempt::Known(Err(no_dedup()));
        }
        let casino = self.endpoints.casino(position);
        // The first attempt decides.
        let round = *account.get_or_init(|| in_use);
        let payment = async {
            match call {
                Request::Withdraw(tokens) => self.withdraw(casino, tokens, id, round).await,
                Request::BuyTokens(dollars) => self.buy_tokens(casino, dollars, id, round).await,
                _ => Err(RequestError::invalid_response("no payment")),
            }
        };
        match within(CALL_DEADLINE, payment).await {
            Err(failure @ RequestError::Unanswered(_)) => {
                self.endpoints.rotate(position);
                unanswered(failure, ids)
            }
            known => Attempt::Known(known),
        }
    }

    /// Returns the position of a responding address, and what its casino supports.
    async fn supported_requests(&self) -> Result<(usize, PaymentSupport), RequestError> {
        let wallet = self.endpoints.call(CALL_DEADLINE, |mut casino| {
            let request = wallet_request(self.user());
            async move { supported(casino.get_wallet(request).await) }
        });
        let (position, wallet) = wallet.await?;
        let support = wallet.map(|wallet| PaymentSupport {
            ids: Capabilities::from_metadata(wallet.metadata()).ids,
            account: wallet.get_ref().round,
        });
        Ok((position, support.unwrap_or_default()))
    }
}

/// What a casino supports for a call that changes something.
#[derive(Debug, Clone, Copy, Default)]
struct PaymentSupport {
    /// It deduplicates by request ID.
    ids: bool,
    /// The account in use, if it checks the one that a request names.
    account: Option<i64>,
}

struct RetryState {
    /// Reason why the outcome is unknown; `None` before anything was sent.
    last_error: Option<RequestError>,
    attempt: u32,
    /// The next retry goes to another address, without delay.
    switch_endpoint: bool,
    deadline: Option<Instant>,
    /// Spreads clients that lost the same casino.
    jitter: u64,
}

impl RetryState {
    fn new(id: Uuid, last_error: Option<RequestError>, switch_endpoint: bool, now: Instant) -> Self {
        Self {
            last_error,
            attempt: 0,
            switch_endpoint,
            deadline: now.checked_add(RETRY_FOR),
            jitter: id.as_u64_pair().1,
        }
    }

    async fn run<T, F>(mut self, attempt: impl Fn(bool) -> F) -> Result<T, RequestError>
    where
        F: Future<Output = Attempt<T>>,
    {
        loop {
            let result = attempt(self.was_sent()).await;
            match self.after(result, Instant::now()) {
                ControlFlow::Break(known) => return known,
                ControlFlow::Continue(pause) => sleep(pause).await,
            }
        }
    }

    fn was_sent(&self) -> bool {
        self.last_error.is_some()
    }

    /// Returns the result after an attempt, or the delay before the next.
    fn after<T>(
        &mut self,
        attempt: Attempt<T>,
        now: Instant,
    ) -> ControlFlow<Result<T, RequestError>, Duration> {
        let why = match (attempt, self.last_error.take()) {
            (Attempt::Known(known), _) => return ControlFlow::Break(known),
            (Attempt::NotSent(why), None) => {
                return ControlFlow::Break(Err(RequestError::NotSent(why.to_string())));
            }
            (Attempt::NotSent(_), Some(why)) | (Attempt::Unanswered(why), _) => why,
        };
        if mem::take(&mut self.switch_endpoint) {
            self.last_error = Some(why);
            return ControlFlow::Continue(Duration::ZERO);
        }
        self.attempt = self.attempt.saturating_add(1);
        let pause = u64::try_from(retry_after_ms(self.attempt, self.jitter)).unwrap_or(0);
        let pause = Duration::from_millis(pause);
        if now.checked_add(pause) >= self.deadline {
            return ControlFlow::Break(Err(why));
        }
        self.last_error = Some(why);
        ControlFlow::Continue(pause)
    }
}

/// Waits until the account in use is known.
async fn account_of(session: &mut GambleSession) -> Result<(), RequestError> {
    while session.account().is_none() {
        let event = session.next().await;
        event.map_err(|end| RequestError::Unanswered(end.reason()))?;
    }
    Ok(())
}

async fn result_of(session: &mut GambleSession) -> Result<OrderAnswer, RequestError> {
    loop {
        let event = session.next().await;
        let event = event.map_err(|end| RequestError::Unanswered(end.reason()))?;
        if let Some(answer) = OrderAnswer::from_event(event) {
            return Ok(answer);
        }
    }
}

fn unanswered<T>(why: RequestError, ids: bool) -> Attempt<T> {
    if ids {
        Attempt::Unanswered(why)
    } else {
        Attempt::Known(Err(why))
    }
}

fn no_dedup() -> RequestError {
    let why = "no answer, and the casino now reached does not deduplicate requests";
    RequestError::Unanswered(why.to_owned())
}

#[cfg(test)]
mod tests {
    use awesomestock_proto::casino::Action;
    use prost::Message;

    use super::*;
    use crate::app::portfolio::money::Side;
    use crate::app::wire::WireFrame;
    use crate::client::Terms;
    use crate::solo::{self, SoloOptions};

    fn open(why: &str) -> RequestError {
        RequestError::Unanswered(why.to_owned())
    }

    #[tokio::test]
    async fn an_order_names_the_account_in_use_before_it_is_first_sent() {
        let folder = tempfile::tempdir().unwrap();
        let options = SoloOptions {
            tick: Duration::from_secs(3600),
            initial_price: Some(10),
            seed: Some(3),
            market: None,
            house: 0,
        };
        let (channel, servers) = solo::open(options, folder.path()).await.unwrap();
        let client = Client::new(channel, "anna".to_owned(), None);
        let mut wire = client.watch_wire(|| 0);
        let order = Order::new(Side::Buy, 1, Terms::Market);
        for (order, sent, expected) in [
            (order, false, Some(0)),
            (
                Order {
                    round: Some(7),
                    ..order
                },
                false,
                Some(7),
            ),
            (order, true, None),
        ] {
            client.submit_order(order, sent).await.unwrap();
            let action = loop {
                if let WireFrame::Sent(message) = wire.recv().await.unwrap().frame {
                    break Action::decode(message.kept.as_slice()).unwrap();
                }
            };
            assert_eq!((action.round, action.stocks_count), (expected, 1));
        }
        let Ok(Response::Wallet(wallet)) = client.call(Request::Holdings).await else {
            panic!("no wallet");
        };
        assert_eq!(wallet.round, Some(0));
        servers.close().await.unwrap();
    }

    #[test]
    fn an_unsent_request_is_not_repeated() {
        let mut retry = RetryState::new(Uuid::nil(), None, true, Instant::now());
        let result = retry.after::<()>(Attempt::NotSent(open("no route")), Instant::now());
        let expected = Err(RequestError::NotSent("no route".to_owned()));
        assert_eq!(result, ControlFlow::Break(expected));
    }

    #[test]
    fn a_known_outcome_is_final() {
        for known in [
            Ok(7),
            Err(RequestError::Rejected("no".to_owned())),
            Err(open("old")),
        ] {
            let mut retry = RetryState::new(Uuid::nil(), Some(open("lost")), true, Instant::now());
            let result = retry.after(Attempt::Known(known.clone()), Instant::now());
            assert_eq!(result, ControlFlow::Break(known));
        }
    }

    #[test]
    fn an_unanswered_request_is_first_repeated_elsewhere_at_once() {
        let mut retry = RetryState::new(Uuid::nil(), None, true, Instant::now());
        let mut after = || retry.after::<()>(Attempt::Unanswered(open("lost")), Instant::now());
        assert_eq!(after(), ControlFlow::Continue(Duration::ZERO));
        assert!(matches!(after(), ControlFlow::Continue(pause) if pause > Duration::from_millis(100)));
    }

    #[test]
    fn an_unanswered_request_is_repeated_with_growing_delays_until_the_time_limit() {
        let start = Instant::now();
        let mut retry = RetryState::new(Uuid::nil(), None, false, start);
        let (mut now, mut pauses) = (start, Vec::new());
        let why = loop {
            let attempt: Attempt<()> = if pauses.is_empty() {
                Attempt::Unanswered(open("lost"))
            } else {
                Attempt::NotSent(open("no route"))
            };
            match retry.after(attempt, now) {
                ControlFlow::Continue(pause) => pauses.push(pause),
                ControlFlow::Break(known) => break known,
            }
            assert!(retry.was_sent());
            now += pauses[pauses.len() - 1];
        };
        assert_eq!(
            why,
            Err(open("lost")),
            "the request's failure counts, not that of the last attempt"
        );
        assert!(pauses.is_sorted() && pauses.len() > 5, "{pauses:?}");
        assert!(now - start < RETRY_FOR && now - start > RETRY_FOR / 2);
    }
}
