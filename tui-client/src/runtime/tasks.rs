//! The tasks beside the loop: unary calls, exports and the reader of keys. They send events to the loop; a task that fails
//! ends the game.

use std::fs::File;
use std::future;
use std::io::{self, Write};
use std::path::Path;

use color_eyre::eyre::{Result, WrapErr};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::input::Keys;
use crate::app::Event;
use crate::app::commands::request::Request;
use crate::app::event::RequestError;
use crate::client::Client;

/// Unary calls that may be open.
const MAX_CALLS: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TaskKind {
    Keys,
    Call,
    Export,
}

#[derive(Debug)]
pub(super) struct Tasks {
    client: Client,
    events: mpsc::Sender<Event>,
    running: JoinSet<Result<TaskKind>>,
    reads_keys: bool,
    calls: usize,
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
        })
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

    /// Completes when nothing more can be read from the terminal. Cancel safe. Fails if a task failed.
    pub(super) async fn terminal_gone(&mut self) -> Result<()> {
        while let Some(ended) = self.running.join_next().await {
            if self.on_task_end(ended)? == TaskKind::Keys {
                return Ok(());
            }
        }
        future::pending().await
    }

    /// Waits for open calls and exports. Fails if a task failed.
    pub(super) async fn finish(mut self) -> Result<()> {
        // The reader of keys ends with the process.
        while self.running.len() > usize::from(self.reads_keys) {
            if let Some(ended) = self.running.join_next().await {
                self.on_task_end(ended)?;
            }
        }
        Ok(())
    }

    fn on_task_end(&mut self, ended: Result<Result<TaskKind>, JoinError>) -> Result<TaskKind> {
        let ended = ended.wrap_err("a task of the game panicked")??;
        match ended {
            TaskKind::Call => self.calls = self.calls.saturating_sub(1),
            TaskKind::Keys => self.reads_keys = false,
            TaskKind::Export => {}
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
        }
    }

    #[tokio::test]
    async fn a_task_that_panics_is_an_error() {
        let (events, _receiver) = mpsc::channel(1);
        let mut tasks = tasks(events);
        tasks.running.spawn(async { panic!("a test of what follows") });
        let error = tasks.terminal_gone().await.unwrap_err();
        assert!(
            format!("{error:#}").starts_with("a task of the game panicked"),
            "{error:#}"
        );
    }

    #[tokio::test]
    async fn the_terminal_is_gone_when_the_reader_of_keys_ends() {
        let (events, _receiver) = mpsc::channel(1);
        let mut tasks = tasks(events);
        tasks.running.spawn(async { Ok(TaskKind::Call) });
        tasks.running.spawn(async { Ok(TaskKind::Export) });
        tasks.running.spawn(async { Ok(TaskKind::Keys) });
        tasks.terminal_gone().await.unwrap();
        assert!(!tasks.reads_keys);
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
}
