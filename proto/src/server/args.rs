//! Command-line options that both servers have.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use super::ConnectionLimits;
use crate::command_line::{self, BooleanOption};
use crate::tls::{ServerTls, TlsError};

/// Limits of connections, and TLS.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerArgs {
    /// Maximum number of open connections, 1 to 1,000,000
    #[arg(
        long,
        value_name = "N",
        default_value_t = ConnectionLimits::MAX,
        value_parser = |text: &str| command_line::number::<usize>(text, &(1..=1_000_000))
    )]
    pub max_connections: usize,

    /// Maximum number of open connections from one address or one IPv6 network (/64), at most 1,000,000; 0: no limit.
    /// Connections from this machine are never limited
    #[arg(
        long,
        value_name = "N",
        default_value_t = ConnectionLimits::MAX_PER_ADDRESS,
        value_parser = |text: &str| command_line::number::<usize>(text, &(0..=1_000_000))
    )]
    pub max_connections_per_address: usize,

    /// Time after which a client that reads less than 16 KiB of its pending data is disconnected, 100ms to 1h
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = |text: &str| command_line::duration(text, &ConnectionLimits::STALL)
    )]
    pub stall: Duration,

    /// PEM file with the server's certificate chain; needs --tls-key. Clients then connect by https
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Format of the log on standard error: text, or json with one object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// Allow plaintext where others could read it: on an address that other machines reach, and for secrets
    #[arg(long, boolean(), default_value = "false")]
    pub allow_plaintext: bool,
}

/// Format of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// A line of text for each event.
    Text,
    /// A JSON object on one line for each event.
    Json,
}

impl ServerArgs {
    /// Returns the limits of connections; those without an option have their defaults.
    #[must_use]
    pub fn connections(&self) -> ConnectionLimits {
        ConnectionLimits {
            max: self.max_connections,
            max_per_address: NonZero::new(self.max_connections_per_address),
            stall: self.stall,
            ..ConnectionLimits::default()
        }
    }

    /// Reads the certificate and its private key, if they are configured.
    ///
    /// # Errors
    ///
    /// The files cannot be read or do not match.
    pub fn certificate(&self) -> Result<Option<ServerTls>, TlsError> {
        let Some((cert, key)) = self.tls_cert.as_deref().zip(self.tls_key.as_deref()) else {
            return Ok(None);
        };
        let read = ServerTls::read(cert, key).map_err(|error| {
            let option = match &error {
                TlsError::BadIdentity { .. } => "--tls-cert, --tls-key",
                TlsError::Unreadable { path, .. } if path == key => "--tls-key",
                _ => "--tls-cert",
            };
            error.in_option(option)
        });
        read.map(Some)
    }
}
