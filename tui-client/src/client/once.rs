//! What is done exactly once, though an answer may be lost: it is asked for again with the same id.
//!
//! Owns when something is asked again, and how long. Only a casino that keeps to ids is asked again, and whether it does
//! is known before anything is sent to it: another would do it twice.

use std::{mem, ops::ControlFlow, time::Duration};

use awesomestock_proto::feeds;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tonic::Request;
use uuid::Uuid;

use super::{CALL_DEADLINE, Client, Failure, Order, Seat, SeatEnd, known, wire::Feeds};
use crate::app::{
    connection::retry_after_ms,
    event::{Answer, Call, OrderResult, StreamEvent},
};

/// How long something that was not answered is asked for again, from its first time on.
pub const RETRY_FOR: Duration = Duration::from_secs(60);

/// What is said of an order with a limit, where the casino would pass over it.
pub(crate) const NO_LIMITS: &str = "this casino keeps to no limits; nothing was ordered";

/// How one time of asking ended.
enum Tried<T> {
    /// It is known what became of it; or it is not, and asking again would be wrong.
    Known(Result<T, Failure>),
    /// Nothing was sent.
    NotSent(Failure),
    /// It was sent, to a casino that keeps to ids, and not answered.
    Unanswered(Failure),
}

/// An order's answer, and the seat it came to.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub result: OrderResult,
    /// The seat.
    pub seat: Seat,
    /// Where further orders go.
    pub orders: mpsc::Sender<Order>,
}

impl Client {
    /// Takes a seat for `order`, sends it, and waits for its answer. What is not answered is sent again on another seat,
    /// for [`RETRY_FOR`]. `sent`: it was sent before, to a casino that keeps to ids.
    ///
    /// # Errors
    ///
    /// When no answer came. Where nothing was sent the words do not say that its fate is open.
    pub async fn order_once(&self, order: Order, sent: bool) -> Result<Answered, Failure> {
        let why = sent.then(|| Failure::Unanswered("the table is lost".to_owned()));
        let mut asking = Asking::new(order.id, why, self.addresses.are_several(), Instant::now());
        loop {
            let tried = self.try_order(order, asking.is_open()).await;
            match asking.after(tried, Instant::now()) {
                ControlFlow::Break(known) => return known,
                ControlFlow::Continue(pause) => sleep(pause).await,
            }
        }
    }

    /// Makes a payment.
    pub(super) async fn pay_once(&self, call: Call) -> Result<Answer, Failure> {
        let id = Uuid::now_v7();
        let mut asking = Asking::new(id, None, self.addresses.are_several(), Instant::now());
        loop {
            let tried = self.try_to_pay(call, id, asking.is_open()).await;
            match asking.after(tried, Instant::now()) {
                ControlFlow::Break(known) => return known,
                ControlFlow::Continue(pause) => sleep(pause).await,
            }
        }
    }

    async fn try_order(&self, order: Order, again: bool) -> Tried<Answered> {
        let (mut seat, orders) = match self.sit_down().await {
            Ok(seated) => seated,
            // Its fate will not be told here, however often it is asked.
            Err(Failure::Refused(why)) if again => {
                let why = format!("no answer came, and now there is no seat: {why}");
                return Tried::Known(Err(Failure::Unanswered(why)));
            }
            Err(failure) => return Tried::NotSent(failure),
        };
        let ids = seat.keeps_to_ids();
        if again && !ids {
            return Tried::Known(Err(not_to_ids()));
        }
        if order.limit.is_some() && !seat.keeps_limits() {
            return Tried::NotSent(Failure::Refused(NO_LIMITS.to_owned()));
        }
        if orders.try_send(order).is_err() {
            return Tried::NotSent(Failure::Unanswered("the table is lost".to_owned()));
        }
        let failure = match timeout(CALL_DEADLINE, result_of(&mut seat)).await {
            Ok(Ok(result)) => return Tried::Known(Ok(Answered { result, seat, orders })),
            Ok(Err(failure)) => failure,
            Err(_) => {
                seat.give_up();
                Failure::overdue(CALL_DEADLINE)
            }
        };
        unanswered(failure, ids)
    }

    async fn try_to_pay(&self, call: Call, id: Uuid, again: bool) -> Tried<Answer> {
        let (position, ids) = match self.keeps_to_ids().await {
            Ok(asked) => asked,
            Err(failure) => return Tried::NotSent(failure),
        };
        if again && !ids {
            return Tried::Known(Err(not_to_ids()));
        }
        let casino = self.addresses.casino(position);
        let paying = async {
            match call {
                Call::Withdraw(tokens) => self.withdraw(casino, tokens, id).await,
                Call::BuyTokens(dollars) => self.buy_tokens(casino, dollars, id).await,
                _ => Err(Failure::nonsense("no payment")),
            }
        };
        let paid = timeout(CALL_DEADLINE, paying).await;
        match paid.unwrap_or_else(|_| Err(Failure::overdue(CALL_DEADLINE))) {
            Err(failure @ Failure::Unanswered(_)) => {
                self.addresses.move_on(position);
                unanswered(failure, ids)
            }
            known => Tried::Known(known),
        }
    }

    /// The position of an address that answers, and whether the casino there executes what carries the same id once.
    async fn keeps_to_ids(&self) -> Result<(usize, bool), Failure> {
        let wallet = self.addresses.ask(CALL_DEADLINE, |mut casino| {
            let mut request = Request::new(self.user());
            let name = tonic::metadata::MetadataValue::from_static(feeds::IDS);
            request.metadata_mut().insert(feeds::KEY, name);
            async move { known(casino.get_wallet(request).await) }
        });
        let (position, wallet) = wallet.await?;
        let ids = wallet.is_some_and(|wallet| Feeds::granted(wallet.metadata()).ids);
        Ok((position, ids))
    }
}

/// What is asked until it is known what became of it.
struct Asking {
    /// Why it is not known by now; `None` before it was sent.
    open: Option<Failure>,
    attempt: u32,
    /// There is another address to ask at: the first time, at once.
    elsewhere: bool,
    until: Option<Instant>,
    /// Keeps those who lost the same casino from coming back all at once.
    jitter: u64,
}

impl Asking {
    /// For what has this `id`; `open` is why it is not known, if it was sent before.
    fn new(id: Uuid, open: Option<Failure>, elsewhere: bool, now: Instant) -> Self {
        Self {
            open,
            attempt: 0,
            elsewhere,
            until: now.checked_add(RETRY_FOR),
            jitter: id.as_u64_pair().1,
        }
    }

    /// It was sent before.
    fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// What is known by `now`, or how long to wait before it is asked for again.
    fn after<T>(&mut self, tried: Tried<T>, now: Instant) -> ControlFlow<Result<T, Failure>, Duration> {
        let why = match (tried, self.open.take()) {
            (Tried::Known(known), _) => return ControlFlow::Break(known),
            (Tried::NotSent(why), None) => {
                return ControlFlow::Break(Err(Failure::NotSent(why.into_words())));
            }
            (Tried::NotSent(_), Some(why)) | (Tried::Unanswered(why), _) => why,
        };
        if mem::take(&mut self.elsewhere) {
            self.open = Some(why);
            return ControlFlow::Continue(Duration::ZERO);
        }
        self.attempt = self.attempt.saturating_add(1);
        let pause = u64::try_from(retry_after_ms(self.attempt, self.jitter)).unwrap_or(0);
        let pause = Duration::from_millis(pause);
        if now.checked_add(pause) >= self.until {
            return ControlFlow::Break(Err(why));
        }
        self.open = Some(why);
        ControlFlow::Continue(pause)
    }
}

/// The first result that is told at `seat`.
async fn result_of(seat: &mut Seat) -> Result<OrderResult, Failure> {
    loop {
        match seat.next().await {
            Ok(StreamEvent::Result(result)) => return Ok(result),
            Ok(_) => {}
            Err(SeatEnd::Closed) => {
                return Err(Failure::Unanswered("the casino has closed the table".to_owned()));
            }
            Err(SeatEnd::Lost(why) | SeatEnd::Refused(why)) => {
                return Err(Failure::Unanswered(format!("the table is lost: {why}")));
            }
        }
    }
}

fn unanswered<T>(why: Failure, ids: bool) -> Tried<T> {
    if ids {
        Tried::Unanswered(why)
    } else {
        Tried::Known(Err(why))
    }
}

/// Why something is not asked for again.
fn not_to_ids() -> Failure {
    let why = "no answer came, and the casino that is there now would do it again";
    Failure::Unanswered(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(why: &str) -> Failure {
        Failure::Unanswered(why.to_owned())
    }

    #[test]
    fn what_was_not_sent_is_not_asked_for_again() {
        let mut asking = Asking::new(Uuid::nil(), None, true, Instant::now());
        let told = asking.after::<()>(Tried::NotSent(open("no route")), Instant::now());
        let expected = Err(Failure::NotSent("no route".to_owned()));
        assert_eq!(told, ControlFlow::Break(expected));
    }

    #[test]
    fn what_is_known_is_not_asked_for_again() {
        for known in [Ok(7), Err(Failure::Refused("no".to_owned())), Err(open("old"))] {
            let mut asking = Asking::new(Uuid::nil(), Some(open("lost")), true, Instant::now());
            let told = asking.after(Tried::Known(known.clone()), Instant::now());
            assert_eq!(told, ControlFlow::Break(known));
        }
    }

    #[test]
    fn what_is_open_is_asked_for_elsewhere_at_once_and_then_with_pauses() {
        let mut asking = Asking::new(Uuid::nil(), None, true, Instant::now());
        let mut after = || asking.after::<()>(Tried::Unanswered(open("lost")), Instant::now());
        assert_eq!(after(), ControlFlow::Continue(Duration::ZERO));
        assert!(matches!(after(), ControlFlow::Continue(pause) if pause > Duration::from_millis(100)));
    }

    #[test]
    fn what_is_open_is_asked_for_again_more_and_more_seldom_and_for_a_while() {
        let start = Instant::now();
        let mut asking = Asking::new(Uuid::nil(), None, false, start);
        let (mut now, mut pauses) = (start, Vec::new());
        let why = loop {
            let tried: Tried<()> = if pauses.is_empty() {
                Tried::Unanswered(open("lost"))
            } else {
                Tried::NotSent(open("no route"))
            };
            match asking.after(tried, now) {
                ControlFlow::Continue(pause) => pauses.push(pause),
                ControlFlow::Break(known) => break known,
            }
            assert!(asking.is_open());
            now += pauses[pauses.len() - 1];
        };
        assert_eq!(
            why,
            Err(open("lost")),
            "its fate is what matters, not the last try"
        );
        assert!(pauses.is_sorted() && pauses.len() > 5, "{pauses:?}");
        assert!(now - start < RETRY_FOR && now - start > RETRY_FOR / 2);
    }
}
