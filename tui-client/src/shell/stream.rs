//! A seat at the table, as a task: from taking it to its end.
//!
//! Owns the two ends of the way between the loop and the table, and the order of things: wait, sit down, tell what
//! comes. Whether to come back is the game's to say.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    app::event::StreamEvent,
    client::{self, Client, Failure, Order, SeatEnd},
};

/// Things told that may wait for the loop. While it is full, the casino's messages wait where they are.
const TOLD_QUEUE: usize = 256;

/// The loop's end of a seat. Once it is dropped, nothing is heard of the seat.
#[derive(Debug)]
pub(super) struct Seat {
    /// Until the player leaves.
    orders: Option<(Orders, DropGuard)>,
    /// What comes of the seat.
    pub(super) told: mpsc::Receiver<StreamEvent>,
}

/// Where orders go.
#[derive(Debug)]
enum Orders {
    /// Nowhere yet: the seat is still to be taken.
    Coming(oneshot::Receiver<mpsc::Sender<Order>>),
    /// To the table.
    Open(mpsc::Sender<Order>),
}

impl Orders {
    /// The way to the table, once there is a seat. The game hears of the seat after it is there.
    fn open(&mut self) -> Option<&mpsc::Sender<Order>> {
        if let Self::Coming(coming) = self {
            *self = Self::Open(coming.try_recv().ok()?);
        }
        match self {
            Self::Open(orders) => Some(orders),
            Self::Coming(_) => None,
        }
    }
}

/// The task's end of a seat.
#[derive(Debug)]
pub(super) struct Way {
    orders: oneshot::Sender<mpsc::Sender<Order>>,
    told: mpsc::Sender<StreamEvent>,
    /// Nobody wants the seat any more: ends the wait for it.
    unwanted: CancellationToken,
}

impl Seat {
    /// Both ends of a seat that is still to be taken.
    pub(super) fn new() -> (Self, Way) {
        let (opening, orders) = oneshot::channel();
        let (teller, told) = mpsc::channel(TOLD_QUEUE);
        let unwanted = CancellationToken::new();
        let seat = Self {
            orders: Some((Orders::Coming(orders), unwanted.clone().drop_guard())),
            told,
        };
        let way = Way {
            orders: opening,
            told: teller,
            unwanted,
        };
        (seat, way)
    }

    /// Whether the order could be handed on; `false`: the table takes no more. After leaving, or where the seat has
    /// ended and its end is about to be told, there is nothing to hand it to, and that is known.
    pub(super) fn send(&mut self, order: Order) -> bool {
        let Some(orders) = self.orders.as_mut().and_then(|(orders, _)| orders.open()) else {
            return true;
        };
        !matches!(orders.try_send(order), Err(mpsc::error::TrySendError::Full(_)))
    }

    /// Takes no more orders; what was ordered is still answered.
    pub(super) fn leave(&mut self) {
        self.orders = None;
    }
}

/// Takes a seat after a while and tells what comes of it, until the casino ends it or nobody listens.
pub(super) async fn play(client: Client, after: Duration, way: Way) {
    let Way {
        orders,
        told,
        unwanted,
    } = way;
    let sitting_down = async {
        tokio::time::sleep(after).await;
        client.sit_down().await
    };
    let seat = tokio::select! {
        () = unwanted.cancelled() => return,
        seat = sitting_down => seat,
    };
    let end = match seat {
        Ok((seat, queue)) => {
            // After leaving nobody takes it, and so it is dropped: the stream is half-closed.
            let _ = orders.send(queue);
            listen(seat, &told).await
        }
        Err(Failure::Refused(why)) => Some(StreamEvent::Barred(why)),
        Err(failure) => Some(StreamEvent::Lost(failure.into_words())),
    };
    if let Some(end) = end {
        tell(&told, end).await;
    }
}

/// Tells what the casino sends until nothing more comes; gives back how it ended, unless nobody listens.
async fn listen(mut seat: client::Seat, told: &mpsc::Sender<StreamEvent>) -> Option<StreamEvent> {
    let (extended, ids) = (seat.is_extended(), seat.keeps_to_ids());
    let others = StreamEvent::Tells(seat.told_of_others());
    if let Some(address) = seat.address() {
        tell(told, StreamEvent::At(address.to_owned())).await;
    }
    let mut heard = tell(told, StreamEvent::Joined { extended, ids }).await && tell(told, others).await;
    while heard {
        match seat.next().await {
            Ok(event) => heard = tell(told, event).await,
            Err(SeatEnd::Closed) => {
                return Some(StreamEvent::Lost("the casino has closed the table".to_owned()));
            }
            Err(SeatEnd::Lost(why)) => return Some(StreamEvent::Lost(why)),
            Err(SeatEnd::Refused(why)) => return Some(StreamEvent::Barred(why)),
        }
    }
    None
}

/// Whether somebody listens.
async fn tell(told: &mpsc::Sender<StreamEvent>, event: StreamEvent) -> bool {
    told.send(event).await.is_ok()
}
