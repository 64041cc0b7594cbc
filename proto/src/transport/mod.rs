//! HTTP/2 settings of clients and servers, which must match, and an in-memory pipe.

pub mod resolve;

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tonic::transport::{Channel, Endpoint, Server, Uri};

use crate::request::request;

/// Flow-control window of a stream, in bytes. Small, as streams have little unread data: a peer that
/// pipelines more waits.
const STREAM_WINDOW_BYTES: u32 = 32 * 1024;

/// Flow-control window of a connection, in bytes. Large, as h2 derives from it the cost of small unread DATA
/// frames before it closes the connection (`ENHANCE_YOUR_CALM`); with the default, a hundred slow price
/// streams would close each other.
const CONNECTION_WINDOW_BYTES: u32 = 32 * 1024 * 1024;

/// Silence after which a peer is pinged.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// Longest wait for the answer to a ping.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const MAX_STREAMS_PER_CONNECTION: u32 = 1024;

/// Most streams that a peer may reset before they are accepted; more look like a flood, and close the
/// connection.
const MAX_PENDING_RESETS: usize = 20;

const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;

/// Largest message that a server accepts; all requests are far smaller.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// Buffer of the pipe in each direction.
const PIPE_BYTES: usize = 64 * 1024;

const PIPE_BACKLOG: usize = 16;

/// Creates a server with the shared transport settings.
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

/// Creates an endpoint with the shared transport settings. `url` is `http://HOST:PORT`; for https see
/// [`tls`](crate::tls::endpoint).
///
/// # Errors
///
/// `url` is not a URL.
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

/// Returns whether requests to `uri` could be read on the network: without TLS, and to another machine.
#[must_use]
pub fn is_plaintext_remote(uri: &Uri) -> bool {
    uri.scheme_str() != Some("https") && !uri.host().is_some_and(is_loopback)
}

/// Returns whether `host`, a name or address from a URL, is this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

/// A connection that waits to be accepted.
struct Pending {
    stream: DuplexStream,
    accepted: oneshot::Sender<()>,
}

/// The server end of a [`pipe`].
#[derive(Debug)]
pub struct PipeIncoming(mpsc::Receiver<Pending>);

impl Stream for PipeIncoming {
    type Item = io::Result<DuplexStream>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pending = ready!(self.0.poll_recv(cx));
        Poll::Ready(pending.map(|Pending { stream, accepted }| {
            // A client that no longer waits has dropped its end, which the server sees as a closed
            // connection.
            let _ = accepted.send(());
            Ok(stream)
        }))
    }
}

/// Returns a client channel and a server's incoming connections, connected in memory.
///
/// The channel connects at its first call, and again after a lost connection. Without a server that accepts,
/// connecting fails.
#[must_use]
pub fn pipe() -> (Channel, PipeIncoming) {
    let (connections, incoming) = mpsc::channel(PIPE_BACKLOG);
    let connector = tower::service_fn(move |_: Uri| {
        let connections = connections.clone();
        async move { connect(&connections).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://pipe.invalid")
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .connect_with_connector_lazy(connector);
    (channel, PipeIncoming(incoming))
}

/// Connects, and waits until the server has accepted.
async fn connect(connections: &mpsc::Sender<Pending>) -> io::Result<DuplexStream> {
    let (near, stream) = tokio::io::duplex(PIPE_BYTES);
    let accepted = request(connections, |accepted| Pending { stream, accepted }).await;
    accepted.ok_or(io::ErrorKind::ConnectionRefused)?;
    Ok(near)
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    #[tokio::test]
    async fn an_accepted_connection_carries_bytes() {
        let (connections, incoming) = mpsc::channel(1);
        let mut incoming = PipeIncoming(incoming);
        let (near, far) = tokio::join!(connect(&connections), incoming.next());
        let (mut near, mut far) = (near.unwrap(), far.unwrap().unwrap());
        tokio::io::AsyncWriteExt::write_all(&mut near, b"hello")
            .await
            .unwrap();
        let mut bytes = [0; 5];
        tokio::io::AsyncReadExt::read_exact(&mut far, &mut bytes)
            .await
            .unwrap();
        assert_eq!(&bytes, b"hello");
    }

    /// Closes the receiver with the connection in its queue, as if it were dropped during the send.
    #[tokio::test(start_paused = true)]
    async fn a_connection_left_in_the_queue_is_refused() {
        let (connections, mut incoming) = mpsc::channel(1);
        let connecting = tokio::spawn(async move { connect(&connections).await });
        while incoming.is_empty() {
            tokio::task::yield_now().await;
        }
        incoming.close();
        let refused = tokio::time::timeout(Duration::from_secs(60), connecting).await;
        let error = refused.expect("it waits for ever").unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn plaintext_to_other_machines_is_detected() {
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
            assert_eq!(is_plaintext_remote(&uri.parse().unwrap()), open, "{uri}");
        }
    }
}
