//! A collector of OpenTelemetry spans on a real socket.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// More spans than a test makes.
const SPANS_MAX: usize = 1_000;

/// A collector, and the spans that it received.
pub(crate) struct Collector {
    pub(crate) url: String,
    spans: mpsc::Receiver<ReceivedSpan>,
}

/// A span, and the service that sent it.
#[derive(Debug)]
pub(crate) struct ReceivedSpan {
    pub(crate) service: String,
    pub(crate) span: Span,
}

struct Receiver(mpsc::Sender<ReceivedSpan>);

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, spans) = mpsc::channel(SPANS_MAX);
        let service = TraceServiceServer::new(Receiver(sender));
        let server = Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { url, spans }
    }

    /// Waits for the next span. Fails the test after 60 seconds.
    pub(crate) async fn next(&mut self) -> ReceivedSpan {
        let span = tokio::time::timeout(Duration::from_secs(60), self.spans.recv());
        span.await.expect("no span arrives").unwrap()
    }

    /// Returns the number of spans that arrived and were not taken.
    pub(crate) fn waiting(&self) -> usize {
        self.spans.len()
    }
}

impl ReceivedSpan {
    /// Returns a text or a number, or nothing if the attribute is missing.
    pub(crate) fn attribute(&self, key: &str) -> String {
        attribute(&self.span.attributes, key)
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource_spans in request.into_inner().resource_spans {
            let resource = resource_spans.resource.unwrap_or_default();
            let service = attribute(&resource.attributes, "service.name");
            for span in resource_spans
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                let service = service.clone();
                self.0.try_send(ReceivedSpan { service, span }).unwrap();
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    let value = found.and_then(|attribute| attribute.value.clone()?.value);
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Writes an ID as in `traceparent`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
