//! The way to a name that stands for several machines: a connection to any of them will do.
//!
//! Owns in which order they are tried: first the one after that of the last connection, for that one may have hung, and
//! one that is slow to answer is not waited for before the next is tried.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::timeout,
};
use tonic::transport::{Channel, Endpoint, Uri};

/// How long one machine is waited for alone, before the next one is tried beside it.
const HEAD_START: Duration = Duration::from_millis(300);

/// The machine of the last connection.
type Last = Mutex<Option<SocketAddr>>;

/// A channel to `endpoint`, which connects at its first call and, after a lost connection, again by itself: each time
/// the name is looked up anew.
#[must_use]
pub fn channel(endpoint: &Endpoint) -> Channel {
    let last = Arc::new(Last::default());
    let connector = tower::service_fn(move |uri: Uri| {
        let last = Arc::clone(&last);
        async move { connect(&uri, &last).await.map(TokioIo::new) }
    });
    endpoint.connect_with_connector_lazy(connector)
}

async fn connect(uri: &Uri, last: &Last) -> io::Result<TcpStream> {
    let no_address = || io::Error::new(io::ErrorKind::InvalidInput, "the URL has no host and port");
    let host = uri.host().ok_or_else(no_address)?;
    let port = uri.port_u16().ok_or_else(no_address)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut found: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    begin_after(*last.lock().unwrap_or_else(PoisonError::into_inner), &mut found);
    let (machine, stream) = first_of(found).await?;
    stream.set_nodelay(true)?;
    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(machine);
    Ok(stream)
}

/// Puts the one after `last` to the front; the others follow in their order, `last` itself comes at the end.
fn begin_after(last: Option<SocketAddr>, found: &mut [SocketAddr]) {
    let position = found.iter().position(|machine| Some(*machine) == last);
    if let Some(position) = position {
        found.rotate_left(position.saturating_add(1));
    }
}

/// The first machine that takes a connection.
async fn first_of(machines: Vec<SocketAddr>) -> io::Result<(SocketAddr, TcpStream)> {
    let mut why = io::Error::new(io::ErrorKind::NotFound, "the name stands for no machine");
    let mut machines = machines.into_iter();
    let mut tries = JoinSet::new();
    loop {
        if let Some(machine) = machines.next() {
            tries.spawn(async move { TcpStream::connect(machine).await.map(|stream| (machine, stream)) });
        } else if tries.is_empty() {
            return Err(why);
        }
        match timeout(HEAD_START, tries.join_next()).await {
            Ok(Some(Ok(Ok(connected)))) => return Ok(connected),
            Ok(Some(Ok(Err(error)))) => why = error,
            Ok(Some(Err(broken))) => why = io::Error::other(broken),
            // None under way, or none done yet.
            Ok(None) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_machine_of_the_last_connection_is_tried_last() {
        let [a, b, c, d] = [1, 2, 3, 4].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        for (last, expected) in [
            (None, [a, b, c]),
            (Some(a), [b, c, a]),
            (Some(b), [c, a, b]),
            (Some(c), [a, b, c]),
            (Some(d), [a, b, c]),
        ] {
            let mut found = [a, b, c];
            begin_after(last, &mut found);
            assert_eq!(found, expected, "{last:?}");
        }
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_passed_over() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        // Nobody listens at port 1; an address for documentation leads nowhere, and is not waited for.
        let gone = SocketAddr::from(([127, 0, 0, 1], 1));
        let nowhere = SocketAddr::from(([192, 0, 2, 1], 1));
        let (machine, _) = first_of(vec![gone, nowhere, there]).await.unwrap();
        assert_eq!(machine, there);
        let refused = first_of(vec![gone]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(
            first_of(vec![]).await.unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[tokio::test]
    async fn a_name_is_looked_up_and_an_address_in_brackets_is_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let last = Last::default();
        let uri: Uri = format!("http://localhost:{port}").parse().unwrap();
        connect(&uri, &last).await.unwrap();
        assert_eq!(last.lock().unwrap().unwrap().port(), port);
        // Whether this machine speaks IPv6 or not, it is no name.
        let uri: Uri = "http://[::1]:1".parse().unwrap();
        let failed = connect(&uri, &last).await.unwrap_err();
        assert!(!failed.to_string().contains("lookup"), "{failed}");
    }
}
