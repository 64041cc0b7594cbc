//! The `tracing` span of a call, with the attributes that OpenTelemetry defines for gRPC.

use tonic::codegen::http::{HeaderMap, Request};
use tonic::{Code, Status};
use tracing::Span;
use tracing::field::Empty;

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
