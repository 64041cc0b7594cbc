//! The tasks beside the loop: session, unary calls, exports and the reader of keys. They send events to the loop; a task
//! that fails ends the game.

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
    connection::{self, SessionHandle},
    input::Keys,
};
use crate::{
    app::{
        Event,
        commands::request::Request,
        event::{RequestError, StreamEvent},
    },
    client::{Client, Order},
};

/// Unary calls that may be open.
const MAX_CALLS: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TaskKind {
    Keys,
    Session,
    Call,
    Export,
}

#[derive(Debug)]
pub(super) enum TaskEvent {
    /// Nothing more can be read from the terminal.
    TerminalGone,
    Session(StreamEvent),
}

#[derive(Debug)]
pub(super) struct Tasks {
    client: Client,
    events: mpsc::Sender<Event>,
    running: JoinSet<Result<TaskKind>>,
    reads_keys: bool,
    calls: usize,
    /// From the decision to connect to the last event of the session.
    session: Option<SessionHandle>,
}

impl Tasks {
    /// Starts to read keys. All tasks send to `events`.
    pub(super) fn start(client: Client, events: mpsc::Sender<Event>) -> Result<Self> {
        let keys = Keys::read(events.clone()).wrap_err("cannot start the input thread")?;
        let mut running = JoinSet::new();
        running.spawn(async move { keys.gone().await.map(|()| TaskKind::Keys) });
        Ok(Self {
            client,
            events,
            running,
            reads_keys: true,
            calls: 0,
            session: None,
        })
    }

    /// Opens a session after `after`; an earlier session sends no more events.
    /// `orders_seen`: number of the newest end of a resting order that the player has seen.
    pub(super) fn connect(&mut self, after: Duration, orders_seen: i64) {
        self.client.set_orders_seen(orders_seen);
        let (session, task) = SessionHandle::new();
        self.session = Some(session);
        let client = self.client.clone();
        self.running.spawn(async move {
            connection::play(client, after, task).await;
            Ok(TaskKind::Session)
        });
    }

    /// Reports all messages of the stream from now on.
    pub(super) fn collect_wire(&self) {
        self.client.collect_wire();
    }

    /// Leaves the session; results of open orders still arrive.
    pub(super) fn leave(&mut self) {
        if let Some(session) = &mut self.session {
            session.leave();
        }
    }

    /// Sends an order. Returns the event if that fails.
    pub(super) fn send(&mut self, order: Order) -> Option<Event> {
        if self.session.as_mut()?.send(order) {
            return None;
        }
        self.session = None;
        let why = "the casino no longer takes orders".to_owned();
        Some(Event::Stream(StreamEvent::Closed(why)))
    }

    /// Starts a unary call. Returns the event if that fails.
    pub(super) fn call(&mut self, call: Request) -> Option<Event> {
        if self.calls >= MAX_CALLS {
            let why = "too many calls are waiting for an answer".to_owned();
            return Some(Event::Failed(call, RequestError::Rejected(why)));
        }
        self.calls = self.calls.saturating_add(1);
        let (client, events) = (self.client.clone(), self.events.clone());
        self.running.spawn(async move {
            let event = match client.call(call).await {
                Ok(answer) => Event::Answered(answer),
                Err(failure) => Event::Failed(call, failure),
            };
            // Fails if the loop has ended.
            let _ = events.send(event).await;
            Ok(TaskKind::Call)
        });
        None
    }

    /// Writes a file on another thread: a disk may be slow.
    pub(super) fn export(&mut self, file_name: String, text: String) {
        let events = self.events.clone();
        self.running.spawn(async move {
            let written = tokio::task::spawn_blocking(move || write_new(&file_name, &text)).await?;
            let _ = events
                .send(Event::Exported(written.map_err(|error| error.to_string())))
                .await;
            Ok(TaskKind::Export)
        });
    }

    /// Returns the next event of the session or the terminal. Cancel safe. Fails if a task failed.
    pub(super) async fn next(&mut self) -> Result<TaskEvent> {
        loop {
            tokio::select! {
                biased;
                Some(ended) = self.running.join_next() => match self.on_task_end(ended)? {
                    TaskKind::Keys => return Ok(TaskEvent::TerminalGone),
                    TaskKind::Session | TaskKind::Call | TaskKind::Export => {}
                },
                event = watch_connection(&mut self.session) => match event {
                    Some(event) => return Ok(TaskEvent::Session(event)),
                    None => self.session = None,
                },
            }
        }
    }

    /// Leaves the session and waits up to `deadline` for open results and calls. Fails if a task failed.
    pub(super) async fn finish(
        mut self,
        mut events: mpsc::Receiver<Event>,
        deadline: Duration,
    ) -> Result<()> {
        self.leave();
        let mut session = self.session.take();
        // The loop has ended: discard the events, so that no task waits for room in a queue.
        let drained = async {
            tokio::join!(async { while events.recv().await.is_some() {} }, async {
                if let Some(session) = &mut session {
                    while session.events.recv().await.is_some() {}
                }
            },)
        };
        let answered = async {
            // The reader of keys ends with the process.
            while self.running.len() > usize::from(self.reads_keys) {
                if let Some(ended) = self.running.join_next().await {
                    self.on_task_end(ended)?;
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

    fn on_task_end(&mut self, ended: Result<Result<TaskKind>, JoinError>) -> Result<TaskKind> {
        let ended = ended.wrap_err("a task of the game panicked")??;
        match ended {
            TaskKind::Call => self.calls = self.calls.saturating_sub(1),
            TaskKind::Keys => self.reads_keys = false,
            TaskKind::Session | TaskKind::Export => {}
        }
        Ok(ended)
    }
}

/// Writes a new file and returns its absolute path.
fn write_new(file_name: &str, text: &str) -> io::Result<String> {
    let mut file = File::create_new(file_name)?;
    file.write_all(text.as_bytes())?;
    let path = Path::new(file_name).canonicalize()?;
    Ok(path.display().to_string())
}

/// Returns the next event of the session, or `None` at its end; never completes without a session.
async fn watch_connection(session: &mut Option<SessionHandle>) -> Option<StreamEvent> {
    match session {
        Some(session) => session.events.recv().await,
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
            session: None,
        }
    }

    #[tokio::test]
    async fn a_task_that_panics_is_an_error() {
        let (events, _receiver) = mpsc::channel(1);
        let mut tasks = tasks(events);
        tasks.running.spawn(async { panic!("a test of what follows") });
        let error = tasks.next().await.unwrap_err();
        assert!(
            format!("{error:#}").starts_with("a task of the game panicked"),
            "{error:#}"
        );
    }

    #[tokio::test]
    async fn only_the_end_of_the_terminal_is_an_event() {
        let (events, _receiver) = mpsc::channel(1);
        let mut tasks = tasks(events);
        tasks.running.spawn(async { Ok(TaskKind::Session) });
        tasks.running.spawn(async { Ok(TaskKind::Call) });
        tasks.running.spawn(async { Ok(TaskKind::Keys) });
        assert!(matches!(tasks.next().await.unwrap(), TaskEvent::TerminalGone));
    }

    #[tokio::test]
    async fn calls_over_the_limit_fail_until_earlier_ones_end() {
        let (events, mut responses) = mpsc::channel(MAX_CALLS);
        let mut tasks = tasks(events);
        for _ in 0..MAX_CALLS {
            assert!(tasks.call(Request::Statement).is_none());
        }
        let rejected = tasks.call(Request::Statement);
        assert!(matches!(
            rejected,
            Some(Event::Failed(Request::Statement, RequestError::Rejected(_)))
        ));
        for _ in 0..MAX_CALLS {
            let answer = responses.recv().await.unwrap();
            assert!(matches!(
                answer,
                Event::Failed(Request::Statement, RequestError::Unanswered(_))
            ));
        }
        let ended = tasks.running.join_next().await.unwrap();
        tasks.on_task_end(ended).unwrap();
        assert!(tasks.call(Request::Statement).is_none());
    }

    #[tokio::test]
    async fn a_session_that_cannot_be_opened_is_closed_and_drops_orders() {
        let (events, _receiver) = mpsc::channel(1);
        let mut tasks = tasks(events);
        tasks.connect(Duration::ZERO, 0);
        assert!(matches!(
            tasks.next().await.unwrap(),
            TaskEvent::Session(StreamEvent::Closed(_))
        ));
        let order = Order::new(crate::app::portfolio::money::Side::Buy, 1);
        assert!(tasks.send(order).is_none());
    }

    #[tokio::test]
    async fn a_session_left_before_it_opens_sends_no_events() {
        let (events, receiver) = mpsc::channel(1);
        let mut tasks = tasks(events);
        tasks.connect(Duration::from_secs(3600), 0);
        tasks.leave();
        // Waits neither for the connect delay nor for the deadline.
        tasks.finish(receiver, Duration::from_secs(3600)).await.unwrap();
    }
}
