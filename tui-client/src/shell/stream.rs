//! A seat at the table, as a task: from taking it to its end.
//!
//! Owns nothing but the order of things: wait, sit down, tell what comes. Whether to come back is the game's to say.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{Event, event::StreamEvent},
    client::{Client, Order, Seat, SeatEnd},
};

/// Takes a seat after a while and tells `events` what comes of it. The seat is left in order when `orders` end;
/// `leaving` ends the wait for one.
pub(super) async fn play(
    client: Client,
    after: Duration,
    orders: mpsc::Receiver<Order>,
    events: mpsc::Sender<Event>,
    leaving: CancellationToken,
) {
    let sitting_down = async {
        tokio::time::sleep(after).await;
        client.sit_down(orders).await
    };
    let seat = tokio::select! {
        () = leaving.cancelled() => return,
        seat = sitting_down => seat,
    };
    let why = match seat {
        Ok(seat) => listen(seat, &events).await,
        Err(failure) => Some(failure.to_string()),
    };
    if let Some(why) = why {
        tell(&events, StreamEvent::Lost(why)).await;
    }
}

/// Tells what the casino sends until nothing more comes; says why, unless nobody listens.
async fn listen(mut seat: Seat, events: &mpsc::Sender<Event>) -> Option<String> {
    let extended = seat.is_extended();
    let mut told = tell(events, StreamEvent::Joined { extended }).await;
    while told {
        match seat.next().await {
            Ok(event) => told = tell(events, event).await,
            Err(SeatEnd::Closed) => return Some("the casino has closed the table".to_owned()),
            Err(SeatEnd::Lost(why)) => return Some(why),
        }
    }
    None
}

/// Whether the loop is there to be told.
async fn tell(events: &mpsc::Sender<Event>, event: StreamEvent) -> bool {
    events.send(Event::Stream(event)).await.is_ok()
}
