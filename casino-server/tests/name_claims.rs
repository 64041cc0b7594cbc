//! Names claimed by keys: on every call, on every action of a stream, and after restarts.

mod support;

use std::fs;
use std::time::Duration;

use awesomestock_proto::EXECUTED_MESSAGE;
use awesomestock_proto::auth::{BearerInterceptor, PlayerKey};
use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::{TradesRequest, WithdrawRequest};
use awesomestock_proto::types::Payment;
use support::cluster::Cluster;
use support::process::{self, CasinoProcess};
use support::{ALL_FEEDS, CasinoClientExt, Client, TestCasino, buy, ledger_path, user, with_timeout};
use tokio::task::spawn_blocking;
use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

type KeyedClient = CasinoClient<InterceptedService<Channel, BearerInterceptor>>;

fn key(byte: u8) -> PlayerKey {
    PlayerKey::from_bytes([byte; 32])
}

fn client_with_key(channel: &Channel, key: Option<&PlayerKey>) -> KeyedClient {
    CasinoClient::with_interceptor(channel.clone(), BearerInterceptor::player_key(key))
}

fn payment(name: &str) -> Payment {
    Payment {
        user: Some(user(name)),
        amount: 10,
        ..Payment::default()
    }
}

/// Calls every method for `name` and returns the status codes.
async fn call_all(casino: &mut KeyedClient, name: &str) -> Vec<(&'static str, Code)> {
    fn code<T>(answer: Result<T, Status>) -> Code {
        answer.map_or_else(|status| status.code(), |_| Code::Ok)
    }
    let withdrawal = WithdrawRequest {
        user: Some(user(name)),
        tokens_cnt: 5,
        ..WithdrawRequest::default()
    };
    let trades = TradesRequest {
        user: Some(user(name)),
        ..TradesRequest::default()
    };
    vec![
        ("BuyTokens", code(casino.buy_tokens(payment(name)).await)),
        ("Withdraw", code(casino.withdraw(withdrawal).await)),
        (
            "GetTokenBalance",
            code(casino.get_token_balance(user(name)).await),
        ),
        ("GetPayments", code(casino.get_payments(user(name)).await)),
        (
            "GetPaymentStatement",
            code(casino.get_payment_statement(user(name)).await),
        ),
        ("GetWallet", code(casino.get_wallet(user(name)).await)),
        ("GetTrades", code(casino.get_trades(trades).await)),
    ]
}

/// Asserts the code of every call. An authorized statement is unavailable because there is no payments server.
fn assert_codes(answers: &[(&str, Code)], expected: Code) {
    for (call, code) in answers {
        let expected = match (*call, expected) {
            ("GetPaymentStatement", Code::Ok) => Code::Unavailable,
            (_, expected) => expected,
        };
        assert_eq!(*code, expected, "{call}");
    }
}

#[tokio::test]
async fn every_call_for_a_claimed_name_needs_its_key() {
    let mut casino = TestCasino::with_fixed_price().await;
    assert_eq!(
        casino.client.deposit("ann", 100).await.unwrap(),
        500,
        "not claimed yet"
    );
    let (mine, other) = (key(1), key(2));
    let mut ann = client_with_key(&casino.channel, Some(&mine));
    assert_codes(&call_all(&mut ann, "ann").await, Code::Ok);
    let wallet = ann.get_wallet(user("ann")).await.unwrap().into_inner();
    assert_eq!(wallet.tokens, 545, "the claimant gets the existing account");
    let mut anonymous = client_with_key(&casino.channel, None);
    assert_codes(&call_all(&mut anonymous, "ann").await, Code::Unauthenticated);
    let mut thief = client_with_key(&casino.channel, Some(&other));
    assert_codes(&call_all(&mut thief, "ann").await, Code::PermissionDenied);
    let wallet = ann.get_wallet(user("ann")).await.unwrap().into_inner();
    assert_eq!(wallet.tokens, 545, "rejected calls change nothing");
    assert_codes(&call_all(&mut anonymous, "bob").await, Code::Ok);
}

/// Metadata with the key.
fn key_metadata(key: &PlayerKey) -> MetadataMap {
    let request = BearerInterceptor::player_key(Some(key))
        .call(Request::new(()))
        .unwrap();
    request.metadata().clone()
}

const LOBBY: &str = "ticks,wallet,players,leaderboard";

/// Fills the session limit of an unclaimed name, half at each casino, and then claims the name: the sessions without
/// the key must be closed.
async fn assert_claim_closes_other_sessions(here: &mut Client, there: &mut Client, max: usize) {
    let mut strangers = Vec::new();
    for number in 0..max {
        let casino = if number % 2 == 0 { &mut *here } else { &mut *there };
        let mut session = casino.open_session("ann", LOBBY).await;
        session.next_price().await;
        strangers.push(session);
    }
    let mine = key_metadata(&key(1));
    let mut owner = here
        .try_open_session("ann", LOBBY, &mine)
        .await
        .expect("the owner's session");
    owner.next_price().await;
    for mut stranger in strangers {
        let ended = loop {
            match stranger.next().await {
                Ok(Some(_)) => {}
                ended => break ended,
            }
        };
        assert_eq!(ended.unwrap_err().code(), Code::Unauthenticated);
    }
    // After the owner has left, no session is open under the name.
    let mut observer = there.open_session("bob", LOBBY).await;
    drop(owner);
    with_timeout(async {
        loop {
            let players = observer
                .next()
                .await
                .unwrap()
                .expect("the stream goes on")
                .players;
            if players.is_some_and(|players| players.seated == 1 && players.online[0].name == "bob") {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn claiming_a_name_closes_its_sessions_without_the_key() {
    const MAX: usize = 5;
    let casino = TestCasino::with_options(|options| {
        options.limits.sessions_per_player = MAX;
        options.tick = Duration::from_millis(50);
    })
    .await;
    let mut client = casino.client.clone();
    assert_claim_closes_other_sessions(&mut casino.client.clone(), &mut client, MAX).await;
}

#[tokio::test]
async fn claiming_a_name_closes_its_sessions_at_all_casinos() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("strangers");
    let args = ["--tick", "50ms", "--max-seats", "4"];
    let [a, b] = [(); 2].map(|()| CasinoProcess::start_on(&url, &args));
    assert_claim_closes_other_sessions(&mut a.client(), &mut b.client(), 4).await;
}

#[tokio::test]
async fn an_invalid_key_is_rejected_and_not_echoed() {
    let mut casino = TestCasino::with_fixed_price().await;
    for value in ["Bearer s3cret", "Basic s3cret", "s3cret"] {
        let mut request = Request::new(user("ann"));
        let parsed = value.parse().unwrap();
        request.metadata_mut().insert("authorization", parsed);
        let status = casino.client.get_wallet(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{value}");
        assert!(!format!("{status:?}").contains("s3cret"), "{status:?}");
    }
}

#[tokio::test]
async fn with_required_keys_nothing_is_allowed_without_one() {
    let casino = TestCasino::with_options(|options| options.require_key = true).await;
    let mut anonymous = client_with_key(&casino.channel, None);
    assert_codes(&call_all(&mut anonymous, "ann").await, Code::Unauthenticated);
    let mut ann = client_with_key(&casino.channel, Some(&key(1)));
    assert_codes(&call_all(&mut ann, "ann").await, Code::Ok);
    let mut session = casino.client.clone().open_session("bob", "").await;
    assert_eq!(session.next_price().await.price, 10, "prices need no key");
    let message = session.execute(buy("bob", 1)).await;
    assert!(message.contains("requires a key for every name"), "{message}");
}

#[tokio::test]
async fn every_action_needs_the_key_of_its_name() {
    let mut casino = TestCasino::with_fixed_price().await;
    for name in ["ann", "bob", "cat"] {
        casino.client.deposit(name, 100).await.unwrap();
    }
    // A session without a key, opened before any name is claimed.
    let mut early = casino.client.clone().open_session("ann", "").await;
    assert_eq!(early.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);

    let mut ann = client_with_key(&casino.channel, Some(&key(1)));
    let mut bob = client_with_key(&casino.channel, Some(&key(2)));
    ann.get_wallet(user("ann")).await.unwrap();
    bob.get_wallet(user("bob")).await.unwrap();

    let message = early.execute(buy("ann", 1)).await;
    assert!(
        message.contains("this name is claimed; send its key"),
        "{message}"
    );
    assert_eq!(
        early.execute(buy("cat", 1)).await,
        EXECUTED_MESSAGE,
        "the stream goes on"
    );

    let mut request = Request::new(());
    request = BearerInterceptor::player_key(Some(&key(1)))
        .call(request)
        .unwrap();
    let mut session = casino
        .client
        .clone()
        .try_open_session("ann", ALL_FEEDS, request.metadata())
        .await
        .unwrap();
    assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    let message = session.execute(buy("bob", 1)).await;
    assert!(message.contains("belongs to another key"), "{message}");
    assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    assert_eq!(bob.get_wallet(user("bob")).await.unwrap().into_inner().stocks, 0);
    assert_eq!(ann.get_wallet(user("ann")).await.unwrap().into_inner().stocks, 3);

    for (name, key, expected) in [
        ("ann", None, Code::Unauthenticated),
        ("bob", Some(key(1)), Code::PermissionDenied),
    ] {
        let request = BearerInterceptor::player_key(key.as_ref())
            .call(Request::new(()))
            .unwrap();
        let mut client = casino.client.clone();
        let rejected = client.try_open_session(name, ALL_FEEDS, request.metadata()).await;
        assert_eq!(rejected.err().unwrap().code(), expected, "{name}");
    }
}

#[tokio::test]
async fn a_burst_of_actions_is_answered_in_order() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 1_000).await.unwrap();
    let mut bob = client_with_key(&casino.channel, Some(&key(2)));
    bob.get_wallet(user("bob")).await.unwrap();
    let mut session = casino.client.clone().open_session("", "").await;
    let mut expected = Vec::new();
    for round in 0..100 {
        let name = ["ann", "bob", "new", "ann"][round % 4];
        session.send(buy(name, 1)).await;
        expected.push(match name {
            "ann" => EXECUTED_MESSAGE,
            "bob" => "user: this name is claimed; send its key (metadata authorization: Bearer KEY)",
            _ => "buying 1 stock at 10 tokens costs 10 tokens",
        });
    }
    for (index, expected) in expected.iter().enumerate() {
        let message = session.next_result().await.msg;
        assert!(message.starts_with(expected), "{index}: {message}");
    }
}

#[tokio::test]
async fn a_claim_survives_kill_9_until_an_administrator_releases_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = ledger_path(&folder);
    let url = format!("sqlite:{}", store.display());
    let release = |name: &str| process::run(&["release", name, "--store", &url]);
    let server = CasinoProcess::start(&store, &[]);
    let mut ann = client_with_key(&server.channel(), Some(&key(1)));
    with_timeout(ann.buy_tokens(payment("ann"))).await.unwrap();
    let (code, _, stderr) = release("ann");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("is in use by another casino"), "{stderr}");
    server.kill();

    let files = fs::read_dir(folder.path()).unwrap();
    for file in files {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!holds(key(1).as_bytes()) && !holds(key(1).expose().as_bytes()));
    }

    let server = CasinoProcess::start(&store, &[]);
    let mut thief = client_with_key(&server.channel(), Some(&key(2)));
    let rejected = with_timeout(thief.get_wallet(user("ann"))).await.unwrap_err();
    assert_eq!(rejected.code(), Code::PermissionDenied);
    server.terminate();
    // In another thread, so that the client can close its connection meanwhile.
    let (_, log) = spawn_blocking(|| server.wait()).await.unwrap();
    assert!(!log.contains(&key(1).expose()) && !log.contains(&key(2).expose()));

    for (name, code, expected_stdout, expected_stderr) in [
        (
            "ann",
            Some(0),
            "ann is released: the next key used with it claims it\n",
            "",
        ),
        ("ann", Some(1), "", "casino-server: ann is not claimed\n"),
        ("a b", Some(2), "", "character 2 is U+0020"),
        ("~Momo", Some(2), "", "character 1 is U+007E"),
    ] {
        let (ended, stdout, stderr) = release(name);
        assert_eq!((ended, stdout.as_str()), (code, expected_stdout), "{stderr}");
        assert!(stderr.contains(expected_stderr), "{stderr}");
    }
    let missing = format!("sqlite:{}", folder.path().join("none.db").display());
    let (ended, _, stderr) = process::run(&["release", "ann", "--store", &missing]);
    assert!(
        ended == Some(1) && stderr.contains("there is no ledger"),
        "{stderr}"
    );
    assert!(!folder.path().join("none.db").exists());

    let server = CasinoProcess::start(&store, &[]);
    let mut heir = client_with_key(&server.channel(), Some(&key(2)));
    assert_eq!(
        with_timeout(heir.get_wallet(user("ann")))
            .await
            .unwrap()
            .into_inner()
            .tokens,
        50
    );
}

#[tokio::test]
async fn names_are_visible_and_normalized() {
    let mut casino = TestCasino::with_fixed_price().await;
    for invisible in ["\u{3164}", "\u{ffa0}", "a\u{115f}", "\u{1160}b"] {
        let status = casino.client.deposit(invisible, 1).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{invisible:?}");
        assert!(status.message().contains("U+"), "{status:?}");
    }
    for (name, same) in [("\u{e9}ric", "e\u{301}ric"), ("\u{ac00}", "\u{1100}\u{1161}")] {
        casino.client.deposit(name, 2).await.unwrap();
        assert_eq!(casino.client.wallet(same).await.tokens, 10, "{same:?}");
        casino.client.deposit(same, 1).await.unwrap();
        assert_eq!(casino.client.wallet(name).await.tokens, 15, "{name:?}");
    }
}

/// Names that an earlier version accepted stay usable as they are stored, and can be claimed and released.
#[tokio::test]
async fn names_in_an_existing_ledger_stay_usable() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger_path(&folder);
    let server = CasinoProcess::start(&ledger, &["--tick", "1h"]);
    for name in ["ann", "bob"] {
        server.client().deposit(name, 10).await.unwrap();
    }
    spawn_blocking(move || {
        server.terminate();
        server.wait()
    })
    .await
    .unwrap();
    let old = ["\u{3164}", "\u{212b}sa"];
    let sqlite = rusqlite::Connection::open(&ledger).unwrap();
    for (new, old) in ["ann", "bob"].iter().zip(old) {
        sqlite
            .execute("UPDATE accounts SET name = ? WHERE name = ?", [old, new])
            .unwrap();
    }
    drop(sqlite);
    let server = CasinoProcess::start(&ledger, &["--tick", "1h"]);
    let mut client = server.client();
    for name in old {
        assert_eq!(client.wallet(name).await.tokens, 50, "{name:?}");
        client.deposit(name, 1).await.unwrap();
        assert_eq!(client.wallet(name).await.tokens, 55, "{name:?}");
    }
    assert_eq!(client.wallet("\u{c5}sa").await.tokens, 0, "another name");
}
