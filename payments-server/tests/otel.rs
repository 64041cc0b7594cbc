//! The export of spans with OpenTelemetry: the binary and a collector on real sockets.

mod common;
#[path = "../../proto/tests/support/otlp.rs"]
mod otlp;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use awesomestock_proto::payment_statements::payment_statements_client::PaymentStatementsClient;
use awesomestock_proto::transport;
use awesomestock_proto::types::Payment;
use common::payment;
use otlp::{Collector, hex};
use rustix::process::{Pid, Signal, kill_process};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

const METHOD: &str = "payment_statements.PaymentStatements/CreateStatement";

/// A trace, and the caller's span in it.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payments-server"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("PAYMENTS_") || name.starts_with("OTEL_"))
    {
        command.env_remove(name);
    }
    command
        .args(["--listen", "127.0.0.1:0"])
        .envs(variables.iter().copied());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts a server with `variables`, and connects to it.
fn start(variables: &[(&str, &str)]) -> (Child, Channel) {
    let mut server = command(variables).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    let url = format!("http://{}", ready.trim().rsplit(' ').next().unwrap());
    (server, transport::endpoint(&url).unwrap().connect_lazy())
}

/// Sends SIGTERM, and returns the log after a clean end.
async fn stop(mut server: Child) -> String {
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    // Elsewhere, because the collector answers in this runtime.
    let ended = tokio::task::spawn_blocking(move || {
        let mut log = String::new();
        server.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(server.wait().unwrap().success(), "{log}");
        log
    });
    ended.await.unwrap()
}

async fn create_statement(
    channel: &Channel,
    payment: Payment,
    traceparent: Option<&'static str>,
) -> Result<(), Status> {
    let mut request = Request::new(tokio_stream::iter([payment]));
    if let Some(traceparent) = traceparent {
        request
            .metadata_mut()
            .insert("traceparent", traceparent.parse().unwrap());
    }
    let mut client = PaymentStatementsClient::new(channel.clone());
    client.create_statement(request).await.map(drop)
}

#[tokio::test]
async fn a_span_of_each_call_is_exported_at_the_latest_when_the_server_ends() {
    let mut collector = Collector::start().await;
    let (server, channel) = start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)]);
    create_statement(&channel, payment("ann", -10, 1), Some(TRACEPARENT))
        .await
        .unwrap();
    let error = create_statement(&channel, payment("", -10, 1), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let log = stop(server).await;
    // As without an export.
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(
        log.contains("SIGTERM: stopping") && log.contains("stopped"),
        "{log}"
    );

    let executed = collector.next().await;
    assert_eq!(
        (executed.service.as_str(), executed.span.name.as_str()),
        ("payments-server", METHOD)
    );
    assert_eq!(hex(&executed.span.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(hex(&executed.span.parent_span_id), "00f067aa0ba902b7");
    let rejected = collector.next().await;
    assert_eq!(hex(&rejected.span.parent_span_id), "", "it begins a trace");
    for (span, code) in [(&executed, "0"), (&rejected, "3")] {
        for (key, value) in [
            ("rpc.system", "grpc"),
            ("rpc.service", "payment_statements.PaymentStatements"),
            ("rpc.method", "CreateStatement"),
            ("rpc.grpc.status_code", code),
        ] {
            assert_eq!(span.attribute(key), value, "{key}");
        }
        assert_eq!(span.span.kind().as_str_name(), "SPAN_KIND_SERVER");
        assert!(span.span.end_time_unix_nano > span.span.start_time_unix_nano);
    }
    assert_eq!(collector.waiting(), 0);
}

#[tokio::test]
async fn spans_are_exported_while_the_server_runs() {
    let mut collector = Collector::start().await;
    let (server, channel) = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
        ("OTEL_SERVICE_NAME", "till"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ]);
    create_statement(&channel, payment("ann", -10, 1), None)
        .await
        .unwrap();
    assert_eq!(collector.next().await.service, "till");
    stop(server).await;
}

#[tokio::test]
async fn without_a_collector_calls_work_and_the_server_ends() {
    // The variables are empty, or nobody listens at the port.
    for (url, warnings) in [("", 0), ("http://127.0.0.1:1", 1)] {
        let (server, channel) = start(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
        ]);
        for number in 1..=3 {
            create_statement(&channel, payment("ann", -10, number), None)
                .await
                .unwrap();
        }
        let log = stop(server).await;
        assert_eq!(log.matches("cannot export spans").count(), warnings, "{log}");
    }
}

#[test]
fn an_invalid_address_is_wrong_usage() {
    for variable in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        for url in ["localhost:4317", "http://u:SEKRET@h:4317", "ftp://h"] {
            let output = command(&[(variable, url)]).output().unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{error}");
            let expected = format!("payments-server: invalid value for {variable}: expected a URL");
            assert!(
                error.starts_with(&expected) && !error.contains("SEKRET"),
                "{error}"
            );
        }
    }
}
