//! A connection that stalls, delays, resets after a random number of bytes, and ends with the casino's lifetime.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

use crate::environment::Lifetime;

/// The number of a player's open connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenConnections(Arc<AtomicUsize>);

impl OpenConnections {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// The server side of a connection.
pub(crate) struct FaultyConnection {
    pipe: DuplexStream,
    lifetime: Arc<Lifetime>,
    /// All connections of the player, with this one.
    open: OpenConnections,
    /// Bytes until the connection resets.
    bytes_left: usize,
    /// No data passes until this timer fires.
    delay: Option<Pin<Box<Sleep>>>,
    /// Decides when the connection is not ready. A fixed pattern could starve a caller that polls twice in each turn.
    rng: ChaCha8Rng,
}

impl FaultyConnection {
    /// Wraps `pipe` with random faults from `rng`.
    pub(crate) fn new(
        pipe: DuplexStream,
        lifetime: &Arc<Lifetime>,
        open: &OpenConnections,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        open.0.fetch_add(1, Ordering::SeqCst);
        let bytes_max = [1_000, 5_000, 20_000].get(rng.random_range(0..5_usize));
        Self {
            pipe,
            lifetime: Arc::clone(lifetime),
            open: open.clone(),
            bytes_left: bytes_max.map_or(usize::MAX, |max| rng.random_range(1..*max)),
            delay: None,
            rng: ChaCha8Rng::seed_from_u64(rng.random()),
        }
    }

    /// Returns the fault of this step, if any: a stall, a delay or a reset.
    fn fault(&mut self, cx: &mut Context<'_>) -> Option<Poll<io::Error>> {
        if self.lifetime.step() || self.bytes_left == 0 {
            return Some(Poll::Ready(io::ErrorKind::ConnectionReset.into()));
        }
        if let Some(delay) = &mut self.delay {
            if delay.as_mut().poll(cx).is_pending() {
                return Some(Poll::Pending);
            }
            self.delay = None;
        }
        match self.rng.random_range(0..400) {
            0..100 => {
                cx.waker().wake_by_ref();
                Some(Poll::Pending)
            }
            100 => {
                let mut delay = Box::pin(sleep(Duration::from_millis(self.rng.random_range(1..10))));
                // The first poll registers the waker.
                let is_pending = delay.as_mut().poll(cx).is_pending();
                self.delay = Some(delay);
                is_pending.then_some(Poll::Pending)
            }
            _ => None,
        }
    }
}

impl Drop for FaultyConnection {
    fn drop(&mut self) {
        self.open.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AsyncRead for FaultyConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(fault) = self.fault(cx) {
            return fault.map(Err);
        }
        let mut bytes = vec![0; buffer.remaining().min(self.bytes_left)];
        let mut part = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut self.pipe).poll_read(cx, &mut part);
        let filled = part.filled().len();
        buffer.put_slice(part.filled());
        self.bytes_left -= filled;
        read
    }
}

impl AsyncWrite for FaultyConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(fault) = self.fault(cx) {
            return fault.map(Err);
        }
        let part = bytes.len().min(self.bytes_left);
        let written = Pin::new(&mut self.pipe).poll_write(cx, &bytes[..part]);
        if let Poll::Ready(Ok(written)) = written {
            self.bytes_left -= written;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

impl Connected for FaultyConnection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}
