//! The real server as a process: startup, failures at startup, kills, restarts and shutdown.

#[cfg(target_os = "linux")]
#[path = "../../proto/tests/support/limited.rs"]
mod limited;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::{fs, future, thread};

use awesomestock_proto::casino::{ActionOutcome, ActionType, Trade};
use awesomestock_proto::server;
use casino_server::config::Args;
use clap::CommandFactory;
use rustix::process::Signal;
use support::process::{self, CasinoProcess};
use support::{ALL_FEEDS, CasinoClientExt, Client, Session, buy, ledger_path, sell, user, with_timeout};
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

/// Runs the command on the ledger at `store`, which must fail. Returns its stderr.
fn failure(store: &Path, args: &[&str]) -> String {
    let store = format!("sqlite:{}", store.display());
    let (code, stdout, stderr) =
        process::run(&[&["--listen", "127.0.0.1:0", "--store", &store], args].concat());
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    stderr
}

#[test]
fn the_version_is_printed() {
    let (code, stdout, _) = process::run(&["--version"]);
    assert_eq!(code, Some(0));
    assert_eq!(stdout, format!("casino-server {}\n", awesomestock_proto::VERSION));
    assert!(stdout.starts_with(concat!("casino-server ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [
        &["--tick", "1ms"][..],
        &["--store", "mysql:x"],
        &["--payments", "nowhere"],
        &["--bet"],
        &["release", "postgres://u:s3cr3t@h/d"],
        &["release", "two words"],
        &["release", ""],
        &["healthcheck", "s3cr3t"],
        &["healthcheck", "http://u:s3cr3t"],
        &["round", "status", "--url", "s3cr3t"],
        &["round", "status", "--operator", "s3cr3t"],
        &["cert", "DIR", "--host", "u:s3cr3t"],
        &["check", "s3cr3t"],
        &["s3cr3t"],
    ] {
        let (code, stdout, stderr) = process::run(args);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}: {stderr}");
        assert!(!stderr.contains("s3cr3t"), "{args:?}: {stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn errors_are_reported_without_memory_or_threads() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", ledger_path(&folder).display());
    let server = env!("CARGO_BIN_EXE_casino-server");
    limited::check_limits(|command| {
        command.args([server, "--listen", "127.0.0.1:0", "--store", &store]);
    });
}

/// Neither clap nor the casino prints what may be a password, and a URL never becomes a file.
#[test]
fn an_invalid_store_is_not_echoed() {
    let folder = tempfile::tempdir().unwrap();
    for (option, value) in [
        ("--store", "postgres://u:s3cr3t@h:port/d"),
        ("--store", "postgres:/u:s3cr3t@h/d"),
        ("--store", "u:s3cr3t@h/d"),
        ("--store", "postgres://u:s3?cr3t=s3cr3t@h/d"),
        ("--store", "postgres://u@h/d?password=s3cr3t&colour=red"),
        ("--payments", "ftp://u:s3cr3t@h"),
        ("--store", "sqlite://s3cr3t.db"),
        ("--store", "postgres://u@127.0.0.1:1/d&password=s3cr3t"),
        ("--store", "postgres://u@127.0.0.1:1/d;password=s3cr3t"),
        ("--store", "postgres://u;password=s3cr3t@127.0.0.1:1/d"),
        ("--store", "postgres://u@127.0.0.1:1/d?user=u;password=s3cr3t"),
        ("--store", "sqlite:casino.db;password=s3cr3t"),
        ("--store", "sqlite:memory:"),
        ("--store", "sqlite::"),
        ("--store", "sqlite::memory:"),
        ("--store", "sqlite:%3Amemory%3A"),
        ("--store", "sqlite:-"),
        ("--store", "sqlite:a\nb"),
        ("--store", "postgres://u@h/d?oauth_client_secret=s3cr3t"),
        ("--store", "postgres://u@h/d?s3cr3t=1"),
        ("--listen", "s3cr3t"),
        ("--listen", "u:s3cr3t"),
        ("--metrics", "s3cr3t"),
        ("--operator", "s3cr3t"),
        ("--payments", "s3cr3t"),
        ("--payments", "http://u:s3cr3t"),
        ("--payments", "http://h:1/s3cr3t"),
    ] {
        for by_variable in [false, true] {
            let mut command = process::command(&[]);
            command.current_dir(&folder);
            match by_variable {
                false => command.args([option, value]),
                true => command.env(option.replace("--", "CASINO_").to_uppercase(), value),
            };
            let output = command.output().unwrap();
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert_eq!(output.status.code(), Some(2), "{value}: {text}");
            assert!(
                !text.contains("s3cr3t") && !text.contains("cr3t"),
                "{value}: {text}"
            );
            assert!(text.contains(option), "{value}: {text}");
        }
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

/// Nor does the casino print a name or a file that may be a password.
#[test]
fn an_unusable_value_that_may_be_a_secret_is_not_echoed() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(folder.path().join("cert.pem"), certificate).unwrap();
    for (option, value) in [
        ("--store", "postgres://127.0.0.1:1/s3cr3t"),
        (
            "--store",
            "postgres://u@127.0.0.1:1/d?sslmode=verify-full&sslrootcert=s3cr3t",
        ),
        ("--tls-ca", "s3cr3t"),
        ("--tls-key", "s3cr3t"),
        ("--tls-key", "-----BEGIN PRIVATE KEY-----\ns3cr3t/s3cr3t\n"),
        ("--payments-secret-file", "/s3cr3t"),
        ("--operator-secret-file", "s3.cr3t"),
    ] {
        let mut command = process::command(&["--listen", "127.0.0.1:0", &format!("{option}={value}")]);
        match option {
            "--tls-ca" => command.args(["--payments", "https://127.0.0.1:1"]),
            "--tls-key" => command.args(["--tls-cert", "cert.pem"]),
            _ => &mut command,
        };
        let output = command.current_dir(&folder).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{value}: {text}");
        assert!(!text.contains("cr3t"), "{value}: {text}");
        let named = if option == "--store" { "the ledger" } else { option };
        assert!(text.contains(named), "{value}: {text}");
    }
}

#[test]
fn a_port_in_use_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let store = format!("sqlite:{}", ledger_path(&folder).display());
    let (code, stdout, stderr) = process::run(&["--listen", &address, "--store", &store]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(
        stderr.contains(&format!("casino-server: cannot listen on {address}: ")),
        "{stderr}"
    );
    assert!(
        !ledger_path(&folder).exists(),
        "a server that cannot listen opens no ledger"
    );
}

#[tokio::test]
async fn a_ledger_that_cannot_be_opened_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = ledger_path(&folder);
    fs::write(&path, "Dear diary, ".repeat(1_000)).unwrap();
    let stderr = failure(&path, &[]);
    assert!(
        stderr.contains("cannot be opened: it is not a SQLite database"),
        "{stderr}"
    );
    fs::remove_file(&path).unwrap();

    let stderr = failure(&folder.path().join("missing").join("x.db"), &[]);
    assert!(
        stderr.contains("cannot be opened: it cannot be read and written: "),
        "{stderr}"
    );

    let first = CasinoProcess::start(&path, &[]);
    let stderr = failure(&path, &[]);
    assert!(
        stderr.contains(&format!(
            "the ledger {} is in use by another casino",
            path.display()
        )),
        "{stderr}"
    );
    first.kill();
    CasinoProcess::start(&path, &[]).kill();
}

#[tokio::test]
async fn options_can_come_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, stderr) = {
        let mut command = process::command(&["--listen", "127.0.0.1:0"]);
        command.env(
            "CASINO_STORE",
            format!("sqlite:{}", ledger_path(&folder).display()),
        );
        let output = command.env("CASINO_INITIAL_PRICE", "0").output().unwrap();
        (
            output.status.code(),
            output.stdout,
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(code, Some(2));
    let rule = "from CASINO_INITIAL_PRICE': expected a whole number from 1 to 2,147,483,647";
    assert!(stderr.contains(rule), "{stderr}");
}

#[tokio::test]
async fn health_and_reflection_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = CasinoProcess::start(&ledger_path(&folder), &[]);
    let request = HealthCheckRequest {
        service: "casino.Casino".to_owned(),
    };
    let health = with_timeout(HealthClient::new(server.channel()).check(request))
        .await
        .unwrap();
    assert_eq!(health.into_inner().status(), ServingStatus::Serving);

    let mut reflection = ServerReflectionClient::new(server.channel());
    let mut ask = async |request| {
        let request = ServerReflectionRequest {
            message_request: Some(request),
            ..ServerReflectionRequest::default()
        };
        let answers = reflection.server_reflection_info(tokio_stream::once(request));
        let mut answers = with_timeout(answers).await.unwrap().into_inner();
        let answer = with_timeout(answers.message()).await.unwrap().unwrap();
        answer.message_response
    };
    let listed = ask(MessageRequest::ListServices(String::new())).await;
    let Some(MessageResponse::ListServicesResponse(services)) = listed else {
        panic!()
    };
    let listed: BTreeSet<_> = services
        .service
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    let served = [
        "casino.Casino",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ];
    assert_eq!(listed, BTreeSet::from(served));
    for service in served {
        let described = ask(MessageRequest::FileContainingSymbol(service.to_owned())).await;
        let is_described = matches!(described, Some(MessageResponse::FileDescriptorResponse(_)));
        assert!(is_described, "{service}");
    }
}

#[tokio::test]
async fn requests_that_are_not_grpc_get_an_http_status() {
    let folder = tempfile::tempdir().unwrap();
    let server = CasinoProcess::start(&ledger_path(&folder), &[]);
    let mut channel = server.channel();
    let (unary, stream) = ("/casino.Casino/GetTokenBalance", "/casino.Casino/Gamble");
    for (method, path, content_type, expected) in [
        ("GET", "/", None, 405),
        ("GET", unary, None, 405),
        ("GET", stream, Some("application/grpc"), 405),
        ("POST", unary, Some("application/json"), 415),
        ("POST", stream, Some("application/json"), 415),
        ("POST", stream, None, 415),
        ("POST", "/nowhere", Some("application/json"), 415),
        ("POST", unary, Some("application/grpc"), 200),
        ("POST", stream, Some("application/grpc+proto"), 200),
    ] {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        with_timeout(future::poll_fn(|cx| channel.poll_ready(cx)))
            .await
            .unwrap();
        let response = with_timeout(channel.call(request.body(Body::empty()).unwrap()))
            .await
            .unwrap();
        assert_eq!(response.status(), expected, "{method} {path} {content_type:?}");
        let is_grpc = response.headers().contains_key("grpc-status");
        assert!(expected == 200 || !is_grpc, "{method} {path} {content_type:?}");
    }
}

#[tokio::test]
async fn sigterm_ends_open_streams_and_exits_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let server = CasinoProcess::start(&ledger_path(&folder), &[]);
    let mut client = server.client();
    client.deposit("ann", 100).await.unwrap();
    let mut sessions = Vec::new();
    for _ in 0..50 {
        let mut session = client.open_session("ann", "").await;
        session.next_price().await;
        sessions.push(session);
    }
    let stopping = tokio::task::spawn_blocking(|| shut_down(server));
    for mut session in sessions {
        assert_eq!(
            session.try_next_result().await.unwrap_err().code(),
            Code::Unavailable
        );
    }
    stopping.await.unwrap();
    assert!(!folder.path().join("casino.db-wal").exists());
}

#[test]
fn signals_shut_down_cleanly_or_have_no_effect() {
    let folder = tempfile::tempdir().unwrap();
    for (signals, logged) in [
        (&[Signal::TERM][..], "SIGTERM: stopping"),
        (&[Signal::INT], "SIGINT: stopping"),
        (&[Signal::QUIT], "SIGQUIT: stopping"),
        (
            &[Signal::HUP, Signal::TERM],
            "SIGHUP: no effect, as there is no certificate",
        ),
        (&[Signal::USR1, Signal::TERM], "SIGTERM: stopping"),
        (&[Signal::USR2, Signal::TERM], "SIGTERM: stopping"),
        (&[Signal::ALARM, Signal::TERM], "SIGTERM: stopping"),
    ] {
        if signals.contains(&Signal::HUP) && server::hangup_is_ignored() {
            continue;
        }
        let server = CasinoProcess::start(&ledger_path(&folder), &[]);
        for signal in signals {
            server.signal(*signal);
        }
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{signals:?}: {status} {log}");
        assert!(log.contains(logged), "{signals:?}: {log}");
        assert!(!folder.path().join("casino.db-wal").exists(), "{signals:?}");
    }
}

#[test]
fn no_connection_is_accepted_before_the_ledger_is_open() {
    let folder = tempfile::tempdir().unwrap();
    // A database that accepts connections and answers nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let database = format!("postgres://u@{}/d", silent.local_addr().unwrap());
    let (_reserved, address) = reserved_address();
    let args = ["--listen", &address, "--store", &database];
    let mut opening = process::command(&args)
        .current_dir(&folder)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (_accepted, _) = silent.accept().unwrap();
    let rejected = TcpStream::connect(&address).unwrap_err();
    assert_eq!(rejected.kind(), ErrorKind::ConnectionRefused);
    opening.kill().unwrap();
    opening.wait().unwrap();
}

#[test]
fn one_of_two_servers_started_on_the_same_port_and_ledger_serves() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", ledger_path(&folder).display());
        let (_reserved, address) = reserved_address();
        let started = thread::scope(|scope| {
            let start = || CasinoProcess::try_start(&address, &store, &[]);
            [(); 2]
                .map(|()| scope.spawn(start))
                .map(|starting| starting.join().unwrap())
        });
        let (serving, ended): (Vec<_>, Vec<_>) = started.into_iter().partition(Result::is_ok);
        assert_eq!((serving.len(), ended.len()), (1, 1));
        for stderr in ended.into_iter().filter_map(Result::err) {
            let expected = ["cannot listen on", "is in use by another casino"];
            assert!(expected.iter().any(|text| stderr.contains(text)), "{stderr}");
        }
        for server in serving.into_iter().flatten() {
            TcpStream::connect(server.address).unwrap();
            shut_down(server);
        }
    }
}

/// An address that a server can listen on, and that the system assigns to no other socket while this one exists.
fn reserved_address() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

#[test]
fn help_texts_have_no_runs_of_spaces() {
    let command = Args::command();
    let tasks = command.get_subcommands();
    for table in std::iter::once(&command).chain(tasks) {
        for option in table.get_arguments() {
            let help = [option.get_help(), option.get_long_help()];
            for text in help.into_iter().flatten().map(ToString::to_string) {
                assert!(!text.contains("  "), "{text}");
            }
        }
    }
}

/// What a player sent and received before the server ended.
#[derive(Default)]
struct PlayerLog {
    sent: usize,
    trades: BTreeMap<i64, Trade>,
    ticks: BTreeMap<i64, i32>,
    /// The final status of the stream.
    ended: Option<Code>,
}

/// Plays with a window of outstanding actions until the stream ends, and reports each answer to `answered`.
async fn play(mut session: Session, name: String, answered: mpsc::Sender<()>) -> (String, PlayerLog) {
    const WINDOW: usize = 8;
    let mut log = PlayerLog::default();
    let mut outstanding = 0;
    loop {
        while outstanding < WINDOW {
            let action = if log.sent % 3 == 2 {
                sell(&name, 1)
            } else {
                buy(&name, 1)
            };
            if session.actions.as_ref().unwrap().send(action).await.is_err() {
                // The stream has ended; read what is left of it.
                break;
            }
            log.sent += 1;
            outstanding += 1;
        }
        let info = match session.next().await {
            Ok(info) => info.expect("the stream ends only with a status"),
            Err(status) => {
                log.ended = Some(status.code());
                return (name, log);
            }
        };
        if let Some(price) = info.info {
            log.ticks.insert(price.tick, price.price);
        }
        if let Some(result) = info.result {
            outstanding -= 1;
            if result.outcome() == ActionOutcome::OutcomeExecuted {
                let trade = result.trade.unwrap();
                log.trades.insert(trade.number, trade);
            }
            let _ = answered.send(()).await;
        }
    }
}

/// Plays on `server` and calls `end` after the given number of answers.
async fn play_and_end(
    server: CasinoProcess,
    names: &[&str],
    answers: usize,
    end: fn(CasinoProcess),
) -> Vec<(String, PlayerLog)> {
    let mut client = server.client();
    let (answered, mut count) = mpsc::channel(64);
    let mut players = JoinSet::new();
    for name in names {
        client.deposit(name, 1_000_000).await.unwrap();
        let session = client.open_session(name, ALL_FEEDS).await;
        players.spawn(play(session, (*name).to_owned(), answered.clone()));
    }
    drop(answered);
    for _ in 0..answers {
        with_timeout(count.recv())
            .await
            .expect("the players stopped early");
    }
    let ending = tokio::task::spawn_blocking(move || end(server));
    // Receive the players' answers while the server ends.
    while with_timeout(count.recv()).await.is_some() {}
    ending.await.unwrap();
    let mut logs = with_timeout(players.join_all()).await;
    logs.sort_by(|a, b| a.0.cmp(&b.0));
    logs
}

/// Checks that the ledger has everything in `log` and no more than was sent. Returns the number of trades.
async fn check(
    client: &mut Client,
    name: &str,
    log: &PlayerLog,
    trades_before: usize,
    deposits: i32,
) -> usize {
    let stored = client.trades_of(name).await;
    let numbers: Vec<i64> = stored.iter().map(|trade| trade.number).collect();
    assert_eq!(numbers, (1..).take(stored.len()).collect::<Vec<i64>>(), "{name}");
    for (number, trade) in &log.trades {
        assert_eq!(
            stored.get(usize::try_from(*number).unwrap() - 1),
            Some(trade),
            "{name}: answered"
        );
    }
    assert!(
        stored.len() <= trades_before + log.sent,
        "{name}: no more than was sent"
    );
    let signed = |trade: &Trade| match trade.r#type() {
        ActionType::Buy => (trade.stocks_count, -trade.stocks_count * trade.price),
        ActionType::Sell => (-trade.stocks_count, trade.stocks_count * trade.price),
    };
    let (stocks, tokens) = stored
        .iter()
        .map(signed)
        .fold((0, 0), |sum, trade| (sum.0 + trade.0, sum.1 + trade.1));
    let wallet = client.wallet(name).await;
    assert_eq!(
        (wallet.stocks, wallet.tokens),
        (stocks, tokens + 5_000_000 * deposits),
        "{name}"
    );
    stored.len()
}

/// Five rounds of play, `end`, restart and check. Each stream must end with one of `codes`.
async fn run_rounds(end: fn(CasinoProcess), codes: &[Code]) {
    const NAMES: [&str; 6] = ["ann", "bob", "cyd", "dan", "eve", "fay"];
    let folder = tempfile::tempdir().unwrap();
    let args = ["--tick", "10ms", "--seed", "3"];
    let mut trades = [0; NAMES.len()];
    for (round, answers) in (1..=5).zip([150, 300, 450, 600, 750]) {
        let server = CasinoProcess::start(&ledger_path(&folder), &args);
        let logs = play_and_end(server, &NAMES, answers, end).await;

        let server = CasinoProcess::start(&ledger_path(&folder), &args);
        let mut client = server.client();
        let history: BTreeMap<i64, i32> = client.prices().await.into_iter().collect();
        for ((name, log), trades) in logs.iter().zip(&mut trades) {
            assert!(codes.contains(&log.ended.unwrap()), "{name}: {:?}", log.ended);
            *trades = check(&mut client, name, log, *trades, round).await;
            for (tick, price) in &log.ticks {
                assert_eq!(history.get(tick), Some(price), "{name}: tick {tick}");
            }
        }
        let numbers: Vec<i64> = history.keys().copied().collect();
        assert_eq!(
            numbers,
            (0..).take(numbers.len()).collect::<Vec<i64>>(),
            "the price continues"
        );
        shut_down(server);
    }
}

/// Stops the server by SIGTERM; it must shut down cleanly before the deadline.
fn shut_down(server: CasinoProcess) {
    server.terminate();
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("deadline"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_no_answered_action() {
    // The connection is cut, so the transport chooses the code.
    run_rounds(
        CasinoProcess::kill,
        &[Code::Unknown, Code::Unavailable, Code::Cancelled, Code::Internal],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_during_play_loses_no_answered_action() {
    run_rounds(shut_down, &[Code::Unavailable]).await;
}

#[tokio::test]
async fn failing_calls_do_not_fill_the_log() {
    const CALLS: usize = 500;
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens at this address.
    let args = ["--payments", "http://127.0.0.1:1", "--tick", "1h"];
    let server = CasinoProcess::start(&ledger_path(&folder), &args);
    let client = server.client();
    let calls = (0..CALLS).map(|_| {
        let mut client = client.clone();
        async move { client.get_payment_statement(user("ann")).await }
    });
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
    }
    server.terminate();
    let (_, log) = server.wait();
    let lines = log
        .lines()
        .filter(|line| line.contains("the payments server failed"))
        .count();
    assert_eq!(lines, 1, "{log}");
    assert!(log.len() < 2_000, "{log}");
}
