//! Server code shared by all programs: listening, health, reflection, signals and graceful shutdown.

mod args;
mod calls;
mod connections;
pub mod health;
mod http_status;
mod log;
#[cfg_attr(not(feature = "otel"), path = "no_otel.rs")]
mod otel;
mod span;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::Connected;
use tonic_health::ServingStatus;
use tower::layer::layer_fn;
pub use tracing_subscriber::EnvFilter;

pub use self::args::{LogFormat, ServerArgs};
use self::calls::ActiveCallService;
pub use self::connections::response_bodies::{DetectsStall, UntilRead};
pub use self::connections::{ConnectionHandle, ConnectionLimiter, ConnectionLimits};
pub use self::log::{Log, LogError};
pub use self::otel::continue_trace;
use crate::tls::{CertificateWatch, ServerTls, TlsIo};
use crate::transport;

/// Time for open calls to end after the shutdown signal.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Health name of the whole server.
const OVERALL: &str = "";

/// Services of every server.
const COMMON_SERVICES: [&str; 3] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Listen backlog.
const BACKLOG: u32 = 1024;

/// Interval of the checks for a changed certificate.
const CERTIFICATE_POLL: Duration = Duration::from_secs(1);

/// Pause after a failed accept, as missing resources such as file descriptors do not return at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// The gRPC service of a server, for health checks and reflection.
#[derive(Debug, Clone, Copy)]
pub struct ServedService {
    /// Full name, such as `casino.Casino`.
    pub name: &'static str,
    /// The encoded `FileDescriptorSet` that defines it.
    pub descriptors: &'static [u8],
}

#[cfg(test)]
impl ServedService {
    const TEST: Self = Self {
        name: "some.Service",
        descriptors: &[],
    };
}

/// A failure while serving.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The transport failed.
    #[error("the transport failed")]
    Transport(#[from] tonic::transport::Error),
    /// A worker thread ended.
    #[error("a worker thread panicked")]
    Fault,
    /// The system gives a thread no event queue, or no thread for blocking work.
    #[error("a serving thread cannot be started")]
    Runtime(#[from] io::Error),
    /// The file descriptors for reflection are invalid.
    #[error("the reflection service cannot read the descriptors")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// A failure to listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The system rejected the address.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: String,
        /// The system's error.
        source: io::Error,
    },
    /// Traffic would be readable by others.
    #[error(
        "{address} can be reached from other machines without TLS: give --tls-cert and --tls-key, or --allow-plaintext if the network is safe"
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
}

/// Listens on `address`, `HOST:PORT`. An address that other machines can reach is rejected unless
/// `allow_remote` is set, for servers with TLS or `--allow-plaintext`.
///
/// # Errors
///
/// The address is rejected by the system or by this rule.
pub async fn listen(address: &str, allow_remote: bool) -> Result<TcpListener, ListenError> {
    bind(address, allow_remote).await?.listen()
}

/// A bound port that refuses connections until [`BoundPort::listen`].
#[derive(Debug)]
pub struct BoundPort {
    socket: TcpSocket,
    address: String,
}

impl BoundPort {
    /// Starts to accept connections.
    ///
    /// # Errors
    ///
    /// The system rejects it, for example because another socket listens there.
    pub fn listen(self) -> Result<TcpListener, ListenError> {
        let Self { socket, address } = self;
        socket
            .listen(BACKLOG)
            .map_err(|source| ListenError::Bind { address, source })
    }
}

/// Binds `address` like [`listen`], without accepting connections.
///
/// # Errors
///
/// The address is rejected by the system or by the rule of [`listen`].
pub async fn bind(address: &str, allow_remote: bool) -> Result<BoundPort, ListenError> {
    let bind_error = |source| ListenError::Bind {
        address: address.to_owned(),
        source,
    };
    // Checked before the port is open.
    let resolved: Vec<SocketAddr> = tokio::net::lookup_host(address)
        .await
        .map_err(bind_error)?
        .collect();
    let is_exposed = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
    let exposed = resolved.iter().find(is_exposed);
    if let Some(&address) = exposed
        && !allow_remote
    {
        return Err(ListenError::Exposed { address });
    }
    let mut failure = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for candidate in resolved {
        match bind_socket(candidate) {
            Ok(socket) => {
                let address = address.to_owned();
                return Ok(BoundPort { socket, address });
            }
            Err(error) => failure = error,
        }
    }
    Err(bind_error(failure))
}

fn bind_socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Like `TcpListener::bind`: allows ports whose last connections are in TIME-WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves `routes`, health and reflection on `incoming` until `shutdown`, with `tls` if it is given.
///
/// At `shutdown` the server stops accepting, health turns to `NOT_SERVING`, and open calls have [`DRAIN_TIMEOUT`] to end.
/// Services with endless streams must watch `shutdown` themselves. When this future completes or is dropped, all
/// connections are closed.
///
/// # Errors
///
/// The transport fails, or the descriptors are invalid.
pub async fn serve<I, IO>(
    service: ServedService,
    routes: Routes,
    incoming: I,
    connections: &ConnectionLimiter,
    tls: Option<&ServerTls>,
    shutdown: CancellationToken,
) -> Result<(), ServeError>
where
    I: Stream<Item = io::Result<IO>>,
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let (mut health, health_service) = tonic_health::server::health_reporter();
    for checked in [service.name, OVERALL] {
        health.set_service_status(checked, ServingStatus::Serving).await;
    }
    let routes = routes
        .add_service(health_service)
        .add_service(reflection(service).build_v1()?)
        // For grpcurl and other older clients.
        .add_service(reflection(service).build_v1alpha()?);
    // The transport's tasks outlive this one; their connections close with this token.
    let closed = CancellationToken::new();
    let _close_guard = closed.clone().drop_guard();
    let accept = |io| Some(TlsIo::new(connections.accept(io, &closed)?, tls));
    let incoming = incoming.filter_map(|accepted| accepted.map(accept).transpose());
    let mut server = transport::server().layer(layer_fn(ActiveCallService));
    let server = server
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, async {
            shutdown.cancelled().await;
            for checked in [service.name, OVERALL] {
                health
                    .set_service_status(checked, ServingStatus::NotServing)
                    .await;
                // Ends the watch streams, which would delay the shutdown.
                health.clear_service_status(checked).await;
            }
        });
    let drain_timeout = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN_TIMEOUT).await;
    };
    tokio::select! {
        ended = server => Ok(ended?),
        () = drain_timeout => {
            tracing::warn!(deadline = ?DRAIN_TIMEOUT, "closing calls that are still open at the deadline");
            Ok(())
        }
    }
}

/// Lists the served services only, not all that the descriptors define.
fn reflection(service: ServedService) -> tonic_reflection::server::Builder<'static> {
    [service.name]
        .iter()
        .chain(&COMMON_SERVICES)
        .fold(
            tonic_reflection::server::Builder::configure(),
            |builder, service| builder.with_service_name(*service),
        )
        .register_encoded_file_descriptor_set(service.descriptors)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // Each version describes the other too, as it lists it.
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
}

/// Returns the accepted connections with `TCP_NODELAY`, as messages are small. A failed accept is retried
/// after a pause; the first failure of a series is logged.
pub fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<TcpStream>> {
    retry_accept(TcpListenerStream::new(listener)).map(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        Ok(connection)
    })
}

fn retry_accept<T>(accepting: impl Stream<Item = io::Result<T>>) -> impl Stream<Item = T> {
    let mut failing = false;
    accepting
        .then(move |accepted| {
            let first = !std::mem::replace(&mut failing, accepted.is_err());
            async move {
                match accepted {
                    Ok(connection) => Some(connection),
                    Err(error) => {
                        if first {
                            tracing::warn!(%error, pause = ?ACCEPT_PAUSE, "cannot accept connections");
                        }
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        None
                    }
                }
            }
        })
        .filter_map(|connection| connection)
}

/// Returns a token that is cancelled on SIGINT, SIGTERM or SIGQUIT, and on a SIGHUP because the terminal was closed. Until
/// then a task reads the certificate of `tls` again when its files change and on any other SIGHUP.
///
/// A SIGHUP that was ignored at the start, as by `nohup`, stays ignored. SIGUSR1, SIGUSR2 and SIGALRM are ignored from
/// this call on.
///
/// # Errors
///
/// The signal handlers cannot be installed.
pub fn shutdown_signal(tls: Option<ServerTls>) -> io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut hangup = (!hangup_is_ignored())
        .then(|| signal(SignalKind::hangup()))
        .transpose()?;
    // A signal with a handler no longer ends the process.
    for ignored in [
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
        SignalKind::alarm(),
    ] {
        drop(signal(ignored)?);
    }
    let had_terminal = has_terminal();
    let shutdown = CancellationToken::new();
    let cancel_at_end = shutdown.clone().drop_guard();
    tokio::spawn(async move {
        let _cancel_at_end = cancel_at_end;
        let mut certificate = tls.map(CertificateWatch::new);
        let mut polls = tokio::time::interval(CERTIFICATE_POLL);
        loop {
            tokio::select! {
                // In the order in which a script sends them.
                biased;
                Some(()) = async { hangup.as_mut()?.recv().await } => match &mut certificate {
                    _ if had_terminal && !has_terminal() => return tracing::info!("SIGHUP: stopping, as the terminal was closed"),
                    Some(certificate) => certificate.reload(),
                    None => tracing::info!("SIGHUP: no effect, as there is no certificate to read again"),
                },
                _ = interrupt.recv() => return tracing::info!("SIGINT: stopping"),
                _ = terminate.recv() => return tracing::info!("SIGTERM: stopping"),
                _ = quit.recv() => return tracing::info!("SIGQUIT: stopping"),
                _ = polls.tick() => if let Some(certificate) = &mut certificate {
                    certificate.poll();
                }
            }
        }
    });
    Ok(shutdown)
}

/// Returns whether the process has a terminal. A terminal that was closed no longer counts.
fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stderr().is_terminal()
}

/// Returns whether the process was started with SIGHUP ignored, as by `nohup`; `false` if unknown.
#[must_use]
pub fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is signal 1, SIGHUP.
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;
    use tokio::time::Instant;
    use tonic::body::Body;
    use tonic::client::Grpc;
    use tonic::codegen::{Service, http};
    use tonic::server::NamedService;
    use tonic::transport::Channel;
    use tonic_health::pb::health_check_response::ServingStatus as Health;
    use tonic_health::pb::health_client::HealthClient;
    use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
    use tonic_prost::ProstCodec;

    use super::*;

    /// Serves `incoming` in a task.
    fn spawn<IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static>(
        routes: Routes,
        incoming: impl Stream<Item = io::Result<IO>> + Send + 'static,
        connections: &ConnectionLimiter,
        shutdown: &CancellationToken,
    ) -> JoinHandle<Result<(), ServeError>> {
        let (connections, shutdown) = (connections.clone(), shutdown.clone());
        let service = ServedService::TEST;
        tokio::spawn(async move { serve(service, routes, incoming, &connections, None, shutdown).await })
    }

    /// The body is longer than the window of its stream.
    #[tokio::test]
    async fn the_body_of_a_request_that_is_not_grpc_is_read_before_the_answer() {
        let (client, incoming) = tokio::io::duplex(1 << 16);
        let shutdown = CancellationToken::new();
        let connections = ConnectionLimiter::new(ConnectionLimits::default());
        let incoming = tokio_stream::once(Ok::<_, io::Error>(incoming)).chain(tokio_stream::pending());
        let serving = spawn(Routes::default(), incoming, &connections, &shutdown);
        let (mut requests, connection) = h2::client::handshake(client).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = http::Request::post("http://casino/unknown").body(()).unwrap();
        let (response, mut body) = requests.send_request(request, false).unwrap();
        let mut left = 100_000;
        while left > 0 {
            body.reserve_capacity(left);
            let capacity = future::poll_fn(|cx| body.poll_capacity(cx)).await;
            let part = capacity.expect("no reset").unwrap().min(left);
            left -= part;
            body.send_data(vec![0; part].into(), left == 0).unwrap();
        }
        let status = response.await.unwrap().status();
        assert_eq!(status, http::StatusCode::UNSUPPORTED_MEDIA_TYPE);
        drop((requests, body));
        shutdown.cancel();
        serving.await.unwrap().unwrap();
        connection.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn health_watchers_see_the_shutdown_and_do_not_delay_it() {
        let (channel, incoming) = transport::pipe();
        let shutdown = CancellationToken::new();
        let connections = ConnectionLimiter::new(ConnectionLimits::default());
        let serving = spawn(Routes::default(), incoming, &connections, &shutdown);
        let mut client = HealthClient::new(channel);
        let mut watches = Vec::new();
        for checked in ["some.Service", ""] {
            let service = checked.to_owned();
            let mut watch = client
                .watch(HealthCheckRequest { service })
                .await
                .unwrap()
                .into_inner();
            let first = watch.message().await.unwrap().unwrap();
            assert_eq!(first.status(), Health::Serving, "{checked:?}");
            watches.push(watch);
        }
        assert_eq!(connections.open(), 1);
        shutdown.cancel();
        for mut watch in watches {
            let last = watch.message().await.unwrap().unwrap();
            assert_eq!(last.status(), Health::NotServing);
            assert!(watch.message().await.unwrap().is_none(), "the watch ends");
        }
        serving.await.unwrap().unwrap();
        drop(client);
        while connections.open() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// A service that reports a call, and never answers it.
    #[derive(Clone)]
    struct Silent(Arc<Notify>);

    impl NamedService for Silent {
        const NAME: &'static str = "some.Service";
    }

    impl Service<http::Request<Body>> for Silent {
        type Response = http::Response<Body>;
        type Error = Infallible;
        type Future = future::Pending<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: http::Request<Body>) -> Self::Future {
            self.0.notify_one();
            future::pending()
        }
    }

    async fn call(channel: Channel) -> Result<(), tonic::Status> {
        let mut client = Grpc::new(channel);
        client.ready().await.unwrap();
        let codec = ProstCodec::<HealthCheckRequest, HealthCheckResponse>::default();
        let path = http::uri::PathAndQuery::from_static("/some.Service/Wait");
        let request = tonic::Request::new(HealthCheckRequest::default());
        client.unary(request, path, codec).await.map(drop)
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_call_is_closed_with_its_server() {
        for (is_shut_down, expected) in [(true, DRAIN_TIMEOUT), (false, Duration::ZERO)] {
            let (channel, incoming) = transport::pipe();
            let connections = ConnectionLimiter::new(ConnectionLimits::default());
            let (called, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
            let routes = Routes::new(Silent(Arc::clone(&called)));
            let serving = spawn(routes, incoming, &connections, &shutdown);
            let calling = tokio::spawn(call(channel));
            called.notified().await;
            let began = Instant::now();
            if is_shut_down {
                shutdown.cancel();
                serving.await.unwrap().unwrap();
            } else {
                serving.abort();
                assert!(serving.await.unwrap_err().is_cancelled());
            }
            calling.await.unwrap().unwrap_err();
            assert_eq!(began.elapsed().as_secs(), expected.as_secs());
            while connections.open() > 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_answer_pings_is_disconnected() {
        let (mut near, far) = tokio::io::duplex(64 * 1024);
        let connections = ConnectionLimiter::new(ConnectionLimits {
            first_call: Duration::from_secs(60),
            ..ConnectionLimits::default()
        });
        let incoming = tokio_stream::once(Ok(far)).chain(tokio_stream::pending());
        let shutdown = CancellationToken::new();
        let serving = spawn(Routes::default(), incoming, &connections, &shutdown);
        // The preface and empty settings, then silence, even to pings.
        let opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        near.write_all(opening).await.unwrap();
        let began = Instant::now();
        near.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(
            began.elapsed().as_secs(),
            30,
            "asked after 20 s, and 10 s to answer"
        );
        assert_eq!(connections.open(), 0);
        shutdown.cancel();
        serving.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_accept_is_retried_after_a_pause() {
        let lacking = || Err(io::Error::other("too many open files"));
        let accepting = tokio_stream::iter([Ok(1), lacking(), lacking(), Ok(2), lacking(), Ok(3)]);
        let began = Instant::now();
        let accepted: Vec<i32> = retry_accept(accepting).collect().await;
        assert_eq!(accepted, [1, 2, 3]);
        assert_eq!(began.elapsed(), ACCEPT_PAUSE * 3);
    }
}
