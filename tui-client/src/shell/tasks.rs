//! The tasks beside the loop: the seat at the table, the calls, and the reader of keys.
//!
//! Owns their number and their supervision: none ends without the loop being told, and one that breaks down ends the
//! game. What they tell goes to the loop as events; it decides.

use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr, eyre};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{keys::Keys, stream};
use crate::{
    app::{
        Event,
        event::{Call, StreamEvent},
    },
    client::{Client, Order},
};

/// Orders that may wait to be sent on the stream. Past it the casino has stopped reading.
const ORDER_QUEUE: usize = 256;

/// Calls that may be under way.
const MAX_CALLS: usize = 16;

/// A task that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Keys,
    Seat,
    Call,
}

/// The tasks beside the loop.
#[derive(Debug)]
pub(super) struct Tasks {
    client: Client,
    events: mpsc::Sender<Event>,
    running: JoinSet<Result<Ended>>,
    reads_keys: bool,
    calls: usize,
    /// The way to the table, from the moment the game wants a seat.
    orders: Option<mpsc::Sender<Order>>,
    /// Told to those who only wait for a seat.
    leaving: CancellationToken,
}

impl Tasks {
    /// Starts to read keys; what this and all later tasks tell goes to `events`.
    pub(super) fn start(client: Client, events: mpsc::Sender<Event>) -> Result<Self> {
        let keys = Keys::read(events.clone()).wrap_err("cannot start to read keys")?;
        let mut running = JoinSet::new();
        running.spawn(async move { keys.gone().await.map(|()| Ended::Keys) });
        Ok(Self {
            client,
            events,
            running,
            reads_keys: true,
            calls: 0,
            orders: None,
            leaving: CancellationToken::new(),
        })
    }

    /// Takes a seat at the table after a while. An earlier seat is left.
    pub(super) fn connect(&mut self, after: Duration) {
        let (orders, queue) = mpsc::channel(ORDER_QUEUE);
        self.orders = Some(orders);
        let (client, events, leaving) = (self.client.clone(), self.events.clone(), self.leaving.clone());
        self.running.spawn(async move {
            stream::play(client, after, queue, events, leaving).await;
            Ok(Ended::Seat)
        });
    }

    /// Sends an order to the table. What comes of not being able to is the event.
    pub(super) fn send(&mut self, order: Order) -> Option<Event> {
        match self.orders.as_ref().map(|orders| orders.try_send(order)) {
            Some(Ok(())) => None,
            // The end of the seat has been told, or is about to be.
            None | Some(Err(mpsc::error::TrySendError::Closed(_))) => None,
            Some(Err(mpsc::error::TrySendError::Full(_))) => {
                self.orders = None;
                let why = "the casino does not take orders any more".to_owned();
                Some(Event::Stream(StreamEvent::Lost(why)))
            }
        }
    }

    /// Makes a call. What comes of not being able to is the event.
    pub(super) fn call(&mut self, call: Call) -> Option<Event> {
        if self.calls >= MAX_CALLS {
            let why = "too many calls wait for an answer already".to_owned();
            return Some(Event::Failed(call, why));
        }
        self.calls = self.calls.saturating_add(1);
        let (client, events) = (self.client.clone(), self.events.clone());
        self.running.spawn(async move {
            let told = match client.call(call).await {
                Ok(answer) => Event::Answered(answer),
                Err(failure) => Event::Failed(call, failure.to_string()),
            };
            // Without a loop nobody wants to know.
            let _ = events.send(told).await;
            Ok(Ended::Call)
        });
        None
    }

    /// Completes when a task ends in a way that concerns the loop: the terminal has gone.
    ///
    /// # Errors
    ///
    /// When a task has broken down.
    pub(super) async fn terminal_gone(&mut self) -> Result<()> {
        loop {
            match self.next_ended().await? {
                None => std::future::pending().await,
                Some(Ended::Keys) => return Ok(()),
                Some(Ended::Seat | Ended::Call) => {}
            }
        }
    }

    /// Leaves the table in order, and waits for what is outstanding, until `deadline` at most.
    ///
    /// # Errors
    ///
    /// When a task has broken down.
    pub(super) async fn finish(
        mut self,
        mut events: mpsc::Receiver<Event>,
        deadline: Duration,
    ) -> Result<()> {
        self.orders = None;
        self.leaving.cancel();
        // The loop is over, and what is told now is on the casino's disk: it is only taken out of the way.
        let drained = async { while events.recv().await.is_some() {} };
        let answered = async {
            // The reader of keys ends with the process.
            while self.running.len() > usize::from(self.reads_keys) {
                self.next_ended().await?;
            }
            Ok(())
        };
        tokio::select! {
            answered = answered => answered,
            () = drained => Ok(()),
            () = tokio::time::sleep(deadline) => Ok(()),
        }
    }

    async fn next_ended(&mut self) -> Result<Option<Ended>> {
        let Some(ended) = self.running.join_next().await else {
            return Ok(None);
        };
        let ended = ended.map_err(|error| eyre!(error).wrap_err("a part of the game broke down"))??;
        match ended {
            Ended::Call => self.calls = self.calls.saturating_sub(1),
            Ended::Keys => self.reads_keys = false,
            Ended::Seat => {}
        }
        Ok(Some(ended))
    }
}
