//! Connects to a name with several addresses. The first attempt is the address after the last one used, which
//! may have hung; a slow address does not delay the next attempt.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint, Uri};

/// Delay before the next address is tried in parallel.
const ATTEMPT_DELAY: Duration = Duration::from_millis(300);

/// Address of the last connection.
type LastAddress = Mutex<Option<SocketAddr>>;

/// Creates a channel that connects at its first call and again after a lost connection, and resolves the name
/// each time.
#[must_use]
pub fn channel(endpoint: &Endpoint) -> Channel {
    let last = Arc::new(LastAddress::default());
    let connector = tower::service_fn(move |uri: Uri| {
        let last = Arc::clone(&last);
        async move { connect(&uri, &last).await.map(TokioIo::new) }
    });
    endpoint.connect_with_connector_lazy(connector)
}

async fn connect(uri: &Uri, last: &LastAddress) -> io::Result<TcpStream> {
    let no_address = || io::Error::new(io::ErrorKind::InvalidInput, "the URL has no host and port");
    let host = uri.host().ok_or_else(no_address)?;
    let port = uri.port_u16().ok_or_else(no_address)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    rotate(
        *last.lock().unwrap_or_else(PoisonError::into_inner),
        &mut addresses,
    );
    let (address, stream) = connect_first(addresses).await?;
    stream.set_nodelay(true)?;
    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    Ok(stream)
}

/// Moves the address after `last` to the front; `last` itself becomes the last one.
fn rotate(last: Option<SocketAddr>, addresses: &mut [SocketAddr]) {
    let position = addresses.iter().position(|address| Some(*address) == last);
    if let Some(position) = position {
        addresses.rotate_left(position.saturating_add(1));
    }
}

/// Returns the first connection that succeeds.
async fn connect_first(addresses: Vec<SocketAddr>) -> io::Result<(SocketAddr, TcpStream)> {
    let mut why = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut addresses = addresses.into_iter();
    let mut attempts = JoinSet::new();
    loop {
        if let Some(address) = addresses.next() {
            attempts.spawn(async move { TcpStream::connect(address).await.map(|stream| (address, stream)) });
        } else if attempts.is_empty() {
            return Err(why);
        }
        match timeout(ATTEMPT_DELAY, attempts.join_next()).await {
            Ok(Some(Ok(Ok(connected)))) => return Ok(connected),
            Ok(Some(Ok(Err(error)))) => why = error,
            Ok(Some(Err(error))) => why = io::Error::other(error),
            // No attempt is running, or none has completed yet.
            Ok(None) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_address_of_the_last_connection_is_tried_last() {
        let [a, b, c, d] = [1, 2, 3, 4].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        for (last, expected) in [
            (None, [a, b, c]),
            (Some(a), [b, c, a]),
            (Some(b), [c, a, b]),
            (Some(c), [a, b, c]),
            (Some(d), [a, b, c]),
        ] {
            let mut addresses = [a, b, c];
            rotate(last, &mut addresses);
            assert_eq!(addresses, expected, "{last:?}");
        }
    }

    #[tokio::test]
    async fn an_unreachable_address_is_skipped() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        // Port 1 refuses connections; a documentation address never answers, but does not delay the others.
        let gone = SocketAddr::from(([127, 0, 0, 1], 1));
        let nowhere = SocketAddr::from(([192, 0, 2, 1], 1));
        let (address, _) = connect_first(vec![gone, nowhere, there]).await.unwrap();
        assert_eq!(address, there);
        let refused = connect_first(vec![gone]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(
            connect_first(vec![]).await.unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[tokio::test]
    async fn names_are_resolved_and_bracketed_addresses_are_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let last = LastAddress::default();
        let uri: Uri = format!("http://localhost:{port}").parse().unwrap();
        connect(&uri, &last).await.unwrap();
        assert_eq!(last.lock().unwrap().unwrap().port(), port);
        // An address in brackets is not resolved, with or without IPv6.
        let uri: Uri = "http://[::1]:1".parse().unwrap();
        let failed = connect(&uri, &last).await.unwrap_err();
        assert!(!failed.to_string().contains("lookup"), "{failed}");
    }
}
