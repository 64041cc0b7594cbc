//! Names claimed by keys: on every call, on every action of a stream, and across restarts.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, time::Duration};

use awesomestock_proto::{
    EXECUTED_MESSAGE,
    auth::{BearerInterceptor, PlayerKey},
    casino::{TradesRequest, WithdrawRequest, casino_client::CasinoClient},
    types::Payment,
};
use support::{
    ALL_FEEDS, Asks, Client, House, buy,
    cluster::Cluster,
    ledger_in,
    process::{self, Process},
    soon, user,
};
use tokio::task::spawn_blocking;
use tonic::{
    Code, Request, Status,
    metadata::MetadataMap,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

type Keyed = CasinoClient<InterceptedService<Channel, BearerInterceptor>>;

fn key(byte: u8) -> PlayerKey {
    PlayerKey::from_bytes([byte; 32])
}

fn keyed(channel: &Channel, key: Option<&PlayerKey>) -> Keyed {
    CasinoClient::with_interceptor(channel.clone(), BearerInterceptor::player_key(key))
}

fn payment(name: &str) -> Payment {
    Payment {
        user: Some(user(name)),
        amount: 10,
        ..Payment::default()
    }
}

/// What each call about `name` is answered.
async fn every_call(casino: &mut Keyed, name: &str) -> Vec<(&'static str, Code)> {
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

/// Every call is answered so; the statement, where it is let in, finds no payments server.
fn assert_all(answers: &[(&str, Code)], expected: Code) {
    for (call, code) in answers {
        let expected = match (*call, expected) {
            ("GetPaymentStatement", Code::Ok) => Code::Unavailable,
            (_, expected) => expected,
        };
        assert_eq!(*code, expected, "{call}");
    }
}

#[tokio::test]
async fn a_claimed_name_is_opened_by_its_key_alone_on_every_call() {
    let mut house = House::standing().await;
    assert_eq!(
        house.client.deposit("ann", 100).await.unwrap(),
        500,
        "nobody's yet"
    );
    let (mine, other) = (key(1), key(2));
    let mut ann = keyed(&house.channel, Some(&mine));
    assert_all(&every_call(&mut ann, "ann").await, Code::Ok);
    let wallet = ann.get_wallet(user("ann")).await.unwrap().into_inner();
    assert_eq!(wallet.tokens, 545, "who claims a name gets what it owns");
    let mut nobody = keyed(&house.channel, None);
    assert_all(&every_call(&mut nobody, "ann").await, Code::Unauthenticated);
    let mut thief = keyed(&house.channel, Some(&other));
    assert_all(&every_call(&mut thief, "ann").await, Code::PermissionDenied);
    let wallet = ann.get_wallet(user("ann")).await.unwrap().into_inner();
    assert_eq!(wallet.tokens, 545, "nothing of it happened");
    assert_all(&every_call(&mut nobody, "bob").await, Code::Ok);
}

/// Metadata that shows the key.
fn shows(key: &PlayerKey) -> MetadataMap {
    let request = BearerInterceptor::player_key(Some(key))
        .call(Request::new(()))
        .unwrap();
    request.metadata().clone()
}

const LOBBY: &str = "ticks,wallet,players,leaderboard";

/// Strangers open all sessions of a name that nobody has claimed, half of them at each casino; then its owner claims it.
async fn strangers_make_way(here: &mut Client, there: &mut Client, max: usize) {
    let mut strangers = Vec::new();
    for number in 0..max {
        let casino = if number % 2 == 0 { &mut *here } else { &mut *there };
        let mut session = casino.sit("ann", LOBBY).await;
        session.price().await;
        strangers.push(session);
    }
    let mine = shows(&key(1));
    let mut owner = here
        .try_sit("ann", LOBBY, &mine)
        .await
        .expect("the owner's session");
    owner.price().await;
    for mut stranger in strangers {
        let ended = loop {
            match stranger.next().await {
                Ok(Some(_)) => {}
                ended => break ended,
            }
        };
        assert_eq!(ended.unwrap_err().code(), Code::Unauthenticated);
    }
    // When the owner leaves, nobody is there under the name.
    let mut observer = there.sit("bob", LOBBY).await;
    drop(owner);
    soon(async {
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
async fn who_claims_a_name_gets_the_sessions_that_strangers_held_under_it() {
    const MAX: usize = 5;
    let house = House::with(|options| {
        options.limits.sessions_per_player = MAX;
        options.tick = Duration::from_millis(50);
    })
    .await;
    let mut client = house.client.clone();
    strangers_make_way(&mut house.client.clone(), &mut client, MAX).await;
}

#[tokio::test]
async fn who_claims_a_name_gets_its_sessions_at_all_casinos() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("strangers");
    let args = ["--tick", "50ms", "--max-seats", "4"];
    let [a, b] = [(); 2].map(|()| Process::start_on(&url, &args));
    strangers_make_way(&mut a.client(), &mut b.client(), 4).await;
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_not_repeated() {
    let mut house = House::standing().await;
    for shown in ["Bearer s3cret", "Basic s3cret", "s3cret"] {
        let mut request = Request::new(user("ann"));
        let value = shown.parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        let status = house.client.get_wallet(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{shown}");
        assert!(!format!("{status:?}").contains("s3cret"), "{status:?}");
    }
}

#[tokio::test]
async fn where_keys_are_required_nobody_acts_without() {
    let house = House::with(|options| options.require_key = true).await;
    let mut nobody = keyed(&house.channel, None);
    assert_all(&every_call(&mut nobody, "ann").await, Code::Unauthenticated);
    let mut ann = keyed(&house.channel, Some(&key(1)));
    assert_all(&every_call(&mut ann, "ann").await, Code::Ok);
    let mut seat = house.client.clone().sit("bob", "").await;
    assert_eq!(seat.price().await.price, 10, "the price is everybody's");
    let words = seat.play(buy("bob", 1)).await;
    assert!(words.contains("wants a key for every name"), "{words}");
}

#[tokio::test]
async fn every_action_of_a_stream_is_for_a_name_that_its_key_opens() {
    let mut house = House::standing().await;
    for name in ["ann", "bob", "cat"] {
        house.client.deposit(name, 100).await.unwrap();
    }
    // A seat without a key, sat down before anybody claims anything.
    let mut early = house.client.clone().sit("ann", "").await;
    assert_eq!(early.play(buy("ann", 1)).await, EXECUTED_MESSAGE);

    let mut ann = keyed(&house.channel, Some(&key(1)));
    let mut bob = keyed(&house.channel, Some(&key(2)));
    ann.get_wallet(user("ann")).await.unwrap();
    bob.get_wallet(user("bob")).await.unwrap();

    let words = early.play(buy("ann", 1)).await;
    assert!(
        words.contains("this name is claimed: its key is needed"),
        "{words}"
    );
    assert_eq!(
        early.play(buy("cat", 1)).await,
        EXECUTED_MESSAGE,
        "the stream goes on"
    );

    let mut request = Request::new(());
    request = BearerInterceptor::player_key(Some(&key(1)))
        .call(request)
        .unwrap();
    let mut seat = house
        .client
        .clone()
        .try_sit("ann", ALL_FEEDS, request.metadata())
        .await
        .unwrap();
    assert_eq!(seat.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
    let words = seat.play(buy("bob", 1)).await;
    assert!(words.contains("claimed by another key"), "{words}");
    assert_eq!(seat.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
    assert_eq!(bob.get_wallet(user("bob")).await.unwrap().into_inner().stocks, 0);
    assert_eq!(ann.get_wallet(user("ann")).await.unwrap().into_inner().stocks, 3);

    for (name, shown, expected) in [
        ("ann", None, Code::Unauthenticated),
        ("bob", Some(key(1)), Code::PermissionDenied),
    ] {
        let request = BearerInterceptor::player_key(shown.as_ref())
            .call(Request::new(()))
            .unwrap();
        let mut client = house.client.clone();
        let refused = client.try_sit(name, ALL_FEEDS, request.metadata()).await;
        assert_eq!(refused.err().unwrap().code(), expected, "{name}");
    }
}

#[tokio::test]
async fn actions_that_come_all_at_once_are_answered_in_order() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 1_000).await.unwrap();
    let mut bob = keyed(&house.channel, Some(&key(2)));
    bob.get_wallet(user("bob")).await.unwrap();
    let mut seat = house.client.clone().sit("", "").await;
    let mut expected = Vec::new();
    for round in 0..100 {
        let name = ["ann", "bob", "new", "ann"][round % 4];
        seat.act(buy(name, 1)).await;
        expected.push(match name {
            "ann" => EXECUTED_MESSAGE,
            "bob" => "user: this name is claimed: its key is needed (metadata authorization: Bearer KEY)",
            _ => "buying 1 stock at 10 tokens costs 10 tokens",
        });
    }
    for (index, expected) in expected.iter().enumerate() {
        let heard = seat.result().await.msg;
        assert!(heard.starts_with(expected), "{index}: {heard}");
    }
}

#[tokio::test]
async fn a_claim_outlives_kill_9_and_is_released_by_the_operator_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = ledger_in(&folder);
    let url = format!("sqlite:{}", store.display());
    let release = |name: &str| process::run(&["release", name, "--store", &url]);
    let server = Process::start(&store, &[]);
    let mut ann = keyed(&server.channel(), Some(&key(1)));
    soon(ann.buy_tokens(payment("ann"))).await.unwrap();
    let (code, _, said) = release("ann");
    assert_eq!(code, Some(1));
    assert!(said.contains("is in use by another casino"), "{said}");
    server.kill();

    let files = fs::read_dir(folder.path()).unwrap();
    for file in files {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!holds(key(1).as_bytes()) && !holds(key(1).expose().as_bytes()));
    }

    let server = Process::start(&store, &[]);
    let mut thief = keyed(&server.channel(), Some(&key(2)));
    let refused = soon(thief.get_wallet(user("ann"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    server.terminate();
    // Beside this runtime, in which the client hears that it is to let go.
    let (_, log) = spawn_blocking(|| server.wait()).await.unwrap();
    assert!(!log.contains(&key(1).expose()) && !log.contains(&key(2).expose()));

    for (name, code, said_on_stdout, said_on_stderr) in [
        (
            "ann",
            Some(0),
            "ann is released: the next key used with it claims it\n",
            "",
        ),
        ("ann", Some(1), "", "casino-server: ann is not claimed\n"),
        ("a b", Some(1), "", "character 2 is U+0020"),
        ("~Momo", Some(1), "", "character 1 is U+007E"),
    ] {
        let (ended, stdout, stderr) = release(name);
        assert_eq!((ended, stdout.as_str()), (code, said_on_stdout), "{stderr}");
        assert!(stderr.contains(said_on_stderr), "{stderr}");
    }
    let missing = format!("sqlite:{}", folder.path().join("none.db").display());
    let (ended, _, stderr) = process::run(&["release", "ann", "--store", &missing]);
    assert!(
        ended == Some(1) && stderr.contains("there is no ledger"),
        "{stderr}"
    );
    assert!(!folder.path().join("none.db").exists());

    let server = Process::start(&store, &[]);
    let mut heir = keyed(&server.channel(), Some(&key(2)));
    assert_eq!(
        soon(heir.get_wallet(user("ann")))
            .await
            .unwrap()
            .into_inner()
            .tokens,
        50
    );
}

#[tokio::test]
async fn names_are_visible_and_of_one_normalisation() {
    let mut house = House::standing().await;
    for invisible in ["\u{3164}", "\u{ffa0}", "a\u{115f}", "\u{1160}b"] {
        let status = house.client.deposit(invisible, 1).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{invisible:?}");
        assert!(status.message().contains("U+"), "{status:?}");
    }
    for (name, same) in [("\u{e9}ric", "e\u{301}ric"), ("\u{ac00}", "\u{1100}\u{1161}")] {
        house.client.deposit(name, 2).await.unwrap();
        assert_eq!(house.client.wallet(same).await.tokens, 10, "{same:?}");
        house.client.deposit(same, 1).await.unwrap();
        assert_eq!(house.client.wallet(name).await.tokens, 15, "{name:?}");
    }
}

/// Names that an earlier version let in stay usable as they are written, and claimable and releasable.
#[tokio::test]
async fn names_that_a_ledger_holds_stay_usable() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger_in(&folder);
    let server = Process::start(&ledger, &["--tick", "1h"]);
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
    let tool = rusqlite::Connection::open(&ledger).unwrap();
    for (new, old) in ["ann", "bob"].iter().zip(old) {
        tool.execute("UPDATE accounts SET name = ? WHERE name = ?", [old, new])
            .unwrap();
    }
    drop(tool);
    let server = Process::start(&ledger, &["--tick", "1h"]);
    let mut client = server.client();
    for name in old {
        assert_eq!(client.wallet(name).await.tokens, 50, "{name:?}");
        client.deposit(name, 1).await.unwrap();
        assert_eq!(client.wallet(name).await.tokens, 55, "{name:?}");
    }
    assert_eq!(client.wallet("\u{c5}sa").await.tokens, 0, "another name");
}
