//! Limits of a player over all casinos on a shared ledger.

mod support;

use std::time::Instant;

use awesomestock_proto::EXECUTED_MESSAGE;
use casino_server::Options;
use futures_util::future::join_all;
use support::cluster::{Cluster, connect};
use support::process::CasinoProcess;
use support::{
    CasinoClientExt, Client, FIXED_PRICE_TICK, Session, TestCasino, buy, unreachable_payments, with_timeout,
};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

fn start_two(url: &str, limit: [&str; 2]) -> [CasinoProcess; 2] {
    let args = [&["--tick", "1h"], &limit[..]].concat();
    [
        CasinoProcess::start_on(url, &args),
        CasinoProcess::start_on(url, &args),
    ]
}

async fn try_open_session(client: &Client, name: &str) -> Result<Session, Status> {
    client
        .clone()
        .try_open_session(name, "ticks", &MetadataMap::new())
        .await
}

/// Retries until a session is free.
async fn open_when_free(client: &Client, name: &str) -> Session {
    with_timeout(async {
        loop {
            match try_open_session(client, name).await {
                Ok(session) => return session,
                Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status}"),
            }
        }
    })
    .await
}

async fn assert_full(client: &Client, name: &str) {
    let status = try_open_session(client, name)
        .await
        .map(|_| "a session")
        .unwrap_err();
    let message = "this player has 3 open sessions, the maximum: close one first";
    assert_eq!(
        (status.code(), status.message()),
        (Code::ResourceExhausted, message)
    );
}

#[tokio::test]
async fn the_session_limit_counts_all_casinos() {
    let Some(cluster) = Cluster::start() else { return };
    let [a, b] = start_two(&cluster.database("seats"), ["--max-seats", "3"]);
    let (here, there) = (a.client(), b.client());
    let attempts =
        (0..40).map(|number| try_open_session(if number % 2 == 0 { &here } else { &there }, "ann"));
    let open: Vec<_> = join_all(attempts).await.into_iter().flatten().collect();
    assert_eq!(open.len(), 3, "of 40 concurrent attempts");
    assert_full(&here, "ann").await;
    assert_full(&there, "ann").await;
    // A session that is named by its first action counts as well.
    let mut unnamed = here.clone().open_session("ann", "").await;
    assert!(unnamed.execute(buy("ann", 1)).await.contains("the maximum"));
    drop(
        try_open_session(&there, "bob")
            .await
            .expect("the limit is per player"),
    );

    drop(open);
    let sessions = [
        open_when_free(&there, "ann").await,
        open_when_free(&here, "ann").await,
    ];
    let third = open_when_free(&here, "ann").await;
    assert_full(&there, "ann").await;
    // Sessions of a killed casino stop counting when its heartbeat expires.
    a.kill();
    let others = [
        open_when_free(&there, "ann").await,
        open_when_free(&there, "ann").await,
    ];
    assert_full(&there, "ann").await;
    drop((sessions, third, others));
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_sessions_being_opened() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("stopping");
    // A casino that waited for one would take its full drain deadline of 5 s.
    with_timeout(async {
        for _ in 0..15 {
            let set = |options: &mut Options| {
                options.tick = FIXED_PRICE_TICK;
                options.store = url.parse().unwrap();
            };
            let casino = TestCasino::open(tempfile::tempdir().unwrap(), set, unreachable_payments()).await;
            let client = casino.client.clone();
            let opening = tokio::spawn(async move {
                let attempts = ["ann", "bob", "cid", "dot"].map(|name| try_open_session(&client, name));
                join_all(attempts).await
            });
            // By now some sessions are being opened and others are not yet.
            tokio::task::yield_now().await;
            let database = connect(&url).await;
            database.query("SELECT FROM seats", &[]).await.unwrap();
            casino.close().await.0.unwrap();
            drop(opening.await.unwrap());
        }
    })
    .await;
}

#[tokio::test]
async fn sessions_are_counted_again_after_a_database_crash() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("crashed");
    let [a, b] = start_two(&url, ["--max-seats", "3"]);
    let (here, there) = (a.client(), b.client());
    let sessions = [
        try_open_session(&here, "ann").await.unwrap(),
        try_open_session(&here, "ann").await.unwrap(),
    ];
    let third = try_open_session(&there, "ann").await.unwrap();
    cluster.crash_and_restart();
    let database = connect(&url).await;
    let counted = "SELECT coalesce(sum(seats), 0) FROM awesomestock.seats WHERE player = '?ann'";
    with_timeout(async { while database.query_one(counted, &[]).await.unwrap().get::<_, i64>(0) < 3 {} })
        .await;
    assert_full(&here, "ann").await;
    assert_full(&there, "ann").await;
    drop((sessions, third));
    drop(open_when_free(&here, "ann").await);
}

#[tokio::test]
async fn the_rate_limit_counts_all_casinos() {
    let Some(cluster) = Cluster::start() else { return };
    let [a, b] = start_two(&cluster.database("actions"), ["--max-actions", "20"]);
    let (mut here, mut there) = (a.client(), b.client());
    let mut sessions = [
        here.open_session("ann", "ticks").await,
        there.open_session("ann", "ticks").await,
    ];
    let start = Instant::now();
    here.deposit("ann", 1_000).await.unwrap();
    let results = sessions.iter_mut().map(async |session| {
        for _ in 0..60 {
            session.send(buy("ann", 1)).await;
        }
        let mut done = 0;
        for _ in 0..60 {
            match session.next_result().await.msg {
                message if message == EXECUTED_MESSAGE => done += 1,
                message => assert_eq!(message, "rate limit: at most 20 a second; wait a moment"),
            }
        }
        done
    });
    let done: u64 = join_all(results).await.into_iter().sum();
    // One of the allowed requests was the deposit. Only the elapsed time matters, not the casinos' clocks.
    let millis = u64::try_from(start.elapsed().as_millis()).unwrap();
    let max = 20 + millis / 50;
    assert!((19..=max).contains(&done), "{done} within {millis} ms");

    // Players without an account are limited as well, although nothing is stored for them.
    let mut stranger = there.open_session("eve", "ticks").await;
    for _ in 0..60 {
        stranger.send(buy("eve", 1)).await;
    }
    let mut messages = Vec::new();
    for _ in 0..60 {
        messages.push(stranger.next_result().await.msg);
    }
    assert!(
        messages.iter().any(|message| message.starts_with("rate limit")),
        "{messages:?}"
    );
}
