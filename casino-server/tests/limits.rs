//! The real casino on a socket, before clients that no library would be: what they may cost, and that others play on.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{net::SocketAddr, time::Duration};

use awesomestock_proto::{EXECUTED_MESSAGE, casino::casino_client::CasinoClient, serving, transport};
use casino_server::{Casino, Limits, Metrics, Options, ServeError};
use prost::Message;
use support::{
    Asks, Client, buy,
    http2::{self, Connection, DATA, END_HEADERS, HEADERS},
    soon,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A casino whose price stands still, on a socket.
struct Server {
    address: SocketAddr,
    metrics: Metrics,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
    _folder: TempDir,
}

impl Server {
    async fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            tick: support::STANDING,
            limits,
            ..Options::new(support::ledger_in(&folder))
        };
        let casino = Casino::open(options, support::nowhere()).await.unwrap();
        let metrics = casino.metrics();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = casino.serve(serving::incoming(listener), shutdown.clone());
        Self {
            address,
            metrics,
            shutdown,
            serving: tokio::spawn(serving),
            _folder: folder,
        }
    }

    fn client(&self) -> Client {
        let endpoint = transport::endpoint(&format!("http://{}", self.address)).unwrap();
        CasinoClient::new(endpoint.connect_lazy())
    }

    /// The figure of that name.
    fn figure(&self, name: &str) -> u64 {
        let text = self.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().parse().unwrap()
    }

    async fn close(self) {
        self.shutdown.cancel();
        soon(self.serving).await.unwrap().unwrap();
    }
}

/// Limits under which nobody is waited for longer than `stall`.
fn stall(stall: Duration) -> Limits {
    let mut limits = Limits::default();
    limits.connections.stall = stall;
    limits
}

#[tokio::test]
async fn a_seat_that_is_never_read_is_closed_and_others_play_on() {
    let server = Server::with(stall(Duration::from_millis(300))).await;
    let mut client = server.client();
    client.deposit("ann", 1_000).await.unwrap();
    let mut seat = client.sit("ann", "").await;

    let mut deaf = Connection::open(server.address, 0).await;
    for stream in [1, 3, 5] {
        deaf.gamble(stream).await.unwrap();
    }
    let ending = tokio::spawn(async move {
        let mut frames = Vec::new();
        while let Some(frame) = deaf.next().await {
            frames.push(frame.kind);
        }
        frames
    });
    while !ending.is_finished() {
        assert_eq!(seat.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
        if server.figure("casino_actions_executed_total") > 400 {
            client.deposit("ann", 1_000).await.unwrap();
        }
    }
    let frames = ending.await.unwrap();
    assert!(frames.contains(&HEADERS), "it was seated: {frames:?}");
    assert!(!frames.contains(&DATA), "it gave no room: {frames:?}");
    assert_eq!(server.figure("casino_seats_closed_total"), 3);
    assert_eq!(seat.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
    server.close().await;
}

#[tokio::test]
async fn a_seat_that_is_read_stays_however_little_happens() {
    let server = Server::with(stall(Duration::from_millis(60))).await;
    let mut client = server.client();
    let mut quiet = client.sit("ann", "").await;
    let mut deaf = Connection::open(server.address, 0).await;
    deaf.gamble(1).await.unwrap();
    // By then the quiet one would be closed too, were it taken for one.
    while deaf.next().await.is_some() {}
    assert!(quiet.play(buy("ann", 1)).await.starts_with("buying 1 stock"));
    assert_eq!(server.figure("casino_seats_closed_total"), 1);
    server.close().await;
}

#[tokio::test]
async fn a_list_that_is_never_read_is_cut() {
    let server = Server::with(stall(Duration::from_millis(120))).await;
    let mut client = server.client();
    client.deposit("ann", 1).await.unwrap();
    let mut deaf = Connection::open(server.address, 0).await;
    let block = http2::request("/casino.Casino/GetPayments", &[]);
    deaf.send(HEADERS, END_HEADERS, 1, &block).await.unwrap();
    let user = http2::message(&support::user("ann").encode_to_vec());
    deaf.send(DATA, http2::END_STREAM, 1, &user).await.unwrap();
    soon(async { while deaf.next().await.is_some() {} }).await;
    assert_eq!(client.payments_of("ann").await.len(), 1);
    server.close().await;
}
