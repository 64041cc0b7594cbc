//! The connection to the payments server: URL, certificate authority and secret.

use std::path::PathBuf;

use awesomestock_proto::auth::{SECRET_VARIABLE, SecretError, SharedSecret};
use awesomestock_proto::tls::{self, TlsError};
use awesomestock_proto::{command_line, transport};

use crate::config::payments_endpoint::PaymentsEndpoint;

/// Options for the connection to the payments server.
#[derive(Debug, Clone, clap::Args)]
pub struct PaymentsArgs {
    /// The payments server, which writes the statements. It does not have to be running.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:10001", value_parser = command_line::server_url)]
    pub payments: String,

    /// PEM file with the certificate authority to trust for --payments; by default the system's.
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,

    /// File with the secret for the payments server. Without this option, `PAYMENTS_SECRET` may contain the secret.
    #[arg(long, value_name = "FILE", alias = "secret-file")]
    pub payments_secret_file: Option<PathBuf>,
}

/// Why the TLS files or secrets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// A certificate or private key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The secret would be sent unencrypted.
    #[error(
        "{0} is not encrypted, so the secret sent there could be read by others: use https, or --allow-plaintext \
         if the network is safe by other means"
    )]
    SecretInPlaintext(String),
}

impl PaymentsArgs {
    /// Reads the secret for the payments server, if configured. Fails if it is invalid or cannot be read.
    pub fn secret(&self) -> Result<Option<SharedSecret>, SecretError> {
        let file = self.payments_secret_file.as_deref();
        SharedSecret::read(file, "--payments-secret-file", SECRET_VARIABLE)
    }

    /// Returns a lazy connection to the payments server, which does not have to be running.
    /// Fails if the authority's certificate cannot be used, or the secret would be sent unencrypted.
    pub fn endpoint(
        &self,
        secret: Option<SharedSecret>,
        allow_plaintext: bool,
    ) -> Result<PaymentsEndpoint, SecurityError> {
        let endpoint = tls::endpoint(&self.payments, self.tls_ca.as_deref())?;
        if secret.is_some() && !allow_plaintext && transport::is_plaintext_remote(endpoint.uri()) {
            return Err(SecurityError::SecretInPlaintext(self.payments.clone()));
        }
        Ok(PaymentsEndpoint {
            channel: endpoint.connect_lazy(),
            secret,
        })
    }
}
