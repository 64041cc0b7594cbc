//! The lobby of casinos on a shared ledger: each publishes the trades, players and ranking of all.

mod support;

use std::collections::BTreeMap;

use awesomestock_proto::EXECUTED_MESSAGE;
use awesomestock_proto::casino::{GambleInfo, Leaderboard};
use casino_server::{PriceModel, market_prices};
use futures_util::future::join_all;
use support::cluster::Cluster;
use support::{CasinoClientExt, Session, TestCasino, buy, sell, unreachable_payments, user, with_timeout};

const LOBBY: &str = "tape,players,leaderboard";

async fn open(url: &str, tick: std::time::Duration) -> TestCasino {
    let folder = tempfile::tempdir().unwrap();
    let set = |options: &mut casino_server::Options| {
        options.tick = tick;
        options.store = url.parse().unwrap();
    };
    TestCasino::open(folder, set, unreachable_payments()).await
}

/// Opens two casinos on one ledger, with a fixed price.
async fn open_two(url: &str) -> [TestCasino; 2] {
    [
        open(url, support::FIXED_PRICE_TICK).await,
        open(url, support::FIXED_PRICE_TICK).await,
    ]
}

/// Returns the next message for which `part` returns a value.
async fn next<T>(session: &mut Session, part: impl Fn(GambleInfo) -> Option<T>) -> T {
    with_timeout(async {
        loop {
            if let Some(found) = part(session.next().await.unwrap().expect("the stream goes on")) {
                return found;
            }
        }
    })
    .await
}

/// Waits for a list of players with these counts and names.
async fn wait_for_players(session: &mut Session, count: i32, unnamed: i32, online: &[&str]) {
    next(session, |info| {
        let players = info.players?;
        let names: Vec<_> = players.online.iter().map(|player| player.name.as_str()).collect();
        (players.seated == count && players.unnamed == unnamed && names == online).then_some(())
    })
    .await;
}

async fn buy_one(casino: &mut TestCasino, name: &str) {
    let mut session = casino.client.open_session(name, "").await;
    assert_eq!(session.execute(buy(name, 1)).await, EXECUTED_MESSAGE);
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
async fn online_players_are_listed_at_all_casinos_until_they_leave() {
    let Some(cluster) = Cluster::start() else { return };
    let [mut here, mut there] = open_two(&cluster.database("seated")).await;
    let mut ann = here.client.open_session("ann", LOBBY).await;
    let mut bob = there.client.open_session("bob", LOBBY).await;
    let again = there.client.open_session("ann", "ticks").await;
    let old = there.client.open_session("cid", "").await;
    wait_for_players(&mut ann, 2, 1, &["ann", "bob"]).await;
    wait_for_players(&mut bob, 2, 1, &["ann", "bob"]).await;
    drop((again, old));
    wait_for_players(&mut ann, 2, 0, &["ann", "bob"]).await;
    // A casino reports its sessions as closed when it shuts down; those of a killed one expire.
    there.close().await.0.unwrap();
    drop(bob);
    wait_for_players(&mut ann, 1, 0, &["ann"]).await;
    here.close().await.0.unwrap();
}

#[tokio::test]
async fn trades_at_one_casino_are_on_the_tape_of_the_other() {
    let Some(cluster) = Cluster::start() else { return };
    let [mut here, mut there] = open_two(&cluster.database("tape")).await;
    there.client.deposit("bob", 1_000_000).await.unwrap();
    let mut observer = here.client.open_session("eve", "tape").await;
    // The other session of the player gets the wallet.
    let mut other = here.client.open_session("bob", "wallet,orders").await;
    let mut session = there.client.open_session("bob", "").await;
    let playing = tokio::spawn(async move {
        loop {
            session.execute(buy("bob", 3)).await;
            session.execute(sell("bob", 3)).await;
        }
    });
    let mut newest = 0;
    for _ in 0..3 {
        let tape = next(&mut observer, |info| info.tape).await;
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
    next(&mut other, |info| {
        info.wallet.filter(|wallet| wallet.version > newest)
    })
    .await;
    playing.abort();
    for casino in [here, there] {
        casino.close().await.0.unwrap();
    }
}

#[tokio::test]
async fn the_leaderboard_ranks_players_of_all_casinos_and_earlier_runs() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("board");
    let mut before = open(&url, support::FIXED_PRICE_TICK).await;
    for (name, dollars) in [("old", 30), ("poor", 2), ("idle", 400_000_000)] {
        before.client.deposit(name, dollars).await.unwrap();
    }
    for name in ["old", "poor"] {
        buy_one(&mut before, name).await;
    }
    before.close().await.0.unwrap();
    let [mut here, mut there] = open_two(&url).await;
    there.client.deposit("bob", 20).await.unwrap();
    buy_one(&mut there, "bob").await;
    let mut ann = here.client.open_session("ann", LOBBY).await;
    let board_with = |info: GambleInfo, expected: &[(i32, &str, i64)]| {
        let board = info.leaderboard?;
        (ranks(&board) == expected).then_some(board)
    };
    // The price is fixed, so all have a profit of 0 and share the rank.
    let all = [(1, "bob", 100), (1, "old", 150), (1, "poor", 10)];
    next(&mut ann, |info| board_with(info, &all)).await;
    there.client.deposit("bob", 20).await.unwrap();
    here.client.deposit("ann", 10).await.unwrap();
    buy_one(&mut here, "ann").await;
    let all = [(1, "ann", 50), (1, "bob", 200), (1, "old", 150), (1, "poor", 10)];
    let board = next(&mut ann, |info| board_with(info, &all)).await;
    assert_eq!((board.ranked, board.own.unwrap().rank), (4, 1));
    // A single request, at a casino without subscribers.
    with_timeout(async {
        loop {
            let board = there
                .client
                .get_leaderboard(user("poor"))
                .await
                .unwrap()
                .into_inner();
            if ranks(&board) == all && board.own.unwrap().rank == 1 {
                return;
            }
        }
    })
    .await;
    for casino in [here, there] {
        casino.close().await.0.unwrap();
    }
}

#[tokio::test]
async fn the_leaderboard_uses_the_current_price() {
    let Some(cluster) = Cluster::start() else { return };
    let mut casino = open(&cluster.database("price"), std::time::Duration::from_millis(50)).await;
    for name in ["ann", "bob"] {
        casino.client.deposit(name, 1_000_000).await.unwrap();
    }
    buy_one(&mut casino, "bob").await;
    let mut ann = casino
        .client
        .open_session("ann", "ticks,wallet,leaderboard")
        .await;
    ann.send(buy("ann", 100)).await;
    let mut prices = std::collections::BTreeSet::new();
    while prices.len() < 3 {
        let board = next(&mut ann, |info| info.leaderboard).await;
        if let Some(own) = board.own {
            assert_eq!(
                own.equity,
                i64::from(own.tokens) + i64::from(own.stocks) * i64::from(board.price)
            );
            assert_eq!(own.profit, own.equity - 5_000_000);
            assert!(
                board
                    .top
                    .is_sorted_by(|higher, lower| higher.profit >= lower.profit)
            );
            prices.insert(board.price);
        }
    }
    casino.close().await.0.unwrap();
}

/// Reads from a session until it has `count` headlines. Returns the prices and the headlines by tick.
async fn read(session: &mut Session, count: usize) -> (BTreeMap<i64, i32>, BTreeMap<i64, String>) {
    let (mut prices, mut headlines) = (BTreeMap::new(), BTreeMap::new());
    while headlines.len() < count || prices.len() < 30 {
        let info = session.next().await.unwrap().expect("the stream goes on");
        prices.extend(info.info.map(|price| (price.tick, price.price)));
        headlines.extend(info.news.map(|headline| (headline.tick, headline.text)));
    }
    (prices, headlines)
}

#[tokio::test]
async fn three_casinos_have_one_sequence_of_prices_and_of_headlines() {
    let Some(cluster) = Cluster::start() else { return };
    for (model, feeds, count) in [
        (PriceModel::Moods, "ticks", 0),
        (PriceModel::News, "ticks,news", 3),
    ] {
        let url = cluster.database(model.name());
        let mut casinos = Vec::new();
        for _ in 0..3 {
            let set = |options: &mut casino_server::Options| {
                options.tick = std::time::Duration::from_millis(20);
                options.store = url.parse().unwrap();
                options.model = Some(model);
            };
            let folder = tempfile::tempdir().unwrap();
            casinos.push(TestCasino::open(folder, set, unreachable_payments()).await);
        }
        let mut sessions = Vec::new();
        for casino in &mut casinos {
            sessions.push(casino.client.open_session("ann", feeds).await);
        }
        let received = join_all(sessions.iter_mut().map(|session| read(session, count))).await;
        let mut texts = BTreeMap::new();
        for (prices, headlines) in received {
            let last = usize::try_from(*prices.keys().max().unwrap()).unwrap();
            let expected: Vec<i32> = market_prices(model, 7, 100).take(last + 1).collect();
            for (tick, price) in prices {
                assert_eq!(
                    price,
                    expected[usize::try_from(tick).unwrap()],
                    "{model:?} {tick}"
                );
            }
            for (tick, text) in headlines {
                assert_eq!(*texts.entry(tick).or_insert(text.clone()), text);
            }
        }
        drop(sessions);
        for casino in casinos {
            casino.close().await.0.unwrap();
        }
    }
}
