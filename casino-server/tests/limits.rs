//! The real casino on a socket, before clients that no library would be: what they may cost, and that others play on.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    net::SocketAddr,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use awesomestock_proto::{
    EXECUTED_MESSAGE,
    casino::{PriceHistoryRequest, casino_client::CasinoClient},
    server, transport,
};
use casino_server::{Casino, Limits, Metrics, Options, ServeError};
use prost::Message;
use support::{
    ALL_FEEDS, Asks, Client, buy,
    http2::{self, CONTINUATION, Connection, DATA, END_HEADERS, GOAWAY, HEADERS, RST_STREAM},
    process::Process,
    soon,
};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, spawn_blocking},
};
use tokio_util::sync::CancellationToken;
use tonic::Code;

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

/// Memory that a process has, in MiB, where the system says so as Linux does.
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
async fn answers_that_nobody_reads_are_bounded_and_others_play_on() {
    const PAYMENTS: usize = 2_000;
    const CONNECTIONS: usize = 3;
    let folder = tempfile::tempdir().unwrap();
    let args = ["--tick", "1h", "--stall", "2s"];
    let server = Process::start(&support::ledger_in(&folder), &args);
    let mut client = server.client();
    let deposits = (0..PAYMENTS).map(|_| {
        let mut client = client.clone();
        async move { client.deposit("ann", 1).await.unwrap() }
    });
    futures_util::future::join_all(deposits).await;
    let mut seat = client.sit("ann", "").await;
    let block = http2::request("/casino.Casino/GetPayments", &[]);
    let user = http2::message(&support::user("ann").encode_to_vec());
    let mut deaf = Vec::new();
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
        deaf.push(tokio::spawn(
            async move { while connection.next().await.is_some() {} },
        ));
    }
    let (mut memory, mut latency) = (0, Duration::ZERO);
    soon(async {
        while !deaf.iter().all(JoinHandle::is_finished) {
            let began = Instant::now();
            assert_eq!(seat.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
            latency = latency.max(began.elapsed());
            assert_eq!(seat.play(support::sell("ann", 1)).await, EXECUTED_MESSAGE);
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
async fn calls_queued_on_one_connection_hold_up_no_other() {
    const CALLS: u32 = 300;
    const TICKS: &str =
        "INSERT INTO ticks WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9999)
        SELECT n, 10, n FROM n";
    let folder = tempfile::tempdir().unwrap();
    let store = support::ledger_in(&folder);
    let stopped = Process::start(&store, &["--tick", "1h"]);
    stopped.terminate();
    spawn_blocking(|| stopped.wait()).await.unwrap();
    rusqlite::Connection::open(&store)
        .unwrap()
        .execute(TICKS, [])
        .unwrap();
    let server = Process::start(&store, &["--tick", "1h"]);
    let mut client = server.client();
    assert_eq!(client.prices().await.len(), 10_000);
    let mut greedy = Connection::open(server.address, 0).await;
    let block = http2::request("/casino.Casino/GetPriceHistory", &[]);
    let page = PriceHistoryRequest {
        before_tick: 0,
        limit: 10_000,
    };
    let page = http2::message(&page.encode_to_vec());
    for stream in (1..CALLS * 2).step_by(2) {
        greedy.send(HEADERS, END_HEADERS, stream, &block).await.unwrap();
        greedy.send(DATA, http2::END_STREAM, stream, &page).await.unwrap();
    }
    let answered = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&answered);
    let counting = tokio::spawn(async move {
        while let Some(frame) = greedy.next().await {
            counted.fetch_add(u32::from(frame.kind == HEADERS), Ordering::Relaxed);
        }
    });
    while answered.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    client.prices().await;
    let before = answered.load(Ordering::Relaxed);
    println!(
        "{before} of {CALLS} calls were answered before, in {:?}",
        began.elapsed()
    );
    assert!(before < CALLS / 3, "{before}");
    counting.abort();
}

#[tokio::test]
async fn silent_connections_make_room_soon() {
    let mut limits = Limits::default();
    limits.connections.max = 3;
    limits.connections.first_call = Duration::from_millis(300);
    let server = Server::with(limits).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    soon(async { while server.client().deposit("bob", 1).await.is_err() {} }).await;
    server.close().await;
}

#[tokio::test]
async fn a_list_that_is_never_read_is_cut() {
    const PAYMENTS: usize = 2_000;
    let server = Server::with(stall(Duration::from_millis(300))).await;
    let mut client = server.client();
    // More than is encoded at once: a list that is in one piece waits in its connection, and costs nobody more.
    let deposits = (0..PAYMENTS).map(|_| {
        let mut client = client.clone();
        async move { client.deposit("ann", 1).await.unwrap() }
    });
    futures_util::future::join_all(deposits).await;
    let mut deaf = Connection::open(server.address, 0).await;
    let block = http2::request("/casino.Casino/GetPayments", &[]);
    deaf.send(HEADERS, END_HEADERS, 1, &block).await.unwrap();
    let user = http2::message(&support::user("ann").encode_to_vec());
    deaf.send(DATA, http2::END_STREAM, 1, &user).await.unwrap();
    soon(async { while deaf.next().await.is_some() {} }).await;
    assert_eq!(client.payments_of("ann").await.len(), PAYMENTS);
    server.close().await;
}

#[tokio::test]
async fn a_player_has_so_many_seats_named_or_known_by_their_actions() {
    let server = Server::with(Limits {
        sessions_per_player: 2,
        ..Limits::default()
    })
    .await;
    let mut client = server.client();
    let named = client.sit("ann", ALL_FEEDS).await;
    let mut acting = client.sit("ann", "").await;
    assert!(acting.play(buy("ann", 1)).await.starts_with("buying 1 stock"));
    let said = "this player has 2 seats, which is the maximum: leave one first";
    // One that acts is told when it does, one that names its player at once; others have seats of their own.
    let mut third = client.sit("ann", "").await;
    assert_eq!(third.play(buy("ann", 1)).await, said);
    let status = client
        .try_sit("ann", ALL_FEEDS, &tonic::metadata::MetadataMap::new())
        .await
        .err()
        .unwrap();
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, said));
    client.sit("bob", ALL_FEEDS).await;
    drop(named);
    // The casino hears of it when it reads the reset.
    soon(async {
        while client
            .try_sit("ann", ALL_FEEDS, &tonic::metadata::MetadataMap::new())
            .await
            .is_err()
        {}
    })
    .await;
    server.close().await;
}

#[tokio::test]
async fn who_is_too_fast_is_refused_in_words_and_nobody_else() {
    let server = Server::with(Limits {
        actions_per_second: NonZero::new(3),
        ..Limits::default()
    })
    .await;
    let mut client = server.client();
    client.deposit("bob", 100).await.unwrap();
    let mut ann = client.sit("ann", "").await;
    for _ in 0..500 {
        ann.act(buy("ann", 1)).await;
    }
    let mut refused = Vec::new();
    for _ in 0..500 {
        refused.push(ann.result().await.msg);
    }
    let too_fast = "rate limit: at most 3 a second; wait a moment";
    let decided = refused.iter().filter(|said| *said != too_fast).count();
    assert!((3..250).contains(&decided), "{decided}");
    assert!(refused.iter().any(|said| said.starts_with("buying 1 stock")));
    let mut bob = client.sit("bob", "").await;
    assert_eq!(bob.play(buy("bob", 1)).await, EXECUTED_MESSAGE);
    server.close().await;
}

#[tokio::test]
async fn a_connection_too_many_is_closed_and_the_others_stay() {
    let mut limits = Limits::default();
    limits.connections.max = 2;
    let server = Server::with(limits).await;
    let mut client = server.client();
    let mut seat = client.sit("ann", "").await;
    let mut second = Connection::open(server.address, 1_000).await;
    second.gamble(1).await.unwrap();
    assert_eq!(second.next().await.unwrap().kind, HEADERS);
    let status = server.client().deposit("bob", 1).await.unwrap_err();
    assert!(
        std::error::Error::source(&status).is_some(),
        "the transport's: {status:?}"
    );
    assert!(seat.play(buy("ann", 1)).await.starts_with("buying 1 stock"));
    drop(second);
    soon(async { while server.client().deposit("bob", 1).await.is_err() {} }).await;
    server.close().await;
}

#[tokio::test]
async fn streams_past_the_bound_of_a_connection_are_refused_and_those_below_stay() {
    const STREAMS: u32 = 1_024;
    let server = Server::with(Limits::default()).await;
    let mut client = Connection::open(server.address, 1_000).await;
    for stream in 0..=STREAMS {
        client.gamble(stream * 2 + 1).await.unwrap();
    }
    let mut seated = 0;
    let reset = soon(async {
        loop {
            let frame = client.next().await.unwrap();
            match frame.kind {
                HEADERS => seated += 1,
                RST_STREAM => return frame,
                _ => {}
            }
        }
    })
    .await;
    assert_eq!(reset.stream, STREAMS * 2 + 1);
    // REFUSED_STREAM: nothing was done, and the client may try again.
    assert_eq!(reset.payload, [0, 0, 0, 7]);
    let all = soon(async {
        while seated < STREAMS {
            seated += u32::from(client.next().await.unwrap().kind == HEADERS);
        }
        seated
    });
    assert_eq!(all.await, STREAMS);
    server.close().await;
}

#[tokio::test]
async fn metadata_past_its_bound_breaks_its_call_alone() {
    let server = Server::with(Limits::default()).await;
    let mut client = server.client();
    let mut seat = client.sit("ann", "").await;
    let mut raw = Connection::open(server.address, 1_000).await;
    let long = "x".repeat(15_000);
    let more = [("a", long.as_str()), ("b", long.as_str())];
    let block = http2::request("/casino.Casino/GetTokenBalance", &more);
    // A frame has 16 KiB at most, so the block comes in two.
    let (first, second) = block.split_at(16_000);
    raw.send(HEADERS, 0, 1, first).await.unwrap();
    raw.send(CONTINUATION, END_HEADERS, 1, second).await.unwrap();
    let answer = soon(raw.next()).await.unwrap();
    assert_eq!((answer.kind, answer.stream), (HEADERS, 1), "{answer:?}");
    // `:status: 431`, request header fields too large: the value is in Huffman's code.
    assert_eq!(answer.payload, [0x48, 0x83, 0x69, 0x90, 0xff]);
    raw.gamble(3).await.unwrap();
    // The connection is whole: after what ends that call comes the answer to the next.
    while soon(raw.next()).await.unwrap().stream != 3 {}
    assert!(seat.play(buy("ann", 1)).await.starts_with("buying 1 stock"));
    server.close().await;
}

#[tokio::test]
async fn who_opens_and_resets_streams_without_end_loses_the_connection() {
    let server = Server::with(Limits::default()).await;
    let mut client = server.client();
    let mut seat = client.sit("ann", "").await;
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
    // ENHANCE_YOUR_CALM, where the end of the socket has not come first.
    let code = soon(ended).await.unwrap();
    assert!(code.is_none_or(|code| code == [0, 0, 0, 11]));
    assert!(seat.play(buy("ann", 1)).await.starts_with("buying 1 stock"));
    server.close().await;
}
