//! Executes orders and payments exactly once: repeats an unanswered request with the same ID. This requires a casino that
//! deduplicates by request ID, which is checked before sending. Repeats cancellations too.

use std::mem;
use std::sync::OnceLock;
use std::time::Duration;

use awesomestock_proto::capabilities::Capabilities;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::{CALL_DEADLINE, Client, GambleSession, Order, RequestError, within};
use crate::app::commands::request::Request;
use crate::app::connection::retry_after_ms;
use crate::app::event::{OrderResult, Response, StreamEvent};
use crate::app::portfolio::open_orders::RestingOrder;

/// Time for which an unanswered request is repeated.
pub(crate) const RETRY_FOR: Duration = Duration::from_secs(60);

/// A failed attempt.
enum Failure {
    /// The outcome is known, or repeating is unsafe.
    Final(RequestError),
    NotSent(RequestError),
    /// Sent to a casino that deduplicates, but not answered.
    Unanswered(RequestError),
}

impl Failure {
    /// Returns the failure of a request that was sent to a casino, which deduplicates if `ids` is set.
    fn after_send(why: RequestError, ids: bool) -> Self {
        match why {
            RequestError::Unanswered(_) if ids => Self::Unanswered(why),
            known => Self::Final(known),
        }
    }
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
            let cancelled = self.cancel(id).await;
            cancelled.map_err(|why| Failure::after_send(why, true))
        };
        retry.run(cancel).await
    }

    async fn try_order(
        &self,
        order: Order,
        account: &OnceLock<Option<i64>>,
        again: bool,
    ) -> Result<AnsweredOrder, Failure> {
        let opened = self.open_session().await;
        let (mut session, orders) = opened.map_err(|failure| match failure {
            // No answer can be received any more.
            RequestError::Rejected(why) if again => {
                let why = format!("no answer, and the session was rejected: {why}");
                Failure::Final(RequestError::Unanswered(why))
            }
            failure => Failure::NotSent(failure),
        })?;
        let ids = session.supports_request_ids();
        if again && !ids {
            return Err(no_dedup());
        }
        session
            .check_support(order.terms)
            .map_err(|why| Failure::NotSent(RequestError::Rejected(why.to_owned())))?;
        if !again && order.round.is_none() && session.names_accounts() {
            let known = within(CALL_DEADLINE, account_of(&mut session)).await;
            known.map_err(Failure::NotSent)?;
        }
        // The first attempt decides.
        let round = *account.get_or_init(|| order.round.or_else(|| session.account().filter(|_| !again)));
        orders
            .try_send(Order { round, ..order })
            .map_err(|_| Failure::NotSent(RequestError::Unanswered("connection lost".to_owned())))?;
        let answer = match timeout(CALL_DEADLINE, result_of(&mut session)).await {
            Ok(answer) => answer,
            Err(_) => {
                session.abandon();
                Err(RequestError::timeout(CALL_DEADLINE))
            }
        };
        Ok(AnsweredOrder {
            answer: answer.map_err(|why| Failure::after_send(why, ids))?,
            session,
            orders,
        })
    }

    async fn try_payment(
        &self,
        call: Request,
        id: Uuid,
        account: &OnceLock<Option<i64>>,
        again: bool,
    ) -> Result<Response, Failure> {
        let (position, (casino, wallet)) = self.wallet().await.map_err(Failure::NotSent)?;
        let metadata = wallet.as_ref().map(tonic::Response::metadata);
        let ids = metadata.is_some_and(|metadata| Capabilities::from_metadata(metadata).ids);
        if again && !ids {
            return Err(no_dedup());
        }
        // The first attempt decides. A casino that names no account in use does not check that of a request.
        let round = *account.get_or_init(|| wallet?.get_ref().round);
        let payment = async {
            match call {
                Request::Withdraw(tokens) => self.withdraw(casino, tokens, id, round).await,
                Request::BuyTokens(dollars) => self.buy_tokens(casino, dollars, id, round).await,
                _ => Err(RequestError::invalid_response("no payment")),
            }
        };
        within(CALL_DEADLINE, payment).await.map_err(|why| {
            if matches!(why, RequestError::Unanswered(_)) {
                self.endpoints.rotate(position);
            }
            Failure::after_send(why, ids)
        })
    }
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
        F: Future<Output = Result<T, Failure>>,
    {
        loop {
            match attempt(self.was_sent()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => sleep(self.pause_after(failure, Instant::now())?).await,
            }
        }
    }

    fn was_sent(&self) -> bool {
        self.last_error.is_some()
    }

    /// Returns the delay before the next attempt, or the failure of the request.
    fn pause_after(&mut self, failure: Failure, now: Instant) -> Result<Duration, RequestError> {
        let why = match (failure, self.last_error.take()) {
            (Failure::Final(why), _) => return Err(why),
            (Failure::NotSent(why), None) => return Err(RequestError::NotSent(why.to_string())),
            (Failure::NotSent(_), Some(why)) | (Failure::Unanswered(why), _) => why,
        };
        if mem::take(&mut self.switch_endpoint) {
            self.last_error = Some(why);
            return Ok(Duration::ZERO);
        }
        self.attempt = self.attempt.saturating_add(1);
        let pause = u64::try_from(retry_after_ms(self.attempt, self.jitter)).unwrap_or(0);
        let pause = Duration::from_millis(pause);
        if now.checked_add(pause) >= self.deadline {
            return Err(why);
        }
        self.last_error = Some(why);
        Ok(pause)
    }
}

/// Waits until the account in use is known.
async fn account_of(session: &mut GambleSession) -> Result<(), RequestError> {
    while session.account().is_none() {
        next_event(session).await?;
    }
    Ok(())
}

async fn result_of(session: &mut GambleSession) -> Result<OrderAnswer, RequestError> {
    loop {
        if let Some(answer) = OrderAnswer::from_event(next_event(session).await?) {
            return Ok(answer);
        }
    }
}

async fn next_event(session: &mut GambleSession) -> Result<StreamEvent, RequestError> {
    let event = session.next().await;
    event.map_err(|end| RequestError::Unanswered(end.reason()))
}

fn no_dedup() -> Failure {
    let why = "no answer, and the casino now reached does not deduplicate requests";
    Failure::Final(RequestError::Unanswered(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::future;

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
        let result = retry.pause_after(Failure::NotSent(open("no route")), Instant::now());
        assert_eq!(result, Err(RequestError::NotSent("no route".to_owned())));
    }

    #[tokio::test]
    async fn a_known_outcome_is_final() {
        for known in [
            Ok(7),
            Err(RequestError::Rejected("no".to_owned())),
            Err(open("old")),
        ] {
            let retry = RetryState::new(Uuid::nil(), Some(open("lost")), true, Instant::now());
            let attempt = |_| future::ready(known.clone().map_err(Failure::Final));
            assert_eq!(retry.run(attempt).await, known);
        }
    }

    #[test]
    fn an_unanswered_request_is_first_repeated_elsewhere_at_once() {
        let mut retry = RetryState::new(Uuid::nil(), None, true, Instant::now());
        let mut pause = || retry.pause_after(Failure::Unanswered(open("lost")), Instant::now());
        assert_eq!(pause(), Ok(Duration::ZERO));
        assert!(matches!(pause(), Ok(pause) if pause > Duration::from_millis(100)));
    }

    #[test]
    fn an_unanswered_request_is_repeated_with_growing_delays_until_the_time_limit() {
        let start = Instant::now();
        let mut retry = RetryState::new(Uuid::nil(), None, false, start);
        let (mut now, mut pauses) = (start, Vec::new());
        let why = loop {
            let failure = if pauses.is_empty() {
                Failure::Unanswered(open("lost"))
            } else {
                Failure::NotSent(open("no route"))
            };
            match retry.pause_after(failure, now) {
                Ok(pause) => pauses.push(pause),
                Err(why) => break why,
            }
            assert!(retry.was_sent());
            now += pauses[pauses.len() - 1];
        };
        assert_eq!(
            why,
            open("lost"),
            "the request's failure counts, not that of the last attempt"
        );
        assert!(pauses.is_sorted() && pauses.len() > 5, "{pauses:?}");
        assert!(now - start < RETRY_FOR && now - start > RETRY_FOR / 2);
    }
}
