//! A ledger in PostgreSQL: the same game as on SQLite, and what happens when the database is not there.
//!
//! Each test has a cluster of its own, made by the programs of the machine; where there are none, it says so and passes.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use awesomestock_proto::{
    auth::{BearerInterceptor, PlayerKey},
    casino::{Action, WithdrawRequest, casino_client::CasinoClient},
};
use casino_server::{Options, StoreUrl};
use support::{
    Asks, Client, House, buy,
    cluster::{Cluster, connect},
    nowhere,
    process::Process,
    sell, soon, user,
};
use tokio::task::{JoinSet, spawn_blocking};
use tonic::{Code, metadata::MetadataMap};

/// A casino over a pipe, on the ledger at `url` or on a SQLite file, whose price stands still at 10.
async fn standing(url: Option<&str>) -> House {
    let folder = tempfile::tempdir().unwrap();
    let set = |options: &mut Options| {
        options.tick = support::STANDING;
        if let Some(url) = url {
            options.store = url.parse().unwrap();
        }
    };
    House::open(folder, set, nowhere()).await
}

/// Actions that are executed, and some that are rejected.
fn actions() -> Vec<Action> {
    let unknown = buy("carl", 1);
    let nobody = Action {
        user: None,
        ..buy("", 1)
    };
    let up_to = |action| Action {
        up_to: true,
        ..action
    };
    vec![
        buy("ann", 3),
        sell("ann", 1),
        sell("ann", 9),
        buy("ann", 1_000),
        buy("ann", 0),
        up_to(sell("ann", 100)),
        up_to(sell("ann", 1)),
        up_to(buy("ann", i32::MAX)),
        up_to(buy("ann", i32::MAX)),
        sell("ann", 7),
        unknown,
        nobody,
    ]
}

/// What a player sees of a game, in words.
async fn story(client: &mut Client) -> Vec<String> {
    let mut told = Vec::new();
    told.push(format!("{:?}", client.wallet("ann").await));
    for (name, dollars) in [("ann", 100), ("ann", 0), ("ann", i32::MAX), ("bob", 1)] {
        let deposited = client.deposit(name, dollars).await;
        told.push(format!(
            "{:?}",
            deposited.map_err(|status| (status.code(), status.message().to_owned()))
        ));
    }
    let mut seat = client.sit("ann", "").await;
    told.push(format!("{:?}", seat.price().await));
    for action in actions() {
        told.push(seat.play(action).await);
    }
    // Many at once: a batch.
    for count in 1..=20 {
        seat.act(buy("ann", count % 4)).await;
    }
    for _ in 1..=20 {
        told.push(seat.result().await.msg);
    }
    for tokens in [10, 7, 1_000_000] {
        let request = WithdrawRequest {
            user: Some(user("ann")),
            tokens_cnt: tokens,
            ..WithdrawRequest::default()
        };
        let paid = soon(client.withdraw(request)).await;
        told.push(format!(
            "{:?}",
            paid.map(|paid| paid.into_inner().amount)
                .map_err(|status| status.message().to_owned())
        ));
    }
    for name in ["ann", "bob", "carl"] {
        told.push(format!("{name} {:?}", client.wallet(name).await));
        let trades = client.trades_of(name).await;
        told.extend(trades.iter().map(|trade| {
            format!(
                "{:?}",
                awesomestock_proto::casino::Trade {
                    at_unix_ms: 0,
                    ..*trade
                }
            )
        }));
        let payments = client.payments_of(name).await;
        told.extend(payments.iter().map(|payment| format!("{}", payment.amount)));
    }
    told.push(format!("{:?}", client.prices().await));
    told
}

#[tokio::test]
async fn the_same_story_is_told_over_both_engines_and_kept() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("story");
    let (mut sqlite, mut postgres) = (standing(None).await, standing(Some(&url)).await);
    let expected = story(&mut sqlite.client).await;
    assert_eq!(story(&mut postgres.client).await, expected);
    assert!(
        expected
            .iter()
            .any(|line| line == "operation executed successfully")
    );
    let wallet = postgres.client.wallet("ann").await;
    postgres.close().await.0.unwrap();
    let mut again = standing(Some(&url)).await;
    assert_eq!(again.client.wallet("ann").await, wallet);
    again.close().await.0.unwrap();
    sqlite.close().await.0.unwrap();
}

#[tokio::test]
async fn the_same_players_at_two_casinos_wait_for_each_other_and_lose_nothing() {
    const EACH: i32 = 40;
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("both");
    let houses = [standing(Some(&url)).await, standing(Some(&url)).await];
    let names = ["eve", "dan", "ann", "bob", "carl"];
    let mut playing = JoinSet::new();
    for (house, backwards) in houses.iter().zip([false, true]) {
        for turn in 0..names.len() {
            // In opposite orders, so that they would meet crosswise if nobody saw to it.
            let name = names[if backwards { names.len() - 1 - turn } else { turn }];
            let mut client = house.client.clone();
            playing.spawn(async move {
                let mut seat = client.sit(name, "").await;
                for _ in 0..EACH {
                    client.deposit(name, 4).await.unwrap();
                    assert_eq!(seat.play(buy(name, 1)).await, "operation executed successfully");
                }
            });
        }
    }
    soon(playing.join_all()).await;
    let mut client = houses[0].client.clone();
    for name in names {
        let wallet = client.wallet(name).await;
        assert_eq!(
            (wallet.tokens, wallet.stocks),
            (2 * EACH * 10, 2 * EACH),
            "{name}"
        );
        assert_eq!(
            client.trades_of(name).await.len(),
            2 * usize::try_from(EACH).unwrap()
        );
    }
    for house in houses {
        house.close().await.0.unwrap();
    }
}

#[test]
fn a_pooler_is_rejected_unless_it_keeps_sessions() {
    let Some(cluster) = Cluster::start() else { return };
    for (name, settings, is_rejected) in [
        ("by_session", "pool_mode = session", false),
        ("by_transaction", "pool_mode = transaction", true),
        (
            "by_turns",
            "pool_mode = transaction\nserver_round_robin = 1\nmin_pool_size = 3",
            true,
        ),
        ("by_one", "pool_mode = transaction\ndefault_pool_size = 1", true),
        ("by_statement", "pool_mode = statement", true),
    ] {
        cluster.database(name);
        let Some((url, mut pooler)) = cluster.behind_pgbouncer(name, settings) else {
            eprintln!("skipped: pgbouncer is not installed");
            return;
        };
        let started = Process::try_start_on(&url, &[]);
        pooler.kill().unwrap();
        pooler.wait().unwrap();
        match started {
            Ok(_) => assert!(!is_rejected, "{name}"),
            Err(said) => {
                assert!(is_rejected, "{name}: {said}");
                let is_named = said.contains("pool_mode=session") || said.contains("statement pooling");
                assert!(is_named, "{name}: {said}");
            }
        }
    }
}

#[tokio::test]
async fn a_name_claimed_at_one_casino_is_claimed_at_all() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("claims");
    let houses = [standing(Some(&url)).await, standing(Some(&url)).await];
    let [mine, other] = [1, 2].map(|byte| PlayerKey::from_bytes([byte; 32]));
    let at = |house: &House, key| {
        CasinoClient::with_interceptor(house.channel.clone(), BearerInterceptor::player_key(key))
    };
    let balance = async |house, key| {
        let balance = soon(at(house, key).get_token_balance(user("ann"))).await;
        balance.map_err(|status| status.code()).map(drop)
    };
    // Both casinos know the name as nobody's.
    for house in &houses {
        assert_eq!(balance(house, None).await, Ok(()));
    }
    assert_eq!(balance(&houses[0], Some(&mine)).await, Ok(()));
    for house in &houses {
        assert_eq!(balance(house, None).await, Err(Code::Unauthenticated));
        assert_eq!(balance(house, Some(&other)).await, Err(Code::PermissionDenied));
        assert_eq!(balance(house, Some(&mine)).await, Ok(()));
    }
    for house in houses {
        house.close().await.0.unwrap();
    }
}

#[tokio::test]
async fn a_race_for_a_name_is_not_an_error() {
    const NAMES: usize = 60;
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("race");
    let servers = [(); 2].map(|()| Process::start_on(&url, &["--tick", "1h", "--seed", "7"]));
    let store: StoreUrl = url.parse().unwrap();
    let mut claimed = 0;
    for number in 0..NAMES {
        let name = format!("p{number}");
        let mut racing = JoinSet::new();
        for (server, key) in servers.iter().zip([1, 2]) {
            let key = PlayerKey::from_bytes([key; 32]);
            let client =
                CasinoClient::with_interceptor(server.channel(), BearerInterceptor::player_key(Some(&key)));
            for _ in 0..4 {
                let (mut client, user) = (client.clone(), user(&name));
                racing.spawn(async move { soon(client.get_token_balance(user)).await.map(drop) });
            }
        }
        // A name that is released in the middle is claimed again, perhaps by the other.
        let store = store.clone();
        let releasing = spawn_blocking(move || casino_server::release(&store, &name));
        for answer in soon(racing.join_all()).await {
            let lost = [Code::PermissionDenied, Code::FailedPrecondition];
            match answer {
                Ok(()) => claimed += 1,
                Err(refused) => assert!(lost.contains(&refused.code()), "{refused}"),
            }
        }
        releasing.await.unwrap().unwrap();
    }
    assert!(claimed >= NAMES, "{claimed}");
    // Each casino gets the notification of the last claim, and then names the same owner.
    for number in 0..NAMES {
        soon(async {
            let owned = async |server: &Process| {
                let key = PlayerKey::from_bytes([1; 32]);
                let mut client = CasinoClient::with_interceptor(
                    server.channel(),
                    BearerInterceptor::player_key(Some(&key)),
                );
                client
                    .get_token_balance(user(&format!("p{number}")))
                    .await
                    .is_ok()
            };
            while owned(&servers[0]).await != owned(&servers[1]).await {}
        })
        .await;
    }
    for server in servers {
        server.terminate();
        let (_, log) = spawn_blocking(|| server.wait()).await.unwrap();
        assert!(!log.contains("ERROR"), "{log}");
    }
    assert_eq!(cluster.errors().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn both_engines_have_the_same_tables_but_for_trades() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("tables");
    let (sqlite, postgres) = (standing(None).await, standing(Some(&url)).await);
    let (_, folder) = sqlite.close().await;
    postgres.close().await.0.unwrap();
    let file = rusqlite::Connection::open(support::ledger_in(&folder)).unwrap();
    let database = connect(&url).await;
    for (table, only_in_sqlite, only_in_postgres) in [
        ("ticks", [].as_slice(), [].as_slice()),
        ("payments", &[], &[]),
        ("candles", &[], &[]),
        ("claims", &[], &[]),
        // Each finds in its own way what a player's newest trades and receipts are; and a casino alone keeps in memory
        // what a player may still ask for.
        (
            "accounts",
            &["sheet"],
            &["receipts", "allowance", "allowance_at_unix_ms"],
        ),
        // A view there, with the sheet that a trade is written on.
        ("trades", &["sheet"], &[]),
        // There by the row of many, which is read whole.
        ("receipts", &["receipts"], &["id", "receipt"]),
    ] {
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let mut of_file = file.prepare(&sql).unwrap();
        let of_file = of_file.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let of_file: Vec<_> = of_file
            .map(Result::unwrap)
            .filter(|column| !only_in_sqlite.contains(&column.as_str()))
            .collect();
        let sql = "SELECT column_name::text FROM information_schema.columns WHERE table_name = $1
                   ORDER BY ordinal_position";
        let of_database = database.query(sql, &[&table]).await.unwrap();
        let of_database = of_database.iter().map(|row| row.get::<_, String>(0));
        let of_database: Vec<_> = of_database
            .filter(|column| !only_in_postgres.contains(&column.as_str()))
            .collect();
        assert_eq!(of_database, of_file, "{table}");
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_said_in_words() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("words");
    standing(Some(&url)).await.close().await.0.unwrap();
    let missing = url.replace("/words", "/missing");
    for (url, args, said) in [
        (
            missing.as_str(),
            ["--seed", "7"],
            "database \"missing\" does not exist",
        ),
        (url.as_str(), ["--seed", "8"], "its market is classic with seed 7"),
        (
            "postgres://casino@127.0.0.1:1/x",
            ["--seed", "7"],
            "it cannot be reached",
        ),
    ] {
        let args = [["--listen", "127.0.0.1:0", "--store", url].as_slice(), &args].concat();
        let (code, _, stderr) = support::process::run(&args);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
    connect(&url)
        .await
        .batch_execute("UPDATE format SET version = 99")
        .await
        .unwrap();
    let (_, _, stderr) = support::process::run(&["--listen", "127.0.0.1:0", "--store", &url]);
    assert!(
        stderr.contains("its tables have version 99, newer than"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_nothing_is_executed_and_play_goes_on_after() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("away");
    let mut house = standing(Some(&url)).await;
    house.client.deposit("ann", 10).await.unwrap();
    let mut seat = house.client.sit("ann", "").await;
    assert_eq!(seat.play(sell("ann", 1)).await, "you have 0 stocks, not 1");
    tokio::task::block_in_place(|| cluster.crash_and_restart());
    house.client.deposit("ann", 10).await.unwrap();
    assert_eq!(house.client.wallet("ann").await.tokens, 100);
    tokio::task::block_in_place(|| cluster.stop());
    let refused = seat.play(buy("ann", 1)).await;
    let words = "not executed: the casino could not write the ledger";
    assert!(refused.starts_with(words), "{refused}");
    let paying = house.client.deposit("ann", 10).await.unwrap_err();
    assert_eq!(paying.code(), Code::Unavailable, "{paying}");
    let reading = soon(house.client.get_wallet(user("ann"))).await.unwrap_err();
    assert_eq!(reading.code(), Code::Unavailable, "{reading}");
    let sitting = house.client.try_sit("ann", "wallet", &MetadataMap::new()).await;
    assert_eq!(sitting.err().unwrap().code(), Code::Unavailable);
    tokio::task::block_in_place(|| cluster.come_back());
    assert_eq!(house.client.deposit("ann", 10).await.unwrap(), 50);
    assert_eq!(house.client.wallet("ann").await.tokens, 150);
    house.close().await.0.unwrap();
}

#[tokio::test]
async fn an_id_is_looked_up_without_reading_those_before_it() {
    const ORDERS: u32 = 600;
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("ids");
    let mut house = standing(Some(&url)).await;
    house.client.deposit("ann", 1).await.unwrap();
    let mut seat = house.client.sit("ann", "").await;
    for number in 0..ORDERS {
        let id = u128::from(number).to_be_bytes().to_vec();
        seat.play(Action { id, ..buy("ann", 1) }).await;
    }
    // A session tells what it has read when it ends, at the latest.
    house.close().await.0.unwrap();
    let database = connect(&url).await;
    let read = "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables WHERE relname = 'receipts'
                AND n_tup_ins = 600";
    let read: i64 = soon(async {
        loop {
            if let Some(row) = database.query_opt(read, &[]).await.unwrap() {
                return row.get(0);
            }
        }
    })
    .await;
    assert!(
        read < 2 * i64::from(ORDERS),
        "{read} receipts read for {ORDERS} ids"
    );
}
