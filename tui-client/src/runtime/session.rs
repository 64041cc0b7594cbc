//! The session of the game. The loop polls it, so there is no task and no queue between the stream and the reducer, which
//! decides whether to reconnect.

use std::collections::VecDeque;
use std::future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::app::event::{CLOSED_IN_ORDER, StreamEvent};
use crate::client::{Client, GambleSession, Order, RequestError, SessionEnd};

/// A session, from the decision to connect to its last event. Dropping it closes the stream.
pub(super) enum Session {
    Closed,
    Opening(Opening),
    Open {
        stream: Box<GambleSession>,
        /// `None` after the player has left.
        orders: Option<mpsc::Sender<Order>>,
        /// What the stream supports, as events that come before its messages.
        opened: VecDeque<StreamEvent>,
    },
}

type Opening =
    Pin<Box<dyn Future<Output = Result<(GambleSession, mpsc::Sender<Order>), RequestError>> + Send>>;

impl Session {
    /// Returns a session that opens after `after`.
    pub(super) fn open(client: Client, after: Duration) -> Self {
        Self::Opening(Box::pin(async move {
            tokio::time::sleep(after).await;
            client.open_session().await
        }))
    }

    /// Sends an order. Returns the last event of the session if too many are waiting. Without an open stream the order is
    /// dropped: the reducer learns it from the end of the session.
    pub(super) fn send(&mut self, order: Order) -> Option<StreamEvent> {
        let Self::Open {
            orders: Some(orders), ..
        } = self
        else {
            return None;
        };
        match orders.try_send(order) {
            Err(mpsc::error::TrySendError::Full(_)) => {
                *self = Self::Closed;
                let why = "the casino no longer takes orders".to_owned();
                Some(StreamEvent::Closed(why))
            }
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => None,
        }
    }

    /// Sends no more orders; results still arrive. A session that is not open yet ends without an event.
    pub(super) fn leave(&mut self) {
        match self {
            Self::Open { orders, .. } => *orders = None,
            Self::Opening(_) | Self::Closed => *self = Self::Closed,
        }
    }

    /// Returns the next event; never completes while the session is closed. Cancel safe.
    pub(super) async fn next(&mut self) -> StreamEvent {
        let end = loop {
            match self {
                Self::Closed => return future::pending().await,
                Self::Opening(opening) => match opening.await {
                    Ok((stream, orders)) => {
                        *self = Self::Open {
                            opened: opening_events(&stream).collect(),
                            stream: Box::new(stream),
                            orders: Some(orders),
                        }
                    }
                    Err(RequestError::Rejected(reason)) => break StreamEvent::Rejected(reason),
                    Err(failure) => break StreamEvent::Closed(failure.to_string()),
                },
                Self::Open { stream, opened, .. } => {
                    if let Some(event) = opened.pop_front() {
                        return event;
                    }
                    match stream.next().await {
                        Ok(event) => return event,
                        Err(SessionEnd::Closed) => break StreamEvent::Closed(CLOSED_IN_ORDER.to_owned()),
                        Err(SessionEnd::Lost(reason)) => break StreamEvent::Closed(reason),
                        Err(SessionEnd::Rejected(reason)) => break StreamEvent::Rejected(reason),
                    }
                }
            }
        };
        *self = Self::Closed;
        end
    }

    /// Leaves, and waits for the results of open orders.
    pub(super) async fn finish(mut self) {
        self.leave();
        while !matches!(self, Self::Closed) {
            self.next().await;
        }
    }
}

fn opening_events(stream: &GambleSession) -> impl Iterator<Item = StreamEvent> {
    let endpoint = stream
        .address()
        .map(|address| StreamEvent::Endpoint(address.to_owned()));
    let opened = StreamEvent::Opened {
        extended: stream.is_extended(),
        ids: stream.supports_request_ids(),
    };
    let capabilities = StreamEvent::Capabilities(stream.capabilities());
    endpoint.into_iter().chain([opened, capabilities])
}

#[cfg(test)]
mod tests {
    use awesomestock_proto::transport;

    use super::*;
    use crate::app::portfolio::money::Side;
    use crate::client::Terms;
    use crate::solo::{self, SoloOptions};

    const HOUR: Duration = Duration::from_secs(3600);

    /// Returns a client whose casino does not answer.
    fn unanswered() -> Client {
        let (channel, _never_accepted) = transport::pipe();
        Client::new(channel, "anna".to_owned(), None)
    }

    #[tokio::test]
    async fn a_session_that_cannot_be_opened_ends_and_drops_orders() {
        let mut session = Session::open(unanswered(), Duration::ZERO);
        assert!(session.send(Order::new(Side::Buy, 1, Terms::Market)).is_none());
        assert!(matches!(session.next().await, StreamEvent::Closed(_)));
        assert!(session.send(Order::new(Side::Buy, 1, Terms::Market)).is_none());
        session.finish().await;
    }

    #[tokio::test]
    async fn a_session_left_before_it_opens_ends_at_once() {
        Session::open(unanswered(), HOUR).finish().await;
    }

    #[tokio::test]
    async fn every_order_is_answered_though_each_wait_is_interrupted() {
        const ORDERS: usize = 100;
        let folder = tempfile::tempdir().unwrap();
        let options = SoloOptions {
            tick: HOUR,
            initial_price: Some(10),
            seed: Some(3),
            market: None,
            house: 0,
        };
        let (channel, servers) = solo::open(options, folder.path()).await.unwrap();
        let mut session = Session::open(Client::new(channel, "anna".to_owned(), None), Duration::ZERO);
        let (mut is_open, mut results) = (false, 0);
        let end = loop {
            let event = tokio::select! {
                biased;
                event = session.next() => event,
                () = tokio::task::yield_now() => continue,
            };
            match event {
                StreamEvent::Opened { .. } => {
                    is_open = true;
                    for _ in 0..ORDERS {
                        assert!(session.send(Order::new(Side::Sell, 1, Terms::Market)).is_none());
                    }
                    session.leave();
                }
                StreamEvent::Result(_) => results += 1,
                StreamEvent::Closed(why) => break why,
                _ => {}
            }
        };
        assert_eq!((is_open, results, end.as_str()), (true, ORDERS, CLOSED_IN_ORDER));
        servers.close().await.unwrap();
    }
}
