//! Export of spans with OpenTelemetry, configured by the environment variables of its specification.

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{
    ExporterBuildError, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, WithExportConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tonic::codegen::http::{HeaderMap, HeaderName};
use tonic::metadata::{AsciiMetadataKey, MetadataMap};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::command_line;

/// Variables of the collector's URL. The first that is set counts.
const ENDPOINTS: [&str; 2] = [OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT];

const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// Longest wait for the last spans to be exported.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// A variable that is not valid.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The collector's URL, which may contain a secret.
    #[error("invalid value for {0}: {1}")]
    Endpoint(&'static str, String),
    /// Another setting of the export.
    #[error(transparent)]
    Settings(#[from] ExporterBuildError),
}

/// Sends spans to a collector, in batches and in the background. Spans are dropped if the collector does not take them.
#[derive(Debug)]
pub(super) struct Exporter {
    provider: SdkTracerProvider,
    program: &'static str,
}

impl Exporter {
    /// Creates the exporter in the current runtime; returns `None` if no variable names a collector.
    pub(super) fn from_environment(program: &'static str) -> Result<Option<Self>, ExportError> {
        let value = |name| env::var_os(name).filter(|value| !value.is_empty());
        let given = ENDPOINTS.into_iter().find_map(|name| Some((name, value(name)?)));
        let Some((variable, url)) = given else {
            return Ok(None);
        };
        let url = command_line::server_url(&url.to_string_lossy())
            .map_err(|expected| ExportError::Endpoint(variable, expected))?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(url)
            .build()?;
        let resource = Resource::builder_empty()
            .with_service_name(program)
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_detector(Box::new(EnvResourceDetector::new()));
        let resource = match value(SERVICE_NAME) {
            Some(name) => resource.with_service_name(name.to_string_lossy().into_owned()),
            None => resource,
        };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(LoggedExporter {
                exporter,
                is_failing: AtomicBool::new(false),
            })
            .build();
        Ok(Some(Self { provider, program }))
    }

    /// Returns the layer that exports all spans it gets.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(self.program))
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
    }

    /// Exports the spans that have ended, for at most [`FLUSH_TIMEOUT`]. Later spans are dropped.
    pub(super) async fn flush(self) {
        let flush = move || self.provider.shutdown_with_timeout(FLUSH_TIMEOUT);
        // Elsewhere, as it blocks until this runtime has sent the spans.
        if let Ok(Err(error)) = tokio::task::spawn_blocking(flush).await {
            tracing::warn!(%error, "the last spans are not exported");
        }
    }
}

/// Makes `span` a part of the trace that the caller's metadata names, if it names one. `span` has not been entered yet.
pub(super) fn set_parent(span: &Span, metadata: &HeaderMap) {
    let parent = TraceContextPropagator::new().extract(&Metadata(metadata));
    // Only fails without an exporter.
    let _ = span.set_parent(parent);
}

/// Adds the current call to the metadata of a call that it makes to another server, which becomes a part of its trace.
pub fn continue_trace(metadata: &mut MetadataMap) {
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut NewMetadata(metadata));
}

struct Metadata<'a>(&'a HeaderMap);

struct NewMetadata<'a>(&'a mut MetadataMap);

impl Injector for NewMetadata<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (AsciiMetadataKey::from_bytes(key.as_bytes()), value.parse()) {
            self.0.insert(key, value);
        }
    }
}

impl Extractor for Metadata<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Logs the first failed export, and the first that works again.
#[derive(Debug)]
struct LoggedExporter {
    exporter: opentelemetry_otlp::SpanExporter,
    is_failing: AtomicBool,
}

impl SpanExporter for LoggedExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exported = self.exporter.export(batch).await;
        let was_failing = self.is_failing.swap(exported.is_err(), Ordering::Relaxed);
        match &exported {
            Err(error) if !was_failing => tracing::warn!(%error, "cannot export spans"),
            Ok(()) if was_failing => tracing::info!("spans are exported again"),
            _ => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
