//! How the contract is carried: the HTTP/2 settings of both sides, and a pipe in memory that takes a network's place.
//!
//! Owns settings that must suit each other on client and server. It knows nothing of what is sent.

use std::{io, net::IpAddr, time::Duration};

use hyper_util::rt::TokioIo;
use tokio::{io::DuplexStream, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Server, Uri};

/// Flow-control window of one stream, in bytes.
///
/// Small, because no stream of the contract holds much that is unread: a peer that pipelines more than this waits.
const STREAM_WINDOW_BYTES: u32 = 32 * 1024;

/// Flow-control window of one connection, in bytes.
///
/// Large, because h2 allots from it what small unread DATA frames may cost before it ends the connection
/// (`ENHANCE_YOUR_CALM`); with the default, a hundred slow price streams would end each other.
const CONNECTION_WINDOW_BYTES: u32 = 32 * 1024 * 1024;

/// A peer that was silent for so long is asked whether it is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// A peer that does not say so within this time is gone.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Streams one connection may hold open at once.
const MAX_STREAMS_PER_CONNECTION: u32 = 1024;

/// Streams that a peer may have reset before they were looked at; more look like a flood, and end its connection.
const MAX_PENDING_RESETS: usize = 20;

/// Bytes of metadata one call may carry.
const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;

/// Bytes of one message of the contract that any server takes; all of its requests are far smaller.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// Bytes each way that the pipe in memory holds before its writer waits.
const PIPE_BYTES: usize = 64 * 1024;

/// Connections that may wait to be accepted at the pipe's server end.
const PIPE_BACKLOG: usize = 16;

/// A tonic server with the contract's transport settings.
#[must_use]
pub fn server() -> Server {
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION)
        .http2_max_header_list_size(MAX_HEADER_LIST_BYTES)
        .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
}

/// An endpoint with the contract's transport settings. `url` is `http://HOST:PORT`; for https see
/// [`tls`](crate::tls::endpoint).
///
/// # Errors
///
/// When `url` is no URL.
pub fn endpoint(url: &str) -> Result<Endpoint, tonic::transport::Error> {
    Ok(Endpoint::from_shared(url.to_owned())?
        .connect_timeout(CONNECT_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true))
}

/// Whether what is sent to `uri` can be read by others on the way: without TLS, and out of this machine.
#[must_use]
pub fn is_in_the_open(uri: &Uri) -> bool {
    uri.scheme_str() != Some("https") && !uri.host().is_some_and(is_this_machine)
}

/// Whether `host`, a name or an address as a URL has it, is this machine.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// What the server end of a [`pipe`] accepts connections from.
pub type PipeIncoming = ReceiverStream<io::Result<DuplexStream>>;

/// A client channel and a server's incoming connections, joined in memory: no port, no socket.
///
/// The channel connects at its first call and, after a lost connection, again by itself.
#[must_use]
pub fn pipe() -> (Channel, PipeIncoming) {
    let (connections, incoming) = mpsc::channel(PIPE_BACKLOG);
    let connector = tower::service_fn(move |_: Uri| {
        let connections = connections.clone();
        async move {
            let (near, far) = tokio::io::duplex(PIPE_BYTES);
            connections
                .send(Ok(far))
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok::<_, io::Error>(TokioIo::new(near))
        }
    });
    let channel = Endpoint::from_static("http://pipe.invalid")
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .connect_with_connector_lazy(connector);
    (channel, ReceiverStream::new(incoming))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_could_read() {
        for (uri, open) in [
            ("http://127.0.0.1:1", false),
            ("http://127.9.9.9:1", false),
            ("http://[::1]:1", false),
            ("http://LocalHost:1", false),
            ("http://localhost.example.org:1", true),
            ("http://192.168.1.2:1", true),
            ("http://[2001:db8::1]:1", true),
            ("http://0.0.0.0:1", true),
            ("https://192.168.1.2:1", false),
            ("https://localhost:1", false),
        ] {
            assert_eq!(is_in_the_open(&uri.parse().unwrap()), open, "{uri}");
        }
    }
}
