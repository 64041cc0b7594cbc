//! The export of spans with OpenTelemetry: the binary and a collector on real sockets.

#[path = "../../proto/tests/support/otlp.rs"]
mod otlp;
mod support;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::payment_statements::payment_statements_server::{
    PaymentStatements, PaymentStatementsServer,
};
use awesomestock_proto::transport;
use awesomestock_proto::types::{Payment, PaymentStatement};
use otlp::Collector;
use rustix::process::{Pid, Signal, kill_process};
use support::{ALL_FEEDS, CasinoClientExt, buy, process, user};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// A payments server whose statement is the `traceparent` of the call.
struct Traceparent;

#[tonic::async_trait]
impl PaymentStatements for Traceparent {
    async fn create_statement(
        &self,
        request: Request<Streaming<Payment>>,
    ) -> Result<Response<PaymentStatement>, Status> {
        let traceparent = request.metadata().get("traceparent").unwrap();
        let data = traceparent.to_str().unwrap().to_owned();
        Ok(Response::new(PaymentStatement { data }))
    }
}

async fn payments_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder().add_service(PaymentStatementsServer::new(Traceparent));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    url
}

#[tokio::test]
async fn a_session_is_one_span_and_the_payments_server_continues_the_trace_of_a_statement() {
    let mut collector = Collector::start().await;
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("casino.db").display());
    let payments = payments_server().await;
    let mut command = process::command(&["--listen", "127.0.0.1:0", "--store", &store]);
    command.args(["--tick", "50ms", "--payments", &payments]);
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
    let statement = client.get_payment_statement(user("ann")).await.unwrap();
    let traceparent = statement.into_inner().data;
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    let ended = tokio::task::spawn_blocking(move || server.wait().unwrap());
    assert!(ended.await.unwrap().success());

    for (method, code) in [
        ("BuyTokens", "0"),
        ("BuyTokens", "3"),
        ("Gamble", "0"),
        ("GetPaymentStatement", "0"),
    ] {
        let span = collector.next().await;
        assert_eq!(span.service, "casino-server");
        assert_eq!(span.span.name, format!("casino.Casino/{method}"));
        assert_eq!(span.attribute("rpc.grpc.status_code"), code, "{method}");
        assert!(
            span.span.parent_span_id.is_empty()
                && span.span.end_time_unix_nano > span.span.start_time_unix_nano
        );
        if method == "GetPaymentStatement" {
            let [trace, span] = [&span.span.trace_id, &span.span.span_id].map(|id| otlp::hex(id));
            assert_eq!(traceparent, format!("00-{trace}-{span}-01"));
        }
    }
    assert_eq!(collector.waiting(), 0);
}
