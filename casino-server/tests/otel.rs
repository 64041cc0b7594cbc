//! The export of spans with OpenTelemetry: the binary and a collector on real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used)] // The lint exemption for tests does not cover helper functions.

#[path = "../../proto/tests/support/otlp.rs"]
mod otlp;
mod support;

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use awesomestock_proto::{casino::casino_client::CasinoClient, transport};
use otlp::Collector;
use rustix::process::{Pid, Signal, kill_process};
use support::{ALL_FEEDS, CasinoClientExt, buy, process};

#[tokio::test]
async fn a_session_of_many_messages_is_one_span() {
    let mut collector = Collector::start().await;
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("casino.db").display());
    let mut command = process::command(&["--listen", "127.0.0.1:0", "--store", &store, "--tick", "50ms"]);
    let mut server = command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    let url = format!("http://{}", ready.trim().rsplit(' ').next().unwrap());
    let mut client = CasinoClient::new(transport::endpoint(&url).unwrap().connect_lazy());

    client.deposit("ann", 100).await.unwrap();
    client.deposit("ann", -1).await.unwrap_err();
    let mut session = client.open_session("ann", ALL_FEEDS).await;
    for _ in 0..3 {
        session.execute(buy("ann", 1)).await;
    }
    session.half_close();
    assert!(session.result_or_end().await.unwrap().is_none());
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    let ended = tokio::task::spawn_blocking(move || server.wait().unwrap());
    assert!(ended.await.unwrap().success());

    for (method, code) in [("BuyTokens", "0"), ("BuyTokens", "3"), ("Gamble", "0")] {
        let span = collector.next().await;
        assert_eq!(span.service, "casino-server");
        assert_eq!(span.span.name, format!("casino.Casino/{method}"));
        assert_eq!(span.attribute("rpc.grpc.status_code"), code, "{method}");
        assert!(
            span.span.parent_span_id.is_empty()
                && span.span.end_time_unix_nano > span.span.start_time_unix_nano
        );
    }
    assert_eq!(collector.waiting(), 0);
}
