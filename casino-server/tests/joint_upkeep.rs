//! What an operator does with a ledger in PostgreSQL: look through its books, and free names, while casinos play on.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use awesomestock_proto::{
    auth::{BearerInterceptor, PlayerKey},
    casino::{ActionOutcome, casino_client::CasinoClient},
};
use support::{
    Asks, House, books, buy,
    cluster::{Cluster, connect},
    nowhere,
    process::{Process, run},
    sell, soon, user,
};
use tonic::Code;

async fn standing(url: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    let set = |options: &mut casino_server::Options| {
        options.tick = support::STANDING;
        options.store = url.parse().unwrap();
    };
    House::open(folder, set, nowhere()).await
}

/// Runs `command` on the ledger at `url`, off this thread: exit code, and what it says on both streams.
async fn told(command: &[&str], url: &str) -> (Option<i32>, String, String) {
    let args = [command, &["--store", url]].concat();
    let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
    let running = tokio::task::spawn_blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        run(&args)
    });
    soon(running).await.unwrap()
}

/// Changes of the books beside [those of any ledger](books::CHANGES), and what has to be told of each.
const CHANGES: [(&str, &str); 10] = [
    (
        "UPDATE trades SET price = price + 1 WHERE account = 2 AND number = 3",
        "bob: trade 3: price of tick 0: expected 10, found 11",
    ),
    (
        "UPDATE trades SET stocks = stocks + 1 WHERE account = 1 AND number = 1",
        "ann: tokens: expected ",
    ),
    (
        "DELETE FROM trades WHERE account = 1 AND number = 2",
        "ann: trade number: expected 2, found 3",
    ),
    (
        "UPDATE trades SET account = 7 WHERE account = 2 AND number = 2",
        "account 7: trade 2: expected an account, found none",
    ),
    (
        "UPDATE trades SET tick = 5 WHERE account = 2 AND number = 2",
        "bob: trade 2: price of tick 5: expected none, found 10",
    ),
    (
        "INSERT INTO ticks VALUES (2, 10, 0)",
        "tick 2: number: expected 1, found 2",
    ),
    (
        "INSERT INTO candles VALUES (60, 0, 60, 1, 9, 1, 9, 0, 0); DELETE FROM ticks",
        "ann: trade 1: price of tick 0: expected 1 to 9, found 10",
    ),
    (
        "DELETE FROM receipts WHERE account = 1 AND number = 1",
        "ann: receipts: expected 2, found 1",
    ),
    (
        "DELETE FROM receipts WHERE account = 1 AND number = 2",
        "ann: newest receipt: expected 2, found 1",
    ),
    (
        "ALTER TABLE payments DROP CONSTRAINT payments_account_fkey; DELETE FROM accounts WHERE name = 'bob'",
        "account 2: payment 1: expected an account, found none",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_in_the_books_is_found() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("whole");
    let mut house = standing(&url).await;
    books::play(&mut house.client).await;
    let mut seat = house.client.sit("ann", "").await;
    for id in 1..=2 {
        let action = awesomestock_proto::casino::Action {
            id: vec![id; 16],
            ..sell("ann", 100)
        };
        seat.play(action).await;
    }
    drop(seat);
    house.close().await.0.unwrap();
    let (code, stdout, stderr) = told(&["check"], &url).await;
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(
        stdout.starts_with("2 players, 2 payments, 12 trades, 1 ticks; 2000000 dollars in, "),
        "{stdout}"
    );
    for (number, (change, expected)) in books::CHANGES.into_iter().chain(CHANGES).enumerate() {
        let name = format!("changed{number}");
        let copy = cluster.copy("whole", &name);
        connect(&copy).await.batch_execute(change).await.unwrap();
        let (code, stdout, stderr) = told(&["check"], &copy).await;
        assert_eq!(code, Some(1), "{change}: {stdout}{stderr}");
        assert!(
            stdout.contains(expected),
            "{change}: {expected}: {stdout}{stderr}"
        );
        assert!(stderr.contains(" differences in changed"), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_are_in_order_at_any_moment_of_play() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("play");
    let args = ["--tick", "20ms"];
    let servers = [Process::start_on(&url, &args), Process::start_on(&url, &args)];
    let mut seats = Vec::new();
    for number in 0..8 {
        let mut client = servers[number % 2].client();
        let name = format!("p{}", number / 2);
        client.deposit(&name, 1_000_000).await.unwrap();
        seats.push((name.clone(), client.sit(&name, "").await));
    }
    let playing = tokio::spawn(async move {
        loop {
            for (name, seat) in &mut seats {
                for _ in 0..20 {
                    seat.act(buy(name, 2)).await;
                    seat.act(sell(name, 1)).await;
                }
                for _ in 0..40 {
                    seat.result().await;
                }
            }
        }
    });
    let mut before = 0;
    for _ in 0..3 {
        let (code, stdout, stderr) = told(&["check"], &url).await;
        assert_eq!(code, Some(0), "{stdout}{stderr}");
        let trades = stdout.split_once(" payments, ").unwrap().1;
        let trades: u64 = trades.split_once(" trades").unwrap().0.parse().unwrap();
        assert!(trades >= before, "{stdout}");
        before = trades;
    }
    assert!(!playing.is_finished(), "they played on");
    playing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_released_at_all_casinos_while_they_play() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("names");
    let houses = [standing(&url).await, standing(&url).await];
    let [lost, new] = [1, 2].map(|byte| PlayerKey::from_bytes([byte; 32]));
    let balance = async |house: &House, key| {
        let mut client =
            CasinoClient::with_interceptor(house.channel.clone(), BearerInterceptor::player_key(Some(key)));
        let balance = soon(client.get_token_balance(user("ann"))).await;
        balance
            .map(|balance| balance.into_inner().count)
            .map_err(|status| status.code())
    };
    houses[0].client.clone().deposit("ann", 10).await.unwrap();
    for house in &houses {
        assert_eq!(balance(house, &lost).await, Ok(50));
        assert_eq!(balance(house, &new).await, Err(Code::PermissionDenied));
    }
    let released = "ann is released: the next key used with it claims it\n";
    assert_eq!(
        told(&["release", "ann"], &url).await,
        (Some(0), released.to_owned(), String::new())
    );
    // They hear of it by and by.
    for house in &houses {
        soon(async {
            while balance(house, &new).await != Ok(50) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    for house in &houses {
        assert_eq!(balance(house, &lost).await, Err(Code::PermissionDenied));
    }
    let (code, _, stderr) = told(&["release", "bob"], &url).await;
    assert_eq!(
        (code, stderr.as_str()),
        (Some(1), "casino-server: bob is not claimed\n")
    );
    for house in houses {
        house.close().await.0.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sits_without_a_key_is_turned_away_when_the_name_is_claimed_elsewhere() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("elsewhere");
    let (mut here, there) = (standing(&url).await, standing(&url).await);
    here.client.deposit("ann", 1_000).await.unwrap();
    let mut seat = here.client.sit("ann", support::ALL_FEEDS).await;
    seat.act(buy("ann", 1)).await;
    assert_eq!(seat.result().await.outcome(), ActionOutcome::OutcomeExecuted);
    let key = PlayerKey::from_bytes([1; 32]);
    let mut client =
        CasinoClient::with_interceptor(there.channel.clone(), BearerInterceptor::player_key(Some(&key)));
    soon(client.get_token_balance(user("ann"))).await.unwrap();
    soon(async {
        loop {
            seat.try_act(sell("ann", 1)).await;
            if let Err(status) = seat.try_result().await {
                assert_eq!(status.code(), Code::Unauthenticated, "{status}");
                return;
            }
        }
    })
    .await;
    for house in [here, there] {
        house.close().await.0.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said_in_words() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("empty");
    let missing = url.replace("/empty", "/missing");
    for (command, url, said) in [
        (["check"].as_slice(), &url, "there is no ledger in it"),
        (&["release", "ann"], &url, "there is no ledger in it"),
        (&["check"], &missing, "database \"missing\" does not exist"),
        (
            &["backup", "copy.db"],
            &url,
            "a ledger in PostgreSQL is copied by its own tools: pg_dump",
        ),
    ] {
        let (code, stdout, stderr) = told(command, url).await;
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{command:?}");
        assert!(stderr.contains(said), "{stderr}");
    }
    let tables = "SELECT count(*) FROM pg_namespace WHERE nspname = 'awesomestock'";
    let made: i64 = connect(&url).await.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(made, 0, "nothing is made");
}
