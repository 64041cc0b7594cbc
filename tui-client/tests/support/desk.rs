//! The tasks of a game without a screen: what the runtime does with the effects of the reducer.

use std::collections::HashMap;
use std::time::Duration;

use awesomestock::app::Event;
use awesomestock::app::commands::request::Request;
use awesomestock::app::event::StreamEvent;
use awesomestock::app::portfolio::order::{ClientOrderId, Order};
use awesomestock::client::{Client, SessionEnd};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;
use uuid::Uuid;

/// Events and orders that may wait.
const QUEUE: usize = 64;

/// Runs the effects that concern the casino. Each event comes with the number of the session in which its task began.
pub struct DeskTasks {
    pub client: Client,
    events: mpsc::Sender<(u64, Event)>,
    /// Number of the current session; events of earlier ones are ignored.
    pub session: u64,
    session_task: Option<AbortHandle>,
    orders: Option<mpsc::Sender<Order>>,
    /// Request IDs by the order's number in the log.
    ids: HashMap<u32, Uuid>,
    /// Calls without an answer.
    pub calls: usize,
    pub tasks: JoinSet<()>,
}

impl DeskTasks {
    pub fn new(client: Client) -> (Self, mpsc::Receiver<(u64, Event)>) {
        let (events, queue) = mpsc::channel(QUEUE);
        let tasks = Self {
            client,
            events,
            session: 0,
            session_task: None,
            orders: None,
            ids: HashMap::new(),
            calls: 0,
            tasks: JoinSet::new(),
        };
        (tasks, queue)
    }

    /// Sends an order. Returns whether it is new, and not sent again.
    pub fn send(&mut self, order: Order<ClientOrderId>) -> bool {
        let is_new = !self.ids.contains_key(&order.id.number);
        let id = *self.ids.entry(order.id.number).or_insert_with(Uuid::now_v7);
        // A closed session reports that itself.
        let _ = self.orders.as_ref().unwrap().try_send(order.with_id(id));
        is_new
    }

    pub fn connect(&mut self, after_ms: i64) {
        let (orders, queue) = mpsc::channel(QUEUE);
        self.orders = Some(orders);
        self.session += 1;
        if let Some(earlier) = self.session_task.take() {
            earlier.abort();
        }
        let (client, events, session) = (self.client.clone(), self.events.clone(), self.session);
        self.session_task = Some(self.tasks.spawn(async move {
            sleep(Duration::from_millis(after_ms.try_into().unwrap())).await;
            let reason = run_session(client, queue, &events, session).await;
            let _ = events
                .send((session, Event::Stream(StreamEvent::Closed(reason))))
                .await;
        }));
    }

    pub fn call(&mut self, call: Request) {
        self.calls += 1;
        let (client, events, session) = (self.client.clone(), self.events.clone(), self.session);
        self.tasks.spawn(async move {
            let event = match client.call(call).await {
                Ok(answer) => Event::Answered(answer),
                Err(failure) => Event::Failed(call, failure),
            };
            let _ = events.send((session, event)).await;
        });
    }
}

/// Runs a session and sends its events. Returns why it ended.
async fn run_session(
    client: Client,
    mut orders: mpsc::Receiver<Order>,
    events: &mpsc::Sender<(u64, Event)>,
    session: u64,
) -> String {
    let (mut stream, queue) = match client.open_session().await {
        Ok(opened) => opened,
        Err(failure) => return failure.to_string(),
    };
    let opened = StreamEvent::Opened {
        extended: stream.is_extended(),
        ids: stream.supports_request_ids(),
    };
    let mut queue = Some(queue);
    let mut events_to_send = vec![opened, StreamEvent::Capabilities(stream.capabilities())];
    loop {
        for event in events_to_send.drain(..) {
            let _ = events.send((session, Event::Stream(event))).await;
        }
        tokio::select! {
            event = stream.next() => match event {
                Ok(event) => events_to_send.push(event),
                Err(SessionEnd::Closed) => return "closed".to_owned(),
                Err(SessionEnd::Lost(reason) | SessionEnd::Rejected(reason)) => return reason,
            },
            order = orders.recv(), if queue.is_some() => match (order, &queue) {
                (Some(order), Some(queue)) => drop(queue.send(order).await),
                _ => queue = None,
            },
        }
    }
}
