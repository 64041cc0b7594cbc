//! Checkpoints beside the commits: the log is moved into the file by a thread of its own.
//!
//! SQLite would do it within a commit, every thousand pages, and all who wait for that commit would wait for it too.
//! The thread can never quite catch up with a writer that goes on; so when the log has grown long the writer moves the
//! little that is left itself, and the log begins anew.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;

/// Pages written between two checkpoints.
const CHECKPOINT_PAGES: usize = 1024;

/// Pages in the log past which the writer makes it begin anew.
const LOG_PAGES_MAX: i64 = 8 * 1024;

/// The thread that moves the log, and what it has found out.
#[derive(Debug)]
pub(super) struct Checkpointer {
    /// `None` once it is being ended.
    asking: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Pages in the log when it was last looked at.
    log_pages: Arc<AtomicI64>,
    /// About how many pages were written since the thread was last asked.
    written: usize,
}

impl Checkpointer {
    /// Starts the thread, which has `connection` for itself.
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let (asking, asked) = sync_channel(1);
        let log_pages = Arc::new(AtomicI64::new(0));
        let found = Arc::clone(&log_pages);
        let work = move || run(&connection, &asked, &found);
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(work)?;
        Ok(Self {
            asking: Some(asking),
            thread: Some(thread),
            log_pages,
            written: 0,
        })
    }

    /// After a commit of about `pages` pages: has the log moved when there is enough of it.
    pub(super) fn committed(&mut self, writer: &Connection, pages: usize) {
        self.written = self.written.saturating_add(pages);
        if self.written < CHECKPOINT_PAGES {
            return;
        }
        self.written = 0;
        if self.log_pages.load(Ordering::Acquire) > LOG_PAGES_MAX {
            self.log_pages.store(0, Ordering::Release);
            checkpoint(writer);
        } else if let Some(asking) = &self.asking {
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

fn run(connection: &Connection, asked: &Receiver<()>, log_pages: &AtomicI64) {
    while asked.recv().is_ok() {
        if let Some(pages) = checkpoint(connection) {
            log_pages.store(pages, Ordering::Release);
        }
    }
}

/// Moves what can be moved without waiting for anybody: the pages in the log then. A failure changes nothing but that
/// the log grows: what is in it is as safe as in the file.
fn checkpoint(connection: &Connection) -> Option<i64> {
    let pages = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1));
    pages
        .inspect_err(|error| tracing::warn!(%error, "the log could not be moved into the file"))
        .ok()
}
