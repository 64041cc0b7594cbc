//! Rounds of the real server: steered over its operator service, played, paused, resumed and ended, also across kills
//! and over several casinos.

#![allow(clippy::cognitive_complexity, reason = "each assertion counts as a branch")]

mod support;

use std::fs;
use std::net::TcpListener;

use awesomestock_proto::casino::{
    Action, GambleType, Round, RoundState, TimeInForce, Wallet, WithdrawRequest,
};
use awesomestock_proto::operator::StatusRequest;
use awesomestock_proto::operator::operator_client::OperatorClient;
use awesomestock_proto::types::Payment;
use awesomestock_proto::{EXECUTED_MESSAGE, capabilities, tls, transport};
use support::certificates::Authority;
use support::cluster::Cluster;
use support::process::{CasinoProcess, command, run};
use support::{CasinoClientExt, Client, Session, buy, sell, user, with_timeout};
use tempfile::TempDir;
use tonic::{Code, Request};

const FEEDS: &str = "ticks,wallet,ids,leaderboard,rounds";
const PLAYERS: [&str; 3] = ["ann", "bob", "cid"];
const SECRET: &str = "a-secret-of-the-operator";

/// Casinos that share a ledger, each with an operator service.
struct Casinos {
    folder: TempDir,
    store: String,
    processes: Vec<CasinoProcess>,
    /// The address of the first casino's operator service.
    operator: String,
}

impl Casinos {
    fn start(folder: TempDir, store: &str, count: usize, tick: &str) -> Self {
        Self::start_with(folder, store, count, &["--tick", tick])
    }

    fn start_with(folder: TempDir, store: &str, count: usize, more: &[&str]) -> Self {
        let secret = folder.path().join("secret");
        fs::write(&secret, format!("{SECRET}\n")).unwrap();
        let secret = secret.to_str().unwrap();
        let args = ["--stake", "100", "--seed", "7"];
        let operator = ["--operator", "127.0.0.1:0", "--operator-secret-file", secret];
        let args = [&args[..], &operator, more].concat();
        let processes: Vec<_> = (0..count)
            .map(|_| CasinoProcess::start_on(store, &args))
            .collect();
        let operator = processes[0].wait_for_log("serving the operator on ");
        Self {
            store: store.to_owned(),
            folder,
            processes,
            operator,
        }
    }

    fn on_sqlite(tick: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("casino.db").display());
        Self::start(folder, &store, 1, tick)
    }

    /// Kills all casinos and starts them again.
    fn kill_and_restart(self, tick: &str) -> Self {
        let count = self.processes.len();
        self.processes.into_iter().for_each(CasinoProcess::kill);
        Self::start(self.folder, &self.store, count, tick)
    }

    fn client(&self, casino: usize) -> Client {
        self.processes[casino].client()
    }

    /// Runs `casino-server round` with the secret. Returns exit code, stdout and stderr.
    fn try_round(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let secret = self.folder.path().join("secret");
        let service = [
            "--operator",
            &self.operator,
            "--operator-secret-file",
            secret.to_str().unwrap(),
        ];
        run(&[&["round"], args, &service].concat())
    }

    fn round(&self, args: &[&str]) -> String {
        let (code, stdout, stderr) = self.try_round(args);
        assert_eq!(code, Some(0), "{stderr}");
        stdout
    }

    /// Stops the casinos in order. Returns the lines of `check` about results.
    fn check(self) -> Vec<String> {
        for process in self.processes {
            process.terminate();
            assert!(process.wait().0.success());
        }
        let (code, stdout, stderr) = run(&["check", "--store", &self.store]);
        assert_eq!(code, Some(0), "{stdout}{stderr}");
        let lines = stdout.lines().filter(|line| line.starts_with("round "));
        lines.map(str::to_owned).collect()
    }
}

/// Returns the next message about the round in `state`.
async fn next_round(session: &mut Session, state: RoundState) -> Round {
    loop {
        let info = session.next().await.unwrap().expect("a round");
        if let Some(round) = info.round
            && round.state() == state
        {
            return round;
        }
    }
}

async fn next_wallet(session: &mut Session) -> Wallet {
    loop {
        let info = session.next().await.unwrap().expect("a wallet");
        if info.r#type() == GambleType::Wallet {
            return info.wallet.unwrap();
        }
    }
}

/// Repeats the action until its answer is `msg`: other casinos learn of a change with the next tick.
async fn until(session: &mut Session, action: Action, msg: &str) {
    loop {
        let answer = session.execute(action.clone()).await;
        if answer == msg {
            return;
        }
        assert!(
            ["the round is paused", EXECUTED_MESSAGE].contains(&answer.as_str()),
            "{answer}"
        );
    }
}

/// Starts a round, which each session sees with the wallet of the round. `own`: ann's wallet outside of it.
async fn start_round(casinos: &Casinos, sessions: &mut [Session], own: &Wallet) {
    assert!(
        casinos
            .round(&["say", "Good luck"])
            .contains("announcement: Good luck")
    );
    assert_eq!(
        casinos.round(&["start", "1h"]).split(": ").next(),
        Some("round 1")
    );
    for session in sessions {
        let round = next_round(session, RoundState::RoundRunning).await;
        assert_eq!(
            (round.number, round.stake, round.announcement.as_str()),
            (1, 100, "Good luck")
        );
        assert!((3_500_000..=3_600_000).contains(&round.left_ms), "{round:?}");
        let wallet = next_wallet(session).await;
        assert_eq!((wallet.tokens, wallet.dollars_in), (500, 100));
        assert!(wallet.version > own.version);
    }
}

/// Tries what is closed during a round.
async fn check_closed(client: &mut Client, session: &mut Session) {
    let closed = client.deposit("ann", 1).await.unwrap_err();
    assert_eq!(closed.code(), Code::FailedPrecondition);
    assert_eq!(
        closed.message(),
        "no tokens are bought or withdrawn during a round"
    );
    let rests = Action {
        id: vec![9; 16],
        time_in_force: TimeInForce::UntilCancelled.into(),
        limit_price: 1,
        ..buy("ann", 1)
    };
    assert_eq!(session.execute(rests).await, "orders do not rest during a round");
}

async fn pause_and_resume(casinos: &Casinos, sessions: &mut [Session]) {
    casinos.round(&["pause"]);
    for (session, player) in sessions.iter_mut().zip(PLAYERS) {
        let round = next_round(session, RoundState::RoundPaused).await;
        assert!(round.left_ms > 3_500_000);
        assert_eq!(session.execute(buy(player, 1)).await, "the round is paused");
    }
    let (code, _, stderr) = casinos.try_round(&["pause"]);
    assert_eq!(
        (code, stderr.trim_end()),
        (Some(1), "casino-server: round 1 is paused already")
    );

    casinos.round(&["resume"]);
    for (session, player) in sessions.iter_mut().zip(PLAYERS) {
        next_round(session, RoundState::RoundRunning).await;
        until(session, sell(player, 1), EXECUTED_MESSAGE).await;
    }
}

/// Plays a round of three players, over as many casinos as there are.
async fn play(casinos: Casinos) {
    let count = casinos.processes.len();
    let mut clients: Vec<_> = (0..3).map(|player| casinos.client(player % count)).collect();
    // A stake for a new player, and a history that no round resets.
    assert_eq!(clients[0].wallet("ann").await.tokens, 500);
    assert_eq!(clients[0].deposit("ann", 10).await.unwrap(), 50);
    let mut sessions = Vec::new();
    for (client, player) in clients.iter_mut().zip(PLAYERS) {
        sessions.push(client.open_session(player, FEEDS).await);
    }
    let own = next_wallet(&mut sessions[0]).await;
    assert_eq!((own.tokens, own.dollars_in), (550, 110));

    start_round(&casinos, &mut sessions, &own).await;
    check_closed(&mut clients[0], &mut sessions[0]).await;
    for (session, (player, count)) in sessions.iter_mut().zip(PLAYERS.into_iter().zip([3, 2, 1])) {
        assert_eq!(session.execute(buy(player, count)).await, EXECUTED_MESSAGE);
    }
    pause_and_resume(&casinos, &mut sessions).await;
    assert_eq!(clients[1].trades_of("bob").await.len(), 2);

    casinos.round(&["end"]);
    let mut podium = Vec::new();
    for session in &mut sessions {
        podium = next_round(session, RoundState::RoundEnded).await.podium;
        assert_eq!(podium.len(), 3);
    }
    // The own account is as it was before, and newer.
    let back = next_wallet(&mut sessions[0]).await;
    assert_eq!((back.tokens, back.dollars_in, back.stocks), (550, 110, 0));
    assert!(back.version > own.version);
    assert_eq!(clients[0].trades_of("ann").await.len(), 0);
    assert_eq!(clients[0].payments_of("ann").await.len(), 2);

    assert_eq!(
        casinos.round(&["results", "--csv", "-"]),
        casinos.round(&["results"])
    );
    let file = casinos.folder.path().join("results.csv");
    casinos.round(&["results", "--csv", file.to_str().unwrap()]);
    let csv = fs::read_to_string(&file).unwrap();
    assert_eq!(csv, casinos.round(&["results"]));
    let rows: Vec<_> = csv.lines().skip(1).map(|row| format!("round 1: {row}")).collect();
    assert_eq!(csv.lines().next(), Some("place,player,profit,return,trades"));
    let first = podium[0].player.as_ref().unwrap();
    assert!(
        rows[0].starts_with(&format!("round 1: 1,{},{},", first.name, podium[0].profit)),
        "{rows:?}"
    );
    let rows = [rows, play_another(&casinos, &mut sessions).await].concat();
    assert_eq!(casinos.round(&["results", "--round", "1"]), csv);
    casinos.round(&["results", "--round", "1", "--csv", file.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&file).unwrap(), csv);
    drop(sessions);
    assert_eq!(casinos.check(), rows);
}

/// Plays round 2 with other results. Returns the lines of `check` about them.
async fn play_another(casinos: &Casinos, sessions: &mut [Session]) -> Vec<String> {
    let unknown = "casino-server: round: there is no round 2; the newest is round 1\n";
    let asked = casinos.try_round(&["results", "--round", "2"]);
    assert_eq!(asked, (Some(2), String::new(), unknown.to_owned()));
    casinos.round(&["start", "1h"]);
    for session in &mut *sessions {
        next_round(session, RoundState::RoundRunning).await;
    }
    assert_eq!(sessions[1].execute(buy("bob", 4)).await, EXECUTED_MESSAGE);
    let open = casinos.round(&["results", "--round", "2"]);
    assert!(open.lines().nth(1).unwrap().starts_with("1,bob,"), "{open}");
    casinos.round(&["end"]);
    for session in sessions {
        next_round(session, RoundState::RoundEnded).await;
    }
    let csv = casinos.round(&["results", "--round", "2"]);
    assert_eq!(csv, casinos.round(&["results"]));
    let rows = csv.lines().skip(1);
    rows.map(|row| format!("round 2: {row}")).collect()
}

#[tokio::test]
async fn a_round_of_three_players_has_the_results_of_its_check() {
    play(Casinos::on_sqlite("200ms")).await;
}

#[tokio::test]
async fn three_casinos_on_a_database_share_a_round() {
    let Some(cluster) = Cluster::start() else { return };
    let store = cluster.database("rounds");
    play(Casinos::start(tempfile::tempdir().unwrap(), &store, 3, "200ms")).await;
}

/// A paused round is paused after a kill; one whose time is over while no casino runs ends at the next tick.
async fn check_kills(casinos: Casinos) {
    let mut session = casinos.client(0).open_session("ann", FEEDS).await;
    casinos.round(&["start", "10s"]);
    next_round(&mut session, RoundState::RoundRunning).await;
    assert_eq!(session.execute(buy("ann", 3)).await, EXECUTED_MESSAGE);
    casinos.round(&["pause"]);

    let casinos = casinos.kill_and_restart("200ms");
    let mut session = casinos.client(0).open_session("ann", FEEDS).await;
    assert_eq!(next_wallet(&mut session).await.stocks, 3);
    let paused = next_round(&mut session, RoundState::RoundPaused).await;
    assert!((1..=10_000).contains(&paused.left_ms), "{paused:?}");
    assert_eq!(session.execute(buy("ann", 1)).await, "the round is paused");
    casinos.round(&["resume"]);
    // The end comes by itself.
    let ended = next_round(&mut session, RoundState::RoundEnded).await;
    assert_eq!((ended.podium.len(), ended.podium[0].trades), (1, 1));
    assert_eq!(next_wallet(&mut session).await.stocks, 0);

    casinos.round(&["start", "1s"]);
    next_round(&mut session, RoundState::RoundRunning).await;
    let casinos = casinos.kill_and_restart("200ms");
    let mut session = casinos.client(0).open_session("ann", FEEDS).await;
    let ended = next_round(&mut session, RoundState::RoundEnded).await;
    assert_eq!((ended.number, ended.podium.len()), (2, 0));
    drop(session);
    let results = casinos.check();
    assert_eq!(results.len(), 1, "{results:?}");
    assert!(results[0].starts_with("round 1: 1,ann,"));
}

#[tokio::test]
async fn a_round_survives_kills_and_ends_by_itself() {
    check_kills(Casinos::on_sqlite("200ms")).await;
    if let Some(cluster) = Cluster::start() {
        let store = cluster.database("rounds");
        check_kills(Casinos::start(tempfile::tempdir().unwrap(), &store, 1, "200ms")).await;
    }
}

/// A request ID that was answered before the start is not executed again in the round, nor after it.
async fn check_repeated_ids(casinos: Casinos) {
    let mut session = casinos.client(0).open_session("ann", FEEDS).await;
    let order = |count, id| Action {
        id: vec![id; 16],
        ..buy("ann", count)
    };
    assert_eq!(session.execute(order(1, 1)).await, EXECUTED_MESSAGE);
    casinos.round(&["start", "1h"]);
    next_round(&mut session, RoundState::RoundRunning).await;
    let version = next_wallet(&mut session).await.version;
    session.send(order(1, 1)).await;
    let repeated = session.next_result().await;
    assert_eq!(repeated.msg, EXECUTED_MESSAGE);
    assert!(
        repeated.wallet.unwrap().version < version,
        "an answer of the own account"
    );
    assert_eq!(casinos.client(0).wallet("ann").await.stocks, 0);
    assert_eq!(session.execute(order(2, 2)).await, EXECUTED_MESSAGE);
    casinos.round(&["end"]);
    next_round(&mut session, RoundState::RoundEnded).await;
    assert_eq!(session.execute(order(2, 2)).await, EXECUTED_MESSAGE);
    assert_eq!(casinos.client(0).wallet("ann").await.stocks, 1);
    drop(session);
    assert_eq!(casinos.check().len(), 1);
}

#[tokio::test]
async fn a_request_id_is_executed_once_across_start_and_end() {
    check_repeated_ids(Casinos::on_sqlite("1h")).await;
    if let Some(cluster) = Cluster::start() {
        let store = cluster.database("rounds");
        check_repeated_ids(Casinos::start(tempfile::tempdir().unwrap(), &store, 1, "1h")).await;
    }
}

/// Returns the account that the wallet without a session names.
async fn account_in_use(client: &mut Client) -> Option<i64> {
    let mut request = Request::new(user("ann"));
    let header = capabilities::HEADER;
    request
        .metadata_mut()
        .insert(header, "accounts,ids".parse().unwrap());
    let answer = with_timeout(client.get_wallet(request)).await.unwrap();
    assert_eq!(answer.metadata().get(header).unwrap(), "ids,accounts");
    answer.into_inner().round
}

/// Returns the action with an ID, for the account of this round.
fn meant(id: u8, round: i64, action: Action) -> Action {
    Action {
        id: vec![id; 16],
        round: Some(round),
        ..action
    }
}

/// A request that arrives after a round has started or ended is executed on the account it is meant for, or not at all.
async fn check_meant_accounts(casinos: Casinos) {
    let mut client = casinos.client(0);
    let mut session = client.open_session("ann", &format!("{FEEDS},accounts")).await;
    let confirmed = session.capabilities.as_deref();
    assert_eq!(confirmed, Some("ticks,wallet,ids,accounts,leaderboard,rounds"));
    assert_eq!(next_wallet(&mut session).await.round, Some(0));
    let answered = meant(1, 0, buy("ann", 2));
    assert_eq!(session.execute(answered.clone()).await, EXECUTED_MESSAGE);
    casinos.round(&["start", "1h"]);
    next_round(&mut session, RoundState::RoundRunning).await;
    assert_eq!(next_wallet(&mut session).await.round, Some(1));
    assert_eq!(account_in_use(&mut client).await, Some(1));

    // Sent before the start, as far as the player knows.
    let began = "round 1 began before this order arrived; nothing was done";
    let rests = Action {
        time_in_force: TimeInForce::UntilCancelled.into(),
        limit_price: 1,
        ..buy("ann", 1)
    };
    for (id, action) in [
        (2, buy("ann", 1)),
        (3, sell("ann", 1)),
        (4, rests),
        (2, buy("ann", 1)),
    ] {
        assert_eq!(session.execute(meant(id, 0, action)).await, began);
    }
    session.send(answered).await;
    let repeated = session.next_result().await;
    assert_eq!(repeated.msg, EXECUTED_MESSAGE);
    assert_eq!(repeated.wallet.unwrap().round, Some(0));
    session.send(meant(5, 1, buy("ann", 1))).await;
    assert_eq!(session.next_result().await.wallet.unwrap().round, Some(1));

    casinos.round(&["end"]);
    next_round(&mut session, RoundState::RoundEnded).await;
    assert_eq!(next_wallet(&mut session).await.round, Some(0));
    check_late_requests(&mut client, &mut session).await;
    // Only what was meant for the own account has changed it.
    let own = client.wallet("ann").await;
    assert_eq!((own.stocks, own.dollars_in, own.round), (2, 100, None));
    assert_eq!(
        session.execute(meant(8, 0, sell("ann", 2))).await,
        EXECUTED_MESSAGE
    );
    drop(session);
    assert_eq!(casinos.check().len(), 1);
}

/// Tries requests that were meant for round 1 after its end, and for no account.
async fn check_late_requests(client: &mut Client, session: &mut Session) {
    let ended = "round 1 was not open when this arrived; nothing was done";
    assert_eq!(session.execute(meant(6, 1, buy("ann", 1))).await, ended);
    let invalid = "round: -1 is below 0; 0 is the player's own account";
    assert_eq!(session.execute(meant(7, -1, buy("ann", 1))).await, invalid);
    for (round, code, message) in [
        (1, Code::FailedPrecondition, ended),
        (-1, Code::InvalidArgument, invalid),
    ] {
        let deposit = Payment {
            user: Some(user("ann")),
            amount: 1,
            round: Some(round),
            ..Payment::default()
        };
        let withdrawal = WithdrawRequest {
            user: Some(user("ann")),
            tokens_cnt: 5,
            round: Some(round),
            ..WithdrawRequest::default()
        };
        let deposited = with_timeout(client.buy_tokens(deposit)).await.map(drop);
        let withdrawn = with_timeout(client.withdraw(withdrawal)).await.map(drop);
        for answer in [deposited, withdrawn] {
            let rejected = answer.unwrap_err();
            assert_eq!((rejected.code(), rejected.message()), (code, message));
        }
    }
}

#[tokio::test]
async fn a_request_is_executed_on_the_account_it_is_meant_for_or_rejected() {
    check_meant_accounts(Casinos::on_sqlite("1h")).await;
    if let Some(cluster) = Cluster::start() {
        let store = cluster.database("rounds");
        check_meant_accounts(Casinos::start(tempfile::tempdir().unwrap(), &store, 1, "1h")).await;
    }
}

/// The tokens of a new player are explained before the first order.
#[tokio::test]
async fn the_stake_of_a_new_player_is_a_payment_at_once() {
    let casinos = Casinos::on_sqlite("1h");
    let mut client = casinos.client(0);
    let rows = |payments: Vec<Payment>| -> Vec<_> {
        let row = |payment: &Payment| (payment.number, payment.amount, payment.created_unix_ms > 0);
        payments.iter().map(row).collect()
    };
    assert_eq!(client.wallet("ann").await.tokens, 500);
    assert_eq!(rows(client.payments_of("ann").await), [(1, -100, false)]);
    client.deposit("ann", 10).await.unwrap();
    let paid = rows(client.payments_of("ann").await);
    assert_eq!(paid, [(1, -100, true), (2, -10, true)]);
    assert!(casinos.check().is_empty());
}

async fn status_at(address: &str, authorization: Option<&str>) -> Result<(), tonic::Status> {
    let channel = transport::endpoint(&format!("http://{address}"))
        .unwrap()
        .connect_lazy();
    let mut request = Request::new(StatusRequest {});
    if let Some(value) = authorization {
        request
            .metadata_mut()
            .insert("authorization", value.parse().unwrap());
    }
    with_timeout(OperatorClient::new(channel).status(request))
        .await
        .map(drop)
}

#[tokio::test]
async fn the_operator_service_needs_its_secret_and_an_address_of_its_own() {
    let casinos = Casinos::on_sqlite("1h");
    let right = format!("Bearer {SECRET}");
    assert!(status_at(&casinos.operator, Some(&right)).await.is_ok());
    for (authorization, message) in [
        (
            None,
            "the secret is missing (metadata authorization: Bearer SECRET)",
        ),
        (Some("Bearer another-secret-of-16"), "wrong secret"),
        (Some(SECRET), "authorization: must be one `Bearer` token"),
    ] {
        let status = status_at(&casinos.operator, authorization).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unauthenticated, message)
        );
    }
    let address = casinos.processes[0].address.to_string();
    let elsewhere = status_at(&address, Some(&right)).await.unwrap_err();
    assert_eq!(elsewhere.code(), Code::Unimplemented);
    // Without a secret, it does not start.
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("casino.db").display());
    let (code, _, stderr) = run(&["--store", &store, "--operator", "127.0.0.1:0"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("the operator service needs a secret"), "{stderr}");
    let exposed = ["--operator", "0.0.0.0:0", "--operator-secret-file"];
    let secret = casinos.folder.path().join("secret");
    let exposed = [&exposed[..], &[secret.to_str().unwrap()]].concat();
    let log = CasinoProcess::try_start_on(&store, &exposed)
        .err()
        .expect("exposed");
    assert!(
        log.contains("can be reached from other machines without TLS"),
        "{log}"
    );
}

#[test]
fn a_call_that_fails_says_why() {
    let casinos = Casinos::on_sqlite("1h");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let secret = casinos.folder.path().join("secret");
    let missing = casinos.folder.path().join("missing.pem");
    let [secret, missing] = [&secret, &missing].map(|path| path.to_str().unwrap());
    let casino = format!("http://{}", casinos.processes[0].address);
    let closed = format!("http://{closed}");
    let status = |args: &[&str]| run(&[&["round", "status"], args].concat());
    let with_secret = |args: &[&str]| status(&[args, &["--operator-secret-file", secret]].concat());
    for ((code, _, stderr), expected_code, expected) in [
        (status(&[]), 2, "give --operator HOST:PORT, or --url".to_owned()),
        (
            status(&["--url", &casino]),
            2,
            "the operator service needs a secret: give --operator-secret-file".to_owned(),
        ),
        (
            status(&["--url", &casino, "--operator-secret-file", missing]),
            1,
            format!("--operator-secret-file: cannot read the secret file {missing}: No such file"),
        ),
        (
            with_secret(&["--url", &casino]),
            1,
            format!("{casino} is not the operator service of a casino"),
        ),
        (
            with_secret(&["--url", &closed]),
            1,
            format!("{closed} does not answer: "),
        ),
        (
            with_secret(&["--url", "http://192.0.2.1:1"]),
            1,
            "http://192.0.2.1:1 is not encrypted".to_owned(),
        ),
        (
            with_secret(&["--url", "https://localhost:1", "--ca", missing]),
            1,
            format!("--ca: cannot read {missing}: No such file"),
        ),
    ] {
        assert_eq!(code, Some(expected_code), "{stderr}");
        assert!(stderr.contains(&expected), "{expected:?}: {stderr}");
    }
    let mut short = command(&["round", "status", "--url", &casino]);
    let output = short.env("OPERATOR_SECRET", "sh0rt").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("OPERATOR_SECRET: a secret must be one line") && !stderr.contains("sh0rt"),
        "{stderr}"
    );
}

/// With TLS, the operator service may be reached from other machines, and a call needs TLS and the secret.
#[tokio::test]
async fn the_operator_service_uses_the_certificate_of_the_casino() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let [right, wrong] = [SECRET, "another-secret-of-16"].map(|secret| {
        let file = folder.path().join(secret);
        fs::write(&file, secret).unwrap();
        file.to_str().unwrap().to_owned()
    });
    let signed = authority.sign();
    let [cert, key] = [&signed.cert, &signed.key].map(|path| path.to_str().unwrap());
    let store = format!("sqlite:{}", folder.path().join("casino.db").display());
    let tls = ["--tls-cert", cert, "--tls-key", key];
    let operator = ["--operator", "0.0.0.0:0", "--operator-secret-file", &right];
    let casino = CasinoProcess::start_on(&store, &[tls, operator].concat());
    let address = casino.wait_for_log("serving the operator on ");
    let (_, port) = address.rsplit_once(':').unwrap();
    let (secure, plain) = (
        format!("https://localhost:{port}"),
        format!("http://127.0.0.1:{port}"),
    );
    let ca = authority.ca();
    let ca = ca.to_str().unwrap();
    let status = |url: &str, secret: &str| {
        let args = [
            "round",
            "status",
            "--url",
            url,
            "--ca",
            ca,
            "--operator-secret-file",
            secret,
        ];
        let (code, stdout, stderr) = run(&args);
        (code, stdout + &stderr)
    };
    assert_eq!(status(&secure, &right), (Some(0), "no round yet\n".to_owned()));
    let (code, message) = status(&secure, &wrong);
    assert_eq!(
        (code, message.as_str()),
        (Some(1), "casino-server: wrong secret\n")
    );
    let (code, message) = status(&plain, &right);
    assert_eq!(code, Some(1));
    assert!(message.contains("the URL must begin with https://"), "{message}");
    let channel = tls::endpoint(&secure, Some(&authority.ca()))
        .unwrap()
        .connect_lazy();
    let missing = with_timeout(OperatorClient::new(channel).status(StatusRequest {})).await;
    assert_eq!(missing.unwrap_err().code(), Code::Unauthenticated);
}

#[test]
fn there_are_no_results_before_the_first_round() {
    let casinos = Casinos::on_sqlite("1h");
    for (args, code) in [
        (&["results"][..], 1),
        (&["results", "--csv", "-"], 1),
        (&["results", "--round", "1"], 2),
    ] {
        let failed = (
            Some(code),
            String::new(),
            "casino-server: no round yet\n".to_owned(),
        );
        assert_eq!(casinos.try_round(args), failed);
    }
    let (code, _, stderr) = casinos.try_round(&["results", "--round", "0"]);
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("1 to 9,223,372,036,854,775,807"),
        "the bounds: {stderr}"
    );
}

#[test]
fn a_stake_that_buys_no_stock_is_noted_and_the_round_starts() {
    let start = |price: &str| {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("casino.db").display());
        let casinos = Casinos::start_with(folder, &store, 1, &["--tick", "1h", "--initial-price", price]);
        casinos.round(&["start", "1h"])
    };
    assert_eq!(start("500"), "round 1: 1h left\n");
    assert_eq!(
        start("501"),
        "round 1: 1h left\nnote: one stock costs 501 tokens now, more than the stake of 100 dollars buys (500 tokens): \
         nobody can buy until the price falls\n"
    );
}

#[test]
fn a_round_is_not_started_without_the_database() {
    let Some(cluster) = Cluster::start() else { return };
    let store = cluster.database("rounds");
    let casinos = Casinos::start(tempfile::tempdir().unwrap(), &store, 1, "1h");
    cluster.stop();
    let (code, stdout, stderr) = casinos.try_round(&["start", "1h"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    let expected = "casino-server: not executed: the casino could not read the prices: ";
    assert!(stderr.starts_with(expected), "{stderr}");
    cluster.restart();
    // The casino connects again.
    while casinos.try_round(&["start", "1h"]).0 != Some(0) {}
}

/// Returns the number of trades of bots on the tape during `ticks` ticks, and then up to a trade of ann.
async fn house_trades(casinos: &Casinos, session: &mut Session, mut ticks: u32) -> usize {
    let mut trades = 0;
    loop {
        let info = session.next().await.unwrap().expect("a tick");
        let rows = info.tape.as_ref().map_or(&[][..], |tape| &tape.rows);
        let players: Vec<_> = rows.iter().filter_map(|row| row.player.as_ref()).collect();
        trades += players.iter().filter(|player| player.house).count();
        if players.iter().any(|player| player.name == "ann") {
            return trades;
        }
        if ticks > 0 && info.r#type() == GambleType::StockInfo {
            ticks -= 1;
            if ticks == 0 {
                // Fails unless the round is paused.
                casinos.try_round(&["resume"]);
                session.send(buy("ann", 1)).await;
            }
        }
    }
}

#[tokio::test]
async fn house_players_do_not_trade_while_a_round_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("casino.db").display());
    // Few, because a message lists 20 trades at most, and one of them must be of ann.
    let casinos = Casinos::start_with(folder, &store, 1, &["--tick", "20ms", "--house", "2"]);
    let mut session = casinos.client(0).open_session("ann", "ticks,tape,rounds").await;
    while house_trades(&casinos, &mut session, 5).await == 0 {}
    casinos.round(&["start", "1h"]);
    next_round(&mut session, RoundState::RoundRunning).await;
    // Orders sent before the start may be executed after it.
    house_trades(&casinos, &mut session, 5).await;
    assert_eq!(house_trades(&casinos, &mut session, 30).await, 0);
    casinos.round(&["pause"]);
    next_round(&mut session, RoundState::RoundPaused).await;
    assert_eq!(house_trades(&casinos, &mut session, 30).await, 0);
    casinos.round(&["end"]);
    next_round(&mut session, RoundState::RoundEnded).await;
    while house_trades(&casinos, &mut session, 5).await == 0 {}
}

#[tokio::test]
async fn a_removed_announcement_is_not_shown() {
    let casinos = Casinos::on_sqlite("1h");
    let mut session = casinos.client(0).open_session("ann", FEEDS).await;
    casinos.round(&["say", "Welcome"]);
    let round = next_round(&mut session, RoundState::RoundNone).await;
    assert_eq!(round.announcement, "Welcome");
    casinos.round(&["say", ""]);
    let round = next_round(&mut session, RoundState::RoundNone).await;
    assert_eq!(round.announcement, "");
    let mut later = casinos.client(0).open_session("bob", FEEDS).await;
    let round = next_round(&mut later, RoundState::RoundNone).await;
    assert_eq!(round.announcement, "");
}

#[tokio::test]
async fn the_players_own_ranking_comes_back_after_a_restart_in_a_round() {
    let casinos = Casinos::on_sqlite("1h");
    let mut session = casinos.client(0).open_session("ann", FEEDS).await;
    assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    casinos.round(&["start", "1h"]);
    let casinos = casinos.kill_and_restart("1h");
    let mut session = casinos.client(0).open_session("bob", FEEDS).await;
    next_round(&mut session, RoundState::RoundRunning).await;
    casinos.round(&["end"]);
    loop {
        let info = session.next().await.unwrap().expect("a leaderboard");
        let top = info.leaderboard.unwrap_or_default().top;
        if let [ann] = top.as_slice() {
            assert_eq!(ann.player.as_ref().unwrap().name, "ann");
            break;
        }
    }
}
