//! The metrics page of the real server: its content, and that it is off by default.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use awesomestock_proto::EXECUTED_MESSAGE;
use support::process::{self, CasinoProcess};
use support::{CasinoClientExt, buy, ledger_path, sell, with_timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Starts a casino with a fixed price and returns the address of its metrics.
fn server(folder: &tempfile::TempDir) -> (CasinoProcess, String) {
    let args = ["--metrics", "127.0.0.1:0", "--tick", "1h"];
    let server = CasinoProcess::start(&ledger_path(folder), &args);
    let url = server.wait_for_log("metrics at http://");
    let address = url.strip_suffix("/metrics").unwrap().to_owned();
    (server, address)
}

/// Sends `request` and returns everything until the server closes the connection.
async fn answer(address: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    with_timeout(socket.read_to_string(&mut answer)).await.unwrap();
    answer
}

/// Fetches the page and returns its values by metric.
async fn metrics(address: &str) -> BTreeMap<String, f64> {
    let page = answer(
        address,
        "GET /metrics HTTP/1.1\r\nhost: x\r\naccept: application/openmetrics-text\r\n\r\n",
    )
    .await;
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(
        head.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{head}"
    );
    assert!(body.ends_with("# EOF\n"), "{body}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("casino_"), "{line}");
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn the_dashboard_and_the_alerts_name_metrics_that_exist() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, address) = server(&folder);
    let page = metrics(&address).await;
    let known: BTreeSet<&str> = page.keys().map(|key| key.split('{').next().unwrap()).collect();
    let read = |name: &str| {
        let monitoring = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/monitoring/");
        fs::read_to_string([monitoring, name].concat()).unwrap()
    };
    let (dashboard, alerts) = (read("dashboard.json"), read("alerts.yaml"));
    let mut named = BTreeSet::new();
    for text in [&dashboard, &alerts] {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        named.extend(words.filter(|word| word.starts_with("casino_")));
    }
    let unknown: Vec<_> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not in {known:?}");
    assert!(named.len() > 10, "{named:?}");

    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        let targets = panel["targets"].as_array().unwrap();
        let has_metric = |target: &serde_json::Value| target["expr"].as_str().unwrap().contains("casino_");
        assert!(!targets.is_empty() && targets.iter().all(has_metric), "{panel}");
    }
}

#[tokio::test]
async fn activity_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = server(&folder);
    let before = metrics(&address).await;
    for name in [
        "casino_queue_entries",
        "casino_seats",
        "casino_connections",
        "casino_actions_executed_total",
        "casino_actions_refused_total",
        "casino_payments_total",
        "casino_ticks_total",
        "casino_batches_failed_total",
        "casino_seats_lagged_total",
        "casino_prices_skipped_total",
        "casino_seats_closed_total",
        "casino_batch_entries_count",
        "casino_commit_seconds_count",
    ] {
        assert_eq!(before.get(name), Some(&0.0), "{name}");
    }

    let mut client = server.client();
    client.deposit("ann", 100).await.unwrap();
    let mut session = client.open_session("ann", "").await;
    for _ in 0..3 {
        assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    }
    assert_ne!(session.execute(sell("ann", 4)).await, EXECUTED_MESSAGE);
    assert_ne!(session.execute(sell("no name", 1)).await, EXECUTED_MESSAGE);
    let _idle = client.open_session("bob", "").await;

    let after = metrics(&address).await;
    for (name, expected) in [
        ("casino_queue_entries", 0.0),
        ("casino_seats", 2.0),
        ("casino_connections", 1.0),
        ("casino_actions_executed_total", 3.0),
        ("casino_actions_refused_total", 2.0),
        ("casino_payments_total", 1.0),
        ("casino_batch_entries_count", 4.0),
        ("casino_batch_entries_sum", 4.0),
        ("casino_commit_seconds_count", 4.0),
    ] {
        assert_eq!(after.get(name), Some(&expected), "{name}");
    }
    assert!(after["casino_commit_seconds_sum"] > 0.0);
}

#[tokio::test]
async fn unfinished_requests_do_not_delay_a_scrape() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, address) = server(&folder);
    for unfinished in [40, 200] {
        let mut open = Vec::new();
        for _ in 0..unfinished {
            let mut socket = TcpStream::connect(&address).await.unwrap();
            socket.write_all(b"GET /metrics HTTP/1.1\r\n").await.unwrap();
            open.push(socket);
        }
        let start = Instant::now();
        metrics(&address).await;
        let elapsed = start.elapsed();
        assert!(elapsed < Duration::from_secs(3), "{unfinished}: {elapsed:?}");
        for mut socket in open {
            // Each is closed at its deadline or by a later connection.
            let _ = with_timeout(socket.read_to_end(&mut Vec::new())).await;
        }
    }
}

#[tokio::test]
async fn other_paths_and_methods_get_an_http_status() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, address) = server(&folder);
    for (request, status) in [
        ("GET / HTTP/1.1", "404"),
        ("POST /metrics HTTP/1.1", "405"),
        ("HEAD /metrics HTTP/1.1", "200"),
        ("nonsense", "400"),
    ] {
        let answer = answer(&address, &format!("{request}\r\nhost: x\r\n\r\n")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
    }
}

#[test]
fn a_metrics_address_in_use_is_an_error_at_startup() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let store = format!("sqlite:{}", ledger_path(&folder).display());
    let args = [
        "--listen",
        "127.0.0.1:0",
        "--store",
        &store,
        "--metrics",
        &address,
    ];
    let (code, stdout, stderr) = process::run(&args);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    let message = format!("casino-server: cannot serve metrics on {address}: ");
    assert!(stderr.contains(&message), "{stderr}");
    assert!(!ledger_path(&folder).exists());
}

#[tokio::test]
async fn the_client_chooses_the_format() {
    const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
    let folder = tempfile::tempdir().unwrap();
    let (_server, address) = server(&folder);
    let mut plain = String::new();
    for (accept, expected) in [
        ("", PLAIN),
        ("accept: */*\r\n", PLAIN),
        ("accept: text/plain\r\n", PLAIN),
        ("accept: text/html, text/*;q=0.5\r\n", PLAIN),
        ("accept: application/openmetrics-text\r\n", OPEN),
        (
            "accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n",
            OPEN,
        ),
        (
            "accept: application/openmetrics-text;q=0.2,text/plain;q=0.5\r\n",
            PLAIN,
        ),
        ("accept: application/openmetrics-text;q=0\r\n", PLAIN),
        (
            "accept: text/plain;q=0.4\r\naccept: application/openmetrics-text;q=0.9\r\n",
            OPEN,
        ),
    ] {
        let request = format!("GET /metrics HTTP/1.1\r\nhost: x\r\n{accept}\r\n");
        let page = answer(&address, &request).await;
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-type: {expected}")),
            "{accept:?}: {head}"
        );
        assert_eq!(body.ends_with("# EOF\n"), expected == OPEN, "{accept:?}");
        if expected == PLAIN {
            plain = body.to_owned();
        }
    }
    // Counter names end in _total in both formats.
    assert!(
        plain.contains("# TYPE casino_ticks_total counter\n") && plain.contains("\ncasino_ticks_total 0\n")
    );
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    match promtool {
        Ok(mut promtool) => {
            promtool
                .stdin
                .take()
                .unwrap()
                .write_all(plain.as_bytes())
                .unwrap();
            let output = promtool.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        Err(error) => eprintln!("skipped: promtool: {error}"),
    }
}
