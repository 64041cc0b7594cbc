//! Reads keys, mouse and pastes on a thread: a read of the terminal cannot be cancelled, and would block a worker of the
//! runtime.

mod parser;

use std::{io, thread};

use anyhow::{Context, Result, anyhow};
use parser::Parser;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::sync::{mpsc, oneshot};

use super::signals::is_foreground;
use crate::app::Event;

const READ_BYTES: usize = 1024;

/// Pause before the next check whether the process is in the foreground.
const BACKGROUND_WAIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// Starts the thread, which waits while `events` is full. The returned future completes when the terminal is gone, and fails
/// if it cannot be read or the thread panicked.
pub(super) fn read_keys(events: mpsc::Sender<Event>) -> Result<impl Future<Output = Result<()>>> {
    let (ended, result) = oneshot::channel();
    thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || ended.send(read_until_gone(&events)))
        .context("cannot start the input thread")?;
    Ok(async move {
        let read = result.await.map_err(|_| anyhow!("the input thread panicked"))?;
        read.context("cannot read from the terminal")
    })
}

fn read_until_gone(events: &mpsc::Sender<Event>) -> io::Result<()> {
    let terminal = io::stdin();
    let (mut parser, mut bytes) = (Parser::new(), [0; READ_BYTES]);
    loop {
        let wait = parser.wait().map(Timespec::try_from).transpose();
        let wait = wait.map_err(io::Error::other)?;
        let ready = poll(&mut [PollFd::new(&terminal, PollFlags::IN)], wait.as_ref());
        let read = match ready {
            Ok(0) => Vec::from_iter(parser.flush()),
            // The input is the shell's: reading it would stop the process, even one that is about to end.
            Ok(_) if !is_foreground() => {
                let _ = poll(&mut [], Some(&BACKGROUND_WAIT));
                continue;
            }
            Ok(_) => match rustix::io::read(&terminal, &mut bytes) {
                Ok(0) | Err(Errno::IO) => return Ok(()),
                Ok(count) => bytes
                    .iter()
                    .take(count)
                    .filter_map(|byte| parser.push(*byte))
                    .collect(),
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(error) => return Err(error.into()),
            },
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        for event in read {
            if events.blocking_send(event).is_err() {
                return Ok(());
            }
        }
    }
}
