//! Stall detection for response bodies, and accounting of unread bytes.
//!
//! A body passes chunks of at most [`CHUNK_BYTES`] to HTTP/2, which asks for the next one when the peer's
//! window has taken the last. So a peer makes progress only by reading whole chunks: a window that grows by
//! single bytes does not count.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tonic::codegen::Bytes;

use super::ConnectionHandle;

/// Largest chunk that a body returns.
pub(in crate::server) const CHUNK_BYTES: usize = 16 * 1024;

/// Chunks up to this size are not counted as unread: at most 1 MiB over all streams of a connection.
const SMALL_BYTES: usize = 1024;

/// Holds a value, such as a permit, until the response is written or dropped; a response extension.
#[derive(Debug, Clone)]
pub struct UntilRead(pub Arc<dyn Any + Send + Sync>);

/// Marks a response whose service detects stalls itself; a response extension.
#[derive(Debug, Clone, Copy)]
pub struct DetectsStall;

/// The checked calls of one connection.
#[derive(Debug, Default)]
pub(in crate::server) struct ResponseBodies(Mutex<Slots>);

#[derive(Debug, Default)]
struct Slots {
    bodies: Vec<Weak<ResponseBody>>,
    free: Vec<usize>,
}

/// A call and its response, until the last byte is written or dropped.
#[derive(Debug)]
pub(in crate::server) struct ResponseBody {
    connection: ConnectionHandle,
    slot: usize,
    /// Counts polls of the body and written chunks.
    progress: AtomicU32,
    /// Whether the last poll returned a chunk, so that the body waits for window space.
    chunk_pending: AtomicBool,
    /// Counted frames that are not written yet.
    unread: AtomicU32,
    /// Progress at the last check.
    checked: AtomicU32,
    /// Number of checks since the progress changed.
    unchanged: AtomicU32,
    held: OnceLock<UntilRead>,
}

/// Checks without progress after which the connection closes.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct CheckLimits {
    /// Before the response starts.
    pub(in crate::server) unanswered: u32,
    /// While a chunk is unread.
    pub(in crate::server) unread: u32,
}

/// Bytes that count as unread until they are dropped.
struct Counted {
    bytes: Bytes,
    body: Arc<ResponseBody>,
}

impl ResponseBodies {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a reason to close the connection, if one of its calls made no progress for too many checks.
    pub(in crate::server) fn check(&self, limits: CheckLimits) -> Option<&'static str> {
        // Dropped outside the lock: dropping the last reference to a body takes it.
        let bodies: Vec<Arc<ResponseBody>> = self.lock().bodies.iter().filter_map(Weak::upgrade).collect();
        // Checks all of them, as each counts its checks.
        bodies
            .iter()
            .fold(None, |reason, body| body.check(limits).or(reason))
    }
}

impl ResponseBody {
    pub(in crate::server) fn new(connection: &ConnectionHandle) -> Arc<Self> {
        let mut slots = connection.bodies().lock();
        let slot = slots.free.pop().unwrap_or(slots.bodies.len());
        let body = Arc::new(Self {
            connection: connection.clone(),
            slot,
            progress: AtomicU32::new(0),
            chunk_pending: AtomicBool::new(false),
            unread: AtomicU32::new(0),
            checked: AtomicU32::new(0),
            unchanged: AtomicU32::new(0),
            held: OnceLock::new(),
        });
        let weak = Arc::downgrade(&body);
        match slots.bodies.get_mut(slot) {
            Some(entry) => *entry = weak,
            None => slots.bodies.push(weak),
        }
        drop(slots);
        body
    }

    /// Holds `value` until the response is written.
    pub(in crate::server) fn keep(&self, held: UntilRead) {
        // Set once, when the response starts.
        let _ = self.held.set(held);
    }

    /// Records a poll of the body, and whether it returned a chunk.
    pub(in crate::server) fn polled(&self, chunk_pending: bool) {
        self.chunk_pending.store(chunk_pending, Ordering::Relaxed);
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts `bytes` as unread until they are written; returns `None` if a limit is exceeded.
    pub(in crate::server) fn count(self: &Arc<Self>, bytes: Bytes) -> Option<Bytes> {
        if bytes.len() <= SMALL_BYTES {
            return Some(bytes);
        }
        self.connection.reserve(bytes.len()).then(|| {
            self.unread.fetch_add(1, Ordering::Relaxed);
            let body = Arc::clone(self);
            Bytes::from_owner(Counted { bytes, body })
        })
    }

    fn check(&self, limits: CheckLimits) -> Option<&'static str> {
        let progress = self.progress.load(Ordering::Relaxed);
        let (bound, reason) = match progress {
            0 => (limits.unanswered, "a call was not answered"),
            _ => (limits.unread, "a response was not read"),
        };
        let chunk_pending =
            self.chunk_pending.load(Ordering::Relaxed) || self.unread.load(Ordering::Relaxed) > 0;
        let has_changed = self.checked.swap(progress, Ordering::Relaxed) != progress;
        if has_changed || (progress > 0 && !chunk_pending) {
            self.unchanged.store(0, Ordering::Relaxed);
            return None;
        }
        let unchanged = self.unchanged.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        (unchanged >= bound).then_some(reason)
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        let mut slots = self.connection.bodies().lock();
        if let Some(entry) = slots.bodies.get_mut(self.slot) {
            *entry = Weak::new();
        }
        slots.free.push(self.slot);
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.body.connection.release(self.bytes.len());
        self.body.unread.fetch_sub(1, Ordering::Relaxed);
        self.body.progress.fetch_add(1, Ordering::Relaxed);
    }
}
