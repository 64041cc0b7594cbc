//! A connection that stalls and tarries, breaks for good after so many bytes, and ends with the casino's life.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    time::{Sleep, sleep},
};
use tonic::transport::server::Connected;

use crate::surroundings::Life;

/// The casino's end of a connection.
pub(crate) struct Faulty {
    pipe: DuplexStream,
    life: Arc<Life>,
    /// Bytes until it breaks.
    left: usize,
    /// Until when nothing comes through.
    delay: Option<Pin<Box<Sleep>>>,
    /// When it is not ready yet: by chance, for whoever looks twice in each turn would else always look in vain.
    chance: ChaCha8Rng,
}

impl Faulty {
    /// `pipe` in `life`, with faults by `chance`.
    pub(crate) fn new(pipe: DuplexStream, life: &Arc<Life>, chance: &mut ChaCha8Rng) -> Self {
        let bytes_max = [1_000, 5_000, 20_000].get(chance.random_range(0..5_usize));
        Self {
            pipe,
            life: Arc::clone(life),
            left: bytes_max.map_or(usize::MAX, |most| chance.random_range(1..*most)),
            delay: None,
            chance: ChaCha8Rng::seed_from_u64(chance.random()),
        }
    }

    /// Whether the connection stalls, tarries or is broken, instead of going on.
    fn fault(&mut self, cx: &mut Context<'_>) -> Option<Poll<io::Error>> {
        if self.life.step() || self.left == 0 {
            return Some(Poll::Ready(io::ErrorKind::ConnectionReset.into()));
        }
        if let Some(delay) = &mut self.delay {
            if delay.as_mut().poll(cx).is_pending() {
                return Some(Poll::Pending);
            }
            self.delay = None;
        }
        match self.chance.random_range(0..400) {
            0..100 => {
                cx.waker().wake_by_ref();
                Some(Poll::Pending)
            }
            100 => {
                let mut delay = Box::pin(sleep(Duration::from_millis(self.chance.random_range(1..10))));
                // Polled once, so that it wakes whoever waits.
                let waits = delay.as_mut().poll(cx).is_pending();
                self.delay = Some(delay);
                waits.then_some(Poll::Pending)
            }
            _ => None,
        }
    }
}

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(fault) = self.fault(cx) {
            return fault.map(Err);
        }
        let mut bytes = vec![0; buffer.remaining().min(self.left)];
        let mut part = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut self.pipe).poll_read(cx, &mut part);
        let filled = part.filled().len();
        buffer.put_slice(part.filled());
        self.left -= filled;
        read
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(fault) = self.fault(cx) {
            return fault.map(Err);
        }
        let part = bytes.len().min(self.left);
        let written = Pin::new(&mut self.pipe).poll_write(cx, &bytes[..part]);
        if let Poll::Ready(Ok(written)) = written {
            self.left -= written;
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

impl Connected for Faulty {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}
