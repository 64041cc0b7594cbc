//! The addresses of one casino: in which order they are asked, and which one is played at.
//!
//! Owns that order: from the one played at, round, each once. What may be asked again, and when, is decided by those
//! who ask.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use awesomestock_proto::{
    casino::casino_client::CasinoClient,
    credentials::{PlayerKey, Shows},
};
use tokio::time::timeout;
use tonic::{Status, service::interceptor::InterceptedService, transport::Channel};

use super::failure::{self, Failure};

/// How long one of several addresses is waited for, before the next one is asked.
const PATIENCE: Duration = Duration::from_secs(3);

/// The calls of the contract, with the player's key.
pub(super) type Casino = CasinoClient<InterceptedService<Channel, Shows>>;

/// A way to a casino.
#[derive(Debug, Clone)]
pub struct Way {
    /// The address as it is shown: HOST:PORT.
    pub name: String,
    /// It is gone without TLS.
    pub in_plaintext: bool,
    /// Where it leads. Nothing needs to be connected yet.
    pub channel: Channel,
}

/// An address, and what is known of it.
#[derive(Debug)]
struct Address {
    name: String,
    casino: Casino,
    /// It is asked without TLS and has not answered yet: perhaps that is why.
    may_want_tls: AtomicBool,
}

impl Address {
    fn of(way: Way, key: Option<&PlayerKey>) -> Self {
        Self {
            name: way.name,
            casino: CasinoClient::with_interceptor(way.channel, Shows::key(key)),
            may_want_tls: AtomicBool::new(way.in_plaintext),
        }
    }

    /// What a call here failed of.
    fn failure(&self, status: Status) -> Failure {
        if failure::is_of_transport(&status) && self.may_want_tls.load(Ordering::Relaxed) {
            Failure::at_first(status)
        } else {
            self.note_answer();
            status.into()
        }
    }

    fn note_answer(&self) {
        self.may_want_tls.store(false, Ordering::Relaxed);
    }
}

/// All addresses of a casino, at least one.
#[derive(Debug)]
pub(super) struct Addresses {
    first: Address,
    others: Vec<Address>,
    /// The position of the one played at.
    at: AtomicUsize,
}

impl Addresses {
    /// To begin with, the first one is played at. `key` is shown to all of them.
    pub(super) fn new(first: Way, others: Vec<Way>, key: Option<&PlayerKey>) -> Self {
        Self {
            first: Address::of(first, key),
            others: others.into_iter().map(|way| Address::of(way, key)).collect(),
            at: AtomicUsize::new(0),
        }
    }

    /// There is another one to move on to.
    pub(super) fn are_several(&self) -> bool {
        !self.others.is_empty()
    }

    /// The calls of one of them.
    pub(super) fn casino(&self, position: usize) -> Casino {
        self.get(position).casino.clone()
    }

    /// Asks at the address played at; where no answer comes within `deadline`, at the next one, once round. Gives back
    /// the answer with the position it came from, which is then the one played at.
    ///
    /// # Errors
    ///
    /// When a casino refuses: the others are the same one. Or when none answers.
    pub(super) async fn ask<T, F>(
        &self,
        deadline: Duration,
        call: impl Fn(Casino) -> F,
    ) -> Result<(usize, T), Failure>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let deadline = self.patience(deadline);
        let mut unanswered = Vec::new();
        for position in self.round() {
            let address = self.get(position);
            let failure = match timeout(deadline, call(address.casino.clone())).await {
                Ok(Ok(answer)) => {
                    address.note_answer();
                    self.at.store(position, Ordering::Relaxed);
                    return Ok((position, answer));
                }
                Ok(Err(status)) => address.failure(status),
                Err(_) => Failure::overdue(deadline),
            };
            match failure {
                Failure::Unanswered(why) => unanswered.push((&address.name, why)),
                known => {
                    self.at.store(position, Ordering::Relaxed);
                    return Err(known);
                }
            }
        }
        Err(Failure::Unanswered(none_of(&unanswered)))
    }

    /// How long one address is waited for: where it is not the only one, not for the whole `deadline`.
    fn patience(&self, deadline: Duration) -> Duration {
        if self.are_several() {
            deadline.min(PATIENCE)
        } else {
            deadline
        }
    }

    /// The address at `position` has gone silent: the next round begins with the one after it. Nothing, if somebody has
    /// moved on already.
    pub(super) fn move_on(&self, position: usize) {
        let next = self.after(position, 1);
        // Lost to somebody else's move: that one holds.
        let _ = self
            .at
            .compare_exchange(position, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// All positions, from the one played at on.
    fn round(&self) -> impl Iterator<Item = usize> + use<'_> {
        let at = self.at.load(Ordering::Relaxed);
        (0..self.count()).map(move |steps| self.after(at, steps))
    }

    fn after(&self, position: usize, steps: usize) -> usize {
        let count = self.count();
        position.saturating_add(steps).checked_rem(count).unwrap_or(0)
    }

    fn count(&self) -> usize {
        self.others.len().saturating_add(1)
    }

    fn get(&self, position: usize) -> &Address {
        let other = position.checked_sub(1).and_then(|index| self.others.get(index));
        other.unwrap_or(&self.first)
    }
}

/// A seat's place among the addresses.
#[derive(Debug)]
pub(super) struct Place {
    addresses: Arc<Addresses>,
    position: usize,
}

impl Place {
    pub(super) fn new(addresses: &Arc<Addresses>, position: usize) -> Self {
        Self {
            addresses: Arc::clone(addresses),
            position,
        }
    }

    /// Its address, where it could have been another.
    pub(super) fn name(&self) -> Option<&str> {
        let address = self.addresses.get(self.position);
        self.addresses.are_several().then_some(address.name.as_str())
    }

    /// Nothing more comes from here.
    pub(super) fn give_up(&self) {
        self.addresses.move_on(self.position);
    }
}

/// In words, why none of them answered.
fn none_of(unanswered: &[(&String, String)]) -> String {
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

    fn addresses(count: usize) -> Addresses {
        let way = |number: usize| Way {
            name: format!("casino{number}:1"),
            in_plaintext: true,
            channel: transport::pipe().0,
        };
        Addresses::new(way(0), (1..count).map(way).collect(), None)
    }

    /// A round in which each address says what `said` has for it: what came of it, and how many were asked.
    async fn round(
        addresses: &Addresses,
        said: Vec<Result<i32, Status>>,
    ) -> (Result<(usize, i32), Failure>, usize) {
        let (count, said) = (said.len(), Mutex::new(said.into_iter()));
        let asked = addresses.ask(PATIENCE, |_| {
            let said = said.lock().unwrap().next().unwrap();
            async move { said }
        });
        let outcome = asked.await;
        (outcome, count - said.lock().unwrap().len())
    }

    fn gone() -> Result<i32, Status> {
        Err(Status::unavailable("gone"))
    }

    #[tokio::test]
    async fn each_is_asked_once_from_the_one_played_at_on() {
        let three = addresses(3);
        let (told, asked) = round(&three, vec![gone(), Ok(7)]).await;
        assert_eq!((told, asked), (Ok((1, 7)), 2));
        assert_eq!(round(&three, vec![Ok(8)]).await.0, Ok((1, 8)));
        three.move_on(1);
        three.move_on(1);
        assert_eq!(round(&three, vec![gone(), Ok(9)]).await.0, Ok((0, 9)));
        let (told, asked) = round(&three, vec![gone(), gone(), gone()]).await;
        let words = "casino0:1: gone; casino1:1: gone; casino2:1: gone".to_owned();
        assert_eq!((told, asked), (Err(Failure::Unanswered(words)), 3));
    }

    #[tokio::test]
    async fn a_refusal_is_one_of_all_of_them() {
        let two = addresses(2);
        let no = Err(Status::permission_denied("not yours"));
        let (told, asked) = round(&two, vec![no]).await;
        assert!(matches!(told, Err(Failure::Refused(_))), "{told:?}");
        assert_eq!(asked, 1);
    }

    #[tokio::test]
    async fn one_of_several_that_hangs_is_not_waited_for_as_long_as_the_only_one() {
        let [short, long] = [1, 60].map(Duration::from_secs);
        let (one, two) = (addresses(1), addresses(2));
        assert_eq!([one.patience(short), one.patience(long)], [short, long]);
        assert_eq!([two.patience(short), two.patience(long)], [short, PATIENCE]);
        let never = |_| std::future::pending::<Result<(), _>>();
        let told = two.ask(Duration::from_millis(1), never).await;
        assert!(matches!(told, Err(Failure::Unanswered(_))), "{told:?}");
    }

    #[tokio::test]
    async fn tls_is_guessed_at_only_until_the_first_answer() {
        let cut = || {
            Status::from_error(Box::new(std::io::Error::from(
                std::io::ErrorKind::ConnectionReset,
            )))
        };
        let one = addresses(1);
        let said = one.first.failure(cut()).into_words();
        assert!(said.contains("https://"), "{said}");
        one.first.note_answer();
        let said = one.first.failure(cut()).into_words();
        assert!(!said.contains("https"), "{said}");
    }
}
