//! Checkpoints on a separate thread, so that commits do not wait for them.
//!
//! A thread alone never catches up with a busy writer. So after the thread has done most of the work, the writer
//! moves the rest and the WAL starts over. A growing WAL is slow, since each sync includes its new length.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

/// Pages written between checkpoints.
const CHECKPOINT_PAGES: usize = 1024;

#[derive(Debug)]
pub(super) struct Checkpointer {
    /// `None` when stopping.
    requests: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The thread has finished a checkpoint since the writer's last one.
    moved: Arc<AtomicBool>,
    written: usize,
}

impl Checkpointer {
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let (requests, received) = sync_channel(1);
        let moved = Arc::new(AtomicBool::new(false));
        let finished = Arc::clone(&moved);
        let work = move || run(&connection, &received, &finished);
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(work)?;
        Ok(Self {
            requests: Some(requests),
            thread: Some(thread),
            moved,
            written: 0,
        })
    }

    /// Requests a checkpoint when enough pages were written.
    pub(super) fn committed(&mut self, writer: &Connection, pages: usize) {
        if self.moved.swap(false, Ordering::AcqRel) {
            try_checkpoint(writer, "PASSIVE");
        }
        self.written = self.written.saturating_add(pages);
        if self.written < CHECKPOINT_PAGES {
            return;
        }
        self.written = 0;
        if let Some(requests) = &self.requests {
            // A pending request covers this one.
            let _ = requests.try_send(());
        }
    }

    pub(super) fn stop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(connection: &Connection, received: &Receiver<()>, moved: &AtomicBool) {
    while received.recv().is_ok() {
        try_checkpoint(connection, "PASSIVE");
        moved.store(true, Ordering::Release);
    }
}

/// Runs a checkpoint. After a failure the WAL only grows.
pub(super) fn try_checkpoint(connection: &Connection, mode: &str) {
    if let Err(error) = checkpoint(connection, mode) {
        tracing::warn!(%error, "a checkpoint failed");
    }
}

pub(super) fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    connection.pragma(None, "wal_checkpoint", mode, |_| Ok(()))
}
