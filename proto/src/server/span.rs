//! The `tracing` span of a call, with the attributes that OpenTelemetry defines for gRPC.

use tonic::{
    Code, Status,
    codegen::http::{HeaderMap, Request},
};
use tracing::{Span, field::Empty};

use super::otel;

/// Target of the spans, for filters.
pub(super) const TARGET: &str = module_path!();

/// The span of one call: from its request to the end of its response, also if that is a long stream. It has the level
/// `debug`.
#[derive(Debug)]
pub(super) struct CallSpan {
    span: Span,
    /// `Cancelled` until the server has sent a status.
    code: Code,
}

impl CallSpan {
    /// Starts the span; returns `None` if neither the log nor an exporter selects it.
    pub(super) fn start<B>(request: &Request<B>) -> Option<Self> {
        let path = request.uri().path().trim_start_matches('/');
        let (service, method) = path.rsplit_once('/').unwrap_or((path, ""));
        let span = tracing::debug_span!(
            "call",
            otel.name = path,
            otel.kind = "server",
            otel.status_code = Empty,
            rpc.system = "grpc",
            rpc.service = service,
            rpc.method = method,
            rpc.grpc.status_code = Empty,
        );
        if span.is_disabled() {
            return None;
        }
        otel::set_parent(&span, request.headers());
        let code = Code::Cancelled;
        Some(Self { span, code })
    }

    /// Returns the span, for the work of the call.
    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// Reads the status from the headers or the trailers of the response, if they contain one.
    pub(super) fn read_status(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get(Status::GRPC_STATUS) {
            self.code = Code::from_bytes(code.as_bytes());
        }
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        // Entered, because an exported span ends when it was last left.
        let _entered = self.span.enter();
        self.span.record("rpc.grpc.status_code", i32::from(self.code));
        if is_server_error(self.code) {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

/// Returns whether OpenTelemetry counts `code` as an error of the server rather than of its client.
fn is_server_error(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use tokio_util::sync::CancellationToken;
    use tonic::{
        body::Body,
        client::Grpc,
        codegen::{Service, http},
        service::Routes,
        transport::Channel,
    };
    use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_client::HealthClient};
    use tonic_prost::ProstCodec;
    use tower::ServiceExt;
    use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan};

    use super::*;
    use crate::{
        server::{ConnectionLimiter, ConnectionLimits, ServedService, serve},
        transport,
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
            loop {
                let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
                if let Some((_, fields)) = text.split_once("call{") {
                    assert_eq!(text.lines().count(), 1, "{text}");
                    return fields.split('}').next().unwrap().to_owned();
                }
                tokio::task::yield_now().await;
            }
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
            .with_env_filter(EnvFilter::new(format!("{TARGET}=debug")))
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
            async move {
                serve(
                    ServedService::TEST,
                    routes,
                    incoming,
                    &connections,
                    None,
                    shutdown,
                )
                .await
            }
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
}
