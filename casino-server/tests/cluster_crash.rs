//! Casinos on a shared ledger, killed in turn under load, with one crash of the database: nothing is lost or executed
//! twice, and there is one sequence of prices. Unanswered actions are resent to another casino with the same ID. Some
//! orders rest: each ends once, and its end is received once.

mod support;

use std::sync::Arc;

use support::{
    cluster::{Cluster, connect, listen},
    order_load::{OrderLoad, kills},
    process::CasinoProcess,
    with_timeout,
};
use tokio::{sync::Notify, task::JoinSet};
use tonic::transport::Channel;

/// Number of kills; the variable `CRASH_ROUNDS` overrides it.
const ROUNDS: usize = 6;

async fn check_ledger(url: &str) {
    let store = url.parse().unwrap();
    let checked = tokio::task::spawn_blocking(move || {
        let mut differences = Vec::new();
        casino_server::check(&store, |difference| differences.push(difference.to_string())).unwrap();
        differences
    });
    assert_eq!(checked.await.unwrap(), Vec::<String>::new());
}

/// Waits for `more` ticks.
async fn wait_for_ticks((ledger, ticked): &(tokio_postgres::Client, Arc<Notify>), more: i64) {
    let newest = "SELECT max(number) FROM ticks";
    let first: i64 = ledger.query_one(newest, &[]).await.unwrap().get(0);
    let newer = async {
        while ledger.query_one(newest, &[]).await.unwrap().get::<_, i64>(0) < first + more {
            ticked.notified().await;
        }
    };
    with_timeout(newer).await;
}

async fn start(url: String) -> CasinoProcess {
    let args = ["--tick", "60ms", "--house", "2"];
    let starting = tokio::task::spawn_blocking(move || CasinoProcess::start_on(&url, &args));
    starting.await.unwrap()
}

fn channels(servers: &[CasinoProcess]) -> Vec<Channel> {
    servers.iter().map(CasinoProcess::channel).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_casinos_and_a_database_crash_lose_and_repeat_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("kills");
    let kills = kills(ROUNDS);
    let mut started = JoinSet::new();
    // Concurrently: one of them creates the tables and the market.
    for _ in 0..3 {
        started.spawn(start(url.clone()));
    }
    let mut servers = with_timeout(started.join_all()).await;
    let load = OrderLoad::start(channels(&servers)).await;
    let ledger = listen(&url).await;
    wait_for_ticks(&ledger, 5).await;
    for round in 0..kills {
        // One after the other, so that the leader is killed too.
        let started = with_timeout(start(url.clone())).await;
        let killed = std::mem::replace(&mut servers[round % 3], started);
        load.set_casinos(channels(&servers));
        killed.kill();
        wait_for_ticks(&ledger, 5).await;
    }
    drop(ledger);
    tokio::task::block_in_place(|| cluster.crash_and_restart());
    wait_for_ticks(&listen(&url).await, 5).await;
    let totals = load.finish(&mut servers[0].client()).await;
    println!("{kills} kills: {totals:?}");
    let terms = "SELECT term FROM market";
    let terms: i64 = connect(&url).await.query_one(terms, &[]).await.unwrap().get(0);
    assert!(
        terms >= 2 && totals.trades > 100 && totals.resent > 0,
        "{terms} leaders, {totals:?}"
    );
    assert!(totals.filled > 100 && totals.cancelled > 20, "{totals:?}");
    for server in servers {
        server.terminate();
        assert_eq!(server.wait().0.code(), Some(0));
    }
    check_ledger(&url).await;
}
