//! The connections of a server: how many there may be, and when one is ended that does no good to anybody.
//!
//! Owns three bounds that HTTP/2 itself does not have: on how many are open, on how long a peer may leave unread what
//! is written to it, and on how long one may stay open without a call. And it ends them with their server: the transport
//! gives each a task of its own, which would outlive it. It knows nothing of what is sent.

use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{
    codegen::http::Extensions,
    transport::server::{Connected, TlsConnectInfo},
};

/// How often a connection is looked at that sends nothing.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How many looks the shortest bound takes at least.
const LOOKS: u32 = 6;

/// Why a connection ended that was cut.
const CUT: &str = "a stream on it was not read, or its server has ended";

/// What the connections of a server may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How many may be open. One more is closed at once, which its client sees as `UNAVAILABLE`.
    pub max: usize,
    /// How long a peer may take nothing of what is written to it.
    pub stall: Duration,
    /// How long one may stay open without a call.
    pub idle: Duration,
}

/// The connections of a server, over all of its runtimes; a handle, cheap to clone.
#[derive(Debug, Clone)]
pub struct Connections {
    limits: ConnectionLimits,
    open: Arc<AtomicUsize>,
}

/// An open connection, within its bounds.
#[derive(Debug)]
pub struct Held<IO> {
    io: IO,
    line: Line,
    /// Completes when it is to be ended at once.
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    limits: ConnectionLimits,
    /// When it is next looked at.
    look: Pin<Box<Sleep>>,
    /// Calls that had begun at the last look that found one, and when that was.
    busy: (u64, Instant),
    /// By when the peer has to take something. Only while it takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// A connection, as the calls on it know it; a handle, cheap to clone.
#[derive(Clone)]
pub struct Line(Arc<State>);

struct State {
    place: Arc<AtomicUsize>,
    begun: AtomicU64,
    open_calls: AtomicUsize,
    cut: CancellationToken,
}

/// A call on a connection, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Call(Line);

impl Default for ConnectionLimits {
    /// 10,000 connections; 30 s to take something; 10 minutes without a call.
    fn default() -> Self {
        Self {
            max: 10_000,
            stall: Duration::from_secs(30),
            idle: Duration::from_secs(10 * 60),
        }
    }
}

impl ConnectionLimits {
    fn look_interval(&self) -> Duration {
        let shortest = self.stall.min(self.idle);
        let look = shortest.checked_div(LOOKS).unwrap_or_default();
        look.clamp(Duration::from_millis(1), LOOK_INTERVAL)
    }
}

impl Connections {
    /// None yet, of as many as `limits` says.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            open: Arc::default(),
        }
    }

    /// How many are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Takes in `io`, which ends with `server`; `None`, and `io` is closed, when there are as many as there may be.
    pub(super) fn hold<IO>(&self, io: IO, server: &CancellationToken) -> Option<Held<IO>> {
        let line = Line(Arc::new(State {
            place: Arc::clone(&self.open),
            begun: AtomicU64::new(0),
            open_calls: AtomicUsize::new(0),
            cut: server.child_token(),
        }));
        // Counted before it is looked at: two that come at once do not both find the last place.
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.limits.max {
            tracing::debug!(max = self.limits.max, "a connection too many was closed");
            return None;
        }
        Some(Held {
            io,
            cut: Box::pin(line.0.cut.clone().cancelled_owned()),
            line,
            limits: self.limits,
            look: Box::pin(sleep(self.limits.look_interval())),
            busy: (0, Instant::now()),
            stalled: None,
        })
    }
}

impl Line {
    /// The connection that a request with `extensions` came by, if it is one of a [`serve`](super::serve).
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        let by_tls = || {
            extensions
                .get::<TlsConnectInfo<Self>>()
                .map(TlsConnectInfo::get_ref)
        };
        extensions.get().or_else(by_tls)
    }

    /// Ends the connection and all calls on it.
    pub fn cut(&self) {
        self.0.cut.cancel();
    }

    /// Counts a call.
    pub(super) fn call(&self) -> Call {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        self.0.open_calls.fetch_add(1, Ordering::Relaxed);
        Call(self.clone())
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("open_calls", &self.0.open_calls)
            .field("cut", &self.0.cut.is_cancelled())
            .finish_non_exhaustive()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.place.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.0.open_calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<IO> Held<IO> {
    /// Completes with the reason when the connection is to be ended; to be polled while nothing arrives.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(CUT);
        }
        loop {
            ready!(self.look.as_mut().poll(cx));
            let now = Instant::now();
            let state = &self.line.0;
            let begun = state.begun.load(Ordering::Relaxed);
            if begun != self.busy.0 || state.open_calls.load(Ordering::Relaxed) > 0 {
                self.busy = (begun, now);
            } else if now.duration_since(self.busy.1) >= self.limits.idle {
                return Poll::Ready("no call was made on it");
            }
            self.look.as_mut().reset(after(now, self.limits.look_interval()));
        }
    }

    /// What a write comes to, when `written` is what the connection says of it.
    fn within_stall<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(ended(CUT)));
        }
        let stall = self.limits.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(ended("its peer read nothing")))
    }
}

/// `wait` after `now`, or at once where time ends.
fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}

fn ended(why: &'static str) -> io::Error {
    tracing::debug!(why, "a connection is ended");
    io::Error::new(io::ErrorKind::TimedOut, why)
}

impl<IO: Connected> Connected for Held<IO> {
    type ConnectInfo = Line;

    fn connect_info(&self) -> Line {
        self.line.clone()
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Held<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_read(cx, buffer) {
            Poll::Ready(read) => Poll::Ready(read),
            Poll::Pending => self.poll_end(cx).map(|why| Err(ended(why))),
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Held<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.within_stall(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bytes);
        self.within_stall(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIMITS: ConnectionLimits = ConnectionLimits {
        max: 2,
        stall: Duration::from_secs(30),
        idle: Duration::from_secs(600),
    };

    #[tokio::test]
    async fn one_too_many_is_closed_and_makes_no_place_smaller() {
        let connections = Connections::new(LIMITS);
        let (near, far) = duplex(16);
        let first = connections.hold(near, &CancellationToken::new()).unwrap();
        let second = connections.hold(far, &CancellationToken::new()).unwrap();
        for _ in 0..3 {
            let (near, mut far) = duplex(16);
            assert!(connections.hold(near, &CancellationToken::new()).is_none());
            assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "closed");
        }
        assert_eq!(connections.open(), 2);
        drop(first);
        assert_eq!(connections.open(), 1);
        // Counted as long as a call on it is known.
        let call = second.line.call();
        drop(second);
        assert_eq!(connections.open(), 1);
        drop(call);
        assert_eq!(connections.open(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up_and_one_that_takes_little_is_not() {
        let connections = Connections::new(LIMITS);
        let (near, mut far) = duplex(4);
        let mut held = connections.hold(near, &CancellationToken::new()).unwrap();
        let writing = tokio::spawn(async move { held.write_all(&[7; 64]).await });
        for _ in 0..5 {
            sleep(Duration::from_secs(29)).await;
            far.read_exact(&mut [0; 4]).await.unwrap();
        }
        let quiet_since = Instant::now();
        let error = writing.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(quiet_since.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_call_is_ended_and_one_with_an_open_call_is_not() {
        let connections = Connections::new(LIMITS);
        let (near, _far) = duplex(4);
        let mut held = connections.hold(near, &CancellationToken::new()).unwrap();
        let line = held.line.clone();
        let call = line.call();
        let reading = tokio::spawn(async move { held.read(&mut [0]).await });
        sleep(LIMITS.idle * 3).await;
        assert!(!reading.is_finished());
        drop(call);
        let since = Instant::now();
        assert!(reading.await.unwrap().is_err());
        let elapsed = since.elapsed();
        // Counted from the last look that found the call.
        assert!(elapsed + LOOK_INTERVAL >= LIMITS.idle && elapsed <= LIMITS.idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_cut_ends() {
        let connections = Connections::new(LIMITS);
        let (near, _far) = duplex(4);
        let mut held = connections.hold(near, &CancellationToken::new()).unwrap();
        let line = held.line.clone();
        let _call = line.call();
        let reading = tokio::spawn(async move { held.read(&mut [0]).await });
        tokio::task::yield_now().await;
        let since = Instant::now();
        line.cut();
        assert!(reading.await.unwrap().is_err());
        assert!(since.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn all_end_with_their_server_also_where_the_peer_takes_nothing() {
        let connections = Connections::new(LIMITS);
        let server = CancellationToken::new();
        let (near, _far) = duplex(4);
        let mut read = connections.hold(near, &server).unwrap();
        let (near, _far) = duplex(4);
        let mut written = connections.hold(near, &server).unwrap();
        let reading = tokio::spawn(async move { read.read(&mut [0]).await });
        let writing = tokio::spawn(async move { written.write_all(&[7; 64]).await });
        tokio::task::yield_now().await;
        let since = Instant::now();
        server.cancel();
        assert!(reading.await.unwrap().is_err() && writing.await.unwrap().is_err());
        assert!(since.elapsed().is_zero());
        assert_eq!(connections.open(), 0);
    }
}
