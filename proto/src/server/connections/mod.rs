//! Connection limits that HTTP/2 lacks: the number of connections, in total and per address; the time and
//! bytes that responses may stay unread; and the time without a call. Connections close with their server, as
//! the transport's connection tasks would outlive it.

pub(super) mod response_bodies;

use std::any::Any;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::codegen::http::Extensions;
use tonic::transport::server::{Connected, TcpConnectInfo};

use self::response_bodies::{CheckLimits, ResponseBodies};

/// Longest interval between two checks of a silent connection.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Fewest checks within the shortest timeout.
const MIN_CHECKS: u32 = 6;

/// Bytes that a stalled peer must read within the stall timeout.
const PROGRESS_BYTES: usize = 16 * 1024;

const CLOSED: &str = "a stream was not read, or the server stopped";

/// Limits of a server's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Most open connections. One more is closed at once; its client gets `UNAVAILABLE`.
    pub max: usize,
    /// Most open connections per address, or per IPv6 network (/64). `None` is no limit, as is always the
    /// case for this machine.
    pub max_per_address: Option<NonZero<usize>>,
    /// Longest time in which a peer may read less than 16 KiB of pending data, or of one response.
    pub stall: Duration,
    /// Longest time from accepting to the first call.
    pub first_call: Duration,
    /// Longest time without a call, and until a call is answered.
    pub idle: Duration,
    /// Most unread bytes of responses on one connection; a response beyond ends with `UNAVAILABLE`. A single
    /// response may have any size.
    pub unread: usize,
    /// Most unread bytes on all connections, without exception.
    pub unread_total: usize,
}

/// Limits the connections of a server, over all of its runtimes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ConnectionLimiter {
    limits: ConnectionLimits,
    all: Arc<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    open: AtomicUsize,
    unread: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// An open connection with its limits.
#[derive(Debug)]
pub(super) struct LimitedIo<IO> {
    io: IO,
    connection: ConnectionHandle,
    /// Completes when the connection must close.
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Time of the next check.
    check: Pin<Box<Sleep>>,
    /// Number of started calls, and the time of the last check that found a call.
    last_active: (u64, Instant),
    /// Deadline for reading [`PROGRESS_BYTES`], and the bytes read so far; set while writes are blocked.
    stalled: Option<(Pin<Box<Sleep>>, usize)>,
}

/// Handle of a connection for its calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ConnectionHandle(Arc<State>);

#[derive(Debug)]
struct State {
    all: Arc<OpenConnections>,
    limits: ConnectionLimits,
    /// Set if connections of the address are counted.
    address: Option<IpAddr>,
    bodies: ResponseBodies,
    unread: AtomicUsize,
    calls_started: AtomicU64,
    open_calls: AtomicUsize,
    turn: tokio::sync::Mutex<()>,
    closed: CancellationToken,
}

/// A call on a connection, counted until it is dropped.
#[derive(Debug)]
pub(super) struct ActiveCall(ConnectionHandle);

impl Default for ConnectionLimits {
    /// 10,000 connections, 1,000 per address; 30 s to read; 10 s to the first call, and 10 minutes without
    /// one; 8 MiB unread per connection, and 256 MiB in total.
    fn default() -> Self {
        Self {
            max: Self::MAX,
            max_per_address: NonZero::new(Self::MAX_PER_ADDRESS),
            stall: Duration::from_secs(30),
            first_call: Duration::from_secs(10),
            idle: Duration::from_secs(10 * 60),
            unread: 8 * 1024 * 1024,
            unread_total: 256 * 1024 * 1024,
        }
    }
}

impl ConnectionLimits {
    /// Default connections.
    pub const MAX: usize = 10_000;

    /// Default connections per address.
    pub const MAX_PER_ADDRESS: usize = 1_000;

    /// Bounds of [`stall`](Self::stall).
    pub const STALL: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60 * 60);

    fn check_interval(&self) -> Duration {
        let shortest = self.stall.min(self.idle);
        let check = shortest.checked_div(MIN_CHECKS).unwrap_or_default();
        check.clamp(Duration::from_millis(1), CHECK_INTERVAL)
    }

    fn checks(&self) -> CheckLimits {
        let interval = self.check_interval().as_millis().max(1);
        let checks = |bound: Duration| u32::try_from(bound.as_millis() / interval).unwrap_or(u32::MAX);
        CheckLimits {
            unanswered: checks(self.idle).max(1),
            unread: checks(self.stall).max(1),
        }
    }
}

impl ConnectionLimiter {
    /// Creates a limiter without connections.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            all: Arc::default(),
        }
    }

    /// Returns the number of open connections.
    #[must_use]
    pub fn open(&self) -> usize {
        self.all.open.load(Ordering::Relaxed)
    }

    /// Accepts `io`, which closes with `server`; returns `None` and closes `io` if a limit is reached.
    pub(super) fn accept<IO: Connected>(&self, io: IO, server: &CancellationToken) -> Option<LimitedIo<IO>> {
        let counted = self
            .limits
            .max_per_address
            .and_then(|max| Some((address(&io)?, max)));
        // Counts before it checks, so that two at once cannot both get the last slot.
        let open = self.all.open.fetch_add(1, Ordering::Relaxed);
        let from_address = counted.map_or(0, |(address, _)| self.all.increment(address));
        let connection = ConnectionHandle(Arc::new(State {
            all: Arc::clone(&self.all),
            limits: self.limits,
            address: counted.map(|(address, _)| address),
            bodies: ResponseBodies::default(),
            unread: AtomicUsize::new(0),
            calls_started: AtomicU64::new(0),
            open_calls: AtomicUsize::new(0),
            turn: tokio::sync::Mutex::default(),
            closed: server.child_token(),
        }));
        if open >= self.limits.max || counted.is_some_and(|(_, max)| from_address > max.get()) {
            tracing::debug!(open, from_address, "rejected a connection: too many");
            return None;
        }
        let first_check = self.limits.check_interval().min(self.limits.first_call);
        Some(LimitedIo {
            io,
            closed: Box::pin(connection.0.closed.clone().cancelled_owned()),
            connection,
            check: Box::pin(sleep(first_check)),
            last_active: (0, Instant::now()),
            stalled: None,
        })
    }
}

impl OpenConnections {
    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection from `address`, and returns their number.
    fn increment(&self, address: IpAddr) -> usize {
        let mut by_address = self.by_address();
        let open = by_address.entry(address).or_default();
        *open = open.saturating_add(1);
        *open
    }

    fn decrement(&self, address: IpAddr) {
        let mut by_address = self.by_address();
        if let Some(open) = by_address.get_mut(&address) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                by_address.remove(&address);
            }
        }
    }
}

/// Returns the address under which `io` is counted, for IPv6 its network, as a host has a whole /64; `None` for this
/// machine and transports without addresses.
fn address(io: &impl Connected) -> Option<IpAddr> {
    let info = io.connect_info();
    let tcp = (&info as &dyn Any).downcast_ref::<TcpConnectInfo>()?;
    match tcp.remote_addr()?.ip().to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            Some(IpAddr::V6(Ipv6Addr::from_bits(network)))
        }
        address => Some(address),
    }
}

impl ConnectionHandle {
    /// Returns the connection of a request, if [`serve`](super::serve) accepted it.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Closes the connection and all calls on it.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// Acquires the connection's turn. A call holds it while it waits in a queue shared by all connections, so that a
    /// connection has at most one place there.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.turn.lock().await
    }

    pub(super) fn bodies(&self) -> &ResponseBodies {
        &self.0.bodies
    }

    /// Counts `bytes` as unread; returns `false` and counts nothing if a limit is exceeded.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        let State { all, limits, .. } = &*self.0;
        let before = self.0.unread.fetch_add(bytes, Ordering::Relaxed);
        let before_in_all = all.unread.fetch_add(bytes, Ordering::Relaxed);
        let fits = before == 0 || before.saturating_add(bytes) <= limits.unread;
        let fits = fits && before_in_all.saturating_add(bytes) <= limits.unread_total;
        if !fits {
            self.release(bytes);
        }
        fits
    }

    pub(super) fn release(&self, bytes: usize) {
        self.0.unread.fetch_sub(bytes, Ordering::Relaxed);
        self.0.all.unread.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn call(&self) -> ActiveCall {
        self.0.calls_started.fetch_add(1, Ordering::Relaxed);
        self.0.open_calls.fetch_add(1, Ordering::Relaxed);
        ActiveCall(self.clone())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.all.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = self.address {
            self.all.decrement(address);
        }
    }
}

impl Drop for ActiveCall {
    fn drop(&mut self) {
        self.0.0.open_calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<IO> LimitedIo<IO> {
    /// Completes with the reason when the connection must close. Polled while nothing arrives.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        if self.closed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(CLOSED);
        }
        self.poll_check(cx)
    }

    /// Completes with the reason when a check fails.
    fn poll_check(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        loop {
            ready!(self.check.as_mut().poll(cx));
            let now = Instant::now();
            let state = &self.connection.0;
            if let Some(reason) = state.bodies.check(state.limits.checks()) {
                return Poll::Ready(reason);
            }
            let calls_started = state.calls_started.load(Ordering::Relaxed);
            let mut next = after(now, state.limits.check_interval());
            if calls_started != self.last_active.0 || state.open_calls.load(Ordering::Relaxed) > 0 {
                self.last_active = (calls_started, now);
            } else if calls_started == 0 {
                let deadline = after(self.last_active.1, state.limits.first_call);
                if now >= deadline {
                    return Poll::Ready("no call was made");
                }
                next = next.min(deadline);
            } else if now.duration_since(self.last_active.1) >= state.limits.idle {
                return Poll::Ready("no call for too long");
            }
            self.check.as_mut().reset(next);
        }
    }

    /// Returns `written`, or an error if the connection must close.
    fn within_stall(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            if let (Some((deadline, read_bytes)), Ok(bytes)) = (&mut self.stalled, &written) {
                *read_bytes = read_bytes.saturating_add(*bytes);
                // After the deadline this write was not blocked, or the connection would be closed.
                if *read_bytes >= PROGRESS_BYTES || deadline.deadline() <= Instant::now() {
                    self.stalled = None;
                }
            }
            return Poll::Ready(written);
        }
        if let Poll::Ready(reason) = self.poll_end(cx) {
            return Poll::Ready(Err(ended(reason)));
        }
        let stall = self.connection.0.limits.stall;
        let (deadline, _) = self.stalled.get_or_insert_with(|| (Box::pin(sleep(stall)), 0));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(ended("the peer read too little")))
    }
}

/// Returns `wait` after `now`, or `now` on overflow.
fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}

fn ended(reason: &'static str) -> io::Error {
    tracing::debug!(reason, "closing a connection");
    io::Error::new(io::ErrorKind::TimedOut, reason)
}

impl<IO: Connected> Connected for LimitedIo<IO> {
    type ConnectInfo = ConnectionHandle;

    fn connect_info(&self) -> ConnectionHandle {
        self.connection.clone()
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for LimitedIo<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_read(cx, buffer) {
            Poll::Ready(read) => Poll::Ready(read),
            Poll::Pending => self.poll_end(cx).map(|reason| Err(ended(reason))),
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for LimitedIo<IO> {
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
        max_per_address: None,
        stall: Duration::from_secs(30),
        first_call: Duration::from_secs(10),
        idle: Duration::from_secs(600),
        unread: 8 * 1024 * 1024,
        unread_total: 256 * 1024 * 1024,
    };

    /// A connection from an address.
    struct From(&'static str);

    impl Connected for From {
        type ConnectInfo = TcpConnectInfo;

        fn connect_info(&self) -> TcpConnectInfo {
            TcpConnectInfo {
                local_addr: None,
                remote_addr: Some((self.0.parse::<IpAddr>().unwrap(), 4711).into()),
            }
        }
    }

    #[tokio::test]
    async fn a_rejected_connection_does_not_reduce_the_limit() {
        let connections = ConnectionLimiter::new(LIMITS);
        let (near, far) = duplex(16);
        let first = connections.accept(near, &CancellationToken::new()).unwrap();
        let second = connections.accept(far, &CancellationToken::new()).unwrap();
        for _ in 0..3 {
            let (near, mut far) = duplex(16);
            assert!(connections.accept(near, &CancellationToken::new()).is_none());
            assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "closed");
        }
        assert_eq!(connections.open(), 2);
        drop(first);
        assert_eq!(connections.open(), 1);
        // Counted until the call is dropped.
        let call = second.connection.call();
        drop(second);
        assert_eq!(connections.open(), 1);
        drop(call);
        assert_eq!(connections.open(), 0);
    }

    #[tokio::test]
    async fn connections_are_limited_per_address_except_for_loopback() {
        let max_per_address = NonZero::new(2);
        let connections = ConnectionLimiter::new(ConnectionLimits {
            max: 100,
            max_per_address,
            ..LIMITS
        });
        let server = CancellationToken::new();
        let connect = |from| connections.accept(From(from), &server);
        for (same, other) in [
            (["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"], "192.0.2.2"),
            (
                ["2001:db8::1", "2001:db8::2:3:4:5", "2001:db8::9"],
                "2001:db8:0:1::1",
            ),
        ] {
            let [first, second, third] = same.map(connect);
            let first = first.unwrap();
            assert!(second.is_some() && third.is_none(), "{same:?}");
            assert!(connect(other).is_some());
            drop(first);
            assert!(connect(same[2]).is_some(), "a closed connection frees its slot");
        }
        let here: Vec<_> = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
            .map(|from| [connect(from), connect(from), connect(from)])
            .into_iter()
            .flatten()
            .collect();
        assert!(here.iter().all(Option::is_some));
        drop(here);
        assert_eq!(connections.open(), 0);
        assert!(
            connections.all.by_address().is_empty(),
            "addresses without connections are dropped"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_too_little_is_closed() {
        for (reads, given_up_after) in [(4, Some(30)), (PROGRESS_BYTES / 2, None)] {
            let connections = ConnectionLimiter::new(LIMITS);
            let (near, mut far) = duplex(PROGRESS_BYTES / 2);
            let mut io = connections.accept(near, &CancellationToken::new()).unwrap();
            let _call = io.connection.call();
            let began = Instant::now();
            let writing = tokio::spawn(async move { io.write_all(&[7; PROGRESS_BYTES * 4]).await });
            let reading = tokio::spawn(async move {
                let mut read = vec![0; reads];
                while far.read_exact(&mut read).await.is_ok() {
                    sleep(Duration::from_secs(14)).await;
                }
            });
            let written = writing.await.unwrap();
            let ended_after = began.elapsed().as_secs();
            reading.await.unwrap();
            match given_up_after {
                None => written.unwrap(),
                Some(seconds) => {
                    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
                    assert_eq!(ended_after, seconds);
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_first_call_is_closed_soon() {
        let connections = ConnectionLimiter::new(LIMITS);
        let (near, mut far) = duplex(64);
        let mut io = connections.accept(near, &CancellationToken::new()).unwrap();
        let began = Instant::now();
        let reading =
            tokio::spawn(async move { while io.read(&mut [0; 8]).await.is_ok_and(|read| read > 0) {} });
        // Bytes without a request are not a call.
        while far.write_all(b"PRI").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
        reading.await.unwrap();
        // Detected at the next write, at most a second later.
        assert!((10..=11).contains(&began.elapsed().as_secs()));
        assert_eq!(connections.open(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_closed_unless_a_call_is_open() {
        let connections = ConnectionLimiter::new(LIMITS);
        let (near, _far) = duplex(4);
        let mut io = connections.accept(near, &CancellationToken::new()).unwrap();
        let connection = io.connection.clone();
        let call = connection.call();
        let reading = tokio::spawn(async move { io.read(&mut [0]).await });
        sleep(LIMITS.idle * 3).await;
        assert!(!reading.is_finished());
        drop(call);
        let since = Instant::now();
        assert!(reading.await.unwrap().is_err());
        let elapsed = since.elapsed();
        // Counted from the last check that found the call.
        assert!(elapsed + CHECK_INTERVAL >= LIMITS.idle && elapsed <= LIMITS.idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_connection_ends_its_io() {
        let connections = ConnectionLimiter::new(LIMITS);
        let (near, _far) = duplex(4);
        let mut io = connections.accept(near, &CancellationToken::new()).unwrap();
        let connection = io.connection.clone();
        let _call = connection.call();
        let reading = tokio::spawn(async move { io.read(&mut [0]).await });
        tokio::task::yield_now().await;
        let since = Instant::now();
        connection.close();
        assert!(reading.await.unwrap().is_err());
        assert!(since.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn connections_close_with_their_server_even_if_the_peer_reads_nothing() {
        let connections = ConnectionLimiter::new(LIMITS);
        let server = CancellationToken::new();
        let (near, _far) = duplex(4);
        let mut read = connections.accept(near, &server).unwrap();
        let (near, _far) = duplex(4);
        let mut written = connections.accept(near, &server).unwrap();
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
