//! A connection that stalls now and then, and breaks for good after so many bytes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tonic::transport::server::Connected;

/// The casino's end of a connection.
pub(crate) struct Faulty {
    pipe: DuplexStream,
    /// Bytes until it breaks.
    left: usize,
    /// When it is not ready yet: by chance, for whoever looks twice in each turn would else always look in vain.
    chance: ChaCha8Rng,
}

impl Faulty {
    /// `pipe`, with faults by `chance`.
    pub(crate) fn new(pipe: DuplexStream, chance: &mut ChaCha8Rng) -> Self {
        let whole = chance.random_bool(0.4);
        Self {
            pipe,
            left: if whole {
                usize::MAX
            } else {
                chance.random_range(1..20_000)
            },
            chance: ChaCha8Rng::seed_from_u64(chance.random()),
        }
    }

    /// Whether the connection stalls or is broken, instead of going on.
    fn fault(&mut self, cx: &Context<'_>) -> Option<Poll<io::Error>> {
        if self.left == 0 {
            return Some(Poll::Ready(io::ErrorKind::ConnectionReset.into()));
        }
        if self.chance.random_ratio(1, 4) {
            cx.waker().wake_by_ref();
            return Some(Poll::Pending);
        }
        None
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
