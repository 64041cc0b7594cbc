//! TLS of clients and servers, from PEM files that are checked when they are read, and explanations of failed
//! handshakes.

mod server;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, InvalidMessage};
use tonic::Status;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

pub use self::server::ServerTls;
pub(crate) use self::server::{CertificateWatch, TlsIo};
use crate::{command_line, transport};

/// Handshake timeout of a client.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// A failure to set up TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {path}", path = command_line::secret_path(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file has no certificate.
    #[error("{path} has no PEM certificate", path = command_line::secret_path(path))]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key are invalid, or do not match.
    #[error("{cert} and {key} are not a matching certificate and private key", cert = cert.display(), key = key.display())]
    BadIdentity {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The reason.
        source: rustls::Error,
    },
    /// The file of an option cannot be used.
    #[error("{option}")]
    Option {
        /// The option, such as `--tls-ca`.
        option: &'static str,
        /// The reason.
        source: Box<Self>,
    },
    /// TLS cannot be used at all.
    #[error("cannot set up TLS")]
    Setup(#[source] rustls::Error),
    /// The system has no usable certificate authorities.
    #[error(
        "cannot use the system's certificate authorities: install ca-certificates, or name one with --tls-ca FILE"
    )]
    Authorities(#[source] tonic::transport::Error),
    /// The URL is invalid or cannot be used.
    #[error("cannot use the URL")]
    Endpoint(#[from] tonic::transport::Error),
}

impl TlsError {
    /// Names the option of the file that cannot be used.
    #[must_use]
    pub fn in_option(self, option: &'static str) -> Self {
        match self {
            Self::Option { source, .. } => Self::Option { option, source },
            Self::Unreadable { .. } | Self::NoCertificate { .. } | Self::BadIdentity { .. } => Self::Option {
                option,
                source: Box::new(self),
            },
            Self::Setup(_) | Self::Authorities(_) | Self::Endpoint(_) => self,
        }
    }
}

/// Creates an endpoint for `url`, `http://HOST:PORT` or `https://HOST:PORT`, with the transport settings of
/// all clients. For https only the certificate authority in `ca` is trusted, or the system's authorities
/// without it.
///
/// # Errors
///
/// `url` is invalid, the system has no authorities, or `ca` cannot be read, which is the file of `--tls-ca`.
pub fn endpoint(url: &str, ca: Option<&Path>) -> Result<Endpoint, TlsError> {
    let endpoint = transport::endpoint(url)?;
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(endpoint);
    }
    let config = ClientTlsConfig::new().timeout(HANDSHAKE_DEADLINE);
    match ca {
        Some(path) => {
            let pem = certificates(path).map_err(|error| error.in_option("--tls-ca"))?;
            Ok(endpoint.tls_config(config.ca_certificate(Certificate::from_pem(pem)))?)
        }
        None => endpoint
            .tls_config(config.with_native_roots())
            .map_err(TlsError::Authorities),
    }
}

/// Reads a file with at least one certificate.
fn certificates(path: &Path) -> Result<Vec<u8>, TlsError> {
    let pem = read(path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(pem),
        _ => Err(TlsError::NoCertificate {
            path: path.to_owned(),
        }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Explains a failed first call, if only one side uses TLS or a certificate is not trusted. After a first
/// answer use [`tls_cause`], as a closed connection then has other causes.
#[must_use]
pub fn explain(status: &Status) -> Option<String> {
    tls_cause(status).or_else(|| find_in_chain(status, plaintext_hint))
}

/// Returns the TLS error of a failed call, if there is one.
#[must_use]
pub fn tls_cause(status: &Status) -> Option<String> {
    find_in_chain(status, |error| error.downcast_ref().map(describe))
}

/// Returns the first explanation of a cause of `status`.
fn find_in_chain(status: &Status, text: fn(&(dyn Error + 'static)) -> Option<String>) -> Option<String> {
    std::iter::successors(status.source(), |&error| cause(error)).find_map(text)
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        // Its inner error is not among its sources.
        Some(error) => Some(error.get_ref()?),
        None => error.source(),
    }
}

fn plaintext_hint(error: &(dyn Error + 'static)) -> Option<String> {
    let looks_like_tls = error.downcast_ref().is_some_and(is_gone)
        || error.downcast_ref().is_some_and(looks_like_tls)
        || CLOSED.contains(&error.to_string().as_str());
    looks_like_tls.then(|| format!("{error}; if the server uses TLS, the URL must begin with https://"))
}

/// Returns whether HTTP/2 may have failed because the peer expects TLS. It sends an alert, which is not an
/// HTTP/2 frame, and closes; either may be detected first.
fn looks_like_tls(error: &h2::Error) -> bool {
    let not_a_frame = error.reason() == Some(h2::Reason::FRAME_SIZE_ERROR) && !error.is_remote();
    not_a_frame || error.get_io().is_some_and(is_gone)
}

/// Texts of hyper for a connection that the peer closed before the request was sent.
const CLOSED: [&str; 2] = ["connection closed", "connection was not ready"];

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

fn describe(error: &rustls::Error) -> String {
    use rustls::Error::{InvalidCertificate, InvalidMessage as Malformed, NoCertificatesPresented};
    let known = match error {
        InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "its certificate is from an untrusted authority; trust it with --tls-ca FILE"
        }
        InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired"
        }
        InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "its certificate is not valid yet"
        }
        InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another host name",
        // Known by its text alone.
        InvalidCertificate(CertificateError::Other(other))
            if other.to_string().contains("CaUsedAsEndEntity") =>
        {
            "its certificate is that of an authority; make one with basicConstraints CA:FALSE"
        }
        Malformed(InvalidMessage::InvalidContentType) => {
            "it does not use TLS; the URL must begin with http://"
        }
        NoCertificatesPresented => "it has no certificate",
        other => return format!("TLS: {other}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_is_closed_at_once_may_want_https() {
        for text in CLOSED {
            let status = Status::from_error(Box::new(io::Error::other(text)));
            let explained = explain(&status).unwrap_or_default();
            assert!(
                explained.ends_with("the URL must begin with https://"),
                "{text}: {explained}"
            );
            assert_eq!(tls_cause(&status), None);
        }
        let status = Status::from_error("another failure".into());
        assert_eq!(explain(&status), None);
    }
}
