//! How a server of the contract lives: health and reflection beside its service, signals, and an end under a deadline.
//!
//! Owns what every server here does alike. It knows no service of the contract.

mod calls;
mod connections;
mod gathered;

use std::{future::Future, io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
};
use tokio_stream::{Stream, StreamExt, wrappers::TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::server::Connected};
use tonic_health::ServingStatus;
use tonic_reflection::server::{v1, v1alpha};

pub use self::connections::{ConnectionLimits, Connections, Held, Line};
use self::{calls::CountCalls, gathered::Gathered};
use crate::{FILE_DESCRIPTOR_SET, tls::ServerTls, transport};

/// How long open calls may take to end after the word to stop.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// The name under which the health of a server as a whole is asked for.
const WHOLE_SERVER: &str = "";

/// How long accepting rests after it has failed: what it lacks, file descriptors mostly, does not come back at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// Why serving ended other than by the word to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The transport failed.
    #[error("serving failed")]
    Transport(#[from] tonic::transport::Error),
    /// A thread that served is gone.
    #[error("a serving thread ended by a fault of its own")]
    Fault,
    /// The file descriptors for reflection are unreadable.
    #[error("the reflection service cannot read the contract's descriptors")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Why a server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The system does not let it.
    #[error("cannot listen on {address}")]
    Bind {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// Others could listen in.
    #[error(
        "{address} can be reached from other machines, and what is said there without TLS can be read on the way:          give --tls-cert and --tls-key, or --allow-plaintext if the way is safe by other means"
    )]
    Exposed {
        /// Where.
        address: SocketAddr,
    },
}

/// Listens on `address`, `HOST:PORT`. One that other machines can reach is refused unless it `may_be_reached`: because
/// the server speaks TLS, or was told to do without.
///
/// # Errors
///
/// When the address is refused by the system, or here.
pub async fn listen(address: &str, may_be_reached: bool) -> Result<TcpListener, ListenError> {
    let refused = |source| ListenError::Bind {
        address: address.to_owned(),
        source,
    };
    // Looked at before the port is open.
    let resolved: Vec<SocketAddr> = tokio::net::lookup_host(address).await.map_err(refused)?.collect();
    let exposed = resolved.iter().find(|address| !address.ip().is_loopback());
    if let Some(&address) = exposed
        && !may_be_reached
    {
        return Err(ListenError::Exposed { address });
    }
    TcpListener::bind(&*resolved).await.map_err(refused)
}

/// Serves `routes`, health and reflection on `incoming` until `shutdown`, by `tls` if it is given.
///
/// `name` is the full name of the service in `routes`, as health checks ask for it; what is accepted is one of
/// `connections`. From `shutdown` on nothing new is
/// accepted, health says `NOT_SERVING`, and open calls have [`DRAIN_DEADLINE`] to end. A service with streams that end
/// only when their client wishes must watch `shutdown` itself and end them. Whatever is open when this ends, or is
/// dropped, is cut.
///
/// # Errors
///
/// When the transport fails, or the descriptors cannot be read.
pub async fn serve<I, IO>(
    name: &str,
    routes: Routes,
    (incoming, (connections, tls)): (I, (&Connections, Option<&ServerTls>)),
    shutdown: CancellationToken,
) -> Result<(), ServeError>
where
    I: Stream<Item = io::Result<IO>>,
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let (mut health, health_service) = tonic_health::server::health_reporter();
    for checked in [name, WHOLE_SERVER] {
        health.set_service_status(checked, ServingStatus::Serving).await;
    }
    let routes = routes
        .add_service(health_service)
        .add_service(reflection_v1()?)
        .add_service(reflection_v1alpha()?);
    // The transport's tasks know nothing of the end of this one; their connections do.
    let served = CancellationToken::new();
    let _cut = served.clone().drop_guard();
    let incoming =
        incoming.filter_map(|accepted| accepted.map(|io| connections.hold(io, &served)).transpose());
    let server = match tls {
        Some(tls) => tls.on(transport::server())?,
        None => transport::server(),
    };
    let mut server = server.layer(CountCalls);
    let serving = server.add_routes(routes).serve_with_incoming_shutdown(
        incoming.map(|accepted| accepted.map(Gathered)),
        async {
            shutdown.cancelled().await;
            for checked in [name, WHOLE_SERVER] {
                health
                    .set_service_status(checked, ServingStatus::NotServing)
                    .await;
                // Those who watch hear it as the last word: an open watch would hold the end up.
                health.clear_service_status(checked).await;
            }
        },
    );
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN_DEADLINE).await;
    };
    tokio::select! {
        ended = serving => Ok(ended?),
        () = overdue => {
            tracing::warn!(deadline = ?DRAIN_DEADLINE, "calls still open at the deadline were cut");
            Ok(())
        }
    }
}

/// Reflection as new clients ask for it.
fn reflection_v1()
-> Result<v1::ServerReflectionServer<impl v1::ServerReflection>, tonic_reflection::server::Error> {
    reflection().build_v1()
}

/// Reflection as grpcurl and other older clients ask for it.
fn reflection_v1alpha()
-> Result<v1alpha::ServerReflectionServer<impl v1alpha::ServerReflection>, tonic_reflection::server::Error> {
    reflection().build_v1alpha()
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// The connections `listener` accepts, with `TCP_NODELAY`: messages here are small and wanted now.
///
/// Where accepting fails, it rests for a while; the first failure of a run is logged.
pub fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<TcpStream>> {
    patient(TcpListenerStream::new(listener)).map(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        Ok(connection)
    })
}

/// What `accepting` gives without its failures, with a rest after each.
fn patient<T>(accepting: impl Stream<Item = io::Result<T>>) -> impl Stream<Item = T> {
    let mut failing = false;
    accepting
        .then(move |accepted| {
            let first = !std::mem::replace(&mut failing, accepted.is_err());
            async move {
                match accepted {
                    Ok(connection) => Some(connection),
                    Err(error) => {
                        if first {
                            tracing::warn!(%error, pause = ?ACCEPT_PAUSE, "connections cannot be accepted");
                        }
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        None
                    }
                }
            }
        })
        .filter_map(|connection| connection)
}

/// Completes when the process is told to stop, by SIGINT or SIGTERM.
///
/// # Errors
///
/// When the signals cannot be listened to.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        future,
        sync::Arc,
        task::{Context, Poll},
    };

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::Notify,
        time::Instant,
    };
    use tonic::{
        body::Body,
        client::Grpc,
        codegen::{Service, http},
        server::NamedService,
        transport::Channel,
    };
    use tonic_health::pb::{
        HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus as Health,
        health_client::HealthClient,
    };
    use tonic_prost::ProstCodec;

    use super::*;

    #[tokio::test]
    async fn who_watches_the_health_hears_of_the_end_and_does_not_hold_it_up() {
        let (channel, incoming) = transport::pipe();
        let shutdown = CancellationToken::new();
        let connections = Connections::new(ConnectionLimits::default());
        let serving = tokio::spawn({
            let (connections, shutdown) = (connections.clone(), shutdown.clone());
            async move {
                serve(
                    "some.Service",
                    Routes::default(),
                    (incoming, (&connections, None)),
                    shutdown,
                )
                .await
            }
        });
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

    /// A service that tells of a call, and never answers it.
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
    async fn a_call_that_does_not_end_is_cut_with_its_server() {
        for (is_told, expected) in [(true, DRAIN_DEADLINE), (false, Duration::ZERO)] {
            let (channel, incoming) = transport::pipe();
            let connections = Connections::new(ConnectionLimits::default());
            let (called, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
            let serving = tokio::spawn({
                let (connections, shutdown) = (connections.clone(), shutdown.clone());
                let routes = Routes::new(Silent(Arc::clone(&called)));
                async move { serve("some.Service", routes, (incoming, (&connections, None)), shutdown).await }
            });
            let calling = tokio::spawn(call(channel));
            called.notified().await;
            let began = Instant::now();
            if is_told {
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
    async fn a_peer_that_no_longer_answers_is_given_up() {
        let (mut near, far) = tokio::io::duplex(64 * 1024);
        let connections = Connections::new(ConnectionLimits::default());
        let incoming = tokio_stream::once(Ok(far)).chain(tokio_stream::pending());
        let shutdown = CancellationToken::new();
        let (served, stop) = (connections.clone(), shutdown.clone());
        let serving = tokio::spawn(async move {
            serve(
                "some.Service",
                Routes::default(),
                (incoming, (&served, None)),
                stop,
            )
            .await
        });
        // The preface and empty settings; and then not a word, not even to pings.
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
    async fn accepting_that_fails_rests_and_goes_on() {
        let lacking = || Err(io::Error::other("too many open files"));
        let accepting = tokio_stream::iter([Ok(1), lacking(), lacking(), Ok(2), lacking(), Ok(3)]);
        let began = Instant::now();
        let accepted: Vec<i32> = patient(accepting).collect().await;
        assert_eq!(accepted, [1, 2, 3]);
        assert_eq!(began.elapsed(), ACCEPT_PAUSE * 3);
    }
}
