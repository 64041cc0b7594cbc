//! How a server of the contract lives: health and reflection beside its service, signals, and an end under a deadline.
//!
//! Owns what every server here does alike. It knows no service of the contract.

use std::{future::Future, io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_stream::{Stream, StreamExt, wrappers::TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::server::Connected};
use tonic_health::ServingStatus;
use tonic_reflection::server::{v1, v1alpha};

use crate::{FILE_DESCRIPTOR_SET, transport};

/// How long open calls may take to end after the word to stop.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// Why serving ended other than by the word to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The transport failed.
    #[error("serving failed")]
    Transport(#[from] tonic::transport::Error),
    /// The file descriptors for reflection are unreadable.
    #[error("the reflection service cannot read the contract's descriptors")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves `routes`, health and reflection on `incoming` until `shutdown`.
///
/// `name` is the full name of the service in `routes`, as health checks ask for it. From `shutdown` on nothing new is
/// accepted, health says `NOT_SERVING`, and open calls have [`DRAIN_DEADLINE`] to end. A service with streams that end
/// only when their client wishes must watch `shutdown` itself and end them.
///
/// # Errors
///
/// When the transport fails, or the descriptors cannot be read.
pub async fn serve<I, IO>(
    name: &str,
    routes: Routes,
    incoming: I,
    shutdown: CancellationToken,
) -> Result<(), ServeError>
where
    I: Stream<Item = io::Result<IO>>,
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_service_status(name, ServingStatus::Serving).await;
    let routes = routes
        .add_service(health_service)
        .add_service(reflection_v1()?)
        .add_service(reflection_v1alpha()?);
    let serving = transport::server()
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, async {
            shutdown.cancelled().await;
            health.set_service_status(name, ServingStatus::NotServing).await;
        });
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
/// A connection that failed while it was being accepted is logged and passed over.
pub fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<tokio::net::TcpStream>> {
    TcpListenerStream::new(listener).filter_map(|accepted| match accepted {
        Ok(connection) => {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
            Some(Ok(connection))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            None
        }
    })
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
