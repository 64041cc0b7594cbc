//! The real server as a process: how it starts, refuses to start, dies, comes back and stops.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(target_os = "linux")]
#[path = "../../proto/tests/support/limited.rs"]
mod limited;
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, future,
    io::ErrorKind,
    net::{TcpListener, TcpStream},
    path::Path,
    process::Stdio,
    thread,
};

use awesomestock_proto::{
    casino::{ActionOutcome, ActionType, Trade},
    server,
};
use casino_server::config::Args;
use clap::CommandFactory;
use rustix::process::Signal;
use support::{
    ALL_FEEDS, Asks, Client, Seat, buy, ledger_in,
    process::{self, Process},
    sell, soon, user,
};
use tokio::{net::TcpSocket, sync::mpsc, task::JoinSet};
use tonic::{
    Code,
    body::Body,
    codegen::{Service, http},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

/// Runs the command on the ledger at `store` to its end, which must be a failure: what it said.
fn failure(store: &Path, args: &[&str]) -> String {
    let store = format!("sqlite:{}", store.display());
    let (code, stdout, stderr) =
        process::run(&[&["--listen", "127.0.0.1:0", "--store", &store], args].concat());
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    stderr
}

#[test]
fn the_version_is_told() {
    let (code, stdout, _) = process::run(&["--version"]);
    assert_eq!(code, Some(0));
    assert_eq!(stdout, format!("casino-server {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [
        &["--tick", "1ms"][..],
        &["--store", "mysql:x"],
        &["--payments", "nowhere"],
        &["--bet"],
    ] {
        let (code, stdout, stderr) = process::run(args);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}: {stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_memory_or_threads_it_ends_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", ledger_in(&folder).display());
    let server = env!("CARGO_BIN_EXE_casino-server");
    limited::check_limits(|command| {
        command.args([server, "--listen", "127.0.0.1:0", "--store", &store]);
    });
}

/// Neither clap nor the casino repeats what may be a password, and no file is made of a URL.
#[test]
fn a_store_that_cannot_be_used_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for (option, value) in [
        ("--store", "postgres://u:s3cr3t@h:port/d"),
        ("--store", "postgres:/u:s3cr3t@h/d"),
        ("--store", "u:s3cr3t@h/d"),
        ("--store", "postgres://u:s3?cr3t=s3cr3t@h/d"),
        ("--store", "postgres://u@h/d?password=s3cr3t&colour=red"),
        ("--payments", "ftp://u:s3cr3t@h"),
        ("--store", "sqlite://s3cr3t.db"),
    ] {
        for by_variable in [false, true] {
            let mut command = process::command(&[]);
            command.current_dir(&folder);
            match by_variable {
                false => command.args([option, value]),
                true => command.env(option.replace("--", "CASINO_").to_uppercase(), value),
            };
            let output = command.output().unwrap();
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert_eq!(output.status.code(), Some(2), "{value}: {said}");
            assert!(
                !said.contains("s3cr3t") && !said.contains("cr3t"),
                "{value}: {said}"
            );
            assert!(said.contains(option), "{value}: {said}");
        }
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_port_in_use_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let store = format!("sqlite:{}", ledger_in(&folder).display());
    let (code, stdout, stderr) = process::run(&["--listen", &address, "--store", &store]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(
        stderr.contains(&format!("casino-server: cannot listen on {address}: ")),
        "{stderr}"
    );
    assert!(
        !ledger_in(&folder).exists(),
        "no ledger is opened by a server that cannot serve"
    );
}

#[tokio::test]
async fn a_ledger_that_cannot_be_opened_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = ledger_in(&folder);
    fs::write(&path, "Dear diary, ".repeat(1_000)).unwrap();
    let said = failure(&path, &[]);
    assert!(
        said.contains("cannot be opened: it is not a SQLite database"),
        "{said}"
    );
    fs::remove_file(&path).unwrap();

    let said = failure(&folder.path().join("missing").join("x.db"), &[]);
    assert!(
        said.contains("cannot be opened: it cannot be read and written: "),
        "{said}"
    );

    let first = Process::start(&path, &[]);
    let said = failure(&path, &[]);
    assert!(
        said.contains(&format!(
            "the ledger {} is in use by another casino",
            path.display()
        )),
        "{said}"
    );
    first.kill();
    Process::start(&path, &[]).kill();
}

#[tokio::test]
async fn options_may_come_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, stderr) = {
        let mut command = process::command(&["--listen", "127.0.0.1:0"]);
        command.env("CASINO_STORE", format!("sqlite:{}", ledger_in(&folder).display()));
        let output = command.env("CASINO_INITIAL_PRICE", "0").output().unwrap();
        (
            output.status.code(),
            output.stdout,
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(code, Some(2));
    assert!(stderr.contains("0 is not in 1..=2147483647"), "{stderr}");
}

#[tokio::test]
async fn health_and_reflection_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&ledger_in(&folder), &[]);
    let request = HealthCheckRequest {
        service: "casino.Casino".to_owned(),
    };
    let health = soon(HealthClient::new(server.channel()).check(request))
        .await
        .unwrap();
    assert_eq!(health.into_inner().status(), ServingStatus::Serving);

    let request = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..ServerReflectionRequest::default()
    };
    let mut reflection = ServerReflectionClient::new(server.channel());
    let answers = reflection.server_reflection_info(tokio_stream::once(request));
    let answer = soon(soon(answers).await.unwrap().into_inner().message())
        .await
        .unwrap()
        .unwrap();
    let Some(MessageResponse::ListServicesResponse(services)) = answer.message_response else {
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
}

#[tokio::test]
async fn requests_that_are_not_grpc_get_an_http_status() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&ledger_in(&folder), &[]);
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
        soon(future::poll_fn(|cx| channel.poll_ready(cx))).await.unwrap();
        let response = soon(channel.call(request.body(Body::empty()).unwrap()))
            .await
            .unwrap();
        assert_eq!(response.status(), expected, "{method} {path} {content_type:?}");
        let is_grpc = response.headers().contains_key("grpc-status");
        assert!(expected == 200 || !is_grpc, "{method} {path} {content_type:?}");
    }
}

#[tokio::test]
async fn told_to_stop_it_ends_the_open_streams_and_exits_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&ledger_in(&folder), &[]);
    let mut client = server.client();
    client.deposit("ann", 100).await.unwrap();
    let mut seats = Vec::new();
    for _ in 0..50 {
        let mut seat = client.sit("ann", "").await;
        seat.price().await;
        seats.push(seat);
    }
    let stopping = tokio::task::spawn_blocking(|| stop_in_order(server));
    for mut seat in seats {
        assert_eq!(seat.try_result().await.unwrap_err().code(), Code::Unavailable);
    }
    stopping.await.unwrap();
    assert!(!folder.path().join("casino.db-wal").exists());
}

#[test]
fn signals_end_it_in_order_or_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (signals, logged) in [
        (&[Signal::TERM][..], "SIGTERM: stopping"),
        (&[Signal::INT], "SIGINT: stopping"),
        (&[Signal::QUIT], "SIGQUIT: stopping"),
        (&[Signal::HUP], "SIGHUP: stopping"),
        (&[Signal::USR1, Signal::TERM], "SIGTERM: stopping"),
        (&[Signal::USR2, Signal::TERM], "SIGTERM: stopping"),
        (&[Signal::ALARM, Signal::TERM], "SIGTERM: stopping"),
    ] {
        if signals.contains(&Signal::HUP) && server::hangup_is_ignored() {
            continue;
        }
        let server = Process::start(&ledger_in(&folder), &[]);
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
fn nobody_connects_before_the_ledger_is_open() {
    let folder = tempfile::tempdir().unwrap();
    // A database that takes connections and answers nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let database = format!("postgres://u@{}/d", silent.local_addr().unwrap());
    let (_reserved, address) = reserved_address();
    let args = ["--listen", &address, "--store", &database];
    let mut opening = process::command(&args)
        .current_dir(&folder)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (_asked, _) = silent.accept().unwrap();
    let refused = TcpStream::connect(&address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    opening.kill().unwrap();
    opening.wait().unwrap();
}

#[test]
fn of_two_at_once_on_one_port_and_ledger_one_serves() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", ledger_in(&folder).display());
        let (_reserved, address) = reserved_address();
        let started = thread::scope(|scope| {
            let start = || Process::try_start(&address, &store, &[]);
            [(); 2]
                .map(|()| scope.spawn(start))
                .map(|starting| starting.join().unwrap())
        });
        let (serving, ended): (Vec<_>, Vec<_>) = started.into_iter().partition(Result::is_ok);
        assert_eq!((serving.len(), ended.len()), (1, 1));
        for said in ended.into_iter().filter_map(Result::err) {
            let words = ["cannot listen on", "is in use by another casino"];
            assert!(words.iter().any(|words| said.contains(words)), "{said}");
        }
        for server in serving.into_iter().flatten() {
            TcpStream::connect(server.address).unwrap();
            stop_in_order(server);
        }
    }
}

/// An address that a server can listen on, and that nobody is given by chance while the socket is there.
fn reserved_address() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

#[test]
fn no_text_of_an_option_has_a_run_of_spaces() {
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

/// What a player has been told of before the server died.
#[derive(Default)]
struct Told {
    sent: usize,
    trades: BTreeMap<i64, Trade>,
    ticks: BTreeMap<i64, i32>,
    /// How the stream ended; `None` if it broke before anything could be said.
    ended: Option<Code>,
}

/// Plays until the stream dies, a window of actions at a time, and reports each answer.
async fn play(mut seat: Seat, name: String, answered: mpsc::Sender<()>) -> (String, Told) {
    const WINDOW: usize = 8;
    let mut told = Told::default();
    let mut outstanding = 0;
    loop {
        while outstanding < WINDOW {
            let action = if told.sent % 3 == 2 {
                sell(&name, 1)
            } else {
                buy(&name, 1)
            };
            if seat.actions.as_ref().unwrap().send(action).await.is_err() {
                // The stream has ended: what it still says is read.
                break;
            }
            told.sent += 1;
            outstanding += 1;
        }
        let info = match seat.next().await {
            Ok(info) => info.expect("a stream is ended by nobody but the casino, with a status"),
            Err(status) => {
                told.ended = Some(status.code());
                return (name, told);
            }
        };
        if let Some(price) = info.info {
            told.ticks.insert(price.tick, price.price);
        }
        if let Some(result) = info.result {
            outstanding -= 1;
            if result.outcome() == ActionOutcome::OutcomeExecuted {
                let trade = result.trade.unwrap();
                told.trades.insert(trade.number, trade);
            }
            let _ = answered.send(()).await;
        }
    }
}

/// Plays on `server` until so many actions have been answered, then ends it in the middle of the rest.
async fn play_and_end(
    server: Process,
    names: &[&str],
    answers: usize,
    end: fn(Process),
) -> Vec<(String, Told)> {
    let mut client = server.client();
    let (answered, mut count) = mpsc::channel(64);
    let mut players = JoinSet::new();
    for name in names {
        client.deposit(name, 1_000_000).await.unwrap();
        let seat = client.sit(name, ALL_FEEDS).await;
        players.spawn(play(seat, (*name).to_owned(), answered.clone()));
    }
    drop(answered);
    for _ in 0..answers {
        soon(count.recv()).await.expect("players play");
    }
    let ending = tokio::task::spawn_blocking(move || end(server));
    // Their answers are drained while they end.
    while soon(count.recv()).await.is_some() {}
    ending.await.unwrap();
    let mut told = soon(players.join_all()).await;
    told.sort_by(|a, b| a.0.cmp(&b.0));
    told
}

/// That the ledger holds all that `told` says, and no more than was sent.
async fn check(client: &mut Client, name: &str, told: &Told, trades_before: usize, deposits: i32) -> usize {
    let stored = client.trades_of(name).await;
    let numbers: Vec<i64> = stored.iter().map(|trade| trade.number).collect();
    assert_eq!(numbers, (1..).take(stored.len()).collect::<Vec<i64>>(), "{name}");
    for (number, trade) in &told.trades {
        assert_eq!(
            stored.get(usize::try_from(*number).unwrap() - 1),
            Some(trade),
            "{name}: answered"
        );
    }
    assert!(
        stored.len() <= trades_before + told.sent,
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

/// Five times: play, an end by `end` in the middle of it, a restart, and a look at what is there.
///
/// Each stream must end with one of `codes`.
async fn play_on_through(end: fn(Process), codes: &[Code]) {
    const NAMES: [&str; 6] = ["ann", "bob", "cyd", "dan", "eve", "fay"];
    let folder = tempfile::tempdir().unwrap();
    let args = ["--tick", "10ms", "--seed", "3"];
    let mut trades = [0; NAMES.len()];
    for (round, answers) in (1..=5).zip([150, 300, 450, 600, 750]) {
        let server = Process::start(&ledger_in(&folder), &args);
        let told = play_and_end(server, &NAMES, answers, end).await;

        let server = Process::start(&ledger_in(&folder), &args);
        let mut client = server.client();
        let history: BTreeMap<i64, i32> = client.prices().await.into_iter().collect();
        for ((name, told), trades) in told.iter().zip(&mut trades) {
            assert!(codes.contains(&told.ended.unwrap()), "{name}: {:?}", told.ended);
            *trades = check(&mut client, name, told, *trades, round).await;
            for (tick, price) in &told.ticks {
                assert_eq!(history.get(tick), Some(price), "{name}: tick {tick}");
            }
        }
        let numbers: Vec<i64> = history.keys().copied().collect();
        assert_eq!(
            numbers,
            (0..).take(numbers.len()).collect::<Vec<i64>>(),
            "the price goes on"
        );
        stop_in_order(server);
    }
}

/// Stops the server by SIGTERM; it must end in order, with nothing cut.
fn stop_in_order(server: Process) {
    server.terminate();
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("deadline"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_play_it_has_every_answered_action_and_goes_on() {
    // Cut, not ended: the transport says what it saw of that.
    play_on_through(
        Process::kill,
        &[Code::Unknown, Code::Unavailable, Code::Cancelled, Code::Internal],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_in_the_middle_of_play_every_answer_was_true() {
    play_on_through(stop_in_order, &[Code::Unavailable]).await;
}

#[tokio::test]
async fn calls_that_fail_do_not_fill_the_log() {
    const CALLS: usize = 500;
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there.
    let args = ["--payments", "http://127.0.0.1:1", "--tick", "1h"];
    let server = Process::start(&ledger_in(&folder), &args);
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
