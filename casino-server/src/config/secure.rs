//! How the casino's ways to others are secured: its own door, and the way to the payments server.

use std::path::PathBuf;

use awesomestock_proto::{
    credentials::{SecretError, SharedSecret},
    tls::{self, ServerTls, TlsError},
    transport,
};
use clap::builder::BoolishValueParser;

use crate::statements::PaymentsServer;

/// Certificates and secrets, as files.
#[derive(Debug, Clone, clap::Args)]
pub struct Secure {
    /// PEM file of the casino's certificate, followed by those that lead to its authority. Players then play by https.
    #[arg(long, env = "CASINO_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file of the certificate's key.
    #[arg(long, env = "CASINO_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// PEM file of the authority to trust where --payments is https; by default those that the system trusts.
    #[arg(long, env = "CASINO_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,

    /// File of the secret that the payments server wants to be shown; or the secret itself in `PAYMENTS_SECRET`.
    #[arg(
        long,
        env = "CASINO_PAYMENTS_SECRET_FILE",
        value_name = "FILE",
        alias = "secret-file"
    )]
    pub payments_secret_file: Option<PathBuf>,

    /// Do without TLS where others could listen in: on an address that other machines reach, and for the secret.
    #[arg(
        long,
        env = "CASINO_ALLOW_PLAINTEXT",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true
    )]
    pub allow_plaintext: bool,
}

/// Why the casino is not started so.
#[derive(Debug, thiserror::Error)]
pub enum InsecureError {
    /// Certificates are of no use.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The secret is of no use.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The secret would be sent in the open.
    #[error(
        "{payments} is not encrypted, and the secret sent there can be read on the way: use https, or --allow-plaintext \
         if the way is safe by other means"
    )]
    SecretInTheOpen {
        /// The payments server.
        payments: String,
    },
}

impl Secure {
    /// The casino's certificate, if it has one.
    ///
    /// # Errors
    ///
    /// When the files cannot be read, or are no certificate and its key.
    pub fn certificate(&self) -> Result<Option<ServerTls>, TlsError> {
        ServerTls::read_given(self.tls_cert.as_deref(), self.tls_key.as_deref())
    }

    /// The way to the payments server at `url`; it need not be up.
    ///
    /// # Errors
    ///
    /// When the secret or the authority's certificate is of no use, or the secret would be sent in the open.
    pub fn payments(&self, url: &str) -> Result<PaymentsServer, InsecureError> {
        let secret = SharedSecret::read(self.payments_secret_file.as_deref())?;
        let endpoint = tls::endpoint(url, self.tls_ca.as_deref())?;
        if secret.is_some() && !self.allow_plaintext && transport::is_in_the_open(endpoint.uri()) {
            return Err(InsecureError::SecretInTheOpen {
                payments: url.to_owned(),
            });
        }
        Ok(PaymentsServer {
            channel: endpoint.connect_lazy(),
            secret,
        })
    }
}
