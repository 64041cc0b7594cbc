//! The span of each call, in a process of its own: tracing decides once whether a span is of interest, and asks only the
//! thread that comes first.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use awesomestock_proto::server::{ConnectionLimiter, ConnectionLimits, ServedService, serve};
use awesomestock_proto::transport;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::Service;
use tonic::codegen::http::{self, Request};
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_prost::ProstCodec;
use tower::ServiceExt;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

const SERVICE: ServedService = ServedService {
    name: "some.Service",
    descriptors: &[],
};

/// The log, which has a line for each span that ends.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Waits for the next end of a span, and returns its fields.
    async fn next(&self) -> String {
        let next = async {
            loop {
                let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
                if let Some((_, fields)) = text.split_once("call{") {
                    assert_eq!(text.lines().count(), 1, "{text}");
                    return fields.split('}').next().unwrap().to_owned();
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), next)
            .await
            .expect("no span ends")
    }
}

fn checked(service: &str) -> HealthCheckRequest {
    let service = service.to_owned();
    HealthCheckRequest { service }
}

async fn call_unknown_method(channel: Channel) -> Status {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<HealthCheckRequest, HealthCheckResponse>::default();
    let path = http::uri::PathAndQuery::from_static("/some.Service/Nothing");
    let request = tonic::Request::new(HealthCheckRequest::default());
    client.unary(request, path, codec).await.unwrap_err()
}

#[tokio::test]
async fn a_span_ends_with_its_call_and_has_its_status() {
    let lines = Lines::default();
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("awesomestock_proto::server::span=debug"))
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer({
            let lines = lines.clone();
            move || lines.clone()
        });
    let _log = tracing::subscriber::set_default(log.finish());
    let (mut channel, incoming) = transport::pipe();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let (shutdown, routes) = (shutdown.clone(), Routes::default());
        let connections = ConnectionLimiter::new(ConnectionLimits::default());
        async move { serve(SERVICE, routes, incoming, &connections, None, shutdown).await }
    });
    let mut client = HealthClient::new(channel.clone());
    let fields = |method: &str, outcome: &str| {
        let (service, name) = method.split_once('/').unwrap();
        format!(
            "otel.name=\"{method}\" otel.kind=\"server\" rpc.system=\"grpc\" rpc.service=\"{service}\" \
             rpc.method=\"{name}\" {outcome}"
        )
    };
    let check = "grpc.health.v1.Health/Check";

    client.check(checked("")).await.unwrap();
    assert_eq!(lines.next().await, fields(check, "rpc.grpc.status_code=0"));
    // An error of the client, and one of the server.
    client.check(checked("nothing")).await.unwrap_err();
    assert_eq!(lines.next().await, fields(check, "rpc.grpc.status_code=5"));
    call_unknown_method(channel.clone()).await;
    let outcome = "rpc.grpc.status_code=12 otel.status_code=\"ERROR\"";
    assert_eq!(lines.next().await, fields("some.Service/Nothing", outcome));

    // A request that is not gRPC has no span; the next line is of the stream, which its client drops.
    let get = Request::get("http://x/").body(Body::empty()).unwrap();
    channel.ready().await.unwrap().call(get).await.unwrap();
    let watch = "grpc.health.v1.Health/Watch";
    let mut open = client.watch(checked("")).await.unwrap().into_inner();
    open.message().await.unwrap().unwrap();
    drop(open);
    assert_eq!(lines.next().await, fields(watch, "rpc.grpc.status_code=1"));

    // A stream that the server ends.
    let mut open = client.watch(checked("")).await.unwrap().into_inner();
    shutdown.cancel();
    while open.message().await.unwrap().is_some() {}
    assert_eq!(lines.next().await, fields(watch, "rpc.grpc.status_code=0"));
    serving.await.unwrap().unwrap();
}
