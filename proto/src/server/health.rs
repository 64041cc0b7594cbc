//! A client of the gRPC health service, for the servers' `healthcheck` commands.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::command_line;
use crate::tls::{self, TlsError};

/// Time for connection and answer together.
const DEADLINE: Duration = Duration::from_secs(3);

/// Arguments of a `healthcheck` command.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct HealthArgs {
    /// The server: http://HOST:PORT or https://HOST:PORT; by default the address of --listen, without TLS
    #[arg(value_parser = command_line::server_url)]
    pub url: Option<String>,

    /// PEM file with the certificate authority to trust; by default the system's
    #[arg(long, value_name = "FILE", alias = "tls-ca")]
    pub ca: Option<PathBuf>,
}

/// A server that does not serve, or does not answer.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The URL or the certificate authority is not valid.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The call failed.
    #[error("{url} does not answer: {}", tls::explain(.status).unwrap_or_else(|| .status.message().to_owned()))]
    Call {
        /// The server.
        url: String,
        /// The failure.
        status: Status,
    },
    /// No answer in time.
    #[error("{0} does not answer within {DEADLINE:?}")]
    Deadline(String),
    /// The server is shutting down.
    #[error("{0} is not serving")]
    NotServing(String),
    /// The call could not be started.
    #[error("cannot start the runtime")]
    Runtime(#[from] io::Error),
}

impl HealthArgs {
    /// Checks the server, which by default is the one that listens on `listen` of this machine.
    ///
    /// # Errors
    ///
    /// The server is not serving, or does not answer within 3 s.
    pub fn check(&self, listen: &str) -> Result<(), HealthError> {
        let url = self.url.clone().unwrap_or_else(|| local_url(listen));
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(self.call(url))
    }

    async fn call(&self, url: String) -> Result<(), HealthError> {
        let endpoint = tls::endpoint(&url, self.ca.as_deref()).map_err(|error| error.in_option("--ca"))?;
        let mut client = HealthClient::new(endpoint.connect_lazy());
        let answer = tokio::time::timeout(DEADLINE, client.check(HealthCheckRequest::default())).await;
        match answer {
            Err(_) => Err(HealthError::Deadline(url)),
            Ok(Err(status)) => Err(HealthError::Call { url, status }),
            Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => Ok(()),
            Ok(Ok(_)) => Err(HealthError::NotServing(url)),
        }
    }
}

/// Returns the URL of a server of this machine that listens on `listen`, without TLS.
#[must_use]
pub fn local_url(listen: &str) -> String {
    let (host, port) = listen.rsplit_once(':').unwrap_or((listen, ""));
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        host => host,
    };
    format!("http://{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_address_is_checked_on_loopback() {
        for (listen, url) in [
            ("0.0.0.0:10000", "http://127.0.0.1:10000"),
            ("[::]:10001", "http://[::1]:10001"),
            ("casino.example:10000", "http://casino.example:10000"),
        ] {
            assert_eq!(local_url(listen), url);
        }
    }
}
