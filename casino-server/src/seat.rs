//! A seat: one open Gamble stream.
//!
//! Owns what its player has asked and not been answered, and the order of what they are told. It decides nothing and
//! has no task of its own: it is polled by whoever writes the stream, and is woken by the inbound stream, the ledger,
//! the table, or the word to stop.

mod outstanding;

#[cfg(test)]
mod tests;

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use awesomestock_proto::casino::Action;
use futures_util::StreamExt;
use tokio_stream::Stream;
use tonic::Status;

use self::outstanding::{Answer, Outstanding};
use crate::{
    account::Account,
    company::{Neighbour, Presence},
    feeds::Feeds,
    gate::Permits,
    identity::PlayerName,
    ledger::{Books, LedgerError},
    status,
    table::Watcher,
    wire::{self, Said},
};

/// Actions of one seat that are taken in one turn, before other seats have theirs.
const TURN_MAX: usize = 32;

/// One open Gamble stream, as the messages it sends.
///
/// Actions are read as soon as they arrive, never only when an earlier one has been answered: small messages left
/// unread in the transport would make it end the connection. Answers come in the order of the actions, each exactly
/// once. Of prices only the newest counts. When the client half-closes, what is outstanding is answered and the
/// stream ends with OK; at the word to stop, or after the client has read nothing for too long, with UNAVAILABLE.
pub(crate) struct Seat<In> {
    /// The actions; `None` once no more will be read.
    inbound: Option<In>,
    outstanding: Outstanding,
    /// Who acted last.
    known: Option<PlayerName>,
    table: Watcher,
    feeds: Feeds,
    /// What the player is told of their wallet on joining, after the first price.
    joining: Option<Box<Account>>,
    /// Why the stream ends once everything is answered, unless in order.
    ending: Option<Status>,
    phase: Phase,
    /// What is told of the others, to a client that asked for it.
    neighbour: Option<Box<Neighbour>>,
    _presence: Presence,
}

/// Where in its life a seat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No price has been sent yet.
    Joining,
    /// Prices and answers.
    Playing,
    /// Told to stop: answers only.
    Stopping,
    /// Nothing more is sent.
    Ended,
}

impl<In> Seat<In> {
    /// A seat that hears of prices as `table` and whose actions are decided in `books`, as far as `permits` allows them;
    /// `joining` is the wallet, for a client that asked for it, `neighbour` tells of the others, and `presence` tells the
    /// others of the seat.
    pub(crate) fn new(
        inbound: In,
        table: Watcher,
        (books, permits): (&Books, Permits),
        (feeds, joining): (Feeds, Option<Account>),
        (presence, neighbour): (Presence, Option<Neighbour>),
    ) -> Self {
        Self {
            inbound: Some(inbound),
            outstanding: Outstanding::new(permits, books.clone()),
            known: None,
            table,
            feeds,
            joining: joining.map(Box::new),
            ending: None,
            phase: Phase::Joining,
            neighbour: neighbour.map(Box::new),
            _presence: presence,
        }
    }

    fn look_for_stop(&mut self) {
        if self.phase != Phase::Stopping && self.table.has_stopped() {
            self.phase = Phase::Stopping;
            self.inbound = None;
            self.ending = Some(status::stopping());
        }
    }

    /// The newest price if it has not been told, or else the wallet on joining if it has not, or else news of the others.
    ///
    /// All of these are few, so answers do not wait for long.
    fn news(&mut self) -> Option<Said> {
        if self.phase == Phase::Stopping {
            return None;
        }
        if let Some(price) = self.table.news() {
            self.phase = Phase::Playing;
            return Some(price.to(self.feeds));
        }
        if let Some(wallet) = self.joining.take() {
            return Some(wire::joining_wallet(&wallet));
        }
        self.neighbour.as_mut()?.news()
    }

    /// What is to be told now, if anything is.
    ///
    /// An answer that is there by now may be of a trade at a price that is announced by now, so the price is looked
    /// for after the answer, and told before it.
    fn say(&mut self, cx: &mut Context<'_>) -> Option<Result<Said, Status>> {
        let answered = self.outstanding.poll_answered(cx);
        if let Some(news) = self.news() {
            return Some(Ok(news));
        }
        if answered.is_pending() {
            return None;
        }
        let feeds = self.feeds;
        let said = self.outstanding.take(|answer| tell(&answer, feeds))?;
        if said.is_err() {
            self.phase = Phase::Ended;
        }
        Some(said)
    }
}

/// The message for an answer, or the end of a stream whose ledger is gone.
fn tell(answer: &Answer<'_>, feeds: Feeds) -> Result<Said, Status> {
    match answer {
        Answer::Malformed(bad) => Ok(wire::refused(bad, feeds)),
        Answer::Denied(why) => Ok(wire::refused(why, feeds)),
        Answer::Decided(Ok(decision)) => Ok(wire::decided(decision, feeds)),
        Answer::Decided(Err(error @ LedgerError::Unanswered)) => Err(LedgerError::clone(error).into()),
        Answer::Decided(Err(error)) => Ok(wire::refused(error, feeds)),
    }
}

impl<In: Stream<Item = Result<Action, Status>> + Unpin> Seat<In> {
    /// Takes in what has arrived, as far as there is room, and no more than is this seat's turn.
    fn read(&mut self, cx: &mut Context<'_>) {
        let mut taken = 0_usize;
        while let Some(inbound) = &mut self.inbound
            && self.outstanding.poll_room(cx).is_ready()
        {
            if taken == TURN_MAX {
                // After those who are ready by now.
                cx.waker().wake_by_ref();
                return;
            }
            taken = taken.saturating_add(1);
            match inbound.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(action))) => {
                    let submission = wire::command(&action, &mut self.known);
                    self.outstanding.push(submission);
                }
                Poll::Ready(Some(Err(status))) => {
                    // A message that could not be decoded, or a connection that is gone and will hear of nothing.
                    tracing::debug!(%status, "a seat's actions ended");
                    self.inbound = None;
                    self.ending = Some(status);
                }
                Poll::Ready(None) => self.inbound = None,
                Poll::Pending => return,
            }
        }
    }
}

impl<In: Stream<Item = Result<Action, Status>> + Unpin> Stream for Seat<In> {
    type Item = Result<Said, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let seat = &mut *self;
        if seat.phase == Phase::Ended {
            return Poll::Ready(None);
        }
        seat.table.give_sign();
        if let Some(unread) = seat.table.overdue() {
            seat.phase = Phase::Ended;
            return Poll::Ready(Some(Err(status::unread(unread))));
        }
        seat.look_for_stop();
        // What is ready goes out first: it is told in one go, and only then is more looked for.
        if let Some(said) = seat.say(cx) {
            return Poll::Ready(Some(said));
        }
        loop {
            seat.read(cx);
            seat.outstanding.decide(cx);
            if let Some(said) = seat.say(cx) {
                return Poll::Ready(Some(said));
            }
            if seat.inbound.is_none() && seat.outstanding.is_empty() {
                seat.phase = Phase::Ended;
                return Poll::Ready(seat.ending.take().map(Err));
            }
            let of_others = seat.neighbour.as_mut().is_some_and(|others| others.wait(cx));
            let news = seat.table.wait(cx) || of_others;
            let stop = seat.phase != Phase::Stopping && seat.table.has_stopped();
            if !stop && (!news || seat.phase == Phase::Stopping) {
                return Poll::Pending;
            }
            seat.look_for_stop();
        }
    }
}
