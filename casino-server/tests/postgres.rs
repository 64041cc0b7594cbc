//! A ledger in PostgreSQL: it plays like one in SQLite, and survives an unavailable database.
//!
//! Each test starts its own cluster. Without PostgreSQL's programs the tests print a notice and pass.

mod support;

use awesomestock_proto::auth::{BearerInterceptor, PlayerKey};
use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::{Action, WithdrawRequest};
use casino_server::{Options, StoreUrl};
use support::cluster::{Cluster, connect};
use support::process::CasinoProcess;
use support::{CasinoClientExt, Client, TestCasino, buy, sell, unreachable_payments, user, with_timeout};
use tokio::task::{JoinSet, spawn_blocking};
use tonic::Code;
use tonic::metadata::MetadataMap;

/// Opens a casino over a pipe, with a fixed price of 10, on the ledger at `url` or on a SQLite file.
async fn open_casino(url: Option<&str>) -> TestCasino {
    let folder = tempfile::tempdir().unwrap();
    let set = |options: &mut Options| {
        options.tick = support::FIXED_PRICE_TICK;
        if let Some(url) = url {
            options.store = url.parse().unwrap();
        }
    };
    TestCasino::open(folder, set, unreachable_payments()).await
}

/// Actions that are executed, and some that are rejected.
fn actions() -> Vec<Action> {
    let unknown = buy("carl", 1);
    let unnamed = Action {
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
        unnamed,
    ]
}

/// Plays a game and returns everything that a player receives, as text.
async fn transcript(client: &mut Client) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(format!("{:?}", client.wallet("ann").await));
    for (name, dollars) in [
        ("ann", 100),
        ("ann", 0),
        ("ann", i32::MAX),
        ("bob", 1),
        ("玩家", 1),
    ] {
        let deposited = client.deposit(name, dollars).await;
        lines.push(format!(
            "{:?}",
            deposited.map_err(|status| (status.code(), status.message().to_owned()))
        ));
    }
    let mut session = client.open_session("ann", "").await;
    lines.push(format!("{:?}", session.next_price().await));
    for action in actions() {
        lines.push(session.execute(action).await);
    }
    // Many at once form a batch.
    for count in 1..=20 {
        session.send(buy("ann", count % 4)).await;
    }
    for _ in 1..=20 {
        lines.push(session.next_result().await.msg);
    }
    for tokens in [10, 7, 1_000_000] {
        let request = WithdrawRequest {
            user: Some(user("ann")),
            tokens_cnt: tokens,
            ..WithdrawRequest::default()
        };
        let paid = with_timeout(client.withdraw(request)).await;
        lines.push(format!(
            "{:?}",
            paid.map(|paid| paid.into_inner().amount)
                .map_err(|status| status.message().to_owned())
        ));
    }
    for name in ["ann", "bob", "carl", "玩家"] {
        lines.push(format!("{name} {:?}", client.wallet(name).await));
        let trades = client.trades_of(name).await;
        lines.extend(trades.iter().map(|trade| {
            format!(
                "{:?}",
                awesomestock_proto::casino::Trade {
                    at_unix_ms: 0,
                    ..*trade
                }
            )
        }));
        let payments = client.payments_of(name).await;
        lines.extend(payments.iter().map(|payment| format!("{}", payment.amount)));
    }
    lines.push(format!("{:?}", client.prices().await));
    lines
}

#[tokio::test]
async fn both_engines_play_the_same_game_and_store_it() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("story");
    let (mut sqlite, mut postgres) = (open_casino(None).await, open_casino(Some(&url)).await);
    let expected = transcript(&mut sqlite.client).await;
    assert_eq!(transcript(&mut postgres.client).await, expected);
    assert!(
        expected
            .iter()
            .any(|line| line == "operation executed successfully")
    );
    let wallet = postgres.client.wallet("ann").await;
    postgres.close().await.0.unwrap();
    let mut reopened = open_casino(Some(&url)).await;
    assert_eq!(reopened.client.wallet("ann").await, wallet);
    reopened.close().await.0.unwrap();
    sqlite.close().await.0.unwrap();
}

#[tokio::test]
async fn concurrent_play_of_the_same_players_at_two_casinos_loses_nothing() {
    const EACH: i32 = 40;
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("both");
    let casinos = [open_casino(Some(&url)).await, open_casino(Some(&url)).await];
    let names = ["eve", "dan", "ann", "bob", "carl"];
    let mut playing = JoinSet::new();
    for (casino, backwards) in casinos.iter().zip([false, true]) {
        for turn in 0..names.len() {
            // In opposite orders, which would deadlock without ordered locks.
            let name = names[if backwards { names.len() - 1 - turn } else { turn }];
            let mut client = casino.client.clone();
            playing.spawn(async move {
                let mut session = client.open_session(name, "").await;
                for _ in 0..EACH {
                    client.deposit(name, 4).await.unwrap();
                    assert_eq!(
                        session.execute(buy(name, 1)).await,
                        "operation executed successfully"
                    );
                }
            });
        }
    }
    with_timeout(playing.join_all()).await;
    let mut client = casinos[0].client.clone();
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
    for casino in casinos {
        casino.close().await.0.unwrap();
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
        let Some((url, mut pooler)) = cluster.start_pgbouncer(name, settings) else {
            eprintln!("skipped: pgbouncer is not installed");
            return;
        };
        let started = CasinoProcess::try_start_on(&url, &[]);
        pooler.kill().unwrap();
        pooler.wait().unwrap();
        match started {
            Ok(_) => assert!(!is_rejected, "{name}"),
            Err(stderr) => {
                assert!(is_rejected, "{name}: {stderr}");
                assert!(stderr.contains("pool_mode=session"), "{name}: {stderr}");
            }
        }
    }
}

#[tokio::test]
async fn a_name_claimed_at_one_casino_is_claimed_at_all() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("claims");
    let casinos = [open_casino(Some(&url)).await, open_casino(Some(&url)).await];
    let [mine, other] = [1, 2].map(|byte| PlayerKey::from_bytes([byte; 32]));
    let client_with_key = |casino: &TestCasino, key| {
        CasinoClient::with_interceptor(casino.channel.clone(), BearerInterceptor::player_key(key))
    };
    let balance = async |casino, key| {
        let balance = with_timeout(client_with_key(casino, key).get_token_balance(user("ann"))).await;
        balance.map_err(|status| status.code()).map(drop)
    };
    // Both casinos cache the name as unclaimed.
    for casino in &casinos {
        assert_eq!(balance(casino, None).await, Ok(()));
    }
    assert_eq!(balance(&casinos[0], Some(&mine)).await, Ok(()));
    for casino in &casinos {
        assert_eq!(balance(casino, None).await, Err(Code::Unauthenticated));
        assert_eq!(balance(casino, Some(&other)).await, Err(Code::PermissionDenied));
        assert_eq!(balance(casino, Some(&mine)).await, Ok(()));
    }
    for casino in casinos {
        casino.close().await.0.unwrap();
    }
}

#[tokio::test]
async fn a_race_for_a_name_is_not_an_error() {
    const NAMES: usize = 60;
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("race");
    let servers = [(); 2].map(|()| CasinoProcess::start_on(&url, &["--tick", "1h", "--seed", "7"]));
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
                racing.spawn(async move { with_timeout(client.get_token_balance(user)).await.map(drop) });
            }
        }
        // A name that is released meanwhile is claimed again, perhaps with the other key.
        let store = store.clone();
        let releasing = spawn_blocking(move || casino_server::release(&store, &name));
        for answer in with_timeout(racing.join_all()).await {
            let lost = [Code::PermissionDenied, Code::FailedPrecondition];
            match answer {
                Ok(()) => claimed += 1,
                Err(rejected) => assert!(lost.contains(&rejected.code()), "{rejected}"),
            }
        }
        releasing.await.unwrap().unwrap();
    }
    assert!(claimed >= NAMES, "{claimed}");
    // Each casino gets the notification of the last claim, and then names the same owner.
    for number in 0..NAMES {
        with_timeout(async {
            let owned = async |server: &CasinoProcess| {
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
async fn both_engines_have_the_same_columns_except_for_trades() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("tables");
    let (sqlite, postgres) = (open_casino(None).await, open_casino(Some(&url)).await);
    let (_, folder) = sqlite.close().await;
    postgres.close().await.0.unwrap();
    let file = rusqlite::Connection::open(support::ledger_path(&folder)).unwrap();
    let database = connect(&url).await;
    for (table, only_in_sqlite, only_in_postgres) in [
        ("ticks", [].as_slice(), [].as_slice()),
        ("payments", &[], &[]),
        ("candles", &[], &[]),
        ("claims", &[], &[]),
        // Each engine finds a player's newest trades and receipts in its own way, and a single casino keeps its rate
        // limits in memory.
        (
            "accounts",
            &["sheet"],
            &["receipts", "allowance", "allowance_at_unix_ms"],
        ),
        // SQLite has a view with the sheet that stores the trade.
        ("trades", &["sheet"], &[]),
        // SQLite stores many receipts in a row, which is read as a whole.
        ("receipts", &["receipts"], &["id", "receipt"]),
    ] {
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let mut sqlite_columns = file.prepare(&sql).unwrap();
        let sqlite_columns = sqlite_columns
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap();
        let sqlite_columns: Vec<_> = sqlite_columns
            .map(Result::unwrap)
            .filter(|column| !only_in_sqlite.contains(&column.as_str()))
            .collect();
        let sql = "SELECT column_name::text FROM information_schema.columns WHERE table_name = $1
                   ORDER BY ordinal_position";
        let postgres_columns = database.query(sql, &[&table]).await.unwrap();
        let postgres_columns = postgres_columns.iter().map(|row| row.get::<_, String>(0));
        let postgres_columns: Vec<_> = postgres_columns
            .filter(|column| !only_in_postgres.contains(&column.as_str()))
            .collect();
        assert_eq!(postgres_columns, sqlite_columns, "{table}");
    }
}

#[tokio::test]
async fn errors_on_opening_are_reported() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("words");
    open_casino(Some(&url)).await.close().await.0.unwrap();
    let missing = url.replace("/words", "/missing");
    for (url, args, message) in [
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
        assert!(stderr.contains(message), "{stderr}");
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
async fn nothing_is_executed_while_the_database_is_down_and_play_resumes_after() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("away");
    let mut casino = open_casino(Some(&url)).await;
    casino.client.deposit("ann", 10).await.unwrap();
    let mut session = casino.client.open_session("ann", "").await;
    assert_eq!(session.execute(sell("ann", 1)).await, "you have 0 stocks, not 1");
    let with_id = Action {
        id: vec![1; 16],
        ..buy("ann", 1)
    };
    let first = session.execute(with_id.clone()).await;
    session.execute(sell("ann", 1)).await;
    tokio::task::block_in_place(|| cluster.crash_and_restart());
    casino.client.deposit("ann", 10).await.unwrap();
    assert_eq!(casino.client.wallet("ann").await.tokens, 100);
    tokio::task::block_in_place(|| cluster.stop());
    let rejected = session.execute(buy("ann", 1)).await;
    let message = "not executed: the casino could not write the ledger";
    assert!(rejected.starts_with(message), "{rejected}");
    // This one was executed: the repetition must not be reported as not executed.
    session.send(with_id.clone()).await;
    let unknown = session.try_next_result().await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unavailable, "{unknown}");
    let paying = casino.client.deposit("ann", 10).await.unwrap_err();
    assert_eq!(paying.code(), Code::Unavailable, "{paying}");
    let reading = with_timeout(casino.client.get_wallet(user("ann")))
        .await
        .unwrap_err();
    assert_eq!(reading.code(), Code::Unavailable, "{reading}");
    let sitting = casino
        .client
        .try_open_session("ann", "wallet", &MetadataMap::new())
        .await;
    assert_eq!(sitting.err().unwrap().code(), Code::Unavailable);
    tokio::task::block_in_place(|| cluster.restart());
    assert_eq!(casino.client.deposit("ann", 10).await.unwrap(), 50);
    assert_eq!(casino.client.wallet("ann").await.tokens, 150);
    let mut session = casino.client.open_session("ann", "").await;
    assert_eq!(session.execute(with_id).await, first);
    casino.close().await.0.unwrap();
}

/// The statements after the one that fails fail too, but for another reason.
#[tokio::test]
async fn a_batch_is_retried_after_a_conflict() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("conflict");
    let mut casino = open_casino(Some(&url)).await;
    casino.client.deposit("ann", 10).await.unwrap();
    let fails_once = "
        CREATE SEQUENCE updates;
        CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('updates') = 1 THEN
                RAISE EXCEPTION 'conflict' USING ERRCODE = 'serialization_failure';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER fail_once BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION fail_once();";
    connect(&url).await.batch_execute(fails_once).await.unwrap();
    let mut session = casino.client.open_session("ann", "").await;
    assert_eq!(
        session.execute(buy("ann", 1)).await,
        "operation executed successfully"
    );
    assert_eq!(casino.client.wallet("ann").await.stocks, 1);
    casino.close().await.0.unwrap();
}

#[tokio::test]
async fn an_id_is_found_without_reading_older_ones() {
    const ORDERS: u32 = 600;
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("ids");
    let mut casino = open_casino(Some(&url)).await;
    casino.client.deposit("ann", 1).await.unwrap();
    let mut session = casino.client.open_session("ann", "").await;
    for number in 0..ORDERS {
        let id = u128::from(number).to_be_bytes().to_vec();
        session.execute(Action { id, ..buy("ann", 1) }).await;
    }
    // A database session reports its statistics at the latest when it ends.
    casino.close().await.0.unwrap();
    let database = connect(&url).await;
    let read = "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables WHERE relname = 'receipts'
                AND n_tup_ins = 600";
    let read: i64 = with_timeout(async {
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
