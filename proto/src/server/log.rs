//! The log of a server, and the export of its spans.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::args::LogFormat;
use super::otel::{ExportError, Exporter};
use super::span;

/// A log that was started.
#[derive(Debug)]
#[must_use = "close it, so that the last spans are exported"]
pub struct Log {
    exporter: Option<Exporter>,
}

/// A log that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The process has a log already.
    #[error("cannot start the log")]
    Start(#[from] TryInitError),
    /// A variable of the export is not valid.
    #[error(transparent)]
    Export(#[from] ExportError),
}

impl LogError {
    /// Returns whether an environment variable is not valid.
    #[must_use]
    pub fn is_from_variable(&self) -> bool {
        matches!(self, Self::Export(_))
    }
}

impl Log {
    /// Starts the log of this process on standard error, in a tokio runtime. With the feature `otel`, a span of each
    /// call is exported if `OTEL_EXPORTER_OTLP_ENDPOINT` is set; `program` is the default of its service name.
    ///
    /// # Errors
    ///
    /// A variable of the export is not valid, or the process has a log already.
    pub fn start(program: &'static str, filter: EnvFilter, format: LogFormat) -> Result<Self, LogError> {
        // A closed terminal is not a reason to panic.
        let lines = fmt::layer().log_internal_errors(false).with_writer(io::stderr);
        let lines = match format {
            LogFormat::Text => lines.with_filter(filter).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        };
        let exporter = Exporter::from_environment(program)?;
        let calls = Targets::new().with_target(span::TARGET, LevelFilter::DEBUG);
        let exported = exporter
            .as_ref()
            .map(|exporter| exporter.layer().with_filter(calls).boxed());
        let layers: Vec<_> = [Some(lines), exported].into_iter().flatten().collect();
        tracing_subscriber::registry().with(layers).try_init()?;
        Ok(Self { exporter })
    }

    /// Exports the last spans, for at most 3 s. The log stays.
    pub async fn close(self) {
        if let Some(exporter) = self.exporter {
            exporter.flush().await;
        }
    }
}
