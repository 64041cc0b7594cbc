//! The tasks beside the loop: unary calls, exports and the reader of keys. They send events to the loop; a task that fails
//! ends the game.

use std::fs::File;
use std::future;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};

use super::input::read_keys;
use crate::app::Event;
use crate::app::commands::request::Request;
use crate::app::event::RequestError;
use crate::client::Client;

/// Unary calls that may be open.
const MAX_CALLS: usize = 16;

#[derive(Debug)]
pub(super) struct Tasks {
    client: Client,
    events: mpsc::Sender<Event>,
    /// The reader of keys, until the terminal is gone. On leaving it is not awaited, as it ends with the process.
    keys: JoinSet<Result<()>>,
    /// Calls and exports.
    running: JoinSet<Result<()>>,
    /// Calls that may still be started.
    calls: Arc<Semaphore>,
}

impl Tasks {
    /// Starts to read keys. All tasks send to `events`.
    pub(super) fn start(client: Client, events: mpsc::Sender<Event>) -> Result<Self> {
        let mut keys = JoinSet::new();
        keys.spawn(read_keys(events.clone())?);
        Ok(Self {
            client,
            events,
            keys,
            running: JoinSet::new(),
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
        })
    }

    /// Starts a unary call. Returns the event if that fails.
    pub(super) fn call(&mut self, call: Request) -> Option<Event> {
        let Ok(permit) = self.calls.clone().try_acquire_owned() else {
            let why = "too many calls are waiting for an answer".to_owned();
            return Some(Event::Failed(call, RequestError::Rejected(why)));
        };
        let (client, events) = (self.client.clone(), self.events.clone());
        self.running.spawn(async move {
            let event = match client.call(call).await {
                Ok(answer) => Event::Answered(answer),
                Err(failure) => Event::Failed(call, failure),
            };
            // Fails if the loop has ended.
            let _ = events.send(event).await;
            drop(permit);
            Ok(())
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
            Ok(())
        });
    }

    /// Completes when nothing more can be read from the terminal. Cancel safe. Fails if a task failed.
    pub(super) async fn terminal_gone(&mut self) -> Result<()> {
        loop {
            tokio::select! {
                biased;
                Some(gone) = self.keys.join_next() => return outcome(gone),
                Some(ended) = self.running.join_next() => outcome(ended)?,
                else => future::pending().await,
            }
        }
    }

    /// Waits for open calls and exports. Fails if a task failed.
    pub(super) async fn finish(mut self) -> Result<()> {
        while let Some(ended) = self.running.join_next().await {
            outcome(ended)?;
        }
        Ok(())
    }
}

fn outcome(ended: Result<Result<()>, JoinError>) -> Result<()> {
    ended.context("a task of the game panicked")?
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
            keys: JoinSet::new(),
            running: JoinSet::new(),
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
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
        tasks.running.spawn(async { Ok(()) });
        tasks.running.spawn(async { Ok(()) });
        tasks.keys.spawn(async { Ok(()) });
        tasks.terminal_gone().await.unwrap();
        assert!(tasks.keys.is_empty());
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
        tasks.running.join_next().await.unwrap().unwrap().unwrap();
        assert!(tasks.call(Request::Statement).is_none());
    }
}
