//! Memory and threads at the start of a program. Without them, what lacks them later would abort or panic.

use std::collections::TryReserveError;
use std::sync::{Mutex, mpsc};
use std::time::Duration;
use std::{io, thread};

use tokio::runtime::{self, Runtime};

/// Address space in MiB that must be free beside the threads. For each thread that starts, an allocator may take 128 MiB
/// for a moment, in which no other thread gets any.
const MEMORY_MIB: usize = 160;

/// A missing resource.
#[derive(Debug, thiserror::Error)]
pub enum Shortage {
    /// Memory.
    #[error("cannot start: {MEMORY_MIB} MiB of memory are not free; raise the limit (ulimit -v)")]
    Memory(#[from] TryReserveError),
    /// Threads.
    #[error("cannot start {threads} threads; raise the limits of processes and memory (ulimit -u and -v)")]
    Threads {
        /// Number needed.
        threads: usize,
        /// The system's error.
        source: io::Error,
    },
}

/// Checks that the system gives this process memory, and `threads` threads at once.
///
/// # Errors
///
/// The system does not give them.
pub fn check(threads: usize) -> Result<(), Shortage> {
    let until_checked = Mutex::new(());
    let (running, runs) = mpsc::channel();
    let memory_is_free = || Vec::<u8>::new().try_reserve_exact(MEMORY_MIB << 20);
    memory_is_free()?;
    thread::scope(|scope| {
        // Dropped before the scope waits for its threads.
        let _held = until_checked.lock();
        for _ in 0..threads {
            let (running, until_checked) = (running.clone(), &until_checked);
            let run = move || {
                // The allocator sets memory aside for each thread that allocates.
                let _ = running.send(Box::new(0));
                drop(until_checked.lock());
            };
            thread::Builder::new()
                .spawn_scoped(scope, run)
                .map_err(|source| Shortage::Threads { threads, source })?;
            // One after the other, because a thread that starts may take all of it for a moment.
            let _ = runs.recv();
            memory_is_free()?;
        }
        Ok(())
    })
}

/// A runtime of the current thread. Its first thread for blocking work runs from the beginning and stays: without any,
/// tokio panics when the system gives none.
///
/// # Errors
///
/// The system gives no event queue or no thread.
pub fn runtime() -> io::Result<Runtime> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(Duration::MAX)
        .build()?;
    // Fails where the next line would panic.
    let _ = thread::Builder::new().spawn(|| ())?.join();
    runtime.spawn_blocking(|| ());
    Ok(runtime)
}
