//! Administration of a ledger in PostgreSQL while casinos use it: `check` and `release`.

mod support;

use awesomestock_proto::auth::{BearerInterceptor, PlayerKey};
use awesomestock_proto::casino::ActionOutcome;
use awesomestock_proto::casino::casino_client::CasinoClient;
use support::cluster::{Cluster, connect};
use support::process::{CasinoProcess, run};
use support::{CasinoClientExt, TestCasino, buy, sell, tampering, unreachable_payments, user, with_timeout};
use tonic::Code;

async fn open_casino(url: &str) -> TestCasino {
    let folder = tempfile::tempdir().unwrap();
    let set = |options: &mut casino_server::Options| {
        options.tick = support::FIXED_PRICE_TICK;
        options.store = url.parse().unwrap();
    };
    TestCasino::open(folder, set, unreachable_payments()).await
}

/// Runs `command` on the ledger at `url` in another thread. Returns exit code, stdout and stderr.
async fn run_admin(command: &[&str], url: &str) -> (Option<i32>, String, String) {
    let args = [command, &["--store", url]].concat();
    let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
    let running = tokio::task::spawn_blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        run(&args)
    });
    with_timeout(running).await.unwrap()
}

/// The database repeats a parameter that it rejects.
#[tokio::test]
async fn rejected_options_are_not_shown() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("options");
    let separator = if url.contains('?') { '&' } else { '?' };
    for options in [
        "-cwork_mem%3DSEKRET",
        "SEKRET",
        "-c%20SEKRET%3D1",
        "-cjit%3DSEKRET",
    ] {
        let url = format!("{url}{separator}options={options}");
        let (code, out, error) = run_admin(&["check"], &url).await;
        assert_eq!((code, out.as_str()), (Some(1), ""), "{options}");
        assert!(
            error.contains("it rejects the parameter `options` of the URL"),
            "{error}"
        );
        assert!(!error.contains("SEKRET"), "{error}");
    }
}

/// Changes in addition to [those of any engine](tampering::TAMPERING), and the difference that `check` must report.
const TAMPERING: [(&str, &str); 10] = [
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
async fn check_detects_tampering() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("whole");
    let mut casino = open_casino(&url).await;
    tampering::play_sample(&mut casino.client).await;
    let mut session = casino.client.open_session("ann", "").await;
    for id in 1..=2 {
        let action = awesomestock_proto::casino::Action {
            id: vec![id; 16],
            ..sell("ann", 100)
        };
        session.execute(action).await;
    }
    drop(session);
    casino.close().await.0.unwrap();
    let (code, stdout, stderr) = run_admin(&["check"], &url).await;
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(
        stdout.starts_with("2 players, 2 payments, 12 trades, 1 tick; 2,000,000 dollars in, "),
        "{stdout}"
    );
    for (number, (change, expected)) in tampering::TAMPERING.into_iter().chain(TAMPERING).enumerate() {
        let name = format!("changed{number}");
        let copy = cluster.copy("whole", &name);
        connect(&copy).await.batch_execute(change).await.unwrap();
        let (code, stdout, stderr) = run_admin(&["check"], &copy).await;
        assert_eq!(code, Some(1), "{change}: {stdout}{stderr}");
        assert!(
            stdout.contains(expected),
            "{change}: {expected}: {stdout}{stderr}"
        );
        assert!(stderr.contains(" in changed"), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_passes_at_any_moment_of_play() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("play");
    let args = ["--tick", "20ms"];
    let servers = [
        CasinoProcess::start_on(&url, &args),
        CasinoProcess::start_on(&url, &args),
    ];
    let mut sessions = Vec::new();
    for number in 0..8 {
        let mut client = servers[number % 2].client();
        let name = format!("p{}", number / 2);
        client.deposit(&name, 1_000_000).await.unwrap();
        sessions.push((name.clone(), client.open_session(&name, "").await));
    }
    let playing = tokio::spawn(async move {
        loop {
            for (name, session) in &mut sessions {
                for _ in 0..20 {
                    session.send(buy(name, 2)).await;
                    session.send(sell(name, 1)).await;
                }
                for _ in 0..40 {
                    session.next_result().await;
                }
            }
        }
    });
    let mut before = 0;
    for _ in 0..3 {
        let (code, stdout, stderr) = run_admin(&["check"], &url).await;
        assert_eq!(code, Some(0), "{stdout}{stderr}");
        let trades = stdout.split_once(" payments, ").unwrap().1;
        let trades = trades.split_once(" trades").unwrap().0.replace(',', "");
        let trades: u64 = trades.parse().unwrap();
        assert!(trades >= before, "{stdout}");
        before = trades;
    }
    assert!(!playing.is_finished(), "the players stopped early");
    playing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_released_at_all_running_casinos() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("names");
    let casinos = [open_casino(&url).await, open_casino(&url).await];
    let [old, new] = [1, 2].map(|byte| PlayerKey::from_bytes([byte; 32]));
    let balance = async |casino: &TestCasino, key| {
        let mut client =
            CasinoClient::with_interceptor(casino.channel.clone(), BearerInterceptor::player_key(Some(key)));
        let balance = with_timeout(client.get_token_balance(user("ann"))).await;
        balance
            .map(|balance| balance.into_inner().count)
            .map_err(|status| status.code())
    };
    casinos[0].client.clone().deposit("ann", 10).await.unwrap();
    for casino in &casinos {
        assert_eq!(balance(casino, &old).await, Ok(50));
        assert_eq!(balance(casino, &new).await, Err(Code::PermissionDenied));
    }
    let released = "ann is released: the next key used with it claims it\n";
    assert_eq!(
        run_admin(&["release", "ann"], &url).await,
        (Some(0), released.to_owned(), String::new())
    );
    // The casinos receive the change asynchronously.
    for casino in &casinos {
        with_timeout(async {
            while balance(casino, &new).await != Ok(50) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    for casino in &casinos {
        assert_eq!(balance(casino, &old).await, Err(Code::PermissionDenied));
    }
    let (code, _, stderr) = run_admin(&["release", "bob"], &url).await;
    assert_eq!(
        (code, stderr.as_str()),
        (Some(1), "casino-server: bob is not claimed\n")
    );
    for casino in casinos {
        casino.close().await.0.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_a_key_is_closed_when_its_name_is_claimed_at_another_casino() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("elsewhere");
    let (mut here, there) = (open_casino(&url).await, open_casino(&url).await);
    here.client.deposit("ann", 1_000).await.unwrap();
    let mut session = here.client.open_session("ann", support::ALL_FEEDS).await;
    session.send(buy("ann", 1)).await;
    assert_eq!(
        session.next_result().await.outcome(),
        ActionOutcome::OutcomeExecuted
    );
    let key = PlayerKey::from_bytes([1; 32]);
    let mut client =
        CasinoClient::with_interceptor(there.channel.clone(), BearerInterceptor::player_key(Some(&key)));
    with_timeout(client.get_token_balance(user("ann"))).await.unwrap();
    with_timeout(async {
        loop {
            session.try_send(sell("ann", 1)).await;
            if let Err(status) = session.try_next_result().await {
                assert_eq!(status.code(), Code::Unauthenticated, "{status}");
                return;
            }
        }
    })
    .await;
    for casino in [here, there] {
        casino.close().await.0.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_reported_and_nothing_is_created() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("empty");
    let missing = url.replace("/empty", "/missing");
    for (command, url, message) in [
        (["check"].as_slice(), &url, "there is no ledger in it"),
        (&["release", "ann"], &url, "there is no ledger in it"),
        (&["check"], &missing, "database \"missing\" does not exist"),
        (
            &["backup", "copy.db"],
            &url,
            "a ledger in PostgreSQL is copied by its own tools: pg_dump",
        ),
    ] {
        let (code, stdout, stderr) = run_admin(command, url).await;
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{command:?}");
        assert!(stderr.contains(message), "{stderr}");
    }
    let tables = "SELECT count(*) FROM pg_namespace WHERE nspname = 'awesomestock'";
    let count: i64 = connect(&url).await.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(count, 0, "nothing is created");
}
