//! The task of one session: waits, opens it, and forwards its events until it ends. The reducer decides whether to
//! reconnect.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    app::event::{CLOSED_IN_ORDER, StreamEvent},
    client::{self, Client, Order, RequestError, SessionEnd},
};

/// Events that may wait for the loop. While the queue is full, no message is read from the stream.
const EVENT_QUEUE: usize = 256;

/// The loop's end of a session. Dropping it ends the session's events.
#[derive(Debug)]
pub(super) struct SessionHandle {
    /// `None` after the player has left.
    orders: Option<(OrderSender, DropGuard)>,
    pub(super) events: mpsc::Receiver<StreamEvent>,
}

#[derive(Debug)]
enum OrderSender {
    /// The session is not open yet.
    Connecting(oneshot::Receiver<mpsc::Sender<Order>>),
    Open(mpsc::Sender<Order>),
}

impl OrderSender {
    /// Returns the sender of an open session. It is there before the event `Opened` is forwarded.
    fn open(&mut self) -> Option<&mpsc::Sender<Order>> {
        if let Self::Connecting(pending) = self {
            *self = Self::Open(pending.try_recv().ok()?);
        }
        match self {
            Self::Open(orders) => Some(orders),
            Self::Connecting(_) => None,
        }
    }
}

/// The task's end of a session.
#[derive(Debug)]
pub(super) struct SessionTask {
    orders: oneshot::Sender<mpsc::Sender<Order>>,
    events: mpsc::Sender<StreamEvent>,
    /// Cancelled when the handle leaves or is dropped: ends the wait before the session opens.
    cancelled: CancellationToken,
}

impl SessionHandle {
    /// Creates both ends of a session that is not open yet.
    pub(super) fn new() -> (Self, SessionTask) {
        let (opening, orders) = oneshot::channel();
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let cancelled = CancellationToken::new();
        let session = Self {
            orders: Some((OrderSender::Connecting(orders), cancelled.clone().drop_guard())),
            events,
        };
        let task = SessionTask {
            orders: opening,
            events: sender,
            cancelled,
        };
        (session, task)
    }

    /// Sends an order. Returns `false` if the queue is full. An order after leaving, or before the end of a closed session
    /// is forwarded, is dropped: the reducer learns it from `Closed`.
    pub(super) fn send(&mut self, order: Order) -> bool {
        let Some(orders) = self.orders.as_mut().and_then(|(orders, _)| orders.open()) else {
            return true;
        };
        !matches!(orders.try_send(order), Err(mpsc::error::TrySendError::Full(_)))
    }

    /// Sends no more orders; results still arrive.
    pub(super) fn leave(&mut self) {
        self.orders = None;
    }
}

/// Opens a session after `after`, and forwards its events until it ends or the handle is dropped.
pub(super) async fn play(client: Client, after: Duration, task: SessionTask) {
    let SessionTask {
        orders,
        events,
        cancelled,
    } = task;
    let opening_session = async {
        tokio::time::sleep(after).await;
        client.open_session().await
    };
    let session = tokio::select! {
        () = cancelled.cancelled() => return,
        session = opening_session => session,
    };
    let end = match session {
        Ok((session, queue)) => {
            // If the player has left, the queue is dropped, which half-closes the stream.
            let _ = orders.send(queue);
            listen(session, &events).await
        }
        Err(RequestError::Rejected(reason)) => Some(StreamEvent::Rejected(reason)),
        Err(failure) => Some(StreamEvent::Closed(failure.to_string())),
    };
    if let Some(end) = end {
        forward(&events, end).await;
    }
}

/// Forwards the session's events. Returns how it ended, or `None` if the handle was dropped.
async fn listen(
    mut session: client::GambleSession,
    events: &mpsc::Sender<StreamEvent>,
) -> Option<StreamEvent> {
    let (extended, ids) = (session.is_extended(), session.supports_request_ids());
    let capabilities = StreamEvent::Capabilities(session.capabilities());
    if let Some(address) = session.address() {
        forward(events, StreamEvent::Endpoint(address.to_owned())).await;
    }
    let mut received =
        forward(events, StreamEvent::Opened { extended, ids }).await && forward(events, capabilities).await;
    while received {
        match session.next().await {
            Ok(event) => received = forward(events, event).await,
            Err(SessionEnd::Closed) => {
                return Some(StreamEvent::Closed(CLOSED_IN_ORDER.to_owned()));
            }
            Err(SessionEnd::Lost(reason)) => return Some(StreamEvent::Closed(reason)),
            Err(SessionEnd::Rejected(reason)) => return Some(StreamEvent::Rejected(reason)),
        }
    }
    None
}

/// Returns `false` if the handle was dropped.
async fn forward(events: &mpsc::Sender<StreamEvent>, event: StreamEvent) -> bool {
    events.send(event).await.is_ok()
}
