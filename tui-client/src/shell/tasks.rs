//! The tasks beside the loop: the seat at the table, the calls, and the reader of keys.
//!
//! Owns their number and their supervision: none ends without the loop being told, and one that breaks down ends the
//! game. What they tell goes to the loop as events; it decides.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use color_eyre::eyre::{Result, WrapErr};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use super::{
    keys::Keys,
    stream::{self, Seat},
};
use crate::{
    app::{
        Event,
        event::{Call, Failure, StreamEvent},
    },
    client::{Client, Order},
};

/// Calls that may be under way.
const MAX_CALLS: usize = 16;

/// A task that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Keys,
    Seat,
    Call,
    Export,
}

/// What the tasks tell beside events.
#[derive(Debug)]
pub(super) enum News {
    /// Nothing more can be read from the terminal.
    TerminalGone,
    /// Something came of the seat at the table.
    Seat(StreamEvent),
}

/// The tasks beside the loop.
#[derive(Debug)]
pub(super) struct Tasks {
    client: Client,
    events: mpsc::Sender<Event>,
    running: JoinSet<Result<Ended>>,
    reads_keys: bool,
    calls: usize,
    /// From the moment the game wants a seat to the moment nothing more comes of it.
    seat: Option<Seat>,
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
            seat: None,
        })
    }

    /// Takes a seat at the table after a while. Of an earlier seat nothing is heard any more.
    pub(super) fn connect(&mut self, after: Duration) {
        let (seat, way) = Seat::new();
        self.seat = Some(seat);
        let client = self.client.clone();
        self.running.spawn(async move {
            stream::play(client, after, way).await;
            Ok(Ended::Seat)
        });
    }

    /// Leaves the table: what is outstanding is still answered.
    pub(super) fn leave(&mut self) {
        if let Some(seat) = &mut self.seat {
            seat.leave();
        }
    }

    /// Sends an order to the table. What comes of not being able to is the event.
    pub(super) fn send(&mut self, order: Order) -> Option<Event> {
        if self.seat.as_mut()?.send(order) {
            return None;
        }
        self.seat = None;
        let why = "the casino does not take orders any more".to_owned();
        Some(Event::Stream(StreamEvent::Lost(why)))
    }

    /// Makes a call. What comes of not being able to is the event.
    pub(super) fn call(&mut self, call: Call) -> Option<Event> {
        if self.calls >= MAX_CALLS {
            let why = "too many calls wait for an answer already".to_owned();
            return Some(Event::Failed(call, Failure::Refused(why)));
        }
        self.calls = self.calls.saturating_add(1);
        let (client, events) = (self.client.clone(), self.events.clone());
        self.running.spawn(async move {
            let told = match client.call(call).await {
                Ok(answer) => Event::Answered(answer),
                Err(failure) => Event::Failed(call, failure),
            };
            // Without a loop nobody wants to know.
            let _ = events.send(told).await;
            Ok(Ended::Call)
        });
        None
    }

    /// Writes a file, beside the loop: a disk may be slow.
    pub(super) fn export(&mut self, file_name: String, text: String) {
        let events = self.events.clone();
        self.running.spawn(async move {
            let written = tokio::task::spawn_blocking(move || write_new(&file_name, &text)).await?;
            let _ = events
                .send(Event::Exported(written.map_err(|error| error.to_string())))
                .await;
            Ok(Ended::Export)
        });
    }

    /// The next thing that the tasks tell beside events. Can be cancelled: nothing is lost.
    ///
    /// # Errors
    ///
    /// When a task has broken down.
    pub(super) async fn next(&mut self) -> Result<News> {
        loop {
            tokio::select! {
                biased;
                Some(ended) = self.running.join_next() => match self.take(ended)? {
                    Ended::Keys => return Ok(News::TerminalGone),
                    Ended::Seat | Ended::Call | Ended::Export => {}
                },
                event = hear(&mut self.seat) => match event {
                    Some(event) => return Ok(News::Seat(event)),
                    None => self.seat = None,
                },
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
        self.leave();
        let mut seat = self.seat.take();
        // The loop is over, and what is told now is on the casino's disk: it is only taken out of the way.
        let drained = async {
            tokio::join!(async { while events.recv().await.is_some() {} }, async {
                if let Some(seat) = &mut seat {
                    while seat.told.recv().await.is_some() {}
                }
            },)
        };
        let answered = async {
            // The reader of keys ends with the process.
            while self.running.len() > usize::from(self.reads_keys) {
                if let Some(ended) = self.running.join_next().await {
                    self.take(ended)?;
                }
            }
            Ok(())
        };
        tokio::select! {
            answered = answered => answered,
            _ = drained => Ok(()),
            () = tokio::time::sleep(deadline) => Ok(()),
        }
    }

    fn take(&mut self, ended: Result<Result<Ended>, JoinError>) -> Result<Ended> {
        let ended = ended.wrap_err("a part of the game broke down")??;
        match ended {
            Ended::Call => self.calls = self.calls.saturating_sub(1),
            Ended::Keys => self.reads_keys = false,
            Ended::Seat | Ended::Export => {}
        }
        Ok(ended)
    }
}

/// Writes a file that is not there yet; gives back its whole path.
fn write_new(file_name: &str, text: &str) -> io::Result<String> {
    let mut file = File::create_new(file_name)?;
    file.write_all(text.as_bytes())?;
    let path = Path::new(file_name).canonicalize()?;
    Ok(path.display().to_string())
}

/// The next thing that comes of the seat, `None` at its end; without a seat, never.
async fn hear(seat: &mut Option<Seat>) -> Option<StreamEvent> {
    match seat {
        Some(seat) => seat.told.recv().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tasks without a reader of keys, of a player whose casino does not answer.
    fn tasks(events: mpsc::Sender<Event>) -> Tasks {
        let (channel, _never_accepted) = awesomestock_proto::transport::pipe();
        Tasks {
            client: Client::new(channel, "anna".to_owned(), None),
            events,
            running: JoinSet::new(),
            reads_keys: false,
            calls: 0,
            seat: None,
        }
    }

    #[tokio::test]
    async fn a_task_that_panics_is_an_error() {
        let (events, _receiver) = mpsc::channel(1);
        let mut tasks = tasks(events);
        tasks.running.spawn(async { panic!("a test of what follows") });
        let error = tasks.next().await.unwrap_err();
        assert!(
            format!("{error:#}").starts_with("a part of the game broke down"),
            "{error:#}"
        );
    }

    #[tokio::test]
    async fn the_end_of_the_terminal_is_news_and_other_ends_are_not() {
        let (events, _receiver) = mpsc::channel(1);
        let mut tasks = tasks(events);
        tasks.running.spawn(async { Ok(Ended::Seat) });
        tasks.running.spawn(async { Ok(Ended::Call) });
        tasks.running.spawn(async { Ok(Ended::Keys) });
        assert!(matches!(tasks.next().await.unwrap(), News::TerminalGone));
    }

    #[tokio::test]
    async fn calls_past_the_bound_fail_at_once_and_room_comes_back() {
        let (events, mut told) = mpsc::channel(MAX_CALLS);
        let mut tasks = tasks(events);
        for _ in 0..MAX_CALLS {
            assert!(tasks.call(Call::Statement).is_none());
        }
        let refused = tasks.call(Call::Statement);
        assert!(matches!(
            refused,
            Some(Event::Failed(Call::Statement, Failure::Refused(_)))
        ));
        for _ in 0..MAX_CALLS {
            let answer = told.recv().await.unwrap();
            assert!(matches!(
                answer,
                Event::Failed(Call::Statement, Failure::Unanswered(_))
            ));
        }
        let ended = tasks.running.join_next().await.unwrap();
        tasks.take(ended).unwrap();
        assert!(tasks.call(Call::Statement).is_none());
    }

    #[tokio::test]
    async fn a_seat_that_cannot_be_had_is_lost_and_its_orders_go_nowhere() {
        let (events, _receiver) = mpsc::channel(1);
        let mut tasks = tasks(events);
        tasks.connect(Duration::ZERO);
        assert!(matches!(
            tasks.next().await.unwrap(),
            News::Seat(StreamEvent::Lost(_))
        ));
        let order = Order::new(crate::app::money::Side::Buy, 1);
        assert!(tasks.send(order).is_none());
    }

    #[tokio::test]
    async fn nothing_is_heard_of_a_seat_that_was_left_before_it_was_taken() {
        let (events, receiver) = mpsc::channel(1);
        let mut tasks = tasks(events);
        tasks.connect(Duration::from_secs(3600));
        tasks.leave();
        // Does not wait for the hour, nor for the deadline.
        tasks.finish(receiver, Duration::from_secs(3600)).await.unwrap();
    }
}
