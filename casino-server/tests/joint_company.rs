//! The company of casinos that share a ledger: each tells its seats of everybody, wherever they play.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use awesomestock_proto::{
    capabilities,
    casino::{GambleInfo, Leaderboard},
};
use support::{Asks, House, Seat, buy, cluster::Cluster, nowhere, sell, soon, user};

const COMPANY: &str = "tape,players,leaderboard";

async fn open(url: &str, tick: std::time::Duration) -> House {
    let folder = tempfile::tempdir().unwrap();
    let set = |options: &mut casino_server::Options| {
        options.tick = tick;
        options.store = url.parse().unwrap();
    };
    House::open(folder, set, nowhere()).await
}

/// Two casinos on one ledger whose price stands still.
async fn two(url: &str) -> [House; 2] {
    [
        open(url, support::STANDING).await,
        open(url, support::STANDING).await,
    ]
}

/// The next message in which `part` finds what it looks for.
async fn next<T>(seat: &mut Seat, part: impl Fn(GambleInfo) -> Option<T>) -> T {
    soon(async {
        loop {
            if let Some(found) = part(seat.next().await.unwrap().expect("the stream goes on")) {
                return found;
            }
        }
    })
    .await
}

/// Waits until the count of players and their names are these.
async fn see(seat: &mut Seat, seated: i32, unnamed: i32, online: &[&str]) {
    next(seat, |info| {
        let players = info.players?;
        let names: Vec<_> = players.online.iter().map(|player| player.name.as_str()).collect();
        (players.seated == seated && players.unnamed == unnamed && names == online).then_some(())
    })
    .await;
}

fn ranks(board: &Leaderboard) -> Vec<(i32, &str, i64)> {
    let top = board.top.iter();
    top.map(|standing| {
        let name = &standing.player.as_ref().unwrap().name;
        (standing.rank, name.as_str(), standing.equity)
    })
    .collect()
}

#[tokio::test]
async fn who_is_seated_is_told_at_all_casinos_and_who_is_gone_is_forgotten() {
    let Some(cluster) = Cluster::start() else { return };
    let [mut here, mut there] = two(&cluster.database("seated")).await;
    let mut ann = here.client.sit("ann", COMPANY).await;
    let mut bob = there.client.sit("bob", COMPANY).await;
    let again = there.client.sit("ann", capabilities::TICKS).await;
    let old = there.client.sit("cid", "").await;
    see(&mut ann, 2, 1, &["ann", "bob"]).await;
    see(&mut bob, 2, 1, &["ann", "bob"]).await;
    drop((again, old));
    see(&mut ann, 2, 0, &["ann", "bob"]).await;
    // It says so before it is gone; of one that was killed nobody hears any more.
    there.close().await.0.unwrap();
    drop(bob);
    see(&mut ann, 1, 0, &["ann"]).await;
    here.close().await.0.unwrap();
}

#[tokio::test]
async fn trades_at_one_casino_are_on_the_tape_of_the_other() {
    let Some(cluster) = Cluster::start() else { return };
    let [mut here, mut there] = two(&cluster.database("tape")).await;
    there.client.deposit("bob", 1_000_000).await.unwrap();
    let mut watcher = here.client.sit("eve", capabilities::TAPE).await;
    let mut seat = there.client.sit("bob", "").await;
    let playing = tokio::spawn(async move {
        loop {
            seat.play(buy("bob", 3)).await;
            seat.play(sell("bob", 3)).await;
        }
    });
    let mut newest = 0;
    for _ in 0..3 {
        let tape = next(&mut watcher, |info| info.tape).await;
        for row in &tape.rows {
            let (player, trade) = (row.player.as_ref().unwrap(), row.trade.unwrap());
            assert_eq!(
                (player.name.as_str(), trade.stocks_count, trade.price),
                ("bob", 3, 10)
            );
            assert!(trade.number > newest, "in order, each once");
            newest = trade.number;
        }
    }
    playing.abort();
    for house in [here, there] {
        house.close().await.0.unwrap();
    }
}

#[tokio::test]
async fn the_leaderboard_ranks_everybody_wherever_and_whenever_they_played() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("board");
    let mut before = open(&url, support::STANDING).await;
    for (name, dollars) in [("old", 30), ("poor", 1)] {
        before.client.deposit(name, dollars).await.unwrap();
    }
    before.close().await.0.unwrap();
    let [mut here, mut there] = two(&url).await;
    there.client.deposit("bob", 20).await.unwrap();
    let mut ann = here.client.sit("ann", COMPANY).await;
    let everybody = |info: GambleInfo, expected: &[(i32, &str, i64)]| {
        let board = info.leaderboard?;
        (ranks(&board) == expected).then_some(board)
    };
    let all = [(1, "old", 150), (2, "bob", 100), (3, "poor", 5)];
    next(&mut ann, |info| everybody(info, &all)).await;
    there.client.deposit("bob", 20).await.unwrap();
    here.client.deposit("ann", 10).await.unwrap();
    let all = [(1, "bob", 200), (2, "old", 150), (3, "ann", 50), (4, "poor", 5)];
    let board = next(&mut ann, |info| everybody(info, &all)).await;
    assert_eq!((board.ranked, board.own.unwrap().rank), (4, 3));
    // Asked once, at a casino where nobody watches.
    soon(async {
        loop {
            let board = there
                .client
                .get_leaderboard(user("poor"))
                .await
                .unwrap()
                .into_inner();
            if ranks(&board) == all && board.own.unwrap().rank == 4 {
                return;
            }
        }
    })
    .await;
    for house in [here, there] {
        house.close().await.0.unwrap();
    }
}

#[tokio::test]
async fn the_leaderboard_is_at_the_price_in_force() {
    let Some(cluster) = Cluster::start() else { return };
    let mut house = open(&cluster.database("price"), std::time::Duration::from_millis(50)).await;
    house.client.deposit("ann", 1_000_000).await.unwrap();
    let mut ann = house.client.sit("ann", "ticks,wallet,leaderboard").await;
    ann.act(buy("ann", 100)).await;
    let mut prices = std::collections::BTreeSet::new();
    while prices.len() < 3 {
        let board = next(&mut ann, |info| info.leaderboard).await;
        if let Some(own) = board.own {
            assert_eq!(
                own.equity,
                i64::from(own.tokens) + i64::from(own.stocks) * i64::from(board.price)
            );
            prices.insert(board.price);
        }
    }
    house.close().await.0.unwrap();
}
