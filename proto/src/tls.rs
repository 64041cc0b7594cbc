//! TLS on both sides: certificates from PEM files, and in words what a handshake failed of.
//!
//! Owns which authorities are trusted, and that a file that is of no use is refused at the start and not at the first
//! call. Certificates are read once: a new one is taken up by starting again.

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustls::{
    CertificateError, InvalidMessage,
    pki_types::{CertificateDer, pem::PemObject},
};
use tonic::{
    Status,
    transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig},
};

use crate::transport;

/// How long a handshake may take, so that those who connect and say nothing are let go.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds no certificate.
    #[error("{path} holds no certificate in PEM form", path = path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key are broken, or not of one another.
    #[error("{cert} and {key} are no certificate and its key", cert = cert.display(), key = key.display())]
    BadIdentity {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong with them.
        source: tonic::transport::Error,
    },
    /// Not a URL, or one that cannot be connected to so.
    #[error("the URL cannot be connected to")]
    Endpoint(#[from] tonic::transport::Error),
}

/// What a server shows to those who connect: its certificate, and that it has the key of it.
#[derive(Debug, Clone)]
pub struct ServerTls(ServerTlsConfig);

impl ServerTls {
    /// Reads a chain of certificates, the server's first, and its key, both in PEM form.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or they do not belong together.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let identity = Identity::from_pem(certificates(cert)?, read(key)?);
        let config = ServerTlsConfig::new()
            .identity(identity)
            .timeout(HANDSHAKE_DEADLINE);
        // Tried now: later there would be nobody to hear of it.
        match transport::server().tls_config(config.clone()) {
            Ok(_) => Ok(Self(config)),
            Err(source) => Err(TlsError::BadIdentity {
                cert: cert.to_owned(),
                key: key.to_owned(),
                source,
            }),
        }
    }

    /// As [`ServerTls::read`], if both files are given: `None` is a server without TLS.
    ///
    /// # Errors
    ///
    /// As [`ServerTls::read`].
    pub fn read_given(cert: Option<&Path>, key: Option<&Path>) -> Result<Option<Self>, TlsError> {
        cert.zip(key).map(|(cert, key)| Self::read(cert, key)).transpose()
    }

    /// `server`, which then speaks TLS alone. Handshakes are tasks of their own: accepting does not wait for them.
    pub(crate) fn on(&self, server: Server) -> Result<Server, tonic::transport::Error> {
        server.tls_config(self.0.clone())
    }
}

/// An endpoint with the contract's transport settings for `url`, `http://HOST:PORT` or `https://HOST:PORT`. The
/// authority whose certificate is in `ca` is trusted for https, and no other; without it, those that the system trusts.
///
/// # Errors
///
/// When `url` is none, or `ca` cannot be read, or the system trusts nobody.
pub fn endpoint(url: &str, ca: Option<&Path>) -> Result<Endpoint, TlsError> {
    let endpoint = transport::endpoint(url)?;
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(endpoint);
    }
    let config = ClientTlsConfig::new().timeout(HANDSHAKE_DEADLINE);
    let config = match ca {
        Some(path) => config.ca_certificate(Certificate::from_pem(certificates(path)?)),
        None => config.with_native_roots(),
    };
    Ok(endpoint.tls_config(config)?)
}

/// The bytes of a file with at least one certificate.
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

/// What the first call to a server failed of, if it was the way to it being secured on one side only, or not as the other
/// trusts. Of a server that has answered before, only a [`complaint`] says so: an end without a word is then just that.
#[must_use]
pub fn meaning(status: &Status) -> Option<String> {
    complaint(status).or_else(|| first_of(status.source(), hint))
}

/// What TLS has to complain of, if that is what a call failed of.
#[must_use]
pub fn complaint(status: &Status) -> Option<String> {
    first_of(status.source(), complaint_of)
}

/// The first thing that `words` says of an error or its sources.
fn first_of(
    mut next: Option<&(dyn Error + 'static)>,
    words: fn(&(dyn Error + 'static)) -> Option<String>,
) -> Option<String> {
    while let Some(error) = next {
        let said = words(error);
        if said.is_some() {
            return said;
        }
        next = error.source();
    }
    None
}

fn complaint_of(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(words(error));
    }
    // What an I/O error was made of is no source of it.
    let made_of = error.downcast_ref::<io::Error>()?.get_ref()?;
    complaint_of(made_of)
}

fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    let io = error.downcast_ref::<io::Error>();
    let looks_like_tls = io.is_some_and(is_gone) || error.downcast_ref().is_some_and(looks_like_tls);
    if looks_like_tls {
        return Some(format!(
            "{error}; where a server speaks TLS, the URL begins with https://"
        ));
    }
    hint(io?.get_ref()?)
}

/// Whether HTTP/2 may have failed because the other side speaks TLS. Its answer is an alert, which is no frame of HTTP/2,
/// and then it goes: what is seen of it first is chance.
fn looks_like_tls(error: &h2::Error) -> bool {
    let no_frame = error.reason() == Some(h2::Reason::FRAME_SIZE_ERROR) && !error.is_remote();
    no_frame || error.get_io().is_some_and(is_gone)
}

/// Whether the other side left without a word that HTTP/2 knows.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

fn words(error: &rustls::Error) -> String {
    use rustls::Error::{InvalidCertificate, InvalidMessage as Malformed, NoCertificatesPresented};
    let known = match error {
        InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "its certificate is by an authority that is not trusted here; --tls-ca FILE names one that is"
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
        Malformed(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS; without TLS the URL begins with http://"
        }
        NoCertificatesPresented => "it shows no certificate",
        other => return format!("TLS: {other}"),
    };
    known.to_owned()
}
