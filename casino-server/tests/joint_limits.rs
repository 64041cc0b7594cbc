//! What a player may have and ask for at several casinos that share a ledger: as much as at one.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Instant;

use awesomestock_proto::EXECUTED_MESSAGE;
use casino_server::Options;
use futures_util::future::join_all;
use support::{
    Asks, Client, House, STANDING, Seat, buy,
    cluster::{Cluster, connect},
    nowhere,
    process::Process,
    soon,
};
use tonic::{Code, Status, metadata::MetadataMap};

fn two(url: &str, limit: [&str; 2]) -> [Process; 2] {
    let args = [&["--tick", "1h"], &limit[..]].concat();
    [Process::start_on(url, &args), Process::start_on(url, &args)]
}

async fn try_sit(client: &Client, name: &str) -> Result<Seat, Status> {
    client.clone().try_sit(name, "ticks", &MetadataMap::new()).await
}

/// Takes a seat as soon as there is one.
async fn sit_at_last(client: &Client, name: &str) -> Seat {
    soon(async {
        loop {
            match try_sit(client, name).await {
                Ok(seat) => return seat,
                Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status}"),
            }
        }
    })
    .await
}

async fn assert_full(client: &Client, name: &str) {
    let status = try_sit(client, name).await.map(|_| "a seat").unwrap_err();
    let said = "this player has 3 seats, which is the maximum: leave one first";
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, said));
}

#[tokio::test]
async fn a_player_has_so_many_seats_at_all_casinos_together() {
    let Some(cluster) = Cluster::start() else { return };
    let [a, b] = two(&cluster.database("seats"), ["--max-seats", "3"]);
    let (here, there) = (a.client(), b.client());
    let tries = (0..40).map(|number| try_sit(if number % 2 == 0 { &here } else { &there }, "ann"));
    let seated: Vec<_> = join_all(tries).await.into_iter().flatten().collect();
    assert_eq!(seated.len(), 3, "however many ask at once");
    assert_full(&here, "ann").await;
    assert_full(&there, "ann").await;
    // Who names themselves by their first action is one of them too.
    let mut late = here.clone().sit("ann", "").await;
    assert!(late.play(buy("ann", 1)).await.contains("which is the maximum"));
    drop(try_sit(&there, "bob").await.expect("others have their own"));

    drop(seated);
    let seats = [sit_at_last(&there, "ann").await, sit_at_last(&here, "ann").await];
    let third = sit_at_last(&here, "ann").await;
    assert_full(&there, "ann").await;
    // What a casino said of its seats counts no longer when it is not heard of any more.
    a.kill();
    let others = [sit_at_last(&there, "ann").await, sit_at_last(&there, "ann").await];
    assert_full(&there, "ann").await;
    drop((seats, third, others));
}

#[tokio::test]
async fn a_casino_that_stops_keeps_nobody_waiting_for_a_seat() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("stopping");
    // One who is waited for holds a casino up by its deadline of 5 s.
    soon(async {
        for _ in 0..15 {
            let set = |options: &mut Options| {
                options.tick = STANDING;
                options.store = url.parse().unwrap();
            };
            let house = House::open(tempfile::tempdir().unwrap(), set, nowhere()).await;
            let client = house.client.clone();
            let sitting = tokio::spawn(async move {
                let tries = ["ann", "bob", "cid", "dot"].map(|name| try_sit(&client, name));
                join_all(tries).await
            });
            // By then somebody is on the way in, and others are not yet.
            tokio::task::yield_now().await;
            let watched = connect(&url).await;
            watched.query("SELECT FROM seats", &[]).await.unwrap();
            house.close().await.0.unwrap();
            drop(sitting.await.unwrap());
        }
    })
    .await;
}

#[tokio::test]
async fn seats_are_counted_anew_after_a_crash_of_the_database() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("crashed");
    let [a, b] = two(&url, ["--max-seats", "3"]);
    let (here, there) = (a.client(), b.client());
    let seats = [
        try_sit(&here, "ann").await.unwrap(),
        try_sit(&here, "ann").await.unwrap(),
    ];
    let third = try_sit(&there, "ann").await.unwrap();
    cluster.crash_and_restart();
    let database = connect(&url).await;
    let counted = "SELECT coalesce(sum(seats), 0) FROM awesomestock.seats WHERE player = '?ann'";
    soon(async { while database.query_one(counted, &[]).await.unwrap().get::<_, i64>(0) < 3 {} }).await;
    assert_full(&here, "ann").await;
    assert_full(&there, "ann").await;
    drop((seats, third));
    drop(sit_at_last(&here, "ann").await);
}

#[tokio::test]
async fn a_player_asks_for_so_much_at_all_casinos_together() {
    let Some(cluster) = Cluster::start() else { return };
    let [a, b] = two(&cluster.database("actions"), ["--max-actions", "20"]);
    let (mut here, mut there) = (a.client(), b.client());
    let mut seats = [here.sit("ann", "ticks").await, there.sit("ann", "ticks").await];
    let began = Instant::now();
    here.deposit("ann", 1_000).await.unwrap();
    let playing = seats.iter_mut().map(async |seat| {
        for _ in 0..60 {
            seat.act(buy("ann", 1)).await;
        }
        let mut done = 0;
        for _ in 0..60 {
            match seat.result().await.msg {
                said if said == EXECUTED_MESSAGE => done += 1,
                said => assert_eq!(said, "rate limit: at most 20 a second; wait a moment"),
            }
        }
        done
    });
    let done: u64 = join_all(playing).await.into_iter().sum();
    // One was the deposit. The casinos' clocks do not matter, only how long it took at most.
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap();
    let most = 20 + millis / 50;
    assert!((19..=most).contains(&done), "{done} within {millis} ms");

    // What a stranger may ask for is bounded as well, though nothing is kept of them.
    let mut stranger = there.sit("eve", "ticks").await;
    for _ in 0..60 {
        stranger.act(buy("eve", 1)).await;
    }
    let mut said = Vec::new();
    for _ in 0..60 {
        said.push(stranger.result().await.msg);
    }
    assert!(said.iter().any(|said| said.starts_with("rate limit")), "{said:?}");
}
