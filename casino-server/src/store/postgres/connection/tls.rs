//! TLS for `tokio-postgres` by rustls. Certificates are read once, when the ledger is opened.

use std::path::Path;
use std::sync::Arc;

use awesomestock_proto::command_line;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::store_url::postgres::TlsVerify;

/// ALPN protocol of PostgreSQL.
const PROTOCOL: &[u8] = b"postgresql";

#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("cannot read the certificate authorities in {path}", path = command_line::secret_path(path))]
    Authorities { path: Box<Path>, source: pem::Error },
    /// No authority in the file or the system.
    #[error("no trusted certificate authority; name a file with sslrootcert=FILE")]
    NoAuthority,
    #[error("cannot set up TLS")]
    Setup(#[from] rustls::Error),
}

/// Returns a connector that verifies the database's certificate as `trust` says.
pub(crate) fn connector(trust: &TlsVerify) -> Result<MakeRustlsConnect, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions()?;
    let mut config = match authorities(trust)? {
        Some(roots) => builder.with_root_certificates(roots),
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NoVerification(provider))),
    }
    .with_no_client_auth();
    config.alpn_protocols = vec![PROTOCOL.to_owned()];
    Ok(MakeRustlsConnect::new(config))
}

/// Returns the trusted authorities, `None` to trust every certificate.
fn authorities(trust: &TlsVerify) -> Result<Option<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    match trust {
        TlsVerify::None => return Ok(None),
        TlsVerify::System => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
        TlsVerify::CaFile(path) => {
            let failed = |source| TlsError::Authorities {
                path: path.as_path().into(),
                source,
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(failed)? {
                roots.add(certificate.map_err(failed)?)?;
            }
        }
    }
    match roots.is_empty() {
        true => Err(TlsError::NoAuthority),
        false => Ok(Some(roots)),
    }
}

/// Accepts any certificate, which protects against passive listeners only. Signatures are still verified.
#[derive(Debug)]
struct NoVerification(Arc<CryptoProvider>);

impl ServerCertVerifier for NoVerification {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
