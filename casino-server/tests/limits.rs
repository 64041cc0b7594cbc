//! Resource limits of the real server against hostile clients, while other players are unaffected.

mod support;

use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use awesomestock_proto::casino::PriceHistoryRequest;
use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::{EXECUTED_MESSAGE, server, transport};
use casino_server::{Casino, Limits, Metrics, Options, ServeError};
use prost::Message;
use support::http2::{self, CONTINUATION, Connection, DATA, END_HEADERS, GOAWAY, HEADERS, RST_STREAM};
use support::process::CasinoProcess;
use support::{ALL_FEEDS, CasinoClientExt, Client, buy, with_timeout};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;
use tonic::Code;

/// A casino with a fixed price on a TCP socket.
struct Server {
    address: SocketAddr,
    metrics: Metrics,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
    _folder: TempDir,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            tick: support::FIXED_PRICE_TICK,
            limits,
            ..Options::new(support::ledger_path(&folder))
        };
        let casino = Casino::open(options, support::unreachable_payments())
            .await
            .unwrap();
        let metrics = casino.metrics();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = casino.serve(server::incoming(listener), shutdown.clone());
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

    /// Returns the value of a metric.
    fn metric(&self, name: &str) -> u64 {
        let text = self.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().parse().unwrap()
    }

    async fn close(self) {
        self.shutdown.cancel();
        with_timeout(self.serving).await.unwrap().unwrap();
    }
}

/// Limits with this stall timeout.
fn with_stall_timeout(stall: Duration) -> Limits {
    let mut limits = Limits::default();
    limits.connections.stall = stall;
    limits
}

#[tokio::test]
async fn a_session_that_is_never_read_is_closed_and_others_continue() {
    let server = Server::start(with_stall_timeout(Duration::from_millis(300))).await;
    let mut client = server.client();
    client.deposit("ann", 1_000).await.unwrap();
    let mut session = client.open_session("ann", "").await;

    let mut unread = Connection::open(server.address, 0).await;
    for stream in [1, 3, 5] {
        unread.gamble(stream).await.unwrap();
    }
    let reader = tokio::spawn(async move {
        let mut frames = Vec::new();
        while let Some(frame) = unread.next().await {
            frames.push(frame.kind);
        }
        frames
    });
    while !reader.is_finished() {
        assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
        if server.metric("casino_actions_executed_total") > 400 {
            client.deposit("ann", 1_000).await.unwrap();
        }
    }
    let frames = reader.await.unwrap();
    assert!(frames.contains(&HEADERS), "the session was opened: {frames:?}");
    assert!(
        !frames.contains(&DATA),
        "the client has no receive window: {frames:?}"
    );
    assert_eq!(server.metric("casino_seats_closed_total"), 3);
    assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    server.close().await;
}

#[tokio::test]
async fn an_idle_session_that_is_read_stays_open() {
    let server = Server::start(with_stall_timeout(Duration::from_millis(60))).await;
    let mut client = server.client();
    let mut idle = client.open_session("ann", "").await;
    let mut unread = Connection::open(server.address, 0).await;
    unread.gamble(1).await.unwrap();
    // By then the idle session would be closed too if it counted as stalled.
    while unread.next().await.is_some() {}
    assert!(idle.execute(buy("ann", 1)).await.starts_with("buying 1 stock"));
    assert_eq!(server.metric("casino_seats_closed_total"), 1);
    server.close().await;
}

/// Resident memory of a process in MiB; `None` where /proc is missing.
fn resident_mib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim()
        .strip_suffix(" kB")?
        .parse::<u64>()
        .ok()
        .map(|kib| kib / 1024)
}

#[tokio::test]
async fn unread_answers_use_bounded_memory_and_others_continue() {
    const PAYMENTS: usize = 2_000;
    const CONNECTIONS: usize = 3;
    let folder = tempfile::tempdir().unwrap();
    let args = ["--tick", "1h", "--stall", "2s"];
    let server = CasinoProcess::start(&support::ledger_path(&folder), &args);
    let mut client = server.client();
    let deposits = (0..PAYMENTS).map(|_| {
        let mut client = client.clone();
        async move { client.deposit("ann", 1).await.unwrap() }
    });
    futures_util::future::join_all(deposits).await;
    let mut session = client.open_session("ann", "").await;
    let block = http2::request("/casino.Casino/GetPayments", &[]);
    let user = http2::message(&support::user("ann").encode_to_vec());
    let mut unread = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::open(server.address, 0).await;
        for stream in (1..2_000).step_by(2) {
            connection
                .send(HEADERS, END_HEADERS, stream, &block)
                .await
                .unwrap();
            connection
                .send(DATA, http2::END_STREAM, stream, &user)
                .await
                .unwrap();
        }
        unread.push(tokio::spawn(
            async move { while connection.next().await.is_some() {} },
        ));
    }
    let (mut memory, mut latency) = (0, Duration::ZERO);
    with_timeout(async {
        while !unread.iter().all(JoinHandle::is_finished) {
            let start = Instant::now();
            assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
            latency = latency.max(start.elapsed());
            assert_eq!(session.execute(support::sell("ann", 1)).await, EXECUTED_MESSAGE);
            memory = memory.max(resident_mib(server.id()).unwrap_or_default());
        }
    })
    .await;
    println!(
        "{CONNECTIONS} connections of 1,000 unread lists: {memory} MiB, an order took {latency:?} at most"
    );
    assert!(memory < 128, "{memory} MiB");
}

#[tokio::test]
async fn queued_calls_of_one_connection_do_not_delay_another() {
    const CALLS: u32 = 300;
    const TICKS: &str =
        "INSERT INTO ticks WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9999)
        SELECT n, 10, n FROM n";
    let folder = tempfile::tempdir().unwrap();
    let store = support::ledger_path(&folder);
    let stopped = CasinoProcess::start(&store, &["--tick", "1h"]);
    stopped.terminate();
    spawn_blocking(|| stopped.wait()).await.unwrap();
    rusqlite::Connection::open(&store)
        .unwrap()
        .execute(TICKS, [])
        .unwrap();
    let server = CasinoProcess::start(&store, &["--tick", "1h"]);
    let mut client = server.client();
    assert_eq!(client.prices().await.len(), 10_000);
    let mut flooding = Connection::open(server.address, 0).await;
    let block = http2::request("/casino.Casino/GetPriceHistory", &[]);
    let page = PriceHistoryRequest {
        before_tick: 0,
        limit: 10_000,
    };
    let page = http2::message(&page.encode_to_vec());
    for stream in (1..CALLS * 2).step_by(2) {
        flooding.send(HEADERS, END_HEADERS, stream, &block).await.unwrap();
        flooding
            .send(DATA, http2::END_STREAM, stream, &page)
            .await
            .unwrap();
    }
    let answered = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&answered);
    let counter = tokio::spawn(async move {
        while let Some(frame) = flooding.next().await {
            counted.fetch_add(u32::from(frame.kind == HEADERS), Ordering::Relaxed);
        }
    });
    while answered.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let start = Instant::now();
    client.prices().await;
    let before = answered.load(Ordering::Relaxed);
    println!(
        "{before} of {CALLS} calls were answered first, in {:?}",
        start.elapsed()
    );
    assert!(before < CALLS / 3, "{before}");
    counter.abort();
}

#[tokio::test]
async fn silent_connections_are_closed_soon() {
    let mut limits = Limits::default();
    limits.connections.max = 3;
    limits.connections.first_call = Duration::from_millis(300);
    let server = Server::start(limits).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    with_timeout(async { while server.client().deposit("bob", 1).await.is_err() {} }).await;
    server.close().await;
}

#[tokio::test]
async fn a_list_that_is_never_read_is_cut() {
    const PAYMENTS: usize = 2_000;
    let server = Server::start(with_stall_timeout(Duration::from_millis(300))).await;
    let mut client = server.client();
    // More than one encoded piece: a shorter list waits in its connection and costs no one else anything.
    let deposits = (0..PAYMENTS).map(|_| {
        let mut client = client.clone();
        async move { client.deposit("ann", 1).await.unwrap() }
    });
    futures_util::future::join_all(deposits).await;
    let mut unread = Connection::open(server.address, 0).await;
    let block = http2::request("/casino.Casino/GetPayments", &[]);
    unread.send(HEADERS, END_HEADERS, 1, &block).await.unwrap();
    let user = http2::message(&support::user("ann").encode_to_vec());
    unread.send(DATA, http2::END_STREAM, 1, &user).await.unwrap();
    with_timeout(async { while unread.next().await.is_some() {} }).await;
    assert_eq!(client.payments_of("ann").await.len(), PAYMENTS);
    server.close().await;
}

#[tokio::test]
async fn the_session_limit_counts_named_sessions_and_those_known_by_their_actions() {
    let server = Server::start(Limits {
        sessions_per_player: 2,
        ..Limits::default()
    })
    .await;
    let mut client = server.client();
    let named = client.open_session("ann", ALL_FEEDS).await;
    let mut acting = client.open_session("ann", "").await;
    assert!(acting.execute(buy("ann", 1)).await.starts_with("buying 1 stock"));
    let limit_reached = "this player has 2 open sessions, the maximum: close one first";
    // A session that names its player is rejected at once, another one with its first action. Others are not affected.
    let mut third = client.open_session("ann", "").await;
    assert_eq!(third.execute(buy("ann", 1)).await, limit_reached);
    let status = client
        .try_open_session("ann", ALL_FEEDS, &tonic::metadata::MetadataMap::new())
        .await
        .err()
        .unwrap();
    assert_eq!(
        (status.code(), status.message()),
        (Code::ResourceExhausted, limit_reached)
    );
    client.open_session("bob", ALL_FEEDS).await;
    drop(named);
    // The casino frees the session when it reads the reset.
    with_timeout(async {
        while client
            .try_open_session("ann", ALL_FEEDS, &tonic::metadata::MetadataMap::new())
            .await
            .is_err()
        {}
    })
    .await;
    server.close().await;
}

#[tokio::test]
async fn a_player_over_the_rate_limit_is_rejected_and_no_one_else() {
    let server = Server::start(Limits {
        actions_per_second: NonZero::new(3),
        ..Limits::default()
    })
    .await;
    let mut client = server.client();
    client.deposit("bob", 100).await.unwrap();
    let mut ann = client.open_session("ann", "").await;
    for _ in 0..500 {
        ann.send(buy("ann", 1)).await;
    }
    let mut messages = Vec::new();
    for _ in 0..500 {
        messages.push(ann.next_result().await.msg);
    }
    let rate_limited = "rate limit: at most 3 a second; wait a moment";
    let decided = messages.iter().filter(|message| *message != rate_limited).count();
    assert!((3..250).contains(&decided), "{decided}");
    assert!(
        messages
            .iter()
            .any(|message| message.starts_with("buying 1 stock"))
    );
    let mut bob = client.open_session("bob", "").await;
    assert_eq!(bob.execute(buy("bob", 1)).await, EXECUTED_MESSAGE);
    server.close().await;
}

#[tokio::test]
async fn a_connection_over_the_limit_is_closed_and_the_others_stay() {
    let mut limits = Limits::default();
    limits.connections.max = 2;
    let server = Server::start(limits).await;
    let mut client = server.client();
    let mut session = client.open_session("ann", "").await;
    let mut second = Connection::open(server.address, 1_000).await;
    second.gamble(1).await.unwrap();
    assert_eq!(second.next().await.unwrap().kind, HEADERS);
    let status = server.client().deposit("bob", 1).await.unwrap_err();
    assert!(
        std::error::Error::source(&status).is_some(),
        "a transport error: {status:?}"
    );
    assert!(session.execute(buy("ann", 1)).await.starts_with("buying 1 stock"));
    drop(second);
    with_timeout(async { while server.client().deposit("bob", 1).await.is_err() {} }).await;
    server.close().await;
}

#[tokio::test]
async fn streams_over_the_limit_of_a_connection_are_refused_and_the_others_stay() {
    const STREAMS: u32 = 1_024;
    let server = Server::start(Limits::default()).await;
    let mut client = Connection::open(server.address, 1_000).await;
    for stream in 0..=STREAMS {
        client.gamble(stream * 2 + 1).await.unwrap();
    }
    let mut opened = 0;
    let reset = with_timeout(async {
        loop {
            let frame = client.next().await.unwrap();
            match frame.kind {
                HEADERS => opened += 1,
                RST_STREAM => return frame,
                _ => {}
            }
        }
    })
    .await;
    assert_eq!(reset.stream, STREAMS * 2 + 1);
    // REFUSED_STREAM: nothing was executed, so the client may try again.
    assert_eq!(reset.payload, [0, 0, 0, 7]);
    let all = with_timeout(async {
        while opened < STREAMS {
            opened += u32::from(client.next().await.unwrap().kind == HEADERS);
        }
        opened
    });
    assert_eq!(all.await, STREAMS);
    server.close().await;
}

#[tokio::test]
async fn oversized_metadata_fails_only_its_own_call() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.client();
    let mut session = client.open_session("ann", "").await;
    let mut raw = Connection::open(server.address, 1_000).await;
    let long = "x".repeat(15_000);
    let more = [("a", long.as_str()), ("b", long.as_str())];
    let block = http2::request("/casino.Casino/GetTokenBalance", &more);
    // A frame has at most 16 KiB, so the block needs two.
    let (first, second) = block.split_at(16_000);
    raw.send(HEADERS, 0, 1, first).await.unwrap();
    raw.send(CONTINUATION, END_HEADERS, 1, second).await.unwrap();
    let answer = with_timeout(raw.next()).await.unwrap();
    assert_eq!((answer.kind, answer.stream), (HEADERS, 1), "{answer:?}");
    // `:status: 431`, request header fields too large, Huffman-coded.
    assert_eq!(answer.payload, [0x48, 0x83, 0x69, 0x90, 0xff]);
    raw.gamble(3).await.unwrap();
    // The connection still works: the next call is answered.
    while with_timeout(raw.next()).await.unwrap().stream != 3 {}
    assert!(session.execute(buy("ann", 1)).await.starts_with("buying 1 stock"));
    server.close().await;
}

#[tokio::test]
async fn a_client_that_keeps_resetting_streams_loses_its_connection() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.client();
    let mut session = client.open_session("ann", "").await;
    let raw = Connection::open(server.address, 1_000).await;
    let (mut reader, mut writer) = raw.split();
    let ended = tokio::spawn(async move {
        while let Some(frame) = reader.next().await {
            if frame.kind == GOAWAY {
                return frame.payload.get(4..8).map(<[u8]>::to_vec);
            }
        }
        None
    });
    for stream in 0..1_000_000_u32 {
        let stream = stream * 2 + 1;
        let opened = writer.gamble(stream).await;
        // CANCEL.
        let reset = writer.send(RST_STREAM, 0, stream, &[0, 0, 0, 8]).await;
        if opened.and(reset).is_err() {
            break;
        }
    }
    // ENHANCE_YOUR_CALM, unless the socket was closed first.
    let code = with_timeout(ended).await.unwrap();
    assert!(code.is_none_or(|code| code == [0, 0, 0, 11]));
    assert!(session.execute(buy("ann", 1)).await.starts_with("buying 1 stock"));
    server.close().await;
}
