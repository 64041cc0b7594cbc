//! Checkpoints beside the commits: the log is moved into the file by a thread of its own.
//!
//! SQLite would do it within a commit, every thousand pages, and all who wait for that commit would wait for it too.
//! The thread can never quite catch up with a writer that goes on; so when it has done most of it the writer moves the
//! little that is left itself, and the log begins anew. It must not grow for long: a commit to a log that grows waits
//! for its new length to be on disk too.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;

/// Pages written between two checkpoints.
const CHECKPOINT_PAGES: usize = 1024;

/// The thread that moves the log, and what it has found out.
#[derive(Debug)]
pub(super) struct Checkpointer {
    /// `None` once it is being ended.
    asking: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The thread has moved most of the log since the writer last did its part.
    moved: Arc<AtomicBool>,
    /// About how many pages were written since the thread was last asked.
    written: usize,
}

impl Checkpointer {
    /// Starts the thread, which has `connection` for itself.
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let (asking, asked) = sync_channel(1);
        let moved = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&moved);
        let work = move || run(&connection, &asked, &done);
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(work)?;
        Ok(Self {
            asking: Some(asking),
            thread: Some(thread),
            moved,
            written: 0,
        })
    }

    /// After a commit of about `pages` pages: has the log moved when there is enough of it.
    pub(super) fn committed(&mut self, writer: &Connection, pages: usize) {
        if self.moved.swap(false, Ordering::AcqRel) {
            checkpoint(writer);
        }
        self.written = self.written.saturating_add(pages);
        if self.written < CHECKPOINT_PAGES {
            return;
        }
        self.written = 0;
        if let Some(asking) = &self.asking {
            // One that has been asked and has not begun will see this too.
            let _ = asking.try_send(());
        }
    }

    /// Ends the thread and closes its connection.
    pub(super) fn end(&mut self) {
        self.asking = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that moves the log ended by a fault of its own");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(connection: &Connection, asked: &Receiver<()>, moved: &AtomicBool) {
    while asked.recv().is_ok() {
        checkpoint(connection);
        moved.store(true, Ordering::Release);
    }
}

/// Moves what can be moved without waiting for anybody. A failure changes nothing but that the log grows: what is in it
/// is as safe as in the file.
fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the log could not be moved into the file");
    }
}
